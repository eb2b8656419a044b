//! The build config without the commits that its inputs were read at.

use super::{At, BuildConfig, Image, PayloadTag, Repository, Value};

impl BuildConfig {
    /// The same without the commits that its inputs were read at: it says what is built and why, and changes only with that.
    #[must_use]
    pub fn without_commits(mut self) -> Self {
        self.build_data = None;
        let payload = &mut self.payload;
        let own = [
            &mut payload.registry,
            &mut payload.namespace,
            &mut payload.name,
            &mut payload.variant,
        ];
        own.into_iter().for_each(Value::forget);
        payload.last.iter_mut().for_each(|last| last.from.forget());
        payload.tags.values_mut().for_each(PayloadTag::forget);
        self.images.values_mut().for_each(Image::forget);
        self.repositories.values_mut().for_each(Repository::forget);
        for place in self.findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
            place.commit = None;
        }
        self
    }
}

impl At {
    fn forget(&mut self) {
        self.0.commit = None;
    }
}

impl<T> Value<T> {
    fn forget(&mut self) {
        self.from.iter_mut().for_each(At::forget);
    }
}

impl PayloadTag {
    fn forget(&mut self) {
        let Self {
            built_by: _,
            wanted_by,
            last,
            stands_for,
            external,
            kept,
        } = self;
        wanted_by.iter_mut().for_each(|wanted| wanted.at.forget());
        last.iter_mut().for_each(|last| last.at.forget());
        [stands_for, external, kept]
            .into_iter()
            .flatten()
            .for_each(Value::forget);
    }
}

impl Image {
    fn forget(&mut self) {
        let Self {
            tag,
            repository,
            branch,
            commit,
            dockerfile,
            context_dir,
            base,
            builders,
            copies_from,
            stages: _,
            go,
            own_build_root,
            build_args,
            resources,
            prepare,
            arches,
            wave: _,
            reason: _,
            tree,
            dockerfile_blob,
            payload: _,
            digest,
        } = self;
        // They change with the commit.
        [commit, tree, dockerfile_blob, digest]
            .into_iter()
            .for_each(|id| *id = None);
        let go = go
            .iter_mut()
            .flat_map(|go| [&mut go.version, &mut go.toolchain])
            .flatten();
        let texts = [tag, repository, branch, dockerfile, context_dir].into_iter();
        texts.chain(own_build_root).chain(go).for_each(Value::forget);
        [build_args, resources, prepare].into_iter().for_each(Value::forget);
        arches.forget();
        copies_from.iter_mut().for_each(|copied| copied.at.forget());
        for input in base.iter_mut().chain(builders) {
            input.pullspec.forget();
            input.at.forget();
        }
    }
}

impl Repository {
    fn forget(&mut self) {
        let Self {
            branch: _,
            images: _,
            build_root,
            promotion,
            prowgen,
            releases,
            resources,
            tests,
            keys: _,
            held: _,
            dropped: _,
            images_as_items,
            last_stage_only,
            rewrite_same_meaning,
            broken: _,
        } = self;
        build_root.iter_mut().for_each(Value::forget);
        [promotion, prowgen, releases, resources, tests]
            .into_iter()
            .for_each(Value::forget);
        [images_as_items, last_stage_only, rewrite_same_meaning]
            .into_iter()
            .for_each(Value::forget);
    }
}
