//! The connections that are open, and which of them makes room.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::address::source_of;

/// The connections that are open.
#[derive(Debug, Default)]
pub struct Slots {
    open: Mutex<HashMap<u64, Slot>>,
    /// Told when one ends or rests.
    pub freed: Notify,
}

/// One of them.
#[derive(Debug)]
pub struct Slot {
    /// Where it comes from, see [`source_of`].
    pub source: IpAddr,
    /// When it was accepted, or had its last message complete.
    since: Instant,
    /// Its message is complete and being stored: no longer to be evicted.
    finishing: bool,
    abort: AbortHandle,
}

/// A connection's place among the open ones, free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    id: u64,
    slots: Arc<Slots>,
}

impl Slots {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Slot>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a connection from this IP address.
    pub fn enter(self: &Arc<Self>, ip: IpAddr, abort: AbortHandle) -> Place {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let slot = Slot { source: source_of(ip), since: Instant::now(), finishing: false, abort };
        self.open().insert(id, slot);
        Place { id, slots: Arc::clone(self) }
    }

    /// How many of these there are.
    pub fn count(&self, which: impl Fn(&Slot) -> bool) -> usize {
        self.open().values().filter(|slot| which(slot)).count()
    }

    /// How long ago the oldest unfinished one was accepted, or had its last message complete.
    pub fn oldest_age(&self) -> Option<Duration> {
        let open = self.open();
        let unfinished = open.values().filter(|slot| !slot.finishing);
        unfinished.map(|slot| slot.since.elapsed()).max()
    }

    /// Ends the oldest unfinished one of these connections; false if there is none.
    pub fn evict(&self, which: impl Fn(&Slot) -> bool) -> bool {
        let mut open = self.open();
        let candidates = open.iter().filter(|(_, slot)| !slot.finishing && which(slot));
        let Some(id) = candidates.min_by_key(|(id, slot)| (slot.since, **id)).map(|(id, _)| *id)
        else {
            return false;
        };
        if let Some(slot) = open.remove(&id) {
            slot.abort.abort();
        }
        true
    }

    /// Ends all unfinished ones.
    pub fn evict_all(&self) {
        while self.evict(|_| true) {}
    }
}

impl Place {
    /// A message is complete: until [`Place::rest`] the connection is not evicted.
    pub fn finish(&self) {
        if let Some(slot) = self.slots.open().get_mut(&self.id) {
            slot.finishing = true;
        }
    }

    /// The message is dealt with; the connection is as young as a new one.
    pub fn rest(&self) {
        if let Some(slot) = self.slots.open().get_mut(&self.id) {
            (slot.finishing, slot.since) = (false, Instant::now());
        }
        self.slots.freed.notify_one();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.slots.open().remove(&self.id);
        self.slots.freed.notify_one();
    }
}
