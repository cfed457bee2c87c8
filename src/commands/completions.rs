//! `p2p completions`: the script that teaches a shell our commands and options.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::{Exit, Failure};
use crate::ui::write_bytes;

/// Print the completion script of a shell
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    p2p completions bash > ~/.local/share/bash-completion/completions/p2p\n  \
    p2p completions zsh > ~/.zfunc/_p2p\n  \
    p2p completions fish > ~/.config/fish/completions/p2p.fish")]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    write_bytes(&script(args.shell))?;
    Ok(Exit::Done)
}

/// The completion script of a shell.
pub fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "p2p", &mut script);
    script
}
