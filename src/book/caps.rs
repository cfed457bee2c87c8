//! How many peers the book holds, and who makes room when there are more.

use super::PeerBook;
use crate::address::Address;
use crate::key::PublicKey;
use crate::peer::Peer;

/// At how many addresses one key is remembered: a laptop that is moved around in its networks.
pub(super) const MAX_ADDRESSES_OF_KEY: usize = 8;

/// How many peers the book holds.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// In all.
    pub peers: usize,
    /// Of them, never verified.
    pub unverified: usize,
    /// Of them, known only from what others say.
    pub learned: usize,
}

impl Default for Caps {
    /// 10,000 is more than any lab of the course had and reads in milliseconds; what anybody can claim without
    /// proof gets the small room of 256. What peers that we have chosen tell of others may be half of the book.
    fn default() -> Self {
        Self { peers: 10_000, unverified: 256, learned: 5_000 }
    }
}

impl PeerBook {
    /// Keeps the addresses of one key few, or who has a key could fill the book with it: the longest unseen goes.
    pub(super) fn evict_others_of(&mut self, key: Option<PublicKey>) {
        if key.is_none() {
            return;
        }
        loop {
            let same = || self.iter().filter(|p| p.key == key && !p.is_kept());
            if same().count() <= MAX_ADDRESSES_OF_KEY {
                return;
            }
            let oldest = same().min_by_key(|p| p.last_seen).map(|p| p.address.clone());
            oldest.iter().for_each(|address| self.remove(address));
        }
    }

    /// Keeps the caps after an entry was added, see [`PeerBook::shrink`].
    pub(super) fn evict(&mut self, newest: &Address) {
        let proved = self.at(newest).is_some_and(|p| p.verified || p.is_kept());
        self.shrink_but(proved.then_some(newest));
    }

    /// Removes what is over the caps: what others say first, then mere claims, then those that have left, then the longest unseen; what was
    /// given never. A claim never takes the place of a peer that was verified.
    pub fn shrink(&mut self) {
        self.shrink_but(None);
    }

    fn shrink_but(&mut self, kept: Option<&Address>) {
        let is_claim = |p: &&Peer| !p.is_kept() && !p.verified && !p.is_hearsay();
        while self.iter().filter(is_claim).count() > self.caps.unverified {
            let oldest = self.iter().filter(is_claim).min_by_key(|p| p.last_seen);
            match oldest.map(|p| p.address.clone()) {
                Some(address) => self.remove(&address),
                None => break,
            }
        }
        while self.peers.len() > self.caps.peers {
            // a key that was seen first has to last, or who can fill the book could be seen first once more
            let may_go =
                self.iter().filter(|p| !p.is_kept() && p.key.is_none() && Some(&p.address) != kept);
            let told = |p: &Peer| p.hearsay.map(|said| said.seen);
            let first =
                may_go.min_by_key(|p| (!p.is_hearsay(), p.verified, !p.left, p.last_seen, told(p)));
            match first.map(|p| p.address.clone()) {
                Some(address) => self.remove(&address),
                None => {
                    // nobody makes room, so it is not entered
                    let newest = kept.filter(|&new| self.at(new).is_some_and(|p| !p.is_kept()));
                    newest.into_iter().for_each(|address| self.remove(address));
                    break;
                }
            }
        }
    }
}
