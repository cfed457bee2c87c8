//! How each shell hands over what is typed, and how it takes what may come.
//!
//! The scripts in `completions/` are all that a shell keeps; they call `p2p completions SHELL -- WORD…`. What is printed goes
//! into a command line that somebody runs, so whatever a shell would not take for a plain word is quoted, here or by
//! the shell itself: a peer's name is chosen by the peer.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{Command, ValueEnum};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Answer, Candidate, answer};

/// The shells that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash, from version 4 on
    Bash,
    /// The Z shell
    Zsh,
    /// fish
    Fish,
    /// Elvish
    Elvish,
    /// PowerShell
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
}

/// What bash tells of the moment, beside the words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Whether what is given is listed, and not only put into the line (`COMP_TYPE`).
    pub lists: bool,
    /// The columns of the terminal, if they are known.
    pub columns: Option<usize>,
}

impl Moment {
    /// As the script of bash passes it on.
    pub fn of_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok()?.parse().ok();
        // bash(1): `?` lists after a second TAB, `!` and `@` list at once
        let lists = [b'?', b'!', b'@'].map(usize::from);
        let kind = number("COMP_TYPE");
        Self { lists: kind.is_some_and(|kind| lists.contains(&kind)), columns: number("COLUMNS") }
    }
}

impl Shell {
    /// What teaches the shell to ask us.
    pub fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../completions/p2p.bash"),
            Self::Zsh => include_str!("../../completions/_p2p"),
            Self::Fish => include_str!("../../completions/p2p.fish"),
            Self::Elvish => include_str!("../../completions/p2p.elv"),
            Self::PowerShell => include_str!("../../completions/_p2p.ps1"),
        }
    }

    /// What may come, as the shell's script reads it: one on a line; where a file is wanted, a line that says so.
    pub fn answer(self, program: Command, words: &[OsString], moment: Moment) -> String {
        match self {
            Self::Bash => bash(program, words, moment),
            Self::Zsh => lines(&answer(program, words), ':', |value| {
                Some(value.replace('\\', "\\\\").replace(':', "\\:"))
            }),
            Self::Fish => {
                // it comes as it was typed, with quotes that may be open
                let (last, earlier) = words.split_last().unzip();
                let last =
                    last.map(|last| split(&last.to_string_lossy()).0.pop().unwrap_or_default());
                let mut words = earlier.unwrap_or_default().to_vec();
                words.extend(last.map(OsString::from));
                lines(&answer(program, &words), '\t', |value| Some(value.to_owned()))
            }
            Self::Elvish => lines(&answer(program, words), '\t', |value| Some(value.to_owned())),
            Self::PowerShell => power_shell(program, words),
        }
    }
}

/// The line by which a shell is told that a file is wanted, which it completes better: no value is empty.
const FILES: &str = "\tfiles\n";

/// More than this are listed without descriptions: nobody reads them, and a shell takes its time for each.
pub(super) const MAX_DESCRIBED: usize = 500;

/// One on a line, with what it is behind a separator; what a shell cannot be given is left out.
fn lines(answer: &Answer, separator: char, value: impl Fn(&str) -> Option<String>) -> String {
    if answer.is_file {
        return FILES.to_owned();
    }
    let is_described = answer.candidates.len() <= MAX_DESCRIBED;
    let mut lines = String::new();
    for found in &answer.candidates {
        let Some(value) = value(&found.value) else { continue };
        lines.push_str(&value);
        if let Some(about) = found.about.as_ref().filter(|_| is_described) {
            let _ = write!(lines, "{separator}{about}");
        }
        lines.push('\n');
    }
    lines
}

/// bash breaks words at colons and some other characters, in versions and settings of its own. So it hands over the whole line up
/// to the cursor, and the part that it is going to replace: what comes before that part is cut from the answer.
fn bash(program: Command, words: &[OsString], moment: Moment) -> String {
    let [line, replaced] = words else { return String::new() };
    let (mut words, quote) = split(&line.to_string_lossy());
    if drop_redirections(&mut words) {
        return FILES.to_owned();
    }
    let current = words.last().cloned().unwrap_or_default();
    let (replaced, _) = split(&replaced.to_string_lossy());
    let replaced = replaced.last().map_or("", String::as_str);
    let kept = current.strip_suffix(replaced).map_or(0, str::len);
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let Answer { mut candidates, is_file } = answer(program, &words);
    if is_file {
        return FILES.to_owned();
    }
    for found in &mut candidates {
        found.value = found.value.get(kept..).unwrap_or_default().to_owned();
    }
    candidates.retain(|found| !found.value.is_empty());
    match quote {
        // between quotes nothing can be quoted once more
        Some(_) => candidates.retain(|found| is_plain(&found.value)),
        None => candidates.iter_mut().for_each(|found| found.value = quoted(&found.value)),
    }
    // with a description a single one would be put into the line
    let count = candidates.len();
    if moment.lists && (2..=MAX_DESCRIBED).contains(&count) {
        listing(&candidates, moment.columns)
    } else {
        bare(&candidates)
    }
}

/// Takes redirections and their files out of the words; tells whether the last word is such a file.
fn drop_redirections(words: &mut Vec<String>) -> bool {
    // whether a redirection has its file in the same word
    let redirection = |word: &str| {
        let rest = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&');
        let file = rest.strip_prefix(['<', '>'])?.trim_start_matches(['<', '>', '|', '&']);
        Some(!file.is_empty())
    };
    let (mut kept, mut wants_file, mut is_file) = (Vec::with_capacity(words.len()), false, false);
    for word in words.drain(..) {
        let redirection = redirection(&word);
        is_file = wants_file || redirection == Some(true);
        match redirection {
            _ if wants_file => wants_file = false,
            Some(has_file) => wants_file = !has_file,
            None => kept.push(word),
        }
    }
    *words = kept;
    is_file
}

fn bare(found: &[Candidate]) -> String {
    found.iter().fold(String::new(), |lines, found| lines + &found.value + "\n")
}

/// What bash shows when it only lists: it knows no descriptions, but what it shows is free.
fn listing(found: &[Candidate], columns: Option<usize>) -> String {
    /// Longer words than this stand out.
    const MAX_PADDED: usize = 40;
    let width = found.iter().map(|found| found.value.width()).filter(|&w| w <= MAX_PADDED).max();
    let (width, columns) = (width.unwrap_or_default(), columns.unwrap_or(80));
    let mut lines = String::new();
    for Candidate { value, about } in found {
        lines.push_str(value);
        if let Some(about) = about {
            let pad = width.saturating_sub(value.width());
            // a line that fills the terminal is broken
            let room = columns.saturating_sub(value.width() + pad + 6);
            if room > 0 {
                let _ = write!(lines, "{:pad$}  ({})", "", cut(about, room));
            }
        }
        lines.push('\n');
    }
    lines
}

/// As much of a text as fits.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or_default();
        used <= columns
    };
    text.chars().take_while(fits).collect::<String>() + "…"
}

/// Whether bash takes every character for itself.
fn is_plain(value: &str) -> bool {
    value.chars().all(|c| c.is_alphanumeric() || "_-.,:/@%+=".contains(c))
}

/// With a backslash before whatever means something to bash; an address in brackets is a pattern for names of files.
fn quoted(value: &str) -> String {
    let is_odd = |c: char| !is_plain(c.encode_utf8(&mut [0; 4]));
    value.chars().flat_map(|c| is_odd(c).then_some('\\').into_iter().chain([c])).collect()
}

/// The words of a line, the last of which may be empty or not finished, and the quote in which it ends.
fn split(line: &str) -> (Vec<String>, Option<char>) {
    // what is begun is ended for the reading only; the mark is where the cursor is
    const MARK: char = '\u{f8ff}';
    for quote in [None, Some('"'), Some('\'')] {
        let whole: String = line.chars().chain([MARK]).chain(quote).collect();
        if let Some(mut words) = shlex::split(&whole)
            && let Some(last) = words.last_mut().filter(|last| last.ends_with(MARK))
        {
            last.pop();
            return (words, quote);
        }
    }
    (Vec::new(), None)
}

/// PowerShell drops empty arguments, so its script puts a dot behind the last word.
fn power_shell(program: Command, words: &[OsString]) -> String {
    let mut words = words.to_vec();
    if let Some(last) = words.last_mut() {
        let whole = last.to_string_lossy();
        *last = whole.strip_suffix('.').unwrap_or(&whole).into();
    }
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:".contains(c);
    lines(&answer(program, &words), '\t', |value| {
        // PowerShell takes typographic quotes for quotes, too
        let has_quote = value.contains(['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}']);
        if value.chars().all(is_plain) {
            Some(value.to_owned())
        } else {
            (!has_quote).then(|| format!("'{value}'"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_a_shell_does_up_to_the_cursor() {
        let cases: [(&str, &[&str], Option<char>); 8] = [
            ("p2p send ", &["p2p", "send", ""], None),
            ("p2p send al", &["p2p", "send", "al"], None),
            ("p2p send 10.0.0.1:", &["p2p", "send", "10.0.0.1:"], None),
            ("p2p send \"a b", &["p2p", "send", "a b"], Some('"')),
            ("p2p send 'a", &["p2p", "send", "a"], Some('\'')),
            ("p2p 'x y' --home=a\\ b", &["p2p", "x y", "--home=a b"], None),
            ("P2P_HOME=/x p2p ", &["P2P_HOME=/x", "p2p", ""], None),
            ("", &[""], None),
        ];
        for (line, words, quote) in cases {
            assert_eq!(split(line), (words.iter().map(ToString::to_string).collect(), quote));
        }
    }

    #[test]
    fn what_a_shell_would_run_or_expand_is_quoted() {
        for plain in ["alice", "10.0.0.1:5000", "@web", "größe", "--lan=2s", "a/b/"] {
            assert_eq!(quoted(plain), plain);
        }
        for odd in [
            "$(reboot)",
            "a;b",
            "a`b`",
            "a&b",
            "a>b",
            "a'b",
            "a\"b",
            "a*",
            "a b",
            "!x",
            "#x",
            "[::1]:5000",
            "~x",
        ] {
            let quoted = quoted(odd);
            assert_ne!(quoted, odd);
            assert_eq!(shlex::split(&quoted), Some(vec![odd.to_owned()]));
        }
    }

    /// What bash, or another shell, is answered in a home that knows these peers.
    fn answered(shell: Shell, names: &[&str], words: &[&str], lists: bool) -> String {
        use clap::CommandFactory as _;
        let home = tempfile::tempdir().unwrap();
        let peers: String = names
            .iter()
            .zip(1..)
            .map(|(name, n)| {
                let name = serde_json::to_string(name).unwrap();
                format!(
                    "{{\"v\":1,\"addr\":\"10.0.0.{n}:1\",\"name\":{name},\"source\":\"static\"}}\n"
                )
            })
            .collect();
        crate::system::disk::make_file(&home.path().join("peers"))
            .and_then(|mut file| std::io::Write::write_all(&mut file, peers.as_bytes()))
            .unwrap();
        let home = home.path().display();
        let words: Vec<OsString> = words
            .iter()
            .map(|word| word.replace("HOME", &format!("--home {home}")).into())
            .collect();
        let words = match shell {
            Shell::Bash => words,
            _ => words
                .iter()
                .flat_map(|word| word.to_str().unwrap().split(' '))
                .map(Into::into)
                .collect(),
        };
        let moment = Moment { lists, columns: Some(80) };
        shell.answer(crate::cli::Cli::command(), &words, moment)
    }

    #[test]
    fn bash_gets_what_it_replaces_and_descriptions_only_in_a_list() {
        let bash = |names: &[&str], line: &str, replaced: &str, lists| {
            answered(Shell::Bash, names, &[line, replaced], lists)
        };
        let two = ["alice", "alina"];
        assert_eq!(
            bash(&two, "p2p HOME send 10.0.0.1:", "", true),
            "1\n",
            "one is put into the line"
        );
        assert_eq!(
            bash(&two, "p2p HOME send al", "al", true),
            "alice  (10.0.0.1:1)\nalina  (10.0.0.2:1)\n"
        );
        assert_eq!(bash(&two, "p2p HOME send al", "al", false), "alice\nalina\n");
        assert_eq!(bash(&two, "p2p HOME send 10.0.0.1:1", "1", false), "1\n");
        assert_eq!(bash(&["a;b", "ac"], "p2p HOME send a", "a", false), "a\\;b\nac\n");
        // between quotes it would stay as it is
        assert_eq!(bash(&["a;b", "ac"], "p2p HOME send \"a", "a", false), "ac\n");
        assert_eq!(bash(&["~a", "b"], "p2p HOME send ", "", false), "b\n", "no home of somebody");
        assert_eq!(bash(&two, "p2p HOME listen > al", "al", false), FILES);
        assert_eq!(bash(&two, "p2p HOME listen 2>>al", "al", false), FILES);
        assert_eq!(bash(&two, "p2p HOME send <x alic", "alic", false), "alice\n");
    }

    #[test]
    fn power_shell_is_given_nothing_that_ends_a_quote() {
        let names = ["a\u{2019};calc;#", "b'", "c$x", "d"];
        let answer = answered(Shell::PowerShell, &names, &["p2p HOME send ."], false);
        assert_eq!(answer, "'c$x'\t10.0.0.3:1\nd\t10.0.0.4:1\n");
    }

    #[test]
    fn zsh_gets_colons_and_backslashes_with_a_backslash() {
        let answer = answered(Shell::Zsh, &["a"], &["p2p HOME send 10"], false);
        assert_eq!(answer, "10.0.0.1\\:1:a\n");
    }

    #[test]
    fn a_name_that_cannot_be_typed_is_not_offered() {
        let names = ["a,b", "a@b", "ab"];
        assert_eq!(answered(Shell::Fish, &names, &["p2p HOME send a"], false), "ab\t10.0.0.3:1\n");
    }

    #[test]
    fn so_many_that_nobody_reads_them_have_no_descriptions() {
        let found = |count| Answer {
            candidates: vec![Candidate { value: "a".into(), about: Some("b".into()) }; count],
            is_file: false,
        };
        let lines = |count| lines(&found(count), '\t', |value| Some(value.to_owned()));
        assert!(lines(MAX_DESCRIBED).starts_with("a\tb\n"));
        assert!(lines(MAX_DESCRIBED + 1).starts_with("a\n"));
    }

    #[test]
    fn a_listing_keeps_within_the_terminal() {
        let found = [("alice", "10.0.0.1:5000"), ("bo", "a description that is long")];
        let found = found
            .map(|(value, about)| Candidate { value: value.into(), about: Some(about.into()) });
        let shown = listing(&found, Some(24));
        assert_eq!(shown, "alice  (10.0.0.1:5000)\nbo     (a descriptio…)\n");
        assert!(shown.lines().all(|line| line.width() < 24));
    }
}
