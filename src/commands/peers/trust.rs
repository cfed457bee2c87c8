//! Says which key a peer has.

use super::edit::check_key;
use crate::event::Event;
use crate::exit::{Code, Exit, Failure};
use crate::home::{Home, block_on};
use crate::key::PublicKey;
use crate::outreach;
use crate::peer::Peer;

/// Trusts the key that is given, or the one that the peer proves now.
pub(super) fn run(mut home: Home, word: &str, key: Option<PublicKey>) -> Result<Exit, Failure> {
    let peer = home.peer(word)?;
    if home.is_self(&peer.address) {
        return Err(Failure::new(Code::Usage, format!("{} is our own listener", peer.address)));
    }
    let key = match key {
        Some(key) => key,
        None => ask(&mut home, &peer)?,
    };
    check_key(&home, &peer, key)?;
    home.peers.update(|book| book.trust(&peer.address, key))?;
    home.ui.talk(format!("{} has the key {}", peer.label(), key.fingerprint()));
    home.ui.event(&Event::Done { what: "trust", target: peer.address.to_string() })?;
    Ok(Exit::Done)
}

/// Has the peer prove whatever key it has now.
fn ask(home: &mut Home, peer: &Peer) -> Result<PublicKey, Failure> {
    let unknown = Peer { key: None, ..peer.clone() };
    let report = block_on(outreach::ask_for_key(home, unknown))??;
    outreach::note(home, std::slice::from_ref(&report), false);
    let heard = report.result?;
    heard.key.ok_or_else(|| {
        let why = format!("{} has no key: it does not speak encrypted", peer.label());
        Failure::new(Code::Insecure, why)
    })
}
