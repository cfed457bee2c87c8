//! `p2p id`: who we are to others: name, addresses, key.

use std::net::{IpAddr, SocketAddr};

use crate::dial::resolve_advertised;
use crate::escape::shell_word;
use crate::event::Event;
use crate::exit::{Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::session::tls::Keys;
use crate::settings::{DEFAULT_PORT, Flags};

/// Print who we are: name, addresses, key
///
/// It also prints the command by which another p2p comes to know us with that key. The addresses are the one that is advertised,
/// or those of this machine with the port of the listener. The key is made when it is needed first.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:\n  \
    p2p id\n\n  \
    # enter us there, with our key\n  \
    ssh bob \"$(p2p id --json | jq -r .add)\"")]
pub struct Args {}

/// Runs the command.
pub fn run(global: &Global, Args {}: &Args) -> Result<Exit, Failure> {
    let home = Home::open(global, &Flags::default())?;
    let settings = &home.settings;
    let name = home.listening.as_ref().map_or(settings.name.to_string(), |l| l.name.clone());
    let addresses = addresses(&home)?;
    let keys = Keys::new(settings.data_dir.clone(), settings.place.allow_network);
    let key = keys.open()?.public();
    let fingerprint = key.fingerprint();
    let add = format!("p2p peers add {} {} --key {key}", shell_word(&name), addresses[0]);
    let addrs: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    let lines = format!(
        "name\t{name}\n{}key\t{key}\nfingerprint\t{fingerprint}\nadd\t{add}",
        addrs.iter().map(|address| format!("address\t{address}\n")).collect::<String>()
    );
    home.ui.report(lines, &Event::Id { name, addrs, key, fingerprint, add })?;
    Ok(Exit::Done)
}

/// Where others may reach us, the likeliest first; never empty.
fn addresses(home: &Home) -> Result<Vec<SocketAddr>, Failure> {
    let listen = &home.settings.listen;
    let configured = if listen.port == 0 { DEFAULT_PORT } else { listen.port };
    let (bound, port, running) = match &home.listening {
        Some(listening) => (Some(listening.addr.ip()), listening.addr.port(), listening.advertise),
        None => (listen.bind, configured, None),
    };
    let advertised = match running {
        Some(advertised) => Some(advertised),
        None => {
            let limit = home.settings.timeout;
            block_on(resolve_advertised(listen.advertise.as_ref(), port, limit))??
        }
    };
    if let Some(advertised) = advertised {
        return Ok(vec![advertised]);
    }
    let ips = match bound.filter(|ip| !ip.is_unspecified()) {
        Some(ip) => vec![ip],
        None => machine_ips(),
    };
    Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

/// The addresses of this machine by which others can reach it, IPv4 first; without any, the one for itself.
fn machine_ips() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    // a link-local address means nothing without its interface
    let is_reachable = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
    };
    let mut ips: Vec<_> =
        interfaces.iter().map(if_addrs::Interface::ip).filter(is_reachable).collect();
    ips.sort_by_key(IpAddr::is_ipv6);
    if ips.is_empty() { vec![IpAddr::from([127, 0, 0, 1])] } else { ips }
}
