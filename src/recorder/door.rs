//! Who is let in: whose messages a listener takes, and which.

use crate::book::PeerBook;
use crate::inbox::NotKept;
use crate::key::PublicKey;
use crate::message::{Arrival, Kind};
use crate::peer::Peer;
use crate::senders::{Senders, has_sent};
use crate::state::peers_file::PeersFile;
use crate::topic::TopicGlob;
use crate::trouble::Trouble;
use crate::trust::Accept;
use crate::ui::Ui;

/// What is asked of those who come.
#[derive(Debug)]
pub struct Door {
    /// Who may say anything at all.
    pub accept: Accept,
    /// Whose messages are taken beyond that; `None` is everybody's.
    pub from: Option<Senders>,
    /// Messages of which topics are taken; `None` is all of them.
    pub topics: Option<Vec<TopicGlob>>,
    /// Our own key: whoever has it is us.
    pub own: Option<PublicKey>,
    /// Those who claim the address of another key.
    pub claims: Trouble,
}

impl Door {
    /// Lets in all of these, which came together, or none. An address that a session claims although it is that of another
    /// key is taken from it: what is left is a stranger.
    pub(super) fn check(
        &mut self,
        arrivals: &mut [Arrival],
        peers: &mut PeersFile,
        ui: &Ui,
    ) -> Result<(), NotKept> {
        let is_fine = |door: &Self, arrivals: &[Arrival], book: &PeerBook| {
            arrivals.iter().all(|a| other_owner(book, a).is_none() && door.lets_in(a, book))
        };
        if is_fine(self, arrivals, peers.book()) {
            return Ok(());
        }
        // a person may have changed the list since we looked at it
        peers.reload();
        for arrival in arrivals.iter_mut() {
            if let Some(owner) = other_owner(peers.book(), arrival) {
                self.claims.happens(ui, other_key(owner, arrival));
                (arrival.address, arrival.verified) = (None, false);
            }
        }
        if is_fine(self, arrivals, peers.book()) { Ok(()) } else { Err(NotKept::Denied) }
    }

    fn lets_in(&self, arrival: &Arrival, book: &PeerBook) -> bool {
        let is_ours = arrival.key.is_some() && arrival.key == self.own;
        let may_come = match self.accept {
            Accept::Any => true,
            _ if is_ours => true,
            // to be told of opens no door
            Accept::Known => book.iter().any(|p| !p.is_hearsay() && has_sent(p, arrival)),
            Accept::Trusted => book.iter().any(|p| p.is_trusted() && p.key == arrival.key),
        };
        let topic = arrival.topic.as_ref();
        let is_wanted = || {
            self.from.as_ref().is_none_or(|from| from.have_sent(arrival))
                && self.topics.as_ref().is_none_or(|globs| globs.iter().any(|g| g.matches(topic)))
        };
        let is_text = matches!(arrival.kind, Kind::Message | Kind::Raw);
        may_come && (!is_text || is_wanted())
    }
}

/// The peer at the address that a session claims, if it has another key.
fn other_owner<'a>(book: &'a PeerBook, arrival: &Arrival) -> Option<&'a Peer> {
    arrival.key?;
    let peer = book.meant_by(arrival.address.as_ref()?)?;
    (peer.key.is_some() && peer.key != arrival.key).then_some(peer)
}

fn other_key(peer: &Peer, arrival: &Arrival) -> String {
    let (Some(known), Some(new)) = (peer.key, arrival.key) else { return String::new() };
    format!(
        "somebody with the key {} says to be {}, which has {}; if that is right: p2p peers trust {} --key {new}",
        new.fingerprint(),
        peer.label(),
        known.fingerprint(),
        peer.address
    )
}
