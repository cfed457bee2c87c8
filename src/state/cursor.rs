//! How far somebody has read the ledger: a small file for each reader, locked while it is used.
//!
//! The file is written where it is, so that the lock on it holds; its one short line is written at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::dir::{StateDir, cannot, read_all};
use super::ledger::Pages;
use super::lock::Lock;
use super::reader::Mark;
use crate::exit::Failure;
use crate::system::disk;

/// What is between a ledger's name and a cursor's in the name of its file.
const BETWEEN: &str = ".cursor-";

/// Longest name of a cursor, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Largest cursor file that is read, in bytes.
const MAX_CURSOR_BYTES: u64 = 4096;

/// The name of a cursor: letters, digits, `-`, `_` and `.`, beginning with a letter or a digit. It is part of a file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorName(String);

impl FromStr for CursorName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins && text.len() <= MAX_NAME_BYTES && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "a cursor is 1 to {MAX_NAME_BYTES} letters, digits, - _ and ., and begins with a letter or digit"
            ))
        }
    }
}

/// The names of the cursors that a state directory has.
pub fn names(dir: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let name = |file: std::fs::DirEntry| {
        let name = file.file_name().into_string().ok()?;
        Some(name.split_once(BETWEEN)?.1.to_owned())
    };
    files.filter_map(name).collect()
}

/// A cursor that nobody else can use at the same time.
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    lock: Lock,
}

impl Cursor {
    /// Waits at most `wait` for the cursor of this name on these pages.
    pub fn lock(
        dir: &StateDir,
        pages: Pages,
        name: &CursorName,
        wait: Duration,
    ) -> Result<Self, Failure> {
        let stem = pages.current.trim_end_matches(".ndjson");
        let file = format!("{stem}{BETWEEN}{}", name.0);
        Ok(Self { path: dir.path_of(&file), lock: Lock::acquire(dir, &file, wait)? })
    }

    /// Where its last user was; `None` if what the file says cannot be read.
    pub fn mark(&self) -> Result<Option<Mark>, Failure> {
        let bytes = read_all(&self.lock.file, 64, MAX_CURSOR_BYTES);
        let bytes = bytes.map_err(|error| cannot("read", &self.path, error))?;
        if bytes.is_empty() {
            return Ok(Some(Mark::default()));
        }
        let line = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        Ok(serde_json::from_slice(line).ok())
    }

    /// Remembers how far its user is.
    pub fn save(&self, mark: Mark) -> Result<(), Failure> {
        let line = serde_json::to_string(&mark).unwrap_or_default() + "\n";
        let written = disk::write_all_at(&self.lock.file, line.as_bytes(), 0);
        written.map_err(|error| cannot("write", &self.path, error))
    }
}
