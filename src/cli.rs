//! The command line: what is read from it, and one line for each command.

use std::ffi::OsString;
use std::mem::forget;

use clap::{Arg, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

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

/// A command by itself.
struct Definition {
    name: &'static str,
    /// Gives it its arguments.
    define: fn(clap::Command) -> clap::Command,
    /// Reads them.
    read: fn(&mut ArgMatches) -> Result<Command, clap::Error>,
}

/// The definition of a command from its name, its arguments, and what they are read into.
macro_rules! definition {
    ($name:literal, $module:ident, $command:ident) => {
        Definition {
            name: $name,
            define: $module::Args::augment_args,
            read: |matches| $module::Args::from_arg_matches_mut(matches).map(Command::$command),
        }
    };
}

/// All commands.
const DEFINITIONS: [Definition; 11] = [
    definition!("listen", listen, Listen),
    definition!("send", send, Send),
    definition!("broadcast", broadcast, Broadcast),
    definition!("peers", peers, Peers),
    definition!("ping", ping, Ping),
    definition!("bootstrap", bootstrap, Bootstrap),
    definition!("leave", leave, Leave),
    definition!("log", log, Log),
    definition!("id", id, Id),
    definition!("config", config, Config),
    definition!("completions", completions, Completions),
];

impl Cli {
    /// Reads a command line, the first word being the program's own name.
    ///
    /// To define all commands takes longer than to send a message, so at first only the one that is called is known, and
    /// the word that calls it is left out. What can be read then means the same among all of them; everything else (wrong
    /// calls, help) is read again with all.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        Self::read_called(arguments).map_or_else(|| Self::try_parse_from(arguments), Ok)
    }

    fn read_called(arguments: &[OsString]) -> Option<Self> {
        let program = Global::augment_args(clap::Command::new("p2p").args_override_self(true));
        let (before, rest) = arguments.split_at(place_of_name(&program, arguments)?);
        let (name, after) = rest.split_first()?;
        let called = DEFINITIONS.iter().find(|called| name == called.name)?;
        let mut program = (called.define)(program);
        let matches = program.try_get_matches_from_mut(before.iter().chain(after));
        // the process does not live long enough for taking it apart to be worth while
        forget(program);
        let mut matches = matches.ok()?;
        let global = Global::from_arg_matches_mut(&mut matches).ok()?;
        let command = (called.read)(&mut matches).ok()?;
        forget(matches);
        Some(Self { global, command })
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

/// Which word names the command: the first that is neither an option of all commands nor its value.
fn place_of_name(global: &clap::Command, arguments: &[OsString]) -> Option<usize> {
    let mut words = arguments.iter().enumerate().skip(1);
    loop {
        let (at, word) = words.next()?;
        let Some(option) = word.to_str()?.strip_prefix('-') else { return Some(at) };
        let is_it = |argument: &&Arg| match option.strip_prefix('-') {
            Some(long) => argument.get_long() == Some(long),
            None => {
                argument.get_short().is_some_and(|short| option.strip_prefix(short) == Some(""))
            }
        };
        let argument = global.get_arguments().find(is_it)?;
        if argument.get_action().takes_values() {
            words.next()?;
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
        assert_eq!(DEFINITIONS.map(|command| command.name).to_vec(), all);
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
        for line in [
            "p2p",
            "p2p --help",
            "p2p sned a b",
            "p2p send",
            "p2p send -h",
            "p2p help send",
            "p2p --secure off send a b",
            "p2p peers lst",
            "p2p --json=1 peers",
        ] {
            assert!(Cli::read_called(&words(line)).is_none(), "{line}");
        }
    }
}
