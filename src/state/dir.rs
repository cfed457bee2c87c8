//! Opens the state directory and the files in it, and refuses what is not ours.
//!
//! Files are regular, 0600, ours, with one link, and never reached through a symbolic link; anything else is left
//! untouched. The directory is ours and nobody else may write to it.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::exit::{Code, Failure};
use crate::system::disk::{self, Dir};
use crate::system::{Access, Unusable};

/// An open state directory.
#[derive(Debug)]
pub struct StateDir {
    dir: Dir,
    path: PathBuf,
}

impl StateDir {
    /// Opens the directory if it exists.
    ///
    /// Fails if it is not ours, others may write to it, or it is on a network file system, where locks cannot be
    /// trusted (cargo#2615), unless that is allowed.
    pub fn open(path: &Path, allow_network: bool) -> Result<Option<Self>, Failure> {
        let dir = match Dir::open(path) {
            Ok(dir) => dir,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot("open", path, error)),
        };
        dir.check(path, allow_network).map_err(|why| unusable(path, why))?;
        Ok(Some(Self { dir, path: path.to_owned() }))
    }

    /// Opens the directory, and makes it (0700) if it is missing.
    pub fn create(path: &Path, allow_network: bool) -> Result<Self, Failure> {
        if let Some(dir) = Self::open(path, allow_network)? {
            return Ok(dir);
        }
        disk::make_dir(path).map_err(|error| cannot("make", path, error))?;
        Self::open(path, allow_network)?.ok_or_else(|| cannot("open", path, ErrorKind::NotFound))
    }

    /// The path of a file in it, for messages.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file for reading and writing; a missing one is `None`.
    pub fn file(&self, name: &str) -> Result<Option<File>, Failure> {
        self.open_file(name, Access::Write)
    }

    /// Opens a file for reading only; a missing one is `None`.
    pub fn readable_file(&self, name: &str) -> Result<Option<File>, Failure> {
        self.open_file(name, Access::Read)
    }

    /// Opens a file for reading and writing, and makes it, empty, if it is missing.
    pub fn file_or_new(&self, name: &str) -> Result<File, Failure> {
        let path = self.path_of(name);
        self.dir.file(name, &path, Access::Make).map_err(|why| match why {
            // the directory itself is gone
            Unusable::Error(error) if error.kind() == ErrorKind::NotFound => {
                cannot("make", &path, error)
            }
            why => unusable(&path, why),
        })
    }

    /// Makes a file anew, whatever was there before under this name.
    pub fn fresh_file(&self, name: &str) -> Result<File, Failure> {
        let file = self.file_or_new(name)?;
        file.set_len(0).map_err(|error| cannot("empty", &self.path_of(name), error))?;
        Ok(file)
    }

    /// Whether this open file is the one that has this name.
    pub fn holds(&self, name: &str, file: &File) -> io::Result<bool> {
        self.dir.holds(name, file)
    }

    /// Replaces one file by another, so that a reader sees the one or the other, and makes that last.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.dir.rename(from, to)?;
        self.sync()
    }

    /// Sees to it that the names of its files survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        self.dir.sync()
    }

    /// Removes a file that may be missing.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match self.dir.remove(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn open_file(&self, name: &str, access: Access) -> Result<Option<File>, Failure> {
        let path = self.path_of(name);
        match self.dir.file(name, &path, access) {
            Ok(file) => Ok(Some(file)),
            Err(Unusable::Error(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(why) => Err(unusable(&path, why)),
        }
    }
}

fn unusable(path: &Path, why: Unusable) -> Failure {
    match why {
        Unusable::Error(error) => cannot("open", path, error),
        Unusable::Refused { why, hint } => Failure { hint, ..refuse(path, why) },
    }
}

/// Reads what a file holds, about `expected` bytes; more than `max_bytes` is an error, not a cut.
pub(super) fn read_all(file: impl io::Read, expected: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    // one more than there is, so that the end is found without growing
    let capacity = expected.min(max_bytes) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or_default());
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(io::Error::other(format!("it is larger than {max_bytes} bytes")));
    }
    Ok(bytes)
}

/// Something that is in the place of what we would use.
pub(super) fn refuse(path: &Path, why: &str) -> Failure {
    Failure::new(Code::State, anyhow!("cannot use {}: {why}", path.display()))
}

/// A failed operation on a path of the state directory.
pub(super) fn cannot(verb: &str, path: &Path, error: impl Into<io::Error>) -> Failure {
    Failure::new(Code::State, anyhow!("cannot {verb} {}: {}", path.display(), error.into()))
}
