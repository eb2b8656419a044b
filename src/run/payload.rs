//! Reads the payload as it was last built: from a registry, a URL, a file or a repository.

use super::{InputError, Run};
use crate::base::{Place, Release};
use crate::config::{Payload, PayloadFile};
use crate::derive::payload::Last;
use crate::facts::payload::{Fault, ImageReferences, ReleaseMetadata};
use crate::finding::{Finding, Severity};
use crate::source::Location;
use crate::source::oci::{self, Files, RegistryImage};

/// Must change when the same image yields other files.
const VERSION: u32 = 1;
/// A payload's list of images.
const REFERENCES: &str = "image-references";
/// A payload's version.
const METADATA: &str = "release-metadata";
/// The folder of both in a release image.
const FOLDER: &str = "release-manifests";

/// A file and where it stands.
struct Read {
    bytes: Vec<u8>,
    place: Place,
}

/// What was read of a payload: its list, and its version where that is beside it.
struct Both {
    references: Read,
    metadata: Option<Read>,
}

impl Run {
    /// The payload of a release as it was last built, where `sources.payload` says where. What cannot be read is a
    /// finding and nothing else.
    pub fn last_payload(&self, release: Release) -> (Option<Last>, Vec<Finding>) {
        let Some(payload) = &self.config.sources.payload else {
            return (None, Vec::new());
        };
        self.tell("reading the last payload", 0, 1);
        match self.both(payload, release) {
            Ok(both) => understood(both),
            Err(why) => {
                let finding = Finding::new(Severity::Warning, "unreadable-payload", why.to_string())
                    .with_help("what the last payload had is not known until `sources.payload` can be read");
                (None, vec![finding])
            }
        }
    }

    fn both(&self, payload: &Payload, release: Release) -> Result<Both, InputError> {
        let mut both = match payload.image_references(release) {
            PayloadFile::Oci(reference) => self.image(&options(payload), &reference)?,
            PayloadFile::File(location) => self.beside(&location)?,
            PayloadFile::InRepo { repo, branch, path } => Both {
                references: self.in_repo(&repo, branch.as_deref(), &path)?,
                metadata: None,
            },
        };
        match payload.release_metadata(release) {
            Some(PayloadFile::InRepo { repo, branch, path }) => {
                both.metadata = Some(self.in_repo(&repo, branch.as_deref(), &path)?);
            }
            Some(PayloadFile::File(location)) => both.metadata = Some(self.file(&location)?),
            Some(PayloadFile::Oci(_)) | None => {}
        }
        Ok(both)
    }

    /// The list of images of a payload that is at a place, read with the logins of `sources.payload`.
    ///
    /// # Errors
    /// It cannot be read, or is no such list.
    pub(super) fn references(&self, file: &PayloadFile) -> Result<ImageReferences, InputError> {
        let read = match file {
            PayloadFile::Oci(reference) => {
                let options = self.config.sources.payload.as_ref().map(options);
                let plain = || oci::Options {
                    auth_file: None,
                    architecture: "amd64".to_owned(),
                    insecure: false,
                };
                self.image(&options.unwrap_or_else(plain), reference)?.references
            }
            PayloadFile::File(location) => self.beside(location)?.references,
            PayloadFile::InRepo { repo, branch, path } => self.in_repo(repo, branch.as_deref(), path)?,
        };
        ImageReferences::parse(&read.bytes).map_err(InputError::References)
    }

    /// A file; of a folder both files, as they are when a release image is unpacked.
    fn beside(&self, location: &Location) -> Result<Both, InputError> {
        if let Location::Path(path) = location
            && self.sources.is_folder(path)
        {
            let metadata = Location::Path(path.join(METADATA));
            return Ok(Both {
                references: self.file(&Location::Path(path.join(REFERENCES)))?,
                metadata: self.file(&metadata).ok(),
            });
        }
        Ok(Both {
            references: self.file(location)?,
            metadata: None,
        })
    }

    fn file(&self, location: &Location) -> Result<Read, InputError> {
        let bytes = self.sources.file(location)?;
        let file = location.to_string();
        Ok(Read {
            bytes,
            place: Place {
                file,
                ..Place::default()
            },
        })
    }

    fn in_repo(&self, repo: &Location, branch: Option<&str>, path: &str) -> Result<Read, InputError> {
        let name = repo.name().map_or_else(|| repo.to_string(), |name| name.to_string());
        let snapshot = self.sources.open_branch(&name, repo, branch)?;
        let origin = snapshot.origin();
        let blob = snapshot.read(path)?.ok_or_else(|| InputError::NoFile {
            repo: repo.to_string(),
            path: path.to_owned(),
            branch: origin.branch.clone(),
        })?;
        let place = Place {
            repo: origin.name.clone(),
            commit: origin.commit.clone(),
            file: path.to_owned(),
            line: None,
        };
        let bytes = blob.bytes.to_vec();
        Ok(Read { bytes, place })
    }

    /// A release image's files, kept by its digest.
    fn image(&self, options: &oci::Options, reference: &str) -> Result<Both, InputError> {
        let image = RegistryImage::find(reference, options)?;
        let (references, metadata) = (format!("{FOLDER}/{REFERENCES}"), format!("{FOLDER}/{METADATA}"));
        let key = format!("{} {}", image.digest, options.architecture);
        let known: Option<Files> = self.store.get("payload", VERSION, key.as_bytes());
        let mut files = match known {
            Some(files) => files,
            None => {
                let files = image.files(&[&references, &metadata])?;
                self.store.put("payload", VERSION, key.as_bytes(), &files);
                files
            }
        };
        let mut read = |file: &str| {
            let bytes = files.remove(file)?;
            let place = Place {
                repo: image.name.clone(),
                commit: image.digest.split_once(':').map(|(_, digest)| digest.to_owned()),
                file: file.to_owned(),
                line: None,
            };
            Some(Read { bytes, place })
        };
        let missing = || InputError::NotInImage {
            image: reference.to_owned(),
            path: references.clone(),
        };
        Ok(Both {
            references: read(&references).ok_or_else(missing)?,
            metadata: read(&metadata),
        })
    }
}

fn options(payload: &Payload) -> oci::Options {
    oci::Options {
        auth_file: payload.auth_file.clone(),
        architecture: payload.architecture.clone(),
        insecure: payload.insecure,
    }
}

/// Understands what was read; what is wrong with one file or tag costs that one only.
fn understood(both: Both) -> (Option<Last>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut wrong = |place: &Place, fault: &Fault| {
        let place = Place {
            line: fault.line,
            ..place.clone()
        };
        let finding = Finding::new(Severity::Warning, "unreadable-payload", fault.message.clone());
        findings.push(
            finding
                .with_place(place)
                .with_help("what the last payload had is not known in full; is it the right file?"),
        );
    };
    let metadata = both.metadata.and_then(|read| {
        let parsed = ReleaseMetadata::parse(&read.bytes);
        parsed.map_err(|fault| wrong(&read.place, &fault)).ok()
    });
    let Read { bytes, place } = both.references;
    let last = match ImageReferences::parse(&bytes) {
        Ok(references) => {
            references.faults.iter().for_each(|fault| wrong(&place, fault));
            Some(Last {
                place,
                references,
                metadata,
            })
        }
        Err(fault) => {
            wrong(&place, &fault);
            None
        }
    };
    (last, findings)
}
