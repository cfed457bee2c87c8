//! The commands: one file each, with its arguments (their docs are its help) and the function that runs it.

pub mod bootstrap;
pub mod broadcast;
pub mod completions;
pub mod config;
pub mod leave;
pub mod listen;
pub mod peers;
pub mod ping;
pub mod send;
pub mod text;

use crate::cli::{Cli, Command};
use crate::exit::{Exit, Failure};

/// Runs the command that was called.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    let global = &cli.global;
    match cli.command {
        Command::Listen(args) => listen::run(global, args),
        Command::Send(args) => send::run(global, &args),
        Command::Broadcast(args) => broadcast::run(global, &args),
        Command::Peers(args) => peers::run(global, args),
        Command::Ping(args) => ping::run(global, &args),
        Command::Bootstrap(args) => bootstrap::run(global, args),
        Command::Leave(args) => leave::run(global, &args),
        Command::Config(args) => config::run(global, &args),
        Command::Completions(args) => completions::run(&args),
    }
}
