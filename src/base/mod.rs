//! What every room names: releases, repositories, places in files, days, text that is safe to show, and answers of others.

mod color;
mod date;
mod gate;
pub mod loose;
mod path;
mod place;
mod release;
mod repo;
pub mod text;

pub use color::Color;
pub use date::{Date, NotADate};
pub use gate::{Barred, Gate, Guard};
pub use path::{from_root, name_fault, path_fault, segments_of, within};
pub use place::{Origin, Place};
pub use release::{NotARelease, Release, by_version};
pub use repo::{NotARepoName, RepoName};
