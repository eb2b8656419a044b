//! The payload as it was last built from a URL, a folder and a repository: read, missing, broken and too large.

use crate::support::audit_world;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use audit_world::World;
use serde_json::Value as Json;

const REFERENCES: &str = "kind: ImageStream\nspec:\n  tags:\n  - name: beacon\n  - name: harbor-base\n  - name: tidewatch\n  \
                          - name: old-lamp\n";
const VERSION: &str = "{\"kind\": \"cincinnati-metadata-v0\", \"version\": \"4.16.0-okd-scos.7\"}";
/// More than is read of one file.
const LARGE: usize = (8 << 20) + 1;

/// What an audit finds with `sources.payload` of this form.
fn audit(world: &World, payload: &str) -> Json {
    let sources = format!("sources: {{payload: {payload}}}");
    world.configure(&serde_yaml::from_str(&sources).expect("YAML"));
    let ran = world.run(&[]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

fn of<'r>(report: &'r Json, code: &str) -> Vec<&'r Json> {
    let findings = report["findings"].as_array().expect("findings").iter();
    findings.filter(|finding| finding["code"] == code).collect()
}

/// The one thing that is said of a payload that cannot be read; without it nothing is compared, and that is said, too.
fn unread(report: &Json) -> String {
    let told = of(report, "unreadable-payload");
    assert_eq!(told.len(), 1, "{report:#}");
    let skipped = report["skipped"].as_array().expect("skipped").iter();
    let mut codes = skipped.flat_map(|one| one["codes"].as_array().into_iter().flatten());
    assert!(codes.any(|code| code == "payload-tag-gone"), "{report:#}");
    told[0]["message"].as_str().unwrap_or_default().to_owned()
}

/// The file and line at which the tag stands that nothing is built for any more.
fn read_at(report: &Json) -> String {
    assert_eq!(of(report, "unreadable-payload").len(), 0, "{report:#}");
    let told = of(report, "payload-tag-without-source");
    assert_eq!(told.len(), 1, "{report:#}");
    let place = &told[0]["place"];
    format!("{}:{}", place["file"].as_str().unwrap_or_default(), place["line"])
}

fn write(world: &World, path: &str, text: &[u8]) {
    let path = world.path(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

/// Serves one path with this status and body, without saying how long it is; its address.
fn serve(status: u16, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let head = format!("HTTP/1.1 {status} said\r\nConnection: close\r\n\r\n");
            // A client that has read enough goes away.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    format!("http://{address}/image-references")
}

#[test]
fn a_url() {
    let at = |status, body: &[u8]| {
        let url = serve(status, body.to_vec());
        (audit(&World::base(), &format!("{{image-references: '{url}'}}")), url)
    };
    let (report, url) = at(200, REFERENCES.as_bytes());
    assert_eq!(read_at(&report), format!("{url}:7"));
    let (report, url) = at(404, b"");
    let told = unread(&report);
    assert!(told.contains(&url) && told.contains("no such file"), "{told}");
    assert!(unread(&at(500, b"").0).contains("500"));
    assert!(unread(&at(200, b"kind: Deployment\n").0).contains("ImageStream"));
    assert!(!unread(&at(200, b"\xff\xfe").0).is_empty());
    let told = unread(&at(200, &vec![b' '; LARGE]).0);
    assert!(told.contains("large") || told.contains("limit"), "{told}");
    let told = unread(&audit(
        &World::base(),
        "{image-references: 'http://127.0.0.1:1/image-references'}",
    ));
    assert!(told.contains("127.0.0.1:1"), "{told}");
}

#[test]
fn a_folder_as_a_release_image_has_it() {
    let world = World::base();
    write(&world, "manifests/image-references", REFERENCES.as_bytes());
    write(&world, "manifests/release-metadata", VERSION.as_bytes());
    assert_eq!(
        read_at(&audit(&world, "{image-references: ./manifests}")),
        "manifests/image-references:7"
    );
    write(&world, "manifests/release-metadata", b"{");
    let report = audit(&world, "{image-references: ./manifests}");
    let told = of(&report, "unreadable-payload");
    assert_eq!(told.len(), 1, "the version alone is not known: {report:#}");
    assert_eq!(told[0]["place"]["file"], "manifests/release-metadata");
    assert_eq!(of(&report, "payload-tag-without-source").len(), 1);

    fs::remove_file(world.path("manifests/image-references")).expect("it goes");
    let told = unread(&audit(&world, "{image-references: ./manifests}"));
    assert!(told.contains("manifests/image-references"), "{told}");
    write(&world, "manifests/image-references", &vec![b' '; LARGE]);
    let told = unread(&audit(&world, "{image-references: ./manifests}"));
    assert!(told.contains("larger than"), "{told}");
    let told = unread(&audit(&world, "{image-references: ./elsewhere}"));
    assert!(told.contains("elsewhere"), "{told}");
}

#[test]
fn a_repository() {
    let world = World::base();
    write(&world, "manifests/4.16/image-references", REFERENCES.as_bytes());
    write(&world, "manifests/large", &vec![b' '; LARGE]);
    let repo = "{repo: manifests, branch: payloads}";
    world
        .commit(&serde_yaml::from_str(repo).expect("YAML"))
        .expect("a commit");
    let payload =
        |branch: &str, path: &str| format!("{{repo: manifests, branch: {branch}, image-references: '{path}'}}");
    let report = audit(&world, &payload("payloads", "{release}/image-references"));
    assert_eq!(read_at(&report), "4.16/image-references:7");
    let place = &of(&report, "payload-tag-without-source")[0]["place"];
    assert_eq!(place["commit"].as_str().map(str::len), Some(40), "{place}");
    for (branch, path, said) in [
        ("payloads", "{release}/nothing", "no file `4.16/nothing`"),
        ("other", "{release}/image-references", "other"),
        ("payloads", "large", "larg"),
        ("payloads", "4.16", "4.16"),
    ] {
        let told = unread(&audit(&world, &payload(branch, path)));
        assert!(told.contains(said), "{branch} {path}: {told}");
    }
}
