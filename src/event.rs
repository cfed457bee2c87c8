//! What commands report, as JSON: one object a line, each with its `event`.
//!
//! Fields are only ever added; an absent fact is an absent key; times are RFC 3339 in UTC with milliseconds.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::arrived::{Arrived, From};
use crate::escape::escape_json;
use crate::exit::Failure;
use crate::hearsay::Hearsay;
use crate::id::MessageId;
use crate::key::PublicKey;
use crate::peer::{Peer, Source, Wire};
use crate::posted::{Cause, PeerLabel, Sent};

/// Everything that is reported.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// The listener is ready.
    Listening {
        /// When.
        time: String,
        /// The address it listens on.
        addr: String,
        /// What others are told, if it was set.
        #[serde(skip_serializing_if = "Option::is_none")]
        advertise: Option<String>,
        /// What it calls itself.
        name: String,
        /// Its key, if it takes sessions.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<PublicKey>,
        /// Its process.
        pid: u32,
    },
    /// A message arrived.
    Message(Arrived),
    /// A peer said that it is there.
    Connect(Arrived),
    /// A peer said that it goes.
    Exit(Arrived),
    /// The table of peers changed.
    #[serde(rename = "peer")]
    PeerChange {
        /// When.
        time: String,
        /// `joined`, `renamed`, `left` or `verified`.
        change: &'static str,
        /// Who.
        peer: PeerLabel,
    },
    /// A hook ended.
    Hook {
        /// When it ended.
        time: String,
        /// What it was for: `message`, `join` or `leave`.
        on: &'static str,
        /// The id of the message, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// Whose message, or who joined or left.
        from: From,
        /// The command.
        run: String,
        /// Its exit status, if it ended by itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<i32>,
        /// The number of the signal that ended it.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
        /// Whether it was ended because its time was over.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        timeout: bool,
        /// Milliseconds that it ran.
        ms: f64,
    },
    /// One line of the list of peers.
    Peer(Listed),
    /// The listener ends.
    Stopped {
        /// Why.
        reason: &'static str,
        /// How many messages it has received.
        messages: u64,
    },
    /// What became of a message to one peer.
    Sent(Sent),
    /// What became of a handshake with one peer.
    Pong {
        /// With whom.
        peer: PeerLabel,
        /// Whether it went over the plain wire; absent if it did not answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        plain: Option<bool>,
        /// Whether it is another p2p; absent if it did not answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        native: Option<bool>,
        /// The key that it has proved, or without a session the one that it says to have.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<PublicKey>,
        /// Milliseconds from the start of the attempt to its end.
        ms: f64,
        /// What went wrong.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Cause>,
    },
    /// Who was found in the local network.
    Found {
        /// Who.
        peer: PeerLabel,
        /// The key that it is said to have.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<PublicKey>,
        /// Whether nothing was known of it.
        new: bool,
    },
    /// What a peer has told of others.
    Learned {
        /// Who has told it.
        from: PeerLabel,
        /// Of how many.
        told: usize,
        /// Of how many of them nothing was known.
        new: usize,
        /// Why nothing was told.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Cause>,
    },
    /// What many handshakes with one peer come to.
    Pings {
        /// With whom.
        peer: PeerLabel,
        /// How often it was greeted.
        asked: u32,
        /// How often it answered.
        answered: u32,
        /// The shortest time of an answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        min_ms: Option<f64>,
        /// The mean.
        #[serde(skip_serializing_if = "Option::is_none")]
        avg_ms: Option<f64>,
        /// The longest.
        #[serde(skip_serializing_if = "Option::is_none")]
        max_ms: Option<f64>,
    },
    /// The end of a command that talks to many.
    Summary {
        /// To how many it talked.
        targets: usize,
        /// How many have it.
        ok: usize,
        /// How many have not.
        failed: usize,
        /// How many were required.
        quorum: String,
        /// The exit status.
        exit: u8,
    },
    /// Who we are.
    Id {
        /// What we call ourselves.
        name: String,
        /// Where others can reach us, the likeliest first.
        addrs: Vec<String>,
        /// Our key.
        key: PublicKey,
        /// The same for eyes.
        fingerprint: String,
        /// What the other side may paste.
        add: String,
    },
    /// One setting.
    Setting {
        /// Its key in the configuration.
        key: &'static str,
        /// Its value, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// Where it came from.
        origin: String,
    },
    /// The paths in use.
    Paths {
        /// The configuration file.
        config: String,
        /// The state directory.
        state: String,
        /// The file of the secret key.
        key: String,
    },
    /// Something that was done and has no other report.
    Done {
        /// What.
        what: &'static str,
        /// To what.
        target: String,
    },
    /// The command failed; always the last line.
    Error {
        /// What kind of failure.
        code: &'static str,
        /// What could not be done, and why.
        message: String,
        /// What helps.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
        /// The exit status.
        exit: u8,
    },
}

/// A peer with all that is known of it.
#[derive(Debug, Serialize)]
pub struct Listed {
    addr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    state: &'static str,
    source: Source,
    verified: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<PublicKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wire: Option<Wire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hearsay: Option<Said>,
}

/// What others say of a peer that we have not met.
#[derive(Debug, Serialize)]
struct Said {
    seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<PublicKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<PublicKey>,
}

impl Event {
    /// The object as one line with its newline.
    pub fn line(&self) -> String {
        // only strings, numbers and options of them: nothing that serde_json could refuse
        escape_json(serde_json::to_string(self).unwrap_or_default()) + "\n"
    }

    /// The last line of a command that failed.
    pub fn error(failure: &Failure) -> Self {
        Self::Error {
            code: failure.code.word(),
            message: failure.to_string(),
            hint: failure.hint.clone(),
            exit: failure.code.exit().number(),
        }
    }
}

impl Listed {
    /// A peer as the list shows it at this time.
    pub fn new(peer: &Peer, now: SystemTime) -> Self {
        let PeerLabel { addr, name } = PeerLabel::new(peer);
        Self {
            addr,
            name,
            state: peer.state(now).word(),
            source: if peer.is_given() { Source::Static } else { peer.source },
            verified: peer.verified,
            tags: peer.all_tags().into_iter().map(ToString::to_string).collect(),
            key: peer.key,
            trusted: peer.key.map(|_| peer.is_trusted()),
            wire: peer.wire,
            observed: peer.observed,
            first_seen: peer.first_seen.map(rfc3339),
            last_seen: peer.last_seen.map(rfc3339),
            hearsay: peer.hearsay.map(|Hearsay { seen, key, by, .. }| Said {
                seen: rfc3339(seen),
                key,
                by,
            }),
        }
    }
}

/// A time as it is written everywhere.
pub fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// Milliseconds with three decimals.
pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Arrival, Kind};

    fn arrival(text: &[u8]) -> Arrival {
        Arrival {
            kind: Kind::Message,
            time: SystemTime::UNIX_EPOCH,
            address: Some("10.0.0.2:7000".parse().unwrap()),
            name: Some("alice".into()),
            observed: "10.0.0.2".parse().unwrap(),
            verified: true,
            key: None,
            id: None,
            topic: None,
            text: text.to_vec(),
        }
    }

    #[test]
    fn a_message_is_one_object_on_one_line() {
        let line = Event::Message(Arrived::new(&arrival(b"a\n\"b\" \x1b"), true)).line();
        assert_eq!(
            line,
            "{\"event\":\"message\",\"time\":\"1970-01-01T00:00:00.000Z\",\"from\":{\"addr\":\"10.0.0.2:7000\",\
             \"name\":\"alice\",\"observed\":\"10.0.0.2\",\"verified\":true},\"plain\":true,\
             \"body\":\"a\\n\\\"b\\\" \\u001b\"}\n"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_escaped_and_means_the_same() {
        let text = "a\u{202e}b\u{9b}c\u{7f}d\u{e0041}😀";
        let line = Event::Message(Arrived::new(&arrival(text.as_bytes()), true)).line();
        assert!(line.contains(r#""a\u202eb\u009bc\u007fd\udb40\udc41😀""#), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["body"], text);
    }

    #[test]
    fn a_text_that_is_not_utf8_is_base64() {
        let line = Event::Message(Arrived::new(&arrival(b"\xff\xfe!"), true)).line();
        assert!(line.ends_with("\"plain\":true,\"body_base64\":\"//4h\"}\n"), "{line}");
    }
}
