//! Names of architectures: RPM's, which metadata uses, and Go's, which containers use.

/// The name that Go and containers have for an architecture.
pub fn go_name(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The architectures by the names that metadata has for them.
pub const NAMES: [&str; 5] = ["aarch64", "ppc64le", "riscv64", "s390x", "x86_64"];

/// The name that was meant by one that metadata has not: the same architecture's, or the one that differs least.
pub fn meant(name: &str) -> &'static str {
    let differs = |known: &str| strsim::damerau_levenshtein(name, known);
    let distance = |known: &&'static str| differs(known).min(differs(go_name(known)));
    NAMES.into_iter().min_by_key(distance).unwrap_or(NAMES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_differ_and_the_others_do_not() {
        let names = ["x86_64", "aarch64", "ppc64le", "s390x", "amd64"].map(go_name);
        assert_eq!(names, ["amd64", "arm64", "ppc64le", "s390x", "amd64"]);
    }

    #[test]
    fn what_was_meant_is_the_same_or_the_nearest() {
        let names = ["arm64", "amd64", "amd65", "x86-64", "ppc64el", "s390"].map(meant);
        assert_eq!(names, ["aarch64", "x86_64", "x86_64", "x86_64", "ppc64le", "s390x"]);
    }
}
