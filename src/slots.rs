//! The connections that are open, and which of them makes room.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::address::source_of;

/// How many bytes of unfinished messages all connections hold together, at most: 32 of the largest.
const MAX_HELD_BYTES: usize = 32 * 1024 * 1024;

/// A connection that talks all the time does not stay younger than all others by that.
const YOUNG_FOR: Duration = Duration::from_secs(1);

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
    /// Messages that are complete and have no answer yet.
    unanswered: usize,
    /// All is answered but for what a command is still to print.
    waits_for_reply: bool,
    /// It is a session: what it says has ids, so whoever is cut off may say it again.
    is_session: bool,
    /// Bytes of a message that is not yet with those that wait.
    held_bytes: usize,
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
        let slot = Slot {
            source: source_of(ip),
            since: Instant::now(),
            unanswered: 0,
            waits_for_reply: false,
            is_session: false,
            held_bytes: 0,
            abort,
        };
        self.open().insert(id, slot);
        Place { id, slots: Arc::clone(self) }
    }

    /// Whether one of them waits for what a command prints.
    pub fn wait_for_replies(&self) -> bool {
        self.count(|slot| slot.waits_for_reply) > 0
    }

    /// How many of these there are.
    pub fn count(&self, which: impl Fn(&Slot) -> bool) -> usize {
        self.open().values().filter(|slot| which(slot)).count()
    }

    fn held_bytes(&self) -> usize {
        self.open().values().map(|slot| slot.held_bytes).sum()
    }

    /// How long ago the oldest unfinished one was accepted, or had its last message complete.
    pub fn oldest_age(&self) -> Option<Duration> {
        let open = self.open();
        let unfinished = open.values().filter(|slot| slot.may_go());
        unfinished.map(|slot| slot.since.elapsed()).max()
    }

    /// Ends the oldest unfinished one of these connections; false if there is none.
    pub fn evict(&self, which: impl Fn(&Slot) -> bool) -> bool {
        let mut open = self.open();
        let candidates = open.iter().filter(|(_, slot)| slot.may_go() && which(slot));
        let Some(id) = candidates.min_by_key(|(id, slot)| (slot.since, **id)).map(|(id, _)| *id)
        else {
            return false;
        };
        if let Some(slot) = open.remove(&id) {
            slot.abort.abort();
        }
        true
    }

    /// Ends all that do not wait for an answer of ours.
    pub fn evict_idle(&self) {
        while self.evict(|slot| slot.unanswered == 0) {}
    }
}

impl Slot {
    /// Whether it may make room for others. A plain message that is complete has no id, and must not be cut off.
    fn may_go(&self) -> bool {
        self.is_session || self.unanswered == 0
    }
}

impl Place {
    /// The connection is a session.
    pub fn is_session(&self) {
        if let Some(slot) = self.slots.open().get_mut(&self.id) {
            slot.is_session = true;
        }
    }

    /// A message is complete: until [`Place::rest`] it waits for an answer.
    pub fn finish(&self) {
        if let Some(slot) = self.slots.open().get_mut(&self.id) {
            slot.unanswered += 1;
        }
    }

    /// So many bytes of a message are there. When all connections together hold too many, the one makes room that has
    /// been at it longest; that may be this one.
    pub async fn hold(&self, bytes: usize) {
        if let Some(slot) = self.slots.open().get_mut(&self.id) {
            slot.held_bytes = bytes;
        }
        while bytes > 0 && self.slots.held_bytes() > MAX_HELD_BYTES {
            let freed = self.slots.freed.notified();
            if self.slots.evict(|slot| slot.held_bytes > 0) {
                // it may have been us
                tokio::task::yield_now().await;
            } else {
                // all of them are complete and wait for our own output
                freed.await;
            }
        }
    }

    /// A command has begun to make the reply to what was said, or has made it.
    pub fn wait_for_reply(&self, waits: bool) {
        if let Some(slot) = self.slots.open().get_mut(&self.id) {
            slot.waits_for_reply = waits;
        }
    }

    /// The message is dealt with; the connection is as young as a new one, unless it was lately.
    pub fn rest(&self) {
        if let Some(slot) = self.slots.open().get_mut(&self.id) {
            slot.unanswered = slot.unanswered.saturating_sub(1);
            if slot.since.elapsed() >= YOUNG_FOR {
                slot.since = Instant::now();
            }
        }
        self.slots.freed.notify_waiters();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.slots.open().remove(&self.id);
        self.slots.freed.notify_waiters();
    }
}
