//! The frames inside a session: one header line, a JSON object, and then as many bytes as it says.
//!
//! ```text
//! {"type":"message","id":"9f…","size":5,"topic":"deploy"}
//! hello
//! ```

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::MessageId;
use crate::name::Name;
use crate::topic::Topic;

/// Longest header line in bytes with its newline: several times what any of ours takes.
pub const MAX_HEADER_BYTES: usize = 4096;

/// Most bytes of a reply: what a script prints for another one to read.
pub const MAX_REPLY_BYTES: usize = 64 * 1024;

/// Most messages of a session that are not yet answered.
pub const WINDOW_MESSAGES: usize = 64;

/// Most bytes of messages of a session that are not yet answered; one message alone may be larger.
pub const WINDOW_BYTES: usize = 1024 * 1024;

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// Who I am and where I listen: the first frame of each side.
    Hello(Hello),
    /// A message; its text follows.
    Message {
        /// What tells it from all others of its sender.
        id: MessageId,
        /// Bytes of its text.
        size: u64,
        /// What it is about.
        topic: Option<Topic>,
        /// Whether its sender waits for a reply.
        reply: bool,
    },
    /// It is in the history and on the output, now or since earlier.
    Ok {
        /// Which.
        id: Option<MessageId>,
    },
    /// It is refused, and nothing of it is kept.
    No {
        /// Which; absent if that could not be read.
        id: Option<MessageId>,
        /// Why.
        code: String,
        /// When another try may succeed.
        retry: Option<Duration>,
    },
    /// What the listener's command for a message printed; follows its `ok`.
    Reply {
        /// To which message.
        id: MessageId,
        /// Bytes of it.
        size: u64,
        /// How the command ended.
        end: ReplyEnd,
    },
    /// Are you there?
    Ping {
        /// To be given back.
        id: MessageId,
    },
    /// I am.
    Pong {
        /// The one that was given.
        id: MessageId,
    },
    /// I go, forget me.
    Leave {
        /// To be given back.
        id: Option<MessageId>,
    },
    /// Of which peers do you know?
    AskPeers {
        /// To be given back.
        id: MessageId,
        /// How many of the list are known already.
        skip: u32,
    },
    /// Of these; the list follows, see [`super::acquaintances`].
    Peers {
        /// To which question.
        id: MessageId,
        /// Bytes of the list.
        size: u64,
        /// How many there are in all.
        total: u32,
    },
    /// Something of a later version.
    Unknown {
        /// To be given back.
        id: Option<MessageId>,
        /// Bytes that belong to it.
        size: u64,
    },
}

/// Who is at the other end of a session, in its own words. Who it is for sure, its key says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// What it calls itself.
    pub name: Option<Name>,
    /// Where it listens, on the address that the connection comes from.
    pub port: Option<u16>,
    /// Where it listens, if that is another address.
    pub addr: Option<SocketAddr>,
}

/// How a command that made a reply has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyEnd {
    /// By itself, with this exit status.
    Status(i32),
    /// Otherwise, or there was none.
    Failed(String),
}

/// Why a header cannot be read. Where its frame ends is not known, so the session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// All fields of all headers; those that are not known are ignored.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<Topic>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reply: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addr: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u32>,
}

impl Header {
    /// The line with its newline.
    pub fn encode(&self) -> String {
        // only strings and numbers: nothing that serde_json could refuse
        serde_json::to_string(&self.fields()).unwrap_or_default() + "\n"
    }

    fn fields(&self) -> Fields<'static> {
        let of = |kind: &'static str| Fields { r#type: kind.into(), ..Fields::default() };
        match self.clone() {
            Self::Hello(Hello { name, port, addr }) => Fields {
                name: name.map(|name| name.word()),
                port,
                addr,
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                ..of("hello")
            },
            Self::Message { id, size, topic, reply } => {
                Fields { id: Some(id), size: Some(size), topic, reply, ..of("message") }
            }
            Self::Ok { id } => Fields { id, ..of("ok") },
            Self::No { id, code, retry } => {
                let retry_ms = retry.map(|retry| retry.as_millis() as u64);
                Fields { id, code: Some(code), retry_ms, ..of("no") }
            }
            Self::Reply { id, size, end } => {
                let (status, code) = match end {
                    ReplyEnd::Status(status) => (Some(status), None),
                    ReplyEnd::Failed(code) => (None, Some(code)),
                };
                Fields { id: Some(id), size: Some(size), status, code, ..of("reply") }
            }
            Self::Ping { id } => Fields { id: Some(id), ..of("ping") },
            Self::Pong { id } => Fields { id: Some(id), ..of("pong") },
            Self::Leave { id } => Fields { id, ..of("leave") },
            Self::AskPeers { id, skip } => {
                let skip = Some(skip).filter(|skip| *skip > 0);
                Fields { id: Some(id), skip, ..of("peers") }
            }
            Self::Peers { id, size, total } => {
                Fields { id: Some(id), size: Some(size), total: Some(total), ..of("peers") }
            }
            Self::Unknown { id, size } => Fields { id, size: Some(size), ..of("unknown") },
        }
    }

    /// Reads a line without its newline.
    pub fn decode(line: &[u8]) -> Result<Self, Malformed> {
        let fields: Fields<'_> = serde_json::from_slice(line).map_err(|_| Malformed)?;
        let Fields { id, size, topic, reply, status, code, .. } = fields;
        let is_list = size.is_some();
        let size = size.unwrap_or(0);
        let has_no_body = ["hello", "ok", "no", "ping", "pong", "leave"];
        if size > 0 && has_no_body.contains(&&*fields.r#type) {
            return Err(Malformed);
        }
        let id = || id.clone().ok_or(Malformed);
        Ok(match &*fields.r#type {
            "hello" => Self::Hello(Hello {
                name: fields.name.and_then(|name| name.trim().parse().ok()),
                port: fields.port.filter(|&port| port != 0),
                addr: fields.addr.filter(|addr| addr.port() != 0),
            }),
            "message" => Self::Message { id: id()?, size, topic, reply },
            "ok" => Self::Ok { id: id().ok() },
            "no" => Self::No {
                id: id().ok(),
                code: code.filter(|code| is_code(code)).ok_or(Malformed)?,
                retry: fields.retry_ms.map(Duration::from_millis),
            },
            "reply" => Self::Reply {
                id: id()?,
                size,
                end: match (status, code) {
                    (Some(status), None) => ReplyEnd::Status(status),
                    (_, Some(code)) if is_code(&code) => ReplyEnd::Failed(code),
                    _ => return Err(Malformed),
                },
            },
            "ping" => Self::Ping { id: id()? },
            "pong" => Self::Pong { id: id()? },
            "leave" => Self::Leave { id: id().ok() },
            "peers" if is_list => Self::Peers { id: id()?, size, total: fields.total.unwrap_or(0) },
            "peers" => Self::AskPeers { id: id()?, skip: fields.skip.unwrap_or(0) },
            "" => return Err(Malformed),
            _ => Self::Unknown { id: id().ok(), size },
        })
    }

    /// How many bytes follow the header.
    pub fn size(&self) -> u64 {
        match self {
            Self::Message { size, .. }
            | Self::Reply { size, .. }
            | Self::Peers { size, .. }
            | Self::Unknown { size, .. } => *size,
            _ => 0,
        }
    }
}

/// Whether a word that another program gives as its reason can be shown.
pub(super) fn is_code(word: &str) -> bool {
    (1..=32).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<(Header, &'static str)> {
        let id: MessageId = "9f2c".parse().unwrap();
        let (name, addr) = ("bob".parse().unwrap(), "192.0.2.7:5000".parse().unwrap());
        vec![
            (
                Header::Hello(Hello { name: Some(name), port: Some(5000), addr: Some(addr) }),
                r#"{"type":"hello","name":"bob","port":5000,"addr":"192.0.2.7:5000","version":"0.1.0"}"#,
            ),
            (
                Header::Message {
                    id: id.clone(),
                    size: 5,
                    topic: Some("deploy".parse().unwrap()),
                    reply: true,
                },
                r#"{"type":"message","id":"9f2c","size":5,"topic":"deploy","reply":true}"#,
            ),
            (
                Header::Message { id: id.clone(), size: 0, topic: None, reply: false },
                r#"{"type":"message","id":"9f2c","size":0}"#,
            ),
            (Header::Ok { id: Some(id.clone()) }, r#"{"type":"ok","id":"9f2c"}"#),
            (
                Header::No {
                    id: Some(id.clone()),
                    code: "busy".into(),
                    retry: Some(Duration::from_millis(1000)),
                },
                r#"{"type":"no","id":"9f2c","code":"busy","retry_ms":1000}"#,
            ),
            (
                Header::Reply { id: id.clone(), size: 3, end: ReplyEnd::Status(0) },
                r#"{"type":"reply","id":"9f2c","size":3,"status":0}"#,
            ),
            (
                Header::Reply { id: id.clone(), size: 0, end: ReplyEnd::Failed("no_reply".into()) },
                r#"{"type":"reply","id":"9f2c","size":0,"code":"no_reply"}"#,
            ),
            (Header::Ping { id: id.clone() }, r#"{"type":"ping","id":"9f2c"}"#),
            (Header::Pong { id: id.clone() }, r#"{"type":"pong","id":"9f2c"}"#),
            (Header::Leave { id: Some(id.clone()) }, r#"{"type":"leave","id":"9f2c"}"#),
            (Header::AskPeers { id: id.clone(), skip: 0 }, r#"{"type":"peers","id":"9f2c"}"#),
            (
                Header::AskPeers { id: id.clone(), skip: 256 },
                r#"{"type":"peers","id":"9f2c","skip":256}"#,
            ),
            (
                Header::Peers { id, size: 2, total: 0 },
                r#"{"type":"peers","id":"9f2c","size":2,"total":0}"#,
            ),
        ]
    }

    #[test]
    fn a_header_comes_back_as_it_went() {
        for (header, line) in examples() {
            assert_eq!(header.encode(), format!("{line}\n"));
            assert_eq!(Header::decode(line.as_bytes()), Ok(header));
        }
    }

    #[test]
    fn a_cut_header_is_malformed() {
        for (_, line) in examples() {
            for end in 0..line.len() {
                assert_eq!(
                    Header::decode(&line.as_bytes()[..end]),
                    Err(Malformed),
                    "{}",
                    &line[..end]
                );
            }
        }
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let later = br#"{"type":"ping","id":"1","colour":{"r":[1,2]},"x":null}"#;
        assert_eq!(Header::decode(later), Ok(Header::Ping { id: "1".parse().unwrap() }));
        let unknown = Header::decode(br#"{"type":"colour","id":"1","size":7}"#).unwrap();
        assert_eq!(unknown, Header::Unknown { id: Some("1".parse().unwrap()), size: 7 });
        let bare = Header::decode(br#"{"type":"hello","name":"-rf","port":0}"#);
        assert_eq!(bare, Ok(Header::Hello(Hello::default())));
    }

    #[test]
    fn nesting_has_no_end_that_we_reach() {
        let nested = |depth| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            format!("{{\"type\":\"ping\",\"id\":\"1\",\"x\":{open}{close}}}")
        };
        let ping = Ok(Header::Ping { id: "1".parse().unwrap() });
        for depth in [1, 100, 2000] {
            assert_eq!(Header::decode(nested(depth).as_bytes()), ping);
        }
        let known = format!("{{\"type\":{}1{}}}", "[".repeat(2000), "]".repeat(2000));
        assert_eq!(Header::decode(known.as_bytes()), Err(Malformed));
    }

    #[test]
    fn what_breaks_the_grammar_is_malformed() {
        for bad in [
            "",
            "{}",
            "[]",
            "null",
            "{\"type\":7}",
            "{\"type\":\"\"}",
            "{\"type\":\"message\",\"size\":3}",
            "{\"type\":\"message\",\"id\":\"a b\",\"size\":3}",
            "{\"type\":\"message\",\"id\":\"\",\"size\":3}",
            "{\"type\":\"message\",\"id\":\"1\",\"size\":-1}",
            "{\"type\":\"message\",\"id\":\"1\",\"size\":1e3}",
            "{\"type\":\"message\",\"id\":\"1\",\"size\":99999999999999999999}",
            "{\"type\":\"message\",\"id\":\"1\",\"size\":1,\"topic\":\"a b\"}",
            "{\"type\":\"ping\",\"id\":\"1\"} x",
            "{\"type\":\"ping\",\"type\":\"pong\",\"id\":\"1\"}",
            "{\"type\":\"no\",\"id\":\"1\",\"code\":\"\\u001b[31m\"}",
            "{\"type\":\"reply\",\"id\":\"1\",\"size\":0}",
            "{\"type\":\"ping\",\"id\":\"1\",\"size\":3}",
            "{\"type\":\"peers\"}",
            "{\"type\":\"peers\",\"id\":\"1\",\"skip\":-1}",
            "{\"type\":\"peers\",\"id\":\"1\",\"skip\":99999999999}",
        ] {
            assert_eq!(Header::decode(bad.as_bytes()), Err(Malformed), "{bad}");
        }
    }
}
