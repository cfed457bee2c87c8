//! What others say of peers, and what we say of ours.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use super::PeerBook;
use super::caps::MAX_ADDRESSES_OF_KEY;
use crate::address::Address;
use crate::hearsay::{Acquaintance, Hearsay, is_meant_alike, is_worth_telling};
use crate::key::{KEY_BYTES, PublicKey};
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
    /// Whether a person has entered it or given its key. All others are as one: anybody can be many.
    pub is_chosen: bool,
}

/// What somebody tells.
#[derive(Clone, Debug)]
pub struct Telling {
    /// Who.
    pub teller: Teller,
    /// Of whom.
    pub peers: Vec<Acquaintance>,
}

/// Tellers that share what may be kept of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Group {
    /// One that a person has chosen.
    Chosen([u8; KEY_BYTES]),
    /// All others.
    Strangers,
    /// The local network.
    Near,
}

impl Group {
    fn of(key: Option<PublicKey>, is_chosen: bool) -> Self {
        match key {
            Some(key) if is_chosen => Self::Chosen(*key.as_bytes()),
            Some(_) => Self::Strangers,
            None => Self::Near,
        }
    }
}

/// How much what is said is worth keeping: of one that did not answer less, then of one that was seen longer ago.
type Worth = (bool, SystemTime);

fn worth(said: Hearsay, unanswered: bool) -> Worth {
    (!unanswered, said.seen)
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

    /// Learns of peers from what others say, and counts for each of them those of whom nothing was known and who are kept.
    /// What we know ourselves, what a person has said, and who is ourselves is left as it is.
    pub fn learn(
        &mut self,
        tellings: &[Telling],
        now: SystemTime,
        is_own: impl Fn(&Acquaintance) -> bool,
    ) -> Vec<usize> {
        let mut known = Known::of(self, now);
        let mut news: BTreeMap<Address, (usize, Peer)> = BTreeMap::new();
        for (number, Telling { teller, peers }) in tellings.iter().enumerate() {
            let mut told = HashSet::new();
            for peer in peers {
                let is_teller = peer.key.is_some() && peer.key == teller.key;
                let is_of_use = is_meant_alike(peer.address.ip(), teller.ip)
                    && is_worth_telling(peer.seen, now);
                // of what one says twice the first counts; the network is many
                let is_said = !told.insert(peer.address) && teller.key.is_some();
                if !is_of_use || is_teller || is_said || is_own(peer) {
                    continue;
                }
                let address = Address::from(peer.address);
                let new = news.get(&address).map(|(_, peer)| peer);
                if let Some(before) = new.or(self.at(&address)) {
                    let Some(after) = retold(before, peer, teller, now) else { continue };
                    let number = news.get(&address).map_or(number, |(first, _)| *first);
                    news.insert(address, (number, after));
                } else if let Some(gone) = known.admit(peer, teller, now) {
                    gone.iter().for_each(|address| drop(news.remove(address)));
                    gone.iter().for_each(|address| self.remove(address));
                    news.insert(address, (number, told_entry(peer, *teller, now)));
                }
            }
        }
        self.keep_within_caps(&mut news);
        let mut counts = vec![0; tellings.len()];
        for (address, (number, peer)) in news {
            counts[number] += usize::from(self.at(&address).is_none());
            self.put(peer);
        }
        counts
    }

    /// Forgets what others have said too long ago. It is not written down: time says the same to everybody who reads.
    pub fn forget_stale_hearsay(&mut self, now: SystemTime) {
        let is_stale = |peer: &Peer| {
            !peer.is_kept() && peer.hearsay.is_some_and(|said| !is_worth_telling(said.seen, now))
        };
        self.keys.take();
        self.peers.retain(|_, peer| !is_stale(peer));
    }

    /// Keeps what others say within its room, with these news. Who has told most makes room first, so that nobody
    /// pushes out what others tell; of his the one that did not answer, then the one that was seen longest ago.
    fn keep_within_caps(&mut self, news: &mut BTreeMap<Address, (usize, Peer)>) {
        let is_told = |peer: &&Peer| peer.is_hearsay() && !peer.is_kept();
        let others = self.iter().filter(|peer| !is_told(peer)).count();
        let room = self.caps.learned.min(self.caps.peers.saturating_sub(others));
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let before = self.iter().filter(is_told).filter(|peer| !news.contains_key(&peer.address));
        for peer in before.chain(news.values().map(|(_, peer)| peer)) {
            if let Some(said) = peer.hearsay {
                let group = groups.entry(Group::of(said.by, said.is_chosen)).or_default();
                group.push((worth(said, peer.unanswered), peer.address.clone()));
            }
        }
        let told: usize = groups.values().map(Vec::len).sum();
        groups.values_mut().for_each(|told| told.sort_by(|a, b| b.cmp(a)));
        for _ in room..told {
            let most = groups.values_mut().max_by_key(|told| told.len());
            if let Some((_, address)) = most.and_then(Vec::pop) {
                news.remove(&address);
                self.remove(&address);
            }
        }
    }
}

/// What is known already, looked up once for all that is told.
struct Known {
    /// Where peers answer that are entered under their host's name.
    twins: HashSet<SocketAddr>,
    /// The keys of peers that we meet ourselves.
    active_keys: HashSet<PublicKey>,
    /// At which addresses each key is said to be, and by whom: who lies about a key takes no room from others.
    addresses: HashMap<(PublicKey, Group), Vec<(Worth, Address)>>,
}

impl Known {
    fn of(book: &PeerBook, now: SystemTime) -> Self {
        let by_name = |p: &&Peer| p.address.ip().is_none() && p.verified;
        let twin = |p: &Peer| Some(SocketAddr::new(p.observed?, p.address.port));
        let active = book.iter().filter(|p| p.state(now) == State::Active);
        let mut addresses: HashMap<_, Vec<_>> = HashMap::new();
        for peer in book.iter() {
            if let Some((said, key)) = peer.hearsay.and_then(|said| Some((said, said.key?))) {
                let group = Group::of(said.by, said.is_chosen);
                let entry = (worth(said, peer.unanswered), peer.address.clone());
                addresses.entry((key, group)).or_default().push(entry);
            }
        }
        Self {
            twins: book.iter().filter(by_name).filter_map(twin).collect(),
            active_keys: active.filter_map(|p| p.key).collect(),
            addresses,
        }
    }

    /// Whether this is somebody else than those who are known; if so, the address that makes room for it, if one has to.
    fn admit(
        &mut self,
        peer: &Acquaintance,
        teller: &Teller,
        now: SystemTime,
    ) -> Option<Option<Address>> {
        if self.twins.contains(&peer.address) {
            return None;
        }
        let Some(key) = peer.key else { return Some(None) };
        let group = Group::of(teller.key, teller.is_chosen);
        // who announces himself here and now is here, wherever he was or is said to be
        let is_near = group == Group::Near;
        if self.active_keys.contains(&key) && !is_near {
            return None;
        }
        let at = self.addresses.entry((key, group)).or_default();
        let new = (true, peer.seen.min(now));
        let mut gone = None;
        if at.len() >= MAX_ADDRESSES_OF_KEY && !is_near {
            let (least, _) = at.iter().enumerate().min_by_key(|(_, (worth, _))| *worth)?;
            if at[least].0 >= new {
                return None;
            }
            gone = Some(at.swap_remove(least).1);
        }
        at.push((new, peer.address.into()));
        Some(gone)
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
    is_worth_telling(seen, now).then(|| Acquaintance {
        address,
        name: peer.name.clone(),
        key,
        seen,
    })
}

/// A peer of which nothing is known but what is told.
pub fn told_entry(told: &Acquaintance, teller: Teller, now: SystemTime) -> Peer {
    let source = if teller.key.is_some() { Source::Learned } else { Source::Lan };
    let Teller { key: by, is_chosen, .. } = teller;
    let seen = told.seen.min(now);
    let hearsay = Some(Hearsay { seen, key: told.key, by, is_chosen, is_disputed: false });
    Peer { name: told.name.clone(), hearsay, ..Peer::new(told.address.into(), source) }
}

/// The entry after the same peer was told of again, if that says anything new. Whom a person has chosen is believed before
/// others; of two alike that name different keys neither is, and the first word with the peer itself decides.
fn retold(before: &Peer, told: &Acquaintance, teller: &Teller, now: SystemTime) -> Option<Peer> {
    let hearsay = before.hearsay.filter(|_| !before.is_kept())?;
    if teller.is_chosen && !hearsay.is_chosen {
        let after = told_entry(told, *teller, now);
        let name = after.name.or(before.name.clone());
        return Some(Peer { name, source: before.source, ..after });
    }
    let is_heard = teller.is_chosen == hearsay.is_chosen;
    let said = told.key.filter(|_| is_heard && !hearsay.is_disputed);
    let is_disputed = hearsay.is_disputed
        || matches!((hearsay.key, said), (Some(one), Some(other)) if one != other);
    let key = if is_disputed { None } else { hearsay.key.or(said) };
    // whoever was seen with another key was not this one
    let is_same = hearsay.key == told.key || hearsay.key.is_none() || told.key.is_none();
    let is_later = told.seen.duration_since(hearsay.seen).is_ok_and(|by| by >= HEARSAY_GRAIN);
    let is_fresher = is_heard && is_same && is_later;
    let seen = if is_fresher { told.seen.min(now) } else { hearsay.seen };
    let name = before.name.clone().or(told.name.clone());
    let hearsay = Some(Hearsay { seen, key, is_disputed, ..hearsay });
    // somebody may have met it after it did not answer us, or it is announced at this moment
    let is_back = is_fresher || (teller.key.is_none() && is_same);
    let unanswered = before.unanswered && !is_back;
    let after = Peer { name, hearsay, unanswered, ..before.clone() };
    (after != *before).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Caps, Edit, Listing, Reached, Record};
    use crate::hearsay::HEARSAY_LASTS;
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
        Teller { key: Some(key(number)), ip: "10.99.0.1".parse().unwrap(), is_chosen: true }
    }

    fn learn_at(book: &mut PeerBook, told: &[Acquaintance], by: Teller, at: SystemTime) -> usize {
        let telling = Telling { teller: by, peers: told.to_vec() };
        book.learn(&[telling], at, |_| false)[0]
    }

    fn learn(book: &mut PeerBook, told: &[Acquaintance], by: u16) -> usize {
        learn_at(book, told, teller(by), now())
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
        let (key1, by) = (Some(key(1)), Some(key(9)));
        let hearsay = Hearsay { seen, key: key1, by, is_chosen: true, is_disputed: false };
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
        let lan = Teller { key: None, ip: "169.254.0.1".parse().unwrap(), is_chosen: false };
        assert_eq!(learn_at(&mut book, &[told(3, 0)], lan, now()), 1);
        // of two that announce themselves at one address with different keys nobody knows which is there
        let other = Acquaintance { key: Some(key(666)), ..told(4, 0) };
        assert_eq!(learn_at(&mut book, &[told(4, 0), other], lan, now()), 1);
        assert!(at(&book, 4).unwrap().hearsay.unwrap().is_disputed);
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
    fn of_two_that_name_different_keys_neither_is_believed_whoever_speaks_last() {
        let mut book = PeerBook::default();
        let lie = Acquaintance { key: Some(key(666)), ..told(1, 0) };
        let said = |book: &PeerBook| at(book, 1).unwrap().hearsay.unwrap().key;
        // one that contradicts himself is taken at his first word
        learn(&mut book, &[told(1, 0), lie.clone()], 8);
        assert_eq!(said(&book), Some(key(1)));
        learn(&mut book, &[lie.clone(), lie.clone()], 9);
        assert_eq!(said(&book), None);
        book.take_journal();
        for _ in 0..10 {
            learn(&mut book, std::slice::from_ref(&lie), 9);
            learn(&mut book, &[told(1, 0)], 8);
        }
        assert_eq!((said(&book), book.take_journal()), (None, vec![]), "nor is it written again");
    }

    #[test]
    fn who_was_chosen_is_believed_before_those_who_were_not() {
        let stranger = Teller { is_chosen: false, ..teller(7) };
        let lie = Acquaintance { key: Some(key(666)), ..told(1, 0) };
        for order in [[0, 1, 0], [1, 0, 1]] {
            let mut book = PeerBook::default();
            for who in order {
                match who {
                    0 => learn_at(&mut book, std::slice::from_ref(&lie), stranger, now()),
                    _ => learn(&mut book, &[told(1, 0)], 8),
                };
            }
            let hearsay = at(&book, 1).unwrap().hearsay.unwrap();
            assert_eq!((hearsay.key, hearsay.by), (Some(key(1)), Some(key(8))), "{order:?}");
        }
        // nor does he keep alive what they have said
        let mut book = PeerBook::default();
        learn(&mut book, &[told(1, 0)], 8);
        let later = now() + Duration::from_secs(3600 * 24);
        for said in
            [Acquaintance { seen: later, ..lie }, Acquaintance { seen: later, ..told(1, 0) }]
        {
            learn_at(&mut book, &[said], stranger, later);
            assert_eq!(at(&book, 1).unwrap().hearsay.unwrap().seen, now());
        }
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
        let telling = Telling { teller: teller(9), peers: lies.to_vec() };
        assert_eq!(book.learn(&[telling], now(), |peer| *peer == own), [0]);
        assert!(book.is_empty());
        let ahead = |seconds| now() + Duration::from_secs(seconds);
        let far = Acquaintance { seen: ahead(9999), ..told(5, 0) };
        assert_eq!(learn(&mut book, &[far], 9), 0);
        let hasty = Acquaintance { seen: ahead(600), ..told(1, 0) };
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
        assert_eq!(learn(&mut book, &[told(2, 0)], 8), 1, "that takes no room from others");
        let near = Teller { key: None, ip: "169.254.0.1".parse().unwrap(), is_chosen: false };
        let here = Acquaintance { key: Some(key(2)), ..told(5, 0) };
        assert_eq!(learn_at(&mut book, &[here], near, now()), 1, "nor from who is here");
        let later = now() + Duration::from_secs(5);
        let moved = Acquaintance { key: Some(key(2)), seen: later, ..told(6, 0) };
        assert_eq!(learn_at(&mut book, &[moved], teller(9), later), 1, "one that moved is found");
        let of_liar = |p: &&Peer| p.hearsay.is_some_and(|said| said.by == Some(key(9)));
        assert_eq!(book.iter().filter(of_liar).count(), MAX_ADDRESSES_OF_KEY);
    }

    #[test]
    fn a_flood_keeps_the_caps_and_pushes_out_nobody_but_the_teller() {
        let caps = Caps { peers: 200, unverified: 10, learned: 100 };
        let mut book = PeerBook::new(caps, Trust::Tofu);
        (1..=50).for_each(|number| meet(&mut book, number, 3600 * 24));
        let honest: Vec<_> = (100..130).map(|number| told(number, 3600 * 24)).collect();
        assert_eq!(learn(&mut book, &honest, 8), 30);
        let honest_left =
            |book: &PeerBook| (100..130).filter(|number| at(book, *number).is_some()).count();
        book.take_journal();
        for part in 0..40 {
            let flood: Vec<_> =
                (0..256).map(|number| told(1000 + part * 256 + number, 0)).collect();
            // whoever it is, and however many they are
            let stranger = Teller { is_chosen: false, ..teller(900 + part) };
            let by = if part % 2 == 0 { teller(9) } else { stranger };
            let new = learn_at(&mut book, &flood, by, now());
            assert!(new <= 100 - 30, "{new}");
        }
        assert_eq!(book.iter().filter(|p| p.is_hearsay()).count(), 100);
        assert_eq!(honest_left(&book), 30);
        assert!((1..=50).all(|number| at(&book, number).is_some()), "and those that we met");
        assert!(book.take_journal().len() <= 40 * 2 * 100, "only what is kept is written");
        // what is known is not pushed out either when the book is full, and what is told gets what is left
        (51..=160).for_each(|number| meet(&mut book, number, 0));
        let flood: Vec<_> = (20_000..20_256).map(|number| told(number, 0)).collect();
        learn(&mut book, &flood, 9);
        assert_eq!((book.len(), book.iter().filter(|p| p.is_hearsay()).count()), (200, 40));
        assert!(honest_left(&book) >= 10, "{}", honest_left(&book));
        (161..=200).for_each(|number| meet(&mut book, number, 0));
        assert_eq!((book.len(), book.iter().filter(|p| p.is_hearsay()).count()), (200, 0));
    }

    #[test]
    fn a_full_book_learns_nothing_and_writes_nothing() {
        let caps = Caps { peers: 50, ..Caps::default() };
        let mut book = PeerBook::new(caps, Trust::Tofu);
        (1..=50).for_each(|number| meet(&mut book, number, 3600));
        book.take_journal();
        let flood: Vec<_> = (1000..6000).map(|number| told(number, 0)).collect();
        assert_eq!(learn(&mut book, &flood, 9), 0);
        assert!(book.take_journal().iter().all(|record| matches!(record, Record::Removed(_))));
        assert_eq!(book.len(), 50);
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
    fn old_hearsay_is_not_told_and_forgotten() {
        let mut book = PeerBook::default();
        learn(&mut book, &[told(1, 0)], 9);
        let later = now() + HEARSAY_LASTS + Duration::from_secs(1);
        assert_eq!(book.acquaintances(later), []);
        assert_eq!(book.older(Duration::from_secs(60), now()).len(), 0);
        assert_eq!(book.older(Duration::from_secs(60), later).len(), 1);
        // told anew it is fresh again, but not written down for every second
        book.take_journal();
        learn(&mut book, &[Acquaintance { seen: now() + Duration::from_secs(1), ..told(1, 0) }], 9);
        assert_eq!(book.take_journal(), []);
        let again = Acquaintance { seen: later, ..told(1, 0) };
        learn_at(&mut book, &[again], teller(9), later);
        assert_eq!(book.acquaintances(later).len(), 1);
        // what comes from the future is as worthless, and so it is when the clock was set back
        book.forget_stale_hearsay(now());
        assert!(book.is_empty());
        learn(&mut book, &[told(1, 0)], 9);
        book.forget_stale_hearsay(later);
        assert!(book.is_empty());
    }

    #[test]
    fn what_a_person_says_takes_the_place_of_what_others_say() {
        let mut book = PeerBook::default();
        let lie = |number| Acquaintance { key: Some(key(666)), ..told(number, 0) };
        learn(&mut book, &[lie(1), lie(2), lie(3), lie(4)], 9);
        let address = |number| Address::from(told(number, 0).address);
        book.configure(&address(1), Listing::default());
        book.trust(&address(2), key(2));
        book.add(&address(3), Edit { name: "mine".parse().ok(), ..Edit::default() }).unwrap();
        assert!((1..=3).all(|number| at(&book, number).unwrap().hearsay.is_none()));
        assert_eq!(at(&book, 1).unwrap().state(now()), State::Static);
        // a tag says only that it is to stay as it is
        book.set(&address(4), Edit { tags: ["x".parse().unwrap()].into(), ..Edit::default() })
            .unwrap();
        let tagged = at(&book, 4).unwrap().clone();
        assert!(tagged.is_hearsay());
        learn_at(&mut book, &[told(4, 0)], teller(8), now() + 2 * HEARSAY_GRAIN);
        book.forget_stale_hearsay(now() + 2 * HEARSAY_LASTS);
        assert_eq!(at(&book, 4), Some(&tagged));
    }

    #[test]
    fn the_first_word_of_a_key_does_not_scatter_it_either() {
        let mut book = PeerBook::default();
        let many: Vec<_> =
            (1..=20).map(|number| Acquaintance { key: None, ..told(number, 0) }).collect();
        assert_eq!(learn(&mut book, &many, 9), 20);
        for peer in &many {
            let arrival = Arrival {
                kind: Kind::Connect,
                time: now(),
                address: Some(peer.address.into()),
                name: None,
                observed: peer.address.ip(),
                verified: true,
                key: Some(key(77)),
                id: None,
                topic: None,
                text: Vec::new(),
            };
            book.hear(&arrival);
        }
        let keyed = book.iter().filter(|peer| peer.key == Some(key(77)));
        assert_eq!(keyed.count(), MAX_ADDRESSES_OF_KEY);
    }

    #[test]
    fn one_that_did_not_answer_is_back_when_others_have_seen_it_since() {
        let near = Teller { key: None, ip: "169.254.0.1".parse().unwrap(), is_chosen: false };
        let later = now() + 2 * HEARSAY_GRAIN;
        for (said, by, state) in [
            (told(1, 0), teller(9), State::Stale),
            (Acquaintance { seen: later, ..told(1, 0) }, teller(9), State::Learned),
            (told(1, 0), near, State::Learned),
            // somebody else was seen there
            (Acquaintance { key: Some(key(666)), ..told(1, 0) }, near, State::Stale),
        ] {
            let mut book = PeerBook::default();
            let by_first =
                if by.key.is_some() { by } else { Teller { is_chosen: false, ..teller(9) } };
            learn_at(&mut book, &[told(1, 0)], by_first, now());
            book.miss(&told(1, 0).address.into());
            assert_eq!(at(&book, 1).unwrap().state(now()), State::Stale);
            learn_at(&mut book, &[said], Teller { is_chosen: by.is_chosen, ..by }, later);
            assert_eq!(at(&book, 1).unwrap().state(later), state, "{by:?}");
        }
    }

    #[test]
    fn one_that_was_met_and_is_gone_may_be_elsewhere() {
        let mut book = PeerBook::default();
        meet(&mut book, 1, 0);
        book.miss(&told(1, 0).address.into());
        let elsewhere = Acquaintance { key: Some(key(1)), ..told(2, 0) };
        assert_eq!(learn(&mut book, &[elsewhere], 9), 1);
    }

    #[test]
    fn the_first_to_tell_is_counted_and_a_fresher_word_is_no_news() {
        let mut book = PeerBook::default();
        let tellings =
            [8, 9].map(|number| Telling { teller: teller(number), peers: vec![told(1, 0)] });
        assert_eq!(book.learn(&tellings, now(), |_| false), [1, 0]);
        let near = Teller { key: None, ip: "169.254.0.1".parse().unwrap(), is_chosen: false };
        learn_at(&mut book, &[told(2, 0)], near, now());
        let later = now() + 2 * HEARSAY_GRAIN;
        let soon = Acquaintance { seen: later + Duration::from_secs(60), ..told(1, 0) };
        assert_eq!(learn_at(&mut book, &[soon, told(2, 0)], teller(9), later), 0);
        assert_eq!(at(&book, 1).unwrap().hearsay.unwrap().seen, later);
        assert_eq!(at(&book, 2).unwrap().source, Source::Lan, "that is how it came");
    }

    #[test]
    fn who_did_not_answer_makes_room_first_then_who_was_seen_longest_ago() {
        let caps = Caps { learned: 3, ..Caps::default() };
        let mut book = PeerBook::new(caps, Trust::Tofu);
        learn(&mut book, &[told(1, 0), told(2, 50), told(3, 60)], 9);
        book.miss(&told(1, 0).address.into());
        learn(&mut book, &[told(4, 10)], 9);
        assert!(at(&book, 1).is_none());
        learn(&mut book, &[told(5, 10)], 9);
        assert!(at(&book, 3).is_none() && book.len() == 3);
    }
}
