//! What a person may change in the list of peers.

use std::time::SystemTime;

use crate::address::Address;
use crate::book::Edit;
use crate::config::Time;
use crate::event::Event;
use crate::exit::{Code, Exit, Failure, OrFail as _};
use crate::home::Home;
use crate::key::PublicKey;
use crate::name::Name;
use crate::peer::Peer;
use crate::tag::Tag;

/// Enters a peer.
pub(super) fn add(
    mut home: Home,
    name: &str,
    addr: &str,
    tags: Vec<Tag>,
    key: Option<PublicKey>,
) -> Result<Exit, Failure> {
    let name = typed(name)?;
    let address: Address =
        addr.parse().or_fail(Code::Usage).map_err(|f| f.context(cannot(addr)))?;
    let word = name.to_string();
    let listed = home.peers.book().at(&address).filter(|peer| peer.configured_name);
    if let Some(peer) = listed.filter(|p| !p.name.as_ref().is_some_and(|n| n.is_called(&word))) {
        return Err(is_configured(&home, "the name", peer));
    }
    if let (Some(key), Some(peer)) = (key, home.peers.book().at(&address)) {
        check_key(&home, peer, key)?;
    }
    let known_key = home.peers.book().at(&address).and_then(|peer| peer.key);
    let tags = tags.into_iter().collect();
    let edit = Edit { name: Some(name), tags, key, ..Edit::default() };
    taken(&word, home.peers.update(|book| book.add(&address, edit))?)?;
    warn_of_namesakes(&home, &word, &address);
    if let (Some(old), Some(new)) = (known_key, key.filter(|key| Some(*key) != known_key)) {
        let (old, new) = (old.fingerprint(), new.fingerprint());
        home.ui.warn(format!("{word} had the key {old} and has {new} now"));
    }
    home.ui.talk(format!("{word} is {address}"));
    home.ui.event(&Event::Done { what: "add", target: address.to_string() })?;
    Ok(Exit::Done)
}

/// Changes the entry of a peer.
pub(super) fn set(
    mut home: Home,
    word: &str,
    name: Option<&str>,
    tags: Vec<Tag>,
    untags: Vec<Tag>,
) -> Result<Exit, Failure> {
    let peer = home.peer(word)?;
    check_known(&home, &peer)?;
    let name = name.map(typed).transpose()?;
    if name.is_none() && tags.is_empty() && untags.is_empty() {
        return Err(Failure::new(Code::Usage, "there is nothing to set")
            .hint("--name NAME, --tag TAG or --untag TAG"));
    }
    let ours = home.listening.as_ref().map(|listening| listening.name.clone());
    if let Some(name) = name.as_ref().filter(|name| ours.is_some_and(|ours| name.is_called(&ours)))
    {
        // an alias that gives our own name everywhere would rename every peer that is set
        return Err(Failure::new(Code::Usage, format!("`{name}` is what we call ourselves")));
    }
    let by_configuration = tags_of_configuration(&peer, &untags);
    if name.is_some() && peer.configured_name {
        return Err(is_configured(&home, "the name", &peer));
    }
    if let Some(tag) = by_configuration {
        return Err(is_configured(&home, &format!("the tag {tag}"), &peer));
    }
    let shown = name.as_ref().map(ToString::to_string).unwrap_or_default();
    let (tags, untags) = (tags.into_iter().collect(), untags.into_iter().collect());
    let edit = Edit { name, tags, untags, key: None };
    taken(&shown, home.peers.update(|book| book.set(&peer.address, edit))?)?;
    warn_of_namesakes(&home, &shown, &peer.address);
    home.ui.event(&Event::Done { what: "set", target: peer.address.to_string() })?;
    if let Some(peer) = home.peers.book().at(&peer.address) {
        let tags: String = peer.all_tags().iter().map(|tag| format!(" @{tag}")).collect();
        home.ui.talk(format!("{}{tags}", peer.label()));
    }
    Ok(Exit::Done)
}

/// Others may call themselves by a name that was given by hand; from then on it means the one that has it by hand.
fn warn_of_namesakes(home: &Home, name: &str, address: &Address) {
    let same = |p: &&Peer| {
        p.address != *address && p.name.as_ref().is_some_and(|other| other.is_called(name))
    };
    if let Some(other) = home.peers.book().iter().find(same) {
        let other = &other.address;
        home.ui.warn(format!("{other} calls itself {name}, too; the name now means {address}"));
    }
}

/// What the configuration says of a key is changed there.
pub(super) fn check_key(home: &Home, peer: &Peer, key: PublicKey) -> Result<(), Failure> {
    match peer.configured_key && peer.key != Some(key) {
        true => Err(is_configured(home, "the key", peer)),
        false => Ok(()),
    }
}

fn is_configured(home: &Home, what: &str, peer: &Peer) -> Failure {
    let path = home.settings.config_path.display();
    Failure::new(Code::Usage, format!("cannot change {what} of {}: {path} says it", peer.label()))
        .hint("change it in that file")
}

/// A tag that is to go and cannot, because the configuration gives it.
fn tags_of_configuration(peer: &Peer, untags: &[Tag]) -> Option<String> {
    untags.iter().find(|tag| peer.configured_tags.contains(tag)).map(|tag| format!("@{tag}"))
}

/// Forgets peers.
pub(super) fn remove(mut home: Home, words: &[String]) -> Result<Exit, Failure> {
    let peers = home.peers_named(words)?;
    for peer in &peers {
        if peer.configured {
            let path = home.settings.config_path.display();
            return Err(Failure::new(
                Code::Usage,
                format!("cannot forget {}: {path} lists it", peer.label()),
            )
            .hint("take it out of that file"));
        }
        check_known(&home, peer)?;
    }
    home.peers.update(|book| peers.iter().for_each(|peer| book.remove(&peer.address)))?;
    report_forgotten(&home, &peers)
}

/// Forgets those that were not seen for some time.
pub(super) fn prune(mut home: Home, older: Time, dry_run: bool) -> Result<Exit, Failure> {
    let now = SystemTime::now();
    let peers = if dry_run {
        home.peers.book().older(older.0, now)
    } else {
        home.peers.update(|book| {
            let peers = book.older(older.0, now);
            peers.iter().for_each(|peer| book.remove(&peer.address));
            peers
        })?
    };
    report_forgotten(&home, &peers)
}

fn check_known(home: &Home, peer: &Peer) -> Result<(), Failure> {
    match home.peers.book().at(&peer.address) {
        Some(_) => Ok(()),
        None => Err(Failure::new(
            Code::UnknownPeer,
            format!("no known peer has the address {}", peer.address),
        )
        .hint(format!("to enter it: p2p peers add NAME {}", peer.address))),
    }
}

fn typed(name: &str) -> Result<Name, Failure> {
    Name::typed(name).or_fail(Code::Usage).map_err(|failure| failure.context(cannot(name)))
}

fn cannot(what: &str) -> String {
    format!("cannot use `{what}`")
}

/// Names that were given by hand are for one peer each.
fn taken(name: &str, result: Result<(), Address>) -> Result<(), Failure> {
    result.map_err(|other| {
        Failure::new(Code::Usage, format!("`{name}` is already the name of {other}"))
            .hint(format!("choose another name, or forget that one first: p2p peers rm {other}"))
    })
}

/// The addresses that were forgotten are the data of this command.
fn report_forgotten(home: &Home, peers: &[Peer]) -> Result<Exit, Failure> {
    for peer in peers {
        let event = Event::Done { what: "rm", target: peer.address.to_string() };
        home.ui.result(&peer.address, &event)?;
    }
    Ok(Exit::Done)
}
