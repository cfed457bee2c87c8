//! What became of an errand, in words and as an object, and what many results come to.

use std::time::Duration;

use crate::dial::Heard;
use crate::escape::escape;
use crate::event::{Event, milliseconds};
use crate::exit::{Code, Exit, Failure};
use crate::peer::{Peer, Wire};
use crate::posted::{Cause, PeerLabel, Sent};
use crate::retry::Retry;
use crate::ui::Ui;

/// What a peer is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A text.
    Message(String),
    /// That we are here.
    Connect,
    /// That we go.
    Exit,
}

/// What became of an errand.
#[derive(Debug)]
pub struct Report {
    /// To whom it went.
    pub peer: Peer,
    /// Whether it arrived.
    pub result: Result<Heard, Failure>,
    /// How many messages it took; more than one for a long text.
    pub parts: usize,
    /// How often the peer was called.
    pub attempts: u32,
    /// From the start of the first attempt to the end of the last.
    pub time: Duration,
}

impl Report {
    /// `acked`, `read`, `unconfirmed` or `failed`.
    pub fn status(&self) -> &'static str {
        match &self.result {
            Ok(heard) => heard.proof.word(),
            Err(failure) if failure.code.exit() == Exit::Unconfirmed => "unconfirmed",
            Err(_) => "failed",
        }
    }

    /// The peer under the name that it gave, if we had none.
    pub fn named(&self) -> Peer {
        let said = self.result.as_ref().ok().and_then(|heard| heard.name.clone());
        Peer { name: self.peer.name.clone().or(said), ..self.peer.clone() }
    }

    /// `ADDRESS NAME STATUS MS ms`, and the cause of a failure.
    pub fn line(&self, status: &str) -> String {
        let peer = self.named();
        let name = peer.name.map_or_else(|| "-".to_owned(), |name| name.to_string());
        let time = milliseconds(self.time);
        let cause = self
            .result
            .as_ref()
            .err()
            .map_or(String::new(), |f| format!(" {}", f.cause.root_cause()));
        let cause = escape(cause.as_bytes());
        format!("{} {name} {status} {time:.1} ms{cause}", peer.address)
    }

    /// What became of a message, as an object.
    pub fn sent(&self) -> Sent {
        Sent {
            seq: None,
            time: None,
            to: PeerLabel::new(&self.named()),
            status: self.status().into(),
            parts: self.parts,
            attempts: self.attempts,
            ms: milliseconds(self.time),
            body: None,
            error: self.result.as_ref().err().map(Cause::new),
        }
    }

    /// What became of a handshake, as an object.
    pub fn pong(&self) -> Event {
        Event::Pong {
            peer: PeerLabel::new(&self.named()),
            plain: self.result.as_ref().ok().map(|heard| heard.wire() == Wire::Plain),
            ms: milliseconds(self.time),
            error: self.result.as_ref().err().map(Cause::new),
        }
    }

    /// The line and the object of this errand.
    pub fn shown(&self, errand: &Errand) -> (String, Event) {
        match (errand, &self.result) {
            (Errand::Connect, Ok(heard)) => {
                let kind = if heard.wire() == Wire::Plain { "plain" } else { "native" };
                (self.line(kind), self.pong())
            }
            (Errand::Connect, Err(_)) => (self.line(self.status()), self.pong()),
            _ => (self.line(self.status()), Event::Sent(self.sent())),
        }
    }
}

/// Puts the peer and what the failure means for it in front of the cause.
pub fn worded(failure: Failure, peer: &Peer, errand: &Errand, retry: Retry) -> Failure {
    let label = peer.label();
    let port = peer.address.port;
    match failure.code {
        Code::Unreachable => {
            let refused = failure.to_string().ends_with("refused");
            let local = peer.address.ip().is_some_and(|ip| ip.is_loopback());
            let wait = if retry.is_wanted() { "" } else { " to wait for it: --retry-for 30s" };
            let failure = failure.context(format!("cannot reach {label}"));
            match (refused, local) {
                (true, true) => failure.hint(format!(
                    "is `p2p listen -p {port}` running here? some programs listen only on the machine's LAN address;{wait}"
                ).trim_end_matches(';')),
                (true, false) => {
                    failure.hint(format!("is `p2p listen -p {port}` running there?{wait}"))
                }
                (false, _) => failure.hint(format!(
                    "is the address right? to change it: p2p peers add NAME {}",
                    peer.address
                )),
            }
        }
        Code::Timeout if *errand == Errand::Connect => {
            failure.context(format!("{label} does not answer")).hint("to wait longer: -t 30s")
        }
        Code::Unconfirmed if *errand == Errand::Connect => {
            failure.context(format!("{label} does not answer as a peer does"))
        }
        Code::Timeout => failure
            .context(format!("cannot tell whether {label} has it"))
            .hint("it may have arrived; to wait longer: -t 30s"),
        Code::Unconfirmed => failure
            .context(format!("cannot tell whether {label} has it"))
            .hint("it may have arrived; send it again only if twice does no harm"),
        Code::Busy | Code::Denied | Code::TooLarge => {
            failure.context(format!("{label} refused it"))
        }
        _ => failure,
    }
}

/// How many of many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub targets: usize,
    /// Those that have it.
    pub ok: usize,
    /// How many of them are enough.
    pub required: usize,
    /// What it means if none of them has it: that it was not sent, that some may have it, that all refused it.
    pub none: Code,
}

impl Tally {
    /// One is enough.
    #[must_use]
    pub fn any(self) -> Self {
        Self { required: 1, ..self }
    }

    /// Reports the sum and what it means.
    pub fn conclude(self, ui: &Ui) -> Result<Exit, Failure> {
        let Self { targets, ok, required, none } = self;
        let quorum = if required == targets { "all".to_owned() } else { required.to_string() };
        let code = match ok {
            _ if ok >= required => None,
            0 => Some(none),
            _ => Some(Code::Partial),
        };
        let exit = code.map_or(Exit::Done, Code::exit);
        let failed = targets - ok;
        ui.event(&Event::Summary { targets, ok, failed, quorum, exit: exit.number() })?;
        match code {
            None => {
                ui.talk(format!("{ok} of {targets} peers reached"));
                Ok(exit)
            }
            Some(code) => Err(Failure::new(code, format!("only {ok} of {targets} peers reached"))),
        }
    }
}
