//! A public key: who a peer is, whatever it calls itself and wherever it is.
//!
//! It is an Ed25519 key (RFC 8032). Written as text it has one form everywhere, 64 hex digits, and a short one for eyes
//! that is never read back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Length of a public key in bytes.
pub const KEY_BYTES: usize = 32;

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY_BYTES]);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

impl PublicKey {
    /// The key of these bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Its first 80 bits in groups of four digits: enough for eyes to tell two keys apart, also if somebody has made
    /// keys until one looked like it.
    pub fn fingerprint(&self) -> String {
        const FINGERPRINT_DIGITS: usize = 20;
        let digits = &self.to_string()[..FINGERPRINT_DIGITS];
        let groups: Vec<_> =
            (0..FINGERPRINT_DIGITS).step_by(4).map(|at| &digits[at..at + 4]).collect();
        groups.join("-")
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| DIGITS[usize::from(half)];
        let pairs = self.0.map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        f.write_str(str::from_utf8(pairs.as_flattened()).unwrap_or_default())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (pairs, rest) = text.as_bytes().as_chunks();
        if pairs.len() != KEY_BYTES || !rest.is_empty() {
            return Err(KeyError);
        }
        let mut bytes = [0; KEY_BYTES];
        for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Ok(Self(bytes))
    }
}

/// What a hex digit stands for.
fn digit(digit: u8) -> Result<u8, KeyError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(KeyError),
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key is 64 hex digits, as `p2p id` prints them")
    }
}

impl std::error::Error for KeyError {}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_anything_else_is_none() {
        let bytes = std::array::from_fn(|at| (at * 7 + 3) as u8);
        let key = PublicKey::new(bytes);
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(text.to_uppercase().parse(), Ok(key));
        assert_eq!(key.fingerprint(), "030a-1118-1f26-2d34-3b42");
        for bad in [
            &text[1..],
            &format!("{text}0"),
            &text.replace('a', "g"),
            &text.replace("03", "+3"),
            "",
        ] {
            assert_eq!(bad.parse::<PublicKey>(), Err(KeyError), "{bad}");
        }
        assert!(key.fingerprint().parse::<PublicKey>().is_err());
    }
}
