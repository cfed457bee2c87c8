//! `p2p bootstrap`: greets the static peers of the configuration, the mandatory peers of the course.

use crate::commands::attempt::{AttemptArgs, JobsArg};
use crate::commands::text::TextArgs;
use crate::delivery;
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::neighbours::static_peers;
use crate::outreach;
use crate::peer::Peer;
use crate::report::{Errand, Tally};

/// Greet the static peers of the configuration
///
/// Each static peer of the configuration gets the CONNECT handshake, all of them at once.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    p2p bootstrap\n  \
    p2p bootstrap --hello 'Team Red is up'\n\n\
    Exit status: 0 at least one answers (and has the message), 4 or 5 none, 1 the configuration has no \
    static peers.")]
pub struct Args {
    /// Also send them this message; - reads it from stdin
    #[arg(long, value_name = "MESSAGE")]
    hello: Option<String>,
    #[command(flatten)]
    jobs: JobsArg,
    #[command(flatten)]
    attempt: AttemptArgs,
}

/// Runs the command.
pub fn run(global: &Global, args: Args) -> Result<Exit, Failure> {
    let mut home = Home::open(global, &args.attempt.flags_with(args.jobs))?;
    let hello = args.hello.map(|hello| TextArgs::words(hello).read()).transpose()?;
    if let Some(text) = &hello {
        delivery::check(text)?;
    }
    let peers = static_peers(&home);
    if peers.is_empty() {
        let path = home.settings.config_path.display();
        return Err(Failure::new(Code::Nothing, format!("{path} has no static peers"))
            .hint("add them as [[peer]]; `p2p config init` writes an example"));
    }
    let tally = block_on(greet(&mut home, peers, hello))??;
    conclude(tally, &home)
}

async fn greet(home: &mut Home, peers: Vec<Peer>, hello: Option<String>) -> Result<Tally, Failure> {
    let mut tally = outreach::run_all(home, peers, &Errand::Connect, true).await?;
    if let Some(text) = hello {
        let there: Vec<_> = static_peers(home).into_iter().filter(|p| !p.unanswered).collect();
        let told = outreach::run_all(home, there, &Errand::Message(text), false).await?;
        // a greeting without the message is not what was asked for
        tally.ok = told.ok;
    }
    Ok(tally)
}

/// One static peer that answers is enough to be part of the network.
fn conclude(tally: Tally, home: &Home) -> Result<Exit, Failure> {
    match tally.any().conclude(&home.ui) {
        Err(failure) => {
            Err(failure
                .hint("are the addresses right? `p2p config show` tells which file lists them"))
        }
        done => done,
    }
}
