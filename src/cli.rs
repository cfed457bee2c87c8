//! The command line: what is read from it, and one line for each command.

use std::ffi::OsString;
use std::mem::forget;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{
    bootstrap, broadcast, completions, config, id, leave, listen, log, peers, ping, send,
};
use crate::exit::{EXIT_STATUS_HELP, Exit, Failure};
use crate::global::Global;

/// Tell other machines things directly: no server, no account, no daemon
#[derive(Debug, Parser)]
#[command(name = "p2p", version, after_help = SHORT_HELP, after_long_help = long_help())]
#[command(args_override_self = true)]
#[command(arg_required_else_help = true, infer_subcommands = false, max_term_width = 100)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What the short help says of what it leaves out.
const SHORT_HELP: &str = "More: p2p --help, p2p COMMAND --help";

fn long_help() -> String {
    format!(
        "Examples:\n  \
         p2p listen -p 5000\n  \
         p2p send 10.18.0.4:5000 Backup done && echo it has arrived\n  \
         p2p broadcast --to @web --quorum 80% 'deploy v1.2'\n\n\
         PEER is the name of a known peer, or HOST:PORT, [IPV6]:PORT, or :PORT for this machine; where there may \
         be many, @TAG is all peers with that tag.\n\
         Times need a unit: 500ms, 5s, 1m30s, 2h, 7d.\n\n\
         {EXIT_STATUS_HELP}\n\n\
         Environment:\n  \
         P2P_HOME, P2P_CONFIG, P2P_NAME, P2P_JSON   as --home, --config, --name, --json\n  \
         NO_COLOR, CLICOLOR_FORCE                   colours off, on"
    )
}

/// The commands, in the order in which a newcomer needs them.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the docs of a command are with its arguments, and are its help")]
pub enum Command {
    Listen(listen::Args),
    Send(send::Args),
    Broadcast(broadcast::Args),
    Peers(peers::Args),
    Ping(ping::Args),
    Bootstrap(bootstrap::Args),
    Leave(leave::Args),
    Log(log::Args),
    Id(id::Args),
    Config(config::Args),
    Completions(completions::Args),
}

/// Gives a command its arguments.
type Definition = fn(clap::Command) -> clap::Command;

/// What each command is called with.
const DEFINITIONS: [(&str, Definition); 11] = [
    ("listen", listen::Args::augment_args),
    ("send", send::Args::augment_args),
    ("broadcast", broadcast::Args::augment_args),
    ("peers", peers::Args::augment_args),
    ("ping", ping::Args::augment_args),
    ("bootstrap", bootstrap::Args::augment_args),
    ("leave", leave::Args::augment_args),
    ("log", log::Args::augment_args),
    ("id", id::Args::augment_args),
    ("config", config::Args::augment_args),
    ("completions", completions::Args::augment_args),
];

impl Cli {
    /// Reads a command line, the first word being the program's own name.
    ///
    /// To define all commands takes longer than to send a message, so at first only the one that is called is known. What
    /// can be read then means the same among all of them; everything else (wrong calls, help) is read again with all.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        Self::read_called(arguments).map_or_else(|| Self::try_parse_from(arguments), Ok)
    }

    fn read_called(arguments: &[OsString]) -> Option<Self> {
        let named = |word: &OsString| DEFINITIONS.into_iter().find(|(name, _)| word == name);
        let (name, define) = arguments.iter().skip(1).find_map(named)?;
        let program = clap::Command::new("p2p").args_override_self(true).subcommand_required(true);
        let called = define(clap::Command::new(name));
        let mut program = Global::augment_args(program).subcommand(called);
        let matches = program.try_get_matches_from_mut(arguments);
        // the process does not live long enough for taking it apart to be worth while
        forget(program);
        Self::from_arg_matches(&matches.ok()?).ok()
    }

    /// Runs the command that was called.
    pub fn run(self) -> Result<Exit, Failure> {
        let global = &self.global;
        match self.command {
            Command::Listen(args) => listen::run(global, args),
            Command::Send(args) => send::run(global, &args),
            Command::Broadcast(args) => broadcast::run(global, &args),
            Command::Peers(args) => peers::run(global, args),
            Command::Ping(args) => ping::run(global, &args),
            Command::Bootstrap(args) => bootstrap::run(global, args),
            Command::Leave(args) => leave::run(global, &args),
            Command::Log(args) => log::run(global, &args),
            Command::Id(args) => id::run(global, &args),
            Command::Config(args) => config::run(global, &args),
            Command::Completions(args) => completions::run(&args, Self::command()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_read_alone_as_among_all() {
        let program = Cli::command();
        let all: Vec<_> = program.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(DEFINITIONS.map(|(name, _)| name).to_vec(), all);
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in [
            "p2p send alice Hi",
            "p2p --home send --quiet send -t 3s alice --json Hi",
            "p2p send --retry 3 --retry 4 alice send",
            "p2p peers",
            "p2p peers add bob 10.18.0.4:5000 --tag web",
            "p2p listen -1 --from peers",
            "p2p broadcast --to @web -- --json",
            "p2p -c ping ping --all",
            "p2p log -n 5 --follow",
            "p2p config show",
            "p2p completions bash",
        ] {
            let alone = Cli::read_called(&words(line));
            let among = Cli::try_parse_from(words(line)).unwrap();
            assert_eq!(format!("{alone:?}"), format!("{:?}", Some(among)), "{line}");
        }
        // what cannot be read is left to the whole, which says what is wrong
        for line in
            ["p2p", "p2p --help", "p2p sned a b", "p2p send", "p2p send -h", "p2p help send"]
        {
            assert!(Cli::read_called(&words(line)).is_none(), "{line}");
        }
    }
}
