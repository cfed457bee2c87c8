//! What the state knows of the values that can be typed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use super::Candidate;
use super::shells::MAX_DESCRIBED;
use crate::book::PeerBook;
use crate::global::Global;
use crate::lookup::names;
use crate::name::Name;
use crate::paths::Paths;
use crate::peer::{Peer, State};
use crate::settings::{Flags, Settings};
use crate::state::cursor;
use crate::state::dir::StateDir;
use crate::state::ledger::{RECEIVED, SENT};
use crate::state::peers_file::PeersFile;
use crate::state::reader::newest_lines;
use crate::topic::Topic;

/// What a home knows; read when it is first asked for.
#[derive(Clone)]
pub(super) struct Known(Arc<Inner>);

struct Inner {
    global: Global,
    home: OnceLock<Option<Home>>,
}

struct Home {
    settings: Settings,
    peers: PeersFile,
}

impl Known {
    /// What the home that these options mean knows.
    pub(super) fn of(global: Global) -> Self {
        Self(Arc::new(Inner { global, home: OnceLock::new() }))
    }

    fn home(&self) -> Option<&Home> {
        let Inner { global, home } = &*self.0;
        let open = || {
            // a pipe would be waited for
            let path = Paths::find(global).ok()?.config;
            if std::fs::metadata(path).is_ok_and(|config| !config.is_file()) {
                return None;
            }
            let settings = Settings::load(global, &Flags::default()).ok()?;
            let peers = PeersFile::open(settings.place.clone()).ok()?;
            Some(Home { settings, peers })
        };
        home.get_or_init(open).as_ref()
    }

    fn book(&self) -> Option<&PeerBook> {
        self.home().map(|home| home.peers.book())
    }

    fn dir(&self) -> Option<StateDir> {
        let place = &self.home()?.settings.place;
        StateDir::open(&place.path, place.allow_network).ok().flatten()
    }

    /// Where one peer is meant: names, and addresses.
    pub(super) fn peer(&self, typed: &str) -> Vec<Candidate> {
        let Some(book) = self.book() else { return Vec::new() };
        by_name(book, typed, |_| true).chain(by_address(book, typed)).collect()
    }

    /// Where there may be many: also tags.
    pub(super) fn peers(&self, typed: &str) -> Vec<Candidate> {
        let mut found = self.peer(typed);
        found.extend(self.at_tags(typed));
        found
    }

    /// Where a name lets somebody in: only names that a person has given.
    pub(super) fn given_peers(&self, typed: &str) -> Vec<Candidate> {
        let Some(book) = self.book() else { return Vec::new() };
        let given = by_name(book, typed, Peer::has_given_name);
        given.chain(by_address(book, typed)).chain(self.at_tags(typed)).collect()
    }

    fn at_tags(&self, typed: &str) -> Vec<Candidate> {
        let mut found = match typed.strip_prefix('@') {
            Some(tag) => self.tags(tag),
            None if typed.is_empty() => self.tags(""),
            None => Vec::new(),
        };
        for candidate in &mut found {
            candidate.value.insert(0, '@');
        }
        found
    }

    /// Tags that peers have, with how many have them.
    pub(super) fn tags(&self, typed: &str) -> Vec<Candidate> {
        let mut counts = BTreeMap::<&str, usize>::new();
        for peer in self.book().iter().flat_map(|book| book.iter()) {
            let own = peer.tags.iter();
            let all = own.chain(peer.configured_tags.difference(&peer.tags));
            for tag in all.filter(|tag| tag.as_str().starts_with(typed)) {
                *counts.entry(tag.as_str()).or_default() += 1;
            }
        }
        let about = |count| format!("{count} peer{}", if count == 1 { "" } else { "s" });
        let candidate = |(tag, count): (&str, usize)| candidate(tag, about(count));
        counts.into_iter().map(candidate).collect()
    }

    /// Where peers are that have no name of ours yet, to give them one.
    pub(super) fn new_addresses(&self, typed: &str) -> Vec<Candidate> {
        let new = |peer: &&Peer| !peer.has_given_name();
        let peers = self.book().into_iter().flat_map(PeerBook::iter).filter(new);
        let found = peers.filter_map(|peer| at(peer, typed));
        sorted(found)
    }

    /// Topics of what has come and was sent lately, and those that hooks are for.
    pub(super) fn topics(&self, typed: &str) -> Vec<Candidate> {
        let patterns = self.patterns(typed).into_iter();
        patterns.filter(|pattern| pattern.value.parse::<Topic>().is_ok()).collect()
    }

    /// The same with the patterns of hooks.
    pub(super) fn patterns(&self, typed: &str) -> Vec<Candidate> {
        /// What both ledgers say of a message's topic.
        #[derive(serde::Deserialize)]
        struct Record {
            topic: Option<Topic>,
        }
        let Some(home) = self.home() else { return Vec::new() };
        let hooks = home.settings.listen.hooks.iter().flat_map(|hook| &hook.topics);
        let mut topics: BTreeSet<String> = hooks.map(ToString::to_string).collect();
        for pages in [RECEIVED, SENT] {
            let newest = self.dir().and_then(|dir| newest_lines(&dir, pages).ok());
            let records = newest.iter().flatten().map(|line| serde_json::from_slice(line));
            let topic = |record: Result<Record, _>| Some(record.ok()?.topic?.to_string());
            topics.extend(records.filter_map(topic));
        }
        let fits = topics.into_iter().filter(|topic| topic.starts_with(typed));
        fits.map(|value| Candidate { value, about: None }).collect()
    }

    /// Readers of the history that have a place of their own.
    pub(super) fn cursors(&self, typed: &str) -> Vec<Candidate> {
        let path = self.home().map(|home| &home.settings.place.path);
        let names = path.map(|path| cursor::names(path.as_path())).unwrap_or_default();
        let fits = names.into_iter().filter(|name| name.starts_with(typed));
        fits.map(|value| Candidate { value, about: None }).collect()
    }
}

fn candidate(value: impl Into<String>, about: String) -> Candidate {
    Candidate { value: value.into(), about: Some(about) }
}

/// Names that stand for one peer, with its address.
fn by_name<'a>(
    book: &'a PeerBook,
    typed: &'a str,
    is_meant: impl Fn(&Peer) -> bool + 'a,
) -> impl Iterator<Item = Candidate> + 'a {
    let now = SystemTime::now();
    let can_be_typed = |word: &str| Name::typed(word).is_ok();
    let found = names(book, typed);
    // to describe thousands would take a fifth of the time, for nobody
    let is_described = found.len() <= MAX_DESCRIBED;
    let found = found.into_iter().filter(move |(word, peer)| is_meant(peer) && can_be_typed(word));
    found.map(move |(value, peer)| {
        let about = is_described.then(|| match peer.state(now) {
            State::Active | State::Static => peer.address.to_string(),
            state => format!("{}, {}", peer.address, state.word()),
        });
        Candidate { value, about }
    })
}

/// Addresses: of those who have no name, and of all to whoever has begun one.
fn by_address<'a>(book: &'a PeerBook, typed: &'a str) -> impl Iterator<Item = Candidate> + 'a {
    let is_meant = move |peer: &&Peer| !typed.is_empty() || peer.name.is_none();
    sorted(book.iter().filter(is_meant).filter_map(|peer| at(peer, typed))).into_iter()
}

/// A peer's address as it can be typed, with the name.
fn at(peer: &Peer, typed: &str) -> Option<Candidate> {
    let here = format!(":{}", peer.address.port);
    let is_here = typed.starts_with(':') && here.parse().as_ref() == Ok(&peer.address);
    let value = if is_here { here } else { peer.address.to_string() };
    let about = match &peer.name {
        Some(name) if peer.is_hearsay() => format!("others say that it is {name}"),
        Some(name) => name.to_string(),
        None => "has told no name".to_owned(),
    };
    value.starts_with(typed).then(|| candidate(value, about))
}

fn sorted(found: impl Iterator<Item = Candidate>) -> Vec<Candidate> {
    let mut found: Vec<_> = found.collect();
    found.sort_by(|a, b| a.value.cmp(&b.value));
    found.dedup_by(|a, b| a.value == b.value);
    found
}
