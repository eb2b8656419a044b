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

#[test]
fn a_server_that_is_silent_or_only_drips_is_left() {
    use std::io::{Read as _, Write as _};
    use std::time::{Duration, Instant};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    // The first connection gets no answer, the second the beginning of one, the third one that never ends.
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for (number, stream) in listener.incoming().flatten().enumerate() {
            kept.push(std::thread::spawn(move || {
                let mut stream = stream;
                let _ = stream.read(&mut [0; 1024]);
                if number > 0 {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nx");
                }
                while number > 1 && stream.write_all(b"x").is_ok() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                std::thread::sleep(Duration::from_secs(30));
            }));
        }
    });
    let patience = Patience {
        silence: Duration::from_millis(300),
        total: Duration::from_secs(2),
    };
    for what in ["silent", "silent after a byte", "dripping"] {
        let began = Instant::now();
        let agent = ureq(patience).build().new_agent();
        let read = agent
            .get(&url)
            .call()
            .and_then(|mut answer| answer.body_mut().read_to_vec());
        let error = read.expect_err(what).to_string();
        assert!(error.contains("timeout"), "{what}: {error}");
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{what}: {:?}",
            began.elapsed()
        );
    }
}
