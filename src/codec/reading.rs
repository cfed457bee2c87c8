//! What a plain arrival means: its kind, its text, and where its sender says it can be reached.

use std::net::{IpAddr, SocketAddr};

use crate::address::{Address, is_of_one_machine};
use crate::message::Kind;

/// One message as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it is.
    pub kind: Kind,
    /// The address that its header carries, if it has one.
    pub header: Option<SocketAddr>,
    /// The port that the message or the connection named, if any; it goes with the connection's source IP.
    pub port: Option<u16>,
    /// What the sender calls itself; at most 64 bytes as sent, not yet held against the grammar of names.
    pub name: Option<String>,
    /// The text without its framing, or the keyword of a message that has no other text.
    pub text: Vec<u8>,
    /// What to answer if the sender still waits.
    pub answer: Option<Answer>,
}

/// What some dialects wait for on the same connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `H N connected`
    Connected,
    /// `PORT:n`; the one answer after which more from us may follow
    Port,
    /// `ACK:name:port`
    Ack,
    /// `CONNECTED`
    ConnectedWord,
}

/// The two ends of a connection, and what we call ourselves there.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Where the connection comes from.
    pub observed: IpAddr,
    /// Our own IP address on it.
    pub local: IpAddr,
    /// The port we listen on.
    pub port: u16,
    /// The address we advertise instead, if any.
    pub advertised: Option<SocketAddr>,
}

impl Reading {
    /// Where the sender can be reached, as far as that can be known.
    ///
    /// A header IP that is loopback, unspecified, or ours while the connection comes from elsewhere is replaced by
    /// the connection's source (17 of 37 student programs announce 127.0.1.1 on Debian-like systems). A header
    /// that is exactly our own address says nothing of the sender.
    pub fn reachable(&self, ends: &Ends) -> Option<Address> {
        let own = SocketAddr::new(ends.local, ends.port);
        let is_own = |socket: SocketAddr| socket == own || Some(socket) == ends.advertised;
        let is_own_ip =
            |ip: IpAddr| ip == ends.local || ends.advertised.is_some_and(|a| a.ip() == ip);
        let socket = match self.header.filter(|&header| !is_own(header)) {
            Some(header) => {
                let ip = header.ip();
                let foreign = is_own_ip(ip) && !is_own_ip(ends.observed);
                let replaced = ip.is_loopback() || ip.is_unspecified() || foreign;
                SocketAddr::new(if replaced { ends.observed } else { ip }, header.port())
            }
            None => SocketAddr::new(ends.observed, self.port?),
        };
        if is_own(socket) || !is_of_one_machine(socket.ip()) {
            return None;
        }
        // the strict form has the last word: an IPv6 link-local address, say, means nothing without its interface
        Address::from(socket).to_string().parse().ok()
    }
}

impl Ends {
    /// The address that we give as ours on this connection.
    pub fn own(&self) -> SocketAddr {
        self.advertised.unwrap_or(SocketAddr::new(self.local, self.port))
    }
}
