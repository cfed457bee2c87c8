//! What a listener hands over, and to whom it says that it does.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::codec::frame::ReplyEnd;
use crate::hearsay::Acquaintance;
use crate::message::Arrival;
use crate::name::Name;

/// Who we are to those who connect.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Our name.
    pub name: Name,
    /// The port we listen on.
    pub port: u16,
    /// The address we advertise, if it was set.
    pub advertised: Option<SocketAddr>,
}

/// What the listener hands over.
#[derive(Debug)]
pub enum Inbound {
    /// Messages of one connection, in their order.
    Arrivals {
        /// What arrived.
        arrivals: Vec<Arrival>,
        /// The session that they came in, if it was one.
        session: Option<Order>,
        /// Where the reply goes, if one is waited for; dropped if there is none.
        reply: Option<oneshot::Sender<Reply>>,
        /// The room that they take, given back when they are dealt with; of others their connection keeps it.
        room: Option<OwnedSemaphorePermit>,
        /// To be told when they are safe, or that they could not be kept.
        done: oneshot::Sender<Result<(), NotKept>>,
    },
    /// Somebody asks of which peers we know.
    Question {
        /// Who asks; nothing of it is kept.
        asker: Arrival,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<Arc<[Acquaintance]>, NotKept>>,
    },
    /// Connections cannot be accepted at the moment.
    Trouble(io::Error),
}

/// Keeps the order of a session's messages: once one was refused, no later one is kept.
#[derive(Clone, Debug, Default)]
pub struct Order(Arc<AtomicBool>);

impl Reply {
    /// There is none, for this reason.
    pub fn failed(code: &str) -> Self {
        Self { end: ReplyEnd::Failed(code.to_owned()), output: Vec::new() }
    }
}

impl NotKept {
    /// The word that the sender gets; none if it gets no answer.
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Busy => Some("busy"),
            Self::Denied => Some("denied"),
            Self::Unknown => None,
        }
    }
}

impl Order {
    /// One of them was refused.
    pub fn break_off(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether one of them was refused.
    pub fn is_broken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a command for a message has printed, for whoever sent it.
#[derive(Debug)]
pub struct Reply {
    /// How the command ended.
    pub end: ReplyEnd,
    /// What it printed.
    pub output: Vec<u8>,
}

/// Why messages are not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// Nothing of them was stored; the sender may try again.
    Busy,
    /// Nothing of them was stored: they are not wanted from this sender.
    Denied,
    /// Some of it is in the history, or may be. To say that they were refused would be as wrong as to say that they
    /// were kept.
    Unknown,
}
