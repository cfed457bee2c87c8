//! A text that was sent, with what became of it: what `send --json` prints, and what the history of sent texts keeps.

use std::borrow::Cow;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::escape::escape_json;
use crate::exit::Failure;
use crate::id::MessageId;
use crate::message::Outgoing;
use crate::peer::Peer;
use crate::topic::Topic;

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
    /// Its id, if it went or would have gone through a session.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<MessageId>,
    /// Which line of the input it was, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// `acked`, `read`, `unconfirmed` or `failed`.
    pub status: Cow<'static, str>,
    /// In how many messages the text went.
    pub parts: usize,
    /// How often it was tried.
    pub attempts: u32,
    /// Milliseconds from the start of the first attempt to the end of the last.
    pub ms: f64,
    /// What it was about; only where it is not known from the call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub topic: Option<Topic>,
    /// The text; only where it is not known from the call.
    #[serde(flatten)]
    pub body: Body,
    /// The reply, if it was UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply: Option<String>,
    /// The reply, if it was not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_base64: Option<String>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Cause>,
}

/// A text as JSON holds it: a string, or base64 if it is not UTF-8.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Body {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    body_base64: Option<String>,
}

/// A text with all the peers it was sent to: one object, so that a large text to many peers is kept once.
#[derive(Debug, Serialize, Deserialize)]
pub struct Posted {
    seq: u64,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    topic: Option<Topic>,
    #[serde(flatten)]
    body: Body,
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

impl Body {
    /// A text as JSON holds it.
    pub fn of(text: &[u8]) -> Self {
        match std::str::from_utf8(text) {
            Ok(text) => Self { body: Some(text.to_owned()), body_base64: None },
            Err(_) => Self { body: None, body_base64: Some(BASE64_STANDARD.encode(text)) },
        }
    }

    /// The text, if there is one that can be read.
    pub fn text(&self) -> Option<Vec<u8>> {
        match (&self.body, &self.body_base64) {
            (Some(body), _) => Some(body.clone().into_bytes()),
            (None, Some(encoded)) => BASE64_STANDARD.decode(encoded).ok(),
            (None, None) => None,
        }
    }

    /// The string, and the base64, of which one is there.
    pub fn into_parts(self) -> (Option<String>, Option<String>) {
        (self.body, self.body_base64)
    }
}

impl Posted {
    /// This text, with what became of it, as it is now.
    pub fn new(seq: u64, time: SystemTime, message: &Outgoing, sent: Vec<Sent>) -> Self {
        let time = humantime::format_rfc3339_millis(time).to_string();
        Self { seq, time, topic: message.topic.clone(), body: Body::of(&message.text), sent }
    }

    /// The object as one line with its newline.
    pub fn line(&self) -> String {
        // only strings and numbers: nothing that serde_json could refuse
        escape_json(serde_json::to_string(self).unwrap_or_default()) + "\n"
    }

    /// Reads it back: one result for each peer, each with number, time and text.
    pub fn read(line: &[u8]) -> Option<Vec<Sent>> {
        let Self { seq, time, topic, body, sent } = serde_json::from_slice(line).ok()?;
        body.text()?;
        let whole = |sent| Sent {
            seq: Some(seq),
            time: Some(time.clone()),
            topic: topic.clone(),
            body: body.clone(),
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
