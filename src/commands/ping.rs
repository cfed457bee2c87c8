//! `p2p ping`: the CONNECT handshake, which tells who is there and makes us known to it.

use crate::commands::attempt::{AttemptArgs, JobsArg};
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::outreach;
use crate::report::Errand;

/// Greet peers: is it there, who is it, how fast
///
/// Prints address, name, kind (native: another p2p, plain: another program) and the time of the whole handshake. A peer
/// that answers is entered in the list of peers, one that does not is marked stale.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    p2p ping alice\n  \
    p2p ping :5000 -q && echo 'our listener runs'\n  \
    p2p ping --all -t 2s\n\n\
    Exit status: 0 all answer; of several, 3 some; if none does, 4 nobody is there, 5 no answer in time.")]
pub struct Args {
    /// Whom: known names, or HOST:PORT
    #[arg(value_name = "PEER", required_unless_present = "all")]
    peers: Vec<String>,
    /// All known peers that have not left
    #[arg(long, conflicts_with = "peers")]
    all: bool,
    #[command(flatten)]
    jobs: JobsArg,
    #[command(flatten)]
    attempt: AttemptArgs,
}

/// Runs the command.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let mut home = Home::open(global, &args.attempt.flags_with(args.jobs))?;
    let mut peers = if args.all { home.all_peers() } else { home.peers_named(&args.peers)? };
    if peers.is_empty() {
        return Err(Failure::new(Code::Nothing, "there is no peer to greet"));
    }
    if args.all || peers.len() > 1 {
        let tally = block_on(outreach::run_all(&mut home, peers, &Errand::Connect, true))??;
        return tally.conclude(&home.ui);
    }
    let peer = peers.remove(0);
    let report = block_on(outreach::run_one(&home, peer, &Errand::Connect))??;
    outreach::note(&mut home, std::slice::from_ref(&report), true);
    let (line, event) = report.shown(&Errand::Connect);
    match report.result {
        Ok(_) => home.ui.result(line, &event).map(|()| Exit::Done),
        Err(failure) => {
            home.ui.event(&event)?;
            Err(failure)
        }
    }
}
