//! What people may ask for in a comment: `/lockstep silence 7d because …`.

/// The longest silence, in days.
const MOST_DAYS: u32 = 90;

/// A wish for silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Of this image alone; none: of all that the issue or comment is about.
    pub image: Option<String>,
    /// For so many days.
    pub days: u32,
    /// Why.
    pub reason: String,
}

/// Finds the wish in a comment: a line of its own, `/lockstep silence [IMAGE] DAYSd because REASON`. In a quotation, without a
/// reason, or for longer than ninety days it is none.
pub fn silence(comment: &str) -> Option<Silence> {
    comment.lines().find_map(one)
}

fn one(line: &str) -> Option<Silence> {
    let rest = line.trim_end().strip_prefix("/lockstep silence ")?;
    let (head, reason) = rest.split_once(" because ")?;
    let words: Vec<&str> = head.split_whitespace().collect();
    let (image, days) = match words.as_slice() {
        [days] => (None, days),
        [image, days] => (Some((*image).to_owned()), days),
        _ => return None,
    };
    let days: u32 = days.strip_suffix('d')?.parse().ok()?;
    let reason = reason.trim();
    let is_fit = (1..=MOST_DAYS).contains(&days) && !reason.is_empty();
    is_fit.then(|| Silence {
        image,
        days,
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_has_days_and_a_reason() {
        let found = silence("Thanks.\n/lockstep silence 7d because the base moves  \n");
        let expected = Silence {
            image: None,
            days: 7,
            reason: "the base moves".to_owned(),
        };
        assert_eq!(found, Some(expected));
        let image = silence("/lockstep silence etcd 90d because x").and_then(|found| found.image);
        assert_eq!(image.as_deref(), Some("etcd"));
        for none in [
            "/lockstep silence 7d",
            "/lockstep silence 7d because ",
            "> /lockstep silence 7d because it is quoted",
            "/lockstep silence 0d because x",
            "/lockstep silence 91d because x",
            "/lockstep silence forever because x",
            "/lockstep silence a b 7d because x",
            "/lockstep silence 4294967296d because x",
        ] {
            assert_eq!(silence(none), None, "{none}");
        }
    }
}
