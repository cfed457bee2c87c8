//! The peers file: the peer book on disk, shared by every invocation.
//!
//! Readers take no lock. A writer takes it, reads what others have appended, makes its change, appends the records of
//! that change in one write, and folds the file by a rename when it has grown.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use memchr::memrchr;

use super::about::About;
use super::append::append;
use super::dir::{StateDir, cannot};
use super::lock::Lock;
use super::picked::{Picked, lines_back};
use super::record::{self, Checked, Line};
use crate::address::Address;
use crate::book::{Caps, Listing, PeerBook};
use crate::exit::Failure;
use crate::system::disk;
use crate::trust::Trust;

const PEERS_FILE: &str = "peers";
const FOLD_FILE: &str = "peers.tmp";
const LOCK_FILE: &str = "peers.lock";

/// The file is folded when it has this many records more than twice the peers: rare enough to cost nothing on
/// average, often enough that a reader never reads much more than it needs.
const FOLD_SLACK: usize = 256;

/// About as many bytes as a record of a peer that we have met.
const RECORD_BYTES: usize = 256;

/// Where the state is and how it is used.
#[derive(Clone, Debug)]
pub struct Place {
    /// The state directory.
    pub path: PathBuf,
    /// Whether it may be on a network file system.
    pub allow_network: bool,
    /// How long to wait for the lock.
    pub lock_wait: Duration,
    /// How many peers to keep.
    pub caps: Caps,
    /// Which keys are believed.
    pub trust: Trust,
    /// The peers that the configuration lists.
    pub configured: Vec<(Address, Listing)>,
}

/// An open peers file with its book.
#[derive(Debug)]
pub struct PeersFile {
    place: Place,
    book: PeerBook,
    read: Progress,
    /// What alone is read.
    about: Option<About>,
}

/// How far the file has been read.
#[derive(Debug, Default)]
struct Progress {
    /// The file itself, kept open: the number of a file that is gone may be given to another one.
    file: Option<File>,
    offset: u64,
    /// The last bytes before the offset: another hand may have changed the file where it is.
    tail: Vec<u8>,
    records: usize,
    bad: usize,
    foreign: Vec<Vec<u8>>,
}

impl PeersFile {
    /// Reads the peers file as it is now; a missing one is an empty book.
    pub fn open(place: Place) -> Result<Self, Failure> {
        let book = PeerBook::default();
        let mut peers = Self { book, read: Progress::default(), place, about: None };
        peers.read_whole()?;
        Ok(peers)
    }

    /// Reads what is about one peer, for a command that changes no other: an address, or the name of one. A short file is
    /// read whole, and one in which there is no such peer that we have met.
    pub fn open_about(place: Place, word: &str) -> Result<Self, Failure> {
        let book = PeerBook::default();
        let mut peers = Self { book, read: Progress::default(), place, about: None };
        peers.reset();
        let Some(dir) = StateDir::open(&peers.place.path, peers.place.allow_network)? else {
            return Ok(peers);
        };
        if let Some(file) = dir.file(PEERS_FILE)? {
            let about = About::word(&file, word);
            peers.about = about.map_err(|e| cannot("read", &dir.path_of(PEERS_FILE), e))?;
        }
        peers.refresh(&dir, Access::Shared)?;
        if let Some(about) = &mut peers.about {
            about.keep_met(&peers.book);
        }
        if !peers.suffices() {
            peers.read_whole()?;
        }
        Ok(peers)
    }

    /// Reads all there is.
    pub fn read_whole(&mut self) -> Result<(), Failure> {
        self.about = None;
        self.reset();
        match StateDir::open(&self.place.path, self.place.allow_network)? {
            Some(dir) => self.refresh(&dir, Access::Shared),
            None => Ok(()),
        }
    }

    /// Whether everything was read.
    pub fn is_whole(&self) -> bool {
        self.about.is_none()
    }

    /// Whether all that the file says of a peer was read, if there is any.
    pub fn is_read(&self, address: &Address) -> bool {
        self.about.as_ref().is_none_or(|about| about.is_about(address))
    }

    /// Whether what was read is enough to change what it is about.
    fn suffices(&self) -> bool {
        let Progress { records, bad, .. } = self.read;
        self.about.as_ref().is_none_or(|about| bad == 0 && about.suffices(&self.book, records))
    }

    /// The book as of the last read or change.
    pub fn book(&self) -> &PeerBook {
        &self.book
    }

    /// Takes in what others have written since. What cannot be read now leaves the book as it was.
    pub fn reload(&mut self) {
        if let Ok(Some(dir)) = StateDir::open(&self.place.path, self.place.allow_network) {
            let _ = self.refresh(&dir, Access::Shared);
        }
    }

    /// How many damaged records were passed over; the next change drops them.
    pub fn bad_records(&self) -> usize {
        self.read.bad
    }

    /// Changes the book as it is on disk at this moment, and writes the change down.
    ///
    /// When this returns, the change survives a kill. On an error the file is as it was.
    pub fn update<T>(&mut self, change: impl FnOnce(&mut PeerBook) -> T) -> Result<T, Failure> {
        let dir = StateDir::create(&self.place.path, self.place.allow_network)?;
        let _lock = Lock::acquire(&dir, LOCK_FILE, self.place.lock_wait)?;
        self.refresh(&dir, Access::Locked)?;
        if !self.suffices() {
            self.about = None;
            self.reset();
            self.refresh(&dir, Access::Locked)?;
        }
        let result = change(&mut self.book);
        let journal = self.book.take_journal();
        if journal.is_empty() && self.read.bad == 0 {
            return Ok(result);
        }
        if let Err(failure) = self.write(&dir, &journal) {
            // the book is ahead of the file now
            self.reset();
            self.refresh(&dir, Access::Locked)?;
            return Err(failure);
        }
        let is_long = self.is_whole() && self.read.records > 2 * self.book.len() + FOLD_SLACK;
        if self.read.bad > 0 || is_long {
            // the change is safe already; a fold that fails costs only space
            let _ = self.fold(&dir);
            // whatever became of it, the file says who is there; a removal that was only tried must not be written later
            self.reset();
            let _ = self.refresh(&dir, Access::Locked);
        }
        Ok(result)
    }

    fn write(&mut self, dir: &StateDir, journal: &[crate::book::Record]) -> Result<(), Failure> {
        let path = dir.path_of(PEERS_FILE);
        let lines: String = journal.iter().map(record::encode).collect();
        let file = dir.file_or_new(PEERS_FILE)?;
        let end = append(&file, lines.as_bytes()).map_err(|e| cannot("write", &path, e))?;
        self.read.records += journal.len();
        if self.read.reach(file, end).is_err() {
            // the change is down; what cannot be read now is read from the start the next time
            self.read.file = None;
        }
        Ok(())
    }

    /// Reads what was appended since the last read, or everything if the file is another one.
    fn refresh(&mut self, dir: &StateDir, access: Access) -> Result<(), Failure> {
        let Some(file) = dir.file(PEERS_FILE)? else {
            self.reset();
            return Ok(());
        };
        let path = dir.path_of(PEERS_FILE);
        self.read_new(file, access).map_err(|error| cannot("read", &path, error))
    }

    fn read_new(&mut self, file: File, access: Access) -> io::Result<()> {
        if !self.read.continues_in(&file)? {
            self.reset();
        }
        let offset = self.read.offset;
        let Picked { lines: news, passed, mut end } = match &self.about {
            Some(about) => about.pick(&file, offset)?,
            None => Picked::all(&file, offset)?,
        };
        self.read.records += passed;
        let finished = memrchr(b'\n', &news).map_or(0, |at| at + 1);
        let (mut lines, last) = news.split_at(finished);
        // an unfinished last line is somebody's write in progress, or a torn one; under the lock nobody writes, and if it
        // is whole a person has left out the newline
        if !last.is_empty() {
            if access == Access::Locked && matches!(record::decode(last), Line::Record(_)) {
                lines = &news;
            } else {
                // the next write ends it, and then it is damage like any other
                self.read.bad += usize::from(access == Access::Locked);
                end -= last.len() as u64;
            }
        }
        self.take(lines);
        if !news.is_empty() {
            self.book.forget_stale_hearsay(SystemTime::now());
        }
        self.read.reach(file, end)
    }

    /// Takes records in, of each address the last that is sound. What was said of it before takes ten times as long to
    /// read as to pass over.
    fn take(&mut self, lines: &[u8]) {
        let mut done: HashSet<Cow<'_, str>> = HashSet::with_capacity(lines.len() / RECORD_BYTES);
        let mut foreign = Vec::new();
        for text in lines_back(lines).filter(|text| !text.is_empty()) {
            self.read.records += 1;
            let line = Checked::of(text);
            let address = line.address();
            if address.is_some_and(|address| done.contains(address)) {
                continue;
            }
            match line.decode() {
                Line::Record(record) => {
                    let unread = || Cow::Owned(record.address().to_string());
                    let address = address.map_or_else(unread, Cow::Borrowed);
                    if done.insert(address) {
                        self.book.apply(record);
                    }
                }
                Line::Foreign => foreign.push([text, b"\n"].concat()),
                Line::Bad => self.read.bad += 1,
            }
        }
        self.read.foreign.extend(foreign.into_iter().rev());
    }

    fn reset(&mut self) {
        self.read = Progress::default();
        self.book = PeerBook::new(self.place.caps, self.place.trust);
        for (address, listing) in &self.place.configured {
            self.book.configure(address, listing.clone());
        }
    }

    /// Writes the book anew, one record for each peer, and puts it in the place of the old file.
    fn fold(&mut self, dir: &StateDir) -> Result<(), Failure> {
        let path = dir.path_of(FOLD_FILE);
        // what is thrown away is decided by the whole file as it is now
        self.reset();
        self.refresh(dir, Access::Locked)?;
        self.book.shrink();
        let records = self.book.snapshot(SystemTime::now());
        let mut bytes: Vec<u8> = records.flat_map(|r| record::encode(&r).into_bytes()).collect();
        bytes.extend(self.read.foreign.concat());
        // some systems replace no file that is open
        self.read.file = None;
        let mut file = dir.fresh_file(FOLD_FILE)?;
        let done = file
            .write_all(&bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| dir.rename(FOLD_FILE, PEERS_FILE));
        if let Err(error) = done {
            let _ = dir.remove(FOLD_FILE);
            return Err(cannot("write", &path, error));
        }
        Ok(())
    }
}

impl Progress {
    /// Notes that this file has been read up to here.
    fn reach(&mut self, file: File, offset: u64) -> io::Result<()> {
        self.tail = last_bytes(&file, offset)?;
        self.offset = offset;
        self.file = Some(file);
        Ok(())
    }

    /// Whether this is the file that was read, with what was read still in its place.
    fn continues_in(&self, file: &File) -> io::Result<bool> {
        let Some(known) = &self.file else { return Ok(false) };
        let (known, now) = (disk::facts(known)?, disk::facts(file)?);
        let same = known.identity == now.identity;
        Ok(same && now.length >= self.offset && last_bytes(file, self.offset)? == self.tail)
    }
}

/// The last bytes before an offset: enough to tell whether anything before it was moved.
fn last_bytes(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    const ENOUGH: u64 = 64;
    let count = offset.min(ENOUGH);
    let mut bytes = vec![0; usize::try_from(count).unwrap_or_default()];
    disk::read_exact_at(file, &mut bytes, offset - count)?;
    Ok(bytes)
}

/// Whether others may be writing meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Locked,
    Shared,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_of_the_same_length_and_end_is_read_anew() {
        let home = tempfile::tempdir().unwrap();
        let place = Place {
            path: home.path().to_owned(),
            allow_network: true,
            lock_wait: Duration::from_secs(1),
            caps: Caps::default(),
            trust: Trust::default(),
            configured: vec![],
        };
        // the second line is longer than what is compared of the end
        let write = |name: &str, first: &str| {
            let last = "calls_itself_by_a_name_that_is_as_long_as_may_be";
            let text = [("10.0.0.1:1", first), ("10.0.0.2:2", last)]
                .map(|(addr, name)| {
                    format!("{{\"v\":1,\"addr\":\"{addr}\",\"name\":\"{name}\"}}\n")
                })
                .concat();
            let mut file = disk::make_file(&home.path().join(name)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        write(PEERS_FILE, "alice");
        let mut peers = PeersFile::open(place).unwrap();
        let first = |peers: &PeersFile| {
            let mut names: Vec<_> = peers
                .book()
                .iter()
                .filter_map(|peer| Some(peer.name.as_ref()?.to_string()))
                .collect();
            names.sort();
            names.remove(0)
        };
        assert_eq!(first(&peers), "alice");
        // what another process does when it folds
        write(FOLD_FILE, "bobby");
        std::fs::rename(home.path().join(FOLD_FILE), home.path().join(PEERS_FILE)).unwrap();
        peers.reload();
        assert_eq!(first(&peers), "bobby");
    }
}
