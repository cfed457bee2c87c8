//! The line that a p2p writes after a plain sender's end of stream: it has the message, or why not.
//!
//! Plain programs have closed by then and never see it. Another p2p reads in it that its bytes arrived, and who it
//! is that has them.

use std::fmt::Write as _;
use std::time::Duration;

use super::frame::is_code;
use crate::address::parse_port;
use crate::key::PublicKey;
use crate::name::Name;

/// Longest verdict that is read, in bytes: room for the pairs that later versions add.
pub const MAX_VERDICT_BYTES: usize = 1024;

const PREFIX: &str = "P2P/1 ";

/// What the listener says to the bytes of a whole connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are stored and shown.
    Ok {
        /// How many bytes arrived, and their CRC-32 (the polynomial of zlib).
        sum: Sum,
        /// What the listener calls itself.
        name: Option<Name>,
        /// Where it listens.
        port: Option<u16>,
        /// Its key, if it takes sessions.
        key: Option<PublicKey>,
    },
    /// They are refused; nothing was kept.
    No {
        /// Why: `busy`, `denied`, `too_large`, `insecure`, or a word of a later version.
        code: String,
        /// When another try may succeed.
        retry: Option<Duration>,
        /// The listener's key, if it takes sessions.
        key: Option<PublicKey>,
    },
}

/// Length and checksum of the bytes of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Number of bytes.
    pub bytes: u64,
    /// CRC-32 of them.
    pub crc32: u32,
}

impl Sum {
    /// The sum of the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, crc32: crc32fast::hash(bytes) }
    }
}

impl Verdict {
    /// The line with its newline.
    pub fn encode(&self) -> String {
        let mut line = String::from(PREFIX);
        // writing to a String cannot fail
        let _ = match self {
            Self::Ok { sum, name, port, .. } => {
                let _ = write!(line, "OK {} {:08x}", sum.bytes, sum.crc32);
                let _ = name.as_ref().map_or(Ok(()), |name| write!(line, " name={name}"));
                port.map_or(Ok(()), |port| write!(line, " port={port}"))
            }
            Self::No { code, retry, .. } => {
                let _ = write!(line, "NO {code}");
                retry.map_or(Ok(()), |retry| write!(line, " retry={}", retry.as_secs()))
            }
        };
        let _ = self.key().map_or(Ok(()), |key| write!(line, " key={key}"));
        line.push('\n');
        line
    }

    /// The listener's key, if it says it.
    pub fn key(&self) -> Option<PublicKey> {
        match self {
            Self::Ok { key, .. } | Self::No { key, .. } => *key,
        }
    }

    /// Reads a whole reply; anything but one verdict with its newline is none. Unknown pairs are ignored.
    pub fn decode(reply: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(reply).ok()?.strip_suffix('\n')?;
        let mut words = line.strip_prefix(PREFIX)?.split(' ');
        if line.contains('\n') || line.len() >= MAX_VERDICT_BYTES {
            return None;
        }
        match words.next()? {
            "OK" => {
                let bytes = words.next().filter(|w| is_digits(w))?.parse().ok()?;
                let crc32 = words.next().filter(|w| w.len() == 8 && is_hex(w))?;
                let crc32 = u32::from_str_radix(crc32, 16).ok()?;
                let (mut name, mut port, mut key) = (None, None, None);
                for (word, value) in words.filter_map(|w| w.split_once('=')) {
                    match word {
                        "name" => name = value.parse().ok(),
                        "port" => port = parse_port(value),
                        "key" => key = value.parse().ok(),
                        _ => {}
                    }
                }
                Some(Self::Ok { sum: Sum { bytes, crc32 }, name, port, key })
            }
            "NO" => {
                let code = words.next().filter(|w| is_code(w))?.to_owned();
                let (mut retry, mut key) = (None, None);
                for (word, value) in words.filter_map(|w| w.split_once('=')) {
                    match word {
                        "retry" if is_digits(value) => retry = value.parse().ok(),
                        "key" => key = value.parse().ok(),
                        _ => {}
                    }
                }
                Some(Self::No { code, retry: retry.map(Duration::from_secs), key })
            }
            _ => None,
        }
    }
}

fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<(Verdict, &'static str)> {
        let sum = Sum::of(b"10.0.0.2:7000 alice hello");
        let (name, port) = (Some("bob".parse().unwrap()), Some(5000));
        let key = Some(PublicKey::new([0xa5; 32]));
        let retry = Some(Duration::from_secs(5));
        vec![
            (
                Verdict::Ok { sum, name: name.clone(), port, key: None },
                "P2P/1 OK 25 34f8bee9 name=bob port=5000\n",
            ),
            (
                Verdict::Ok { sum: Sum::default(), name: None, port: None, key: None },
                "P2P/1 OK 0 00000000\n",
            ),
            (
                Verdict::No { code: "too_large".into(), retry: None, key: None },
                "P2P/1 NO too_large\n",
            ),
            (Verdict::No { code: "busy".into(), retry, key: None }, "P2P/1 NO busy retry=5\n"),
            (
                Verdict::No { code: "insecure".into(), retry: None, key },
                concat!(
                    "P2P/1 NO insecure ",
                    "key=a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\n"
                ),
            ),
            (
                Verdict::Ok { sum, name, port, key },
                concat!(
                    "P2P/1 OK 25 34f8bee9 name=bob port=5000 ",
                    "key=a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\n"
                ),
            ),
        ]
    }

    #[test]
    fn a_verdict_comes_back_as_it_went() {
        for (verdict, line) in examples() {
            assert_eq!(verdict.encode(), line);
            assert_eq!(Verdict::decode(line.as_bytes()), Some(verdict));
        }
    }

    #[test]
    fn a_cut_verdict_is_none() {
        for (_, line) in examples() {
            for end in 0..line.len() {
                assert_eq!(Verdict::decode(&line.as_bytes()[..end]), None, "{:?}", &line[..end]);
            }
        }
    }

    #[test]
    fn pairs_of_later_versions_are_ignored() {
        let line = b"P2P/1 OK 3 00000007 key=ab=cd future name=eve x= port=6000 =\n";
        let sum = Sum { bytes: 3, crc32: 7 };
        let expected =
            Verdict::Ok { sum, name: Some("eve".parse().unwrap()), port: Some(6000), key: None };
        assert_eq!(Verdict::decode(line), Some(expected));
    }

    #[test]
    fn a_name_or_port_that_breaks_its_grammar_is_left_out() {
        let line = "P2P/1 OK 3 00000007 name=-rf port=0\n";
        let sum = Sum { bytes: 3, crc32: 7 };
        assert_eq!(
            Verdict::decode(line.as_bytes()),
            Some(Verdict::Ok { sum, name: None, port: None, key: None })
        );
    }

    #[test]
    fn words_of_plain_programs_are_no_verdict() {
        for reply in [
            "ACK from 7000",
            "10.0.0.2:7000 TeamX connected",
            "P2P/2 OK 1 00000000\n",
            "P2P/1 OK +1 00000000\n",
            "P2P/1 OK 1 000\n",
            "P2P/1 NO \u{1b}[31m\n",
            "P2P/1 OK 1 00000000\nP2P/1 OK 1 00000000\n",
        ] {
            assert_eq!(Verdict::decode(reply.as_bytes()), None, "{reply:?}");
        }
        assert_eq!(Verdict::decode(&[b'x'; 5000]), None);
    }
}
