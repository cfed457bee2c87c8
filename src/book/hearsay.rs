//! What others say of peers, and what we say of ours.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use super::PeerBook;
use super::caps::MAX_ADDRESSES_OF_KEY;
use crate::address::Address;
use crate::hearsay::{Acquaintance, HEARSAY_LASTS, Hearsay, is_meant_alike};
use crate::key::PublicKey;
use crate::peer::{Peer, Source, State};

/// What is said again is written down again only when it is fresher by this much: a table of a thousand is not rewritten
/// by every cron job.
const HEARSAY_GRAIN: Duration = Duration::from_secs(60 * 60);

/// Who tells of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Teller {
    /// The key that it has proved; the local network has none.
    pub key: Option<PublicKey>,
    /// Where it is.
    pub ip: IpAddr,
}

impl PeerBook {
    /// What may be told of our peers: first those that we have met and that are where they say, then those of which
    /// others have told us; of each the one last seen first. Nobody hears of those that have left, that do not answer,
    /// or that are only claims.
    pub fn acquaintances(&self, now: SystemTime) -> Vec<Acquaintance> {
        let mut told: Vec<(bool, Acquaintance)> = self
            .iter()
            .filter(|peer| !peer.left && !peer.unanswered)
            .filter_map(|peer| Some((peer.is_hearsay(), acquaintance(peer, now)?)))
            .collect();
        told.sort_by_key(|(is_hearsay, peer)| (*is_hearsay, Reverse(peer.seen)));
        told.into_iter().map(|(_, peer)| peer).collect()
    }

    /// Learns of peers from what another one says, and counts those of which nothing was known. What we know ourselves,
    /// what a person has said, and who is ourselves is left as it is.
    pub fn learn(
        &mut self,
        told: &[Acquaintance],
        teller: Teller,
        now: SystemTime,
        is_own: impl Fn(&Acquaintance) -> bool,
    ) -> usize {
        let known = Known::of(self, now);
        let mut addresses = known.addresses_of_keys;
        let mut news = Vec::new();
        for peer in told {
            let is_teller = peer.key.is_some() && peer.key == teller.key;
            let is_stale = now.duration_since(peer.seen).is_ok_and(|age| age > HEARSAY_LASTS);
            let is_of_use = is_meant_alike(peer.address.ip(), teller.ip) && !is_stale;
            if !is_of_use || is_teller || is_own(peer) || known.twins.contains(&peer.address) {
                continue;
            }
            let address = Address::from(peer.address);
            match self.at(&address) {
                Some(before) => {
                    if let Some(after) = retold(before, peer, now) {
                        self.put(after);
                    }
                }
                None => {
                    if let Some(key) = peer.key {
                        let count = addresses.entry(key).or_default();
                        if known.active_keys.contains(&key) || *count >= MAX_ADDRESSES_OF_KEY {
                            continue;
                        }
                        *count += 1;
                    }
                    self.put(entry(address.clone(), peer, teller, now));
                    news.push(address);
                }
            }
        }
        self.shrink_hearsay();
        self.shrink();
        news.iter().filter(|address| self.at(address).is_some()).count()
    }

    /// Keeps what others say within its cap. Who has told most makes room first, so that nobody pushes out what others
    /// tell; of his the one that did not answer, then the one that was seen longest ago.
    fn shrink_hearsay(&mut self) {
        let hearsay = || self.iter().filter(|peer| !peer.is_kept());
        let mut by_teller: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for peer in hearsay() {
            if let Some(Hearsay { seen, by, .. }) = peer.hearsay {
                let teller = by.map(|key| *key.as_bytes());
                let worth = (!peer.unanswered, seen);
                by_teller.entry(teller).or_default().push((worth, peer.address.clone()));
            }
        }
        let mut over: usize = by_teller.values().map(Vec::len).sum();
        over = over.saturating_sub(self.caps.learned);
        by_teller.values_mut().for_each(|told| told.sort_by(|a, b| b.cmp(a)));
        for _ in 0..over {
            let most = by_teller.values_mut().max_by_key(|told| told.len());
            if let Some((_, address)) = most.and_then(Vec::pop) {
                self.remove(&address);
            }
        }
    }
}

/// What is known already, looked up once for a whole list.
struct Known {
    /// Where peers answer that are entered under their host's name.
    twins: HashSet<SocketAddr>,
    /// The keys of peers that we meet ourselves.
    active_keys: HashSet<PublicKey>,
    /// At how many addresses each key is said to be.
    addresses_of_keys: HashMap<PublicKey, usize>,
}

impl Known {
    fn of(book: &PeerBook, now: SystemTime) -> Self {
        let by_name = |p: &Peer| p.address.ip().is_none() && p.verified;
        let twins = book.iter().filter(|p| by_name(p));
        let active = book.iter().filter(|p| p.state(now) == State::Active);
        let mut addresses_of_keys = HashMap::new();
        for key in book.iter().filter_map(|p| p.key.or(p.hearsay.and_then(|said| said.key))) {
            *addresses_of_keys.entry(key).or_default() += 1;
        }
        Self {
            twins: twins
                .filter_map(|p| Some(SocketAddr::new(p.observed?, p.address.port)))
                .collect(),
            active_keys: active.filter_map(|p| p.key).collect(),
            addresses_of_keys,
        }
    }
}

/// A peer as we tell of it to others, if we do.
fn acquaintance(peer: &Peer, now: SystemTime) -> Option<Acquaintance> {
    let by_name = peer.observed.filter(|_| peer.verified && peer.address.ip().is_none());
    let address = SocketAddr::new(peer.address.ip().or(by_name)?, peer.address.port);
    let (key, seen) = match peer.hearsay {
        Some(hearsay) => (hearsay.key, hearsay.seen),
        // who has only written to us may not be there for anybody
        None => (peer.key, peer.last_seen.filter(|_| peer.verified && peer.wire.is_some())?),
    };
    let is_fresh = now.duration_since(seen).is_ok_and(|age| age <= HEARSAY_LASTS);
    is_fresh.then(|| Acquaintance { address, name: peer.name.clone(), key, seen })
}

fn entry(address: Address, told: &Acquaintance, teller: Teller, now: SystemTime) -> Peer {
    let source = if teller.key.is_some() { Source::Learned } else { Source::Lan };
    let hearsay = Hearsay { seen: told.seen.min(now), key: told.key, by: teller.key };
    Peer { name: told.name.clone(), hearsay: Some(hearsay), ..Peer::new(address, source) }
}

/// The entry after the same peer was told of again, if that says anything new. Two that name different keys are both
/// not believed: then the first word with the peer itself decides.
fn retold(before: &Peer, told: &Acquaintance, now: SystemTime) -> Option<Peer> {
    let hearsay = before.hearsay.filter(|_| !before.is_kept())?;
    let key = match (hearsay.key, told.key) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other),
    };
    let is_fresher = told.seen.duration_since(hearsay.seen).is_ok_and(|by| by >= HEARSAY_GRAIN);
    let seen = if is_fresher { told.seen.min(now) } else { hearsay.seen };
    let name = before.name.clone().or(told.name.clone());
    let hearsay = Some(Hearsay { seen, key, ..hearsay });
    // somebody may have met it after it did not answer us
    let unanswered = before.unanswered && !is_fresher;
    let after = Peer { name, hearsay, unanswered, ..before.clone() };
    (after != *before).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Caps, Edit, Listing, Reached, Record};
    use crate::message::{Arrival, Kind};
    use crate::peer::Wire;
    use crate::trust::Trust;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn key(number: u16) -> PublicKey {
        let mut bytes = [7; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        PublicKey::new(bytes)
    }

    /// The key and the number of an address are those of the peer.
    fn told(number: u16, age: u64) -> Acquaintance {
        Acquaintance {
            address: format!("10.{}.{}.1:5000", number / 256, number % 256).parse().unwrap(),
            name: format!("peer{number}").parse().ok(),
            key: Some(key(number)),
            seen: now() - Duration::from_secs(age),
        }
    }

    fn teller(number: u16) -> Teller {
        Teller { key: Some(key(number)), ip: "10.99.0.1".parse().unwrap() }
    }

    fn learn(book: &mut PeerBook, told: &[Acquaintance], by: u16) -> usize {
        book.learn(told, teller(by), now(), |_| false)
    }

    fn at(book: &PeerBook, number: u16) -> Option<&Peer> {
        book.at(&told(number, 0).address.into())
    }

    fn meet(book: &mut PeerBook, number: u16, age: u64) {
        let address = told(number, 0).address.into();
        let reached = Reached {
            address,
            name: format!("met{number}").parse().ok(),
            wire: Wire::Native,
            key: Some(key(number)),
        };
        book.reach(&reached.address.clone(), reached, now() - Duration::from_secs(age));
    }

    #[test]
    fn what_is_told_is_entered_as_told_and_the_first_word_with_the_peer_takes_its_place() {
        let mut book = PeerBook::default();
        assert_eq!(learn(&mut book, &[told(1, 60), told(2, 0)], 9), 2);
        let peer = at(&book, 1).unwrap();
        let seen = now() - Duration::from_secs(60);
        let hearsay = Hearsay { seen, key: Some(key(1)), by: Some(key(9)) };
        assert_eq!((peer.source, peer.hearsay), (Source::Learned, Some(hearsay)));
        assert_eq!((peer.key, peer.verified, peer.last_seen), (None, false, None));
        assert_eq!(peer.state(now()), State::Learned);
        assert_eq!(learn(&mut book, &[told(1, 50)], 9), 0, "nobody is new twice");
        meet(&mut book, 1, 0);
        let peer = at(&book, 1).unwrap();
        assert_eq!(
            (peer.hearsay, peer.key, peer.state(now())),
            (None, Some(key(1)), State::Active)
        );
        assert_eq!(peer.source, Source::Learned, "that is how it came");
        let lan = Teller { key: None, ip: "169.254.0.1".parse().unwrap() };
        assert_eq!(book.learn(&[told(3, 0)], lan, now(), |_| false), 1);
        assert_eq!(at(&book, 3).unwrap().state(now()), State::Lan);
    }

    #[test]
    fn what_is_known_at_first_hand_is_not_changed_by_what_others_say() {
        let mut book = PeerBook::default();
        meet(&mut book, 1, 7200);
        book.configure(&told(2, 0).address.into(), Listing::default());
        let edit = Edit { name: "mine".parse().ok(), ..Edit::default() };
        book.add(&told(3, 0).address.into(), edit).unwrap();
        book.trust(&told(4, 0).address.into(), key(44));
        let by_name = "lab:5000".parse().unwrap();
        book.add(&by_name, Edit { name: "lab".parse().ok(), ..Edit::default() }).unwrap();
        let lab = Reached {
            address: told(5, 0).address.into(),
            name: None,
            wire: Wire::Plain,
            key: None,
        };
        book.reach(&by_name, lab, now());
        let before: Vec<_> = book.iter().cloned().collect();
        book.take_journal();
        let lies: Vec<_> = (1..=5)
            .map(|number| Acquaintance {
                name: "eve".parse().ok(),
                key: Some(key(666)),
                ..told(number, 0)
            })
            .collect();
        assert_eq!(learn(&mut book, &lies, 9), 0);
        assert_eq!(book.take_journal(), []);
        assert!(book.iter().eq(before.iter()));
    }

    #[test]
    fn a_told_key_opens_nothing_and_closes_nothing() {
        let mut book = PeerBook::default();
        let lie = Acquaintance { key: Some(key(666)), ..told(1, 0) };
        learn(&mut book, &[lie], 9);
        // the peer itself, which has another key, comes from its address
        let arrival = Arrival {
            kind: Kind::Connect,
            time: now(),
            address: Some(told(1, 0).address.into()),
            name: Some("alice".into()),
            observed: told(1, 0).address.ip(),
            verified: true,
            key: Some(key(1)),
            id: None,
            topic: None,
            text: Vec::new(),
        };
        let elsewhere = Arrival { observed: "10.0.0.66".parse().unwrap(), ..arrival.clone() };
        assert_eq!(book.hear(&elsewhere), None, "a claim is no first word");
        assert_eq!(book.hear(&arrival), Some(super::super::Change::Joined));
        let peer = at(&book, 1).unwrap();
        assert_eq!((peer.key, peer.hearsay), (Some(key(1)), None));
    }

    #[test]
    fn of_two_that_name_different_keys_neither_is_believed() {
        let mut book = PeerBook::default();
        learn(&mut book, &[told(1, 0)], 8);
        learn(&mut book, &[Acquaintance { key: Some(key(666)), ..told(1, 0) }], 9);
        assert_eq!(at(&book, 1).unwrap().hearsay.unwrap().key, None);
    }

    #[test]
    fn nonsense_ourselves_and_the_teller_are_passed_over() {
        let mut book = PeerBook::default();
        let at_ip = |ip: &str| Acquaintance {
            address: format!("{ip}:5000").parse().unwrap(),
            key: None,
            ..told(1, 0)
        };
        let own = told(3, 0);
        let lies = [
            at_ip("127.0.0.1"),
            at_ip("0.0.0.0"),
            at_ip("224.0.0.251"),
            at_ip("[::1]"),
            Acquaintance { key: Some(key(9)), ..told(2, 0) },
            own.clone(),
            told(4, HEARSAY_LASTS.as_secs() + 1),
        ];
        assert_eq!(book.learn(&lies, teller(9), now(), |peer| *peer == own), 0);
        assert!(book.is_empty());
        // from the future it is from now
        let hasty = Acquaintance { seen: now() + Duration::from_secs(9999), ..told(1, 0) };
        assert_eq!(learn(&mut book, &[hasty], 9), 1);
        assert_eq!(at(&book, 1).unwrap().hearsay.unwrap().seen, now());
    }

    #[test]
    fn the_key_of_somebody_else_is_not_scattered_over_the_book() {
        let mut book = PeerBook::default();
        meet(&mut book, 1, 0);
        let elsewhere = |number| Acquaintance { key: Some(key(1)), ..told(number, 0) };
        assert_eq!(learn(&mut book, &[elsewhere(2)], 9), 0, "we meet it where it is");
        let many: Vec<_> =
            (10..40).map(|n| Acquaintance { key: Some(key(2)), ..told(n, 0) }).collect();
        assert_eq!(learn(&mut book, &many, 9), MAX_ADDRESSES_OF_KEY);
        assert_eq!(learn(&mut book, &many, 9), 0);
    }

    #[test]
    fn a_flood_keeps_the_caps_and_pushes_out_nobody_but_the_teller() {
        let caps = Caps { peers: 200, unverified: 10, learned: 100 };
        let mut book = PeerBook::new(caps, Trust::Tofu);
        (1..=50).for_each(|number| meet(&mut book, number, 3600 * 24));
        let honest: Vec<_> = (100..130).map(|number| told(number, 3600 * 24)).collect();
        assert_eq!(learn(&mut book, &honest, 8), 30);
        for part in 0..40 {
            let flood: Vec<_> =
                (0..256).map(|number| told(1000 + part * 256 + number, 0)).collect();
            let new = learn(&mut book, &flood, 9);
            assert!(new <= 100 - 30, "{new}");
        }
        assert_eq!(book.iter().filter(|p| p.is_hearsay()).count(), 100);
        assert!((100..130).all(|number| at(&book, number).is_some()), "the others' are there");
        assert!((1..=50).all(|number| at(&book, number).is_some()), "and those that we met");
        // and who comes himself finds room: what others say makes it
        (51..=200).for_each(|number| meet(&mut book, number, 0));
        assert_eq!((book.len(), book.iter().filter(|p| p.is_hearsay()).count()), (200, 0));
    }

    #[test]
    fn others_are_told_of_those_we_met_first_then_of_hearsay_and_never_of_claims() {
        let mut book = PeerBook::default();
        meet(&mut book, 1, 50);
        meet(&mut book, 2, 10);
        learn(&mut book, &[told(3, 20), told(4, 5)], 9);
        let peer = |number: u16, change: fn(&mut Peer)| {
            let mut peer = Peer::new(told(number, 0).address.into(), Source::Heard);
            (peer.verified, peer.wire) = (true, Some(Wire::Native));
            peer.last_seen = Some(now());
            change(&mut peer);
            Record::Peer(peer)
        };
        book.apply(peer(5, |p| p.left = true));
        book.apply(peer(6, |p| p.unanswered = true));
        book.apply(peer(7, |p| p.verified = false));
        book.apply(peer(8, |p| p.wire = None));
        book.apply(peer(9, |p| p.last_seen = None));
        book.apply(peer(10, |p| p.last_seen = p.last_seen.map(|t| t - 2 * HEARSAY_LASTS)));
        let told: Vec<_> = book.acquaintances(now()).into_iter().map(|p| p.key).collect();
        assert_eq!(told, [2, 1, 4, 3].map(|number| Some(key(number))));
    }

    #[test]
    fn old_hearsay_is_not_told_and_dropped_by_the_fold() {
        let mut book = PeerBook::default();
        learn(&mut book, &[told(1, 0)], 9);
        let later = now() + HEARSAY_LASTS + Duration::from_secs(1);
        assert_eq!(book.acquaintances(later), []);
        assert_eq!(book.snapshot(now()).count(), 1);
        assert_eq!(book.snapshot(later).count(), 0);
        assert_eq!(book.older(Duration::from_secs(60), now()).len(), 0);
        assert_eq!(book.older(Duration::from_secs(60), later).len(), 1);
        // told anew it is fresh again, but not written down for every second
        book.take_journal();
        learn(&mut book, &[Acquaintance { seen: now() + Duration::from_secs(1), ..told(1, 0) }], 9);
        assert_eq!(book.take_journal(), []);
        book.learn(&[Acquaintance { seen: later, ..told(1, 0) }], teller(9), later, |_| false);
        assert_eq!(book.acquaintances(later).len(), 1);
    }
}
