//! The rules of the peer book, said a second time from the documents: who may change whom, and who makes room.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use p2p::address::Address;
use p2p::peer::{Peer, Source, Wire};

use super::file::millis;

/// A later sight is noted from this on, in milliseconds.
const GRAIN: u64 = 1000;

/// So far back, in milliseconds, only a clock goes that was set back.
const SET_BACK: u64 = 60_000;

/// At so many addresses a key is kept.
const ADDRESSES_OF_KEY: usize = 8;

/// What is known of one peer; times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub name: Option<String>,
    pub by_hand: bool,
    pub tags: BTreeSet<String>,
    pub verified: bool,
    pub key: Option<String>,
    pub trusted: bool,
    pub native: Option<bool>,
    pub observed: Option<IpAddr>,
    pub first: Option<u64>,
    pub last: Option<u64>,
    pub left: bool,
    pub silent: bool,
}

impl Entry {
    /// What the library knows of a peer.
    pub fn of(peer: &Peer) -> Self {
        Self {
            name: peer.name.as_ref().map(ToString::to_string),
            by_hand: peer.source == Source::Static,
            tags: peer.tags.iter().map(ToString::to_string).collect(),
            verified: peer.verified,
            key: peer.key.map(|key| key.to_string()),
            trusted: peer.trusted,
            native: peer.wire.map(|wire| wire == Wire::Native),
            observed: peer.observed,
            first: peer.first_seen.map(millis),
            last: peer.last_seen.map(millis),
            left: peer.left,
            silent: peer.unanswered,
        }
    }

    /// A person wants it to stay.
    fn stays(&self) -> bool {
        self.by_hand || self.trusted || !self.tags.is_empty()
    }

    fn is_claim(&self) -> bool {
        !self.stays() && !self.verified
    }

    /// Left long ago, and nothing of it has to last.
    pub fn is_gone(&self, now: u64) -> bool {
        let age = now.saturating_sub(self.last.unwrap_or(now));
        self.left && !self.stays() && self.key.is_none() && age > 24 * 3600 * 1000
    }

    /// Whether who says something may change it.
    fn is_of(&self, address: &Address, heard: &Heard) -> bool {
        match (&self.key, &heard.key) {
            (Some(own), proved) => proved.as_ref() == Some(own),
            (None, _) if address.ip() == Some(heard.from) => true,
            (None, _) => !self.verified && !self.by_hand && self.observed == Some(heard.from),
        }
    }

    /// The entry after a sight, unless that is not worth a record.
    fn seen(&self, after: Self) -> Self {
        let (Some(before), Some(now)) = (self.last, after.last) else { return after };
        let is_noted = now >= before + GRAIN || now + SET_BACK <= before;
        let only_time = Self { last: self.last, ..after.clone() } == *self;
        if only_time && !is_noted { self.clone() } else { after }
    }
}

/// Something that was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    pub address: Address,
    pub name: String,
    pub from: IpAddr,
    pub key: Option<String>,
    pub exit: bool,
    pub time: u64,
}

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub peers: usize,
    pub claims: usize,
}

/// All that is known.
#[derive(Clone, Debug)]
pub struct Rules {
    pub peers: BTreeMap<Address, Entry>,
    pub room: Room,
    /// Every state that an entry was in since this was emptied: a writer that dies may leave any of them.
    pub trace: Vec<(Address, Option<Entry>)>,
}

impl Rules {
    pub fn new(room: Room) -> Self {
        Self { peers: BTreeMap::new(), room, trace: Vec::new() }
    }

    pub fn put(&mut self, address: &Address, entry: Entry) {
        self.trace.push((address.clone(), Some(entry.clone())));
        self.peers.insert(address.clone(), entry);
    }

    pub fn remove(&mut self, address: &Address) {
        if self.peers.remove(address).is_some() {
            self.trace.push((address.clone(), None));
        }
    }

    /// A person enters a peer; false if another one has the name by hand.
    pub fn add(
        &mut self,
        address: &Address,
        name: &str,
        tag: Option<&str>,
        key: Option<&str>,
    ) -> bool {
        if self.is_taken(name, address) {
            return false;
        }
        let mut entry = self.peers.get(address).cloned().unwrap_or_default();
        entry.name = Some(name.to_owned());
        (entry.by_hand, entry.left) = (true, false);
        entry.tags.extend(tag.map(str::to_owned));
        if let Some(key) = key {
            (entry.key, entry.trusted) = (Some(key.to_owned()), true);
        }
        self.put(address, entry);
        self.make_room(Some(address));
        true
    }

    /// A person changes a known peer; false if another one has the name by hand.
    pub fn set(
        &mut self,
        address: &Address,
        name: Option<&str>,
        tag: Option<&str>,
        untag: Option<&str>,
    ) -> bool {
        let Some(mut entry) = self.peers.get(address).cloned() else { return true };
        if let Some(name) = name {
            if self.is_taken(name, address) {
                return false;
            }
            (entry.name, entry.by_hand) = (Some(name.to_owned()), true);
        }
        entry.tags.extend(tag.map(str::to_owned));
        entry.tags.retain(|tag| Some(tag.as_str()) != untag);
        self.put(address, entry);
        true
    }

    fn is_taken(&self, name: &str, address: &Address) -> bool {
        let mut others = self.peers.iter().filter(|(other, _)| *other != address);
        others.any(|(_, entry)| entry.by_hand && entry.name.as_deref() == Some(name))
    }

    pub fn trust(&mut self, address: &Address, key: &str) {
        let mut entry = self.peers.get(address).cloned().unwrap_or_default();
        (entry.key, entry.trusted) = (Some(key.to_owned()), true);
        self.put(address, entry);
        self.make_room(Some(address));
    }

    pub fn hear(&mut self, heard: &Heard) {
        if heard.exit {
            return self.hear_exit(heard);
        }
        let Heard { address, name, from, key, time, .. } = heard;
        let before = self.peers.get(address).cloned();
        if before.as_ref().is_some_and(|entry| !entry.is_of(address, heard)) {
            return;
        }
        let is_there = address.ip() == Some(*from);
        let mut entry = before.clone().unwrap_or_default();
        if !entry.by_hand || entry.name.is_none() {
            entry.name = Some(name.clone());
        }
        entry.verified |= is_there;
        if entry.key.is_none() && is_there && !entry.by_hand {
            entry.key.clone_from(key);
        }
        if key.is_some() {
            entry.native = Some(true);
        }
        entry.observed = Some(*from);
        entry.first.get_or_insert(*time);
        entry.last = Some(*time);
        (entry.left, entry.silent) = (false, false);
        let is_bound =
            entry.key.is_some() && before.as_ref().and_then(|b| b.key.as_ref()).is_none();
        match &before {
            None => self.put(address, entry),
            Some(before) if before.seen(entry.clone()) != *before => self.put(address, entry),
            Some(_) => {}
        }
        if is_bound && let Some(key) = key {
            self.keep_few_of(key);
        }
        if before.is_none() {
            self.make_room(Some(address));
        }
    }

    fn hear_exit(&mut self, heard: &Heard) {
        let Heard { address, key, time, .. } = heard;
        let is_its = |entry: &Entry| !entry.left && key.is_some() && entry.key == *key;
        let mut going: Vec<Address> =
            self.peers.iter().filter(|(_, e)| is_its(e)).map(|(a, _)| a.clone()).collect();
        let known = self.peers.get(address);
        if going.is_empty() && known.is_some_and(|e| !e.left && e.is_of(address, heard)) {
            going.push(address.clone());
        }
        for address in going {
            let entry = self.peers[&address].clone();
            self.put(&address, Entry { left: true, last: Some(*time), ..entry });
        }
    }

    /// We have reached a peer ourselves.
    pub fn reach(
        &mut self,
        address: &Address,
        name: Option<&str>,
        native: bool,
        key: Option<&str>,
        now: u64,
    ) {
        let before = self.peers.get(address).cloned();
        let mut entry = before.clone().unwrap_or_default();
        if entry.key.is_some() && entry.key.as_deref() != key {
            return;
        }
        if !entry.by_hand || entry.name.is_none() {
            entry.name = name.map(str::to_owned).or(entry.name);
        }
        entry.verified = true;
        entry.key = key.map(str::to_owned);
        entry.native = Some(native || entry.native == Some(true));
        entry.first.get_or_insert(now);
        entry.last = Some(now);
        (entry.left, entry.silent) = (false, false);
        match &before {
            None => {
                self.put(address, entry);
                self.make_room(Some(address));
            }
            Some(before) if before.seen(entry.clone()) != *before => self.put(address, entry),
            Some(_) => {}
        }
    }

    /// It did not answer.
    pub fn miss(&mut self, address: &Address) {
        if let Some(entry) = self.peers.get(address).filter(|entry| !entry.silent).cloned() {
            self.put(address, Entry { silent: true, ..entry });
        }
    }

    pub fn prune(&mut self, than: u64, now: u64) {
        let is_old = |e: &Entry| !e.stays() && e.last.is_none_or(|l| now.saturating_sub(l) > than);
        let old: Vec<_> =
            self.peers.iter().filter(|(_, e)| is_old(e)).map(|(a, _)| a.clone()).collect();
        old.iter().for_each(|address| self.remove(address));
    }

    /// The file is written anew at this time.
    pub fn fold(&mut self, now: u64) {
        self.make_room(None);
        self.peers.retain(|_, entry| !entry.is_gone(now));
    }

    fn keep_few_of(&mut self, key: &str) {
        let is_its = |e: &Entry| e.key.as_deref() == Some(key) && !e.stays();
        while self.peers.values().filter(|e| is_its(e)).count() > ADDRESSES_OF_KEY {
            self.drop_first(|_, e| is_its(e).then_some(()));
        }
    }

    /// Whoever is too much goes; the new one has no more right than others unless it was proved.
    fn make_room(&mut self, new: Option<&Address>) {
        let proved = new.filter(|new| self.peers.get(new).is_some_and(|e| !e.is_claim()));
        let proved = proved.cloned();
        while self.peers.values().filter(|e| e.is_claim()).count() > self.room.claims {
            self.drop_first(|_, e| e.is_claim().then_some(()));
        }
        while self.peers.len() > self.room.peers {
            let goes = |address: &Address, e: &Entry| {
                let may = !e.stays() && e.key.is_none() && Some(address) != proved.as_ref();
                may.then_some((e.verified, !e.left))
            };
            if !self.drop_first(goes) {
                // nobody makes room
                if let Some(new) = proved.filter(|new| !self.peers[new].stays()) {
                    self.remove(&new);
                }
                return;
            }
        }
    }

    /// Drops the one that comes first in this order, of several the one that was seen longest ago.
    fn drop_first<O: Ord>(&mut self, order: impl Fn(&Address, &Entry) -> Option<O>) -> bool {
        let rank = |(a, e): (&Address, &Entry)| Some((order(a, e)?, e.last, a.clone()));
        let first = self.peers.iter().filter_map(rank).min().map(|(_, _, address)| address);
        first.iter().for_each(|address| self.remove(address));
        first.is_some()
    }
}
