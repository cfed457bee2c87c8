//! Stores, shows and learns from what arrives, in this order, and only then lets it be acknowledged.
//!
//! It works in a thread of its own, because files and a slow output block. What waits meanwhile is taken together:
//! one write to the history, one to the output, one change of the peer book.

mod door;
mod shared;
mod work;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

pub use self::door::Door;
pub use self::shared::Shared;
use self::work::Work;
pub use self::work::{Over, Recorder};
use crate::exit::{Code, Failure};
use crate::inbox::Inbound;

/// A recorder that works.
#[derive(Debug)]
pub struct Recording {
    thread: JoinHandle<Option<Failure>>,
    messages: Arc<AtomicU64>,
}

impl Recording {
    /// Tells how many messages it has taken, also while it works.
    pub fn counter(&self) -> impl Fn() -> u64 + use<> {
        let messages = Arc::clone(&self.messages);
        move || messages.load(Ordering::Relaxed)
    }

    /// Blocks until it has dealt with all that it has; tells what went wrong, unless that was told through `over`.
    pub fn join(self) -> Option<Failure> {
        self.thread.join().unwrap_or_else(|_| Some(unexpected()))
    }
}

/// A panic of ours, which must not look like an end in order.
pub fn unexpected() -> Failure {
    Failure::new(Code::Io, "the recorder of messages has ended unexpectedly")
}

impl Recorder {
    /// Starts the thread. It ends when the inbox is closed; it ends early, and says so through `over`, when it has enough
    /// or its output cannot be written any more.
    pub fn start(
        self,
        inbox: mpsc::Receiver<Inbound>,
        over: oneshot::Sender<Over>,
    ) -> io::Result<Recording> {
        let messages = Arc::new(AtomicU64::new(0));
        let work = Work::new(self, Arc::clone(&messages));
        let thread =
            thread::Builder::new().name("recorder".into()).spawn(move || work.run(inbox, over))?;
        Ok(Recording { thread, messages })
    }
}
