//! What became of an errand, in words and as an object, and what many results come to.

use std::sync::Arc;
use std::time::Duration;

use crate::book::Reached;
use crate::dial::Heard;
use crate::escape::escape;
use crate::event::{Event, milliseconds};
use crate::exit::{Code, Exit, Failure};
use crate::hearsay::Acquaintance;
use crate::message::Outgoing;
use crate::peer::{Peer, Wire};
use crate::posted::{Body, Cause, PeerLabel, Sent};
use crate::questions::Known;
use crate::quorum::Quorum;
use crate::retry::Retry;
use crate::signals::Caught;
use crate::ui::Ui;

/// What a peer is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A text.
    Message(Outgoing),
    /// That we are here.
    Connect,
    /// That we are here; and which peers does it know, beside these?
    Acquaint(Arc<Known>),
    /// That we go.
    Exit,
}

impl Errand {
    /// Whether it is the handshake and no more.
    pub fn is_greeting(&self) -> bool {
        matches!(self, Self::Connect | Self::Acquaint(_))
    }

    /// Whether only an acknowledgement will do.
    pub fn needs_ack(&self) -> bool {
        matches!(self, Self::Message(message) if message.needs_ack)
    }
}

/// What became of an errand.
#[derive(Debug)]
pub struct Report {
    /// To whom it went.
    pub peer: Peer,
    /// Whether it arrived.
    pub result: Result<Heard, Failure>,
    /// Whether it went, or would have gone, through a session.
    pub in_session: bool,
    /// What was found out of the peer, however the errand ended.
    pub reached: Option<Reached>,
    /// What the peer's command has printed, however it ended.
    pub reply: Option<Vec<u8>>,
    /// The peers that it has told of, or why it has not, if it was asked.
    pub told: Option<Result<Vec<Acquaintance>, Failure>>,
    /// Whether anybody was called at all: settings may forbid it.
    pub was_called: bool,
    /// How many messages it took; more than one for a long text.
    pub parts: usize,
    /// How often the peer was called.
    pub attempts: u32,
    /// Which line of the input it was, counted from 1.
    pub line: Option<u64>,
    /// From the start of the first attempt to the end of the last.
    pub time: Duration,
}

impl Report {
    /// One call of a peer, in a session if it has a key, of which nothing else is known.
    pub fn new(peer: Peer, result: Result<Heard, Failure>) -> Self {
        Self {
            in_session: peer.key.is_some(),
            peer,
            result,
            reached: None,
            reply: None,
            told: None,
            was_called: true,
            parts: 1,
            attempts: 1,
            line: None,
            time: Duration::ZERO,
        }
    }

    /// `acked`, `read`, `unconfirmed` or `failed`.
    pub fn status(&self) -> &'static str {
        match &self.result {
            Ok(heard) => heard.proof.word(),
            // it has the message
            Err(failure) if failure.code == Code::HookFailed => "acked",
            Err(failure) if failure.code.exit() == Exit::Unconfirmed => "unconfirmed",
            Err(_) => "failed",
        }
    }

    /// The peer under the name that it gave, if we had none.
    pub fn named(&self) -> Peer {
        let said = self.reached.as_ref().and_then(|reached| reached.name.clone());
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
        let reply = self.reply.as_ref().map_or(String::new(), |reply| {
            format!(" {}", escape(reply.strip_suffix(b"\n").unwrap_or(reply)))
        });
        format!("{} {name} {status} {time:.1} ms{cause}{reply}", peer.address)
    }

    /// What became of a message, as an object.
    pub fn sent(&self, message: &Outgoing) -> Sent {
        let (reply, reply_base64) =
            self.reply.as_deref().map(Body::of).unwrap_or_default().into_parts();
        let id = self.in_session.then(|| message.id.clone());
        Sent { id, line: self.line, reply, reply_base64, ..self.left() }
    }

    /// What became of a goodbye, as an object.
    pub fn left(&self) -> Sent {
        Sent {
            seq: None,
            time: None,
            to: PeerLabel::new(&self.named()),
            id: None,
            line: None,
            status: self.status().into(),
            parts: self.parts,
            attempts: self.attempts,
            ms: milliseconds(self.time),
            topic: None,
            body: Body::default(),
            reply: None,
            reply_base64: None,
            error: self.result.as_ref().err().map(Cause::new),
        }
    }

    /// What became of a handshake, as an object.
    pub fn pong(&self) -> Event {
        Event::Pong {
            peer: PeerLabel::new(&self.named()),
            plain: self.result.as_ref().ok().map(|heard| heard.key.is_none()),
            native: self.result.as_ref().ok().map(|heard| heard.wire() == Wire::Native),
            key: self.result.as_ref().ok().and_then(|heard| heard.key.or(heard.offered)),
            ms: milliseconds(self.time),
            error: self.result.as_ref().err().map(Cause::new),
        }
    }

    /// The line and the object of this errand.
    pub fn shown(&self, errand: &Errand) -> (String, Event) {
        match (errand, &self.result) {
            (Errand::Connect | Errand::Acquaint(_), Ok(heard)) => {
                let kind = match (heard.key, heard.wire()) {
                    (Some(_), _) => "encrypted",
                    (None, Wire::Native) => "native",
                    (None, Wire::Plain) => "plain",
                };
                (self.line(kind), self.pong())
            }
            // a greeting that may have arrived is no more than one that has not
            (Errand::Connect | Errand::Acquaint(_), Err(_)) => (self.line("failed"), self.pong()),
            (Errand::Message(message), _) => {
                (self.line(self.status()), Event::Sent(self.sent(message)))
            }
            (Errand::Exit, _) => (self.line(self.status()), Event::Sent(self.left())),
        }
    }
}

/// Puts the peer, and what the failure means for a greeting or for anything else, in front of the cause.
pub fn worded(failure: Failure, peer: &Peer, is_greeting: bool, retry: Retry) -> Failure {
    let label = peer.label();
    let port = peer.address.port;
    match failure.code {
        Code::Unreachable if failure.hint.is_some() => {
            failure.context(format!("cannot reach {label}"))
        }
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
                (false, _) => {
                    failure.hint(format!("is the machine on, and the address right?{wait}"))
                }
            }
        }
        Code::Timeout if is_greeting => {
            failure.context(format!("{label} does not answer")).hint("to wait longer: -t 30s")
        }
        Code::Unconfirmed if is_greeting => {
            failure.context(format!("{label} does not answer as a peer does"))
        }
        Code::Timeout => failure
            .context(format!("cannot tell whether {label} has it"))
            .hint("it may have arrived; to wait longer: -t 30s"),
        Code::Unconfirmed if failure.hint.is_some() => {
            failure.context(format!("cannot tell whether {label} has it"))
        }
        Code::Unconfirmed => failure.context(format!("cannot tell whether {label} has it")).hint(
            "it may have arrived; send it again only with the same id, or if twice does no harm",
        ),
        Code::Busy | Code::Denied | Code::TooLarge => {
            failure.context(format!("{label} refused it"))
        }
        Code::HookFailed => {
            failure.context(format!("{label} has it, but without a reply that counts"))
        }
        Code::KeyChanged if peer.configured_key => failure
            .context(format!("cannot talk to {label}"))
            .hint("the configuration gives its key; if it was changed on purpose, change it there"),
        Code::KeyChanged | Code::Untrusted | Code::Insecure => {
            failure.context(format!("cannot talk to {label}"))
        }
        _ => failure,
    }
}

/// What the results of many come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub targets: usize,
    /// Those that have it.
    pub ok: usize,
    /// Those that have not.
    pub failed: usize,
    /// How many are enough.
    pub quorum: Quorum,
    /// What it means if none of them has it: that it was not sent, that some may have it, that all refused it.
    pub none: Code,
    /// The signal that ended it before all were done.
    pub signal: Option<Caught>,
}

impl Tally {
    /// Sums up.
    pub fn new(targets: usize, reports: &[Report], quorum: Quorum, signal: Option<Caught>) -> Self {
        let ok = reports.iter().filter(|report| report.result.is_ok()).count();
        let failures = || reports.iter().filter_map(|report| report.result.as_ref().err());
        let none = if failures().any(|f| f.code.exit() == Exit::Unconfirmed) {
            Code::Unconfirmed
        } else {
            // what all of them have in common
            let alike = |code: Code| failures().all(|f| f.code.exit() == code.exit());
            let common =
                [Code::Denied, Code::Insecure, Code::Usage].into_iter().find(|c| alike(*c));
            let has_it = failures().any(|failure| failure.code == Code::HookFailed);
            let mixed = if has_it { Code::Unconfirmed } else { Code::Unreachable };
            common.filter(|_| ok < reports.len()).unwrap_or(mixed)
        };
        Self { targets, ok, failed: reports.len() - ok, quorum, none, signal }
    }

    /// Reports the sum and what it means.
    pub fn conclude(self, ui: &Ui) -> Result<Exit, Failure> {
        let Self { targets, ok, failed, quorum, none, signal } = self;
        let code = match ok {
            _ if ok >= quorum.of(targets) => None,
            0 => Some(none),
            _ => Some(Code::Partial),
        };
        let exit = signal.map_or(code.map_or(Exit::Done, Code::exit), |signal| signal.exit);
        let (quorum, number) = (quorum.to_string(), exit.number());
        ui.event(&Event::Summary { targets, ok, failed, quorum, exit: number })?;
        if let Some(Caught { name, .. }) = signal {
            ui.warn(format!("ended by {name}: {ok} of {targets} peers reached"));
            return Ok(exit);
        }
        match code {
            None => {
                ui.talk(format!("{ok} of {targets} peers reached"));
                Ok(exit)
            }
            Some(code) => {
                let few = if ok == 0 { "none".to_owned() } else { format!("only {ok}") };
                let needed = if self.quorum == Quorum::All || ok == 0 {
                    String::new()
                } else {
                    format!(", {} needed", self.quorum.of(targets))
                };
                Err(Failure::new(code, format!("{few} of {targets} peers reached{needed}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exit status when so many of so many have it, and the others failed so.
    fn exit(quorum: &str, ok: usize, targets: usize, none: Code) -> Exit {
        let failed = targets - ok;
        let quorum = quorum.parse().unwrap();
        let tally = Tally { targets, ok, failed, quorum, none, signal: None };
        let ui = Ui::new(false, true, false, crate::ui::Color::Never);
        tally.conclude(&ui).unwrap_or_else(|failure| failure.code.exit())
    }

    #[test]
    fn enough_is_0_too_few_is_3_and_none_is_why() {
        use Exit::{Done, Partial, Refused, Unconfirmed, Unreachable};
        // for 0, 1, 2, 3 of 3
        for (quorum, exits) in [
            ("all", [Unreachable, Partial, Partial, Done]),
            ("any", [Unreachable, Done, Done, Done]),
            ("1", [Unreachable, Done, Done, Done]),
            ("2", [Unreachable, Partial, Done, Done]),
            ("3", [Unreachable, Partial, Partial, Done]),
            ("4", [Unreachable, Partial, Partial, Partial]),
            ("1%", [Unreachable, Done, Done, Done]),
            ("33%", [Unreachable, Done, Done, Done]),
            ("34%", [Unreachable, Partial, Done, Done]),
            ("67%", [Unreachable, Partial, Partial, Done]),
            ("100%", [Unreachable, Partial, Partial, Done]),
        ] {
            let found: Vec<_> = (0..=3).map(|ok| exit(quorum, ok, 3, Code::Unreachable)).collect();
            assert_eq!(found, exits, "{quorum}");
        }
        assert_eq!(exit("all", 0, 2, Code::Unconfirmed), Unconfirmed);
        assert_eq!(exit("all", 0, 2, Code::Denied), Refused);
        assert_eq!(exit("all", 1, 2, Code::Unconfirmed), Partial);
    }

    #[test]
    fn what_none_of_them_has_acknowledged_in_full_is_told_by_what_they_have_in_common() {
        let report = |code| {
            let peer = Peer::new("10.0.0.1:1".parse().unwrap(), crate::peer::Source::Heard);
            Report::new(peer, Err(Failure::new(code, "x")))
        };
        use Code::{Busy, Denied, HookFailed, Insecure, KeyChanged, Timeout, Unreachable};
        for (codes, exit) in [
            ([Unreachable, Unreachable], Exit::Unreachable),
            ([Unreachable, HookFailed], Exit::Unconfirmed),
            ([Unreachable, Timeout], Exit::Unconfirmed),
            ([HookFailed, Denied], Exit::Refused),
            ([Busy, Denied], Exit::Refused),
            ([KeyChanged, Insecure], Exit::Insecure),
            ([KeyChanged, Unreachable], Exit::Unreachable),
        ] {
            let tally = Tally::new(2, &codes.map(report), Quorum::All, None);
            assert_eq!(tally.none.exit(), exit, "{codes:?}");
        }
    }
}
