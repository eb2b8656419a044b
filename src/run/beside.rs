//! What targets want to know of repositories that they do not write to.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::ground::Ground;
use super::heads::Head;
use super::{InputError, Run};
use crate::base::{Release, RepoName};
use crate::source::{Changed, Snapshot};
use crate::targets::{Beside, Question, Told};

/// Looks at what is asked for. The second value is where the repositories stand: with the same heads the answers are the same.
pub(super) fn look(
    run: &Run,
    release: Release,
    ground: &Ground,
    asked: Vec<Beside>,
) -> (BTreeMap<Beside, Told>, Vec<Head>) {
    if asked.is_empty() {
        return (BTreeMap::new(), Vec::new());
    }
    let mut places: BTreeMap<(RepoName, String), Vec<Beside>> = BTreeMap::new();
    for beside in asked {
        let place = (beside.repo.clone(), beside.branch.clone());
        places.entry(place).or_default().push(beside);
    }
    let own = open(run, release, &ground.name, &ground.branch);
    let found = places.into_par_iter().map(|((repo, branch), asked)| {
        let opened = open(run, release, &repo, &branch);
        let commit = opened.as_ref().ok().and_then(|opened| opened.origin().commit.clone());
        let head = Head {
            release,
            repo,
            branch,
            commit: commit.unwrap_or_default(),
        };
        let told = asked.into_iter().map(|beside| {
            let told = match &opened {
                Ok(snapshot) => of(&**snapshot, own.as_deref().ok(), &beside),
                Err(why) => Told::Unknown(why.to_string()),
            };
            (beside, told)
        });
        (told.collect::<Vec<_>>(), head)
    });
    let (told, heads): (Vec<_>, Vec<_>) = found.unzip();
    (told.into_iter().flatten().collect(), heads)
}

fn open(run: &Run, release: Release, repo: &RepoName, branch: &str) -> Result<Box<dyn Snapshot>, InputError> {
    let location = run.config.sources.components.repo(release, repo);
    let location = location.ok_or_else(|| InputError::NoPlace(repo.clone()))?;
    Ok(run.sources.open_component(repo, &location, branch)?)
}

fn of(snapshot: &dyn Snapshot, own: Option<&dyn Snapshot>, beside: &Beside) -> Told {
    match &beside.what {
        Question::Text => match snapshot.read(&beside.path) {
            Ok(Some(blob)) => Told::Text(blob.bytes),
            Ok(None) => Told::Absent,
            Err(error) => Told::Unknown(error.to_string()),
        },
        Question::ChangedAfter(file) => {
            let own = own.map(|own| own.last_changed(file, i64::MIN));
            let own = match own {
                Some(Ok(Some(own))) => own,
                Some(Err(error)) => return Told::Unknown(error.to_string()),
                Some(Ok(None)) | None => {
                    return Told::Unknown(format!("when {file} was last changed is not known"));
                }
            };
            match snapshot.last_changed(&beside.path, own.time) {
                Ok(Some(other)) => later(&own, &other),
                Ok(None) => Told::Unknown(format!("the history of {} is not here", beside.path)),
                Err(error) => Told::Unknown(error.to_string()),
            }
        }
    }
}

/// Whether a file was changed after another one. A time that is not exact is the latest that can be.
fn later(own: &Changed, other: &Changed) -> Told {
    let unknown = || Told::Unknown("the history that is here does not reach back far enough".to_owned());
    match (own.exact, other.exact) {
        (_, true) if other.time > own.time => Told::Later(other.commit.clone()),
        (true, _) if other.time <= own.time => Told::NotLater,
        _ => unknown(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_of_two_changes_is_later_is_said_only_where_it_is_certain() {
        let at = |time, exact| Changed {
            commit: format!("c{time}"),
            time,
            exact,
        };
        assert_eq!(later(&at(5, true), &at(7, true)), Told::Later("c7".to_owned()));
        // The fork may be older still, and upstream's is later all the same.
        assert_eq!(later(&at(5, false), &at(7, true)), Told::Later("c7".to_owned()));
        assert_eq!(later(&at(5, true), &at(5, true)), Told::NotLater);
        // Upstream's was changed at the latest then.
        assert_eq!(later(&at(5, true), &at(4, false)), Told::NotLater);
        assert!(matches!(later(&at(5, true), &at(7, false)), Told::Unknown(_)));
        assert!(matches!(later(&at(5, false), &at(4, true)), Told::Unknown(_)));
    }
}
