//! Answers from outside as structs: what is missing or odd costs its own field or item, never the answer around it.

use std::ops::Deref;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

/// A field of an answer: the default where it is missing, `null` or of another form. A struct of such fields has `#[serde(default)]`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Loose<T>(pub T);

/// A field that an answer may have.
pub type May<T> = Loose<Option<T>>;

/// A list in an answer. An odd item is a default in its place, so that the others keep theirs.
#[derive(Debug, PartialEq, Eq)]
pub struct List<T>(Option<Vec<Loose<T>>>);

impl<T> List<T> {
    /// The items, where it is a list at all.
    pub fn items(&self) -> Option<&[Loose<T>]> {
        self.0.as_deref()
    }

    /// Takes the items out.
    pub fn into_items(self) -> Option<Vec<Loose<T>>> {
        self.0
    }
}

/// An answer in a form; `None`: it has another.
pub fn read<T: DeserializeOwned>(answer: &Value) -> Option<T> {
    // serde would take a list for the fields of a struct, one after the other.
    (!answer.is_array()).then(|| T::deserialize(answer).ok()).flatten()
}

impl<'de, T: Default + DeserializeOwned> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(match value.is_array() {
            true => T::default(),
            false => T::deserialize(value).unwrap_or_default(),
        }))
    }
}

impl<'de, T: Default + DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(Vec::deserialize(value).ok()))
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for Loose<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for List<T> {
    type Target = [Loose<T>];

    fn deref(&self) -> &[Loose<T>] {
        self.0.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Item {
        number: May<u64>,
        title: Loose<String>,
        by: Loose<By>,
        labels: List<By>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct By {
        login: Loose<String>,
    }

    fn item(value: &Value) -> Item {
        read(value).expect("an item")
    }

    #[test]
    fn what_is_odd_costs_its_own_field() {
        let all = json!({"number": 7, "title": "t", "by": {"login": "a"}, "labels": [{"login": "b"}], "more": [1]});
        let found = item(&all);
        assert_eq!((*found.number, found.title.as_str()), (Some(7), "t"));
        assert_eq!((found.by.login.as_str(), found.labels[0].login.as_str()), ("a", "b"));
        for odd in [
            json!(null),
            json!("x"),
            json!([["a"]]),
            json!({"login": 1}),
            json!(-1.5),
        ] {
            let mut one = all.clone();
            for key in ["number", "by", "labels"] {
                one[key] = odd.clone();
            }
            let found = item(&one);
            assert_eq!((*found.number, found.title.as_str()), (None, "t"), "{odd}");
            assert_eq!(found.by.login.as_str(), "", "{odd}: a list is no struct");
            assert!(found.labels.iter().all(|label| label.login.is_empty()), "{odd}");
        }
        assert_eq!(item(&json!({})), Item::default());
    }

    #[test]
    fn an_odd_item_leaves_the_others_where_they_are() {
        let found: Item = item(&json!({"labels": [null, {"login": "a"}, ["x"], {"login": 3}]}));
        let logins: Vec<&str> = found.labels.iter().map(|by| by.login.as_str()).collect();
        assert_eq!(logins, ["", "a", "", ""]);
        assert_eq!(item(&json!({"labels": {}})).labels.items(), None, "no list");
        assert_eq!(item(&json!({"labels": []})).labels.items().map(<[_]>::len), Some(0));
    }

    #[test]
    fn an_answer_of_another_form_is_none() {
        for answer in [json!(null), json!(1), json!("x"), json!([7, "t"])] {
            assert_eq!(read::<Item>(&answer), None, "{answer}");
        }
    }
}
