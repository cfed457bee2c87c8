//! Which lines of a long peers file are about one peer.
//!
//! To read ten thousand peers takes twelve times as long as to send a message to one of them. So a command that is about one
//! looks at each line only for the address or the name, and reads those that have it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};

use memchr::memmem::Finder;

use super::picked::{From, Picked};
use super::record::{self, Line};
use crate::address::Address;
use crate::book::{PeerBook, Record};

/// Shorter files are read whole, which is as fast and simpler.
const MIN_BYTES: u64 = 64 * 1024;

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Once in so many records a change reads the whole file all the same, and folds it if it has grown.
const WHOLE_EVERY: usize = 256;

/// Of more addresses with one name each line would have to be searched for all of them, which takes longer than reading it.
const MAX_ADDRESSES: usize = 8;

/// The lines that are about one peer.
#[derive(Debug)]
pub(super) struct About {
    needles: Vec<Finder<'static>>,
    /// The peers that are meant.
    addresses: BTreeSet<Address>,
}

impl About {
    /// What a word, an address or a name, is about in a file; `None` if the whole file has to be read for that.
    pub(super) fn word(file: &File, word: &str) -> io::Result<Option<Self>> {
        if file.metadata()?.len() < MIN_BYTES {
            return Ok(None);
        }
        if word.contains(':') {
            return Ok(word.parse().ok().map(|address| Self::addresses([address].into())));
        }
        // such a word may be a name that has blanks, or a tag
        if word.contains(['_', ' ']) || word.starts_with('@') {
            return Ok(None);
        }
        let named = Self { needles: vec![quoted(word)], addresses: BTreeSet::new() };
        let lines = named.pick(file, 0)?.lines;
        let records = lines.split(|byte| *byte == b'\n').map(record::decode);
        let peer = |line| match line {
            Line::Record(Record::Peer(peer)) => Some(peer.address),
            _ => None,
        };
        let found: BTreeSet<Address> = records.filter_map(peer).collect();
        if found.len() > MAX_ADDRESSES {
            return Ok(None);
        }
        // all that was said of them counts, also under another name
        Ok(Some(Self::addresses(found)))
    }

    fn addresses(addresses: BTreeSet<Address>) -> Self {
        let needles = addresses.iter().map(|address| quoted(&address.to_string())).collect();
        Self { needles, addresses }
    }

    /// The lines that may say something of the peer, and the last one if it is not finished, from an offset on.
    pub(super) fn pick(&self, file: &File, offset: u64) -> io::Result<Picked> {
        let (from, expected) = From::offset(file, offset)?;
        let mut lines = BufReader::with_capacity(CHUNK_BYTES, from.take(expected));
        let mut picked = Picked { lines: Vec::new(), passed: 0, end: offset };
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            picked.end += line.len() as u64;
            if self.has(&line) || line.last() != Some(&b'\n') {
                picked.lines.extend(&line);
            } else {
                picked.passed += 1;
            }
            line.clear();
        }
        Ok(picked)
    }

    /// Whether a line may say something of the peer. A person who has mended a line may have written it in any way.
    fn has(&self, line: &[u8]) -> bool {
        line.starts_with(b"{") || self.needles.iter().any(|needle| needle.find(line).is_some())
    }

    /// Whether this peer is one of those that are meant.
    pub(super) fn is_about(&self, address: &Address) -> bool {
        self.addresses.contains(address)
    }

    /// Forgets those that are not in the book, or not met.
    pub(super) fn keep_met(&mut self, book: &PeerBook) {
        self.addresses.retain(|address| is_met(book, address));
    }

    /// Whether a change of these peers may be made with nothing known of the others, after so many records.
    pub(super) fn suffices(&self, book: &PeerBook, records: usize) -> bool {
        let is_there = self.addresses.iter().all(|address| is_met(book, address));
        is_there && !self.addresses.is_empty() && !records.is_multiple_of(WHOLE_EVERY)
    }
}

/// Whether we have met the peer that is entered at an IP address; who is entered there changes no other entry.
fn is_met(book: &PeerBook, address: &Address) -> bool {
    address.ip().is_some() && book.at(address).is_some_and(|peer| !peer.is_hearsay())
}

fn quoted(text: &str) -> Finder<'static> {
    let quoted = serde_json::Value::from(text).to_string();
    Finder::new(&quoted).into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::super::peers_file::{PeersFile, Place};
    use super::*;
    use crate::book::{Caps, Reached};
    use crate::lookup::{Lookup, find};
    use crate::peer::Wire;
    use crate::trust::Trust;

    const PEERS: usize = 500;

    struct Home(tempfile::TempDir);

    impl Home {
        /// A file of many peers, all of them met.
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            home.reach(0..PEERS, "peer");
            home
        }

        fn place(&self) -> Place {
            Place {
                path: self.0.path().to_owned(),
                allow_network: true,
                lock_wait: Duration::from_secs(10),
                caps: Caps::default(),
                trust: Trust::default(),
                configured: vec![],
            }
        }

        fn reach(&self, numbers: impl IntoIterator<Item = usize>, name: &str) {
            let mut peers = PeersFile::open(self.place()).unwrap();
            let reach = |book: &mut PeerBook| {
                for number in numbers {
                    reach(book, &address(number), &format!("{name}{number}"));
                }
            };
            peers.update(reach).unwrap();
        }

        fn about(&self, word: &str) -> PeersFile {
            PeersFile::open_about(self.place(), word).unwrap()
        }

        fn whole(&self) -> PeersFile {
            PeersFile::open(self.place()).unwrap()
        }

        fn lines(&self) -> usize {
            fs::read_to_string(self.0.path().join("peers")).unwrap().lines().count()
        }

        fn add_line(&self, line: &str) {
            let path = self.0.path().join("peers");
            fs::write(&path, fs::read_to_string(&path).unwrap() + line).unwrap();
        }
    }

    fn address(number: usize) -> Address {
        format!("10.18.{}.{}:5000", number / 250, number % 250).parse().unwrap()
    }

    fn reach(book: &mut PeerBook, address: &Address, name: &str) {
        let name = Some(name.parse().unwrap());
        let reached = Reached { address: address.clone(), name, wire: Wire::Native, key: None };
        book.reach(address, reached, SystemTime::now());
    }

    #[test]
    fn of_a_long_file_only_the_peer_is_read_and_it_is_the_same() {
        let home = Home::new();
        // an older name counts no more, also if somebody else has it now
        home.reach([7], "other");
        home.reach([8], "other");
        let whole = home.whole();
        for word in ["10.18.1.0:5000", "10.18.0.7:5000", "peer9", "peer7", "other7", "peer450"] {
            let about = home.about(word);
            assert!(!about.is_whole() && about.book().len() == 1, "{word}");
            let peer = about.book().iter().next().unwrap();
            assert_eq!(Some(peer), whole.book().at(&peer.address), "{word}");
        }
        let address: Address = "10.18.0.9:5000".parse().unwrap();
        let about = home.about("peer9");
        assert!(matches!(find(about.book(), "peer9"), Lookup::Found(p) if p.address == address));
    }

    #[test]
    fn whoever_is_not_there_or_not_met_is_looked_for_in_the_whole_file() {
        let home = Home::new();
        home.reach([7], "other");
        home.whole().update(|book| book.remove(&address(8))).unwrap();
        home.add_line("{\"v\":1,\"addr\":\"10.9.9.9:1\",\"name\":\"told\",\"hearsay\":{\"seen\":\"2999-01-01T00:00:00Z\"}}\n");
        for word in ["peer8", "10.18.0.8:5000", "nobody", "10.1.1.1:1", "told", "a_b"] {
            assert!(home.about(word).is_whole(), "{word}");
        }
    }

    #[test]
    fn a_name_of_many_is_looked_for_in_the_whole_file() {
        let home = Home::new();
        let mut peers = home.whole();
        let called = |book: &mut PeerBook, numbers: std::ops::Range<usize>, name: &str| {
            numbers.for_each(|number| reach(book, &address(number), name));
        };
        peers.update(|book| called(book, 0..MAX_ADDRESSES, "few")).unwrap();
        peers.update(|book| called(book, 100..101 + MAX_ADDRESSES, "raspberrypi")).unwrap();
        let (few, many) = (home.about("few"), home.about("raspberrypi"));
        assert_eq!((few.is_whole(), few.book().len()), (false, MAX_ADDRESSES));
        assert!(many.is_whole());
    }

    #[test]
    fn a_line_that_a_person_has_mended_counts_however_it_is_written() {
        let home = Home::new();
        home.add_line("{ \"v\": 1, \"name\": \"mended\", \"addr\": \"10.18.0.9:05000\" }\n");
        let about = home.about("10.18.0.9:5000");
        let name = about.book().at(&address(9)).and_then(|peer| peer.name.clone());
        assert_eq!(name, home.whole().book().at(&address(9)).unwrap().name);
    }

    #[test]
    fn a_change_is_that_of_the_whole_book() {
        let home = Home::new();
        let mut about = home.about("peer9");
        // meanwhile somebody else goes on, and a person removes a peer
        home.reach([3], "third");
        about.update(|book| reach(book, &address(9), "ninth")).unwrap();
        assert!(!about.is_whole());
        let whole = home.whole();
        let name = |number| whole.book().at(&address(number)).unwrap().name.clone().unwrap();
        assert_eq!((name(3).as_str(), name(9).as_str()), ("third3", "ninth"));
        assert_eq!(whole.book().len(), PEERS);

        let mut about = home.about("ninth");
        home.whole().update(|book| book.remove(&address(9))).unwrap();
        about.update(|book| reach(book, &address(9), "again")).unwrap();
        // to enter somebody takes the whole book, which may be full
        assert!(about.is_whole() && about.book().len() == PEERS);
    }

    #[test]
    fn a_file_that_only_such_changes_make_grow_is_folded() {
        let home = Home::new();
        let most = 2 * PEERS + 2 * WHOLE_EVERY;
        for number in 0..most {
            let mut about = home.about("10.18.0.9:5000");
            about.update(|book| reach(book, &address(9), &format!("name{number}"))).unwrap();
            assert!(home.lines() <= most, "{} lines", home.lines());
        }
        assert_eq!(home.whole().book().len(), PEERS);
    }
}
