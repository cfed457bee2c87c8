//! What a person may change in the book.

use std::collections::BTreeSet;

use super::PeerBook;
use crate::address::Address;
use crate::key::PublicKey;
use crate::name::Name;
use crate::peer::{Peer, Source};
use crate::tag::Tag;

/// What a person wants to be otherwise in an entry.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// Its name.
    pub name: Option<Name>,
    /// Tags that it gets.
    pub tags: BTreeSet<Tag>,
    /// Tags that it loses.
    pub untags: BTreeSet<Tag>,
    /// Its key.
    pub key: Option<PublicKey>,
}

impl PeerBook {
    /// Enters a peer by hand; the error is the address that already has the name.
    pub fn add(&mut self, address: &Address, edit: Edit) -> Result<(), Address> {
        let known = self.peers.get(address).cloned();
        let peer = known.unwrap_or_else(|| Peer::new(address.clone(), Source::Static));
        let peer = Peer { source: Source::Static, left: false, ..peer };
        self.edit(peer, edit)?;
        self.evict(address);
        Ok(())
    }

    /// Changes what a person says of a known peer; the error is the address that already has the name. With a name it
    /// becomes one that was given. A tag alone does not make its name more than what it calls itself.
    pub fn set(&mut self, address: &Address, edit: Edit) -> Result<(), Address> {
        let Some(peer) = self.peers.get(address).cloned() else { return Ok(()) };
        let source = if edit.name.is_some() { Source::Static } else { peer.source };
        self.edit(Peer { source, ..peer }, edit)
    }

    fn edit(&mut self, peer: Peer, edit: Edit) -> Result<(), Address> {
        if let Some(name) = &edit.name {
            let taken = |p: &&Peer| p.has_given_name() && p.address != peer.address;
            let same = |p: &&Peer| p.name.as_ref().is_some_and(|n| n.is_called(&name.word()));
            if let Some(other) = self.iter().filter(taken).find(same) {
                return Err(other.address.clone());
            }
        }
        let tags = peer.tags.union(&edit.tags).filter(|tag| !edit.untags.contains(tag));
        let (tags, name) = (tags.cloned().collect(), edit.name.or(peer.name.clone()));
        let (key, trusted) = (edit.key.or(peer.key), peer.trusted || edit.key.is_some());
        // what a person says takes the place of what others say
        let hearsay = peer.hearsay.filter(|_| peer.source != Source::Static);
        self.put(Peer { name, tags, key, trusted, hearsay, ..peer });
        Ok(())
    }

    /// A person says that this is the key of a peer, which is entered if it is not known.
    pub fn trust(&mut self, address: &Address, key: PublicKey) {
        let known = self.peers.get(address).cloned();
        let peer = known.unwrap_or_else(|| Peer::new(address.clone(), Source::Heard));
        self.put(Peer { key: Some(key), trusted: true, hearsay: None, ..peer });
        self.evict(address);
    }
}
