//! The small questions to a registry, asked here so that they are bounded and so that a login goes to nobody else: which
//! token it wants, which digest a tag has, and a manifest. Layers are the client library's business, which streams them.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_auth::ChallengeParser;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use sha2::{Digest as _, Sha256};
use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body};

use super::error::OciErrorKind;
use super::login::Login;
use super::{MAX_MANIFEST, MEDIA_TYPES};
use crate::net::{self, is_loopback};
use crate::source::http::plain;

/// The largest answer with a token, in bytes.
const MAX_TOKEN: u64 = 1 << 20;

/// Asks one registry about one image.
pub(super) struct Asker {
    agent: Agent,
    /// `https://host/v2/`
    base: String,
    registry: String,
    repository: String,
    told: String,
    /// What the registry wants to see, once that is settled.
    auth: RegistryAuth,
}

impl Asker {
    /// Asks the registry what it wants to see before it answers. `open`: it is asked without encryption.
    pub fn new(image: &Reference, login: &Login, open: bool) -> Result<Self, OciErrorKind> {
        let config = net::ureq(net::API)
            .https_only(!open)
            .proxy(net::proxy(image.resolve_registry()));
        let scheme = if open { "http" } else { "https" };
        let mut asker = Self {
            agent: config.build().new_agent(),
            base: format!("{scheme}://{}/v2/", image.resolve_registry()),
            registry: image.registry().to_owned(),
            repository: image.repository().to_owned(),
            told: login.told.clone(),
            auth: RegistryAuth::Anonymous,
        };
        asker.auth = asker.wanted(&login.auth, open)?;
        Ok(asker)
    }

    /// What the registry wants to see.
    pub fn auth(&self) -> &RegistryAuth {
        &self.auth
    }

    /// What a registry wants: nothing, the login itself, or a token that somebody else gives for it.
    fn wanted(&self, login: &RegistryAuth, open: bool) -> Result<RegistryAuth, OciErrorKind> {
        let answer = self.agent.get(&self.base).call().map_err(unreachable)?;
        let headers = answer.headers().get_all(header::WWW_AUTHENTICATE);
        let texts: Vec<&str> = headers.iter().filter_map(|text| text.to_str().ok()).collect();
        let challenges = texts.iter().flat_map(|text| ChallengeParser::new(text)).flatten();
        let (mut bearer, mut basic) = (None, false);
        for challenge in challenges {
            if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let value = |name: &str| {
                    let mut params = challenge.params.iter();
                    let found = params.find(|(key, _)| key.eq_ignore_ascii_case(name));
                    found.map(|(_, value)| value.to_unescaped())
                };
                bearer = value("realm").map(|realm| (realm, value("service")));
            }
            basic |= challenge.scheme.eq_ignore_ascii_case("basic");
        }
        let sends = !matches!(login, RegistryAuth::Anonymous);
        if sends && (basic || bearer.is_some()) && open && !is_loopback(&self.registry) {
            let text = "it is asked without encryption (`sources.payload.insecure`), so no login is sent to it";
            return Err(OciErrorKind::Denied(text.to_owned()));
        }
        match (bearer, login) {
            (Some(_), RegistryAuth::Bearer(token)) => Ok(RegistryAuth::Bearer(usable(token)?)),
            (Some((realm, service)), _) => self.token(&realm, service.as_deref(), login, open),
            (None, RegistryAuth::Basic(..) | RegistryAuth::Bearer(_)) if basic => Ok(login.clone()),
            // Whoever asks for no login gets none.
            (None, _) => Ok(RegistryAuth::Anonymous),
        }
    }

    /// Asks for a token where the registry says so.
    fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        login: &RegistryAuth,
        open: bool,
    ) -> Result<RegistryAuth, OciErrorKind> {
        let sends = matches!(login, RegistryAuth::Basic(..));
        if let Some(why) = realm_fault(realm, &self.registry, sends, open) {
            return Err(OciErrorKind::Denied(why));
        }
        let scope = format!("repository:{}:pull", self.repository);
        let mut call = self.agent.get(realm).query("scope", scope);
        if let Some(service) = service {
            call = call.query("service", service);
        }
        if let RegistryAuth::Basic(user, password) = login {
            let both = STANDARD.encode(format!("{user}:{password}"));
            call = call.header(header::AUTHORIZATION, format!("Basic {both}"));
        }
        // A redirect would lead to where nobody has looked whether it may have the login.
        let answer = call
            .config()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .https_only(false)
            .build();
        let answer = self.checked(answer.call().map_err(unreachable)?)?;
        let bytes = read(answer, MAX_TOKEN).map_err(|error| match error {
            OciErrorKind::TooLarge(_) => {
                OciErrorKind::Unreachable("what came in place of a token is too large".to_owned())
            }
            other => other,
        })?;
        let answer: Token = serde_json::from_slice(&bytes)
            .map_err(|_| OciErrorKind::Unreachable("what came in place of a token is no JSON".to_owned()))?;
        let token = answer.token.or(answer.access_token).unwrap_or_default();
        Ok(RegistryAuth::Bearer(usable(&token)?))
    }

    /// The digest that a tag stands for now.
    pub fn digest(&self, tag: &str) -> Result<String, OciErrorKind> {
        let url = self.url(tag);
        let accept = MEDIA_TYPES.join(", ");
        let mut call = self.agent.head(&url).header(header::ACCEPT, &accept);
        if let Some(auth) = self.authorization() {
            call = call.header(header::AUTHORIZATION, auth);
        }
        let answer = self.checked(call.call().map_err(unreachable)?)?;
        let said = answer.headers().get("docker-content-digest");
        match said.and_then(|digest| digest.to_str().ok()) {
            Some(digest) => Ok(digest.to_owned()),
            None => {
                let hex = crate::base::text::hex(&Sha256::digest(self.manifest(tag)?));
                Ok(format!("sha256:{hex}"))
            }
        }
    }

    /// A manifest by tag or digest, as it came.
    pub fn manifest(&self, reference: &str) -> Result<Vec<u8>, OciErrorKind> {
        let accept = MEDIA_TYPES.join(", ");
        let mut call = self.agent.get(self.url(reference)).header(header::ACCEPT, &accept);
        if let Some(auth) = self.authorization() {
            call = call.header(header::AUTHORIZATION, auth);
        }
        let answer = self.checked(call.call().map_err(unreachable)?)?;
        read(answer, MAX_MANIFEST)
    }

    fn url(&self, reference: &str) -> String {
        format!("{}{}/manifests/{reference}", self.base, self.repository)
    }

    fn authorization(&self) -> Option<String> {
        match &self.auth {
            RegistryAuth::Anonymous => None,
            RegistryAuth::Bearer(token) => Some(format!("Bearer {token}")),
            RegistryAuth::Basic(user, password) => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
        }
    }

    /// An answer that says yes.
    fn checked(&self, answer: Response<Body>) -> Result<Response<Body>, OciErrorKind> {
        match answer.status() {
            StatusCode::OK => Ok(answer),
            StatusCode::NOT_FOUND => Err(OciErrorKind::NotFound),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(OciErrorKind::Denied(self.told.clone())),
            status => Err(OciErrorKind::Unreachable(format!("it answered {}", status.as_u16()))),
        }
    }
}

#[derive(serde::Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

fn unreachable(error: ureq::Error) -> OciErrorKind {
    OciErrorKind::Unreachable(plain(&error.to_string()))
}

/// Reads an answer of at most so many bytes.
fn read(answer: Response<Body>, most: u64) -> Result<Vec<u8>, OciErrorKind> {
    let too_large = || {
        OciErrorKind::TooLarge(format!(
            "an answer of more than {most} bytes where a manifest was expected"
        ))
    };
    if answer.body().content_length().is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let mut reader = answer.into_body().into_reader().take(most + 1);
    reader
        .read_to_end(&mut bytes)
        .map_err(|error| OciErrorKind::Unreachable(plain(&error.to_string())))?;
    if bytes.len() as u64 > most {
        return Err(too_large());
    }
    Ok(bytes)
}

/// A token that can stand in a header.
fn usable(token: &str) -> Result<String, OciErrorKind> {
    if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(token.to_owned())
    } else {
        Err(OciErrorKind::Unreachable(
            "the token for it is none that can be sent".to_owned(),
        ))
    }
}

/// Why nobody is asked for a token at an address that a registry names. A login goes to nobody but the registry's own site,
/// and never without encryption to another machine.
fn realm_fault(realm: &str, registry: &str, sends: bool, open: bool) -> Option<String> {
    let shown = plain(realm);
    let uri: Option<Uri> = realm.parse().ok();
    let (Some(scheme), Some(host)) = (uri.as_ref().and_then(Uri::scheme_str), uri.as_ref().and_then(Uri::host)) else {
        return Some(format!("it wants a token from `{shown}`, which is no address"));
    };
    let local = is_loopback(host) && is_loopback(registry);
    let encrypted = scheme == "https" || (scheme == "http" && (local || (open && !sends)));
    if !encrypted {
        return Some(format!(
            "it wants a token from {shown}, which is not encrypted; nothing was sent there"
        ));
    }
    if sends && !local && !is_of(host, host_of(registry)) {
        return Some(format!(
            "it wants the login to be sent to {shown}, which is another site's; nothing was sent there"
        ));
    }
    None
}

/// A registry's name without its port.
fn host_of(registry: &str) -> &str {
    match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    }
}

/// Whether two hosts are of one site: the same, one below the other, or both below a name that somebody can own.
fn is_of(host: &str, registry: &str) -> bool {
    let (host, registry) = (host.to_ascii_lowercase(), registry.to_ascii_lowercase());
    if host == registry {
        return true;
    }
    let is_number = |host: &str| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    if is_number(&host) || is_number(&registry) {
        return false;
    }
    let (one, other): (Vec<&str>, Vec<&str>) = (host.rsplit('.').collect(), registry.rsplit('.').collect());
    let common = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let whole = common == one.len() || common == other.len();
    // `co.uk` is nobody's own.
    let shared = matches!(one.as_slice(), [last, second, ..] if last.len() == 2 && second.len() <= 3);
    common >= if whole || !shared { 2 } else { 3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_goes_to_the_registry_s_own_site_only_and_encrypted() {
        for (realm, registry, sends) in [
            ("https://quay.io/v2/auth", "quay.io", true),
            ("https://auth.docker.io/token", "docker.io", true),
            ("https://gitlab.example.com/jwt/auth", "registry.example.com:5000", true),
            ("https://AUTH.quay.io/token", "quay.io", true),
            ("http://127.0.0.1:5000/token", "localhost:5000", true),
            ("https://elsewhere.example.net/token", "quay.io", false),
        ] {
            assert_eq!(realm_fault(realm, registry, sends, false), None, "{realm} {registry}");
        }
        for (realm, registry, sends) in [
            ("https://evil.io/token", "quay.io", true),
            ("https://quay.io.evil.net/token", "quay.io", true),
            ("https://quay.io@evil.net/token", "quay.io", true),
            ("https://notquay.io/token", "quay.io", true),
            ("https://evil.co.uk/token", "mine.co.uk", true),
            ("https://10.0.0.1/token", "10.0.0.2", true),
            ("http://quay.io/token", "quay.io", true),
            ("http://quay.io/token", "quay.io", false),
            ("http://127.0.0.1:80/token", "quay.io", true),
            ("https://127.0.0.1/token", "quay.io", true),
            ("ftp://quay.io/token", "quay.io", true),
            ("/token", "quay.io", true),
            ("", "quay.io", true),
        ] {
            assert!(
                realm_fault(realm, registry, sends, false).is_some(),
                "{realm} {registry}"
            );
        }
        // Somebody said that it is asked without encryption; a login is still not sent so.
        assert_eq!(realm_fault("http://reg.lan/token", "reg.lan", false, true), None);
        assert!(realm_fault("http://reg.lan/token", "reg.lan", true, true).is_some());
    }

    #[test]
    fn a_token_is_one_word() {
        assert_eq!(usable("a.b-c=="), Ok("a.b-c==".to_owned()));
        for token in ["", "a b", "a\r\nX: y", "ä"] {
            assert!(usable(token).is_err(), "{token:?}");
        }
    }
}
