//! What is said between peers: the kinds of message, and a message that has arrived.

use std::net::IpAddr;
use std::time::SystemTime;

use crate::address::Address;
use crate::id::MessageId;
use crate::key::PublicKey;
use crate::topic::Topic;

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
    /// Whether the address is the sender's for sure: its IP is the one that the connection came from, or the session
    /// has proved the key that the address has in the peer book. Without an address, whether its key is there at all.
    pub verified: bool,
    /// The key that its session has proved; absent on the plain wire.
    pub key: Option<PublicKey>,
    /// The id that its sender gave it; absent on the plain wire.
    pub id: Option<MessageId>,
    /// What it is about, if its sender said so.
    pub topic: Option<Topic>,
    /// The text without framing; any bytes.
    pub text: Vec<u8>,
}

impl Arrival {
    /// Whether the address that the sender claims has the IP that the connection came from.
    pub fn comes_from_its_address(&self) -> bool {
        self.address.as_ref().is_some_and(|a| a.ip() == Some(self.observed))
    }

    /// Whether all that is asked of whoever comes has the same answer for both: they differ in time, id and text at most, or in
    /// what was found out about one of them since.
    pub fn is_like(&self, other: &Self) -> bool {
        let Self { kind, address, name, observed, key, topic, .. } = self;
        (*kind, *observed, *key) == (other.kind, other.observed, other.key)
            && (address, name, topic) == (&other.address, &other.name, &other.topic)
    }

    /// Whether it came over the plain wire.
    pub fn is_plain(&self) -> bool {
        self.key.is_none()
    }
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What it says; any bytes.
    pub text: Vec<u8>,
    /// Its id, the same however often and to however many it is sent.
    pub id: MessageId,
    /// Whether the id was given by whoever sends it, who relies on it.
    pub id_is_given: bool,
    /// What it is about.
    pub topic: Option<Topic>,
    /// Whether a reply is waited for.
    pub reply: bool,
    /// Whether it counts only if the peer has acknowledged it, which a plain program cannot.
    pub needs_ack: bool,
}

impl Outgoing {
    /// What of it only a session can carry, if anything.
    pub fn needs_session(&self) -> Option<&'static str> {
        match self {
            _ if self.reply => Some("a reply"),
            _ if self.topic.is_some() => Some("a topic"),
            _ if self.id_is_given => Some("an id"),
            _ if self.text.is_empty() => Some("an empty text"),
            _ => None,
        }
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
