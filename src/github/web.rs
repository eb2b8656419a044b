//! Where people look at what the API tells of.

use crate::base::RepoName;

/// The web host that belongs to an API's URL: `https://api.github.com`, `https://HOST/api/v3`.
pub fn host(api: &str) -> String {
    match api.strip_suffix("/api/v3") {
        Some(host) => host.to_owned(),
        None => api.replacen("://api.", "://", 1),
    }
}

/// The page of a pull request.
pub fn pull_request(host: &str, repo: &RepoName, number: u64) -> String {
    format!("{host}/{repo}/pull/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_hosts_of_apis() {
        assert_eq!(host("https://api.github.com"), "https://github.com");
        assert_eq!(host("https://ghe.example.org/api/v3"), "https://ghe.example.org");
        assert_eq!(host("http://127.0.0.1:81"), "http://127.0.0.1:81");
    }

    #[test]
    fn pull_requests_have_pages() {
        let repo = "openshift/release".parse().unwrap();
        assert_eq!(
            pull_request("https://github.com", &repo, 7),
            "https://github.com/openshift/release/pull/7"
        );
    }
}
