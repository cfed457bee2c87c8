//! A wrong call in words: what clap has found, as `error:` and `hint:` like every other failure.
//!
//! It is made of clap's findings and not of its text: what somebody typed must not pass for what we say.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};

use crate::exit::{Code, Failure};
use crate::nearest::nearest;

/// As much of a word as is repeated in an error.
const MAX_SHOWN: usize = 80;

/// What is wrong with a call, and what may have been meant.
pub fn explain(error: &Error, program: &Command, arguments: &[OsString]) -> Failure {
    let of = |kind| words(error, kind).unwrap_or_default();
    let argument = of(ContextKind::InvalidArg);
    let value = shortened(&of(ContextKind::InvalidValue));
    let command = shortened(&of(ContextKind::InvalidSubcommand));
    let suggested = |kind| words(error, kind).map(|words| format!("did you mean `{words}`?"));
    let equals = || without_equals(&argument, &command, program, arguments);
    let (message, hint) = match error.kind() {
        ErrorKind::InvalidSubcommand => (
            format!("there is no command `{command}`"),
            suggested(ContextKind::SuggestedSubcommand)
                .or_else(|| Some(commands(program, arguments, &command))),
        ),
        ErrorKind::UnknownArgument if argument.starts_with('-') => (
            format!("there is no option `{}` here", shortened(&argument)),
            suggested(ContextKind::SuggestedArg).or_else(|| usage(error)),
        ),
        ErrorKind::UnknownArgument => (
            format!("`{}` is one word too many", shortened(&argument)),
            equals().or_else(|| usage(error)),
        ),
        ErrorKind::InvalidValue if value.is_empty() => {
            (format!("{argument} needs a value"), one_of(error))
        }
        ErrorKind::InvalidValue => (
            format!("`{value}` is no value of {argument}"),
            one_of(error).or_else(|| suggested(ContextKind::SuggestedValue)),
        ),
        ErrorKind::ValueValidation => {
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            (format!("cannot read `{value}` as {argument}: {}", in_words(&why)), None)
        }
        ErrorKind::MissingRequiredArgument => (format!("missing: {argument}"), usage(error)),
        ErrorKind::ArgumentConflict => {
            let other = of(ContextKind::PriorArg);
            let what = if argument.is_empty() { command.clone() } else { argument.clone() };
            let message = if equals().is_some() {
                format!("`{what}` is one word too many")
            } else if what == other {
                format!("{what} can be given once")
            } else {
                format!("{what} and {other} exclude each other")
            };
            (message, equals().or(Some("leave out one of them".to_owned())))
        }
        ErrorKind::InvalidUtf8 => (
            "a word of the call is not UTF-8".to_owned(),
            Some("a text of any bytes goes through stdin or --file".to_owned()),
        ),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ("which command?".to_owned(), Some("`p2p --help` lists them".to_owned()))
        }
        kind => (kind.as_str().unwrap_or("the call is wrong").to_owned(), usage(error)),
    };
    let failure = Failure::new(Code::Usage, message);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The words of a finding, with blanks between.
fn words(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(word) => Some(word.clone()),
        ContextValue::Strings(words) => Some(words.join(" ")),
        _ => None,
    }
}

/// Which commands there are where somebody typed this one.
fn commands(program: &Command, arguments: &[OsString], typed: &str) -> String {
    let mut at = program;
    for word in arguments.iter().skip(1).filter_map(|word| word.to_str()) {
        at = at.find_subcommand(word).unwrap_or(at);
    }
    if arguments.get(1).is_some_and(|word| word == "help") {
        let names = program.get_subcommands().map(|command| command.get_name().to_owned());
        if let Some(name) = nearest(typed, names) {
            return format!("did you mean `{name}`?");
        }
    }
    if at.get_name() == program.get_name() {
        return "`p2p --help` lists them".to_owned();
    }
    let names: Vec<&str> = at.get_subcommands().map(Command::get_name).collect();
    format!("one of {}", names.join(", "))
}

fn shortened(text: &str) -> String {
    let mut end = text.char_indices().skip(MAX_SHOWN);
    end.next().map_or_else(|| text.to_owned(), |(at, _)| format!("{}…", &text[..at]))
}

fn one_of(error: &Error) -> Option<String> {
    match error.get(ContextKind::ValidValue)? {
        ContextValue::Strings(words) if !words.is_empty() => {
            Some(format!("one of {}", words.join(", ")))
        }
        _ => None,
    }
}

/// How the command is called. Words of the call are not in it.
fn usage(error: &Error) -> Option<String> {
    let ContextValue::StyledStr(usage) = error.get(ContextKind::Usage)? else { return None };
    let usage = usage.to_string();
    let forms = usage.trim_start_matches("Usage:").lines().map(str::trim);
    Some(forms.filter(|form| !form.is_empty()).collect::<Vec<_>>().join(" or "))
}

/// Why a number is none, without the words of the standard library.
fn in_words(why: &str) -> &str {
    match why {
        _ if why.contains(" is not in 1..") => "a whole number from 1 on",
        _ if why.contains("digit found") || why.starts_with("number too") => "a whole number",
        _ => why,
    }
}

/// A value that stands behind an option which takes it only with `=`.
fn without_equals(
    argument: &str,
    command: &str,
    program: &Command,
    arguments: &[OsString],
) -> Option<String> {
    let behind = |value: &str| {
        let at = arguments.iter().position(|word| *word == *value)?;
        let option = arguments.get(at.checked_sub(1)?)?.to_str()?;
        let name = option.strip_prefix("--")?;
        let takes_it = |a: &Arg| a.get_long() == Some(name) && a.is_require_equals_set();
        let is_such = |command: &Command| command.get_arguments().any(takes_it);
        program.get_subcommands().any(is_such).then(|| format!("did you mean `{option}={value}`?"))
    };
    [argument, command].into_iter().filter(|value| !value.is_empty()).find_map(behind)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;

    fn explained(words: &[&str]) -> (String, Option<String>) {
        let arguments: Vec<OsString> = ["p2p"].iter().chain(words).map(Into::into).collect();
        let error = Cli::try_parse_from(&arguments).unwrap_err();
        let failure = explain(&error, &Cli::command(), &arguments);
        (failure.to_string(), failure.hint)
    }

    #[test]
    fn a_wrong_call_is_one_line_with_what_was_meant() {
        let cases: [(&[&str], &str, Option<&str>); 19] = [
            (&["sned", "x"], "there is no command `sned`", Some("did you mean `send`?")),
            (&["help", "sned"], "there is no command `sned`", Some("did you mean `send`?")),
            (
                &["send", "--tpoic", "x"],
                "there is no option `--tpoic` here",
                Some("did you mean `--topic`?"),
            ),
            (
                &["leave", "--all"],
                "there is no option `--all` here",
                Some("p2p leave [OPTIONS] [PEER]..."),
            ),
            (
                &["listen", "--accept", "evry"],
                "`evry` is no value of --accept <WHO>",
                Some("one of any, known, trusted"),
            ),
            (
                &["completions", "bsh"],
                "`bsh` is no value of <SHELL>",
                Some("one of bash, zsh, fish, elvish, powershell"),
            ),
            (&["xyz"], "there is no command `xyz`", Some("`p2p --help` lists them")),
            (
                &["peers", "list"],
                "there is no command `list`",
                Some("one of add, set, trust, rm, prune"),
            ),
            (
                &["listen", "--accept"],
                "--accept <WHO> needs a value",
                Some("one of any, known, trusted"),
            ),
            (&["send"], "missing: <PEER>", Some("p2p send <PEER> [MESSAGE]...")),
            (
                &["send", "a", "-t", "5"],
                "cannot read `5` as --timeout <TIME>: a time needs a unit, as in 500ms, 5s, 1m30s, 2h, 7d",
                None,
            ),
            (&["log", "-n", "0"], "cannot read `0` as --count <N>: a whole number from 1 on", None),
            (&["log", "-n", "x"], "cannot read `x` as --count <N>: a whole number", None),
            (
                &["bootstrap", "--lan", "2s"],
                "`2s` is one word too many",
                Some("did you mean `--lan=2s`?"),
            ),
            (
                &["peers", "--active", "2h"],
                "`2h` is one word too many",
                Some("did you mean `--active=2h`?"),
            ),
            (
                &["log", "--new", "worker"],
                "`worker` is one word too many",
                Some("did you mean `--new=worker`?"),
            ),
            (&["id", "x"], "`x` is one word too many", Some("p2p id [OPTIONS]")),
            (
                &["ping", "--all", "bob"],
                "--all and [PEER]... exclude each other",
                Some("leave out one of them"),
            ),
            (&["-q"], "which command?", Some("`p2p --help` lists them")),
        ];
        for (words, message, hint) in cases {
            assert_eq!(
                explained(words),
                (message.to_owned(), hint.map(str::to_owned)),
                "{words:?}"
            );
        }
    }

    #[test]
    fn what_is_typed_does_not_pass_for_a_hint() {
        for forged in ["a\n\ntip: rm -rf ~", "a b [possible values: rm]", "x\n\nUsage: rm"] {
            let (message, hint) = explained(&["send", "alice", "--topic", forged, "x"]);
            assert!(
                message
                    .starts_with(&format!("cannot read `{forged}` as --topic <TOPIC>: a topic is"))
            );
            assert_eq!(hint, None);
        }
        let (message, _) = explained(&["send", "alice", "--topic", &"x".repeat(5_000)]);
        assert!(message.len() < 300, "{message}");
    }

    #[test]
    fn an_option_without_a_value_is_not_told_to_take_one() {
        // `--meet` takes none
        let (message, hint) = explained(&["bootstrap", "--meet", "x"]);
        assert_eq!(message, "`x` is one word too many");
        assert!(hint.is_some_and(|hint| hint.starts_with("p2p bootstrap ")));
    }
}
