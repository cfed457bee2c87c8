//! When to try again: growing pauses, a little at random, for so many times or so long.

use std::time::{Duration, Instant};

/// The first pause: a program that is just being started is there after it.
const FIRST: Duration = Duration::from_millis(200);

/// The longest pause: who comes back after an hour is found within seconds.
const LONGEST: Duration = Duration::from_secs(5);

/// How often, or how long, something is tried again; with neither, not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// At most so many times more.
    pub times: Option<u32>,
    /// For this long; what begins at its end is the last.
    pub span: Option<Duration>,
}

/// The pauses that are still to come.
#[derive(Debug)]
pub struct Pauses {
    left: u32,
    end: Option<Instant>,
    next: Duration,
}

impl Retry {
    /// Whether anything is tried again at all.
    pub fn is_wanted(self) -> bool {
        self.times.unwrap_or(u32::from(self.span.is_some())) > 0
    }

    /// The pauses of something that begins at this time.
    pub fn pauses(self, start: Instant) -> Pauses {
        let without_end = if self.span.is_some() { u32::MAX } else { 0 };
        Pauses {
            left: self.times.unwrap_or(without_end),
            end: self.span.map(|span| start + span),
            next: FIRST,
        }
    }
}

impl Pauses {
    /// How long to wait before the next try; `None` if there is to be none.
    pub fn next(&mut self, now: Instant) -> Option<Duration> {
        let rest = self.end.map_or(Duration::MAX, |end| end.saturating_duration_since(now));
        if self.left == 0 || rest.is_zero() {
            return None;
        }
        self.left -= 1;
        let pause = self.next.mul_f64(jitter()).clamp(FIRST, LONGEST);
        self.next = (self.next * 2).min(LONGEST);
        Some(pause.min(rest))
    }
}

/// A factor from 0.5 to 1.5, so that many who wait do not come back in step.
pub fn jitter() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    let random = RandomState::new().hash_one(0);
    0.5 + f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_200_ms_to_5_s_and_end_with_their_span() {
        let start = Instant::now();
        let mut pauses = Retry { times: None, span: Some(Duration::from_secs(60)) }.pauses(start);
        let (mut now, mut all) = (start, Vec::new());
        while let Some(pause) = pauses.next(now) {
            now += pause;
            all.push(pause);
        }
        assert_eq!(now, start + Duration::from_secs(60), "the last try begins at the end");
        assert!(all.iter().rev().skip(1).all(|pause| (FIRST..=LONGEST).contains(pause)), "{all:?}");
        assert!(all[0] <= FIRST * 2 && all[8] >= LONGEST / 2, "{all:?}");
    }

    #[test]
    fn tries_are_counted_and_without_a_wish_there_is_none() {
        let now = Instant::now();
        let count = |times, span| {
            let mut pauses = Retry { times, span }.pauses(now);
            std::iter::from_fn(|| pauses.next(now)).take(100).count()
        };
        assert_eq!(count(None, None), 0);
        assert_eq!(count(Some(3), None), 3);
        assert_eq!(count(Some(3), Some(Duration::from_secs(1))), 3);
        assert_eq!(count(Some(0), Some(Duration::from_secs(1))), 0);
        assert_eq!(count(None, Some(Duration::from_secs(1))), 100);
    }
}
