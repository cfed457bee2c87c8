//! What is announced of a listener, and what is read of an announcement.

use std::net::IpAddr;
use std::time::SystemTime;

use mdns_sd::{ResolvedService, ScopedIp, ServiceInfo};

use super::Network;
use crate::hearsay::Acquaintance;
use crate::key::PublicKey;
use crate::name::Name;
use crate::session::tls::random;

/// The kind of service, as it is registered with multicast DNS.
pub(super) const KIND: &str = "_p2p-chat._tcp.local.";

/// Longest name of a service in bytes (RFC 6763, section 4.1.1).
const MAX_INSTANCE_BYTES: usize = 63;

/// A listener, as it is announced.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) name: Name,
    pub(super) port: u16,
    pub(super) key: Option<PublicKey>,
    /// The only address that it has; else all of this machine's.
    pub(super) ip: Option<IpAddr>,
}

impl Service {
    /// The records of it. The name of the host is made up, for that of the machine is nobody's business.
    pub(super) fn records(&self) -> Result<ServiceInfo, mdns_sd::Error> {
        let host = format!("p2p-{:08x}.local.", random() as u32);
        let mut facts = vec![("name", self.name.to_string())];
        if let Some(key) = self.key {
            // the second is for eyes: the digits that `p2p id` prints
            facts.extend([("key", key.to_string()), ("fingerprint", key.fingerprint())]);
        }
        let facts: Vec<_> = facts.iter().map(|(key, fact)| (*key, fact.as_str())).collect();
        let ip = self.ip.map_or(String::new(), |ip| ip.to_string());
        let service =
            ServiceInfo::new(KIND, &self.instance(), &host, ip.as_str(), self.port, &facts[..])?;
        Ok(if self.ip.is_none() { service.enable_addr_auto() } else { service })
    }

    /// What people see in a list of services: the name, and what tells it from others that are called so.
    fn instance(&self) -> String {
        let mark = match self.key {
            Some(key) => key.to_string()[..8].to_owned(),
            None => self.port.to_string(),
        };
        let mut name = self.name.to_string();
        while name.len() + 1 + mark.len() > MAX_INSTANCE_BYTES {
            name.pop();
        }
        format!("{name} {mark}")
    }
}

/// The peer that is announced, if it is at an address of one of these networks.
pub(super) fn read(
    found: &ResolvedService,
    networks: &[Network],
    now: SystemTime,
) -> Option<Acquaintance> {
    let instance = found.fullname.strip_suffix(KIND)?.strip_suffix('.')?;
    let fact = |key: &str| found.txt_properties.get(key).and_then(|fact| fact.val());
    let ips = found.addresses.iter().map(ScopedIp::to_ip_addr);
    announced(instance, fact, ips, found.port, networks, now)
}

/// The same of the parts of an announcement: the name of the service, its facts by their keys, its addresses and its port.
pub fn announced<'a>(
    instance: &str,
    fact: impl Fn(&str) -> Option<&'a [u8]>,
    ips: impl Iterator<Item = IpAddr>,
    port: u16,
    networks: &[Network],
    now: SystemTime,
) -> Option<Acquaintance> {
    let text = |key: &str| fact(key).map(|bytes| std::str::from_utf8(bytes).unwrap_or_default());
    let key = text("key").map(str::parse::<PublicKey>).transpose().ok()?;
    let name = text("name").unwrap_or(instance).trim().parse().ok();
    let is_near = |ip: &IpAddr| networks.iter().any(|network| network.has(*ip));
    let ip = ips.filter(is_near).filter(is_usable).min_by_key(|ip| (ip.is_ipv6(), *ip))?;
    let address = std::net::SocketAddr::new(ip, port);
    (port != 0).then_some(Acquaintance { address, name, key, seen: now })
}

/// A link-local address of IPv6 means nothing without its interface, and those that have one are rarely all they have.
fn is_usable(ip: &IpAddr) -> bool {
    !ip.is_loopback() && !matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_service_fits_and_tells_it_from_others() {
        let key = Some(PublicKey::new([0xab; 32]));
        for name in ["bob".to_owned(), "x".repeat(64), "\u{fc}".repeat(32)] {
            let name: Name = name.parse().unwrap();
            for key in [key, None] {
                let service = Service { name: name.clone(), port: 65_000, key, ip: None };
                let instance = service.instance();
                assert!(instance.len() <= MAX_INSTANCE_BYTES, "{instance}");
                assert!(instance.ends_with(if key.is_some() { " abababab" } else { " 65000" }));
                assert!(service.records().is_ok());
            }
        }
    }
}
