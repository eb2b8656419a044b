//! Lines of a Dockerfile besides FROM that name an image (`COPY --from`, mounts, what a `RUN` pulls), and what stands for
//! each in OKD. Metadata has no entry for them, so that one is looked for which is known by what the line names.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::inputs::{Line, Pairing};
use super::resolve::{Resolved, Resolver, named};
use super::{DerivedImage, DerivedInput, failures};
use crate::facts::dockerfile::{CopyFrom, CopySource, Dockerfile, Use};
use crate::finding::Finding;
use crate::model::replacement::InputKind;
use crate::rules::Subject;

impl Pairing<'_, '_, '_> {
    /// What the other lines of an image's Dockerfile name; `inputs`: its FROMs.
    pub fn copies(
        &self,
        image: &DerivedImage,
        dockerfile: &Dockerfile,
        inputs: &[DerivedInput],
        resolver: &mut Resolver<'_, '_>,
    ) -> Result<Vec<DerivedInput>, Vec<Finding>> {
        let mut seen = BTreeSet::new();
        let (mut copies, mut findings) = (Vec::new(), Vec::new());
        for (copy, written) in dockerfile.copies_from.iter().filter_map(outside) {
            let kind = kind_of(copy.by);
            if !self.counts(kind, written) || !seen.insert((kind, copy.from.as_str())) {
                continue;
            }
            let Some(stage) = dockerfile.stages.get(copy.stage_index) else {
                continue;
            };
            let line = Line {
                by: kind,
                line: copy.line,
                stage,
                index: copies.len(),
                token: &copy.from,
                written,
                builder: true,
                inner: true,
            };
            match self.copy(image, &line, inputs, resolver) {
                Ok(input) => copies.push(input),
                Err(found) => findings.extend(found),
            }
        }
        if findings.is_empty() { Ok(copies) } else { Err(findings) }
    }

    /// What is run may name any number of images that nobody pulls; only those that CI serves are looked at.
    fn counts(&self, kind: InputKind, written: &str) -> bool {
        let registry = &self.payload.registry.value;
        let served = || {
            let pullspec = self.payload.spellings.canonical(written);
            pullspec
                .strip_prefix(registry.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        written != "scratch" && (kind != InputKind::Run || served())
    }

    fn copy(
        &self,
        image: &DerivedImage,
        line: &Line<'_>,
        inputs: &[DerivedInput],
        resolver: &mut Resolver<'_, '_>,
    ) -> Result<DerivedInput, Vec<Finding>> {
        let same = |input: &&DerivedInput| {
            let written = self.payload.spellings.same(&input.written, line.written);
            input.replace.value && (input.token == line.token || written)
        };
        if let Some(from) = inputs.iter().find(same) {
            let resolved = Resolved {
                pullspec: from.pullspec.value.clone(),
                chain: from.chain.clone(),
            };
            return self.decided(image, (&from.kind, &from.name), line, resolved);
        }
        let written = self.payload.spellings.canonical(line.written).into_owned();
        let found = self.known_as(image, line, &written, resolver)?;
        let (entry, resolved) = found.unwrap_or_default();
        let (kind, name) = named(&entry).unwrap_or_default();
        let known = !kind.is_empty() && resolved.pullspec != written;
        let resolved = if known {
            resolved
        } else {
            Resolved {
                pullspec: written,
                ..resolved
            }
        };
        let mut input = self.decided(image, (kind, &name), line, resolved)?;
        input.replace.value &= known;
        Ok(input)
    }

    /// The one entry of metadata that is known by what a line names, and what it stands for.
    fn known_as(
        &self,
        image: &DerivedImage,
        line: &Line<'_>,
        written: &str,
        resolver: &mut Resolver<'_, '_>,
    ) -> Result<Option<(Json, Resolved)>, Vec<Finding>> {
        let mut entries = self.names.pullspecs.get(written).cloned().unwrap_or_default();
        if entries.is_empty() {
            let tag = self.payload_tag(image, line, written)?;
            let keys = self.names.tags.get(&tag).into_iter().flatten();
            entries = keys.map(|key| json!({ "member": key })).collect();
        }
        // An entry that stands for nothing is told of where something is built from it.
        let resolved = entries.into_iter().filter_map(|entry| {
            let resolved = resolver.resolve(&entry).ok()?;
            Some((entry, resolved))
        });
        let resolved: Vec<_> = resolved.collect();
        let one = resolved.windows(2).all(|pair| pair[0].1.pullspec == pair[1].1.pullspec);
        Ok(resolved.into_iter().next().filter(|_| one))
    }

    fn payload_tag(&self, image: &DerivedImage, line: &Line<'_>, written: &str) -> Result<String, Vec<Finding>> {
        let mut scope = self.scope.inner();
        scope.show("image", &image.view);
        let view = json!({
            "kind": line.by.name(), "name": "", "builder": line.builder, "index": line.index,
            "stage": line.stage.name.clone().unwrap_or_default(), "written": line.written, "pullspec": written,
        });
        scope.show("input", &view);
        let decision = self
            .rules
            .decide(Subject::Input, "payload_tag", self.metadata.release, &scope);
        let subject = format!("a {}of {}", line.by.line(), image.key);
        let failed = failures(self.rules, &decision, "payload_tag", &subject);
        if !failed.is_empty() {
            return Err(failed);
        }
        let tag = decision.value.as_ref().and_then(Json::as_str);
        Ok(tag.unwrap_or_default().to_owned())
    }
}

/// What a line takes from outside the Dockerfile.
fn outside(copy: &CopyFrom) -> Option<(&CopyFrom, &str)> {
    match &copy.resolves_to {
        CopySource::Image(image) => Some((copy, image)),
        CopySource::Stage(_) => None,
    }
}

fn kind_of(by: Use) -> InputKind {
    match by {
        Use::Copy => InputKind::Copy,
        Use::Mount => InputKind::Mount,
        Use::Run => InputKind::Run,
    }
}
