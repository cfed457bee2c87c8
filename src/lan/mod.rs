//! Finding each other in the local network without any set-up: DNS-SD (RFC 6763) over multicast DNS (RFC 6762).
//!
//! Nothing of it is proved. Anybody in the network can announce anything, so what is found is hearsay like what peers
//! tell, and only addresses within the network itself are taken from it.

mod announce;
mod find;
pub mod record;

use std::net::IpAddr;
use std::time::Duration;

use mdns_sd::{IfKind, ServiceDaemon};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

pub use self::announce::Announcement;
pub use self::find::{DEFAULT_TIME, find};
use crate::exit::{Code, Failure, OrFail as _};
use crate::system::socket::{SHOW_PORT_5353, share_port};

/// The port of multicast DNS.
const PORT: u16 = 5353;

/// How long the thread of multicast DNS has for anything that we ask of it.
const MAX_ANSWER: Duration = Duration::from_secs(1);

/// How often it looks for interfaces that have come up or gone, in seconds.
const LOOK_FOR_INTERFACES: u32 = 1;

/// Starts the thread of multicast DNS on the network interfaces of this machine, or only on that with this address.
///
/// Fails with `bind` if the port cannot be shared; the thread itself says nothing of that.
fn start(only: Option<IpAddr>) -> Result<ServiceDaemon, Failure> {
    check_port().or_fail(Code::Bind).map_err(|failure| {
        failure
            .context(format!("UDP port {PORT} is not free for us"))
            .hint(format!("another program has it for itself; who has it: {SHOW_PORT_5353}"))
    })?;
    let started = || {
        let daemon = ServiceDaemon::new()?;
        daemon.set_ip_check_interval(LOOK_FOR_INTERFACES)?;
        match only {
            Some(ip) => {
                daemon.disable_interface(IfKind::All)?;
                daemon.enable_interface(IfKind::Addr(ip))?;
            }
            // who is on this machine asks it directly
            None => daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?,
        }
        Ok::<_, mdns_sd::Error>(daemon)
    };
    started().or_fail(Code::Io)
}

/// Whether the port can be taken beside others that take it, as all programs of multicast DNS do.
fn check_port() -> std::io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    share_port(&socket)?;
    socket.bind(&SockAddr::from(std::net::SocketAddr::from(([0, 0, 0, 0], PORT))))
}

/// A network that this machine is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Our own address in it.
    pub ip: IpAddr,
    /// How many of the first bits are those of the network.
    pub prefix: u8,
}

impl Network {
    /// Whether an address is in it.
    pub fn has(self, ip: IpAddr) -> bool {
        let same = |a: u128, b: u128, bits: u32| {
            (a ^ b).checked_shr(bits - u32::from(self.prefix).min(bits)).unwrap_or(0) == 0
        };
        match (self.ip, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                same(own.to_bits().into(), ip.to_bits().into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => same(own.to_bits(), ip.to_bits(), 128),
            _ => false,
        }
    }
}

/// The networks that this machine is in, but for itself.
fn networks() -> Result<Vec<Network>, Failure> {
    let interfaces = if_addrs::get_if_addrs().or_fail(Code::Io)?;
    let network = |interface: &if_addrs::Interface| match &interface.addr {
        if_addrs::IfAddr::V4(v4) => Network { ip: v4.ip.into(), prefix: v4.prefixlen },
        if_addrs::IfAddr::V6(v6) => Network { ip: v6.ip.into(), prefix: v6.prefixlen },
    };
    Ok(interfaces.iter().filter(|i| !i.is_loopback()).map(network).collect())
}

/// Ends the thread of multicast DNS, which says goodbye for what was announced.
fn end(daemon: &ServiceDaemon) {
    // if it is too busy to hear us, the end of the process ends it
    if let Ok(ended) = daemon.shutdown() {
        let _ = ended.recv_timeout(MAX_ANSWER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_of_its_prefix() {
        let has = |own: &str, prefix, ip: &str| {
            Network { ip: own.parse().unwrap(), prefix }.has(ip.parse().unwrap())
        };
        assert!(has("10.1.2.3", 24, "10.1.2.77") && !has("10.1.2.3", 24, "10.1.3.77"));
        assert!(has("10.1.2.3", 32, "10.1.2.3") && !has("10.1.2.3", 32, "10.1.2.2"));
        assert!(has("10.1.2.3", 8, "10.200.0.1") && has("10.1.2.3", 0, "8.8.8.8"));
        assert!(has("2001:db8::1", 64, "2001:db8::ff") && !has("2001:db8::1", 64, "2001:db9::1"));
        assert!(!has("10.1.2.3", 0, "::1"));
        assert!(has("fd00::1", 128, "fd00::1") && !has("fd00::1", 128, "fd00::2"));
    }
}
