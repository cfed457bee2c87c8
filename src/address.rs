//! Where a peer can be reached: a host and a port, written in one strict form.
//!
//! Nothing here asks a name server.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Longest host name in bytes (RFC 1035, section 2.3.4, less the length bytes).
const MAX_HOST_BYTES: usize = 253;

/// `HOST:PORT`, `[IPV6]:PORT`, or `:PORT` for this machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The machine.
    pub host: Host,
    /// The port, never 0.
    pub port: u16,
}

/// A machine: its IP address, or a name that the resolver knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// An IP address; IPv4 inside IPv6 is unwrapped.
    Ip(IpAddr),
    /// A host name, or an IPv6 address with a zone (`fe80::1%eth0`).
    Name(String),
}

/// Why a text is no address.
#[derive(Debug, PartialEq, Eq)]
pub enum AddressError {
    /// There is no `:PORT` at the end.
    NoPort,
    /// The port is not a number from 1 to 65535 written in digits.
    Port,
    /// The host is neither an IP address nor a host name.
    Host,
    /// An IPv6 address needs brackets when a port follows.
    Brackets,
    /// A link-local IPv6 address means nothing without its interface.
    Zone,
    /// `0.0.0.0` and `[::]` are no machine.
    Unspecified,
}

impl Address {
    /// The address of an IP and a port.
    pub fn new(ip: IpAddr, port: u16) -> Self {
        Self { host: Host::Ip(ip.to_canonical()), port }
    }

    /// The IP address, if the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.host {
            Host::Ip(ip) => Some(ip),
            Host::Name(_) => None,
        }
    }

    /// The socket address, if no resolver is needed.
    pub fn socket(&self) -> Option<SocketAddr> {
        self.ip().map(|ip| SocketAddr::new(ip, self.port))
    }
}

/// Who counts as one source of connections: an IPv4 address, or the 64-bit network of an IPv6 address, within which
/// one machine may take as many addresses as it likes.
pub fn source_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Whether an IP address can be that of one machine: not one of many (multicast, broadcast), nor of the network 0, which
/// stands for one's own (RFC 1122, section 3.2.1.3).
pub fn is_of_one_machine(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let means_none = match ip {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_unspecified(),
    };
    !means_none && !ip.is_multicast()
}

/// Reads a port: 1 to 5 digits, no sign, no blanks, not 0.
pub fn parse_port(text: &str) -> Option<u16> {
    let digits = text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|&port| digits && port != 0)
}

impl FromStr for Host {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return usable(ip.to_canonical()).map(Self::Ip);
        }
        is_host_name(text).then(|| Self::Name(text.to_ascii_lowercase())).ok_or(AddressError::Host)
    }
}

fn usable(ip: IpAddr) -> Result<IpAddr, AddressError> {
    match ip {
        ip if ip.is_unspecified() => Err(AddressError::Unspecified),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Err(AddressError::Zone),
        ip => Ok(ip),
    }
}

/// A host name of letters, digits, `-`, `_` and dots. One that ends in a number is none: resolvers read
/// `010.0.0.1`, `10.1` and `0x7f.1` as IP addresses, each in its own way.
fn is_host_name(text: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let trimmed = text.strip_suffix('.').unwrap_or(text);
    let last = trimmed.rsplit('.').next().unwrap_or_default();
    text.len() <= MAX_HOST_BYTES
        && trimmed.split('.').all(label)
        && !last.bytes().all(|b| b.is_ascii_digit())
        && !last.to_ascii_lowercase().starts_with("0x")
}

/// An IPv6 address with the interface it belongs to, as `getaddrinfo` reads it.
fn is_zoned(text: &str) -> bool {
    text.split_once('%').is_some_and(|(ip, zone)| {
        ip.parse::<Ipv6Addr>().is_ok()
            && (1..=15).contains(&zone.len())
            && zone.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    })
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::NoPort)?;
        let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = match bracketed {
            Some(v6) if is_zoned(v6) => Host::Name(v6.to_owned()),
            Some(v6) => {
                let ip = v6.parse::<Ipv6Addr>().map_err(|_| AddressError::Host)?;
                Host::Ip(usable(IpAddr::V6(ip).to_canonical())?)
            }
            None if host.contains(':')
                && (text.parse::<Ipv6Addr>().is_ok() || host.parse::<Ipv6Addr>().is_ok()) =>
            {
                return Err(AddressError::Brackets);
            }
            None if host.is_empty() => Host::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            None => host.parse()?,
        };
        Ok(Self { host, port: parse_port(port).ok_or(AddressError::Port)? })
    }
}

impl From<SocketAddr> for Address {
    fn from(socket: SocketAddr) -> Self {
        Self::new(socket.ip(), socket.port())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
            Self::Ip(IpAddr::V4(v4)) => write!(f, "{v4}"),
            Self::Name(name) if name.contains(':') => write!(f, "[{name}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPort => "an address is HOST:PORT",
            Self::Port => "a port is a number from 1 to 65535",
            Self::Host => "the host is neither an IP address nor a host name",
            Self::Brackets => "an IPv6 address is written [ADDRESS]:PORT",
            Self::Zone => {
                "a link-local IPv6 address needs its interface, as in [fe80::1%eth0]:5000"
            }
            Self::Unspecified => "this address is no machine; this machine is :PORT",
        })
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_back_in_one_form() {
        for (text, shown) in [
            ("10.18.0.4:6000", "10.18.0.4:6000"),
            (":5000", "127.0.0.1:5000"),
            ("[::1]:5000", "[::1]:5000"),
            ("[::ffff:10.0.0.1]:5000", "10.0.0.1:5000"),
            ("[2001:DB8::0:1]:1", "[2001:db8::1]:1"),
            ("[fe80::1%eth0]:5000", "[fe80::1%eth0]:5000"),
            ("Lab7.example:65535", "lab7.example:65535"),
            ("localhost:80", "localhost:80"),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse::<Address>(), Ok(address));
        }
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let source = |text: &str| source_of(text.parse().unwrap()).to_string();
        assert_eq!(source("10.0.0.2"), "10.0.0.2");
        assert_eq!(source("::ffff:10.0.0.2"), "10.0.0.2");
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    #[test]
    fn what_resolvers_would_guess_at_is_refused() {
        for (text, error) in [
            ("alice", AddressError::NoPort),
            ("10.0.0.1:0", AddressError::Port),
            ("10.0.0.1:65536", AddressError::Port),
            ("10.0.0.1:+5", AddressError::Port),
            ("10.0.0.1: 5", AddressError::Port),
            ("10.0.0.1:", AddressError::Port),
            ("010.0.0.1:5000", AddressError::Host),
            ("10.1:5000", AddressError::Host),
            ("0x7f.1:5000", AddressError::Host),
            ("127.0.0.0x1:5000", AddressError::Host),
            ("300.0.0.1:5000", AddressError::Host),
            ("a b:5000", AddressError::Host),
            ("-x:5000", AddressError::Host),
            ("a..b:5000", AddressError::Host),
            ("[10.0.0.1]:5000", AddressError::Host),
            ("::1:5000", AddressError::Brackets),
            ("fe80::1:5000", AddressError::Brackets),
            ("[fe80::1]:5000", AddressError::Zone),
            ("0.0.0.0:5000", AddressError::Unspecified),
            ("[::]:5000", AddressError::Unspecified),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
    }
}
