//! Faults that the fake can be told to have.

use serde_json::{Value, json};

/// A status, headers and a body.
pub type Answer = (u16, Vec<(&'static str, String)>, Value);

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends before anything is done.
    Lost,
    /// It is done, and the connection ends before the answer.
    LostAfter,
    /// Trouble of the server, nothing is done.
    Server(u16),
    /// It is done, and the server says that it has trouble.
    ServerAfter(u16),
    /// The limit for bursts.
    Secondary,
    /// The limit of an hour, to be lifted in some seconds.
    Primary(u64),
    /// The limit for abuse, which comes without a time.
    Abuse,
    /// Not permitted.
    Forbidden,
    /// No access to the repository.
    NotFound,
    /// The credential is not accepted.
    Unauthorized,
    /// Does not fit what is there.
    Unprocessable,
    /// Something else changed it.
    Conflict,
    /// It is done, and the answer is cut short.
    Truncated,
    /// A page for people instead of an answer.
    Page,
    /// Sent to another host.
    Elsewhere,
    /// No answer for longer than anybody waits, and nothing is done.
    Stalls,
    /// It is done, and no answer comes for longer than anybody waits.
    StallsAfter,
}

impl Fault {
    /// All kinds that come to an end by themselves.
    pub const ALL: [Self; 15] = [
        Self::Lost,
        Self::LostAfter,
        Self::Server(502),
        Self::ServerAfter(500),
        Self::Secondary,
        Self::Primary(30),
        Self::Abuse,
        Self::Forbidden,
        Self::NotFound,
        Self::Unauthorized,
        Self::Unprocessable,
        Self::Conflict,
        Self::Truncated,
        Self::Page,
        Self::Elsewhere,
    ];

    /// Whether what was asked is carried out all the same.
    pub fn is_after(self) -> bool {
        matches!(
            self,
            Self::LostAfter | Self::ServerAfter(_) | Self::Truncated | Self::StallsAfter
        )
    }

    /// Whether the connection stays open without an answer.
    pub fn stalls(self) -> bool {
        matches!(self, Self::Stalls | Self::StallsAfter)
    }

    /// Whether the same request, made again, or a new look, gets through.
    pub fn passes(self) -> bool {
        !matches!(
            self,
            Self::Forbidden
                | Self::NotFound
                | Self::Unauthorized
                | Self::Elsewhere
                | Self::Unprocessable
                | Self::Conflict
        )
    }

    /// The status, headers and body of the answer; `None`: there is none.
    pub fn answer(self, now: u64) -> Option<Answer> {
        let said = |status, message: &str| {
            Some((
                status,
                Vec::new(),
                json!({ "message": message, "documentation_url": "https://docs.github.com/rest" }),
            ))
        };
        match self {
            Self::Lost | Self::LostAfter | Self::Truncated | Self::Page | Self::Stalls | Self::StallsAfter => None,
            Self::Server(status) | Self::ServerAfter(status) => said(status, "Server Error"),
            Self::Secondary => {
                let (status, _, body) = said(403, "You have exceeded a secondary rate limit.")?;
                Some((status, vec![("retry-after", "7".into())], body))
            }
            Self::Primary(seconds) => {
                let (status, _, body) = said(403, "API rate limit exceeded")?;
                let reset = (now + seconds).to_string();
                let headers = vec![("x-ratelimit-remaining", "0".into()), ("x-ratelimit-reset", reset)];
                Some((status, headers, body))
            }
            Self::Abuse => said(429, "You have triggered an abuse detection mechanism."),
            Self::Forbidden => said(403, "Resource not accessible by integration"),
            Self::NotFound => said(404, "Not Found"),
            Self::Unauthorized => said(401, "Bad credentials"),
            Self::Unprocessable => said(422, "Validation Failed"),
            Self::Conflict => said(409, "Conflict"),
            Self::Elsewhere => Some((307, vec![("location", "http://127.0.0.2:9/stolen".into())], Value::Null)),
        }
    }
}

/// A fault at one request, or from it on.
#[derive(Clone, Copy, Debug)]
pub struct Switch {
    pub at: usize,
    pub fault: Fault,
    pub stays: bool,
}

impl Switch {
    pub fn strikes(&self, request: usize) -> bool {
        request == self.at || (self.stays && request > self.at)
    }
}
