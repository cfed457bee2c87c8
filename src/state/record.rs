//! One line of the peers file: a checksum, a blank, and a JSON object.
//!
//! ```text
//! 5d2b7f01 {"v":1,"addr":"10.18.0.4:6000","name":"alice","source":"heard","verified":true}
//! ```
//!
//! The checksum is the CRC-32 of the object in eight hex digits. A person who mends a line may leave the checksum out.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use memchr::memchr2;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::book::Record;
use crate::hearsay::Hearsay;
use crate::key::PublicKey;
use crate::name::Name;
use crate::peer::{Peer, Source, Wire};

/// The version of records that we write.
const VERSION: u32 = 1;

/// What a line of the peers file is.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and most are records")]
pub enum Line {
    /// A record of ours.
    Record(Record),
    /// A sound record of another version; kept as it is.
    Foreign,
    /// Damaged.
    Bad,
}

/// The object as it is written; what is read borrows from its line.
#[derive(Serialize, Deserialize)]
struct Fields<'a> {
    v: u32,
    #[serde(borrow)]
    addr: Cow<'a, str>,
    #[serde(skip_serializing_if = "is_false", default)]
    removed: bool,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    tags: BTreeSet<String>,
    #[serde(skip_serializing_if = "is_false", default)]
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<PublicKey>,
    #[serde(skip_serializing_if = "is_false", default)]
    trusted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    wire: Option<Wire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    first_seen: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    last_seen: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_false", default)]
    left: bool,
    #[serde(skip_serializing_if = "is_false", default)]
    unanswered: bool,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    hearsay: Option<Said<'a>>,
}

/// What others say of the peer.
#[derive(Serialize, Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    seen: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<PublicKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<PublicKey>,
    #[serde(skip_serializing_if = "is_false", default)]
    chosen: bool,
    #[serde(skip_serializing_if = "is_false", default)]
    disputed: bool,
}

/// A text that is borrowed where it has no escapes; serde borrows an optional `Cow` only inside a type of its own.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The line of a record, with its newline.
pub fn encode(record: &Record) -> String {
    let object = serde_json::to_string(&Fields::of(record)).unwrap_or_default();
    format!("{:08x} {object}\n", crc32fast::hash(object.as_bytes()))
}

/// Reads a line without its newline.
pub fn decode(line: &[u8]) -> Line {
    Checked::of(line).decode()
}

/// A line whose checksum was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked<'a> {
    object: Option<&'a [u8]>,
    /// Whether it has a checksum, as all that we write.
    is_ours: bool,
}

impl<'a> Checked<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        match line.first() {
            Some(b'{') => Self { object: Some(line), is_ours: false },
            _ => Self { object: checked(line), is_ours: true },
        }
    }

    /// The address of a record as we write it; `None` for a line that has to be read for that.
    pub(super) fn address(self) -> Option<&'a str> {
        let object = self.object.filter(|_| self.is_ours)?;
        let rest = object.strip_prefix(b"{\"v\":1,\"addr\":\"")?;
        let (address, _) = rest.split_at(memchr2(b'"', b'\\', rest)?);
        std::str::from_utf8(address).ok()
    }

    pub(super) fn decode(self) -> Line {
        self.object.map_or(Line::Bad, read)
    }
}

fn read(object: &[u8]) -> Line {
    // one look at the whole line is cheaper than one at each of its texts
    let Ok(object) = std::str::from_utf8(object) else { return Line::Bad };
    match serde_json::from_str::<Fields<'_>>(object) {
        Ok(fields) if fields.v == VERSION => fields.into_record().map_or(Line::Bad, Line::Record),
        _ => match serde_json::from_str::<Version>(object) {
            Ok(Version { v }) if v != VERSION => Line::Foreign,
            _ => Line::Bad,
        },
    }
}

fn checked(line: &[u8]) -> Option<&[u8]> {
    let (sum, object) = (line.get(..8)?, line.get(9..)?);
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    (line[8] == b' ' && crc32fast::hash(object) == sum).then_some(object)
}

impl<'a> Fields<'a> {
    fn of(record: &'a Record) -> Self {
        match record {
            Record::Peer(peer) => Self {
                name: peer.name.as_ref().map(|n| Text(n.as_str().into())),
                source: Some(peer.source),
                tags: peer.tags.iter().map(ToString::to_string).collect(),
                verified: peer.verified,
                key: peer.key,
                trusted: peer.trusted,
                wire: peer.wire,
                observed: peer.observed,
                first_seen: peer.first_seen.map(show_time),
                last_seen: peer.last_seen.map(show_time),
                left: peer.left,
                unanswered: peer.unanswered,
                hearsay: peer.hearsay.map(Said::of),
                ..Self::bare(&peer.address)
            },
            Record::Removed(address) => Self { removed: true, ..Self::bare(address) },
        }
    }

    fn bare(address: &Address) -> Self {
        Self {
            v: VERSION,
            addr: address.to_string().into(),
            removed: false,
            name: None,
            source: None,
            tags: BTreeSet::new(),
            verified: false,
            key: None,
            trusted: false,
            wire: None,
            observed: None,
            first_seen: None,
            last_seen: None,
            left: false,
            unanswered: false,
            hearsay: None,
        }
    }

    /// The record, unless a field breaks its grammar: a file may have been changed by anybody.
    fn into_record(self) -> Option<Record> {
        let address: Address = self.addr.parse().ok()?;
        if self.removed {
            return Some(Record::Removed(address));
        }
        let name = match self.name {
            Some(Text(name)) => Some(name.parse::<Name>().ok()?),
            None => None,
        };
        let hearsay = match self.hearsay {
            Some(said) => Some(said.read()?),
            None => None,
        };
        let tags = self.tags.iter().map(|tag| tag.parse().ok());
        Some(Record::Peer(Peer {
            name,
            tags: tags.collect::<Option<_>>()?,
            verified: self.verified,
            key: self.key,
            trusted: self.trusted,
            wire: self.wire,
            observed: self.observed,
            first_seen: read_time(self.first_seen.as_ref())?,
            last_seen: read_time(self.last_seen.as_ref())?,
            left: self.left,
            unanswered: self.unanswered,
            hearsay,
            ..Peer::new(address, self.source.unwrap_or(Source::Heard))
        }))
    }
}

impl Said<'_> {
    fn of(hearsay: Hearsay) -> Self {
        let Hearsay { seen, key, by, is_chosen: chosen, is_disputed: disputed } = hearsay;
        Self { seen: show_time(seen), key, by, chosen, disputed }
    }

    fn read(self) -> Option<Hearsay> {
        let Self { seen: Text(seen), key, by, chosen: is_chosen, disputed: is_disputed } = self;
        let seen = humantime::parse_rfc3339(&seen).ok()?;
        Some(Hearsay { seen, key, by, is_chosen, is_disputed })
    }
}

fn show_time<'a>(time: SystemTime) -> Text<'a> {
    Text(humantime::format_rfc3339_millis(time).to_string().into())
}

#[expect(clippy::option_option, reason = "absent is fine, unreadable is not")]
fn read_time(text: Option<&Text<'_>>) -> Option<Option<SystemTime>> {
    text.map_or(Some(None), |Text(t)| humantime::parse_rfc3339(t).ok().map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<Record> {
        let bare = Peer::new("10.18.0.4:6000".parse().unwrap(), Source::Static);
        let time = humantime::parse_rfc3339("2026-11-21T10:00:00.123Z").unwrap();
        let full = Peer {
            name: Some("The Red Team".parse().unwrap()),
            source: Source::Heard,
            tags: ["lab", "printer"].map(|tag| tag.parse().unwrap()).into(),
            verified: true,
            key: Some(PublicKey::new([0xa5; 32])),
            trusted: true,
            wire: Some(Wire::Native),
            observed: Some("10.18.0.4".parse().unwrap()),
            first_seen: Some(time),
            last_seen: Some(time),
            left: true,
            unanswered: true,
            ..bare.clone()
        };
        let by = Some(PublicKey::new([7; 32]));
        let hearsay =
            Some(Hearsay { seen: time, key: full.key, by, is_chosen: true, is_disputed: true });
        let learned = Peer { source: Source::Learned, hearsay, ..bare.clone() };
        let removed = Record::Removed("[::1]:5000".parse().unwrap());
        vec![Record::Peer(bare), Record::Peer(full), Record::Peer(learned), removed]
    }

    #[test]
    fn a_record_comes_back_as_it_went() {
        for record in examples() {
            let line = encode(&record);
            assert_eq!(decode(line.trim_end().as_bytes()), Line::Record(record), "{line}");
        }
    }

    #[test]
    fn a_record_cut_or_changed_at_any_byte_is_bad() {
        for record in examples() {
            let line = encode(&record);
            let line = line.trim_end().as_bytes();
            for at in 0..line.len() {
                assert_eq!(decode(&line[..at]), Line::Bad, "cut at {at}");
                let mut changed = line.to_vec();
                changed[at] ^= 1;
                assert_ne!(decode(&changed), Line::Record(record.clone()), "changed at {at}");
            }
        }
    }

    #[test]
    fn a_mended_record_needs_no_checksum_and_a_later_version_is_kept() {
        let mended = br#"{"v":1,"addr":"10.0.0.1:5000","name":"bob"}"#;
        assert!(matches!(decode(mended), Line::Record(Record::Peer(_))));
        assert_eq!(decode(br#"{"v":2,"address":{"host":"x"}}"#), Line::Foreign);
        for bad in [
            &br#"{"v":1,"addr":"10.0.0.1"}"#[..],
            br#"{"v":1,"addr":"10.0.0.1:5","name":"-x"}"#,
            br#"{"v":1,"addr":"10.0.0.1:5","tags":["a b","@x"]}"#,
            b"",
            b"x",
        ] {
            assert_eq!(decode(bad), Line::Bad);
        }
    }
}
