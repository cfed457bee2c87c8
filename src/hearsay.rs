//! What others say of peers that we have not met: where they may be, and which key to ask for there.
//!
//! It is a hint and no more. Nobody is called, let in or believed for it; the first word with the peer itself takes its
//! place.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use crate::address::is_of_one_machine;
use crate::key::PublicKey;
use crate::name::Name;

/// How long what others say is worth something. An age grows on its way from one to the next and never shrinks, so a
/// peer that is gone is forgotten everywhere after this time.
pub const HEARSAY_LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What others say of a peer that we have not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hearsay {
    /// When they saw it last.
    pub seen: SystemTime,
    /// The key that it is said to have.
    pub key: Option<PublicKey>,
    /// The key of who says so; none if it was heard in the local network.
    pub by: Option<PublicKey>,
    /// Whether a person has chosen who says so.
    pub is_chosen: bool,
    /// Whether others have said that it has another key; then none is believed.
    pub is_disputed: bool,
}

/// Clocks differ by less than this. What was seen later than that is from before our clock was set back.
const MAX_AHEAD: Duration = Duration::from_secs(60 * 60);

/// Whether it still means something that a peer was seen at this time.
pub fn is_worth_telling(seen: SystemTime, now: SystemTime) -> bool {
    match now.duration_since(seen) {
        Ok(age) => age <= HEARSAY_LASTS,
        Err(ahead) => ahead.duration() <= MAX_AHEAD,
    }
}

/// A peer as one tells of it to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquaintance {
    /// Where it can be reached.
    pub address: SocketAddr,
    /// What it is called.
    pub name: Option<Name>,
    /// Its key.
    pub key: Option<PublicKey>,
    /// When it was last seen.
    pub seen: SystemTime,
}

/// How far the meaning of an IP address goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Nowhere,
    Machine,
    Link,
    Network,
}

/// Whether an address means to one machine what it means to another one, which is called by `teller`: a loopback address
/// is another machine's own for everybody else, and a link-local one is known on its link alone.
pub fn is_meant_alike(ip: IpAddr, teller: IpAddr) -> bool {
    let (reach, near) = (reach(ip), reach(teller));
    match reach {
        Reach::Nowhere => false,
        Reach::Machine => near == Reach::Machine,
        Reach::Link => near == Reach::Machine || near == Reach::Link,
        Reach::Network => true,
    }
}

fn reach(ip: IpAddr) -> Reach {
    let ip = ip.to_canonical();
    if !is_of_one_machine(ip) {
        return Reach::Nowhere;
    }
    match ip {
        ip if ip.is_loopback() => Reach::Machine,
        IpAddr::V4(v4) if v4.is_link_local() => Reach::Link,
        // without its interface it means nothing anywhere
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Reach::Nowhere,
        _ => Reach::Network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_as_far_as_it_means_the_same() {
        let (local, link, far) = ("127.0.0.1", "169.254.1.1", "10.0.0.1");
        for (ip, tellers) in [
            ("127.0.0.1", [true, false, false]),
            ("::1", [true, false, false]),
            ("::ffff:127.0.0.1", [true, false, false]),
            ("169.254.7.7", [true, true, false]),
            ("10.0.0.9", [true, true, true]),
            ("2001:db8::1", [true, true, true]),
            ("fe80::1", [false; 3]),
            ("0.0.0.0", [false; 3]),
            ("0.1.2.3", [false; 3]),
            ("::", [false; 3]),
            ("224.0.0.251", [false; 3]),
            ("ff02::fb", [false; 3]),
            ("255.255.255.255", [false; 3]),
        ] {
            let found = [local, link, far]
                .map(|teller| is_meant_alike(ip.parse().unwrap(), teller.parse().unwrap()));
            assert_eq!(found, tellers, "{ip}");
        }
        let nowhere = "0.0.0.0".parse().unwrap();
        assert!(!is_meant_alike("169.254.1.1".parse().unwrap(), nowhere));
    }
}
