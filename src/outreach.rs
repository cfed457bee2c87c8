//! Takes one errand to many peers, sums up what became of it, and writes down who was reached.
//!
//! `delivery` knows one peer, `fanout` knows parallel work.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::address::Address;
use crate::delivery;
use crate::dial::Dialer;
use crate::exit::{Code, Failure, OrFail as _};
use crate::fanout::{self, BEGINS_FOR, Bounds};
use crate::home::Home;
use crate::key::PublicKey;
use crate::peer::Peer;
use crate::quorum::Quorum;
use crate::report::{Errand, Report, Tally};
use crate::retry::Retry;
use crate::settings::Chosen;
use crate::signals::{Caught, First, Signals};
use crate::system::machine::raise_open_files;
use crate::trust::{Secure, Trust};

/// Takes an errand to one peer; tells a person who waits why it takes long.
pub async fn run_one(home: &Home, peer: Peer, errand: &Errand) -> Result<Report, Failure> {
    let dialer = home.dialer().await?;
    let label = peer.label();
    let mut said = false;
    let waits = |failure: &Failure| {
        if !std::mem::replace(&mut said, true) {
            home.ui.talk(format!("{label}: {failure}; trying again"));
        }
    };
    Ok(delivery::run(&dialer, home.settings.retry, peer, errand, waits).await)
}

/// Has a peer prove its key, whatever key that is and whichever keys are believed.
pub async fn ask_for_key(home: &Home, peer: Peer) -> Result<Report, Failure> {
    let secure = Chosen { secure: Secure::Prefer, by_flag: true };
    let pins = Arc::default();
    let dialer = Dialer { trust: Trust::Tofu, secure, pins, ..home.dialer().await? };
    let peer = Peer { hearsay: None, ..peer };
    Ok(delivery::run(&dialer, home.settings.retry, peer, &Errand::Connect, |_| {}).await)
}

/// What is to become of an errand to many.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many peers are enough.
    pub quorum: Quorum,
    /// Whether a peer that does not answer is marked as such in the peer book.
    pub checks: bool,
}

/// Takes an errand to many peers at once, reports each as it finishes, and writes down who was reached.
///
/// A signal ends it: what was reported until then is written down, too.
pub async fn run_all(
    home: &mut Home,
    peers: Vec<Peer>,
    errand: &Errand,
    plan: Plan,
) -> Result<Tally, Failure> {
    let signal = watch_signals()?;
    let targets = peers.len();
    let Round { reports, signal } = run_round(home, peers, errand, &signal, plan.checks).await?;
    Ok(Tally::new(targets, &reports, plan.quorum, signal))
}

/// Has the first signal end an errand to many in order, and the second one at once.
pub fn watch_signals() -> Result<First, Failure> {
    let (first, _) = Signals::new().or_fail(Code::Io)?.watch();
    Signals::second_ends_all().or_fail(Code::Io)?;
    Ok(first)
}

/// What became of an errand to many.
#[derive(Debug)]
pub struct Round {
    /// Those that are done.
    pub reports: Vec<Report>,
    /// What has ended it before all were.
    pub signal: Option<Caught>,
}

/// The same for a command that goes on afterwards.
pub async fn run_round(
    home: &mut Home,
    peers: Vec<Peer>,
    errand: &Errand,
    signal: &First,
    checks: bool,
) -> Result<Round, Failure> {
    let mut output = Ok(());
    let mut reports = Vec::with_capacity(peers.len());
    let begun = Begun::default();
    let reached = reach(home, peers.clone(), errand, home.settings.retry, &begun, |report| {
        if output.is_ok() {
            output = show(home, errand, &report);
        }
        reports.push(report);
    });
    let signal = tokio::select! {
        done = reached => done.map(|()| None)?,
        signal = signal.clone().caught() => Some(signal),
    };
    note(home, &reports, checks);
    if signal.is_some() {
        let done: HashSet<_> = reports.iter().map(|r| r.peer.address.clone()).collect();
        for peer in peers.into_iter().filter(|peer| !done.contains(&peer.address)) {
            let report = interrupted(peer, &begun);
            if output.is_ok() {
                output = show(home, errand, &report);
            }
            reports.push(report);
        }
    }
    keep(home, errand, &reports);
    output?;
    Ok(Round { reports, signal })
}

fn show(home: &Home, errand: &Errand, report: &Report) -> Result<(), Failure> {
    let (line, event) = report.shown(errand);
    match report.result {
        Ok(_) => home.ui.result(line, &event),
        Err(_) => home.ui.report(line, &event),
    }
}

/// The peers for which something was done.
#[derive(Clone, Debug, Default)]
struct Begun(Arc<Mutex<HashSet<Address>>>);

impl Begun {
    fn enter(&self, peer: &Peer) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(peer.address.clone());
    }

    fn has(&self, peer: &Peer) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&peer.address)
    }
}

/// What is known of an errand that a signal has ended: only that it was not begun, if it was not.
fn interrupted(peer: Peer, begun: &Begun) -> Report {
    let failure = if begun.has(&peer) {
        Failure::new(Code::Unconfirmed, "interrupted")
    } else {
        Failure::new(Code::Unreachable, "interrupted before it was sent")
    };
    Report { attempts: 0, ..Report::new(peer, Err(failure)) }
}

/// Takes an errand to many peers at once, each called once, with no report but the progress.
pub async fn run_quietly(
    home: &Home,
    peers: Vec<Peer>,
    errand: &Errand,
) -> Result<Vec<Report>, Failure> {
    let mut reports = Vec::with_capacity(peers.len());
    let begun = Begun::default();
    reach(home, peers, errand, Retry::default(), &begun, |report| reports.push(report)).await?;
    Ok(reports)
}

/// The same until a signal ends it, with all that is done by then.
pub async fn run_until(
    home: &Home,
    peers: Vec<Peer>,
    errand: &Errand,
    signal: &First,
) -> Result<Round, Failure> {
    let mut reports = Vec::with_capacity(peers.len());
    let begun = Begun::default();
    let all = reach(home, peers, errand, Retry::default(), &begun, |report| reports.push(report));
    let signal = tokio::select! {
        done = all => done.map(|()| None)?,
        signal = signal.clone().caught() => Some(signal),
    };
    Ok(Round { reports, signal })
}

async fn reach(
    home: &Home,
    peers: Vec<Peer>,
    errand: &Errand,
    retry: Retry,
    begun: &Begun,
    mut done: impl FnMut(Report),
) -> Result<(), Failure> {
    let dialer = home.dialer().await?;
    let bounds = bounds(home, &peers);
    // each further handful begins a little later, and the last has its whole time
    let tries = home.settings.timeout + retry.span.unwrap_or_default();
    let most = move |left: usize| {
        let handfuls = u32::try_from(left / bounds.jobs).unwrap_or(u32::MAX);
        tries.saturating_add(BEGINS_FOR.saturating_mul(handfuls))
    };
    let mut progress = home.ui.progress(peers.len(), most);
    let errand = Arc::new(errand.clone());
    let action = |peer: Peer| {
        let (dialer, errand, begun) = (dialer.clone(), Arc::clone(&errand), begun.clone());
        async move {
            begun.enter(&peer);
            delivery::run(&dialer, retry, peer, &errand, |_| {}).await
        }
    };
    fanout::each(peers, bounds, action, |report: Report| {
        let failed = report.result.is_err();
        progress.suspend(|| done(report));
        progress.step(failed);
    })
    .await;
    Ok(())
}

/// As many at once as are wanted and as the limit on open files allows.
fn bounds(home: &Home, peers: &[Peer]) -> Bounds {
    // a host of many addresses takes two at once
    let named = peers.iter().filter(|peer| peer.address.ip().is_none()).count();
    let wanted = peers.len() + named;
    let open = raise_open_files(wanted);
    let jobs = home.settings.jobs;
    if open < jobs.min(wanted) {
        home.ui.warn(format!("open files allow only {open} connections at once; see `ulimit -n`"));
    }
    let at_once = if named == 0 { open } else { open.div_ceil(2) };
    Bounds { jobs: jobs.min(at_once), open: at_once }
}

/// Writes down which peers were reached, and with `checks` which were not.
pub fn note(home: &mut Home, reports: &[Report], checks: bool) {
    let reports: Vec<_> = reports.iter().filter(|r| !home.is_self(&r.peer.address)).collect();
    if reports.iter().any(|r| is_gone(r)) && !home.peers.is_whole() {
        home.read_all_peers();
    }
    if reports.iter().any(|r| r.reached.is_some() || checks || is_gone(r)) {
        home.note(|book, now| {
            let mut places: HashMap<PublicKey, usize> = HashMap::new();
            if reports.iter().any(|r| is_gone(r)) {
                for key in book.iter().filter_map(|peer| peer.key) {
                    *places.entry(key).or_default() += 1;
                }
            }
            for report in reports {
                let Report { peer, reached, was_called, .. } = report;
                let has_other = |key| places.get(&key).is_some_and(|places| *places > 1);
                let may_be_elsewhere = is_gone(report) && peer.key.is_some_and(has_other);
                match reached {
                    Some(reached) => book.reach(&peer.address, reached.clone(), now),
                    None if *was_called && (checks || may_be_elsewhere) => book.miss(&peer.address),
                    None => {}
                }
            }
        });
    }
}

/// Whether a peer could not be reached where it was seen last. It may have moved back: then the next call tries where it was
/// before.
fn is_gone(report: &Report) -> bool {
    let code = report.result.as_ref().err().map(|failure| failure.code);
    report.peer.key.is_some() && code == Some(Code::Unreachable)
}

/// Keeps a text and what became of it in the history of sent texts.
pub fn keep(home: &Home, errand: &Errand, reports: &[Report]) {
    let Errand::Message(message) = errand else { return };
    let sent: Vec<_> = reports.iter().map(|report| report.sent(message)).collect();
    if let Err(failure) = home.keep_sent(message, &sent) {
        home.ui.warn(failure.context("cannot keep what was sent"));
    }
}
