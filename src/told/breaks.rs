//! Which breaks are to be told, and which are not, and why.

use crate::base::text::terminal;
use crate::results::answer::{ImageResult, ImageState, OfRelease, Results, Suspect};

use super::policy::Unsaid;

/// For so long it is waited for OCP's own job to say whether it fails as well, in seconds.
const TWIN: i64 = 12 * 3_600;

/// An image of a release that does not build by its own fault.
#[derive(Clone, Debug)]
pub struct Break {
    /// The release.
    pub release: String,
    /// The image, with reason, log and suspects.
    pub image: ImageResult,
    /// The first commit at which it did not build.
    pub since: String,
}

/// The one pull request that can be the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause<'a> {
    /// Its number.
    pub pull: u64,
    /// Its title.
    pub title: &'a str,
}

impl Break {
    /// The pull request that alone was merged between the last good commit and the first bad one.
    pub fn cause(&self) -> Option<Cause<'_>> {
        match self.image.suspects.as_slice() {
            [
                Suspect {
                    pull: Some(pull),
                    title,
                    ..
                },
            ] => Some(Cause { pull: *pull, title }),
            _ => None,
        }
    }
}

/// The breaks that are to be told, those that have stood longest first; the others go to `unsaid`, with the reason. Only roots: what a
/// parent keeps from being built, or a sibling from being promoted, is told with that. A break counts after two attempts, or at
/// once where its reason never goes by itself; before that it is none here.
pub fn breaks(results: &Results, now: i64, unsaid: &mut Vec<Unsaid>) -> Vec<Break> {
    let mut all = Vec::new();
    for release in &results.releases {
        let broken = release.images.iter();
        for image in broken.filter(|image| image.state == ImageState::Broken) {
            match counts(release, image, now) {
                Ok(one) => all.push(one),
                Err(why) => unsaid.push(why),
            }
        }
    }
    let key = |one: &Break| {
        (
            one.image.since_time.unwrap_or(i64::MAX),
            one.release.clone(),
            one.image.image.clone(),
        )
    };
    all.sort_by_cached_key(key);
    all
}

fn counts(release: &OfRelease, image: &ImageResult, now: i64) -> Result<Break, Unsaid> {
    let not = |waits: bool, why: String| {
        Err(Unsaid {
            release: release.release.clone(),
            image: image.image.clone(),
            waits,
            why,
        })
    };
    if let Some(silenced) = &image.silenced {
        return not(false, format!("it is silenced: {}", terminal(silenced)));
    }
    let Some(since) = &image.since else {
        return not(false, "nobody knows at which commit it broke".to_owned());
    };
    let is_new = image.since_time.is_none_or(|since| now - since < TWIN);
    match image.okd_only {
        Some(false) => not(false, "OCP fails as well: its own CI has told".to_owned()),
        None if !image.twin.is_empty() && is_new => {
            let why =
                "OCP's own job has not said yet whether it fails as well: that is waited for, twelve hours at most";
            not(true, why.to_owned())
        }
        _ => Ok(Break {
            release: release.release.clone(),
            image: image.clone(),
            since: since.clone(),
        }),
    }
}
