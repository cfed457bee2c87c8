//! Gets to know peers through others: whom to ask, and what to make of what they say.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;

use crate::address::Address;
use crate::book::Teller;
use crate::config::Time;
use crate::dial::is_own_ip;
use crate::event::Event;
use crate::exit::{Code, Failure, OrFail as _};
use crate::hearsay::Acquaintance;
use crate::home::Home;
use crate::key::PublicKey;
use crate::lan;
use crate::peer::{Peer, State};
use crate::posted::{Cause, PeerLabel};
use crate::questions::Known;
use crate::report::{Errand, Report};
use crate::session::tls::random;

/// How many peers are asked beside those of the configuration: it takes few, chosen anew each time, for news to come
/// around in every direction.
const MAX_OTHERS: usize = 3;

/// The errand of who wants to know whom a peer knows.
pub fn errand(home: &Home) -> Errand {
    let book = home.peers.book();
    let told_key = |peer: &Peer| peer.hearsay.and_then(|hearsay| hearsay.key);
    let keys = book.iter().filter_map(|peer| peer.key.or(told_key(peer)));
    let keys = keys.chain(home.own_key()).collect();
    let addresses = book.iter().map(|peer| peer.address.clone()).collect();
    Errand::Acquaint(Arc::new(Known { addresses, keys }))
}

/// A few of the peers that we have met, beside these; nobody of whom we only know from others.
pub fn others(home: &Home, beside: &[Peer]) -> Vec<Peer> {
    let beside: HashSet<&Address> = beside.iter().map(|peer| &peer.address).collect();
    let now = SystemTime::now();
    let is_met = |p: &&Peer| p.state(now) == State::Active && p.verified && p.key.is_some();
    let others = home.peers.book().iter().filter(is_met);
    let others = others.filter(|p| !beside.contains(&p.address) && !home.is_self(&p.address));
    let mut others: Vec<_> = others.map(|peer| (random(), peer.clone())).collect();
    others.sort_by_key(|(random, _)| *random);
    others.into_iter().take(MAX_OTHERS).map(|(_, peer)| peer).collect()
}

/// Writes down what peers have told of others, and says how much of it was new.
pub fn learn(home: &mut Home, reports: &[Report]) -> Result<(), Failure> {
    let own = Own::of(home);
    let mut all_new = 0;
    for report in reports {
        let Some(told) = &report.told else { continue };
        let from = PeerLabel::new(&report.named());
        let event = match told {
            Ok(told) => {
                let mut new = 0;
                let teller = teller(report);
                home.note(|book, now| new = book.learn(told, teller, now, |p| own.is(p)));
                all_new += new;
                Event::Learned { from, told: told.len(), new, error: None }
            }
            Err(failure) => {
                let label = report.named().label();
                match failure.code {
                    Code::Denied => home.ui.talk(format!("{label} does not tell us of its peers")),
                    _ => home.ui.talk(format!("{label} tells nothing of its peers: {failure}")),
                }
                Event::Learned { from, told: 0, new: 0, error: Some(Cause::new(failure)) }
            }
        };
        home.ui.event(&event)?;
    }
    if all_new > 0 {
        let peers = if all_new == 1 { "peer" } else { "peers" };
        home.ui
            .talk(format!("learned of {all_new} {peers}; to see them: p2p peers --source learned"));
    }
    Ok(())
}

/// Asks the local network who is there, writes it down, and gives the peers that were found, but for ourselves.
pub async fn look_around(home: &mut Home, time: Duration) -> Result<Vec<Peer>, Failure> {
    home.ui.talk(format!("asking the local network for {}", Time(time)));
    let found = spawn_blocking(move || lan::find(time)).await;
    let (found, has_more) = found.or_fail(Code::Io)??;
    if has_more {
        home.ui.warn(format!(
            "more than {} announce themselves here; the rest is left out",
            found.len()
        ));
    }
    let own = Own::of(home);
    let others: Vec<_> = found.into_iter().filter(|peer| !own.is(peer)).collect();
    let known = home.peers.book().clone();
    let teller = Teller { key: None, ip: NEAR_IP };
    home.note(|book, now| {
        book.learn(&others, teller, now, |_| false);
    });
    let mut peers = Vec::new();
    for found in others {
        let address = Address::from(found.address);
        let peer = PeerLabel { addr: address.to_string(), name: found.name.map(|n| n.to_string()) };
        let new = known.meant_by(&address).is_none();
        home.ui.event(&Event::Found { peer, key: found.key, new })?;
        peers.extend(home.peers.book().meant_by(&address).cloned());
    }
    Ok(peers)
}

fn teller(report: &Report) -> Teller {
    let reached = report.reached.as_ref();
    Teller {
        key: reached.and_then(|reached| reached.key),
        ip: reached.and_then(|reached| reached.address.ip()).unwrap_or(NO_IP),
    }
}

/// Where a teller is of whom that is not known: loopback and link-local addresses mean nothing from there.
const NO_IP: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Where the local network is: on our link.
const NEAR_IP: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 0, 1));

/// What tells ourselves from others.
struct Own {
    key: Option<PublicKey>,
    is_listening: bool,
    port: u16,
}

impl Own {
    fn of(home: &Home) -> Self {
        let listening = home.listening.as_ref();
        let port = listening.map_or(home.settings.listen.port, |l| l.addr.port());
        Self { key: home.own_key(), is_listening: listening.is_some(), port }
    }

    /// Others may know us without our key, under the address that the plain wire has told them.
    fn is(&self, peer: &Acquaintance) -> bool {
        let is_our_place = || peer.address.port() == self.port && is_own_ip(peer.address.ip());
        match peer.key {
            Some(key) if self.key == Some(key) => true,
            // while nobody of us listens there, another home of this machine may
            Some(_) => self.is_listening && is_our_place(),
            None => is_our_place(),
        }
    }
}
