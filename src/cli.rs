//! The command line: the options that every command has, and one line for each command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    bootstrap, broadcast, completions, config, leave, listen, peers, ping, send,
};
use crate::exit::EXIT_STATUS_HELP;
use crate::ui::{Color, Ui, is_set};

/// Tell other machines things directly: no server, no account, no daemon to administer
#[derive(Debug, Parser)]
#[command(name = "p2p", version, after_help = after_help(), args_override_self = true)]
#[command(arg_required_else_help = true, infer_subcommands = false, max_term_width = 100)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

fn after_help() -> String {
    format!(
        "PEER is the name of a known peer, or HOST:PORT, [IPV6]:PORT, or :PORT for this machine.\n\
         Times need a unit: 500ms, 5s, 1m30s, 2h, 7d.\n\n\
         {EXIT_STATUS_HELP}\n\n\
         Environment:\n  \
         P2P_HOME, P2P_CONFIG, P2P_NAME, P2P_JSON   as --home, --config, --name, --json\n  \
         NO_COLOR, CLICOLOR_FORCE                   colours off, on"
    )
}

/// Options of every command
#[derive(Args, Debug, Default)]
pub struct Global {
    /// Keep configuration and state in this directory
    #[arg(long, value_name = "DIR", global = true, help_heading = "Global options")]
    pub home: Option<PathBuf>,
    /// Read this configuration file
    #[arg(short, long, value_name = "FILE", global = true, help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Call ourselves this, in one word
    #[arg(long, value_name = "NAME", global = true, help_heading = "Global options")]
    pub name: Option<String>,
    /// Print one JSON object a line
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Say nothing but what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub quiet: bool,
    /// Say what is done, also without a terminal
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub verbose: bool,
    /// Use colours: auto (on a terminal, unless NO_COLOR is set), always, never
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    #[arg(help_heading = "Global options", hide_possible_values = true, hide_default_value = true)]
    pub color: Color,
}

impl Global {
    /// How this invocation talks.
    pub fn ui(&self) -> Ui {
        let json = self.json || is_set("P2P_JSON");
        Ui::new(json, self.quiet, self.verbose, self.color)
    }
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
    Config(config::Args),
    Completions(completions::Args),
}
