//! A message that arrived, as an object: what `listen --json` prints, the history keeps, and `log` reads back.

use std::net::IpAddr;

use base64::Engine as _;
use serde::{Deserialize, Serialize};

use crate::id::MessageId;
use crate::key::PublicKey;
use crate::message::{Arrival, Kind};
use crate::topic::Topic;

/// A message that arrived.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arrived {
    /// Its number in the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
    from: From,
    plain: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<Topic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// Who sent it: what was claimed, and what was observed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct From {
    #[serde(skip_serializing_if = "Option::is_none")]
    addr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    observed: IpAddr,
    verified: bool,
    /// The key that it has proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<PublicKey>,
}

impl Arrived {
    /// An arrival, with its text if that is of interest.
    pub fn new(arrival: &Arrival, with_text: bool) -> Self {
        let text = with_text.then_some(arrival.text.as_slice());
        let utf8 = text.map(std::str::from_utf8);
        Self {
            seq: None,
            time: humantime::format_rfc3339_millis(arrival.time).to_string(),
            id: arrival.id.clone(),
            from: From::of(arrival),
            plain: arrival.is_plain(),
            topic: arrival.topic.clone(),
            body: utf8.and_then(Result::ok).map(str::to_owned),
            body_base64: text
                .filter(|t| std::str::from_utf8(t).is_err())
                .map(|text| base64::prelude::BASE64_STANDARD.encode(text)),
        }
    }

    /// The same with its number in the history.
    #[must_use]
    pub fn numbered(self, seq: u64) -> Self {
        Self { seq: Some(seq), ..self }
    }

    /// Reads it back from the history, with what it says; `None` if anything in it breaks its grammar.
    pub fn read(line: &[u8]) -> Option<(Self, Arrival)> {
        let arrived: Self = serde_json::from_slice(line).ok()?;
        let text = match (&arrived.body, &arrived.body_base64) {
            (Some(body), _) => body.clone().into_bytes(),
            (None, Some(encoded)) => base64::prelude::BASE64_STANDARD.decode(encoded).ok()?,
            (None, None) => return None,
        };
        let address = arrived.from.addr.as_ref().map(|addr| addr.parse()).transpose().ok()?;
        let arrival = Arrival {
            kind: Kind::Message,
            time: humantime::parse_rfc3339(&arrived.time).ok()?,
            address,
            name: arrived.from.name.clone(),
            observed: arrived.from.observed,
            verified: arrived.from.verified,
            key: arrived.from.key,
            id: arrived.id.clone(),
            topic: arrived.topic.clone(),
            text,
        };
        Some((arrived, arrival))
    }
}

impl From {
    /// Who sent this.
    pub fn of(arrival: &Arrival) -> Self {
        Self {
            addr: arrival.address.as_ref().map(ToString::to_string),
            name: arrival.name.clone(),
            observed: arrival.observed,
            verified: arrival.verified,
            key: arrival.key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn what_is_kept_reads_back_as_it_was() {
        let key = Some(PublicKey::new([7; 32]));
        for (text, address, key) in [
            (&b"a\n\"b\" \x1b \\"[..], Some("10.0.0.2:7000"), None),
            (b"\xff\xfe!", None, None),
            (b"", None, key),
        ] {
            let arrival = Arrival {
                kind: Kind::Message,
                time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_234_567),
                address: address.map(|a| a.parse().unwrap()),
                name: address.map(|_| "The \u{202e}Red Team".into()),
                observed: "10.0.0.2".parse().unwrap(),
                verified: address.is_some(),
                key,
                id: key.map(|_| "backup-7".parse().unwrap()),
                topic: key.map(|_| "lab/temp".parse().unwrap()),
                text: text.to_vec(),
            };
            let object = Arrived::new(&arrival, true).numbered(7);
            let line = serde_json::to_vec(&object).unwrap();
            let (again, read) = Arrived::read(&line).unwrap();
            assert_eq!(read, arrival);
            assert_eq!(serde_json::to_vec(&again).unwrap(), line);
        }
        for bad in [
            "{}",
            "[]",
            "{\"seq\":1}",
            "{\"time\":\"x\",\"from\":{\"observed\":\"::1\",\"verified\":true},\"plain\":true,\"body\":\"\"}",
        ] {
            assert!(Arrived::read(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
