use super::*;

#[test]
fn takes_certificates_and_nothing_else() {
    let item = |kind: &str| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
    let pem = format!(
        "text\n{}{}{}",
        item("CERTIFICATE"),
        item("PRIVATE KEY"),
        item("CERTIFICATE")
    );
    assert_eq!(certificates(pem.as_bytes()).len(), 2);
    assert!(certificates(b"no PEM").is_empty());
    assert!(trusted().len() > 50, "the public ones are built in");
}

#[test]
fn this_machine_is_known_by_each_of_its_names() {
    for host in [
        "localhost",
        "LOCALHOST:5000",
        "127.0.0.1",
        "127.1.2.3:80",
        "[::1]:443",
        "::1",
    ] {
        assert!(is_loopback(host), "{host}");
        assert!(proxy(host).is_none(), "{host}");
    }
    for host in [
        "localhost.example.com",
        "10.0.0.1",
        "github.com:443",
        "[2001:db8::1]",
        "",
    ] {
        assert!(!is_loopback(host), "{host}");
    }
}
