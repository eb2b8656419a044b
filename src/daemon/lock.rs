//! The lock on the state directory: one service writes with one state.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// What came of taking the lock.
#[derive(Debug)]
pub enum Taken {
    /// It is ours for as long as the file lives.
    Ours(#[expect(dead_code, reason = "held, never read")] File),
    /// Another process has it; what it wrote into the file.
    Other(String),
    /// There can be none: the directory cannot be written.
    Impossible(std::io::Error),
}

/// Takes the lock, and notes in it who has it.
pub fn take(state: &Path) -> Taken {
    match open(state) {
        Ok(file) => lock(file),
        Err(error) => Taken::Impossible(error),
    }
}

fn open(state: &Path) -> std::io::Result<File> {
    fs::create_dir_all(state)?;
    let path = state.join("serve.lock");
    File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
}

fn lock(mut file: File) -> Taken {
    match file.try_lock() {
        Ok(()) => {
            // Only for people: who has it is told by the lock itself.
            let _ = file
                .set_len(0)
                .and_then(|()| write!(file, "process {}", std::process::id()));
            Taken::Ours(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = file
                .rewind()
                .and_then(|()| file.take(100).read_to_string(&mut text).map(drop));
            Taken::Other(crate::base::text::terminal(text.trim()))
        }
        Err(TryLockError::Error(error)) => Taken::Impossible(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_learns_who_was_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path());
        assert!(matches!(first, Taken::Ours(_)));
        let Taken::Other(who) = take(dir.path()) else {
            panic!("the lock is taken")
        };
        assert_eq!(who, format!("process {}", std::process::id()));
    }

    #[test]
    fn a_folder_that_cannot_be_written_has_no_lock() {
        assert!(matches!(take(Path::new("/proc/none")), Taken::Impossible(_)));
    }
}
