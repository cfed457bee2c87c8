//! A text that was sent, with what became of it: what `send --json` prints, and what the history of sent texts keeps.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::exit::Failure;
use crate::peer::Peer;

/// What became of a text at one peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Its number in the history of sent texts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<u64>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<String>,
    /// To whom.
    pub to: PeerLabel,
    /// `acked`, `read`, `unconfirmed` or `failed`.
    pub status: Cow<'static, str>,
    /// In how many messages the text went.
    pub parts: usize,
    /// How often it was tried.
    pub attempts: u32,
    /// Milliseconds from the start of the first attempt to the end of the last.
    pub ms: f64,
    /// The text; only where it is not known from the call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<String>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Cause>,
}

/// A text with all the peers it was sent to: one object, so that a large text to many peers is kept once.
#[derive(Debug, Serialize, Deserialize)]
pub struct Posted {
    seq: u64,
    time: String,
    body: String,
    sent: Vec<Sent>,
}

/// Which peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PeerLabel {
    /// Its address.
    pub addr: String,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Why one of many failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cause {
    code: Cow<'static, str>,
    reason: String,
}

impl Posted {
    /// This text, with what became of it, as it is now.
    pub fn new(seq: u64, time: SystemTime, body: &str, sent: Vec<Sent>) -> Self {
        let time = humantime::format_rfc3339_millis(time).to_string();
        Self { seq, time, body: body.to_owned(), sent }
    }

    /// The object as one line with its newline.
    pub fn line(&self) -> String {
        // only strings and numbers: nothing that serde_json could refuse
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Reads it back: one result for each peer, each with number, time and text.
    pub fn read(line: &[u8]) -> Option<Vec<Sent>> {
        let Self { seq, time, body, sent } = serde_json::from_slice(line).ok()?;
        let whole = |sent| Sent {
            seq: Some(seq),
            time: Some(time.clone()),
            body: Some(body.clone()),
            ..sent
        };
        Some(sent.into_iter().map(whole).collect())
    }
}

impl PeerLabel {
    /// Address and name of a peer.
    pub fn new(peer: &Peer) -> Self {
        Self { addr: peer.address.to_string(), name: peer.name.as_ref().map(ToString::to_string) }
    }
}

impl Cause {
    /// The code of a failure, and its cause in few words.
    pub fn new(failure: &Failure) -> Self {
        let reason = failure.cause.root_cause().to_string();
        Self { code: failure.code.word().into(), reason }
    }
}
