//! Takes one errand to many peers, sums up what became of it, and writes down who was reached.
//!
//! `delivery` knows one peer, `fanout` knows parallel work.

use crate::delivery;
use crate::exit::{Code, Exit, Failure};
use crate::fanout;
use crate::home::Home;
use crate::open_files;
use crate::peer::Peer;
use crate::report::{Errand, Report, Tally};
use crate::retry::Retry;

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
    let reports = reach(home, peers, errand, home.settings.retry, |report| {
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
    keep(home, errand, &reports);
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

/// Takes an errand to many peers at once, each called once, with no report but the progress.
pub async fn run_quietly(
    home: &Home,
    peers: Vec<Peer>,
    errand: &Errand,
) -> Result<Vec<Report>, Failure> {
    reach(home, peers, errand, Retry::default(), |_| {}).await
}

async fn reach(
    home: &Home,
    peers: Vec<Peer>,
    errand: &Errand,
    retry: Retry,
    mut show: impl FnMut(&Report),
) -> Result<Vec<Report>, Failure> {
    let dialer = home.dialer().await?;
    // a host of many addresses takes two at once
    let jobs = home.settings.jobs.min(open_files::raise(home.settings.jobs * 2));
    let bar = home.ui.progress(peers.len());
    let mut reports = Vec::with_capacity(peers.len());
    let action = |peer| {
        let (dialer, errand) = (dialer.clone(), errand.clone());
        async move { delivery::run(&dialer, retry, peer, &errand, |_| {}).await }
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

/// Keeps a text and what became of it in the history of sent texts.
pub fn keep(home: &Home, errand: &Errand, reports: &[Report]) {
    let Errand::Message(text) = errand else { return };
    let sent: Vec<_> = reports.iter().map(Report::sent).collect();
    if let Err(failure) = home.keep_sent(text, &sent) {
        home.ui.warn(failure.context("cannot keep what was sent"));
    }
}
