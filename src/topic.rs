//! What a message is about, in one word that its sender gives it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use wildmatch::WildMatch;

use crate::escape::is_visible;

/// Longest topic in bytes, as that of a name.
pub const MAX_TOPIC_BYTES: usize = 64;

/// A topic: 1 to 64 bytes of visible characters without blanks, backslash, `*` and `?`, not starting with `-`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Topic(String);

/// Why a text is no topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicError;

/// A pattern for topics: `*` stands for anything, `?` for one character.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicGlob(WildMatch);

impl Topic {
    /// The topic as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Topic {
    type Error = TopicError;

    fn try_from(text: String) -> Result<Self, TopicError> {
        let may_be_in = |c: char| is_visible(c) && !c.is_whitespace() && !"*?\\".contains(c);
        let is_fine = (1..=MAX_TOPIC_BYTES).contains(&text.len())
            && !text.starts_with('-')
            && text.chars().all(may_be_in);
        if is_fine { Ok(Self(text)) } else { Err(TopicError) }
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        Self::try_from(text.to_owned())
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a topic is one word of at most {MAX_TOPIC_BYTES} bytes without * ? and backslash that does not start with -"
        )
    }
}

impl std::error::Error for TopicError {}

impl TopicGlob {
    /// Whether this is the topic of a message that is meant; one without a topic never is.
    pub fn matches(&self, topic: Option<&Topic>) -> bool {
        topic.is_some_and(|topic| self.0.matches(&topic.0))
    }
}

impl fmt::Display for TopicGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TopicGlob {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        // what cannot be a topic with its wildcards taken out never matches one
        let rest = text.replace(['*', '?'], "");
        if text.is_empty() || !rest.is_empty() && rest.parse::<Topic>().is_err() {
            return Err(TopicError);
        }
        Ok(Self(WildMatch::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_one_visible_word() {
        for good in ["deploy", "lab/temp:1", "größe", "a.b-c", &"x".repeat(64)] {
            assert_eq!(good.parse::<Topic>().unwrap().as_str(), good);
        }
        for bad in ["", "-x", "a b", "a*", "a?", "a\n", "a\u{202e}b", "a\\b", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Topic>(), Err(TopicError), "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_means_whole_topics() {
        let topic: Topic = "lab/temp".parse().unwrap();
        for (glob, is_meant) in [
            ("lab/temp", true),
            ("lab/*", true),
            ("*", true),
            ("la?/temp", true),
            ("lab", false),
            ("LAB/*", false),
        ] {
            assert_eq!(
                glob.parse::<TopicGlob>().unwrap().matches(Some(&topic)),
                is_meant,
                "{glob}"
            );
        }
        assert!(!"*".parse::<TopicGlob>().unwrap().matches(None));
        assert!("a b".parse::<TopicGlob>().is_err() && "".parse::<TopicGlob>().is_err());
    }
}
