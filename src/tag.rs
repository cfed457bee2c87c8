//! A tag: a word that a person gives to peers, to mean all that have it.

use std::fmt;
use std::str::FromStr;

use crate::name::{Name, NameError};

/// A tag, written `@TAG` where a peer could stand; one word, by the grammar of names that are typed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// The word itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Name::typed(text).map(|name| Self(name.word()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
