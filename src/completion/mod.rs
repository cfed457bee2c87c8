//! What may come next on a command line that is being typed.
//!
//! The words are read by clap's engine and by the definitions of the commands. What only the state knows (peers, tags, topics)
//! is asked for by the name of a value in the help: PEER is completed wherever it stands. Neither the network nor a lock is
//! ever touched, nothing is written, and a home that cannot be read has nothing to offer.

mod known;
pub mod shells;

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};

use self::known::Known;
use crate::global::Global;

/// Something that may come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The whole word that it would be.
    pub value: String,
    /// What it is, on one line.
    pub about: Option<String>,
}

/// What may come next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// All that is known.
    pub candidates: Vec<Candidate>,
    /// Whether it is a file, which a shell knows better.
    pub is_file: bool,
}

/// Which peers fit.
#[derive(Clone, Copy)]
enum Fits {
    /// One is meant, so that no tag fits.
    One,
    /// There may be many.
    Many,
    /// A name lets somebody in, so that a person has to have given it.
    Given,
}

/// What is known for a value.
type Source = fn(&Known, &str) -> Vec<Candidate>;

/// What is known for a value of this name; `None` where it has to be thought of.
fn source(value_name: &str, fits: Fits) -> Option<Source> {
    Some(match value_name {
        "PEER" => match fits {
            Fits::One => Known::peer,
            Fits::Many => Known::peers,
            Fits::Given => Known::given_peers,
        },
        "HOST:PORT" => Known::new_addresses,
        "TAG" => Known::tags,
        "TOPIC" => Known::topics,
        "GLOB" => Known::patterns,
        "CURSOR" => Known::cursors,
        "QUORUM" => |_, word| words(word, &[("all", "each of them"), ("any", "one of them")]),
        _ => return None,
    })
}

fn words(typed: &str, all: &[(&str, &str)]) -> Vec<Candidate> {
    let fits = all.iter().filter(|(value, _)| value.starts_with(typed));
    fits.map(|&(value, about)| Candidate { value: value.into(), about: Some(about.into()) })
        .collect()
}

/// What is at the cursor, as the engine has found out by asking.
#[derive(Default)]
enum Place {
    /// Something that the definitions of the commands know.
    #[default]
    Defined,
    /// A value of which this is known; stands for [`MARK`] in what the engine gives.
    Known(Vec<Candidate>),
    /// A file.
    File,
    /// Text of which nothing can be known.
    Free,
}

/// Stands in the engine's answer for what we know: ten thousand names need not go through its hands.
const MARK: char = '\u{f8ff}';

/// What may come in place of the last of these words, the first of which is the program's name; variables that are set before
/// it are taken for ours.
pub fn answer(program: Command, words: &[OsString]) -> Answer {
    let is_variable = |word: &&OsString| word.to_string_lossy().contains('=');
    let before = words.iter().take_while(is_variable).count();
    let (variables, words) = words.split_at(before);
    let Some((current, earlier)) = words.split_last().filter(|(_, earlier)| !earlier.is_empty())
    else {
        return Answer::default();
    };
    let current = current.to_string_lossy();
    let place = Arc::new(Mutex::new(Place::default()));
    let known = Known::of(home_of(variables, earlier));
    let mut program = asking(program, &known, &place);
    // the process is about to end, and taking thousands of peers apart takes a tenth of its time
    std::mem::forget(known);
    let here = env::current_dir().ok();
    let found = complete(&mut program, words.to_vec(), earlier.len(), here.as_deref());
    let place = std::mem::take(&mut *place.lock().unwrap_or_else(PoisonError::into_inner));
    let mut found: Vec<Candidate> = found.iter().flatten().filter_map(candidate).collect();
    match place {
        Place::File => return Answer { candidates: Vec::new(), is_file: true },
        Place::Free if !current.starts_with('-') => return Answer::default(),
        Place::Known(known) => {
            let mark = found.iter().position(|found| found.value.ends_with(MARK));
            let prefix = mark.map(|at| found.remove(at).value.replace(MARK, ""));
            let whole = |found: Candidate| Candidate {
                value: format!("{}{}", prefix.as_deref().unwrap_or_default(), found.value),
                ..found
            };
            // a shell would take it for somebody's home
            let can_be_typed = |found: &Candidate| !found.value.starts_with('~');
            found.splice(0..0, known.into_iter().filter(can_be_typed).map(whole));
        }
        Place::Defined | Place::Free => {}
    }
    sift(&mut found, &program, &current, earlier);
    Answer { candidates: found, is_file: false }
}

/// Has every argument of every command tell when it is asked for, and what is known for it.
fn asking(command: Command, known: &Known, place: &Arc<Mutex<Place>>) -> Command {
    let lets_in = command.get_name() == "listen";
    let command = command.mut_args(|argument| {
        let fits = match argument.get_action() {
            ArgAction::Append if lets_in => Fits::Given,
            ArgAction::Append => Fits::Many,
            _ => Fits::One,
        };
        let name = argument.get_value_names().and_then(|names| names.first());
        let source = name.and_then(|name| source(name, fits));
        let is_file = argument.get_value_hint() != ValueHint::Unknown;
        let has_words = argument.get_value_parser().possible_values().is_some();
        if !argument.get_action().takes_values() || has_words {
            return argument;
        }
        let (known, place) = (known.clone(), Arc::clone(place));
        argument.add(ArgValueCompleter::new(move |typed: &OsStr| {
            let asked = match source {
                Some(source) => Place::Known(source(&known, &typed.to_string_lossy())),
                None if is_file => Place::File,
                None => Place::Free,
            };
            let is_known = matches!(asked, Place::Known(_));
            *place.lock().unwrap_or_else(PoisonError::into_inner) = asked;
            let mark = is_known.then(|| CompletionCandidate::new(MARK.to_string()));
            mark.into_iter().collect::<Vec<_>>()
        }))
    });
    command.mut_subcommands(|command| asking(command, known, place))
}

/// As text on one line.
fn candidate(found: &CompletionCandidate) -> Option<Candidate> {
    let value = found.get_value().to_str()?.to_owned();
    let about = found.get_help().map(|help| {
        let help = help.to_string();
        help.lines().next().unwrap_or_default().to_owned()
    });
    Some(Candidate { value, about })
}

/// Options are for who begins one, and for where nothing else is known; those that were given are not offered again.
fn sift(found: &mut Vec<Candidate>, program: &Command, current: &str, earlier: &[OsString]) {
    let is_option = |found: &Candidate| found.value.starts_with('-');
    if !current.starts_with('-') && found.iter().any(|found| !is_option(found)) {
        found.retain(|found| !is_option(found));
    }
    // flags that may follow a flag in one word are more puzzling than helpful
    if current.len() > 1 && !current.starts_with("--") {
        found.retain(|found| !is_option(found) || found.value.len() != current.len() + 1);
    }
    let mut command = program;
    for word in earlier.iter().filter_map(|word| word.to_str()) {
        command = command.find_subcommand(word).unwrap_or(command);
    }
    let was_given = |argument: &Arg| {
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        earlier.iter().filter_map(|word| word.to_str()).any(|word| {
            let name = word.split('=').next();
            (long.is_some() && name == long.as_deref()) || short.as_deref() == Some(word)
        })
    };
    let once = command.get_arguments().filter(|a| !matches!(a.get_action(), ArgAction::Append));
    let given: Vec<String> = once
        .filter(|argument| was_given(argument))
        .flat_map(|argument| {
            let long = argument.get_long().map(|long| format!("--{long}"));
            long.into_iter().chain(argument.get_short().map(|short| format!("-{short}")))
        })
        .collect();
    found.retain(|found| found.value == current || !given.contains(&found.value));
}

/// The home and the configuration of the command that is typed, as its options and the variables before it say.
fn home_of(variables: &[OsString], words: &[OsString]) -> Global {
    let mut global = Global::default();
    for variable in variables {
        let variable = variable.to_string_lossy();
        match variable.split_once('=') {
            Some(("P2P_HOME", value)) => global.home = Some(path(value)),
            Some(("P2P_CONFIG", value)) => global.config = Some(path(value)),
            _ => {}
        }
    }
    let mut words = words.iter().skip(1).map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) if word.starts_with("--") => (option, Some(value.to_owned())),
            _ => (&*word, None),
        };
        let place = match option {
            "--home" => &mut global.home,
            "--config" | "-c" => &mut global.config,
            "--" => break,
            _ => continue,
        };
        if let Some(value) = value.or_else(|| words.next().map(Into::into)) {
            *place = Some(path(&value));
        }
    }
    global
}

/// A shell replaces `~` only when the command is run.
fn path(typed: &str) -> PathBuf {
    let rest = if typed == "~" { Some("") } else { typed.strip_prefix("~/") };
    let below_home = rest.and_then(|rest| Some(env::home_dir()?.join(rest)));
    below_home.unwrap_or_else(|| Path::new(typed).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    fn completed(words: &[&str]) -> Vec<String> {
        let words: Vec<OsString> = words.iter().map(Into::into).collect();
        let answer = answer(Cli::command(), &words);
        answer.candidates.into_iter().map(|found| found.value).collect()
    }

    #[test]
    fn commands_options_and_their_words_are_offered() {
        assert_eq!(completed(&["p2p", "se"]), ["send"]);
        assert_eq!(completed(&["p2p", "peers", "se"]), ["set"]);
        assert_eq!(completed(&["p2p", "listen", "--accept", ""]), ["any", "known", "trusted"]);
        assert_eq!(completed(&["p2p", "listen", "--accept=k"]), ["--accept=known"]);
        assert_eq!(completed(&["p2p", "listen", "--share-peers", "n"]), ["nobody"]);
        assert_eq!(completed(&["p2p", "send", "a", "--sec"]), ["--secure"]);
        assert_eq!(completed(&["p2p", "broadcast", "--quorum", "a"]), ["all", "any"]);
        assert_eq!(completed(&["p2p", "completions", "f"]), ["fish"]);
    }

    #[test]
    fn options_come_only_where_one_is_begun_or_nothing_else_is_known() {
        assert!(completed(&["p2p", ""]).iter().all(|value| !value.starts_with('-')));
        assert!(completed(&["p2p", "listen", ""]).contains(&"--accept".to_owned()));
        assert!(completed(&["p2p", "-"]).contains(&"-q".to_owned()));
        let twice = completed(&["p2p", "broadcast", "--reply", "--to", "a", "--"]);
        assert!(twice.contains(&"--to".to_owned()) && !twice.contains(&"--reply".to_owned()));
        assert!(completed(&["p2p", "send", "alice", "--retry-for", ""]).is_empty());
        let counted = completed(&["p2p", "listen", "-n", "3", "--accept=any", "--"]);
        assert!(counted.contains(&"--port".to_owned()));
        assert!(!counted.contains(&"--count".to_owned()), "it was given by its letter");
        assert!(!counted.contains(&"--accept".to_owned()));
        assert!(completed(&["p2p", "send", "alice", ""]).is_empty(), "a text begins as it likes");
        assert!(completed(&["p2p", "send", "alice", "-"]).contains(&"--topic".to_owned()));
        assert!(completed(&["p2p", "-q"]).iter().all(|value| value == "-q"));
        assert!(completed(&["p2p"]).is_empty() && completed(&[]).is_empty());
    }

    #[test]
    fn whatever_can_be_known_of_a_value_is_asked_for() {
        /// Values that have to be thought of.
        const FREE: [&str; 13] = [
            "TIME", "N", "COUNT", "PORT", "ADDR", "HOST", "CMD", "MESSAGE", "NAME", "ID", "KEY",
            "WORD", "COMMAND",
        ];
        fn check(command: &Command) {
            let takes = |a: &&Arg| a.get_num_args().is_some_and(|n| n.takes_values());
            for argument in command.get_arguments().filter(takes) {
                let name = argument.get_value_names().unwrap()[0].as_str();
                let is_path = argument.get_value_hint() != ValueHint::Unknown;
                let has_words = argument.get_value_parser().possible_values().is_some();
                let is_known = source(name, Fits::Many).is_some() || is_path || has_words;
                let place = format!("{} {}", command.get_name(), argument.get_id());
                assert!(is_known != FREE.contains(&name), "{place}: {name}");
            }
            command.get_subcommands().for_each(check);
        }
        let mut program = Cli::command();
        program.build();
        check(&program);
    }

    #[test]
    fn where_a_file_is_wanted_the_shell_is_told_so() {
        let is_file = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(Into::into).collect();
            answer(Cli::command(), &words).is_file
        };
        assert!(is_file(&["p2p", "send", "alice", "-f", ""]));
        assert!(is_file(&["p2p", "--home=/t"]) && is_file(&["p2p", "-c", "x"]));
        assert!(!is_file(&["p2p", "send", ""]) && !is_file(&["p2p", "send", "alice", ""]));
    }

    #[test]
    fn the_home_that_is_typed_is_the_one_that_is_read() {
        let of = |variables: &[&str], words: &[&str]| {
            let all = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
            let Global { home, config, .. } = home_of(&all(variables), &all(words));
            let shown = |path: Option<PathBuf>| path.map(|path| path.display().to_string());
            (shown(home), shown(config))
        };
        let some = |path: &str| Some(path.to_owned());
        assert_eq!(of(&["X=1", "P2P_HOME=/a"], &["p2p", "send"]), (some("/a"), None));
        assert_eq!(of(&["P2P_HOME=/a"], &["p2p", "--home=/b", "send"]), (some("/b"), None));
        assert_eq!(of(&[], &["p2p", "send", "--home", "/b", "-c", "/c"]), (some("/b"), some("/c")));
        assert_eq!(of(&[], &["p2p", "send", "--", "--home", "/b"]), (None, None));
        let home = env::home_dir().unwrap().join("x").display().to_string();
        assert_eq!(of(&[], &["p2p", "--home", "~/x"]), (Some(home), None));
    }
}
