//! What tells one message from all others, so that one that is sent again is known.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest id in bytes: room for a name with a time, twice what 128 random bits take.
pub const MAX_ID_BYTES: usize = 64;

/// The id of a message: 1 to 64 letters, digits and `. _ : -`, beginning with a letter or digit. It is unique for its sender's key, not
/// beyond.
///
/// It goes through many hands on its way, and all of them hold the same text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(Arc<str>);

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError;

impl MessageId {
    /// The id of 128 random bits.
    pub fn of(random: u128) -> Self {
        Self(format!("{random:032x}").into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MessageId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let is_fine = (1..=MAX_ID_BYTES).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(is_plain);
        if is_fine { Ok(Self(text.into())) } else { Err(IdError) }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        text.0.parse().map_err(D::Error::custom)
    }
}

/// A text that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an id has 1 to {MAX_ID_BYTES} letters, digits and . _ : - and begins with a letter or digit"
        )
    }
}

impl std::error::Error for IdError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_short_word_of_plain_characters() {
        assert_eq!(MessageId::of(255).as_str(), "000000000000000000000000000000ff");
        for good in ["a", "0", "backup-2026-11-21T10:00:00.db_1", &"x".repeat(64)] {
            assert_eq!(good.parse::<MessageId>().unwrap().to_string(), good);
        }
        for bad in ["", "-a", ".a", "a b", "a\nb", "é", "a/b", "a\"", &"x".repeat(65)] {
            assert_eq!(bad.parse::<MessageId>(), Err(IdError), "{bad:?}");
        }
    }
}
