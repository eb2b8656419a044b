//! Which Go an image needs: of the modules of a repository the one that its Dockerfile builds.

use std::collections::BTreeMap;

use crate::base::segments_of;
use crate::facts::dockerfile::Builds;
use crate::facts::gomod::{self, GoMod};
use crate::model::go::GoNeed;
use crate::source::{ReadError, Snapshot};

/// Where a module names its Go.
pub(super) const GO_MOD: &str = "go.mod";
/// Where a workspace names its Go.
pub(super) const GO_WORK: &str = "go.work";

/// Reads modules and workspaces of one repository, each file once.
pub(super) struct Modules<'s> {
    snapshot: &'s dyn Snapshot,
    known: BTreeMap<String, Option<GoMod>>,
    /// Files that could not be read.
    pub faults: Vec<(String, ReadError)>,
}

impl<'s> Modules<'s> {
    pub(super) fn of(snapshot: &'s dyn Snapshot) -> Self {
        Self {
            snapshot,
            known: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// What the modules ask for that a Dockerfile builds in a build context. Where it does not tell, that of the context's own
    /// module counts.
    pub(super) fn need(&mut self, dockerfile: &str, builds: &Builds, context: &str) -> GoNeed {
        let context = &*joined("", context);
        let folders = builds.commands.iter().filter_map(|built| built.folder.as_deref());
        let mut modules: Vec<String> = Vec::new();
        for folder in folders {
            let module = self.nearest(&joined(context, folder), context, GO_MOD);
            modules.extend(module.filter(|module| !modules.contains(module)));
        }
        let hidden = builds.commands.iter().find(|built| built.folder.is_none());
        let mut need = GoNeed::default();
        match (modules.as_slice(), hidden) {
            ([], Some(built)) => {
                need.doubt = format!("where line {} of {dockerfile} builds cannot be told", built.line);
            }
            ([_, _, ..], _) => {
                let files: Vec<String> = modules.iter().map(|module| joined(module, GO_MOD)).collect();
                need.doubt = format!("{dockerfile} builds the modules of {}", files.join(" and "));
            }
            _ => {}
        }
        if modules.is_empty() {
            modules.push(context.to_owned());
        }
        for module in &modules {
            self.raise(&mut need, module, context, builds.no_workspace);
        }
        need
    }

    fn raise(&mut self, need: &mut GoNeed, module: &str, context: &str, no_workspace: bool) {
        let file = joined(module, GO_MOD);
        if let Some(facts) = self.read(&file) {
            need.raise(&file, &facts);
        }
        if no_workspace {
            return;
        }
        let Some(folder) = self.nearest(module, context, GO_WORK) else {
            return;
        };
        let file = joined(&folder, GO_WORK);
        let work = self.read(&file).unwrap_or_default();
        // A module that the workspace does not use is not built in it.
        if work.uses.iter().any(|used| joined(&folder, used) == module) {
            need.raise(&file, &work);
        }
    }

    /// The nearest folder from one upwards, the build context at most, that has a file.
    fn nearest(&mut self, folder: &str, context: &str, name: &str) -> Option<String> {
        let mut at = folder.to_owned();
        loop {
            if self.read(&joined(&at, name)).is_some() {
                return Some(at);
            }
            if at == context || at.is_empty() {
                return None;
            }
            at = at.rsplit_once('/').map_or(String::new(), |(above, _)| above.to_owned());
        }
    }

    fn read(&mut self, file: &str) -> Option<GoMod> {
        if let Some(known) = self.known.get(file) {
            return known.clone();
        }
        let read = self.snapshot.read(file).unwrap_or_else(|error| {
            // A folder of that name is no module.
            if !matches!(error, ReadError::WrongKind(..)) {
                self.faults.push((file.to_owned(), error));
            }
            None
        });
        let facts = read.map(|blob| gomod::parse(&blob.bytes));
        self.known.insert(file.to_owned(), facts.clone());
        facts
    }
}

/// A path below a folder, without `.`.
fn joined(folder: &str, path: &str) -> String {
    let parts: Vec<&str> = segments_of(folder).chain(segments_of(path)).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::dockerfile::builds;
    use crate::source::memory::MemorySnapshot;

    fn told(files: &[(&str, &str)], dockerfile: &str, context: &str) -> (String, String) {
        let snapshot: MemorySnapshot = files.iter().copied().collect();
        let need = Modules::of(&snapshot).need("Dockerfile", &builds(dockerfile.as_bytes()), context);
        let asked = need
            .asked
            .map(|line| format!("{}:{} {}", line.file, line.line, line.version));
        (asked.unwrap_or_default(), need.doubt)
    }

    const ROOT: &str = "FROM a\nWORKDIR /src\nCOPY . .\nRUN make\n";

    #[test]
    fn the_module_that_the_dockerfile_builds_counts() {
        let files = [
            ("go.mod", "go 1.20\n"),
            ("operator/go.mod", "module x\ngo 1.24\n"),
            ("operator/pkg/x.go", ""),
        ];
        assert_eq!(told(&files, ROOT, "").0, "go.mod:1 1.20");
        assert_eq!(
            told(&files, "FROM a\nCOPY . .\n", "").0,
            "go.mod:1 1.20",
            "nothing tells: the root"
        );
        let folder = "FROM a\nWORKDIR /src\nCOPY . .\nRUN cd operator/pkg && go build\n";
        assert_eq!(told(&files, folder, "").0, "operator/go.mod:2 1.24");
        assert_eq!(told(&files, ROOT, "operator").0, "operator/go.mod:2 1.24");
        assert_eq!(
            told(&files, ROOT, "operator/pkg").0,
            "",
            "a build context holds nothing of what is above it"
        );
    }

    #[test]
    fn a_workspace_raises_what_its_modules_ask_for() {
        let work = "go 1.23.0\nuse (\n\t.\n\t./api\n)\n";
        let files = [
            ("go.mod", "go 1.20\n"),
            ("go.work", work),
            ("api/go.mod", "go 1.24\n"),
            ("x/go.mod", "go 1.19\n"),
        ];
        assert_eq!(told(&files, ROOT, "").0, "go.work:1 1.23.0");
        let below = |folder: &str| format!("FROM a\nWORKDIR /src\nCOPY . .\nRUN make -C {folder}\n");
        assert_eq!(told(&files, &below("api"), "").0, "api/go.mod:1 1.24");
        assert_eq!(
            told(&files, &below("x"), "").0,
            "x/go.mod:1 1.19",
            "the workspace does not use it"
        );
        assert_eq!(told(&files, &format!("{ROOT}ENV GOWORK=off\n"), "").0, "go.mod:1 1.20");
    }

    #[test]
    fn what_is_not_certain_is_said() {
        let files = [
            ("go.mod", "go 1.20\n"),
            ("a/go.mod", "go 1.22\n"),
            ("b/go.mod", "go 1.21\n"),
        ];
        let (asked, doubt) = told(
            &files,
            "FROM a\nCOPY . /src\nRUN make -C /src/a && make -C /src/b\n",
            "",
        );
        assert_eq!(asked, "a/go.mod:1 1.22");
        assert_eq!(doubt, "Dockerfile builds the modules of a/go.mod and b/go.mod");
        let (asked, doubt) = told(&files, "FROM a\nCOPY . /src\nRUN cd $X && make\n", "");
        assert_eq!(
            (asked.as_str(), doubt.as_str()),
            ("go.mod:1 1.20", "where line 3 of Dockerfile builds cannot be told")
        );
    }
}
