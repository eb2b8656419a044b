//! Codes about content that are noticed while a config is rendered.

use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};

/// The codes.
pub static CODES: &[Code] = &[Code {
    name: "foreign-pullspec",
    family: Family::Content,
    severity: Warning,
    title: "a FROM cannot be replaced because CI's registry does not serve its image",
    means: "The image that a FROM stands for is in another registry than CI's. The FROM is left as the Dockerfile has it, which is what OCP builds from.",
    action: "Give the stream an `upstream_image` in CI's registry.",
    example: "stream base of beacon stands for quay.example.com/a/b:1, which CI's registry does not serve; its FROM stays base:9",
    fix: None,
}];
