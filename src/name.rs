//! What a peer calls itself: a label to read and to type, never a permission.

use std::fmt;
use std::str::FromStr;

use crate::escape::is_visible;

/// Longest name in bytes; the limit of the plain wire's header (see `docs/PROTOCOL.md`).
pub const MAX_NAME_BYTES: usize = 64;

/// A peer's name: 1 to 64 bytes of visible characters, not starting with `-` or the `<0>` of a journal, without blanks at
/// its ends.
///
/// Most peers call themselves by one word. Some student programs let their users type blanks; those are kept
/// here and shown as `_` wherever a name has to be one word (see [`Name::word`]).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is no name.
#[derive(Debug, PartialEq, Eq)]
pub enum NameError {
    /// It is empty or has blanks at an end.
    Blank,
    /// It is longer than [`MAX_NAME_BYTES`].
    TooLong,
    /// It starts with `-` and could be taken for an option (CVE-2023-51385).
    LeadingDash,
    /// It has a character that means something else where names are typed.
    Reserved,
    /// It has a backslash or a character that cannot be seen.
    Invisible,
}

impl Name {
    /// The name as one word: blanks become `_`.
    pub fn word(&self) -> String {
        self.0.replace(' ', "_")
    }

    /// The name as the peer gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes a name of the name of a machine: what a name cannot hold becomes `_`, what is too long is cut.
    pub fn from_any(text: &str) -> Option<Self> {
        let mut word = String::new();
        for c in text.trim().chars() {
            let c = if c == ' ' || c == '\\' || !is_visible(c) { '_' } else { c };
            if word.len() + c.len_utf8() > MAX_NAME_BYTES {
                break;
            }
            word.push(c);
        }
        // what these start means something else on the wire
        word.trim_start_matches(['-', '@', '<', '[', '{']).parse().ok()
    }

    /// Reads a name that a person gives: one word without what stands for something else on the command line or at
    /// the start of a message. Blanks become `_`.
    pub fn typed(text: &str) -> Result<Self, NameError> {
        let name: Self = text.replace(' ', "_").parse()?;
        let reserved =
            name.0.contains([':', '@', '/', ',', '*']) || name.0.starts_with(['<', '[', '{']);
        if reserved { Err(NameError::Reserved) } else { Ok(name) }
    }

    /// Whether a word that was typed means this name.
    pub fn is_called(&self, word: &str) -> bool {
        self.0 == word || self.word() == word.replace(' ', "_")
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.trim() != text {
            Err(NameError::Blank)
        } else if text.len() > MAX_NAME_BYTES {
            Err(NameError::TooLong)
        } else if text.starts_with('-') {
            Err(NameError::LeadingDash)
        } else if is_priority(text) {
            Err(NameError::Reserved)
        } else if text.chars().any(|c| c == '\\' || !is_visible(c)) {
            Err(NameError::Invisible)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// Whether a line that begins so is taken for one of another priority by the journal of systemd (sd-daemon(3)): `<0>` is an
/// emergency, which goes to every terminal of the machine.
fn is_priority(text: &str) -> bool {
    let number = text.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    number.is_some_and(|(n, _)| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word())
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("a name is not empty and has no blanks at its ends"),
            Self::TooLong => write!(f, "a name has at most {MAX_NAME_BYTES} bytes"),
            Self::LeadingDash => f.write_str("a name does not start with `-`"),
            Self::Reserved => {
                f.write_str("a name has none of : @ / , * and does not start with < [ {")
            }
            Self::Invisible => f.write_str("a name has only visible characters and no backslash"),
        }
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_visible_short_and_no_option() {
        for (text, error) in [
            ("", NameError::Blank),
            (" alice", NameError::Blank),
            ("-rf", NameError::LeadingDash),
            ("<0>", NameError::Reserved),
            ("<13>alice", NameError::Reserved),
            ("a\u{202e}b", NameError::Invisible),
            ("a\x1b[31m", NameError::Invisible),
            ("a\nb", NameError::Invisible),
            ("a\\b", NameError::Invisible),
        ] {
            assert_eq!(text.parse::<Name>(), Err(error), "{text:?}");
        }
        assert!("<alice>".parse::<Name>().is_ok() && "<3".parse::<Name>().is_ok());
        assert_eq!("x".repeat(65).parse::<Name>(), Err(NameError::TooLong));
        assert!("x".repeat(64).parse::<Name>().is_ok());
    }

    #[test]
    fn a_name_with_blanks_is_shown_and_found_as_one_word() {
        let name: Name = "The Red Team".parse().expect("a name");
        assert_eq!(name.to_string(), "The_Red_Team");
        assert!(name.is_called("The_Red_Team") && name.is_called("The Red Team"));
        assert!(!name.is_called("The"));
    }

    #[test]
    fn any_text_makes_our_own_name_one_word() {
        for (text, name) in [
            ("my laptop", Some("my_laptop")),
            ("--help", Some("help")),
            ("a\nb", Some("a_b")),
            ("  ", None),
            ("---", None),
        ] {
            assert_eq!(Name::from_any(text).map(|n| n.to_string()).as_deref(), name, "{text:?}");
        }
        let long = Name::from_any(&"é".repeat(40)).expect("a name");
        assert_eq!(long.as_str(), "é".repeat(32));
    }
}
