//! A peer as we know it: where it is, what it calls itself, and how we know.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::hearsay::Hearsay;
use crate::key::PublicKey;
use crate::message::Arrival;
use crate::name::Name;
use crate::tag::Tag;
use crate::trust::Secure;

/// A peer counts as active for this long after it was last seen; cron jobs that talk every half hour stay active.
pub const ACTIVE_FOR: Duration = Duration::from_secs(60 * 60);

/// How an entry came into the peer book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Given by hand or by the configuration.
    Static,
    /// It wrote to us, or we reached it.
    Heard,
    /// Another peer has told of it.
    Learned,
    /// It was found in the local network.
    Lan,
}

/// Which kind of program answers there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    /// A program that knows messages but no acknowledgement.
    Plain,
    /// Another p2p: it has acknowledged before.
    Native,
}

/// What the list of peers shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Seen lately.
    Active,
    /// Not seen for [`ACTIVE_FOR`], or it did not answer when we checked.
    Stale,
    /// It said that it goes.
    Left,
    /// Given, and never seen.
    Static,
    /// Another peer has told of it, and we have not met it.
    Learned,
    /// Found in the local network, and we have not met it.
    Lan,
}

/// One entry of the peer book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it can be reached; one entry per address.
    pub address: Address,
    /// What it calls itself, or what we call it when it was given.
    pub name: Option<Name>,
    /// How it came here.
    pub source: Source,
    /// The tags that were given to it by hand.
    pub tags: BTreeSet<Tag>,
    /// Whether the configuration lists it; never stored.
    pub configured: bool,
    /// Whether the configuration says what it is called; never stored.
    pub configured_name: bool,
    /// The tags that the configuration gives it; never stored.
    pub configured_tags: BTreeSet<Tag>,
    /// The address it claims is the one its connections come from, or we reached it there.
    pub verified: bool,
    /// Its key, once that is known. From then on it is never spoken to in plain, and only who proves this key changes the
    /// entry.
    pub key: Option<PublicKey>,
    /// Whether a person has given the key; else it was the one that was seen first.
    pub trusted: bool,
    /// Whether the configuration gives the key; never stored.
    pub configured_key: bool,
    /// Whether messages to it are encrypted, if the configuration says so for this peer; never stored.
    pub secure: Option<Secure>,
    /// Which kind of program it is, once that is known.
    pub wire: Option<Wire>,
    /// The IP address that its last connection came from.
    pub observed: Option<IpAddr>,
    /// When it was first seen.
    pub first_seen: Option<SystemTime>,
    /// When it was last seen.
    pub last_seen: Option<SystemTime>,
    /// It said that it goes, and was not seen since.
    pub left: bool,
    /// It did not answer when we last checked.
    pub unanswered: bool,
    /// What others say of it, as long as we have not met it and no person has given it.
    pub hearsay: Option<Hearsay>,
}

impl Peer {
    /// An entry of which nothing but the address is known.
    pub fn new(address: Address, source: Source) -> Self {
        Self {
            address,
            name: None,
            source,
            tags: BTreeSet::new(),
            configured: false,
            configured_name: false,
            configured_tags: BTreeSet::new(),
            verified: false,
            key: None,
            trusted: false,
            configured_key: false,
            secure: None,
            wire: None,
            observed: None,
            first_seen: None,
            last_seen: None,
            left: false,
            unanswered: false,
            hearsay: None,
        }
    }

    /// What the list shows at this time.
    pub fn state(&self, now: SystemTime) -> State {
        match self.age(now) {
            _ if self.left => State::Left,
            None if self.is_given() && !self.unanswered => State::Static,
            Some(age) if age <= ACTIVE_FOR && !self.unanswered => State::Active,
            None if self.is_hearsay() && !self.unanswered => match self.source {
                Source::Lan => State::Lan,
                _ => State::Learned,
            },
            _ => State::Stale,
        }
    }

    /// How long ago it was last seen; a time in the future counts as now.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        self.last_seen.map(|seen| now.duration_since(seen).unwrap_or_default())
    }

    /// Whether a person has put it here: it is never evicted, and keeps the name it was given.
    pub fn is_given(&self) -> bool {
        self.configured || self.source == Source::Static
    }

    /// Whether a person has said what it is called; else its name is only what it calls itself.
    pub fn has_given_name(&self) -> bool {
        self.configured_name || self.source == Source::Static
    }

    /// Whether a person wants it to stay: it is neither evicted nor pruned.
    pub fn is_kept(&self) -> bool {
        self.is_given() || self.trusted || !self.tags.is_empty()
    }

    /// Whether all that is known of it is what others say. It is called only by who means it.
    pub fn is_hearsay(&self) -> bool {
        self.hearsay.is_some()
    }

    /// What it calls itself, as far as we know that from itself.
    pub fn own_name(&self) -> Option<Name> {
        self.name.clone().filter(|_| !self.is_hearsay())
    }

    /// Whether the same peer was seen later, by its key, in another entry.
    pub fn has_moved_to(&self, other: &Self) -> bool {
        let seen = |peer: &Self| (!peer.left, !peer.unanswered, peer.last_seen);
        let is_same = self.key.is_some() && self.key == other.key && self.address != other.address;
        is_same && (seen(other), &other.address) > (seen(self), &self.address)
    }

    /// The key that others say it has.
    pub fn said_key(&self) -> Option<PublicKey> {
        self.hearsay.and_then(|hearsay| hearsay.key)
    }

    /// How long ago others say that they saw it; a time in the future counts as now.
    pub fn said_age(&self, now: SystemTime) -> Option<Duration> {
        self.hearsay.map(|hearsay| now.duration_since(hearsay.seen).unwrap_or_default())
    }

    /// Whether a person has given its key.
    pub fn is_trusted(&self) -> bool {
        self.key.is_some() && (self.trusted || self.configured_key)
    }

    /// All of its tags.
    pub fn all_tags(&self) -> BTreeSet<&Tag> {
        self.tags.union(&self.configured_tags).collect()
    }

    /// Whether it has a tag.
    pub fn has_tag(&self, tag: &Tag) -> bool {
        self.tags.contains(tag) || self.configured_tags.contains(tag)
    }

    /// Whether who has sent this may change the entry.
    ///
    /// An entry with a key belongs to whoever proves that key. Without one, a verified or given entry belongs to the IP in its address,
    /// any other to the IP it was heard from; a claim from elsewhere is only a claim.
    pub fn belongs_to(&self, arrival: &Arrival) -> bool {
        if self.key.is_some() {
            return self.key == arrival.key;
        }
        let observed = arrival.observed;
        let is_fixed = self.verified || self.is_given();
        // a host's name stands for the address that answered when we called it
        let by_name = self.address.ip().is_none() && self.verified;
        self.address.ip() == Some(observed)
            || ((by_name || !is_fixed) && self.observed == Some(observed))
    }

    /// `name (address)`, or the address alone.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.address),
            None => self.address.to_string(),
        }
    }
}

impl State {
    /// The word in lists and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Stale => "stale",
            Self::Left => "left",
            Self::Static => "static",
            Self::Learned => "learned",
            Self::Lan => "lan",
        }
    }
}
