//! A trouble that may pass: told at once, not again and again, and found out when it does not pass.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::ui::Ui;

/// A trouble that goes on is mentioned this often.
const REMIND_AFTER: Duration = Duration::from_secs(60);

/// A trouble that goes on for this long does not pass by itself.
const LASTS_AFTER: Duration = Duration::from_secs(60);

/// One kind of trouble; a new one has not happened yet.
#[derive(Debug, Default)]
pub struct Trouble {
    since: Option<Instant>,
    told: Option<Instant>,
}

impl Trouble {
    /// It happens: says so, unless that was said lately.
    pub fn happens(&mut self, ui: &Ui, what: impl Display) {
        if self.told.is_none_or(|at| at.elapsed() >= REMIND_AFTER) {
            ui.warn(what);
            self.told = Some(Instant::now());
        }
    }

    /// It has passed.
    pub fn passes(&mut self) {
        self.since = None;
    }

    /// It happens: whether it has been going on for too long.
    pub fn lasts(&mut self, now: Instant) -> bool {
        now.saturating_duration_since(*self.since.get_or_insert(now)) >= LASTS_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_lasts_once_it_has_gone_on_for_a_minute() {
        let (mut trouble, start) = (Trouble::default(), Instant::now());
        let mut lasts = |at| trouble.lasts(start + Duration::from_secs(at));
        assert!(!lasts(0) && !lasts(59) && lasts(60) && lasts(61));
        trouble.passes();
        assert!(!trouble.lasts(start + Duration::from_secs(100)), "a new one is new");
    }
}
