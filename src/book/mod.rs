//! The peer book: every peer we know, and the rules by which what arrives may change it.
//!
//! It lives in memory and knows no file, no lock and no network. Each change leaves a record in a journal, which
//! whoever owns the peers file appends there.

mod caps;
mod edit;
mod hearsay;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

pub use self::caps::Caps;
pub use self::edit::Edit;
pub use self::hearsay::{Teller, Telling, told_entry};
use crate::address::Address;
use crate::key::PublicKey;
use crate::message::{Arrival, Kind};
use crate::name::Name;
use crate::peer::{Peer, Source, Wire};
use crate::tag::Tag;
use crate::trust::{Secure, Trust};

/// A peer that is seen again is written down again only after this time: its last sight is then at most a second
/// too old on disk, and a flood of messages does not become a flood of records.
pub const SEEN_GRAIN: Duration = Duration::from_secs(1);

/// What arrives is at most this much older than what was taken before it; an earlier sight than that tells of a clock
/// that was set back, and has to be written down, or the peer would be of the future until that has come.
const CLOCK_SET_BACK: Duration = Duration::from_secs(60);

/// How long a peer that said it goes stays in the list.
const LEFT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// A record of the journal: the last one of an address wins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "they are few at a time, and most are peers")]
pub enum Record {
    /// The peer as it is now.
    Peer(Peer),
    /// It is no longer known.
    Removed(Address),
}

impl Record {
    /// Whom it is about.
    pub fn address(&self) -> &Address {
        match self {
            Self::Peer(peer) => &peer.address,
            Self::Removed(address) => address,
        }
    }
}

/// What an arrival changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new peer, or one that had left.
    Joined,
    /// It calls itself otherwise now.
    Renamed,
    /// It said that it goes.
    Left,
    /// Its claim was found true.
    Verified,
}

impl Change {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Renamed => "renamed",
            Self::Left => "left",
            Self::Verified => "verified",
        }
    }
}

/// What the configuration says of a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// What it is called.
    pub name: Option<Name>,
    /// Its tags.
    pub tags: BTreeSet<Tag>,
    /// Its key.
    pub key: Option<PublicKey>,
    /// Whether messages to it are encrypted.
    pub secure: Option<Secure>,
}

/// What we have found out by calling a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The address that answered.
    pub address: Address,
    /// What it calls itself, if it said so.
    pub name: Option<Name>,
    /// Which kind of program it is.
    pub wire: Wire,
    /// The key that it has proved.
    pub key: Option<PublicKey>,
}

/// All peers, by address.
#[derive(Clone, Debug, Default)]
pub struct PeerBook {
    peers: BTreeMap<Address, Peer>,
    /// What the configuration lists; it has the last word on these.
    configured: BTreeMap<Address, Listing>,
    caps: Caps,
    trust: Trust,
    journal: Vec<Record>,
    /// All keys, found when one is asked for, and anew after a change: a stranger's session asks for each message, and to look
    /// through 10,000 peers takes half as long as its handshake.
    keys: OnceLock<HashSet<PublicKey>>,
}

impl PeerBook {
    /// An empty book.
    pub fn new(caps: Caps, trust: Trust) -> Self {
        Self { caps, trust, ..Self::default() }
    }

    /// The peers, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values()
    }

    /// The peer at an address.
    pub fn at(&self, address: &Address) -> Option<&Peer> {
        self.peers.get(address)
    }

    /// The peer that is meant by an address: the one that is entered there, or under its host's name.
    pub fn meant_by(&self, address: &Address) -> Option<&Peer> {
        self.peers.get(self.key_of(address))
    }

    /// Whether a peer has this key, wherever it is.
    pub fn has_key(&self, key: &PublicKey) -> bool {
        let all = || self.iter().filter_map(|peer| peer.key).collect();
        self.keys.get_or_init(all).contains(key)
    }

    /// How many peers there are.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Takes a record from the peers file: the last one of an address wins.
    pub fn apply(&mut self, record: Record) {
        self.keys.take();
        let address = record.address().clone();
        match record {
            Record::Peer(peer) => {
                self.peers.insert(
                    address.clone(),
                    Peer {
                        configured: false,
                        configured_name: false,
                        configured_key: false,
                        ..peer
                    },
                );
            }
            Record::Removed(address) => {
                self.peers.remove(&address);
            }
        }
        if let Some(listing) = self.configured.get(&address).cloned() {
            self.configure(&address, listing);
        }
    }

    /// Enters a peer of the configuration; it is never written down for being there.
    pub fn configure(&mut self, address: &Address, listing: Listing) {
        self.keys.take();
        self.configured.insert(address.clone(), listing.clone());
        let entry = self.peers.entry(address.clone());
        // it is given for as long as the configuration lists it, and not because it was written down once
        let peer = entry.or_insert_with(|| Peer::new(address.clone(), Source::Heard));
        peer.configured = true;
        peer.hearsay = None;
        peer.configured_name = listing.name.is_some();
        peer.configured_tags = listing.tags;
        peer.configured_key = listing.key.is_some();
        peer.key = listing.key.or(peer.key);
        peer.secure = listing.secure;
        peer.name = listing.name.or(peer.name.take());
    }

    /// The records of all changes since the last call.
    pub fn take_journal(&mut self) -> Vec<Record> {
        mem::take(&mut self.journal)
    }

    /// All that a fresh peers file needs to say, without those who left long ago.
    pub fn snapshot(&self, now: SystemTime) -> impl Iterator<Item = Record> {
        // a key that was seen first is not forgotten because its owner was away
        let may_go = |p: &Peer| !p.is_kept() && p.key.is_none();
        let gone = move |p: &&Peer| p.left && may_go(p) && p.age(now) > Some(LEFT_FOR);
        let worth = |p: &&Peer| {
            let by_hand = p.source == Source::Static || !p.tags.is_empty() || p.key.is_some();
            !p.configured || p.last_seen.is_some() || p.unanswered || by_hand
        };
        self.iter().filter(move |p| !gone(p) && worth(p)).cloned().map(Record::Peer)
    }

    /// Learns from what arrived. Nothing changes for a sender whose address is not known, nor for the entry of
    /// somebody else.
    pub fn hear(&mut self, arrival: &Arrival) -> Option<Change> {
        if arrival.kind == Kind::Exit && arrival.key.is_some() {
            let change = self.leave_everywhere(arrival);
            if change.is_some() {
                return change;
            }
        }
        let address = &self.key_of(arrival.address.as_ref()?).clone();
        let name = arrival.name.as_deref().and_then(|n| n.trim().parse().ok());
        let known = self.peers.get(address);
        if arrival.kind == Kind::Exit {
            let peer = known.filter(|p| !p.left && p.belongs_to(arrival))?;
            let last_seen = Some(arrival.time);
            let left = Peer { left: true, last_seen, hearsay: None, ..peer.clone() };
            self.put(left);
            return Some(Change::Left);
        }
        if known.is_some_and(|peer| !peer.belongs_to(arrival)) {
            return None;
        }
        let Some(peer) = known.filter(|peer| !peer.is_hearsay()) else {
            let new = || Peer::new(address.clone(), Source::Heard);
            let new = known.cloned().unwrap_or_else(new);
            self.put(self.sighted(new, name, arrival));
            self.evict_others_of(arrival.key);
            self.evict(address);
            return self.at(address).map(|_| Change::Joined);
        };
        let seen = self.sighted(peer.clone(), name, arrival);
        let change = difference(peer, &seen);
        let is_bound = peer.key != seen.key;
        if change.is_some() || is_worth_writing(peer, &seen) {
            self.put(seen);
        }
        if is_bound {
            self.evict_others_of(arrival.key);
        }
        change
    }

    /// Who has proved a key goes from wherever it was.
    fn leave_everywhere(&mut self, arrival: &Arrival) -> Option<Change> {
        let is_there = |p: &&Peer| !p.left && p.key == arrival.key;
        let left: Vec<_> = self.iter().filter(is_there).cloned().collect();
        let is_any = !left.is_empty();
        for peer in left {
            self.put(Peer { left: true, last_seen: Some(arrival.time), ..peer });
        }
        is_any.then_some(Change::Left)
    }

    /// Notes that we reached a peer ourselves, which verifies it.
    ///
    /// `address` is what was called. An unknown peer is entered under the address that answered; a known one that was given by its
    /// host's name remembers it, so that what it says later is taken for its own.
    pub fn reach(&mut self, address: &Address, reached: Reached, now: SystemTime) {
        let Reached { address: reached, name, wire, key } = reached;
        let entered =
            if self.peers.contains_key(address) { address } else { self.key_of(&reached) };
        let address = &entered.clone();
        let known = self.peers.get(address);
        let new = || Peer::new(address.clone(), Source::Heard);
        let peer = known.cloned().unwrap_or_else(new);
        // somebody has answered there, but not the one who has the key
        if peer.key.is_some() && peer.key != key {
            return;
        }
        let name = if peer.has_given_name() {
            peer.name.clone().or(name)
        } else {
            name.or(peer.own_name())
        };
        // a p2p that once acknowledged stays one: a plain answer in its place is no reason to forget it
        let wire = if peer.wire == Some(Wire::Native) { Wire::Native } else { wire };
        let by_name = address.ip().is_none();
        let seen = Peer {
            name,
            verified: true,
            key: peer.key.or(key.filter(|_| self.believes_first(&peer))),
            wire: Some(wire),
            observed: if by_name { reached.ip() } else { peer.observed },
            first_seen: peer.first_seen.or(Some(now)),
            last_seen: Some(now),
            left: false,
            unanswered: false,
            hearsay: None,
            ..peer.clone()
        };
        let is_new = known.is_none_or(Peer::is_hearsay);
        if known.is_none_or(|p| is_worth_writing(p, &seen)) {
            self.put(seen);
        }
        if is_new {
            self.evict(address);
        }
        if by_name {
            self.join_twin(address, &reached);
        }
    }

    /// Makes one entry of that under a host's name and that of the address that answers there, unless a person has given
    /// both or they have different keys.
    fn join_twin(&mut self, by_name: &Address, reached: &Address) {
        let (Some(peer), Some(twin)) = (self.peers.get(by_name), self.peers.get(reached)) else {
            return;
        };
        if twin.is_given() || (twin.key.is_some() && twin.key != peer.key) {
            return;
        }
        let tags = peer.tags.union(&twin.tags).cloned().collect();
        let joined = Peer { trusted: peer.trusted || twin.trusted, tags, ..peer.clone() };
        if joined != *peer {
            self.put(joined);
        }
        self.remove(reached);
    }

    /// Whether the first key that is seen of a peer is remembered as its own.
    fn believes_first(&self, peer: &Peer) -> bool {
        self.trust == Trust::Tofu && peer.secure != Some(Secure::Off)
    }

    /// The peer after this arrival.
    fn sighted(&self, peer: Peer, name: Option<Name>, arrival: &Arrival) -> Peer {
        let name = if peer.has_given_name() {
            peer.name.clone().or(name)
        } else {
            name.or(peer.own_name())
        };
        // who claims an address from elsewhere does not get to say whose key it has, nor does anybody for a peer that a
        // person has given: there we find out ourselves
        let may_bind =
            arrival.comes_from_its_address() && !peer.is_given() && self.believes_first(&peer);
        let key = peer.key.or(arrival.key.filter(|_| may_bind));
        Peer {
            name,
            verified: peer.verified || arrival.verified,
            key,
            wire: if arrival.is_plain() { peer.wire } else { Some(Wire::Native) },
            observed: Some(arrival.observed),
            first_seen: peer.first_seen.or(Some(arrival.time)),
            last_seen: Some(arrival.time),
            left: false,
            unanswered: false,
            hearsay: None,
            ..peer
        }
    }

    /// Under which address a peer is entered: its own, or the host's name by which it was given.
    fn key_of<'a>(&'a self, address: &'a Address) -> &'a Address {
        if self.peers.contains_key(address) {
            return address;
        }
        let same = |p: &&Peer| {
            let by_name = p.address.ip().is_none() && p.verified;
            by_name && p.address.port == address.port && p.observed == address.ip()
        };
        self.iter().find(same).map_or(address, |p| &p.address)
    }

    /// Notes that a known peer did not answer.
    pub fn miss(&mut self, address: &Address) {
        if let Some(peer) = self.peers.get(address).filter(|p| !p.unanswered) {
            self.put(Peer { unanswered: true, ..peer.clone() });
        }
    }

    /// Forgets a peer; those of the configuration stay as it lists them.
    pub fn remove(&mut self, address: &Address) {
        if self.peers.contains_key(address) {
            let record = Record::Removed(address.clone());
            self.apply(record.clone());
            self.journal.push(record);
        }
    }

    /// The peers, none of them given by hand, that were last seen longer ago than this.
    pub fn older(&self, than: Duration, now: SystemTime) -> Vec<Peer> {
        let age = |p: &Peer| p.age(now).or(p.said_age(now));
        let old = |p: &&Peer| !p.is_kept() && age(p).is_none_or(|age| age > than);
        self.iter().filter(old).cloned().collect()
    }

    fn put(&mut self, peer: Peer) {
        self.keys.take();
        self.journal.push(Record::Peer(peer.clone()));
        self.peers.insert(peer.address.clone(), peer);
    }
}

fn difference(before: &Peer, after: &Peer) -> Option<Change> {
    if before.left || before.last_seen.is_none() {
        Some(Change::Joined)
    } else if before.name != after.name {
        Some(Change::Renamed)
    } else if before.verified != after.verified {
        Some(Change::Verified)
    } else {
        None
    }
}

/// Whether anything but the time of the last sight differs, or that by more than [`SEEN_GRAIN`].
fn is_worth_writing(before: &Peer, after: &Peer) -> bool {
    let late = match (before.last_seen, after.last_seen) {
        (Some(a), Some(b)) => match b.duration_since(a) {
            Ok(gap) => gap >= SEEN_GRAIN,
            Err(back) => back.duration() >= CLOCK_SET_BACK,
        },
        (a, b) => a != b,
    };
    late || Peer { last_seen: before.last_seen, ..after.clone() } != *before
}

#[cfg(test)]
mod tests {
    use super::caps::MAX_ADDRESSES_OF_KEY;
    use super::*;
    use std::net::IpAddr;

    const START: u64 = 1_800_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(START + seconds)
    }

    fn arrival(kind: Kind, address: &str, name: &str, observed: &str, seconds: u64) -> Arrival {
        Arrival {
            kind,
            time: at(seconds),
            address: Some(address.parse().unwrap()),
            name: Some(name.to_owned()),
            observed: observed.parse().unwrap(),
            verified: address.starts_with(&format!("{observed}:")),
            key: None,
            id: None,
            topic: None,
            text: Vec::new(),
        }
    }

    fn reached(address: &Address, name: Option<&str>, wire: Wire) -> Reached {
        let name = name.map(|name| name.parse().unwrap());
        Reached { address: address.clone(), name, wire, key: None }
    }

    fn called(name: &str) -> Edit {
        Edit { name: Some(name.parse().unwrap()), ..Edit::default() }
    }

    fn listed(name: &str) -> Listing {
        Listing { name: Some(name.parse().unwrap()), ..Listing::default() }
    }

    fn entry<'a>(book: &'a PeerBook, address: &str) -> &'a Peer {
        book.at(&address.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_new_peer_joins_is_renamed_leaves_and_comes_back() {
        let mut book = PeerBook::default();
        let mut hear = |kind, name, seconds| {
            let change = book.hear(&arrival(kind, "10.0.0.2:7000", name, "10.0.0.2", seconds));
            (change, book.take_journal().len())
        };
        assert_eq!(hear(Kind::Connect, "alice", 0), (Some(Change::Joined), 1));
        assert_eq!(hear(Kind::Message, "alice", 0), (None, 0), "seen again within the grain");
        assert_eq!(hear(Kind::Message, "alice", 5), (None, 1));
        assert_eq!(hear(Kind::Message, "queen", 5), (Some(Change::Renamed), 1));
        assert_eq!(hear(Kind::Exit, "queen", 6), (Some(Change::Left), 1));
        assert_eq!(hear(Kind::Exit, "queen", 7), (None, 0));
        assert_eq!(hear(Kind::Message, "queen", 8), (Some(Change::Joined), 1));
    }

    #[test]
    fn no_other_ip_changes_or_removes_a_verified_or_given_peer() {
        let mut book = PeerBook::default();
        book.hear(&arrival(Kind::Connect, "10.0.0.2:7000", "alice", "10.0.0.2", 0));
        book.add(&"10.0.0.3:7000".parse().unwrap(), called("bob")).unwrap();
        book.configure(&"10.0.0.4:7000".parse().unwrap(), listed("carol"));
        let before: Vec<Peer> = book.iter().cloned().collect();
        for address in ["10.0.0.2:7000", "10.0.0.3:7000", "10.0.0.4:7000"] {
            for kind in [Kind::Exit, Kind::Message, Kind::Connect, Kind::ConnectAck, Kind::Raw] {
                assert_eq!(book.hear(&arrival(kind, address, "eve", "10.0.0.66", 9)), None);
            }
        }
        assert_eq!(book.iter().cloned().collect::<Vec<_>>(), before);
    }

    #[test]
    fn a_claim_belongs_to_who_made_it_until_its_owner_speaks() {
        let mut book = PeerBook::default();
        let mut hear =
            |kind, name, observed| book.hear(&arrival(kind, "10.0.0.2:7000", name, observed, 0));
        assert_eq!(hear(Kind::Message, "eve", "10.0.0.66"), Some(Change::Joined));
        assert_eq!(hear(Kind::Message, "mallory", "10.0.0.77"), None);
        assert_eq!(hear(Kind::Exit, "mallory", "10.0.0.77"), None);
        assert_eq!(hear(Kind::Message, "alice", "10.0.0.2"), Some(Change::Renamed));
        assert_eq!(hear(Kind::Exit, "eve", "10.0.0.66"), None, "the owner has proved the address");
        let peer = entry(&book, "10.0.0.2:7000");
        assert!(peer.verified && !peer.left);
        assert_eq!(peer.name.as_ref().map(Name::as_str), Some("alice"));
    }

    #[test]
    fn a_claim_belongs_to_nobody_else_once_it_was_reached_or_given() {
        let address: Address = "10.0.0.2:7000".parse().unwrap();
        let claimed = || {
            let mut book = PeerBook::default();
            book.hear(&arrival(Kind::Message, "10.0.0.2:7000", "eve", "10.0.0.66", 0));
            book
        };
        let (mut reached_by_us, mut given) = (claimed(), claimed());
        reached_by_us.reach(&address, reached(&address, Some("alice"), Wire::Plain), at(1));
        given.add(&address, called("alice")).unwrap();
        for mut book in [reached_by_us, given] {
            let exit = arrival(Kind::Exit, "10.0.0.2:7000", "eve", "10.0.0.66", 2);
            assert_eq!(book.hear(&exit), None, "who had claimed it has no say any more");
            assert!(!entry(&book, "10.0.0.2:7000").left);
        }
    }

    #[test]
    fn a_given_name_stays_and_a_p2p_is_not_forgotten_to_be_one() {
        let mut book = PeerBook::default();
        let address: Address = "10.0.0.2:7000".parse().unwrap();
        book.add(&address, called("bob")).unwrap();
        book.reach(&address, reached(&address, Some("robert"), Wire::Native), at(0));
        book.reach(&address, reached(&address, None, Wire::Plain), at(10));
        let says = arrival(Kind::Message, "10.0.0.2:7000", "robert", "10.0.0.2", 20);
        assert_eq!(book.hear(&says), None);
        let peer = entry(&book, "10.0.0.2:7000");
        assert_eq!(
            (peer.name.as_ref().map(Name::as_str), peer.wire),
            (Some("bob"), Some(Wire::Native))
        );
        assert_eq!(peer.source, Source::Static);
    }

    #[test]
    fn unverified_claims_have_a_small_room_and_the_oldest_goes() {
        let mut book =
            PeerBook::new(Caps { peers: 100, unverified: 3, ..Caps::default() }, Trust::Tofu);
        book.add(&"10.9.9.9:1".parse().unwrap(), called("bob")).unwrap();
        for number in 0..10 {
            let address = format!("10.0.0.{number}:7000");
            book.hear(&arrival(Kind::Message, &address, "eve", "10.0.0.66", number));
        }
        let kept: Vec<_> = book.iter().map(|p| p.address.to_string()).collect();
        assert_eq!(kept, ["10.0.0.7:7000", "10.0.0.8:7000", "10.0.0.9:7000", "10.9.9.9:1"]);
    }

    #[test]
    fn a_full_book_evicts_claims_first_then_the_longest_unseen_and_never_what_was_given() {
        let mut book =
            PeerBook::new(Caps { peers: 4, unverified: 4, ..Caps::default() }, Trust::Tofu);
        book.add(&"10.9.9.9:1".parse().unwrap(), called("bob")).unwrap();
        book.hear(&arrival(Kind::Message, "10.0.0.1:1", "claim", "10.0.0.66", 50));
        for number in 2..=9 {
            let ip = format!("10.0.0.{number}");
            book.hear(&arrival(Kind::Message, &format!("{ip}:1"), "peer", &ip, number));
        }
        let kept: Vec<_> = book.iter().map(|p| p.address.to_string()).collect();
        assert_eq!(kept, ["10.0.0.7:1", "10.0.0.8:1", "10.0.0.9:1", "10.9.9.9:1"]);
    }

    #[test]
    fn a_claim_does_not_take_the_place_of_a_verified_peer() {
        let mut book =
            PeerBook::new(Caps { peers: 2, unverified: 2, ..Caps::default() }, Trust::Tofu);
        for number in 1..=2 {
            let ip = format!("10.0.0.{number}");
            book.hear(&arrival(Kind::Message, &format!("{ip}:1"), "peer", &ip, number));
        }
        book.hear(&arrival(Kind::Message, "10.9.9.9:1", "eve", "10.0.0.66", 9));
        let kept: Vec<_> = book.iter().map(|p| p.address.to_string()).collect();
        assert_eq!(kept, ["10.0.0.1:1", "10.0.0.2:1"]);
    }

    #[test]
    fn a_peer_given_by_host_name_is_one_with_the_address_that_answers() {
        let mut book = PeerBook::default();
        let (by_name, by_ip) = ("lab:7000".parse().unwrap(), "10.0.0.2:7000".parse().unwrap());
        book.hear(&arrival(Kind::Message, "10.0.0.2:7000", "alice", "10.0.0.2", 0));
        book.add(&by_name, called("lab")).unwrap();
        book.reach(&by_name, reached(&by_ip, Some("alice"), Wire::Native), at(5));
        assert_eq!(book.len(), 1, "the one it was before is the same");
        book.hear(&arrival(Kind::Message, "10.0.0.2:7000", "alice", "10.0.0.2", 9));
        assert_eq!(book.iter().map(|p| p.last_seen).collect::<Vec<_>>(), [Some(at(9))]);
        assert_eq!(book.hear(&arrival(Kind::Exit, "10.0.0.2:7000", "eve", "10.0.0.66", 10)), None);
        let goodbye = arrival(Kind::Exit, "10.0.0.2:7000", "alice", "10.0.0.2", 10);
        assert_eq!(book.hear(&goodbye), Some(Change::Left));
        // whom nobody has given is entered by what answers
        let other = "localhost:7001".parse().unwrap();
        let here = "127.0.0.1:7001".parse().unwrap();
        book.reach(&other, reached(&here, None, Wire::Plain), at(11));
        assert!(book.at(&other).is_none() && book.len() == 2);
    }

    #[test]
    fn the_configuration_has_the_last_word_for_as_long_as_it_lists_a_peer() {
        let address: Address = "10.0.0.2:7000".parse().unwrap();
        let mut book = PeerBook::default();
        book.configure(&address, listed("alice"));
        book.reach(&address, reached(&address, Some("queen"), Wire::Native), at(0));
        let records = book.take_journal();
        let mut renamed = PeerBook::default();
        renamed.configure(&address, listed("bob"));
        records.iter().cloned().for_each(|record| renamed.apply(record));
        assert_eq!(renamed.at(&address).unwrap().name.as_ref().unwrap().as_str(), "bob");
        let mut unlisted = PeerBook::default();
        records.into_iter().for_each(|record| unlisted.apply(record));
        assert!(!unlisted.at(&address).unwrap().is_given());
    }

    #[test]
    fn the_journal_rebuilds_the_book() {
        let mut book = PeerBook::default();
        let mut copy = PeerBook::default();
        for number in 0..200u64 {
            let ip: IpAddr = std::net::Ipv4Addr::from(0x0a00_0000 + (number % 7) as u32).into();
            let kind = if number % 5 == 0 { Kind::Exit } else { Kind::Message };
            let name = format!("n{}", number % 3);
            book.hear(&arrival(kind, &format!("{ip}:1"), &name, &ip.to_string(), number));
            if number % 11 == 0 {
                book.remove(&format!("{ip}:1").parse().unwrap());
            }
            book.take_journal().into_iter().for_each(|record| copy.apply(record));
            assert!(book.iter().eq(copy.iter()), "after step {number}");
        }
        let mut folded = PeerBook::default();
        book.snapshot(at(200)).for_each(|record| folded.apply(record));
        assert!(book.iter().eq(folded.iter()));
    }

    #[test]
    fn who_left_long_ago_is_dropped_by_the_fold() {
        let mut book = PeerBook::default();
        for kind in [Kind::Connect, Kind::Exit] {
            book.hear(&arrival(kind, "10.0.0.2:7000", "alice", "10.0.0.2", 0));
        }
        assert_eq!(book.snapshot(at(3600)).count(), 1);
        assert_eq!(book.snapshot(at(3600 * 25)).count(), 0);
    }

    fn keyed(arrival: Arrival, number: u8) -> Arrival {
        Arrival { key: Some(PublicKey::new([number; 32])), ..arrival }
    }

    fn key_at(book: &PeerBook, address: &str) -> Option<PublicKey> {
        book.at(&address.parse().unwrap()).and_then(|peer| peer.key)
    }

    #[test]
    fn the_first_key_is_that_of_a_peer_and_who_only_claims_to_be_there_gives_it_none() {
        let mut book = PeerBook::default();
        let from = |observed| arrival(Kind::Message, "10.0.0.2:7000", "alice", observed, 0);
        book.hear(&keyed(from("10.0.0.66"), 9));
        assert_eq!(key_at(&book, "10.0.0.2:7000"), None, "a claim from elsewhere");
        book.hear(&keyed(from("10.0.0.2"), 1));
        book.hear(&keyed(from("10.0.0.2"), 2));
        assert_eq!(key_at(&book, "10.0.0.2:7000"), Some(PublicKey::new([1; 32])));
        // a peer that a person has entered is asked by ourselves
        book.add(&"10.0.0.3:7000".parse().unwrap(), called("bob")).unwrap();
        book.hear(&keyed(arrival(Kind::Message, "10.0.0.3:7000", "bob", "10.0.0.3", 1), 3));
        assert_eq!(key_at(&book, "10.0.0.3:7000"), None);
        let mut strict = PeerBook::new(Caps::default(), Trust::Strict);
        strict.hear(&keyed(from("10.0.0.2"), 1));
        assert_eq!(key_at(&strict, "10.0.0.2:7000"), None);
    }

    #[test]
    fn a_key_is_known_for_as_long_as_a_peer_has_it() {
        let mut book = PeerBook::default();
        let (address, key) = ("10.0.0.2:7000".parse().unwrap(), PublicKey::new([1; 32]));
        let heard = keyed(arrival(Kind::Message, "10.0.0.2:7000", "alice", "10.0.0.2", 0), 1);
        assert!(!book.has_key(&key));
        book.hear(&heard);
        assert!(book.has_key(&key));
        book.remove(&address);
        assert!(!book.has_key(&key));
        let listing = Listing { key: Some(key), ..listed("alice") };
        book.configure(&address, listing);
        assert!(book.has_key(&key));
    }

    #[test]
    fn one_key_is_at_few_addresses_and_keys_are_not_thrown_out_to_make_room() {
        let mut book =
            PeerBook::new(Caps { peers: 10, unverified: 10, ..Caps::default() }, Trust::Tofu);
        for number in 1..=9 {
            let address = format!("10.0.0.2:{number}");
            book.hear(&keyed(arrival(Kind::Message, &address, "a", "10.0.0.2", number), 1));
        }
        assert_eq!(book.len(), MAX_ADDRESSES_OF_KEY);
        assert!(book.at(&"10.0.0.2:1".parse().unwrap()).is_none(), "the longest unseen has gone");
        for number in 0..20 {
            let ip = format!("10.0.1.{number}");
            book.hear(&arrival(Kind::Message, &format!("{ip}:1"), "b", &ip, 100 + number));
        }
        assert_eq!(book.len(), 10);
        assert_eq!(book.iter().filter(|p| p.key.is_some()).count(), MAX_ADDRESSES_OF_KEY);
        // where nobody may go, nobody comes
        for number in 20..30 {
            let ip = format!("10.0.2.{number}");
            let new = arrival(Kind::Message, &format!("{ip}:1"), "c", &ip, 200 + number);
            book.hear(&keyed(new, 100 + number as u8));
        }
        assert_eq!((book.len(), book.iter().all(|p| p.key.is_some())), (10, true));
    }

    #[test]
    fn a_key_is_not_forgotten_because_its_owner_has_left_or_is_called_otherwise() {
        let mut book = PeerBook::default();
        let by_ip = "10.0.0.2:7000";
        book.hear(&keyed(arrival(Kind::Connect, by_ip, "alice", "10.0.0.2", 0), 1));
        book.hear(&keyed(arrival(Kind::Exit, by_ip, "alice", "10.0.0.2", 1), 1));
        assert_eq!(book.snapshot(at(3600 * 48)).count(), 1);
        // a host's name that leads to the address of another key
        let by_name: Address = "lab:7000".parse().unwrap();
        book.add(&by_name, Edit { key: Some(PublicKey::new([2; 32])), ..called("lab") }).unwrap();
        let key = Some(PublicKey::new([2; 32]));
        let there = reached(&by_ip.parse().unwrap(), None, Wire::Native);
        book.reach(&by_name, Reached { key, ..there }, at(2));
        assert_eq!(book.len(), 2, "both are still there");
        // whoever answers without the key has not been it
        let seen = book.at(&by_name).unwrap().last_seen;
        book.reach(&by_name, reached(&by_ip.parse().unwrap(), None, Wire::Plain), at(500));
        assert_eq!(book.at(&by_name).unwrap().last_seen, seen);
    }
}
