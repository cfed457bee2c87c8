//! How each shell hands over what is typed, and how it takes what may come.
//!
//! The scripts in `completions/` are all that a shell keeps; they call `p2p completions SHELL -- WORD…`. What is printed goes
//! into a command line that somebody runs, so whatever a shell would not take for a plain word is quoted, here or by
//! the shell itself: a peer's name is chosen by the peer.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{Command, ValueEnum};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Candidate, candidates};

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

    /// What may come, as the shell's script reads it: one on a line.
    pub fn answer(self, program: Command, words: &[OsString], moment: Moment) -> String {
        match self {
            Self::Bash => bash(program, words, moment),
            Self::Zsh => lines(&candidates(program, words), ':', |value| {
                value.replace('\\', "\\\\").replace(':', "\\:")
            }),
            Self::Fish | Self::Elvish => lines(&candidates(program, words), '\t', str::to_owned),
            Self::PowerShell => power_shell(program, words),
        }
    }
}

/// One on a line, with what it is behind a separator.
fn lines(found: &[Candidate], separator: char, value: impl Fn(&str) -> String) -> String {
    let mut lines = String::new();
    for found in found {
        lines.push_str(&value(&found.value));
        if let Some(about) = &found.about {
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
    let (words, quote) = split(&line.to_string_lossy());
    let current = words.last().cloned().unwrap_or_default();
    let (replaced, _) = split(&replaced.to_string_lossy());
    let replaced = replaced.last().map_or("", String::as_str);
    let kept = current.strip_suffix(replaced).map_or(0, str::len);
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let mut found = candidates(program, &words);
    for candidate in &mut found {
        candidate.value = candidate.value.get(kept..).unwrap_or_default().to_owned();
    }
    match quote {
        // between quotes nothing can be quoted once more
        Some(_) => found.retain(|found| is_plain(&found.value)),
        None => found.iter_mut().for_each(|found| found.value = quoted(&found.value)),
    }
    found.retain(|found| !found.value.is_empty());
    if moment.lists && found.len() > 1 { listing(&found, moment.columns) } else { bare(&found) }
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
    value.chars().all(|c| c.is_alphanumeric() || "_-.,:/@%+=[]".contains(c))
}

/// With a backslash before whatever means something to bash, but for the `~` that is a home.
fn quoted(value: &str) -> String {
    let (home, rest) = value.split_at(if value.starts_with("~/") { 2 } else { 0 });
    let is_odd = |c: char| !is_plain(c.encode_utf8(&mut [0; 4]));
    let quoted = |c| is_odd(c).then_some('\\').into_iter().chain([c]);
    home.chars().chain(rest.chars().flat_map(quoted)).collect()
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
    lines(&candidates(program, &words), '\t', |value| {
        let value = value.to_owned();
        if value.chars().all(is_plain) { value } else { format!("'{}'", value.replace('\'', "''")) }
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
        for plain in ["alice", "10.0.0.1:5000", "[::1]:5000", "@web", "größe", "--lan=2s", "a/b/"]
        {
            assert_eq!(quoted(plain), plain);
        }
        for odd in
            ["$(reboot)", "a;b", "a`b`", "a&b", "a>b", "a'b", "a\"b", "a*", "a b", "!x", "#x"]
        {
            let quoted = quoted(odd);
            assert_ne!(quoted, odd);
            assert_eq!(shlex::split(&quoted), Some(vec![odd.to_owned()]));
        }
        assert_eq!(quoted("~/a b"), "~/a\\ b");
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
