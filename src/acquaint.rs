//! Gets to know peers through others: whom to ask, and what to make of what they say.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;

use crate::address::Address;
use crate::book::{Teller, Telling, told_entry};
use crate::config::Time;
use crate::dial::is_own_ip;
use crate::event::Event;
use crate::exit::{Code, Exit, Failure, OrFail as _};
use crate::hearsay::Acquaintance;
use crate::home::Home;
use crate::key::PublicKey;
use crate::lan;
use crate::outreach::{self, Round};
use crate::peer::{Peer, State};
use crate::posted::{Cause, PeerLabel};
use crate::questions::Known;
use crate::report::{Errand, Report};
use crate::session::tls::random;
use crate::signals::{Caught, First};
use crate::state::presence::Listening;

/// How many peers are asked beside those that were greeted: it takes few, chosen anew each time, for news to come around
/// in every direction.
const MAX_OTHERS: usize = 3;

/// How many peers are asked in all, and how many at once: what they tell is held in memory, up to a megabyte of each.
const MAX_TELLERS: usize = 32;
const TELLERS_AT_ONCE: usize = 8;

/// How many peers of which others tell are greeted by one command: somebody who lies should not get more out of it.
pub const MAX_MET: usize = 256;

/// A few of the peers that we have met, beside these; nobody of whom we only know from others.
pub fn others(home: &Home, beside: &[Peer]) -> Vec<Peer> {
    let beside: HashSet<&Address> = beside.iter().map(|peer| &peer.address).collect();
    let now = SystemTime::now();
    let is_met = |p: &&Peer| p.state(now) == State::Active && p.verified && p.key.is_some();
    let others = home.peers.book().iter().filter(is_met);
    let others = others.filter(|p| !beside.contains(&p.address) && !home.is_self(&p.address));
    some_of(others.cloned().collect(), MAX_OTHERS)
}

/// At most so many, drawn at random.
pub fn some_of(peers: Vec<Peer>, most: usize) -> Vec<Peer> {
    let mut drawn: Vec<_> = peers.into_iter().map(|peer| (random(), peer)).collect();
    drawn.sort_by_key(|(random, _)| *random);
    drawn.into_iter().take(most).map(|(_, peer)| peer).collect()
}

/// The peers that can be asked, of those that were greeted: with them a session is possible.
pub fn tellers(home: &Home, reports: &[Report]) -> Vec<Peer> {
    let has_key = |report: &&Report| report.reached.as_ref().is_some_and(|r| r.key.is_some());
    let asked = reports.iter().filter(has_key);
    // as they are known by now
    asked.filter_map(|report| home.peers.book().meant_by(&report.peer.address).cloned()).collect()
}

/// Asks peers whom they know, writes down what they say, and reports how much of it was new. A signal ends it.
///
/// Whether they tell anything is their own matter: nothing else depends on it.
pub async fn learn(
    home: &mut Home,
    tellers: Vec<Peer>,
    signal: &First,
) -> Result<Option<Caught>, Failure> {
    let own = Own::of(home);
    let (mut new, mut silent) = (0, 0);
    for tellers in some_of(tellers, MAX_TELLERS).chunks(TELLERS_AT_ONCE) {
        let errand = errand(home);
        let Round { mut reports, signal: caught } =
            outreach::run_until(home, tellers.to_vec(), &errand, signal).await?;
        let tellings: Vec<_> = reports.iter_mut().map(telling).collect();
        let mut counts = vec![0; tellings.len()];
        home.note(|book, now| counts = book.learn(&tellings, now, |peer| own.is(peer)));
        new += counts.iter().sum::<usize>();
        for (report, (telling, new)) in reports.iter().zip(tellings.iter().zip(counts)) {
            say(home, report, telling.peers.len(), new)?;
            let is_denied = |failure: &Failure| failure.code == Code::Denied;
            silent += usize::from(failure_of(report).is_some_and(is_denied));
        }
        if caught.is_some() {
            return Ok(caught);
        }
    }
    if silent > 0 {
        let how = "there: p2p listen --share-peers any, or give them our key";
        home.ui.talk(format!("peers that do not tell us of theirs: {silent} ({how})"));
    }
    if new > 0 {
        let peers = if new == 1 { "peer" } else { "peers" };
        home.ui.talk(format!("learned of {new} {peers}; to see them: p2p peers --source learned"));
    }
    Ok(None)
}

/// Some of the peers of which we only know from others; those that did not answer are left alone until somebody has seen
/// them again.
pub fn unmet(home: &Home) -> Vec<Peer> {
    let is_meant = |p: &&Peer| p.is_hearsay() && !p.unanswered && !home.is_self(&p.address);
    some_of(home.peers.book().iter().filter(is_meant).cloned().collect(), MAX_MET)
}

/// Greets peers of which we only know from others, and says who is there. A signal ends it.
pub async fn meet(home: &mut Home, signal: &First) -> Result<Option<Caught>, Failure> {
    let peers = unmet(home);
    let targets = peers.len();
    if targets == 0 {
        return Ok(None);
    }
    let Round { reports, signal } =
        outreach::run_until(home, peers, &Errand::Connect, signal).await?;
    outreach::note(home, &reports, true);
    for report in &reports {
        home.ui.event(&report.pong())?;
        // that a peer is silent is in the list, that it is another one is not
        if let Err(failure) = report.result.as_ref()
            && failure.code.exit() == Exit::Insecure
        {
            home.ui.warn(failure);
        }
    }
    let met = reports.iter().filter(|report| report.result.is_ok()).count();
    home.ui.talk(format!("met {met} of {targets} peers that others have told of"));
    Ok(signal)
}

fn errand(home: &Home) -> Errand {
    let book = home.peers.book();
    let keys = book.iter().filter_map(|peer| peer.key.or(peer.said_key()));
    let keys = keys.chain(home.own_key()).collect();
    let addresses = book.iter().map(|peer| peer.address.clone()).collect();
    Errand::Acquaint(Arc::new(Known { addresses, keys }))
}

/// Takes from a report what was told.
fn telling(report: &mut Report) -> Telling {
    let reached = report.reached.as_ref();
    let teller = Teller {
        key: reached.and_then(|reached| reached.key),
        ip: reached.and_then(|reached| reached.address.ip()).unwrap_or(NO_IP),
        is_chosen: report.peer.is_given() || report.peer.is_trusted(),
    };
    let told = report.told.as_mut().and_then(|told| told.as_mut().ok());
    Telling { teller, peers: told.map(std::mem::take).unwrap_or_default() }
}

fn say(home: &Home, report: &Report, told: usize, new: usize) -> Result<(), Failure> {
    let error = failure_of(report);
    let from = PeerLabel::new(&report.named());
    if let Some(failure) = error.filter(|failure| failure.code != Code::Denied) {
        let label = report.named().label();
        home.ui.talk(format!("{label} tells nothing of its peers: {failure}"));
    }
    home.ui.event(&Event::Learned { from, told, new, error: error.map(Cause::new) })
}

/// Why a peer has told nothing, if it has not.
fn failure_of(report: &Report) -> Option<&Failure> {
    match &report.told {
        Some(Err(failure)) => Some(failure),
        _ => report.result.as_ref().err(),
    }
}

/// Asks the local network who is there, writes it down, and gives the peers that were found, but for ourselves.
pub async fn look_around(home: &mut Home, time: Duration) -> Result<Vec<Peer>, Failure> {
    home.ui.talk(format!("asking the local network for {}", Time(time)));
    let found = spawn_blocking(move || lan::find(time)).await;
    let (found, has_more) = found.or_fail(Code::Io)??;
    if has_more {
        let count = found.len();
        home.ui.warn(format!("more than {count} announce themselves here; the rest is left out"));
    }
    let own = Own::of(home);
    let others: Vec<_> = found.into_iter().filter(|peer| !own.is(peer)).collect();
    let known = home.peers.book().clone();
    let teller = Teller { key: None, ip: NEAR_IP, is_chosen: false };
    let telling = Telling { teller, peers: others };
    home.note(|book, now| drop(book.learn(std::slice::from_ref(&telling), now, |_| false)));
    let (mut peers, mut addresses) = (Vec::new(), HashSet::new());
    for found in &telling.peers {
        let address = Address::from(found.address);
        if !addresses.insert(address.clone()) {
            continue;
        }
        // it is there, even if the list has no room for it
        let peer = home.peers.book().meant_by(&address).cloned();
        let peer = peer.unwrap_or_else(|| told_entry(found, teller, SystemTime::now()));
        let new = known.meant_by(&address).is_none();
        let key = peer.key.or(peer.said_key());
        home.ui.event(&Event::Found { peer: PeerLabel::new(&peer), key, new })?;
        peers.push(peer);
    }
    Ok(peers)
}

/// Where a teller is of whom that is not known: loopback and link-local addresses mean nothing from there.
const NO_IP: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Where the local network is: on our link.
const NEAR_IP: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 0, 1));

/// What tells ourselves from others.
struct Own {
    key: Option<PublicKey>,
    listening: Option<Listening>,
}

impl Own {
    fn of(home: &Home) -> Self {
        Self { key: home.own_key(), listening: home.listening.clone() }
    }

    /// Others may know us without our key, under the address that the plain wire has told them.
    fn is(&self, peer: &Acquaintance) -> bool {
        let is_its_place = |listening: &Listening| {
            let (own, ip) = (listening.addr, peer.address.ip());
            let is_ip = if own.ip().is_unspecified() { is_own_ip(ip) } else { own.ip() == ip };
            listening.advertise == Some(peer.address)
                || (own.port() == peer.address.port() && is_ip)
        };
        // while we do not listen, another home of this machine may be there
        (peer.key.is_some() && peer.key == self.key)
            || self.listening.as_ref().is_some_and(is_its_place)
    }
}
