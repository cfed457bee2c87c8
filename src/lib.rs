//! p2p: scripts and people on several machines tell each other things directly.
//!
//! A handful of nouns (peer, message, connection, peer book) and a dozen verbs (the commands); bytes, sockets, disk and
//! terminal each have exactly one door. `ARCHITECTURE.md` draws the floors.

pub mod acquaint;
pub mod address;
pub mod arrived;
pub mod book;
pub mod changes;
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
pub mod name;
pub mod nearest;
pub mod neighbours;
pub mod newcomers;
pub mod open_files;
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
pub mod tag;
pub mod talk;
pub mod terms;
pub mod topic;
pub mod trouble;
pub mod trust;
pub mod ui;

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::cli::Cli;
use crate::event::Event;
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::ui::Ui;

/// Runs the program with these arguments, the first being its own name, and gives its exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
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
    let ui = Global::default().ui();
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let printed = ui::print_parsed(error);
    if is_help {
        return match printed {
            Ok(()) => Exit::Done.number(),
            Err(failure) => fail(&ui, &failure),
        };
    }
    if ui.json || arguments.iter().any(|a| a == "--json") {
        let text = error.render().to_string();
        let said = text.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = said.trim_start_matches("error: ").split_whitespace().collect();
        let failure = Failure::new(Code::Usage, words.join(" "));
        // the exit status says it too
        let _ = ui::write_bytes(Event::error(&failure).line().as_bytes());
    }
    Exit::Usage.number()
}

/// Says what went wrong, unless it is only that nobody reads our output any more.
fn fail(ui: &Ui, failure: &Failure) -> u8 {
    if ui::is_closed_output(failure) {
        return Exit::Done.number();
    }
    ui.fail(failure);
    failure.code.exit().number()
}
