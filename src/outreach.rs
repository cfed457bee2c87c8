//! Takes one errand to one peer or to many, and sums up what became of it.
//!
//! `dial` knows one connection, `fanout` knows parallel work; here is what the commands have in common: how a text is
//! cut for its peer, how a result is put into words, and when many results are a success.

use std::time::{Duration, Instant};

use crate::codec::writing::{MAX_NATIVE_BYTES, MAX_PLAIN_BYTES, TextError, encode, split};
use crate::dial::{Deadline, Dialer, Heard};
use crate::event::{Cause, Event, PeerLabel, milliseconds};
use crate::exit::{Code, Exit, Failure};
use crate::fanout;
use crate::home::Home;
use crate::message::Proof;
use crate::open_files;
use crate::peer::{Peer, Wire};

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
    /// From the start of the attempt to its end.
    pub time: Duration,
}

/// Takes an errand to a peer.
pub async fn run(dialer: &Dialer, peer: Peer, errand: &Errand) -> Report {
    let start = Instant::now();
    let deadline = Deadline::after(dialer.timeout);
    let mut parts = 1;
    let result = match errand {
        Errand::Message(text) => send(dialer, &peer, deadline, text, &mut parts).await,
        Errand::Connect => say(dialer, &peer, peer.wire, deadline, "connect").await,
        Errand::Exit => say(dialer, &peer, peer.wire, deadline, "exit").await,
    };
    let result = result.map_err(|failure| worded(failure, &peer, errand));
    Report { peer, result, parts, time: start.elapsed() }
}

async fn say(
    dialer: &Dialer,
    peer: &Peer,
    known: Option<Wire>,
    deadline: Deadline,
    text: &str,
) -> Result<Heard, Failure> {
    dialer.say(&peer.address, known, deadline, |own| encode(own, &dialer.name, text)).await
}

/// A short text goes at once. For a long one it has to be known who reads it: a p2p takes it whole, a plain program
/// in parts of what it reads at once.
async fn send(
    dialer: &Dialer,
    peer: &Peer,
    deadline: Deadline,
    text: &str,
    parts: &mut usize,
) -> Result<Heard, Failure> {
    let mut wire = peer.wire;
    let short = split(text, MAX_PLAIN_BYTES).map_err(text_failure)?;
    if short.len() > 1 && wire.is_none() {
        wire = Some(say(dialer, peer, None, deadline, "connect").await?.wire());
    }
    let pieces = match wire {
        Some(Wire::Native) => split(text, MAX_NATIVE_BYTES).map_err(text_failure)?,
        _ => short,
    };
    *parts = pieces.len();
    let mut weakest: Option<Heard> = None;
    for (at, piece) in pieces.iter().enumerate() {
        let heard = say(dialer, peer, wire, deadline, piece).await.map_err(|failure| {
            match pieces.len() {
                1 => failure,
                // what came before has arrived: the whole is no longer safe to send again
                count => {
                    let code = if at > 0 && failure.code == Code::Unreachable {
                        Code::Unconfirmed
                    } else {
                        failure.code
                    };
                    Failure { code, ..failure.context(format!("part {} of {count}", at + 1)) }
                }
            }
        })?;
        if weakest.as_ref().is_none_or(|w| w.proof == Proof::Acked) {
            weakest = Some(heard);
        }
    }
    weakest.ok_or_else(|| text_failure(TextError::Empty))
}

/// Checks that a text can be sent to any peer at all.
pub fn check(text: &str) -> Result<(), Failure> {
    split(text, MAX_PLAIN_BYTES).map(drop).map_err(text_failure)
}

/// A text that the plain wire cannot carry.
pub fn text_failure(error: TextError) -> Failure {
    match error {
        TextError::Empty => Failure::new(Code::Usage, "there is no text to send"),
        TextError::NotUtf8(at) => Failure::new(
            Code::Usage,
            format!("cannot send this text: byte {at} of it is not UTF-8"),
        )
        .hint("encode it first, for example with base64"),
        TextError::Blanks => Failure::new(
            Code::Usage,
            "cannot send this text: it has too many blanks in a row for one message",
        ),
        TextError::Keyword(word) => {
            let failure = Failure::new(
                Code::Usage,
                format!("cannot send `{word}`: alone it is a command on the wire"),
            );
            failure
                .hint("add a word; to take leave of a peer use `p2p leave`, to greet it `p2p ping`")
        }
    }
}

/// Puts the peer and what the failure means for it in front of the cause.
fn worded(failure: Failure, peer: &Peer, errand: &Errand) -> Failure {
    let label = peer.label();
    let port = peer.address.port;
    match failure.code {
        Code::Unreachable => {
            let refused = failure.to_string().ends_with("refused");
            let local = peer.address.ip().is_some_and(|ip| ip.is_loopback());
            let failure = failure.context(format!("cannot reach {label}"));
            match (refused, local) {
                (true, true) => failure.hint(format!(
                    "is `p2p listen -p {port}` running here? some programs listen only on the machine's LAN address"
                )),
                (true, false) => failure.hint(format!("is `p2p listen -p {port}` running there?")),
                (false, _) => failure.hint(format!("is the address right? to change it: p2p peers add NAME {}", peer.address)),
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
        let cause = crate::escape::escape(cause.as_bytes());
        format!("{} {name} {status} {time:.1} ms{cause}", peer.address)
    }

    /// What became of a message, as an object.
    pub fn sent(&self) -> Event {
        Event::Sent {
            to: PeerLabel::new(&self.named()),
            status: self.status(),
            parts: self.parts,
            attempts: 1,
            ms: milliseconds(self.time),
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
            _ => (self.line(self.status()), self.sent()),
        }
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

/// Takes an errand to many peers at once, reports each as it finishes, and writes down who was reached.
///
/// With `checks`, a peer that does not answer is marked as such in the peer book.
pub async fn run_all(
    home: &mut Home,
    peers: Vec<Peer>,
    errand: &Errand,
    checks: bool,
) -> Result<Tally, Failure> {
    let mut output = Ok(());
    let targets = peers.len();
    let reports = reach(home, peers, errand, |report| {
        let (line, event) = report.shown(errand);
        if output.is_ok() {
            output = match report.result {
                Ok(_) => home.ui.result(line, &event),
                Err(_) => home.ui.report(line, &event),
            };
        }
    })
    .await?;
    note(home, &reports, checks);
    output?;
    let ok = reports.iter().filter(|report| report.result.is_ok()).count();
    let failures = || reports.iter().filter_map(|report| report.result.as_ref().err());
    let code = if failures().any(|f| f.code.exit() == Exit::Unconfirmed) {
        Code::Unconfirmed
    } else if failures().all(|f| f.code.exit() == Exit::Refused) {
        Code::Denied
    } else {
        Code::Unreachable
    };
    Ok(Tally { targets, ok, required: targets, none: code })
}

/// Takes an errand to many peers at once with no report but the progress.
pub async fn run_quietly(
    home: &Home,
    peers: Vec<Peer>,
    errand: &Errand,
) -> Result<Vec<Report>, Failure> {
    reach(home, peers, errand, |_| {}).await
}

async fn reach(
    home: &Home,
    peers: Vec<Peer>,
    errand: &Errand,
    mut show: impl FnMut(&Report),
) -> Result<Vec<Report>, Failure> {
    let dialer = home.dialer().await?;
    // a host of many addresses takes two at once
    let jobs = home.settings.jobs.min(open_files::raise(home.settings.jobs * 2));
    let bar = home.ui.progress(peers.len());
    let mut reports = Vec::with_capacity(peers.len());
    let action = |peer| {
        let (dialer, errand) = (dialer.clone(), errand.clone());
        async move { run(&dialer, peer, &errand).await }
    };
    fanout::each(peers, jobs, action, |report: Report| {
        bar.suspend(|| show(&report));
        bar.inc(1);
        reports.push(report);
    })
    .await;
    bar.finish_and_clear();
    Ok(reports)
}

/// Writes down which peers were reached, and with `checks` which were not.
pub fn note(home: &mut Home, reports: &[Report], checks: bool) {
    let reports: Vec<_> = reports.iter().filter(|r| !home.is_self(&r.peer.address)).collect();
    if reports.iter().any(|r| r.result.is_ok() || checks) {
        home.note(|book, now| {
            for report in reports {
                match &report.result {
                    Ok(heard) => {
                        let (called, wire) = (&report.peer.address, heard.wire());
                        book.reach(called, &heard.address, heard.name.clone(), wire, now);
                    }
                    Err(_) if checks => book.miss(&report.peer.address),
                    Err(_) => {}
                }
            }
        });
    }
}

impl Tally {
    /// One is enough.
    #[must_use]
    pub fn any(self) -> Self {
        Self { required: 1, ..self }
    }

    /// Reports the sum and what it means.
    pub fn conclude(self, home: &Home) -> Result<Exit, Failure> {
        let Self { targets, ok, required, none } = self;
        let quorum = if required == targets { "all".to_owned() } else { required.to_string() };
        let code = match ok {
            _ if ok >= required => None,
            0 => Some(none),
            _ => Some(Code::Partial),
        };
        let exit = code.map_or(Exit::Done, Code::exit);
        let failed = targets - ok;
        home.ui.event(&Event::Summary { targets, ok, failed, quorum, exit: exit.number() })?;
        match code {
            None => {
                home.ui.talk(format!("{ok} of {targets} peers reached"));
                Ok(exit)
            }
            Some(code) => Err(Failure::new(code, format!("only {ok} of {targets} peers reached"))),
        }
    }
}
