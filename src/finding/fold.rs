//! Repositories that cannot be read, each once, whatever number of images and releases it holds back.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, UNREADABLE_COMPONENT};

/// What is known of one repository.
#[derive(Default)]
struct Held<'f> {
    first: Option<&'f Finding>,
    images: BTreeSet<&'f str>,
    releases: BTreeSet<&'f str>,
    count: usize,
}

/// The same findings for people: of images that are held back because their repository cannot be read, one for each
/// repository, and where these are several one that sums them up.
pub fn by_component(findings: &[Finding]) -> Vec<Finding> {
    let mut held: BTreeMap<&str, Held<'_>> = BTreeMap::new();
    for finding in findings {
        if let Some(component) = component(finding) {
            let one = held.entry(component).or_default();
            one.first.get_or_insert(finding);
            one.images.extend(finding.image.as_deref());
            one.releases.extend(finding.release.as_deref());
            one.count += 1;
        }
    }
    let mut folded: Vec<Finding> = findings
        .iter()
        .filter(|finding| component(finding).is_none())
        .cloned()
        .collect();
    let several = held.len() > 1;
    let all: usize = held.values().map(|one| one.count).sum();
    if several
        && all > held.len()
        && let Some(first) = held.values().find_map(|one| one.first)
    {
        let releases: BTreeSet<&str> = held.values().flat_map(|one| one.releases.iter().copied()).collect();
        let text = format!(
            "{} repositories cannot be read, so that {} {} as they are",
            held.len(),
            of_releases(all, &releases),
            if all == 1 { "stays" } else { "stay" },
        );
        let sum = Finding::new(first.severity, first.code.clone(), text)
            .with_help("check `sources.components`, the network, and the access to them; `lockstep doctor` tries each");
        folded.push(sum);
    }
    for (component, one) in held {
        let Some(first) = one.first else { continue };
        if one.count == 1 {
            folded.push(first.clone());
            continue;
        }
        let why = first
            .message
            .split_once(" is not derived: ")
            .map_or(&*first.message, |(_, why)| why);
        let text = format!("{why}; {} stay as they are", of_releases(one.count, &one.releases));
        let finding = Finding::new(first.severity, first.code.clone(), text)
            .with_component(component)
            .with_cause(component);
        let help = first.help.clone().filter(|_| !several);
        folded.push(help.map_or(finding.clone(), |help| finding.with_help(help)));
    }
    folded
}

fn component(finding: &Finding) -> Option<&str> {
    finding
        .component
        .as_deref()
        .filter(|_| finding.code == UNREADABLE_COMPONENT)
}

fn of_releases(images: usize, releases: &BTreeSet<&str>) -> String {
    const NAMED: usize = 3;
    let images = format!("{images} image{}", if images == 1 { "" } else { "s" });
    match releases.len() {
        0 => images,
        1..=NAMED => {
            let mut releases: Vec<&str> = releases.iter().copied().collect();
            releases.sort_by_key(|release| release.parse::<crate::base::Release>().ok());
            format!("{images} of {}", releases.join(", "))
        }
        more => format!("{images} of {more} releases"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Severity, group};
    use super::*;

    fn held(image: &str, component: &str, release: &str) -> Finding {
        let text = format!("{image} is not derived: {component} cannot be read: there is no branch x");
        Finding::new(Severity::Error, UNREADABLE_COMPONENT, text)
            .with_component(component)
            .with_image(image)
            .with_release(release)
            .with_help("its configs stay as they are until it can be read")
    }

    #[test]
    fn a_repository_is_one_line_over_all_releases() {
        let mut findings = vec![Finding::new(Severity::Note, "a-note", "n")];
        for release in ["4.9", "4.16", "5.0"] {
            for (image, component) in [("a", "o/one"), ("b", "o/one"), ("c", "o/two")] {
                findings.push(held(image, component, release));
            }
        }
        let folded = by_component(&findings);
        let told: Vec<&str> = folded.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            told,
            [
                "n",
                "2 repositories cannot be read, so that 9 images of 4.9, 4.16, 5.0 stay as they are",
                "o/one cannot be read: there is no branch x; 6 images of 4.9, 4.16, 5.0 stay as they are",
                "o/two cannot be read: there is no branch x; 3 images of 4.9, 4.16, 5.0 stay as they are",
            ]
        );
        let lines: usize = group(&folded)
            .iter()
            .map(|group| group.to_string().lines().count())
            .sum();
        assert_eq!(lines, 5, "one a finding, and what to do, once");
    }

    #[test]
    fn single_images_are_told_of_as_they_were() {
        let alone = [held("a", "o/one", "4.16")];
        assert_eq!(by_component(&alone), alone);
        let each = [held("a", "o/one", "4.16"), held("b", "o/two", "4.16")];
        assert_eq!(by_component(&each), each);
        let twins = [held("a", "o/one", "4.16"), held("b", "o/one", "4.16")];
        let folded = by_component(&twins);
        assert_eq!(folded.len(), 1);
        assert!(folded[0].help.is_some() && folded[0].message.ends_with("; 2 images of 4.16 stay as they are"));
    }
}
