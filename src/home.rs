//! What a command starts from: its settings, the peer book, and who we are on the wire.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::address::Address;
use crate::book::PeerBook;
use crate::dial::{Dialer, is_own_ip, resolve_advertised};
use crate::escape::shell_word;
use crate::exit::{Code, Failure, OrFail as _};
use crate::global::Global;
use crate::key::PublicKey;
use crate::lookup::{Lookup, find, tagged};
use crate::message::Outgoing;
use crate::name::Name;
use crate::peer::{Peer, Source};
use crate::posted::{Posted, Sent};
use crate::session::tls::{Credentials, Keys};
use crate::settings::{DEFAULT_PORT, Flags, Settings};
use crate::state::dir::StateDir;
use crate::state::outbox;
use crate::state::peers_file::{PeersFile, Place};
use crate::state::presence::{self, Listening};
use crate::system::machine::allows_open_files;
use crate::tag::Tag;
use crate::ui::Ui;

/// A home that a command works in.
#[derive(Debug)]
pub struct Home {
    /// The settings of this invocation.
    pub settings: Settings,
    /// How it talks.
    pub ui: Ui,
    /// The peers.
    pub peers: PeersFile,
    /// The listener of this home, if one runs.
    pub listening: Option<Listening>,
}

impl Home {
    /// Reads configuration and state; takes no lock and changes nothing.
    pub fn open(global: &Global, flags: &Flags) -> Result<Self, Failure> {
        Self::read(global, flags, PeersFile::open)
    }

    /// The same for a command that is about one peer, and that peer: of a long peers file no more than that is read.
    pub fn open_about(global: &Global, flags: &Flags, word: &str) -> Result<(Self, Peer), Failure> {
        let mut home = Self::read(global, flags, |place| PeersFile::open_about(place, word))?;
        let peer = match home.peer(word) {
            Ok(peer) if home.peers.is_read(&peer.address) => peer,
            // another one is meant, whose key may be in what was not read; or who else there is may say what was meant
            _ => {
                home.peers.read_whole()?;
                home.peer(word)?
            }
        };
        Ok((home, peer))
    }

    fn read(
        global: &Global,
        flags: &Flags,
        peers: impl FnOnce(Place) -> Result<PeersFile, Failure>,
    ) -> Result<Self, Failure> {
        let mut settings = Settings::load(global, flags)?;
        let ui = global.ui();
        let place = &settings.place;
        let listening = match StateDir::open(&place.path, place.allow_network)? {
            Some(dir) => presence::listening(&dir)?,
            None => None,
        };
        if let Some(name) = listening.as_ref().and_then(|l| l.name.parse().ok()) {
            settings.name_as_listener(name);
        }
        let peers = peers(settings.place.clone())?;
        if peers.bad_records() > 0 {
            let path = settings.place.path.join("peers");
            let (count, path) = (peers.bad_records(), path.display());
            ui.warn(format!("damaged records passed over in {path}: {count}"));
        }
        Ok(Self { settings, ui, peers, listening })
    }

    /// The same home with the peers as they are on disk now.
    pub fn reopen(&self) -> Result<Self, Failure> {
        let Self { settings, ui, listening, .. } = self;
        let peers = PeersFile::open(settings.place.clone())?;
        Ok(Self { settings: settings.clone(), ui: ui.clone(), peers, listening: listening.clone() })
    }

    /// The peer that a word on the command line means: an address, or the name of a known peer. A bare word is never
    /// looked up anywhere else.
    pub fn peer(&self, word: &str) -> Result<Peer, Failure> {
        let book = self.peers.book();
        if word.starts_with('@') {
            let failure = Failure::new(
                Code::Usage,
                format!("`{word}` may be many peers, and here one is meant"),
            );
            return Err(failure.hint(format!(
                "to send to all of them: p2p broadcast --to {} TEXT",
                shell_word(word)
            )));
        }
        if word.contains(':') {
            let address: Address = word.parse().or_fail(Code::Usage).map_err(|failure| {
                failure.context(format!("cannot read `{word}` as an address"))
            })?;
            let unknown = || self.unknown(address.clone());
            return Ok(book.meant_by(&address).cloned().unwrap_or_else(unknown));
        }
        match find(book, word) {
            Lookup::Found(peer) => Ok(peer.clone()),
            Lookup::Several(peers) => {
                let addresses: Vec<_> = peers.iter().map(|p| p.address.to_string()).collect();
                let message = format!("{} peers call themselves `{word}`", peers.len());
                Err(Failure::new(Code::UnknownPeer, message)
                    .hint(format!("use an address: {}", addresses.join(", "))))
            }
            Lookup::Hearsay(peer) => {
                let why = format!("nobody that we have met is called `{word}`");
                let address = &peer.address;
                Err(Failure::new(Code::UnknownPeer, why)
                    .hint(format!("others say that {address} is: to meet it: p2p ping {address}")))
            }
            Lookup::Unknown(nearest) => Err(unknown(word, nearest)),
        }
    }

    /// A peer of which nothing is known; of ourselves we know the key.
    fn unknown(&self, address: Address) -> Peer {
        let own = self.listening.as_ref().filter(|_| self.is_self(&address));
        let key = own.and_then(|listening| listening.key);
        Peer { key, trusted: key.is_some(), ..Peer::new(address, Source::Heard) }
    }

    /// The peers that several words mean, each once: names, addresses, and `@TAG` for all that have it.
    pub fn peers_named(&self, words: &[String]) -> Result<Vec<Peer>, Failure> {
        let mut found: Vec<Peer> = Vec::with_capacity(words.len());
        let mut known = HashSet::new();
        for word in words {
            let meant = match word.strip_prefix('@') {
                Some(tag) => self.tagged(tag)?,
                None => vec![self.peer(word)?],
            };
            found.extend(meant.into_iter().filter(|peer| known.insert(peer.address.clone())));
        }
        Ok(found)
    }

    /// The same for those who are to be let in: a bare name is only that of a peer that a person has entered. Anybody
    /// can call himself anything.
    pub fn peers_given(&self, words: &[String]) -> Result<Vec<Peer>, Failure> {
        for word in words.iter().filter(|word| !word.contains(':') && !word.starts_with('@')) {
            let is_given = |p: &Peer| {
                p.has_given_name() && p.name.as_ref().is_some_and(|name| name.is_called(word))
            };
            if self.peers.book().iter().any(is_given) {
                continue;
            }
            let peer = self.peer(word)?;
            let why = format!("nobody has entered who `{word}` is, {} only says so", peer.address);
            return Err(Failure::new(Code::UnknownPeer, why).hint(format!(
                "if it is: p2p peers add {} {}",
                shell_word(word),
                peer.address
            )));
        }
        self.peers_named(words)
    }

    /// The peers that have a tag, but for ourselves.
    fn tagged(&self, word: &str) -> Result<Vec<Peer>, Failure> {
        let tag: Tag = word.parse().or_fail(Code::Usage)?;
        let found = tagged(self.peers.book(), &tag).map_err(|nearest| {
            let failure =
                Failure::new(Code::UnknownPeer, format!("no known peer has the tag @{tag}"));
            failure.hint(match nearest {
                Some(nearest) => {
                    let nearest = shell_word(&format!("@{nearest}"));
                    format!("did you mean `{nearest}`? `p2p peers` lists all")
                }
                None => {
                    let tag = shell_word(tag.as_str());
                    format!("give it to peers: p2p peers set PEER --tag {tag}")
                }
            })
        })?;
        // whoever has the tag has it wherever it is now
        let last = last_seen(self.peers.book().iter());
        let now = |peer: &Peer| {
            let last = peer.key.and_then(|key| last.get(&key)).filter(|_| !peer.is_given());
            last.map_or(peer, |last| last).clone()
        };
        let found = found.into_iter().map(now).filter(|peer| !self.is_self(&peer.address));
        let mut known = HashSet::new();
        Ok(found.filter(|peer| known.insert(peer.address.clone())).collect())
    }

    /// All peers that may be written to: those that have left are not, nor are we, nor is anybody of whom only others say
    /// that he is there.
    pub fn all_peers(&self) -> Vec<Peer> {
        let is_meant = |p: &Peer| !p.is_hearsay() || p.is_kept();
        let here = |p: &&Peer| !p.left && is_meant(p) && !self.is_self(&p.address);
        let peers: Vec<Peer> = self.peers.book().iter().filter(here).cloned().collect();
        Self::without_moved(&peers)
    }

    /// One that has moved is where it was seen last, unless a person has said where it is.
    fn without_moved(peers: &[Peer]) -> Vec<Peer> {
        let last = last_seen(peers.iter());
        let is_last = |peer: &&Peer| {
            let last = peer.key.and_then(|key| last.get(&key));
            peer.is_given() || last.is_none_or(|last| !peer.has_moved_to(last))
        };
        peers.iter().filter(is_last).cloned().collect()
    }

    /// Whether an address is that of this home's own listener.
    pub fn is_self(&self, address: &Address) -> bool {
        let Some(listening) = &self.listening else { return false };
        listening.addr.port() == address.port && address.ip().is_some_and(is_own_ip)
    }

    /// Our key, if there is one by now.
    pub fn own_key(&self) -> Option<PublicKey> {
        let Settings { data_dir, place, .. } = &self.settings;
        let running = self.listening.as_ref().and_then(|listening| listening.key);
        running.or_else(|| {
            let credentials = Credentials::open(data_dir, place.allow_network).ok();
            credentials.map(|credentials| credentials.public())
        })
    }

    /// Who we are to those we write to.
    pub async fn dialer(&self) -> Result<Dialer, Failure> {
        let Settings { name, listen, timeout, .. } = &self.settings;
        // a port of 0 is a wish for any free one; only the running listener knows which it got
        let configured = if listen.port == 0 { DEFAULT_PORT } else { listen.port };
        let port = self.listening.as_ref().map_or(configured, |l| l.addr.port());
        let running = self.listening.as_ref().and_then(|l| l.advertise);
        let advertised = match running {
            Some(advertised) => Some(advertised),
            None => resolve_advertised(listen.advertise.as_ref(), port, *timeout).await?,
        };
        let Settings { data_dir, place, secure, trust, .. } = &self.settings;
        Ok(Dialer {
            name: name.clone(),
            port,
            advertised,
            listens: self.listening.is_some() || listen.is_given,
            secure: *secure,
            trust: *trust,
            pins: self.pins(),
            keys: Keys::new(data_dir.clone(), place.allow_network),
            timeout: *timeout,
        })
    }

    /// The keys of peers by their IP address, or by the one where they answered last under their host's name.
    fn pins(&self) -> Arc<HashMap<Address, PublicKey>> {
        let pin = |peer: &Peer| {
            let answered = peer.observed.filter(|_| peer.verified);
            let ip = peer.address.ip().or(answered)?;
            Some((Address::new(ip, peer.address.port), peer.key?))
        };
        Arc::new(self.peers.book().iter().filter_map(pin).collect())
    }

    /// Adds a text that was sent to the history, unless that is switched off.
    pub fn keep_sent(&self, message: &Outgoing, sent: &[Sent]) -> Result<(), Failure> {
        let now = SystemTime::now();
        self.keep_lines(&[()], |(), seq| Posted::new(seq, now, message, sent.to_vec()).line())
    }

    /// Adds several texts, each with what became of it.
    pub fn keep_all_sent(&self, results: &[(Outgoing, Sent)]) -> Result<(), Failure> {
        let now = SystemTime::now();
        let line = |(message, sent): &(Outgoing, Sent), seq| {
            Posted::new(seq, now, message, vec![sent.clone()]).line()
        };
        self.keep_lines(results, line)
    }

    fn keep_lines<R>(
        &self,
        records: &[R],
        line: impl Fn(&R, u64) -> String,
    ) -> Result<(), Failure> {
        let Place { path, allow_network, lock_wait, .. } = &self.settings.place;
        let max_bytes = self.settings.listen.history_bytes;
        if max_bytes == 0 || records.is_empty() {
            return Ok(());
        }
        outbox::add(StateDir::create(path, *allow_network)?, max_bytes, *lock_wait, records, line)
    }

    /// Reads all peers, for what is not about one alone.
    pub fn read_all_peers(&mut self) {
        if let Err(failure) = self.peers.read_whole() {
            self.ui.warn(failure);
        }
    }

    /// Writes down what a command has learned of peers. What was done is done: if it cannot be written down, that is
    /// a warning.
    pub fn note(&mut self, notes: impl FnOnce(&mut PeerBook, SystemTime)) {
        if let Err(failure) = self.peers.update(|book| notes(book, SystemTime::now())) {
            self.ui.warn(failure.context("cannot write down what was learned of peers"));
        }
    }
}

/// Where the peer of each key was seen last.
fn last_seen<'a>(peers: impl Iterator<Item = &'a Peer>) -> HashMap<PublicKey, &'a Peer> {
    let mut last: HashMap<PublicKey, &Peer> = HashMap::new();
    for peer in peers {
        if let Some(key) = peer.key
            && last.get(&key).is_none_or(|before| before.has_moved_to(peer))
        {
            last.insert(key, peer);
        }
    }
    last
}

fn unknown(word: &str, nearest: Option<String>) -> Failure {
    let failure = Failure::new(Code::UnknownPeer, format!("no known peer is called `{word}`"));
    let as_address = word.parse::<IpAddr>().map(|ip| Address::new(ip, DEFAULT_PORT));
    failure.hint(match (nearest, as_address) {
        (Some(name), _) => {
            format!("did you mean `{}`? `p2p peers` lists all", shell_word(&name))
        }
        (None, Ok(address)) => format!("an address has a port, as in {address}"),
        (None, Err(_)) if Name::typed(word).is_ok() => {
            format!("give it a name: p2p peers add {} HOST:PORT", shell_word(word))
        }
        (None, Err(_)) => "`p2p peers` lists all".to_owned(),
    })
}

/// Runs a future to its end on a runtime of its own; what it leaves behind in other threads is not waited for.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    /// With less the runtime cannot open what it needs for itself, and panics.
    const MIN_OPEN_FILES: u64 = 8;
    if !allows_open_files(MIN_OPEN_FILES) {
        let why = format!("cannot start: fewer than {MIN_OPEN_FILES} files may be open");
        return Err(Failure::new(Code::Io, why).hint("raise the limit: ulimit -n 64"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.or_fail(Code::Io).map_err(|f| f.context("cannot start"))?;
    let result = runtime.block_on(future);
    // a name server that does not answer would hold us up
    runtime.shutdown_background();
    Ok(result)
}
