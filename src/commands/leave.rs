//! `p2p leave`: says goodbye, so that peers take us off their lists.

use crate::commands::attempt::{AttemptArgs, JobsArg};
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::outreach::{self, Plan};
use crate::quorum::Quorum;
use crate::report::Errand;

/// Tell peers that we go, so that they forget us
///
/// Without a peer it is said to all that are known. A listener says it by itself when it stops.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:\n  p2p leave\n  p2p leave alice @lab\n\n\
    Exit status: 0 all have it, 3 some; if none has it, 4 it was not sent, 5 some may have it; \
    1 there is nobody.")]
pub struct Args {
    /// Whom: known names, HOST:PORT, or @TAG
    #[arg(value_name = "PEER")]
    peers: Vec<String>,
    #[command(flatten)]
    jobs: JobsArg,
    #[command(flatten)]
    attempt: AttemptArgs,
}

/// Runs the command.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let mut home = Home::open(global, &args.attempt.flags_with(args.jobs))?;
    let peers =
        if args.peers.is_empty() { home.all_peers() } else { home.peers_named(&args.peers)? };
    if peers.is_empty() {
        return Err(Failure::new(Code::Nothing, "there is no peer to take leave of"));
    }
    let plan = Plan { quorum: Quorum::All, checks: false };
    let tally = block_on(outreach::run_all(&mut home, peers, &Errand::Exit, plan))??;
    tally.conclude(&home.ui)
}
