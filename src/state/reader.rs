//! Reads a ledger while others write it: from any number on, across its two files, and again when more has come.
//!
//! It takes no lock. An unfinished last line is somebody's write in progress; a damaged one is passed over and counted.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use memchr::memchr;
use serde::{Deserialize, Serialize};

use super::dir::{StateDir, cannot};
use super::ledger::{Pages, last_in, last_number, number_of};
use crate::exit::Failure;
use crate::message::MAX_MESSAGE_BYTES;
use crate::system::disk;

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Longest line that is read, in bytes: the largest message that a listener may be told to take, every byte of it
/// escaped (6 bytes for one), with room for the rest of the object. A longer one is damage.
const MAX_LINE_BYTES: usize = 6 * MAX_MESSAGE_BYTES + 64 * 1024;

/// An object of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// Its line, without the newline.
    pub line: Vec<u8>,
}

/// Which object was the last that somebody has read: its number, and the CRC-32 of its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    seq: u64,
    crc32: u32,
}

impl Mark {
    /// The mark behind an object.
    pub fn of(entry: &Entry) -> Self {
        Self { seq: entry.seq, crc32: crc32fast::hash(&entry.line) }
    }
}

/// Reads the objects of a ledger in their order.
#[derive(Debug)]
pub struct Reader {
    dir: StateDir,
    pages: Pages,
    page: Option<Page>,
    last: u64,
    bad: usize,
    /// Damaged lines of which it is not yet known whether they are among what is to be read.
    doubtful: usize,
    lost: u64,
}

/// The newest lines of a ledger, as many as are found at once: enough to see what it has been about lately.
pub fn newest_lines(dir: &StateDir, pages: Pages) -> Result<Vec<Vec<u8>>, Failure> {
    let Some(mut file) = dir.readable_file(pages.current)? else { return Ok(Vec::new()) };
    let (start, bytes) =
        last_chunk(&mut file).map_err(|e| cannot("read", &dir.path_of(pages.current), e))?;
    // what comes before the first newline may be the end of a longer line, what follows the last is not finished
    let is_cut = usize::from(start > 0);
    let mut lines: Vec<_> = bytes.split(|&b| b == b'\n').skip(is_cut).map(<[u8]>::to_vec).collect();
    lines.pop();
    Ok(lines)
}

fn last_chunk(file: &mut File) -> io::Result<(u64, Vec<u8>)> {
    let start = file.metadata()?.len().saturating_sub(CHUNK_BYTES as u64);
    file.seek(io::SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(CHUNK_BYTES as u64).read_to_end(&mut bytes)?;
    Ok((start, bytes))
}

/// A file that is being read.
#[derive(Debug)]
struct Page {
    name: &'static str,
    file: File,
    /// Where the next read begins.
    offset: u64,
    /// What was read and not yet given out; begins at a line.
    buffer: Vec<u8>,
    used: usize,
}

impl Reader {
    /// Reads what comes after this number; 0 is everything that is kept.
    pub fn open(dir: StateDir, pages: Pages, after: u64) -> Self {
        Self { dir, pages, page: None, last: after, bad: 0, doubtful: 0, lost: 0 }
    }

    /// Goes on behind the object that this mark was made of.
    ///
    /// If it is no longer kept, what is kept after it comes next, and the gap is counted as lost. If the mark points
    /// nowhere, because the ledger was begun anew, everything comes; this is told by `false`.
    pub fn resume(dir: StateDir, pages: Pages, mark: Mark) -> Result<(Self, bool), Failure> {
        let mut reader = Self::open(dir, pages, mark.seq.saturating_sub(1));
        let found = reader.read()?;
        let is_known = match &found {
            Some(entry) => entry.seq > mark.seq || Mark::of(entry) == mark,
            None => last_number(&reader.dir, pages)? == 0,
        };
        (reader.page, reader.lost, reader.bad, reader.doubtful) = (None, 0, 0, 0);
        reader.last = if is_known { mark.seq } else { 0 };
        Ok((reader, is_known))
    }

    /// Reads the last `count` objects, and what comes after them.
    pub fn open_last(dir: StateDir, pages: Pages, count: u64) -> Result<Self, Failure> {
        let last = last_number(&dir, pages)?;
        Ok(Self::open(dir, pages, last.saturating_sub(count)))
    }

    /// The next object; `None` if there is no more for now.
    pub fn read(&mut self) -> Result<Option<Entry>, Failure> {
        loop {
            let Some(page) = &mut self.page else {
                self.page = self.open_page()?;
                if self.page.is_none() {
                    return Ok(None);
                }
                continue;
            };
            let path = self.dir.path_of(page.name);
            match page.line().map_err(|error| cannot("read", &path, error))? {
                Some(line) => {
                    if let Some(entry) = self.take(line) {
                        return Ok(Some(entry));
                    }
                }
                None if self.is_current()? => return Ok(None),
                // it was rotated: what it had left has been read by now, and more is in the next
                None => self.page = None,
            }
        }
    }

    /// Sees to it that what was read survives a power cut, so that whoever remembers to have read it is not mistaken.
    pub fn sync(&self) -> Result<(), Failure> {
        let Some(page) = &self.page else { return Ok(()) };
        let synced = page.file.sync_data().and_then(|()| self.dir.sync());
        synced.map_err(|error| cannot("sync", &self.dir.path_of(page.name), error))
    }

    /// How many damaged lines were passed over.
    pub fn bad(&self) -> usize {
        self.bad + self.doubtful
    }

    /// How many objects were gone before they could be read.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn take(&mut self, line: Vec<u8>) -> Option<Entry> {
        if line.is_empty() {
            return None;
        }
        let Some(seq) = number_of(&line) else {
            self.doubtful += 1;
            return None;
        };
        let doubtful = std::mem::take(&mut self.doubtful);
        if seq <= self.last {
            return None;
        }
        self.bad += doubtful;
        if self.last > 0 {
            self.lost += seq - self.last - 1;
        }
        self.last = seq;
        Some(Entry { seq, line })
    }

    /// Whether the page that was read to its end is still the one that is written.
    fn is_current(&self) -> Result<bool, Failure> {
        let Some(page) = &self.page else { return Ok(false) };
        let holds = self.dir.holds(self.pages.current, &page.file);
        holds.map_err(|error| cannot("read", &self.dir.path_of(page.name), error))
    }

    /// The page on which the next object is, and the place on it.
    fn open_page(&mut self) -> Result<Option<Page>, Failure> {
        let Pages { current, older } = self.pages;
        loop {
            let before = self.dir.file(older)?;
            if let Some(file) = &before
                && self.last_in(older, file)? > self.last
            {
                return self.page_at(older, before);
            }
            let file = self.dir.file(current)?;
            if self.same(older, before.as_ref())? {
                return self.page_at(current, file);
            }
            // the pages have turned between our two looks
        }
    }

    fn page_at(&self, name: &'static str, file: Option<File>) -> Result<Option<Page>, Failure> {
        let Some(file) = file else { return Ok(None) };
        let offset = start_after(&file, self.last);
        let offset = offset.map_err(|error| cannot("read", &self.dir.path_of(name), error))?;
        Ok(Some(Page { name, file, offset, buffer: Vec::new(), used: 0 }))
    }

    fn last_in(&self, name: &'static str, file: &File) -> Result<u64, Failure> {
        let last = last_in(file).map_err(|error| cannot("read", &self.dir.path_of(name), error))?;
        Ok(last.unwrap_or(0))
    }

    /// Whether this name still stands for this file, or still for none.
    fn same(&self, name: &'static str, file: Option<&File>) -> Result<bool, Failure> {
        match file {
            Some(file) => self
                .dir
                .holds(name, file)
                .map_err(|error| cannot("read", &self.dir.path_of(name), error)),
            None => Ok(self.dir.file(name)?.is_none()),
        }
    }
}

impl Page {
    /// The next finished line, without its newline; of one that is too long only its beginning.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut searched = self.used;
        let mut cut = None;
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[searched..]) {
                let end = searched + at;
                let line = cut.unwrap_or_else(|| self.buffer[self.used..end].to_vec());
                self.used = end + 1;
                return Ok(Some(line));
            }
            if self.buffer.len() - self.used > MAX_LINE_BYTES {
                // what is kept of it is read as damage
                let beginning = self.buffer[self.used..].iter().take(CHUNK_BYTES).copied();
                cut.get_or_insert_with(|| beginning.collect());
                self.used = self.buffer.len();
            }
            searched = self.buffer.len() - self.used;
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    /// Reads some more; gives how much.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + CHUNK_BYTES, 0);
        let read = disk::read_at(&self.file, &mut self.buffer[length..], self.offset);
        let count = *read.as_ref().unwrap_or(&0);
        self.buffer.truncate(length + count);
        self.offset += count as u64;
        read
    }
}

/// The beginning of a line at or before the first object with a higher number, found by halving: numbers only grow.
fn start_after(file: &File, number: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, file.metadata()?.len());
    while number > 0 && high - low > CHUNK_BYTES as u64 {
        let middle = low + (high - low) / 2;
        match object_after(file, middle, high)? {
            Some((start, seq)) if seq <= number => low = start,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The first sound object that begins after an offset and before a limit: where it begins, and its number.
fn object_after(file: &File, offset: u64, limit: u64) -> io::Result<Option<(u64, u64)>> {
    let mut page = Page { name: "", file: file.try_clone()?, offset, buffer: Vec::new(), used: 0 };
    // the rest of the line in which the offset is
    let mut start = offset;
    let mut first = true;
    while let Some(line) = page.line()? {
        if !std::mem::take(&mut first)
            && let Some(seq) = number_of(&line)
        {
            return Ok((start < limit).then_some((start, seq)));
        }
        start += line.len() as u64 + 1;
        if start >= limit {
            break;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::{Ledger, RECEIVED};
    use super::*;
    use std::io::Write as _;

    fn dir(home: &tempfile::TempDir) -> StateDir {
        StateDir::create(home.path(), true).unwrap()
    }

    fn write(home: &tempfile::TempDir, max_bytes: u64, count: u64) {
        let mut ledger = Ledger::open(dir(home), RECEIVED, max_bytes).unwrap();
        for _ in 0..count {
            ledger
                .append(&[()], |(), seq| format!("{{\"seq\":{seq},\"pad\":\"xxxxxxxx\"}}\n"))
                .unwrap();
        }
    }

    fn numbers(reader: &mut Reader) -> Vec<u64> {
        std::iter::from_fn(|| reader.read().unwrap()).map(|entry| entry.seq).collect()
    }

    #[test]
    fn the_newest_lines_are_whole_ones_and_a_bounded_part() {
        let home = tempfile::tempdir().unwrap();
        let dir = StateDir::create(home.path(), true).unwrap();
        assert_eq!(newest_lines(&dir, RECEIVED).unwrap(), [b""; 0]);
        let write = |text: &str| {
            let mut file = dir.fresh_file(RECEIVED.current).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        write("one\ntwo\nthr");
        assert_eq!(
            newest_lines(&dir, RECEIVED).unwrap(),
            [b"one", b"two"],
            "the last is not finished"
        );
        write(&format!("{}\nlast\n", "x".repeat(CHUNK_BYTES)));
        assert_eq!(newest_lines(&dir, RECEIVED).unwrap(), [b"last"], "the first is cut");
    }

    #[test]
    fn it_begins_after_any_number_on_either_page() {
        let home = tempfile::tempdir().unwrap();
        write(&home, 600_000, 20_000);
        let first = numbers(&mut Reader::open(dir(&home), RECEIVED, 0))[0];
        assert!(first > 1, "the oldest are gone");
        for after in [0, first, first + 1, 12_345, 19_998, 19_999, 20_000, 30_000] {
            let mut reader = Reader::open(dir(&home), RECEIVED, after);
            let expected: Vec<_> = (first.max(after + 1)..=20_000).collect();
            assert_eq!(numbers(&mut reader), expected, "after {after}");
            assert_eq!((reader.bad(), reader.lost()), (0, 0));
        }
        let mut last = Reader::open_last(dir(&home), RECEIVED, 3).unwrap();
        assert_eq!(numbers(&mut last), [19_998, 19_999, 20_000]);
    }

    #[test]
    fn it_goes_on_when_more_is_written_and_when_pages_turn() {
        let home = tempfile::tempdir().unwrap();
        let mut reader = Reader::open(dir(&home), RECEIVED, 0);
        assert_eq!(numbers(&mut reader), [0; 0]);
        write(&home, 1000, 2);
        assert_eq!(numbers(&mut reader), [1, 2]);
        let mut next = 3;
        for count in [1, 5, 10, 3, 12] {
            write(&home, 1000, count);
            let expected: Vec<_> = (next..next + count).collect();
            assert_eq!(numbers(&mut reader), expected);
            next += count;
        }
        assert_eq!((reader.bad(), reader.lost()), (0, 0));
        // two turns at once: what was on the page between is gone, and that is known
        write(&home, 1000, 200);
        let read = numbers(&mut reader);
        assert_eq!(read.last(), Some(&(next + 199)));
        assert_eq!(reader.lost(), 200 - read.len() as u64);
    }

    #[test]
    fn cut_at_any_byte_it_gives_what_is_whole() {
        let home = tempfile::tempdir().unwrap();
        write(&home, 1_000_000, 5);
        let path = home.path().join(RECEIVED.current);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let lines = whole[..cut].iter().filter(|&&b| b == b'\n').count() as u64;
            let mut reader = Reader::open(dir(&home), RECEIVED, 0);
            assert_eq!(numbers(&mut reader), (1..=lines).collect::<Vec<_>>(), "cut at {cut}");
            // and the next listener begins a line of its own
            write(&home, 1_000_000, 1);
            // after what the kill has kept but for its newline
            let more = u64::from(whole.get(cut) == Some(&b'\n'));
            let expected: Vec<_> = (lines + 1..=lines + 1 + more).collect();
            assert_eq!(numbers(&mut reader), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_without_end_is_damage_and_takes_no_memory() {
        let home = tempfile::tempdir().unwrap();
        write(&home, 1 << 30, 2);
        let path = home.path().join(RECEIVED.current);
        let mut file = File::options().append(true).open(&path).unwrap();
        let junk = vec![b'x'; 1024 * 1024];
        (0..40).for_each(|_| file.write_all(&junk).unwrap());
        let mut reader = Reader::open(dir(&home), RECEIVED, 0);
        assert_eq!(numbers(&mut reader), [1, 2]);
        write(&home, 1 << 30, 2);
        assert_eq!(numbers(&mut reader), [3, 4]);
        assert_eq!(numbers(&mut Reader::open(dir(&home), RECEIVED, 0)), [1, 2, 3, 4]);
        assert_eq!(reader.bad(), 1);
        let page = reader.page.as_ref().unwrap();
        assert!(page.buffer.capacity() <= 2 * MAX_LINE_BYTES, "{}", page.buffer.capacity());
    }

    #[test]
    fn a_damaged_line_is_passed_over_and_counted() {
        let home = tempfile::tempdir().unwrap();
        write(&home, 1_000_000, 3);
        let path = home.path().join(RECEIVED.current);
        let text = std::fs::read_to_string(&path).unwrap().replace("\"seq\":2", "\"seq\":2!");
        std::fs::write(&path, text).unwrap();
        let mut reader = Reader::open(dir(&home), RECEIVED, 0);
        assert_eq!(numbers(&mut reader), [1, 3]);
        assert_eq!(reader.bad(), 1);
    }

    #[test]
    fn a_mark_is_found_again_and_one_that_points_nowhere_is_told() {
        let home = tempfile::tempdir().unwrap();
        write(&home, 1000, 5);
        let mut reader = Reader::open(dir(&home), RECEIVED, 0);
        let entries: Vec<_> = std::iter::from_fn(|| reader.read().unwrap()).collect();
        let after = |mark: Mark| {
            let (mut reader, found) = Reader::resume(dir(&home), RECEIVED, mark).unwrap();
            (numbers(&mut reader), reader.lost(), found)
        };
        let third = Mark::of(&entries[2]);
        assert_eq!(after(third), (vec![4, 5], 0, true));
        assert_eq!(after(Mark::of(&entries[4])), (vec![], 0, true));
        assert_eq!(after(Mark::default()), (vec![1, 2, 3, 4, 5], 0, true));
        let other = Mark { crc32: third.crc32 ^ 1, ..third };
        assert_eq!(after(other), (vec![1, 2, 3, 4, 5], 0, false));
        assert_eq!(after(Mark { seq: 77, crc32: 0 }), (vec![1, 2, 3, 4, 5], 0, false));
        // the marked one is gone, and some after it with it
        write(&home, 1000, 95);
        let (read, lost, found) = after(third);
        assert_eq!((read[0], read.last(), found), (lost + 4, Some(&100), true));
        for name in [RECEIVED.current, RECEIVED.older] {
            std::fs::remove_file(home.path().join(name)).unwrap();
        }
        assert_eq!(after(third), (vec![], 0, true), "an empty ledger says nothing of a mark");
    }
}
