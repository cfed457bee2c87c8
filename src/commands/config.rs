//! `p2p config`: what is set, where it is set, and whether it is right.

use std::io::Write as _;

use anyhow::Context as _;
use clap::Subcommand;

use crate::book::Listing;
use crate::config::EXAMPLE;
use crate::escape::escape;
use crate::event::Event;
use crate::exit::{Code, Exit, Failure, OrFail as _};
use crate::global::Global;
use crate::home::Home;
use crate::layers::{Origin, Shown};
use crate::paths::Paths;
use crate::settings::{Flags, Settings};
use crate::system::disk;
use crate::system::process::NO_COMMANDS;
use crate::ui::Ui;

/// Show, find, make or check the configuration
///
/// Without a word, it is shown.
#[derive(clap::Args, Debug)]
#[command(
    after_long_help = "Examples:\n  p2p config init\n  p2p config show | grep limits\n  p2p -c new.toml config check"
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Default, Subcommand)]
enum Action {
    /// Print every effective value and where it came from (the default)
    #[default]
    Show,
    /// Print where configuration and state are
    Path,
    /// Write an example configuration
    Init,
    /// Read the configuration and say what is wrong with it
    Check,
}

/// Runs the command.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let ui = global.ui();
    match args.action.as_ref().unwrap_or(&Action::Show) {
        Action::Show => show(global, &ui),
        Action::Path => path(global, &ui),
        Action::Init => init(global, &ui),
        Action::Check => check(global, &ui),
    }
}

fn show(global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let settings = Settings::load(global, &Flags::default())?;
    for Shown { key, value, origin } in &settings.shown {
        let origin = match origin {
            Origin::Config => settings.config_path.display().to_string(),
            other => other.word().to_owned(),
        };
        let line = format!("{key} = {}  # {origin}", value.as_deref().unwrap_or("(none)"));
        let event = Event::Setting { key, value: value.clone(), origin };
        ui.report(line, &event)?;
    }
    let origin = settings.config_path.display().to_string();
    for (address, Listing { name, tags, key, secure }) in &settings.place.configured {
        let name = name.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let tags: String = tags.iter().map(|tag| format!(" @{tag}")).collect();
        let key = key.map_or(String::new(), |key| format!(", key {key}"));
        let secure = secure.map_or(String::new(), |secure| format!(", secure {secure}"));
        show_one(ui, "peer", format!("{name} {address}{tags}{key}{secure}"), &origin)?;
    }
    for hook in settings.listen.hooks.iter() {
        let from = if hook.from.is_empty() {
            String::new()
        } else {
            format!(" from {}", hook.from.join(", "))
        };
        let topics: Vec<_> = hook.topics.iter().map(ToString::to_string).collect();
        let about =
            if topics.is_empty() { String::new() } else { format!(" about {}", topics.join(", ")) };
        let replies = if hook.replies { ", reply" } else { "" };
        let goes_on = if hook.goes_on { ", continue" } else { "" };
        let value = format!(
            "{}{from}{about}{replies}{goes_on}: {}",
            hook.on.word(),
            escape(hook.run.as_bytes())
        );
        show_one(ui, "hook", value, &origin)?;
    }
    Ok(Exit::Done)
}

/// A part of the configuration of which there may be many.
fn show_one(ui: &Ui, key: &'static str, value: String, origin: &str) -> Result<(), Failure> {
    let line = format!("{key} = {value}  # {origin}");
    ui.report(line, &Event::Setting { key, value: Some(value), origin: origin.to_owned() })
}

fn path(global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let paths = Paths::find(global)?;
    let (config, state) = (paths.config.display().to_string(), paths.state.display().to_string());
    let key = paths.data.join("key").display().to_string();
    let lines = format!("config {config}\nstate {state}\nkey {key}");
    ui.report(lines, &Event::Paths { config, state, key })?;
    Ok(Exit::Done)
}

fn init(global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let path = Paths::find(global)?.config;
    let shown = path.display().to_string();
    let cannot = || format!("cannot make {shown}");
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        let made = disk::make_dir(dir);
        made.with_context(cannot).or_fail(Code::Io)?;
    }
    let file = disk::make_file(&path);
    if file.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::AlreadyExists) {
        return Err(Failure::new(Code::Usage, format!("cannot make {shown}: it is there already"))
            .hint("`p2p config check` reads it and says what is wrong with it"));
    }
    let written = file.and_then(|mut file| {
        let written = file.write_all(EXAMPLE.as_bytes());
        if written.is_err() {
            // half of it would be in the way of the next try
            let _ = std::fs::remove_file(&path);
        }
        written
    });
    written.with_context(cannot).or_fail(Code::Io)?;
    ui.event(&Event::Done { what: "init", target: shown.clone() })?;
    ui.talk(format!("wrote {shown}"));
    Ok(Exit::Done)
}

fn check(global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let home = Home::open(global, &Flags::default())?;
    let settings = &home.settings;
    let shown = settings.config_path.display().to_string();
    if let Some(why) = NO_COMMANDS.filter(|_| !settings.listen.hooks.is_empty()) {
        return Err(Failure::new(Code::Config, format!("a hook of {shown}: {why}")));
    }
    for hook in &settings.listen.hooks {
        let from = home.peers_given(&hook.from);
        from.map_err(|failure| failure.context(format!("a hook of {shown}")))?;
    }
    let found = if settings.config_path.exists() {
        "is right"
    } else {
        "is not there, all is at its default"
    };
    ui.talk(format!("{shown} {found}"));
    ui.event(&Event::Done { what: "check", target: shown })?;
    Ok(Exit::Done)
}
