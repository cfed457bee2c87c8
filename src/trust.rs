//! Which keys are believed, which senders are taken, and what may go unencrypted.

use std::fmt;
use std::str::FromStr;

/// How a key comes to be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The one that is seen at first contact is remembered ("trust on first use").
    #[default]
    Tofu,
    /// Only what a person has given is.
    Strict,
}

/// Whether messages are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secure {
    /// Always, or they are not sent and not taken.
    Require,
    /// Between two p2p; with plain programs they are not.
    #[default]
    Prefer,
    /// Never.
    Off,
}

/// Whose messages a listener takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accept {
    /// Everybody's.
    #[default]
    Any,
    /// Those of peers that are in the list.
    Known,
    /// Those of peers whose key a person has given.
    Trusted,
}

/// Who is told of our peers when he asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Everybody whose messages are taken.
    Any,
    /// Those whose key a person has given.
    #[default]
    Trusted,
    /// Nobody.
    Nobody,
}

/// A word that is none of those that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord(&'static str);

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "known here: {}", self.0)
    }
}

impl std::error::Error for UnknownWord {}

/// Gives an enumeration its words, to be read and written.
macro_rules! words {
    ($kind:ident, $all:literal, $($variant:ident = $word:literal),+) => {
        impl $kind {
            /// The word for it in configuration and options.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $kind {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text { $($word => Ok(Self::$variant),)+ _ => Err(UnknownWord($all)) }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words!(Trust, "tofu, strict", Tofu = "tofu", Strict = "strict");
words!(Secure, "require, prefer, off", Require = "require", Prefer = "prefer", Off = "off");
words!(Share, "any, trusted, nobody", Any = "any", Trusted = "trusted", Nobody = "nobody");
words!(Accept, "any, known, trusted", Any = "any", Known = "known", Trusted = "trusted");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for word in ["require", "prefer", "off"] {
            assert_eq!(word.parse::<Secure>().unwrap().to_string(), word);
        }
        for word in ["any", "known", "trusted"] {
            assert_eq!(word.parse::<Accept>().unwrap().to_string(), word);
        }
        for word in ["any", "trusted", "nobody"] {
            assert_eq!(word.parse::<Share>().unwrap().to_string(), word);
        }
        assert_eq!("strict".parse(), Ok(Trust::Strict));
        assert_eq!(
            "yes".parse::<Secure>().unwrap_err().to_string(),
            "known here: require, prefer, off"
        );
    }
}
