//! The list of peers that one p2p tells another: a JSON array, the body of a `peers` frame.
//!
//! ```text
//! [{"addr":"10.18.0.4:6000","name":"alice","key":"d75a…","age":42}]
//! ```
//!
//! `age` is how many seconds ago the peer was last seen, by whoever saw it: clocks need not agree.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::frame::Malformed;
use crate::hearsay::{Acquaintance, is_meant_alike};
use crate::key::PublicKey;

/// Most peers in one list.
pub const MAX_LISTED: usize = 256;

/// Most bytes of a list: what so many of the longest take.
pub const MAX_LIST_BYTES: usize = 96 * 1024;

/// One peer as it is written; what is not known is left out.
#[derive(Serialize, Deserialize)]
struct Entry {
    addr: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    key: Option<String>,
    #[serde(default)]
    age: u64,
}

/// The list for who asks from `asker`, without those before `skip`, and how many there are for him in all.
pub fn encode(
    peers: &[Acquaintance],
    asker: IpAddr,
    except: PublicKey,
    skip: usize,
    now: SystemTime,
) -> (String, usize) {
    let is_for_asker =
        |p: &&Acquaintance| is_meant_alike(p.address.ip(), asker) && p.key != Some(except);
    let told = || peers.iter().filter(is_for_asker);
    let entries: Vec<_> = told().skip(skip).take(MAX_LISTED).map(|p| Entry::of(p, now)).collect();
    // only strings and numbers: nothing that serde_json could refuse
    (serde_json::to_string(&entries).unwrap_or_default(), told().count())
}

/// Reads a list. An entry that breaks the grammar is passed over; a name that is none is left out of its entry.
pub fn decode(list: &[u8], now: SystemTime) -> Result<Vec<Acquaintance>, Malformed> {
    let mut json = serde_json::Deserializer::from_slice(list);
    let entries = json.deserialize_seq(FirstOnes).and_then(|entries| json.end().map(|()| entries));
    let read = |entry: &RawValue| serde_json::from_str::<Entry>(entry.get()).ok()?.read(now);
    Ok(entries.map_err(|_| Malformed)?.into_iter().filter_map(read).collect())
}

/// The first entries of a list, as they are written: as values they would take a hundred times their bytes.
struct FirstOnes;

impl<'de> Visitor<'de> for FirstOnes {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut first = Vec::new();
        while let Some(entry) = list.next_element()? {
            if first.len() < MAX_LISTED {
                first.push(entry);
            }
        }
        Ok(first)
    }
}

impl Entry {
    fn of(peer: &Acquaintance, now: SystemTime) -> Self {
        Self {
            addr: peer.address.to_string(),
            name: peer.name.as_ref().map(|name| name.as_str().to_owned()),
            key: peer.key.map(|key| key.to_string()),
            age: now.duration_since(peer.seen).unwrap_or_default().as_secs(),
        }
    }

    fn read(self, now: SystemTime) -> Option<Acquaintance> {
        let address: SocketAddr = self.addr.parse().ok()?;
        let is_zoned = matches!(address, SocketAddr::V6(v6) if v6.scope_id() != 0);
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let key = self.key.map(|key| key.parse::<PublicKey>()).transpose().ok()?;
        // older than time itself
        let seen = now.checked_sub(Duration::from_secs(self.age))?;
        (address.port() != 0 && !is_zoned).then(|| Acquaintance {
            address,
            name: self.name.and_then(|name| name.trim().parse().ok()),
            key,
            seen,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn now() -> SystemTime {
        NOW + Duration::from_secs(1_800_000_000)
    }

    fn peer(address: &str, number: u8, age: u64) -> Acquaintance {
        Acquaintance {
            address: address.parse().unwrap(),
            name: Some("alice".parse().unwrap()),
            key: Some(PublicKey::new([number; 32])),
            seen: now() - Duration::from_secs(age),
        }
    }

    fn asker() -> IpAddr {
        "10.0.0.66".parse().unwrap()
    }

    #[test]
    fn a_list_comes_back_as_it_went() {
        let plain = Acquaintance { name: None, key: None, ..peer("[2001:db8::7]:6000", 1, 9) };
        let peers = vec![peer("10.0.0.1:5000", 1, 0), plain];
        let (list, total) = encode(&peers, asker(), PublicKey::new([9; 32]), 0, now());
        let key = "01".repeat(32);
        let written = format!(
            "[{{\"addr\":\"10.0.0.1:5000\",\"name\":\"alice\",\"key\":\"{key}\",\"age\":0}},\
             {{\"addr\":\"[2001:db8::7]:6000\",\"age\":9}}]"
        );
        assert_eq!((list.as_str(), total), (written.as_str(), 2));
        assert_eq!(decode(list.as_bytes(), now()).unwrap(), peers);
        for end in 0..list.len() {
            assert_eq!(decode(&list.as_bytes()[..end], now()), Err(Malformed));
        }
    }

    #[test]
    fn nobody_is_told_of_himself_nor_of_what_means_nothing_to_him() {
        let peers =
            vec![peer("10.0.0.1:1", 1, 0), peer("127.0.0.1:2", 2, 0), peer("10.0.0.3:3", 3, 0)];
        let (list, total) = encode(&peers, asker(), PublicKey::new([3; 32]), 0, now());
        assert_eq!(decode(list.as_bytes(), now()).unwrap(), peers[..1]);
        assert_eq!(total, 1);
        let here = "127.0.0.1".parse().unwrap();
        assert_eq!(encode(&peers, here, PublicKey::new([3; 32]), 0, now()).1, 2);
    }

    #[test]
    fn a_list_has_its_most_and_the_longest_fit() {
        let longest = |number: u16| Acquaintance {
            address: format!("[fdab:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:{}", 10_000 + number)
                .parse()
                .unwrap(),
            name: Some("\"".repeat(64).parse().unwrap()),
            key: Some(PublicKey::new([255; 32])),
            seen: now() - Duration::from_secs(600_000),
        };
        let peers: Vec<_> = (0..600).map(longest).collect();
        let except = PublicKey::new([1; 32]);
        let (list, total) = encode(&peers, asker(), except, 0, now());
        assert!(list.len() <= MAX_LIST_BYTES, "{}", list.len());
        assert_eq!((total, decode(list.as_bytes(), now()).unwrap().len()), (600, MAX_LISTED));
        let (list, _) = encode(&peers, asker(), except, 512, now());
        assert_eq!(decode(list.as_bytes(), now()).unwrap(), peers[512..]);
        assert_eq!(encode(&peers, asker(), except, 10_000, now()).0, "[]");
    }

    #[test]
    fn what_makes_no_sense_in_a_list_is_left_out() {
        let key = "01".repeat(32);
        for bad in [
            "{\"addr\":\"10.0.0.1\"}",
            "{\"addr\":\"10.0.0.1:0\"}",
            "{\"addr\":\"example.org:80\"}",
            "{\"addr\":\"010.0.0.1:80\"}",
            "{\"addr\":\"[fe80::1%3]:80\"}",
            "{\"addr\":\"10.0.0.1:80\",\"key\":\"01\"}",
            "{\"addr\":\"10.0.0.1:80\",\"age\":18446744073709551615}",
            "{\"addr\":\"10.0.0.1:80\",\"age\":-1}",
            "{\"addr\":\"10.0.0.1:80\",\"age\":1.5}",
            "{\"addr\":\"10.0.0.1:80\",\"key\":7}",
            "{\"addr\":7}",
            "{}",
            "7",
        ] {
            let list = format!("[{bad},{{\"addr\":\"10.0.0.2:2\",\"key\":\"{key}\"}}]");
            let read = decode(list.as_bytes(), now()).unwrap();
            assert_eq!(read.len(), 1, "{bad}");
        }
        let mapped = decode(br#"[{"addr":"[::ffff:10.0.0.1]:5"}]"#, now()).unwrap();
        assert_eq!(mapped[0].address, "10.0.0.1:5".parse().unwrap());
        for name in ["-rf", "a\\u001b[31m", "a\\u202eb", "a b\\nc", ""] {
            let list = format!("[{{\"addr\":\"10.0.0.2:2\",\"name\":\"{name}\"}}]");
            assert_eq!(decode(list.as_bytes(), now()).unwrap()[0].name, None, "{name}");
        }
        for bad in ["", "{}", "7", "[[[[", "[{\"addr\":\"\"},]", &"[".repeat(90_000)] {
            assert_eq!(decode(bad.as_bytes(), now()), Err(Malformed), "{bad}");
        }
        let many = format!("[{}]", vec!["{\"addr\":\"10.0.0.2:2\"}"; 10_000].join(","));
        assert_eq!(decode(many.as_bytes(), now()).unwrap().len(), MAX_LISTED);
    }
}
