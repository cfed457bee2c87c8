//! p2p: scripts and people on several machines tell each other things directly.
//!
//! A handful of nouns (peer, message, connection, peer book) and a dozen verbs (the commands); bytes, sockets, disk,
//! terminal and system each have exactly one door. `ARCHITECTURE.md` draws the floors.

pub mod acquaint;
pub mod address;
pub mod arrived;
pub mod book;
pub mod changes;
pub mod chunk;
pub mod cli;
pub mod codec;
pub mod commands;
pub mod completion;
pub mod config;
pub mod connection;
pub mod delivery;
pub mod dial;
pub mod escape;
pub mod event;
pub mod exchange;
pub mod exit;
pub mod fanout;
pub mod global;
pub mod hearsay;
pub mod home;
pub mod hooks;
pub mod id;
pub mod inbox;
pub mod key;
pub mod lan;
pub mod layers;
pub mod limits;
pub mod line;
pub mod lines;
pub mod listener;
pub mod lookup;
pub mod message;
pub mod misread;
pub mod name;
pub mod nearest;
pub mod neighbours;
pub mod newcomers;
pub mod outreach;
pub mod paths;
pub mod peer;
pub mod pieces;
pub mod posted;
pub mod questions;
pub mod quorum;
pub mod recheck;
pub mod recorder;
pub mod report;
pub mod retry;
pub mod senders;
pub mod service;
pub mod session;
pub mod settings;
pub mod signals;
pub mod slots;
pub mod state;
pub mod system;
pub mod tag;
pub mod talk;
pub mod terms;
pub mod topic;
pub mod trouble;
pub mod trust;
pub mod ui;

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use crate::cli::Cli;
use crate::exit::{Exit, Failure};
use crate::global::Global;
use crate::ui::Ui;

/// Runs the program with these arguments, the first being its own name, and gives its exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::read(&arguments) {
        Ok(cli) => cli,
        Err(error) => return misread(&arguments, &error),
    };
    let ui = cli.global.ui();
    match cli.run() {
        Ok(exit) => exit.number(),
        Err(failure) => fail(&ui, &failure),
    }
}

/// Help and version are data; anything else is a wrong call.
fn misread(arguments: &[OsString], error: &clap::Error) -> u8 {
    let mut ui = Global::default().ui();
    let options = arguments.iter().take_while(|argument| *argument != "--");
    ui.json |= options.into_iter().any(|argument| argument == "--json");
    let is_help = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        // whoever has given no words at all is shown which there are
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !ui.json => false,
        _ => return fail(&ui, &misread::explain(error, &Cli::command(), arguments)),
    };
    match ui::print_parsed(error) {
        Err(failure) if is_help => fail(&ui, &failure),
        _ if is_help => Exit::Done.number(),
        _ => Exit::Usage.number(),
    }
}

/// Says what went wrong, unless it is only that nobody reads our output any more.
fn fail(ui: &Ui, failure: &Failure) -> u8 {
    if ui::is_closed_output(failure) {
        return Exit::Done.number();
    }
    ui.fail(failure);
    failure.code.exit().number()
}
