//! Takes one errand to one peer or to many, and sums up what became of it.
//!
//! `dial` knows one connection, `fanout` knows parallel work; here is what the commands have in common: how a text is
//! cut for its peer, how a result is put into words, and when many results are a success.

use std::time::Instant;

use crate::codec::writing::{MAX_NATIVE_BYTES, MAX_PLAIN_BYTES, TextError, encode, split};
use crate::dial::{Deadline, Dialer, Heard};
use crate::exit::{Code, Exit, Failure};
use crate::fanout;
use crate::home::Home;
use crate::message::Proof;
use crate::open_files;
use crate::peer::{Peer, Wire};
use crate::report::{Errand, Report, Tally, worded};

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
