//! Finds the peer that a typed name stands for.

use std::collections::BTreeSet;

use crate::book::PeerBook;
use crate::message::Arrival;
use crate::name::Name;
use crate::nearest::nearest;
use crate::peer::Peer;
use crate::tag::Tag;

/// What a name that somebody typed stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// This peer.
    Found(&'a Peer),
    /// Several peers call themselves so.
    Several(Vec<&'a Peer>),
    /// Nobody that we have met is called so; others say that this one is.
    Hearsay(&'a Peer),
    /// Nobody; perhaps this name was meant.
    Unknown(Option<String>),
}

/// What a name stands for. Peers given by hand come before those that only say so themselves, and what others say of
/// somebody gives him no name.
pub fn find<'a>(book: &'a PeerBook, word: &str) -> Lookup<'a> {
    let called = |p: &&Peer| p.name.as_ref().is_some_and(|n| n.is_called(word));
    let (told, found): (Vec<&Peer>, Vec<&Peer>) =
        book.iter().filter(called).partition(|p| p.is_hearsay());
    match (choose(found).as_slice(), told.first()) {
        ([], Some(told)) => Lookup::Hearsay(told),
        ([], None) => Lookup::Unknown(nearest_name(book, word)),
        ([peer], _) => Lookup::Found(peer),
        (several, _) => Lookup::Several(several.to_vec()),
    }
}

/// The names, each as one word, that begin so and stand for one peer, in their order.
pub fn names<'a>(book: &'a PeerBook, begin: &str) -> Vec<(String, &'a Peer)> {
    let met = book.iter().filter(|peer| !peer.is_hearsay());
    let named = met.filter_map(|peer| Some((peer.name.as_ref()?.word(), peer)));
    let mut called: Vec<_> = named.filter(|(word, _)| word.starts_with(begin)).collect();
    called.sort_by(|(a, _), (b, _)| a.cmp(b));
    let one = |called: &[(String, &'a Peer)]| {
        let (word, peer) = called.first()?;
        if called.len() == 1 {
            return Some((word.clone(), *peer));
        }
        match choose(called.iter().map(|(_, peer)| *peer).collect()).as_slice() {
            [peer] => Some((word.clone(), *peer)),
            _ => None,
        }
    };
    called.chunk_by(|(a, _), (b, _)| a == b).filter_map(one).collect()
}

/// Those that are meant, of peers that are called the same and that we have met.
fn choose(mut found: Vec<&Peer>) -> Vec<&Peer> {
    // a mere claim never comes before a peer that was verified, even one that has left
    for better in [Peer::has_given_name, Peer::is_trusted, |p: &Peer| p.verified] {
        if found.iter().any(|p| better(p)) {
            found.retain(|p| better(p));
        }
    }
    // one key is one peer, wherever it was: it is where it was seen last
    let all = found.clone();
    found.retain(|peer| all.iter().all(|other| !peer.has_moved_to(other)));
    // who has left makes room for another one of his name, but nobody takes that of a key
    if found.iter().any(|p| !p.left) {
        found.retain(|p| !p.left || p.key.is_some());
    }
    found
}

/// Whether the name that a sender gives is for sure that of the peer that has it: its key is that of the entry, and
/// nobody else is called so. Anything less is a claim.
pub fn is_surely_named(book: &PeerBook, arrival: &Arrival) -> bool {
    let (Some(key), Some(name)) = (arrival.key, arrival.name.as_deref()) else { return false };
    // what others say of somebody takes nothing from him
    let is_called =
        |p: &&Peer| !p.is_hearsay() && p.name.as_ref().is_some_and(|n| n.is_called(name));
    let mut called = book.iter().filter(is_called);
    called.next().is_some_and(|peer| peer.key == Some(key)) && called.all(|p| p.key == Some(key))
}

/// The peers that have a tag; if there are none, perhaps this tag was meant.
pub fn tagged<'a>(book: &'a PeerBook, tag: &Tag) -> Result<Vec<&'a Peer>, Option<String>> {
    let found: Vec<&Peer> = book.iter().filter(|peer| peer.has_tag(tag)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let tags: BTreeSet<String> =
        book.iter().flat_map(|peer| peer.all_tags()).map(ToString::to_string).collect();
    Err(nearest(&tag.to_string(), tags.into_iter()))
}

fn nearest_name(book: &PeerBook, word: &str) -> Option<String> {
    let met = book.iter().filter(|p| !p.is_hearsay());
    let names = met.filter_map(|p| p.name.as_ref().map(Name::word));
    nearest(word, names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Record, Teller, Telling};
    use crate::hearsay::Acquaintance;
    use crate::peer::Source;

    fn book(peers: [(&str, bool, bool, Source); 2]) -> PeerBook {
        let mut book = PeerBook::default();
        for (address, verified, left, source) in peers {
            let name = Some("alice".parse().unwrap());
            let peer = Peer::new(address.parse().unwrap(), source);
            book.apply(Record::Peer(Peer { name, verified, left, ..peer }));
        }
        book
    }

    fn found(book: &PeerBook) -> Option<String> {
        match find(book, "alice") {
            Lookup::Found(peer) => Some(peer.address.to_string()),
            _ => None,
        }
    }

    #[test]
    fn a_claim_never_comes_before_a_verified_peer_and_nobody_before_one_that_was_given() {
        let (a, b) = ("10.0.0.1:1", "10.0.0.2:1");
        let heard = Source::Heard;
        let first = Some(a.to_owned());
        assert_eq!(found(&book([(a, true, true, heard), (b, false, false, heard)])), first);
        assert_eq!(found(&book([(a, true, false, heard), (b, true, true, heard)])), first);
        assert_eq!(
            found(&book([(a, false, true, Source::Static), (b, true, false, heard)])),
            first
        );
        assert_eq!(found(&book([(a, true, false, heard), (b, true, false, heard)])), None);
    }

    #[test]
    fn the_names_that_are_listed_are_those_that_are_found() {
        for (verified, left) in [(true, false), (true, true), (false, false), (false, true)] {
            for source in [Source::Heard, Source::Static] {
                let (a, b) = ("10.0.0.1:1", "10.0.0.2:1");
                let book = book([(a, true, false, Source::Heard), (b, verified, left, source)]);
                let listed = names(&book, "al");
                let listed = listed.first().map(|(_, peer)| peer.address.to_string());
                assert_eq!(listed, found(&book), "{verified} {left} {source:?}");
            }
        }
    }

    #[test]
    fn a_name_that_only_others_give_is_not_listed() {
        let mut book = PeerBook::default();
        let teller = Teller { key: None, ip: "10.9.9.9".parse().unwrap(), is_chosen: true };
        let told = Acquaintance {
            address: "10.0.0.7:1".parse().unwrap(),
            name: "alice".parse().ok(),
            key: None,
            seen: std::time::SystemTime::UNIX_EPOCH,
        };
        let telling = Telling { teller, peers: vec![told] };
        book.learn(&[telling], std::time::SystemTime::UNIX_EPOCH, |_| false);
        assert_eq!(book.len(), 1);
        assert_eq!(names(&book, ""), []);
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_one() {
        let book = book([
            ("10.0.0.1:1", true, false, Source::Heard),
            ("10.0.0.2:1", true, false, Source::Heard),
        ]);
        assert_eq!(find(&book, "alcie"), Lookup::Unknown(Some("alice".to_owned())));
        assert_eq!(find(&book, "zzz"), Lookup::Unknown(None));
    }

    #[test]
    fn a_name_is_sure_only_with_the_key_of_the_one_who_has_it() {
        use crate::key::PublicKey;
        use crate::message::Kind;
        let key = |number| Some(PublicKey::new([number; 32]));
        let mut book = book([
            ("10.0.0.1:1", true, false, Source::Heard),
            ("10.0.0.2:1", true, false, Source::Heard),
        ]);
        let said = |key, name: &str| Arrival {
            kind: Kind::Message,
            time: std::time::SystemTime::UNIX_EPOCH,
            address: None,
            name: Some(name.into()),
            observed: "10.0.0.1".parse().unwrap(),
            verified: true,
            key,
            id: None,
            topic: None,
            text: vec![],
        };
        for address in ["10.0.0.1:1", "10.0.0.2:1"] {
            let peer = book.at(&address.parse().unwrap()).unwrap().clone();
            book.apply(Record::Peer(Peer { key: key(1), ..peer }));
        }
        assert!(is_surely_named(&book, &said(key(1), "alice")));
        assert!(!is_surely_named(&book, &said(key(2), "alice")));
        assert!(!is_surely_named(&book, &said(None, "alice")));
        assert!(!is_surely_named(&book, &said(key(1), "bob")));
        // what others say takes the name from nobody
        let teller = Teller { key: key(9), ip: "10.9.9.9".parse().unwrap(), is_chosen: true };
        let told = Acquaintance {
            address: "10.0.0.7:1".parse().unwrap(),
            name: "alice".parse().ok(),
            key: key(7),
            seen: std::time::SystemTime::UNIX_EPOCH,
        };
        let telling = Telling { teller, peers: vec![told] };
        assert_eq!(book.learn(&[telling], std::time::SystemTime::UNIX_EPOCH, |_| false), [1]);
        assert!(is_surely_named(&book, &said(key(1), "alice")));
        let peer = book.at(&"10.0.0.2:1".parse().unwrap()).unwrap().clone();
        book.apply(Record::Peer(Peer { key: key(2), ..peer }));
        assert!(!is_surely_named(&book, &said(key(1), "alice")), "two are called so");
    }
}
