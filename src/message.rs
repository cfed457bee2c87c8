//! What is said between peers: the kinds of message, and a message that has arrived.

use std::net::IpAddr;
use std::time::SystemTime;

use crate::address::Address;

/// Largest message that a listener may be told to take, in bytes. What is kept of it has to be read again in one piece.
pub const MAX_MESSAGE_BYTES: usize = 2 * 1024 * 1024;

/// What a message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text for the user.
    Message,
    /// "I am here": the CONNECT handshake.
    Connect,
    /// The answer to a connect.
    ConnectAck,
    /// "I go": its sender is no longer to be written to.
    Exit,
    /// Bytes without a header; shown, but nobody is listed for them.
    Raw,
}

/// A message that reached us, with what was claimed and what was observed kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// What it means.
    pub kind: Kind,
    /// When it was complete.
    pub time: SystemTime,
    /// Where the sender can be reached; absent if that cannot be known.
    pub address: Option<Address>,
    /// What the sender calls itself, as sent.
    pub name: Option<String>,
    /// The IP address that the connection came from.
    pub observed: IpAddr,
    /// The text without framing; any bytes.
    pub text: Vec<u8>,
}

impl Arrival {
    /// Whether the address that the sender claims has the IP that the connection came from.
    pub fn is_verified(&self) -> bool {
        self.address.as_ref().is_some_and(|a| a.ip() == Some(self.observed))
    }
}

/// How sure it is that a message reached its peer (see `docs/PROTOCOL.md`, "Proof").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A p2p has it in its history and on its output, and says so.
    Acked,
    /// A plain program took every byte and closed.
    Read,
}

impl Proof {
    /// The word in results and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Acked => "acked",
            Self::Read => "read",
        }
    }
}
