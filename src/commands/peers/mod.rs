//! `p2p peers`: the list of peers, and what a person may change in it.

mod args;
mod edit;
mod list;
mod trust;

use self::args::Action;
pub use self::args::Args;
use crate::exit::{Exit, Failure};
use crate::global::Global;
use crate::home::Home;
use crate::settings::Flags;

/// Runs the command.
pub fn run(global: &Global, args: Args) -> Result<Exit, Failure> {
    let flags = match &args.action {
        Some(Action::Trust { tries, .. }) => tries.flags(),
        _ => Flags { timeout: args.timeout, jobs: args.jobs, ..Flags::default() },
    };
    let home = Home::open(global, &flags)?;
    match args.action {
        None => list::run(home, &args),
        Some(Action::Add { given_name, addr, tags, key }) => {
            edit::add(home, &given_name, &addr, tags, key)
        }
        Some(Action::Trust { peer, key, .. }) => trust::run(home, &peer, key),
        // our own name plays no part here, so the option is that of the peer
        Some(Action::Set { peer, tags, untags }) => {
            edit::set(home, &peer, global.name.as_deref(), tags, untags)
        }
        Some(Action::Rm { peers }) => edit::remove(home, &peers),
        Some(Action::Prune { older, dry_run }) => edit::prune(home, older, dry_run),
    }
}
