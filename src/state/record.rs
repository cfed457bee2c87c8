//! One line of the peers file: a checksum, a blank, and a JSON object.
//!
//! ```text
//! 5d2b7f01 {"v":1,"addr":"10.18.0.4:6000","name":"alice","source":"heard","verified":true}
//! ```
//!
//! The checksum is the CRC-32 of the object in eight hex digits. A person who mends a line may leave the checksum out.

use std::net::IpAddr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::book::Record;
use crate::name::Name;
use crate::peer::{Peer, Source, Wire};

/// The version of records that we write.
const VERSION: u32 = 1;

/// What a line of the peers file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A record of ours.
    Record(Record),
    /// A sound record of another version; kept as it is.
    Foreign,
    /// Damaged.
    Bad,
}

#[derive(Serialize, Deserialize)]
struct Fields {
    v: u32,
    addr: String,
    #[serde(skip_serializing_if = "is_false", default)]
    removed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "is_false", default)]
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    wire: Option<Wire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    #[serde(skip_serializing_if = "is_false", default)]
    left: bool,
    #[serde(skip_serializing_if = "is_false", default)]
    unanswered: bool,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The line of a record, with its newline.
pub(super) fn encode(record: &Record) -> String {
    let object = serde_json::to_string(&Fields::of(record)).unwrap_or_default();
    format!("{:08x} {object}\n", crc32fast::hash(object.as_bytes()))
}

/// Reads a line without its newline.
pub(super) fn decode(line: &[u8]) -> Line {
    let object = match line.first() {
        Some(b'{') => line,
        _ => match checked(line) {
            Some(object) => object,
            None => return Line::Bad,
        },
    };
    match serde_json::from_slice::<Fields>(object) {
        Ok(fields) if fields.v == VERSION => fields.into_record().map_or(Line::Bad, Line::Record),
        _ => match serde_json::from_slice::<Version>(object) {
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

impl Fields {
    fn of(record: &Record) -> Self {
        match record {
            Record::Peer(peer) => Self {
                name: peer.name.as_ref().map(|n| n.as_str().to_owned()),
                source: Some(peer.source),
                verified: peer.verified,
                wire: peer.wire,
                observed: peer.observed,
                first_seen: peer.first_seen.map(show_time),
                last_seen: peer.last_seen.map(show_time),
                left: peer.left,
                unanswered: peer.unanswered,
                ..Self::bare(&peer.address)
            },
            Record::Removed(address) => Self { removed: true, ..Self::bare(address) },
        }
    }

    fn bare(address: &Address) -> Self {
        Self {
            v: VERSION,
            addr: address.to_string(),
            removed: false,
            name: None,
            source: None,
            verified: false,
            wire: None,
            observed: None,
            first_seen: None,
            last_seen: None,
            left: false,
            unanswered: false,
        }
    }

    /// The record, unless a field breaks its grammar: a file may have been changed by anybody.
    fn into_record(self) -> Option<Record> {
        let address: Address = self.addr.parse().ok()?;
        if self.removed {
            return Some(Record::Removed(address));
        }
        let name = match self.name {
            Some(name) => Some(name.parse::<Name>().ok()?),
            None => None,
        };
        Some(Record::Peer(Peer {
            name,
            verified: self.verified,
            wire: self.wire,
            observed: self.observed,
            first_seen: read_time(self.first_seen)?,
            last_seen: read_time(self.last_seen)?,
            left: self.left,
            unanswered: self.unanswered,
            ..Peer::new(address, self.source.unwrap_or(Source::Heard))
        }))
    }
}

fn show_time(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

#[expect(clippy::option_option, reason = "absent is fine, unreadable is not")]
fn read_time(text: Option<String>) -> Option<Option<SystemTime>> {
    text.map_or(Some(None), |t| humantime::parse_rfc3339(&t).ok().map(Some))
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
            verified: true,
            wire: Some(Wire::Native),
            observed: Some("10.18.0.4".parse().unwrap()),
            first_seen: Some(time),
            last_seen: Some(time),
            left: true,
            unanswered: true,
            ..bare.clone()
        };
        let removed = Record::Removed("[::1]:5000".parse().unwrap());
        vec![Record::Peer(bare), Record::Peer(full), removed]
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
            b"",
            b"x",
        ] {
            assert_eq!(decode(bad), Line::Bad);
        }
    }
}
