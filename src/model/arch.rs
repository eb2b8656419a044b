//! Names of architectures: RPM's, which metadata uses, and Go's, which containers use.

/// The name that Go and containers have for an architecture.
pub fn go_name(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_differ_and_the_others_do_not() {
        let names = ["x86_64", "aarch64", "ppc64le", "s390x", "amd64"].map(go_name);
        assert_eq!(names, ["amd64", "arm64", "ppc64le", "s390x", "amd64"]);
    }
}
