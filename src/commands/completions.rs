//! `p2p completions`: the script that teaches a shell our commands and options.

use clap::Command;
use clap_complete::Shell;

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

/// Runs the command; the script is made of the whole program's definition.
pub fn run(args: &Args, program: &mut Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, program, "p2p", &mut script);
    write_bytes(&script)?;
    Ok(Exit::Done)
}
