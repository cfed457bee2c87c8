//! What a listener hands over, and to whom it says that it does.

use std::io;
use std::net::SocketAddr;

use tokio::sync::oneshot;

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
        /// To be told when they are safe, or that they could not be kept.
        done: oneshot::Sender<Result<(), NotKept>>,
    },
    /// Connections cannot be accepted at the moment.
    Trouble(io::Error),
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
