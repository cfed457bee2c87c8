//! Which parts of a peer's list are asked for: what is new, and never all of it again and again.
//!
//! A list has its freshest first. As long as a part brings somebody new, the next one may, too. The first part that does
//! not is followed by one at random, so that nobody far down the list stays unknown for ever; then it is enough.

use std::collections::HashSet;
use std::ops::Range;

use crate::address::Address;
use crate::codec::acquaintances::MAX_LISTED;
use crate::hearsay::Acquaintance;
use crate::key::PublicKey;

/// Most parts of one list: what the largest peer book makes.
const MAX_PARTS: usize = 40;

/// Who is known already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Where they are.
    pub addresses: HashSet<Address>,
    /// Their keys, and ours.
    pub keys: HashSet<PublicKey>,
}

impl Known {
    /// Whether this is somebody else.
    pub fn lacks(&self, peer: &Acquaintance) -> bool {
        !self.addresses.contains(&peer.address.into())
            && peer.key.is_none_or(|key| !self.keys.contains(&key))
    }
}

/// What is still to be asked.
#[derive(Debug)]
pub struct Questions {
    next: Option<usize>,
    asked: Vec<usize>,
    was_at_random: bool,
}

impl Default for Questions {
    fn default() -> Self {
        Self { next: Some(0), asked: Vec::new(), was_at_random: false }
    }
}

impl Questions {
    /// How many of the list to skip in the next question; `None` if there is to be none.
    pub fn next(&self) -> Option<usize> {
        self.next.map(|part| part * MAX_LISTED)
    }

    /// The last question was answered: how long the whole list is, and whether somebody new was in this part. `random`
    /// chooses.
    pub fn answered(&mut self, total: usize, brought_news: bool, random: u64) {
        self.asked.extend(self.next.take());
        let parts: Range<usize> = 0..total.div_ceil(MAX_LISTED).min(MAX_PARTS);
        let left: Vec<_> = parts.filter(|part| !self.asked.contains(part)).collect();
        self.next = match (brought_news, self.was_at_random) {
            (true, _) => left.first().copied(),
            (false, false) => {
                self.was_at_random = true;
                let at = usize::try_from(random).unwrap_or(usize::MAX) % left.len().max(1);
                left.get(at).copied()
            }
            (false, true) => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts that are asked for of a list of this length, when these parts have somebody new.
    fn asked(total: usize, news: &[usize], random: u64) -> Vec<usize> {
        let (mut questions, mut asked) = (Questions::default(), Vec::new());
        while let Some(skip) = questions.next() {
            assert_eq!(skip % MAX_LISTED, 0);
            let part = skip / MAX_LISTED;
            asked.push(part);
            assert!(asked.len() <= MAX_PARTS);
            questions.answered(total, news.contains(&part), random);
        }
        asked
    }

    #[test]
    fn what_brings_news_is_followed_up_and_what_does_not_is_followed_by_one_at_random() {
        assert_eq!(asked(0, &[], 7), [0]);
        assert_eq!(asked(256, &[0], 7), [0]);
        assert_eq!(asked(257, &[], 7), [0, 1]);
        assert_eq!(asked(1000, &[0, 1, 2, 3], 7), [0, 1, 2, 3]);
        assert_eq!(asked(1000, &[], 1), [0, 2]);
        assert_eq!(asked(1000, &[2], 1), [0, 2, 1], "the rest may be new as well");
        assert_eq!(asked(1000, &[0], 1), [0, 1, 3]);
    }

    #[test]
    fn a_list_that_never_ends_is_left_at_some_point() {
        let all: Vec<_> = (0..1000).collect();
        assert_eq!(asked(usize::MAX, &all, 0).len(), MAX_PARTS);
        for random in [0, 1, u64::MAX] {
            assert_eq!(asked(usize::MAX, &[], random).len(), 2);
        }
    }

    #[test]
    fn who_is_known_by_address_or_by_key_is_not_new() {
        let (key, other) = (PublicKey::new([1; 32]), PublicKey::new([2; 32]));
        let known =
            Known { addresses: ["10.0.0.1:5000".parse().unwrap()].into(), keys: [key].into() };
        let lacks = |address: &str, key| {
            let (address, seen) = (address.parse().unwrap(), std::time::SystemTime::UNIX_EPOCH);
            known.lacks(&Acquaintance { address, name: None, key, seen })
        };
        assert!(!lacks("10.0.0.1:5000", Some(other)) && !lacks("10.0.0.1:5000", None));
        assert!(!lacks("10.0.0.2:5000", Some(key)));
        assert!(lacks("10.0.0.2:5000", Some(other)) && lacks("10.0.0.2:5000", None));
    }
}
