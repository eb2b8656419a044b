//! Measures what reading a release's Dockerfiles and asking the simulator of CI's builder takes: 3,000 Dockerfiles at once.

use divan::{Bencher, black_box};
use lockstep::facts::dockerfile::Dockerfile;
use lockstep::model::replacement::{Recipe, Replacements, replace};

fn main() {
    divan::main();
}

/// How many Dockerfiles are measured: more than ten releases have.
const COUNT: usize = 3000;

/// Dockerfiles of the usual size, no two alike.
fn dockerfiles() -> Vec<String> {
    let one = |at: usize| {
        let mut text = format!("ARG BASE=registry.example.com/ocp/4.{at}:base\n");
        for stage in 0..=at % 4 {
            let name = format!("builder{stage}");
            text.push_str(&format!(
                "FROM registry.example.com/ocp/builder:golang-1.{at} AS {name}\nWORKDIR /go/src\nCOPY . .\n"
            ));
            text.push_str(
                &"RUN INSTALL_PKGS=\"a b c\" && \\\n    dnf install -y ${INSTALL_PKGS} && \\\n    make build\n"
                    .repeat(10),
            );
        }
        text.push_str(
            "FROM ${BASE}\nCOPY --from=builder0 /a /b\nCOPY --from=registry.example.com/ocp/4.1:cli /oc /usr/bin/\n",
        );
        text.push_str("RUN podman pull registry.example.com/a/b:c\nLABEL io.openshift.release.operator=true\n");
        text
    };
    (0..COUNT).map(one).collect()
}

fn replaced(recipe: &Recipe) -> usize {
    let texts = [
        ("registry.example.com/ocp/4.1:cli", "cli"),
        ("${BASE}", "base"),
        ("builder0", "wrong"),
    ];
    let built = replace(recipe, &Replacements::by_name(Some("base"), texts));
    let places = built.froms.iter().chain(&built.copies);
    places.filter(|became| became.replacement().is_some()).count()
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn read_and_replace(bencher: Bencher) {
    let texts = dockerfiles();
    bencher.bench_local(|| -> usize {
        let recipes = texts
            .iter()
            .map(|text| Recipe::of(&Dockerfile::parse(text.as_bytes()).expect("a Dockerfile")));
        recipes.map(|recipe| replaced(&recipe)).sum()
    });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn replace_alone(bencher: Bencher) {
    let texts = dockerfiles();
    let read = texts
        .iter()
        .map(|text| Recipe::of(&Dockerfile::parse(text.as_bytes()).expect("a Dockerfile")));
    let recipes: Vec<Recipe> = read.collect();
    bencher.bench_local(|| -> usize { recipes.iter().map(|recipe| replaced(black_box(recipe))).sum() });
}
