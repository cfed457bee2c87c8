//! Reads a peers file by its description alone: a checksum, a blank, an object; the last one of an address wins.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use p2p::address::Address;
use serde_json::Value;

use super::rules::Entry;

/// What a peers file says.
#[derive(Debug, Default)]
pub struct Content {
    pub peers: BTreeMap<Address, Entry>,
    pub lines: usize,
    pub bad: usize,
    pub foreign: Vec<Vec<u8>>,
    /// What the last line says, if only its newline is missing.
    pub tail: Option<(Address, Option<Entry>)>,
}

enum Line {
    Record(Address, Option<Entry>),
    Foreign,
    Bad,
}

/// Reads the whole file.
pub fn read(bytes: &[u8]) -> Content {
    let mut content = Content::default();
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let Some(whole) = line.strip_suffix(b"\n") else {
            if let Line::Record(address, entry) = read_line(line) {
                content.tail = Some((address, entry));
            }
            continue;
        };
        if whole.is_empty() {
            continue;
        }
        content.lines += 1;
        match read_line(whole) {
            Line::Record(address, Some(entry)) => drop(content.peers.insert(address, entry)),
            Line::Record(address, None) => drop(content.peers.remove(&address)),
            Line::Foreign => content.foreign.push(whole.to_vec()),
            Line::Bad => content.bad += 1,
        }
    }
    content
}

fn read_line(line: &[u8]) -> Line {
    let object = match line {
        [b'{', ..] => line,
        [sum @ .., _] if sum.len() > 9 && sum[8] == b' ' => {
            let (sum, object) = (&line[..8], &line[9..]);
            if format!("{:08x}", crc32fast::hash(object)).as_bytes() != sum {
                return Line::Bad;
            }
            object
        }
        _ => return Line::Bad,
    };
    let Ok(object) = serde_json::from_slice::<Value>(object) else { return Line::Bad };
    match object["v"].as_u64() {
        Some(1) => record(&object).map_or(Line::Bad, |(address, e)| Line::Record(address, e)),
        Some(_) => Line::Foreign,
        None => Line::Bad,
    }
}

fn record(object: &Value) -> Option<(Address, Option<Entry>)> {
    let text = |key: &str| object[key].as_str().map(str::to_owned);
    let flag = |key: &str| object[key] == true;
    let time = |key: &str| text(key).map(|t| millis(humantime::parse_rfc3339(&t).unwrap()));
    let address: Address = text("addr")?.parse().ok()?;
    if flag("removed") {
        return Some((address, None));
    }
    let tags = object["tags"].as_array().into_iter().flatten();
    let entry = Entry {
        name: text("name"),
        by_hand: object["source"] == "static",
        tags: tags.map(|tag| tag.as_str().unwrap().to_owned()).collect(),
        verified: flag("verified"),
        key: text("key"),
        trusted: flag("trusted"),
        native: text("wire").map(|wire| wire == "native"),
        observed: text("observed").map(|ip| ip.parse().unwrap()),
        first: time("first_seen"),
        last: time("last_seen"),
        left: flag("left"),
        silent: flag("unanswered"),
    };
    Some((address, Some(entry)))
}

/// A time in milliseconds.
pub fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}
