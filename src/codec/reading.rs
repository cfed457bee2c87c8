//! Reads a plain arrival: which dialect, what kind, which text, and where its sender says it can be reached.
//!
//! The rules and their order are those of `docs/PROTOCOL.md`; every arrival has a reading, none is an error.

use std::net::{IpAddr, SocketAddr};

use super::dialects::{
    Utf8, classify, read_headed, read_json, read_keyed, read_name, split_line, without_newline,
};
use crate::address::{Address, parse_port};
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

/// What one connection has said about itself so far.
///
/// Two dialects give port and name once and leave them out later, so arrivals of one connection are read in order.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    port: Option<u16>,
    name: Option<String>,
    by_lines: bool,
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

impl Conversation {
    /// Reads one arrival; only an empty one has no reading.
    pub fn read(&mut self, arrival: &[u8]) -> Vec<Reading> {
        if arrival.is_empty() {
            return Vec::new();
        }
        if self.by_lines {
            return self.read_lines(arrival);
        }
        if let Some((handshake, rest)) = self.read_line_handshake(arrival) {
            return [handshake].into_iter().chain(self.read_lines(rest)).collect();
        }
        let reading = self.read_one(arrival);
        if reading.answer == Some(Answer::Port) {
            self.port = reading.port;
        }
        vec![reading]
    }

    fn read_lines(&self, bytes: &[u8]) -> Vec<Reading> {
        let lines = bytes.split(|&b| b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
        lines.filter(|l| !l.is_empty()).map(|line| self.read_one(line)).collect()
    }

    /// A first line of digits, perhaps a line with a name, then `CONNECT`; what follows is read by lines.
    fn read_line_handshake<'a>(&mut self, arrival: &'a [u8]) -> Option<(Reading, &'a [u8])> {
        let (first, rest) = split_line(arrival)?;
        let port = parse_port(first.trim_ascii().utf8()?)?;
        let (second, mut rest) = split_line(rest).unwrap_or((rest, b""));
        let mut name = None;
        if !second.trim_ascii().eq_ignore_ascii_case(b"connect") {
            let (third, after) = split_line(rest).unwrap_or((rest, b""));
            if !third.trim_ascii().eq_ignore_ascii_case(b"connect") {
                return None;
            }
            name = Some(read_name(second.trim_ascii())?);
            rest = after;
        }
        (self.port, self.name, self.by_lines) = (Some(port), name, true);
        let handshake = self.reading(Kind::Connect, b"CONNECT");
        Some((Reading { answer: Some(Answer::Connected), ..handshake }, rest))
    }

    fn read_one(&self, arrival: &[u8]) -> Reading {
        read_headed(arrival)
            .or_else(|| read_keyed(arrival))
            .or_else(|| read_json(arrival))
            .map(|r| Reading {
                port: r.port.or(self.port),
                name: r.name.or(self.name.clone()),
                ..r
            })
            .unwrap_or_else(|| self.read_bare(arrival))
    }

    /// Text without any header: raw, unless the connection has introduced itself.
    fn read_bare(&self, arrival: &[u8]) -> Reading {
        let text = without_newline(arrival);
        let kind = if self.by_lines { classify(text, false) } else { Kind::Raw };
        self.reading(kind, text)
    }

    fn reading(&self, kind: Kind, text: &[u8]) -> Reading {
        let name = self.name.clone();
        Reading { kind, header: None, port: self.port, name, text: text.to_vec(), answer: None }
    }
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
        if is_own(socket) || socket.ip().is_multicast() {
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
