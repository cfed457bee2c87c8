//! Which senders are meant: the peers of `--from` and of a hook, held against what arrives.

use std::net::IpAddr;

use crate::address::Address;
use crate::message::Arrival;
use crate::peer::Peer;

/// Some peers, as they were known when the command began.
#[derive(Clone, Debug)]
pub struct Senders(Vec<Peer>);

impl Senders {
    /// These peers; without any it is nobody, not everybody.
    pub fn new(peers: Vec<Peer>) -> Self {
        Self(peers)
    }

    /// Whether one of them has sent this. Of a peer that has a key, who proves that key is known, wherever he is, and
    /// nobody else; of any other a claim counts only if it comes from where that peer is. To be let through is a right, and
    /// nobody gets it for saying a name or an address.
    pub fn have_sent(&self, arrival: &Arrival) -> bool {
        self.0.iter().any(|peer| has_sent(peer, arrival))
    }

    /// Whether one of them is who sent this by what it says. That lets nobody in; it is for reading what has come.
    pub fn are_said_to_have_sent(&self, arrival: &Arrival) -> bool {
        let is_it = |p: &Peer| {
            let is_its_key = p.key.is_some() && p.key == arrival.key;
            is_its_key || arrival.address.as_ref().is_some_and(|address| is_at(p, address))
        };
        self.0.iter().any(is_it)
    }
}

/// Whether this peer has sent this for sure, or as sure as the plain wire can be.
pub fn has_sent(peer: &Peer, arrival: &Arrival) -> bool {
    match (&peer.key, &arrival.address) {
        (Some(key), _) => arrival.key == Some(*key),
        (None, Some(address)) => is_at(peer, address) && ip_of(peer) == Some(arrival.observed),
        (None, None) => false,
    }
}

/// Where a peer's messages come from: the IP of its address; for one that was given by its host's name, where it answered.
fn ip_of(peer: &Peer) -> Option<IpAddr> {
    peer.address.ip().or(peer.observed.filter(|_| peer.verified))
}

fn is_at(peer: &Peer, address: &Address) -> bool {
    let is_there = address.ip().is_some() && address.ip() == ip_of(peer);
    peer.address == *address || (peer.address.port == address.port && is_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::PublicKey;
    use crate::message::Kind;
    use crate::peer::Source;

    fn peer(address: &str) -> Peer {
        Peer::new(address.parse().unwrap(), Source::Static)
    }

    fn sent(senders: &Senders, address: Option<&str>, observed: &str) -> bool {
        senders.have_sent(&Arrival {
            kind: Kind::Message,
            time: std::time::SystemTime::UNIX_EPOCH,
            address: address.map(|a| a.parse().unwrap()),
            name: Some("alice".into()),
            observed: observed.parse().unwrap(),
            verified: false,
            key: None,
            id: None,
            topic: None,
            text: vec![],
        })
    }

    #[test]
    fn a_claim_counts_only_where_it_comes_from() {
        let senders = Senders::new(vec![peer("10.0.0.1:5000"), peer("10.0.0.2:5000")]);
        assert!(sent(&senders, Some("10.0.0.1:5000"), "10.0.0.1"));
        assert!(sent(&senders, Some("10.0.0.2:5000"), "10.0.0.2"));
        assert!(!sent(&senders, Some("10.0.0.1:5000"), "10.0.0.2"), "said by another one");
        assert!(!sent(&senders, Some("10.0.0.1:5001"), "10.0.0.1"), "another program there");
        assert!(!sent(&senders, None, "10.0.0.1"), "nobody knows which program it was");
        assert!(!sent(&Senders::new(vec![]), Some("10.0.0.1:5000"), "10.0.0.1"));
    }

    #[test]
    fn who_has_a_key_is_known_by_it_wherever_he_is_and_by_nothing_else() {
        let (own, other) = (PublicKey::new([1; 32]), PublicKey::new([2; 32]));
        let alice = Peer { key: Some(own), ..peer("10.0.0.1:5000") };
        let sent = |key, address: Option<&str>, observed: &str| {
            has_sent(
                &alice,
                &Arrival {
                    kind: Kind::Message,
                    time: std::time::SystemTime::UNIX_EPOCH,
                    address: address.map(|a| a.parse().unwrap()),
                    name: None,
                    observed: observed.parse().unwrap(),
                    verified: true,
                    key,
                    id: None,
                    topic: None,
                    text: vec![],
                },
            )
        };
        assert!(sent(Some(own), Some("10.0.0.1:5000"), "10.0.0.1"));
        assert!(sent(Some(own), None, "10.9.9.9"));
        assert!(!sent(Some(other), Some("10.0.0.1:5000"), "10.0.0.1"));
        assert!(
            !sent(None, Some("10.0.0.1:5000"), "10.0.0.1"),
            "a plain claim is no proof of a key"
        );
    }

    #[test]
    fn who_made_a_claim_is_not_let_in_by_it() {
        let claimed =
            Peer { observed: Some("10.0.0.66".parse().unwrap()), ..peer("10.0.0.1:5000") };
        let senders = Senders::new(vec![Peer { source: Source::Heard, ..claimed }]);
        assert!(!sent(&senders, Some("10.0.0.1:5000"), "10.0.0.66"));
        assert!(sent(&senders, Some("10.0.0.1:5000"), "10.0.0.1"));
    }

    #[test]
    fn a_host_that_was_given_by_name_is_where_it_answered() {
        let reached = Peer {
            verified: true,
            observed: Some("10.0.0.7".parse().unwrap()),
            ..peer("printer.lan:5000")
        };
        let senders = Senders::new(vec![reached, peer("never.lan:5000")]);
        assert!(sent(&senders, Some("10.0.0.7:5000"), "10.0.0.7"));
        assert!(!sent(&senders, Some("10.0.0.7:5000"), "10.0.0.8"));
        assert!(!sent(&senders, Some("10.0.0.7:5001"), "10.0.0.7"));
        assert!(!sent(&senders, Some("10.0.0.9:5000"), "10.0.0.9"));
    }
}
