//! `p2p bootstrap`: greets the static peers of the configuration, the mandatory peers of the course.

use crate::commands::attempt::{AttemptArgs, JobsArg};
use crate::commands::text::{MessageArgs, TextArgs};
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::message::Outgoing;
use crate::neighbours::static_peers;
use crate::outreach::{self, Plan};
use crate::peer::Peer;
use crate::quorum::Quorum;
use crate::report::{Errand, Tally};

/// Greet the static peers of the configuration
///
/// Each static peer of the configuration gets the CONNECT handshake, all of them at once.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    p2p bootstrap\n  \
    p2p bootstrap --hello 'Team Red is up'\n\n\
    Exit status: 0 at least one answers (and has the message), or as many as --quorum says, 3 too few, 4 or \
    5 none; 1 the configuration has no static peers.")]
pub struct Args {
    /// Also send them this message; - reads it from stdin
    #[arg(long, value_name = "MESSAGE")]
    hello: Option<String>,
    /// How many have to answer: all, any, a number, or a percentage as 50%
    #[arg(long, value_name = "QUORUM", default_value_t = Quorum::Any)]
    quorum: Quorum,
    #[command(flatten)]
    jobs: JobsArg,
    #[command(flatten)]
    attempt: AttemptArgs,
}

/// Runs the command.
pub fn run(global: &Global, args: Args) -> Result<Exit, Failure> {
    let mut home = Home::open(global, &args.attempt.flags_with(args.jobs))?;
    let message = |hello| MessageArgs::default().read(&TextArgs::given(hello));
    let hello = args.hello.map(message).transpose()?;
    let peers = static_peers(&home);
    if peers.is_empty() {
        let path = home.settings.config_path.display();
        return Err(Failure::new(Code::Nothing, format!("{path} has no static peers"))
            .hint("add them as [[peer]]; `p2p config init` writes an example"));
    }
    let tally = block_on(greet(&mut home, peers, hello, args.quorum))??;
    conclude(tally, &home)
}

async fn greet(
    home: &mut Home,
    peers: Vec<Peer>,
    hello: Option<Outgoing>,
    quorum: Quorum,
) -> Result<Tally, Failure> {
    let connect = Plan { quorum, checks: true };
    let mut tally = outreach::run_all(home, peers, &Errand::Connect, connect).await?;
    if let Some(hello) = hello.filter(|_| tally.signal.is_none()) {
        let there: Vec<_> = static_peers(home).into_iter().filter(|p| !p.unanswered).collect();
        let message = Plan { quorum, checks: false };
        let told = outreach::run_all(home, there, &Errand::Message(hello), message).await?;
        // a greeting without the message is not what was asked for
        let failed = tally.targets - told.ok;
        let none = if told.targets > 0 { told.none } else { tally.none };
        tally = Tally { ok: told.ok, failed, none, signal: told.signal, ..tally };
    }
    Ok(tally)
}

fn conclude(tally: Tally, home: &Home) -> Result<Exit, Failure> {
    tally.conclude(&home.ui).map_err(|failure| {
        failure.hint("are the addresses right? `p2p config show` tells which file lists them")
    })
}
