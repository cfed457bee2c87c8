//! The manual: pages made of the definitions of the commands and of what is written by hand in `docs/man/sections`, kept as
//! they are in `docs/man`.
//!
//! `P2P_WRITE_MANUAL=1 cargo test manual` writes them anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use p2p::cli::Cli;
use p2p::exit::EXIT_STATUS_HELP;

/// Sections as man-pages(7) has them; others come before the last.
const ORDER: [&str; 10] = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "COMMANDS",
    "OPTIONS",
    "GLOBAL OPTIONS",
    "EXIT STATUS",
    "ENVIRONMENT",
    "FILES",
    "EXAMPLES",
];

/// When the manual was looked through last.
const DATE: &str = "2026-11-21";

/// How an apostrophe is printed, for what roff escapes as `\\*(Aq`.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

type Sections = Vec<(String, String)>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/man")
}

/// Each page by the name of its file.
fn pages() -> BTreeMap<String, String> {
    let mut program = Cli::command();
    // from here on each knows the options of all
    program.build();
    let mut commands: Vec<Command> = program.get_subcommands().cloned().collect();
    commands.retain(|command| command.get_name() != "help");
    let mut pages = BTreeMap::from([("p2p.1".to_owned(), page("p2p", program))]);
    for command in commands {
        let name = format!("p2p-{}", command.get_name());
        pages.insert(format!("{name}.1"), page(&name, command));
    }
    pages
}

fn page(name: &str, command: Command) -> String {
    let called = name.replacen('-', " ", 1);
    let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let subcommands: Vec<Command> = command.get_subcommands().cloned().collect();
    let mut sections = made(readable(command).bin_name(called).display_name(name.to_owned()));
    if !subcommands.is_empty() {
        sections.push(("COMMANDS".into(), list(name, subcommands)));
    }
    sections.extend(if name == "p2p" { exit_statuses() } else { from_help(&help) });
    let by_hand = std::fs::read_to_string(folder().join("sections").join(name));
    sections.extend(split(&by_hand.unwrap_or_default()));
    if name != "p2p" {
        let rest = "The options of every command, exit statuses, environment, files:\n.BR p2p (1)";
        sections.push(("SEE ALSO".into(), rest.into()));
    }
    let place = |title: &str| match title {
        "SEE ALSO" => ORDER.len() + 1,
        _ => ORDER.iter().position(|other| *other == title).unwrap_or(ORDER.len()),
    };
    sections.sort_by_key(|(title, _)| place(title));
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".\\\" Made by: P2P_WRITE_MANUAL=1 cargo test manual\n{APOSTROPHE}.TH {} 1 {DATE} \"p2p {version}\" \"p2p manual\"\n",
        name.to_uppercase()
    );
    let mut last = String::new();
    for (title, text) in sections {
        // two sources may have a part each
        page += &if title == last { ".PP\n".to_owned() } else { format!(".SH {title}\n") };
        page += &format!("{}\n", text.trim_end());
        last = title;
    }
    in_bold(&page)
}

/// Arguments as a manual shows them: each with its name, and its help in one piece.
fn readable(command: Command) -> Command {
    let is_part = command.get_name() != "p2p";
    command.mut_args(|argument| {
        // those of every command are on one page
        let is_everywhere = is_part && argument.is_global_set();
        let argument = argument.hide_short_help(false).hide(is_everywhere);
        let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string);
        let help = help.unwrap_or_default();
        let (first, rest) = help.split_once("\n\n").unwrap_or((&help, ""));
        let stop = if first.ends_with('.') { "" } else { "." };
        let whole = format!("{first}{stop} {}", rest.replace("\n\n", " "));
        argument.long_help(whole.trim().to_owned())
    })
}

/// What clap_mangen makes of a command.
fn made(mut command: Command) -> Sections {
    let usage = command.render_usage().to_string();
    let forms = usage.trim_start_matches("Usage: ").lines().map(|form| plain(form.trim()));
    let synopsis = format!(".SH SYNOPSIS\n{}\n", forms.collect::<Vec<_>>().join("\n.br\n"));
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map(ToString::to_string);
    // the name says already what it is
    let more = long.and_then(|long| Some(long.strip_prefix(&about)?.trim().to_owned()));
    let command = command.long_about(more.filter(|more| !more.is_empty()).unwrap_or(about + "."));
    let man = Man::new(command);
    let mut bytes = Vec::new();
    man.render_name_section(&mut bytes).unwrap();
    bytes.extend(synopsis.into_bytes());
    man.render_description_section(&mut bytes).unwrap();
    man.render_options_section(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    // each piece says how apostrophes are printed
    let is_text = |line: &&str| !line.starts_with(".ie") && !line.starts_with(".el");
    let text: Vec<&str> = text.lines().filter(is_text).collect();
    split(&text.join("\n"))
}

/// The sections of a piece of roff.
fn split(roff: &str) -> Sections {
    let section = |part: &str| {
        let (title, text) = part.split_once('\n').unwrap_or((part, ""));
        (title.trim_matches('"').to_owned(), text.to_owned())
    };
    format!("\n{roff}").split("\n.SH ").skip(1).map(section).collect()
}

/// The commands below one: on pages of their own, or on this one.
fn list(name: &str, subcommands: Vec<Command>) -> String {
    let mut text = String::new();
    for command in subcommands.into_iter().filter(|command| command.get_name() != "help") {
        let own = command.get_name().to_owned();
        if name == "p2p" {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            text += &format!(".TP\n.BR p2p\\-{own} (1)\n{}\n", plain(&about));
            continue;
        }
        let called = format!("{} {own}", name.replacen('-', " ", 1));
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        text += &format!(".SS {called}\n{}.\n.PP\n", plain(&about));
        for (title, part) in made(readable(command).bin_name(called)) {
            let begin = if title == "DESCRIPTION" { ".PP\n" } else { "" };
            // what it is stands above, and is all there is if it is said again
            if title != "NAME" && part.trim() != format!("{}.", plain(&about)).trim() {
                text += &format!("{begin}{}\n", part.trim_end());
            }
        }
    }
    text
}

/// The table of exit statuses.
fn exit_statuses() -> Sections {
    let lines = EXIT_STATUS_HELP.lines().skip(1).filter_map(|line| line.trim().split_once("   "));
    let row =
        |(status, meaning): (&str, &str)| format!(".TP\n.B {status}\n{}\n", plain(meaning.trim()));
    vec![("EXIT STATUS".into(), lines.map(row).collect())]
}

/// What the help says behind its options.
fn from_help(help: &str) -> Sections {
    let mut sections = Sections::new();
    let (examples, rest) = match help.split_once("Exit status: ") {
        Some((examples, rest)) => (examples, Some(rest)),
        None => (help, None),
    };
    if let Some(examples) = examples.trim().strip_prefix("Examples:\n") {
        let lines: Vec<String> = examples.lines().map(|line| plain(line.trim_start())).collect();
        sections.push(("EXAMPLES".into(), format!(".nf\n.RS 4\n{}\n.RE\n.fi", lines.join("\n"))));
    }
    if let Some(rest) = rest {
        sections.push(("EXIT STATUS".into(), plain(rest)));
    }
    sections
}

/// Text as roff prints it as it is.
fn plain(text: &str) -> String {
    let line = |line: &str| {
        let line = line
            .replace('\\', "\\e")
            .replace('-', "\\-")
            .replace('\'', "\\(aq")
            .replace('^', "\\(ha")
            .replace('~', "\\(ti");
        if line.starts_with('.') { format!("\\&{line}") } else { line }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What is between backticks is what somebody types.
fn in_bold(roff: &str) -> String {
    let mut parts = roff.split('`');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (number, part) in parts.enumerate() {
        let is_typed = number % 2 == 0;
        text += if is_typed { "\\fB" } else { "\\fR" };
        text +=
            &if is_typed { part.replace("\\-", "-").replace('-', "\\-") } else { part.to_owned() };
    }
    text
}

#[test]
fn the_pages_of_the_manual_are_what_the_commands_say() {
    let pages = pages();
    if std::env::var_os("P2P_WRITE_MANUAL").is_some() {
        for (file, page) in &pages {
            std::fs::write(folder().join(file), page).unwrap();
        }
    }
    let mut there: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".1"))
        .collect();
    there.sort();
    assert_eq!(there, pages.keys().cloned().collect::<Vec<_>>());
    for (file, page) in pages {
        let kept = std::fs::read_to_string(folder().join(&file)).unwrap();
        assert_eq!(kept, page, "docs/man/{file}: P2P_WRITE_MANUAL=1 cargo test manual");
    }
}

#[test]
fn man_shows_every_page_without_a_warning() {
    for page in pages().keys() {
        let mut man = Process::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l"]).arg(folder().join(page));
        man.env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8");
        let Ok(shown) = man.output() else {
            skipped!("no man here");
            return;
        };
        let said = String::from_utf8_lossy(&shown.stderr);
        assert!(shown.status.success() && said.is_empty(), "{page}: {said}");
        let text = String::from_utf8_lossy(&shown.stdout);
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"] {
            assert!(text.contains(&format!("\n{section}\n")), "{page} has no {section}");
        }
    }
}
