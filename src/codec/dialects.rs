//! The dialects of the plain wire: what each of them writes, one function for each shape.
//!
//! A dialect sees one message and knows nothing of the connection; what a connection has said before is kept in
//! `conversation`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::reading::{Answer, Reading};
use crate::address::parse_port;
use crate::message::Kind;
use crate::name::MAX_NAME_BYTES;

/// A message that starts with its sender's address.
pub(super) fn read_headed(arrival: &[u8]) -> Option<Reading> {
    let (header, bracketed, rest) = split_header(arrival)?;
    let rest = without_date(rest);
    if let Some((name, text)) = split_at_name(rest) {
        let kind = classify(text, bracketed);
        return Some(headed(header, kind, Some(name), text));
    }
    let end = rest.iter().position(u8::is_ascii_whitespace);
    let (word, text) = end.map_or((rest, &b""[..]), |at| (&rest[..at], &rest[at + 1..]));
    if text.trim_ascii().is_empty() {
        return read_nameless(header, word);
    }
    let name = word.strip_prefix(b"<").and_then(|w| w.strip_suffix(b">")).unwrap_or(word);
    let text = without_newline(text);
    Some(headed(header, classify(text, bracketed), Some(read_name(name)?), text))
}

/// A single word after the header is one of three keywords, or nothing of ours.
fn read_nameless(header: SocketAddr, word: &[u8]) -> Option<Reading> {
    let (kind, answer) = match word.utf8()?.to_ascii_uppercase().as_str() {
        "CONNECT_REQUEST" => (Kind::Connect, Some(Answer::ConnectedWord)),
        "DISCONNECT" | "DISCONNECTED" => (Kind::Exit, None),
        _ => return None,
    };
    Some(Reading { answer, ..headed(header, kind, None, word) })
}

fn headed(header: SocketAddr, kind: Kind, name: Option<String>, text: &[u8]) -> Reading {
    let answer = (kind == Kind::Connect).then_some(Answer::Connected);
    Reading { kind, header: Some(header), port: None, name, text: text.to_vec(), answer }
}

/// `<ip:port>` or `ip:port` and white space; also `[v6]:port`, which only p2p writes.
fn split_header(arrival: &[u8]) -> Option<(SocketAddr, bool, &[u8])> {
    let bracketed = arrival.starts_with(b"<");
    let inner = &arrival[usize::from(bracketed)..];
    let end = inner.iter().position(|&b| b == b'>' || b.is_ascii_whitespace())?;
    let header = inner[..end].utf8()?;
    let (_, port) = header.rsplit_once(':')?;
    let socket: SocketAddr = header.parse().ok().filter(|_| parse_port(port).is_some())?;
    let rest = inner[end..].strip_prefix(b">").unwrap_or(&inner[end..]);
    let text = rest.trim_ascii_start();
    let canonical = SocketAddr::new(socket.ip().to_canonical(), socket.port());
    (text.len() < rest.len() && !text.is_empty()).then_some((canonical, bracketed, text))
}

/// Drops `[date time] ` in front of the name, which one dialect writes.
fn without_date(rest: &[u8]) -> &[u8] {
    const MAX_DATE_BYTES: usize = 40;
    let inner = || {
        let inner = rest.strip_prefix(b"[")?;
        let end = inner.iter().take(MAX_DATE_BYTES).position(|&b| b == b']')?;
        let (date, after) = (&inner[..end], inner[end + 1..].strip_prefix(b" ")?);
        let digits = date.first()?.is_ascii_digit() && date.contains(&b':');
        let alphabet = |b: &u8| b.is_ascii_digit() || b"-/.:, T".contains(b);
        (digits && date.iter().all(alphabet)).then_some(after)
    };
    inner().unwrap_or(rest)
}

/// `@ <name>`, a newline, and the text, with or without a last line `<end>`.
fn split_at_name(rest: &[u8]) -> Option<(String, &[u8])> {
    let (line, text) = split_line(rest.strip_prefix(b"@")?.trim_ascii_start())?;
    let name = line.trim_ascii().strip_prefix(b"<")?.strip_suffix(b">")?;
    let text = without_newline(text);
    let text = match text.strip_suffix(b"<end>") {
        Some(body) if body.is_empty() || body.ends_with(b"\n") => without_newline(body),
        _ => text,
    };
    Some((read_name(name)?, text))
}

/// The dialects that name fields or give only a port; the source IP goes with it.
pub(super) fn read_keyed(arrival: &[u8]) -> Option<Reading> {
    let keyed = |kind, port: &[u8], name: Option<&[u8]>, text: &[u8], answer| {
        let port = Some(parse_port(port.trim_ascii().utf8()?)?);
        let name = name.map_or(Some(None), |n| read_name(n).map(Some))?;
        Some(Reading { kind, header: None, port, name, text: text.to_vec(), answer })
    };
    if let Some(rest) = arrival.strip_prefix(b"MESSAGE:") {
        let (name, rest) = split_byte(rest, b':')?;
        let (port, text) = split_byte(rest, b':')?;
        let text = without_newline(text);
        return keyed(classify(text, false), port, Some(name), text, None);
    }
    if let Some(rest) = arrival.strip_prefix(b"LISTENING_PORT:") {
        let (port, rest) = split_byte(rest, b'|')?;
        let (name, text) = split_byte(rest.strip_prefix(b"TEAM_NAME:")?, b'|')?;
        let text = without_newline(text);
        return keyed(classify(text, false), port, Some(name), text, None);
    }
    let line = arrival.trim_ascii();
    if let Some(rest) = line.strip_prefix(b"CONNECT:") {
        return match split_byte(rest, b':') {
            Some((name, port)) => {
                keyed(Kind::Connect, port, Some(name), b"CONNECT", Some(Answer::Ack))
            }
            None => keyed(Kind::Connect, rest, None, b"CONNECT", Some(Answer::Connected)),
        };
    }
    if let Some(rest) = line.strip_prefix(b"ACK:") {
        let (name, port) = split_byte(rest, b':')?;
        return keyed(Kind::ConnectAck, port, Some(name), b"ACK", None);
    }
    if let Some(port) = line.strip_prefix(b"EXIT:") {
        return keyed(Kind::Exit, port, None, b"EXIT", None);
    }
    if let Some(port) = line.strip_prefix(b"PORT:") {
        return keyed(Kind::Connect, port, None, b"PORT", Some(Answer::Port));
    }
    let (ip, port) = split_byte(line.strip_prefix(b"CONNECT ")?, b' ')?;
    ip.utf8()?.parse::<IpAddr>().ok()?;
    keyed(Kind::Connect, port, None, b"CONNECT", Some(Answer::Connected))
}

/// A JSON object with `type` and `sender_port`; its `content` may carry a header once or twice.
pub(super) fn read_json(arrival: &[u8]) -> Option<Reading> {
    if !arrival.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let object: Object = serde_json::from_str(arrival.utf8()?).ok()?;
    let port = match object.sender_port {
        Scalar::Text(digits) => parse_port(&digits)?,
        Scalar::Number(number) => u16::try_from(number).ok().filter(|&port| port != 0)?,
        Scalar::Other => return None,
    };
    let mut text = object.content.text().unwrap_or_default().as_bytes();
    let mut has_header = false;
    for _ in 0..2 {
        let named = split_header(text).filter(|(_, bracketed, _)| *bracketed);
        let Some((_, _, rest)) = named else { break };
        has_header = true;
        text = split_byte(rest, b' ').map_or(&b""[..], |(_, text)| text);
    }
    let kind = match object.r#type.text()? {
        "message" => classify(text, has_header),
        "connect" => Kind::Connect,
        "exit" => Kind::Exit,
        _ => return None,
    };
    let name = match object.sender_name.text() {
        Some(name) => Some(read_name(name.trim().as_bytes())?),
        None => None,
    };
    let answer = (kind == Kind::Connect).then_some(Answer::Connected);
    Some(Reading { kind, header: None, port: Some(port), name, text: text.to_vec(), answer })
}

/// The object of the dialect that speaks JSON; what else is in it takes no memory, whatever it is.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Object {
    r#type: Scalar,
    sender_port: Scalar,
    sender_name: Scalar,
    content: Scalar,
}

/// A value of which only a text or a whole number is of use.
#[derive(Default)]
enum Scalar {
    Text(String),
    Number(u64),
    #[default]
    Other,
}

impl Scalar {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Scalar, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// What a text that has a header means. Keywords are the whole text, in any case.
pub(super) fn classify(text: &[u8], bracketed: bool) -> Kind {
    const LONGEST_KEYWORD: usize = 18;
    let word = text.trim_ascii();
    if word.len() > LONGEST_KEYWORD {
        return Kind::Message;
    }
    match word.to_ascii_lowercase().as_slice() {
        b"exit" | b"[peer_quit]" => Kind::Exit,
        b"quit" if bracketed => Kind::Exit,
        b"connect"
        | b"connecting"
        | b"connection_request"
        | b"connection request"
        | b"connect_request" => Kind::Connect,
        b"connect_ack" | b"connected" => Kind::ConnectAck,
        _ => Kind::Message,
    }
}

/// A name as it was sent, if it is UTF-8 and short enough to be one. Otherwise the arrival is raw text, of which no byte
/// is lost.
pub(super) fn read_name(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || bytes.len() > MAX_NAME_BYTES {
        return None;
    }
    bytes.utf8().map(str::to_owned)
}

pub(super) fn without_newline(text: &[u8]) -> &[u8] {
    let shorter = text.strip_suffix(b"\r\n").or_else(|| text.strip_suffix(b"\n"));
    shorter.unwrap_or(text)
}

pub(super) fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    split_byte(bytes, b'\n')
}

fn split_byte(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&b| b == byte)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// UTF-8 or nothing.
pub(super) trait Utf8 {
    fn utf8(&self) -> Option<&str>;
}

impl Utf8 for [u8] {
    fn utf8(&self) -> Option<&str> {
        std::str::from_utf8(self).ok()
    }
}
