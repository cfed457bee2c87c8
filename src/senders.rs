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

    /// Whether one of them has sent this. A claim counts only if it comes from where that peer is: to be let through is
    /// a right, and nobody gets it for saying a name or an address.
    pub fn have_sent(&self, arrival: &Arrival) -> bool {
        let Some(address) = &arrival.address else { return false };
        self.0.iter().any(|p| is_at(p, address) && ip_of(p) == Some(arrival.observed))
    }

    /// Whether one of them is who sent this by what it says. That lets nobody in; it is for reading what has come.
    pub fn are_said_to_have_sent(&self, arrival: &Arrival) -> bool {
        arrival.address.as_ref().is_some_and(|address| self.0.iter().any(|p| is_at(p, address)))
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
