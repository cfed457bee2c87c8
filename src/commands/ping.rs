//! `p2p ping`: the CONNECT handshake, which tells who is there and makes us known to it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::acquaint;
use crate::address::Address;
use crate::commands::attempt::{AttemptArgs, JobsArg};
use crate::config::Time;
use crate::event::{Event, milliseconds};
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::outreach::{self, Round};
use crate::peer::Peer;
use crate::posted::PeerLabel;
use crate::quorum::Quorum;
use crate::report::{Errand, Report, Tally};
use crate::signals::Caught;

/// From the beginning of one round to that of the next, as in ping(8).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// Greet peers: is it there, who is it, how fast
///
/// Prints address, name, kind (encrypted: a p2p that has proved its key, native: a p2p without encryption, plain: another
/// program) and the time of the whole handshake. A peer
/// that answers is entered in the list of peers, one that does not is marked stale. With -n so many times, and at the
/// end one line for each peer: how many were answered, and the shortest, mean and longest time.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:\n  \
    p2p ping alice\n\n  \
    # wait until a listener is ready\n  \
    p2p ping :5000 -q --retry-for 5s && echo 'our listener runs'\n\n  \
    p2p ping @lab -n 10 -i 200ms\n  \
    p2p ping --all -t 2s\n  \
    p2p ping alice --learn\n\n\
    Exit status: 0 all answer, each at least once; of several, 3 some; if none does, 4 nobody is there, 5 no \
    answer in time.")]
pub struct Args {
    /// Whom: known names, HOST:PORT, or @TAG
    #[arg(value_name = "PEER", required_unless_present = "all")]
    peers: Vec<String>,
    /// All known peers
    ///
    /// They are those that have not left, but for those of which we only know from others.
    #[arg(long, conflicts_with = "peers")]
    all: bool,
    /// How often
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// From one round to the next [default: 1s]
    ///
    /// The time is from the beginning of the one to that of the other.
    #[arg(short, long, value_name = "TIME", requires = "count")]
    interval: Option<Time>,
    /// Learn of the peers that they know
    ///
    /// Those that answer encrypted are asked, and whom they know is entered as learned.
    #[arg(long, conflicts_with = "count")]
    learn: bool,
    #[command(flatten)]
    jobs: JobsArg,
    #[command(flatten)]
    attempt: AttemptArgs,
}

/// Runs the command.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let flags = args.attempt.flags_with(args.jobs);
    let (mut home, mut peers) = match args.peers.as_slice() {
        [word] if !word.starts_with('@') && !args.learn => {
            let (home, peer) = Home::open_about(global, &flags, word)?;
            (home, vec![peer])
        }
        words => {
            let home = Home::open(global, &flags)?;
            let peers = if args.all { home.all_peers() } else { home.peers_named(words)? };
            (home, peers)
        }
    };
    if peers.is_empty() {
        return Err(Failure::new(Code::Nothing, "there is no peer to greet"));
    }
    let is_one = !args.all && args.peers.len() == 1 && !args.peers[0].starts_with('@');
    if args.count > 1 {
        let interval = args.interval.map_or(DEFAULT_INTERVAL, |interval| interval.0);
        let tally = block_on(rounds(&mut home, peers, args.count, interval))??;
        return tally.conclude(&home.ui);
    }
    if !is_one {
        let tally = block_on(greet(&mut home, peers, args.learn))??;
        return tally.conclude(&home.ui);
    }
    let report = block_on(outreach::run_one(&home, peers.remove(0), &Errand::Connect))??;
    outreach::note(&mut home, std::slice::from_ref(&report), true);
    let (line, event) = report.shown(&Errand::Connect);
    if let Err(failure) = report.result {
        home.ui.event(&event)?;
        return Err(failure);
    }
    home.ui.result(line, &event)?;
    let signal = if args.learn { block_on(learn(&mut home, &[report]))?? } else { None };
    Ok(signal.map_or(Exit::Done, |signal| signal.exit))
}

/// Greets all of them once.
async fn greet(home: &mut Home, peers: Vec<Peer>, learns: bool) -> Result<Tally, Failure> {
    let signal = outreach::watch_signals()?;
    let (targets, errand) = (peers.len(), Errand::Connect);
    let Round { reports, signal: caught } =
        outreach::run_round(home, peers, &errand, &signal, true).await?;
    let mut tally = Tally::new(targets, &reports, Quorum::All, caught);
    if learns && caught.is_none() {
        let tellers = acquaint::tellers(home, &reports);
        tally.signal = acquaint::learn(home, tellers, &signal).await?;
    }
    Ok(tally)
}

/// Asks those that have answered which peers they know.
async fn learn(home: &mut Home, reports: &[Report]) -> Result<Option<Caught>, Failure> {
    let signal = outreach::watch_signals()?;
    let tellers = acquaint::tellers(home, reports);
    acquaint::learn(home, tellers, &signal).await
}

/// What one peer's answers come to.
#[derive(Default)]
struct Times {
    asked: u32,
    answered: u32,
    shortest: Duration,
    longest: Duration,
    sum: Duration,
}

/// Greets all of them again and again; a signal ends it early.
async fn rounds(
    home: &mut Home,
    peers: Vec<Peer>,
    count: u32,
    interval: Duration,
) -> Result<Tally, Failure> {
    let signal = outreach::watch_signals()?;
    let mut times: BTreeMap<Address, Times> = BTreeMap::new();
    let mut last: BTreeMap<Address, Report> = BTreeMap::new();
    let mut caught = None;
    for round in 0..count {
        let next = Instant::now() + interval;
        let done =
            outreach::run_round(home, peers.clone(), &Errand::Connect, &signal, true).await?;
        for report in done.reports {
            let address = report.peer.address.clone();
            times.entry(address.clone()).or_default().add(&report);
            // one answer is enough to be there
            if last.get(&address).is_none_or(|before| before.result.is_err()) {
                last.insert(address, report);
            }
        }
        caught = done.signal;
        if caught.is_none() && round + 1 < count {
            tokio::select! {
                () = sleep_until(next) => {}
                signal = signal.clone().caught() => caught = Some(signal),
            }
        }
        if caught.is_some() {
            break;
        }
    }
    for peer in &peers {
        if let (Some(times), Some(report)) = (times.get(&peer.address), last.get(&peer.address)) {
            times.report(home, &report.named())?;
        }
    }
    let reports: Vec<_> = last.into_values().collect();
    Ok(Tally::new(peers.len(), &reports, Quorum::All, caught))
}

impl Times {
    fn add(&mut self, report: &Report) {
        self.asked += 1;
        if report.result.is_ok() {
            let is_first = self.answered == 0;
            self.shortest = if is_first { report.time } else { self.shortest.min(report.time) };
            self.longest = self.longest.max(report.time);
            self.sum += report.time;
            self.answered += 1;
        }
    }

    /// `ADDRESS NAME N of N answered, MIN/AVG/MAX ms`
    fn report(&self, home: &Home, peer: &Peer) -> Result<(), Failure> {
        let name = peer.name.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let Self { asked, answered, .. } = *self;
        let figures = self
            .sum
            .checked_div(answered)
            .map(|mean| [self.shortest, mean, self.longest].map(milliseconds));
        let words = figures.map_or(String::new(), |[min, avg, max]| {
            format!(", min/avg/max {min:.1}/{avg:.1}/{max:.1} ms")
        });
        let line = format!("{} {name} {answered} of {asked} answered{words}", peer.address);
        let event = Event::Pings {
            peer: PeerLabel::new(peer),
            asked,
            answered,
            min_ms: figures.map(|[min, ..]| min),
            avg_ms: figures.map(|[_, avg, _]| avg),
            max_ms: figures.map(|[.., max]| max),
        };
        home.ui.report(line, &event)
    }
}
