//! `p2p completions`: the script that teaches a shell to ask us what may come next, and what it asks.

use std::ffi::OsString;

use clap::Command;

use crate::completion::shells::{Moment, Shell};
use crate::exit::{Exit, Failure};
use crate::ui::write_bytes;

/// Print the completion script of a shell
///
/// The script is short: it has p2p itself say what may come next, so that it completes the names, addresses and tags of the
/// peers that are known, and topics and cursors of the history. Only files of the home are read for that, never the network.
///
/// With words behind --, which is how the script calls it, it prints what may come in place of the last of them; for bash
/// these are the line up to the cursor and the part of it that bash is going to replace.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:\n  \
    p2p completions bash > ~/.local/share/bash-completion/completions/p2p\n  \
    p2p completions zsh > ~/.zfunc/_p2p\n  \
    p2p completions fish > ~/.config/fish/completions/p2p.fish\n  \
    p2p completions fish -- p2p send al")]
pub struct Args {
    /// The shell
    #[arg(
        value_enum,
        value_name = "SHELL",
        hide_possible_values = true,
        help = "bash, zsh, fish, elvish or powershell"
    )]
    shell: Shell,
    /// What was typed, up to the cursor
    #[arg(last = true, value_name = "WORD")]
    words: Vec<OsString>,
}

/// Runs the command.
pub fn run(args: &Args, program: Command) -> Result<Exit, Failure> {
    let Args { shell, words } = args;
    let printed = if words.is_empty() {
        shell.script().to_owned()
    } else {
        shell.answer(program, words, Moment::of_environment())
    };
    write_bytes(printed.as_bytes())?;
    Ok(Exit::Done)
}
