//! Says which key a peer has.

use super::edit::check_key;
use crate::event::Event;
use crate::exit::{Code, Exit, Failure};
use crate::home::{Home, block_on};
use crate::key::PublicKey;
use crate::outreach;
use crate::peer::Peer;
use crate::report::Report;

/// Trusts the key that is given, or the one that the peer proves now.
pub(super) fn run(mut home: Home, word: &str, key: Option<PublicKey>) -> Result<Exit, Failure> {
    let peer = home.peer(word)?;
    if home.is_self(&peer.address) {
        return Err(Failure::new(Code::Usage, format!("{} is our own listener", peer.address)));
    }
    let (key, report) = match key {
        Some(key) => (key, None),
        None => ask(&home, &peer).map(|(key, report)| (key, Some(report)))?,
    };
    check_key(&home, &peer, key)?;
    home.peers.update(|book| book.trust(&peer.address, key))?;
    outreach::note(&mut home, report.as_slice(), false);
    home.ui.talk(format!("{} has the key {}", peer.label(), key.fingerprint()));
    home.ui.event(&Event::Done { what: "trust", target: peer.address.to_string() })?;
    Ok(Exit::Done)
}

/// Has the peer prove whatever key it has now.
fn ask(home: &Home, peer: &Peer) -> Result<(PublicKey, Report), Failure> {
    let unknown = Peer { key: None, ..peer.clone() };
    let mut report = block_on(outreach::ask_for_key(home, unknown))??;
    // as it was meant, and as it is entered
    report.peer = peer.clone();
    let key = report.reached.as_ref().and_then(|reached| reached.key);
    match (key, report.result) {
        (_, Err(failure)) => Err(failure),
        (Some(key), result) => Ok((key, Report { result, ..report })),
        (None, Ok(_)) => {
            let why = format!("{} has no key: it does not speak encrypted", peer.label());
            Err(Failure::new(Code::Insecure, why))
        }
    }
}
