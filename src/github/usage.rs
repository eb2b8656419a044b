//! What requests cost: how many were made of each API, and what GitHub says is left.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;

use super::Secret;

/// What is left of one of GitHub's limits (`core`, `graphql`), as its answers say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Requests, or points of GraphQL, that may still be spent.
    pub left: u64,
    /// What may be spent in all.
    pub limit: u64,
    /// When it starts anew, in seconds since 1970-01-01.
    pub resets_at: i64,
}

/// What requests have cost so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests of REST.
    pub rest: u64,
    /// Questions of GraphQL.
    pub graphql: u64,
    /// What is left, by GitHub's name of the limit. Of several credentials that of the one that has least left.
    pub limits: BTreeMap<String, Limit>,
}

impl Usage {
    /// Adds what another client has used; both may use one credential, of which the lower count is the later one.
    pub fn merge(&mut self, other: Self) {
        self.rest += other.rest;
        self.graphql += other.graphql;
        for (name, limit) in other.limits {
            lower(&mut self.limits, name, limit);
        }
    }
}

/// Counts requests and reads what answers say about limits.
#[derive(Debug, Default)]
pub struct Meter {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    rest: u64,
    graphql: u64,
    /// By limit and credential: each of an app's installations has limits of its own.
    limits: BTreeMap<(String, u64), Limit>,
}

impl Meter {
    /// Counts a request.
    pub fn sent(&self, is_graphql: bool) {
        let mut inner = self.inner();
        match is_graphql {
            true => inner.graphql += 1,
            false => inner.rest += 1,
        }
    }

    /// Takes down what an answer says about the limit that it counts against.
    pub fn answered(&self, token: &Secret, is_graphql: bool, headers: &HeaderMap, now: i64) {
        let Some(limit) = read(headers) else { return };
        let header = headers.get("x-ratelimit-resource");
        let named = header.and_then(|name| name.to_str().ok()).filter(|name| is_name(name));
        let name = named.unwrap_or(if is_graphql { "graphql" } else { "core" });
        let mut hasher = DefaultHasher::new();
        token.expose().hash(&mut hasher);
        let mut inner = self.inner();
        // A limit that has started anew says nothing any more; of a credential that is gone neither.
        inner.limits.retain(|_, limit| limit.resets_at > now);
        inner.limits.insert((name.to_owned(), hasher.finish()), limit);
    }

    /// What was used so far. A limit that has started anew meanwhile is not known until it is asked for again.
    pub fn usage(&self, now: i64) -> Usage {
        let inner = self.inner();
        let mut limits = BTreeMap::new();
        for ((name, _), limit) in inner.limits.iter().filter(|(_, limit)| limit.resets_at > now) {
            lower(&mut limits, name.clone(), *limit);
        }
        Usage {
            rest: inner.rest,
            graphql: inner.graphql,
            limits,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lower(limits: &mut BTreeMap<String, Limit>, name: String, limit: Limit) {
    let known = limits.entry(name).or_insert(limit);
    if limit.left < known.left {
        *known = limit;
    }
}

/// GitHub's own names are like this; what else a proxy may say is nothing to make a label of.
fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn read(headers: &HeaderMap) -> Option<Limit> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    Some(Limit {
        left: number("x-ratelimit-remaining")?,
        limit: number("x-ratelimit-limit")?,
        resets_at: i64::try_from(number("x-ratelimit-reset")?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(said: &[(&'static str, &str)]) -> HeaderMap {
        let said = said.iter().map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        said.collect()
    }

    fn left(left: &str, more: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut all = vec![
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-reset", "1000"),
        ];
        all.extend(more);
        headers(&all)
    }

    #[test]
    fn each_api_has_a_count_and_a_limit_of_its_own() {
        let (meter, token) = (Meter::default(), Secret::new("t"));
        for is_graphql in [false, true, true] {
            meter.sent(is_graphql);
        }
        meter.answered(&token, false, &left("4990", &[("x-ratelimit-resource", "core")]), 1);
        meter.answered(&token, true, &left("70", &[]), 1);
        let usage = meter.usage(1);
        assert_eq!((usage.rest, usage.graphql), (1, 2));
        let limit = |left| Limit {
            left,
            limit: 5000,
            resets_at: 1000,
        };
        let expected = [("core", 4990), ("graphql", 70)].map(|(name, count)| (name.to_owned(), limit(count)));
        assert_eq!(usage.limits, expected.into());
    }

    #[test]
    fn of_several_credentials_the_one_with_least_left_counts() {
        let meter = Meter::default();
        meter.answered(&Secret::new("one"), false, &left("10", &[]), 1);
        meter.answered(&Secret::new("other"), false, &left("4000", &[]), 1);
        assert_eq!(meter.usage(1).limits["core"].left, 10);
        meter.answered(&Secret::new("one"), false, &left("9", &[]), 1);
        assert_eq!(meter.usage(1).limits["core"].left, 9);
        let other = headers(&[
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "3999"),
            ("x-ratelimit-reset", "9000"),
        ]);
        meter.answered(&Secret::new("other"), false, &other, 900);
        assert_eq!(meter.usage(999).limits["core"].left, 9);
        assert_eq!(meter.usage(1000).limits["core"].left, 3999, "the other's hour is over");
    }

    #[test]
    fn what_answers_do_not_say_is_not_known() {
        let (meter, token) = (Meter::default(), Secret::new("t"));
        meter.answered(&token, false, &headers(&[("x-ratelimit-remaining", "9")]), 1);
        meter.answered(&token, false, &left("many", &[]), 1);
        assert_eq!(meter.usage(1), Usage::default());
        meter.answered(&token, false, &left("5", &[("x-ratelimit-resource", "\"}evil")]), 1);
        assert_eq!(meter.usage(1).limits.keys().collect::<Vec<_>>(), ["core"]);
    }

    #[test]
    fn two_clients_come_together() {
        let one = Meter::default();
        one.sent(true);
        one.answered(&Secret::new("t"), true, &left("100", &[]), 1);
        let mut usage = Usage::default();
        for _ in 0..2 {
            usage.merge(one.usage(1));
        }
        assert_eq!((usage.graphql, usage.limits["graphql"].left), (2, 100));
    }
}
