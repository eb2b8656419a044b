//! One mapping laid over another, as ART's tools do it.

use serde_json::Value as Json;

/// Lays a value over another: mappings recurse, everything else is replaced, lists and nothing (`null`) included. A key of
/// both keeps its place, a new one comes behind.
#[must_use]
pub fn overlay(under: &Json, over: &Json) -> Json {
    let (Json::Object(under), Json::Object(over)) = (under, over) else {
        return over.clone();
    };
    let mut merged = under.clone();
    for (key, value) in over {
        let value = match merged.get(key) {
            Some(there) => overlay(there, value),
            None => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    Json::Object(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mappings_recurse_and_the_rest_is_replaced() {
        let under = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}});
        let over = json!({"a": {"c": [3]}, "d": null, "e": 2, "g": {"h": 1}});
        let merged = json!({"a": {"b": 1, "c": [3]}, "d": null, "e": 2, "g": {"h": 1}});
        assert_eq!(overlay(&under, &over), merged);
        assert_eq!(overlay(&under, &json!({})), under);
    }
}
