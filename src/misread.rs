//! A wrong call in words: what clap says of it, as `error:` and `hint:` like every other failure.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, Error};

use crate::exit::{Code, Failure};

/// What is wrong with a call, and what may have been meant.
pub fn explain(error: &Error, program: &Command, arguments: &[OsString]) -> Failure {
    let text = error.render().to_string();
    let mut said = text.split("\n\n").map(str::trim_end);
    let (message, words) = split_words(said.next().unwrap_or_default());
    let failure = Failure::new(Code::Usage, message);
    let paragraphs: Vec<&str> = said.collect();
    let begins = |with: &str| paragraphs.iter().find_map(|text| text.trim().strip_prefix(with));
    let tip = begins("tip: ").map(|tip| tip.lines().next().unwrap_or_default().to_owned());
    let usage = || begins("Usage: ").map(|usage| one_line(&usage.replace('\n', " or ")));
    let hint = without_equals(error, program, arguments).or(tip).or(words).or_else(usage);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The message on one line, and the words of which one was wanted.
fn split_words(paragraph: &str) -> (String, Option<String>) {
    let message = paragraph.trim_start_matches("error: ");
    match message.split_once("[possible values: ") {
        Some((message, words)) => {
            (one_line(message), Some(format!("one of {}", words.trim_end_matches(']'))))
        }
        None => (one_line(message), None),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value that stands behind an option which takes it only with `=`.
fn without_equals(error: &Error, program: &Command, arguments: &[OsString]) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let value = text(ContextKind::InvalidArg)
        .filter(|value| !value.starts_with('-'))
        .or_else(|| text(ContextKind::InvalidSubcommand))?;
    let at = arguments.iter().position(|word| *word == *value)?;
    let option = arguments.get(at.checked_sub(1)?)?.to_str()?;
    let name = option.strip_prefix("--")?;
    let takes_it =
        |argument: &Arg| argument.get_long() == Some(name) && argument.is_require_equals_set();
    let is_such = |command: &Command| command.get_arguments().any(takes_it);
    program.get_subcommands().any(is_such).then(|| format!("did you mean `{option}={value}`?"))
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
        let cases: [(&[&str], &str, Option<&str>); 9] = [
            (
                &["sned", "x"],
                "unrecognized subcommand 'sned'",
                Some("a similar subcommand exists: 'send'"),
            ),
            (
                &["send", "--tpoic", "x"],
                "unexpected argument '--tpoic' found",
                Some("a similar argument exists: '--topic'"),
            ),
            (
                &["listen", "--accept", "evry"],
                "invalid value 'evry' for '--accept <WHO>'",
                Some("one of any, known, trusted"),
            ),
            (
                &["completions", "bsh"],
                "invalid value 'bsh' for '<SHELL>'",
                Some("a similar value exists: 'bash'"),
            ),
            (
                &["send"],
                "the following required arguments were not provided: <PEER>",
                Some("p2p send <PEER> [MESSAGE]..."),
            ),
            (
                &["send", "a", "-t", "5"],
                "invalid value '5' for '--timeout <TIME>': a time needs a unit, as in 500ms, 5s, 1m30s, 2h, 7d",
                None,
            ),
            (
                &["bootstrap", "--lan", "2s"],
                "unexpected argument '2s' found",
                Some("did you mean `--lan=2s`?"),
            ),
            (
                &["peers", "--active", "2h"],
                "the subcommand '2h' cannot be used with '--active[=<TIME>]'",
                Some("did you mean `--active=2h`?"),
            ),
            (
                &["log", "--new", "worker"],
                "unexpected argument 'worker' found",
                Some("did you mean `--new=worker`?"),
            ),
        ];
        for (words, message, hint) in cases {
            assert_eq!(explained(words), (message.to_owned(), hint.map(str::to_owned)));
        }
    }
}
