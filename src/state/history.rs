//! The history: every message that arrived, one JSON object a line, written before it is acknowledged.
//!
//! It is bounded: when the file has its share of the limit it becomes the older of two, and the one before goes.
//! Only the listener of a home writes it, and there is one at a time (see `presence`), so it needs no lock.

use std::fs::File;

use super::append::append;
use super::dir::{Missing, StateDir, cannot};
use crate::exit::Failure;

const HISTORY_FILE: &str = "messages.ndjson";
const OLDER_FILE: &str = "messages.1.ndjson";

/// An open history.
#[derive(Debug)]
pub struct History {
    dir: StateDir,
    file: File,
    max_bytes: u64,
}

impl History {
    /// Opens the history for writing; both files together stay below about `max_bytes`.
    pub fn open(dir: StateDir, max_bytes: u64) -> Result<Self, Failure> {
        let file = open_file(&dir)?;
        Ok(Self { dir, file, max_bytes })
    }

    /// Adds whole lines. When this returns without an error, they survive a kill of this process.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), Failure> {
        let path = self.dir.path_of(HISTORY_FILE);
        if !self.dir.holds(HISTORY_FILE, &self.file).map_err(|e| cannot("read", &path, e))? {
            // somebody has moved it away or removed it
            self.file = open_file(&self.dir)?;
        }
        let length = self.file.metadata().map_err(|e| cannot("read", &path, e))?.len();
        if length > 0 && length + lines.len() as u64 > self.max_bytes / 2 {
            self.dir.rename(HISTORY_FILE, OLDER_FILE).map_err(|e| cannot("rotate", &path, e))?;
            self.file = open_file(&self.dir)?;
        }
        append(&self.file, lines).map(drop).map_err(|e| cannot("write", &path, e))
    }
}

fn open_file(dir: &StateDir) -> Result<File, Failure> {
    let missing = || cannot("make", &dir.path_of(HISTORY_FILE), rustix::io::Errno::NOENT);
    dir.file(HISTORY_FILE, Missing::Create)?.ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_that_was_moved_away_is_begun_anew() {
        let home = tempfile::tempdir().unwrap();
        let dir = || StateDir::create(home.path(), true).unwrap();
        let mut history = History::open(dir(), 1_000_000).unwrap();
        history.append(b"one\n").unwrap();
        std::fs::remove_file(home.path().join(HISTORY_FILE)).unwrap();
        history.append(b"two\n").unwrap();
        std::fs::rename(home.path().join(HISTORY_FILE), home.path().join("moved")).unwrap();
        history.append(b"three\n").unwrap();
        assert_eq!(std::fs::read(home.path().join(HISTORY_FILE)).unwrap(), b"three\n");
    }

    #[test]
    fn the_history_is_bounded_and_keeps_the_newest() {
        let home = tempfile::tempdir().unwrap();
        let dir = || StateDir::create(home.path(), true).unwrap();
        let mut history = History::open(dir(), 1000).unwrap();
        for number in 0..200 {
            history.append(format!("{{\"n\":{number}}}\n").as_bytes()).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
        let (older, newer) = (read(OLDER_FILE), read(HISTORY_FILE));
        assert!(older.len() <= 500 && newer.len() <= 500);
        let both = older + &newer;
        assert!(both.ends_with("{\"n\":199}\n"));
        let first: u32 = both[5..both.find('}').unwrap()].parse().unwrap();
        assert_eq!(
            both.lines().count(),
            200 - first as usize,
            "no line is missing after the first kept"
        );
    }
}
