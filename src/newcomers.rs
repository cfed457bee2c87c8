//! How many new peers one IP address may bring into the peer book, so that nobody fills it alone.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::address::source_of;

/// New peers from one IP address at once whose claimed address is another one: a classroom behind one router.
const MAX_UNVERIFIED_AT_ONCE: f64 = 8.0;

/// New peers from one IP address at once that claim this address, each with another port.
const MAX_VERIFIED_AT_ONCE: f64 = 64.0;

/// After that, one for each such time.
const ONE_PER: Duration = Duration::from_secs(10);

/// How many IP addresses are remembered; those that have been quiet longest are forgotten first.
const MAX_ADDRESSES: usize = 4096;

/// The new peers that each IP address may still bring.
#[derive(Debug, Default)]
pub struct Newcomers {
    left: HashMap<(IpAddr, bool), (f64, Instant)>,
}

impl Newcomers {
    /// Whether this IP address may bring one more new peer now. This machine may always, with its own address.
    pub fn admit(&mut self, observed: IpAddr, verified: bool, now: Instant) -> bool {
        if verified && observed.is_loopback() {
            return true;
        }
        let most = if verified { MAX_VERIFIED_AT_ONCE } else { MAX_UNVERIFIED_AT_ONCE };
        if self.left.len() >= MAX_ADDRESSES {
            self.forget_oldest();
        }
        let (left, since) = self.left.entry((source_of(observed), verified)).or_insert((most, now));
        let earned = now.saturating_duration_since(*since).as_secs_f64() / ONE_PER.as_secs_f64();
        (*left, *since) = ((*left + earned).min(most), now);
        let admitted = *left >= 1.0;
        if admitted {
            *left -= 1.0;
        }
        admitted
    }

    fn forget_oldest(&mut self) {
        let oldest = self.left.iter().min_by_key(|(_, (_, since))| *since).map(|(key, _)| *key);
        if let Some(key) = oldest {
            self.left.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_one_address_are_eight_at_once_then_one_in_ten_seconds() {
        let (mut newcomers, start) = (Newcomers::default(), Instant::now());
        let ip: IpAddr = "10.0.0.66".parse().unwrap();
        let mut admit = |at: u64| newcomers.admit(ip, false, start + Duration::from_secs(at));
        assert_eq!((0..100).filter(|_| admit(0)).count(), 8);
        assert!(!admit(9));
        assert!(admit(11) && !admit(11));
        assert_eq!((0..100).filter(|_| admit(10_000)).count(), 8);
    }

    #[test]
    fn addresses_do_not_share_and_memory_is_bounded() {
        let (mut newcomers, now) = (Newcomers::default(), Instant::now());
        for number in 0..20_000u32 {
            assert!(newcomers.admit(IpAddr::V4(number.into()), false, now));
        }
        assert!(newcomers.left.len() <= MAX_ADDRESSES);
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!((0..100).filter(|_| newcomers.admit(here, true, now)).count(), 100);
    }
}
