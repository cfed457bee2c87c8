//! A ledger: numbered JSON objects, one a line, only ever appended, in two files that together are bounded.
//!
//! When the file has its share of the limit it becomes the older of two, and the one before goes. Numbers have no gap,
//! so that a reader knows by the last one where it was, and whether anything was lost to it (see `reader`).
//!
//! There has to be one writer at a time: for received messages that is the listener of the home (see `presence`), for
//! sent ones whoever holds their lock (see `outbox`).

use std::fs::File;
use std::io;

use serde::Deserialize;

use super::append::append;
use super::dir::{StateDir, cannot};
use crate::exit::Failure;
use crate::system::disk;

/// The two files of a ledger.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// The one that is written.
    pub(super) current: &'static str,
    /// The one before.
    pub(super) older: &'static str,
}

/// What arrived.
pub const RECEIVED: Pages = Pages { current: "messages.ndjson", older: "messages.1.ndjson" };

/// What was sent.
pub const SENT: Pages = Pages { current: "sent.ndjson", older: "sent.1.ndjson" };

/// A ledger that is open for writing.
#[derive(Debug)]
pub struct Ledger {
    dir: StateDir,
    pages: Pages,
    file: File,
    /// Whether the file's name may not yet be on the disk.
    fresh: bool,
    last: u64,
    max_bytes: u64,
}

/// The number that every object has.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

impl Ledger {
    /// Opens a ledger for writing; both files together stay below about `max_bytes`.
    pub fn open(dir: StateDir, pages: Pages, max_bytes: u64) -> Result<Self, Failure> {
        let file = dir.file_or_new(pages.current)?;
        // of the last line a kill may have kept only the newline back: it is an object once it is ended, and its number
        // must not be given again
        append(&file, b"").map_err(|error| cannot("write", &dir.path_of(pages.current), error))?;
        let last = last_number(&dir, pages)?;
        Ok(Self { dir, pages, file, fresh: true, last, max_bytes })
    }

    /// Adds an object for each record; `line` gets the record and its number and gives its line with the newline.
    ///
    /// When this returns without an error they survive a kill of this process, else none of them is there.
    pub fn append<R>(
        &mut self,
        records: &[R],
        line: impl Fn(&R, u64) -> String,
    ) -> Result<(), Failure> {
        if records.is_empty() {
            return Ok(());
        }
        let lines: String = (self.last + 1..).zip(records).map(|(seq, r)| line(r, seq)).collect();
        let path = self.dir.path_of(self.pages.current);
        let is_there = self.dir.holds(self.pages.current, &self.file);
        if !is_there.map_err(|error| cannot("read", &path, error))? {
            // somebody has moved it away or removed it
            self.turn_page()?;
        }
        let length = self.file.metadata().map_err(|error| cannot("read", &path, error))?.len();
        if length > 0 && length + lines.len() as u64 > self.max_bytes / 2 {
            // else a power cut could take the end of this page and leave the beginning of the next
            let synced = self.file.sync_data();
            let renamed =
                synced.and_then(|()| self.dir.rename(self.pages.current, self.pages.older));
            renamed.map_err(|error| cannot("rotate", &path, error))?;
            self.turn_page()?;
        }
        append(&self.file, lines.as_bytes()).map_err(|error| cannot("write", &path, error))?;
        self.last += records.len() as u64;
        Ok(())
    }

    /// The number of the newest object.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Sees to it that everything survives a power cut, too. After an error nobody knows what is on the disk, and
    /// asking again would be answered with a lie: the ledger is not to be used any more.
    pub fn sync(&mut self) -> Result<(), Failure> {
        let path = self.dir.path_of(self.pages.current);
        let synced = self
            .file
            .sync_data()
            .and_then(|()| if std::mem::take(&mut self.fresh) { self.dir.sync() } else { Ok(()) });
        synced.map_err(|error| cannot("sync", &path, error))
    }

    fn turn_page(&mut self) -> Result<(), Failure> {
        self.file = self.dir.file_or_new(self.pages.current)?;
        self.fresh = true;
        Ok(())
    }
}

/// The number of the newest object; 0 if there is none.
pub(super) fn last_number(dir: &StateDir, pages: Pages) -> Result<u64, Failure> {
    for name in [pages.current, pages.older] {
        let Some(file) = dir.file(name)? else { continue };
        let last = last_in(&file).map_err(|error| cannot("read", &dir.path_of(name), error))?;
        if let Some(last) = last {
            return Ok(last);
        }
    }
    Ok(0)
}

/// The number in a line, if the whole line is sound.
pub(super) fn number_of(line: &[u8]) -> Option<u64> {
    /// What JSON readers everywhere hold exactly; a larger number is damage.
    const MAX_NUMBER: u64 = 1 << 53;
    let numbered = serde_json::from_slice::<Numbered>(line).ok()?;
    (1..=MAX_NUMBER).contains(&numbered.seq).then_some(numbered.seq)
}

/// The number with which a line begins as we write it; if the line is sound, it is the number of it. To see whether it is
/// takes a hundred times as long.
fn first_number(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// The number of the last sound object of a file, looked for from its end.
pub(super) fn last_in(file: &File) -> io::Result<Option<u64>> {
    /// Half of the first step back; most lines are far shorter.
    const HALF_STEP: u64 = 2 * 1024;
    let mut start = file.metadata()?.len();
    let (mut tail, mut step) = (Vec::new(), HALF_STEP);
    while start > 0 {
        step = (step * 2).min(start);
        start -= step;
        let mut before = vec![0; usize::try_from(step).unwrap_or_default()];
        disk::read_exact_at(file, &mut before, start)?;
        before.append(&mut tail);
        tail = before;
        // what is before the first newline may be the end of a longer line
        let whole = if start == 0 {
            0
        } else {
            tail.iter().position(|&b| b == b'\n').map_or(tail.len(), |at| at + 1)
        };
        let mut lines = tail[whole..].split(|&b| b == b'\n').rev();
        // what follows the last newline is not finished
        lines.next();
        // the highest, not the last: a damaged one must not have the numbers go back
        let mut last = None;
        for line in lines {
            let is_lower =
                first_number(line).is_some_and(|seq| last.is_some_and(|last| seq <= last));
            if !is_lower {
                last = last.max(number_of(line));
            }
        }
        if last.is_some() {
            return Ok(last);
        }
        tail.truncate(whole);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(home: &tempfile::TempDir, max_bytes: u64) -> Ledger {
        Ledger::open(StateDir::create(home.path(), true).unwrap(), RECEIVED, max_bytes).unwrap()
    }

    fn add(ledger: &mut Ledger, texts: &[&str]) {
        let line = |text: &&str, seq| format!("{{\"seq\":{seq},\"text\":\"{text}\"}}\n");
        ledger.append(texts, line).unwrap();
    }

    #[test]
    fn a_last_line_that_lacks_only_its_newline_keeps_its_number() {
        let home = tempfile::tempdir().unwrap();
        add(&mut open(&home, 1 << 20), &["a", "b"]);
        let path = home.path().join("messages.ndjson");
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let mut ledger = open(&home, 1 << 20);
        assert_eq!(ledger.last(), 2);
        add(&mut ledger, &["c"]);
        let text = read(&home, "messages.ndjson");
        let numbers: Vec<_> = text.lines().filter_map(|line| number_of(line.as_bytes())).collect();
        assert_eq!(numbers, [1, 2, 3]);
    }

    fn read(home: &tempfile::TempDir, name: &str) -> String {
        std::fs::read_to_string(home.path().join(name)).unwrap()
    }

    #[test]
    fn a_page_that_was_moved_away_is_begun_anew_and_the_numbers_go_on() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = open(&home, 1_000_000);
        add(&mut ledger, &["one"]);
        std::fs::remove_file(home.path().join(RECEIVED.current)).unwrap();
        add(&mut ledger, &["two"]);
        std::fs::rename(home.path().join(RECEIVED.current), home.path().join("moved")).unwrap();
        add(&mut ledger, &["three"]);
        assert_eq!(read(&home, RECEIVED.current), "{\"seq\":3,\"text\":\"three\"}\n");
    }

    #[test]
    fn it_is_bounded_and_keeps_the_newest() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = open(&home, 1000);
        for number in 0..200 {
            add(&mut ledger, &[&number.to_string()]);
        }
        let (older, newer) = (read(&home, RECEIVED.older), read(&home, RECEIVED.current));
        assert!(older.len() <= 500 && newer.len() <= 500);
        let both = older + &newer;
        let numbers: Vec<_> =
            both.lines().map(|line| number_of(line.as_bytes()).unwrap()).collect();
        let expected: Vec<_> = (numbers[0]..=200).collect();
        assert_eq!(numbers, expected, "no line is missing after the first kept");
    }

    #[test]
    fn the_numbers_go_on_after_whatever_is_at_the_end() {
        let long = "x".repeat(150_000);
        for (end, next) in [
            ("", 3),
            ("{\"seq\":7,\"te", 3),
            ("{\"seq\":7,\"te\nrubbish\n\n", 3),
            ("{\"seq\":1}\n", 3),
            ("{\"seq\":18446744073709551615}\n{\"seq\":0}\n", 3),
            ("{\"seq\":9}\n{\"seq\":11,\"text\":\"x", 10),
            (&long, 3),
            (&format!("{{\"seq\":12,\"text\":\"{long}\"}}\n{long}"), 13),
        ] {
            let home = tempfile::tempdir().unwrap();
            add(&mut open(&home, 1_000_000), &["one", "two"]);
            let path = home.path().join(RECEIVED.current);
            let text = std::fs::read_to_string(&path).unwrap() + end;
            std::fs::write(&path, text).unwrap();
            add(&mut open(&home, 1_000_000), &["next"]);
            let last = read(&home, RECEIVED.current);
            let last = number_of(last.lines().last().unwrap().as_bytes());
            assert_eq!(last, Some(next), "{}", &end[..end.len().min(40)]);
        }
    }

    #[test]
    fn the_numbers_go_on_from_the_older_page() {
        let home = tempfile::tempdir().unwrap();
        add(&mut open(&home, 1000), &["one", "two"]);
        std::fs::rename(home.path().join(RECEIVED.current), home.path().join(RECEIVED.older))
            .unwrap();
        add(&mut open(&home, 1000), &["three"]);
        assert_eq!(read(&home, RECEIVED.current), "{\"seq\":3,\"text\":\"three\"}\n");
    }
}
