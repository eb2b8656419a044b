//! One job file: what is in it, and what it is with other jobs of ours in it.

use std::collections::BTreeMap;

use super::scan::{self, Job};
use super::there::There;
use crate::yaml::{self, Mapping, Node, Value};

/// The list of jobs that run by the clock; it is the only one that has no repositories below it.
pub const PERIODICS: &str = "periodics";

/// A job file that is there, or is to be made.
pub struct JobFile<'t> {
    list: &'t str,
    repo: &'t str,
    form: Form<'t>,
    /// Its jobs in their order.
    pub jobs: Vec<Job<'t>>,
}

enum Form<'t> {
    /// Nothing is there.
    New,
    /// Jobs are blocks of lines.
    Lines(&'t [u8]),
    /// Lines did not tell, so the whole was parsed.
    Tree(Node),
}

/// What a job of ours is in the file that comes out.
#[derive(Debug)]
pub enum Ours {
    /// As it is in the file: the index of the job.
    Kept(usize),
    /// As it should be.
    Written(WantedJob),
}

/// A job as it should be.
#[derive(Debug)]
pub struct WantedJob {
    /// What it says.
    pub node: Node,
    /// Its lines in the file.
    pub lines: String,
}

impl<'t> JobFile<'t> {
    /// Reads a job file; `None` where there is none yet.
    ///
    /// # Errors
    /// It is no YAML, or no job file.
    pub fn read(text: Option<&'t [u8]>, list: &'t str, repo: &'t str) -> Result<Self, yaml::Error> {
        let Some(text) = text else {
            return Ok(Self {
                list,
                repo,
                form: Form::New,
                jobs: Vec::new(),
            });
        };
        let (head, indent) = (head(list, repo), if list == PERIODICS { "" } else { "  " });
        if let Some(jobs) = scan::scan(text, &head, indent) {
            let form = Form::Lines(text);
            return Ok(Self { list, repo, form, jobs });
        }
        let root = yaml::parse(text).map_err(|error| yaml::Error {
            message: format!("it is no YAML: {}", error.message),
            ..error
        })?;
        let jobs = match Self::items(&root, list, repo)? {
            Some(items) => items.iter().map(scan::of_node).collect(),
            None => Vec::new(),
        };
        let form = Form::Tree(root);
        Ok(Self { list, repo, form, jobs })
    }

    fn items<'n>(root: &'n Node, list: &str, repo: &str) -> Result<Option<&'n [Node]>, yaml::Error> {
        let wrong = |node: &Node, what: &str, wanted: &str| {
            let message = format!("{what} is {}, {wanted} is expected", node.type_name());
            Err(yaml::Error { pos: node.pos, message })
        };
        let is_there = |node: &&Node| !node.is_null();
        if !matches!(root.value, Value::Map(_) | Value::Null) {
            return wrong(root, "the file", "a mapping");
        }
        let Some(section) = root.get(list).filter(is_there) else {
            return Ok(None);
        };
        let (jobs, what) = if list == PERIODICS {
            (section, format!("`{list}`"))
        } else {
            if section.as_map().is_none() {
                return wrong(section, &format!("`{list}`"), "a mapping");
            }
            let Some(jobs) = section.get(repo).filter(is_there) else {
                return Ok(None);
            };
            (jobs, format!("`{list}.{repo}`"))
        };
        let Some(items) = jobs.as_seq() else {
            return wrong(jobs, &what, "a list");
        };
        match items.iter().find(|job| job.get("name").and_then(Node::text).is_none()) {
            Some(job) => Err(yaml::Error {
                pos: job.pos,
                message: "a job has no name".to_owned(),
            }),
            None => Ok(Some(items)),
        }
    }

    /// Whether nothing was there.
    pub fn is_new(&self) -> bool {
        matches!(self.form, Form::New)
    }

    /// Whether writing the file brings all of it into canonical form, not only what changes.
    pub fn is_rewritten(&self) -> bool {
        matches!(self.form, Form::Tree(_))
    }

    /// A job of ours as it would stand in this file.
    pub fn wanted(&self, node: Node) -> WantedJob {
        let keys = if self.list == PERIODICS {
            &[self.list][..]
        } else {
            &[self.list, self.repo]
        };
        let text = yaml::emit_below(keys, &node);
        let lines = text.splitn(keys.len() + 1, '\n').nth(keys.len());
        let lines = lines.unwrap_or_default().to_owned();
        WantedJob { node, lines }
    }

    /// Tells whether a job of the file is what it should be.
    pub fn is_as_wanted(&self, job: usize, wanted: &WantedJob) -> bool {
        match (&self.form, self.jobs.get(job)) {
            (Form::Lines(text), Some(job)) => text.get(job.range.clone()) == Some(wanted.lines.as_bytes()),
            (Form::Tree(_), Some(_)) => self.node(job).as_ref() == Some(&wanted.node),
            _ => false,
        }
    }

    /// The lines of a job, where lines told it from others.
    fn raw(&self, job: usize) -> Option<&[u8]> {
        match &self.form {
            Form::Lines(text) => text.get(self.jobs.get(job)?.range.clone()),
            Form::New | Form::Tree(_) => None,
        }
    }

    /// What a job of the file says.
    pub fn node(&self, job: usize) -> Option<Node> {
        match &self.form {
            Form::New => None,
            Form::Lines(text) => {
                let block = yaml::parse(text.get(self.jobs.get(job)?.range.clone())?).ok()?;
                block.as_seq()?.first().cloned()
            }
            Form::Tree(root) => Self::items(root, self.list, self.repo).ok()??.get(job).cloned(),
        }
    }

    /// What a job of the file says that its config may not say.
    pub fn there(&self, job: usize) -> There {
        match self.jobs.get(job) {
            None => There::default(),
            Some(known) if !known.extras => There {
                exists: true,
                cluster: known.cluster.to_string(),
                ..There::default()
            },
            Some(_) => self.node(job).as_ref().map(There::of).unwrap_or_default(),
        }
    }

    /// The file with all jobs but those of `ours`, and these sorted in; `None` where none is left.
    ///
    /// The other jobs keep their order and, where lines told them apart, their bytes.
    pub fn with(&self, is_ours: impl Fn(usize) -> bool, ours: &BTreeMap<String, Ours>) -> Option<Vec<u8>> {
        let others = self.jobs.iter().enumerate().filter(|(at, _)| !is_ours(*at));
        let others: Vec<(&str, Ours)> = others.map(|(at, job)| (&*job.name, Ours::Kept(at))).collect();
        let mut order: Vec<&Ours> = Vec::with_capacity(others.len() + ours.len());
        let mut waiting = ours.iter().peekable();
        for (name, other) in &others {
            while let Some((_, job)) = waiting.next_if(|(ours, _)| ours.as_str() < *name) {
                order.push(job);
            }
            order.push(other);
        }
        order.extend(waiting.map(|(_, job)| job));
        match &self.form {
            Form::Tree(root) => self.tree(root, &order),
            _ if order.is_empty() => None,
            Form::Lines(text) => Some(self.lines(text, &order)),
            Form::New => Some(self.lines(b"", &order)),
        }
    }

    fn lines(&self, text: &[u8], order: &[&Ours]) -> Vec<u8> {
        let mut out = head(self.list, self.repo).into_bytes();
        for job in order {
            match job {
                Ours::Kept(at) => {
                    let range = self.jobs.get(*at).map(|job| job.range.clone()).unwrap_or_default();
                    out.extend_from_slice(text.get(range).unwrap_or_default());
                }
                Ours::Written(job) => out.extend_from_slice(job.lines.as_bytes()),
            }
        }
        out
    }

    fn tree(&self, root: &Node, order: &[&Ours]) -> Option<Vec<u8>> {
        let items = order.iter().filter_map(|job| match job {
            Ours::Kept(at) => self.node(*at),
            Ours::Written(job) => Some(job.node.clone()),
        });
        let items: Vec<Node> = items.collect();
        let mut root = root.clone();
        if root.as_map().is_none() {
            root.value = Value::Map(Mapping::new());
        }
        let map = root.as_map_mut()?;
        if self.list == PERIODICS {
            put(map, self.list, items);
        } else {
            let section = map.entry(self.list);
            if section.as_map().is_none() {
                section.value = Value::Map(Mapping::new());
            }
            let section = section.as_map_mut()?;
            put(section, self.repo, items);
            if section.is_empty() {
                map.remove(self.list);
            }
        }
        if map.is_empty() {
            return None;
        }
        Some(yaml::emit(&root).into_bytes())
    }
}

/// A file of jobs that run by the clock, with every change that any of the others has of it.
pub fn joined(before: Option<&[u8]>, afters: &[&[u8]]) -> Option<Vec<u8>> {
    let base = JobFile::read(before, PERIODICS, "").ok()?;
    let there: BTreeMap<&str, usize> = base.jobs.iter().enumerate().map(|(at, job)| (&*job.name, at)).collect();
    let (mut ours, mut gone) = (BTreeMap::new(), std::collections::BTreeSet::new());
    for after in afters {
        let after = JobFile::read(Some(after), PERIODICS, "").ok()?;
        for (at, job) in after.jobs.iter().enumerate() {
            let known = there.get(&*job.name).copied();
            // Lines that are the same in both are nobody's change, whoever wrote them.
            if known.is_some_and(|known| base.raw(known).is_some() && base.raw(known) == after.raw(at)) {
                continue;
            }
            let wanted = base.wanted(after.node(at)?);
            if known.is_none_or(|known| !base.is_as_wanted(known, &wanted)) {
                ours.insert(job.name.to_string(), Ours::Written(wanted));
            }
        }
        let kept = |name: &&str| !after.jobs.iter().any(|job| job.name == *name);
        gone.extend(there.keys().copied().filter(kept));
    }
    base.with(
        |at| {
            base.jobs
                .get(at)
                .is_some_and(|job| gone.contains(&*job.name) || ours.contains_key(&*job.name))
        },
        &ours,
    )
}

/// The lines before the first job of a file.
fn head(list: &str, repo: &str) -> String {
    if list == PERIODICS {
        format!("{list}:\n")
    } else {
        format!("{list}:\n  {repo}:\n")
    }
}

/// Sets a list, or takes an empty one away.
fn put(map: &mut Mapping, key: &str, items: Vec<Node>) {
    if items.is_empty() {
        map.remove(key);
    } else {
        map.insert(key, Node::from(items));
    }
}
