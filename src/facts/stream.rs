//! `streams.yml` of ocp-build-data.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::literal::{self, Literal};
use super::view::{self, Form, Key, WrongForm};
use crate::yaml::{Node, Value};

/// The keys of a stream that rules see, with their places under the stream's name.
pub const KEYS: &[Key] = &[
    Key {
        view: "image",
        file: "image",
        form: Form::Text,
    },
    Key {
        view: "upstream_image",
        file: "upstream_image",
        form: Form::Text,
    },
    Key {
        view: "aliases",
        file: "aliases",
        form: Form::Texts,
    },
    Key {
        view: "okd.image",
        file: "okd.resolve_as.image",
        form: Form::Text,
    },
];

/// One stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stream {
    /// The stream's name.
    pub name: String,
    /// The line of its name.
    pub line: u32,
    /// The shaped view, as rules see it.
    #[serde(with = "super::json_text")]
    pub view: Json,
    /// Its part of the file, for places.
    pub node: Node,
    /// Texts with numbers that are the same whatever the variables are.
    pub literals: Vec<Literal>,
}

impl Stream {
    /// Adds what only the text of the file tells, as it is before variables are put in.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.literals = literal::find(&self.node, text);
        self
    }
}

/// Reads all streams of a parsed `streams.yml`, in the file's order, and what was wrong with some.
pub fn read(root: &Node) -> (Vec<Stream>, Vec<WrongForm>) {
    let (mut streams, mut faults) = (Vec::new(), Vec::new());
    match &root.value {
        Value::Map(map) => {
            for (key, node) in &map.entries {
                let shaped = view::shape(node, KEYS);
                faults.extend(shaped.faults);
                let (name, line) = (key.text.to_string(), key.pos.line);
                streams.push(Stream {
                    name,
                    line,
                    view: shaped.view,
                    node: node.clone(),
                    literals: Vec::new(),
                });
            }
        }
        Value::Null => {}
        _ => faults.push(WrongForm {
            key: String::new(),
            pos: root.pos,
            message: format!("a mapping of streams is expected here, this is {}", root.type_name()),
        }),
    }
    (streams, faults)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn names(text: &str) -> (Vec<String>, Vec<WrongForm>) {
        let (streams, faults) = read(&parse(text.as_bytes()).expect("YAML"));
        (streams.into_iter().map(|stream| stream.name).collect(), faults)
    }

    #[test]
    fn streams_keep_their_order_and_lines() {
        let root = parse(b"b: {image: x, aliases: [c]}\na:\n  upstream_image: y\n  okd: {resolve_as: {image: z}}\n");
        let (streams, faults) = read(&root.expect("YAML"));
        assert_eq!(faults, []);
        let told: Vec<_> = streams
            .iter()
            .map(|stream| (stream.name.as_str(), stream.line))
            .collect();
        assert_eq!(told, [("b", 1), ("a", 2)]);
        assert_eq!(streams[0].view["aliases"][0], "c");
        assert_eq!(
            (&streams[1].view["okd"]["image"], &streams[1].view["image"]),
            (&"z".into(), &"".into())
        );
    }

    #[test]
    fn an_odd_stream_costs_itself_only() {
        let (streams, faults) = names("a: text\nb: {image: [x]}\nc: {image: y}\n");
        assert_eq!(streams, ["a", "b", "c"]);
        assert_eq!(faults.iter().map(|fault| fault.pos.line).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(names("").0.len(), 0);
        assert_eq!(names("").1, []);
        assert!(names("[a]").1[0].message.contains("a mapping of streams is expected"));
    }
}
