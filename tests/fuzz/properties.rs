//! What holds whatever bytes arrive, one function for each parser of foreign bytes.
//!
//! The same functions are run with mutated inputs by `main.rs`, and with coverage as their guide by the programs in `fuzz/`.
//! Checks of what may be shown are made with a list of their own, not with the code that they check.

use std::cell::OnceCell;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use p2p::address::{Address, Host, parse_port};
use p2p::arrived::Arrived;
use p2p::book::{Caps, PeerBook, Reached, Record, Teller, Telling};
use p2p::codec::acquaintances;
use p2p::codec::conversation::{Conversation, MAX_LINES};
use p2p::codec::frame::{Header, MAX_HEADER_BYTES};
use p2p::codec::reading::{Ends, Reading};
use p2p::codec::receipt::{is_receipt, name_in};
use p2p::codec::verdict::{MAX_VERDICT_BYTES, Verdict};
use p2p::codec::writing::{check_text, encode, split};
use p2p::config::{Advertise, Bind, Config, Run, Time, parse_jobs, parse_listen_port};
use p2p::escape::escape;
use p2p::event::{Event, Listed};
use p2p::exit::Failure;
use p2p::global::Global;
use p2p::id::MessageId;
use p2p::key::PublicKey;
use p2p::lan::Network;
use p2p::lan::record::announced;
use p2p::line::{Form, line};
use p2p::message::{Arrival, Kind};
use p2p::name::Name;
use p2p::peer::{Peer, Wire};
use p2p::posted::Posted;
use p2p::quorum::Quorum;
use p2p::session::frames::{FrameError, FrameReader};
use p2p::session::tls::{Credentials, Expected, Keys};
use p2p::settings::{Flags, Settings};
use p2p::state::cursor::{Cursor, CursorName};
use p2p::state::dir::StateDir;
use p2p::state::ledger::{Ledger, RECEIVED, SENT};
use p2p::state::peers_file::{PeersFile, Place};
use p2p::state::presence;
use p2p::state::reader::{Entry, Mark, Reader, newest_lines};
use p2p::state::record;
use p2p::state::seen::{Seen, SeenMessage};
use p2p::tag::Tag;
use p2p::topic::{Topic, TopicGlob};
use p2p::trust::{Accept, Secure, Share, Trust};
use serde_json::Value;
use tokio::io::{AsyncRead, ReadBuf};

/// A parser of foreign bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, also that of its program and of its kept inputs in `fuzz/`.
    pub name: &'static str,
    /// What holds.
    pub check: fn(&[u8]),
    /// Its share of the time.
    pub share: u32,
    /// How many times the size of its input it may have in memory at once, beside [`Self::beside`]. That is of the whole check,
    /// which keeps and compares several readings; of what nobody but the user writes (`config`) it is what the parser takes.
    pub memory: usize,
    /// How many bytes it may have in memory whatever its input is.
    pub beside: usize,
}

const fn target(name: &'static str, check: fn(&[u8]), share: u32, memory: usize) -> Target {
    Target { name, check, share, memory, beside: 512 * 1024 }
}

impl Target {
    /// It reads files, several times, and by the chunk.
    const fn of_files(self) -> Self {
        Self { beside: 3 * 1024 * 1024, ..self }
    }
}

/// All of them.
pub const TARGETS: [Target; 18] = [
    target("plain", plain, 8, 8),
    target("text", text, 4, 40),
    target("verdict", verdict, 10, 2),
    target("frame", frame, 10, 2),
    target("frames", frames, 5, 4),
    target("peers_list", peers_list, 4, 8),
    target("words", words, 8, 16),
    target("escape", escaped, 10, 20),
    target("shown", shown, 4, 48),
    target("record", peer_record, 12, 2),
    target("kept_message", kept_message, 8, 64),
    target("announcement", announcement, 8, 4),
    target("config", config, 3, 140),
    target("peers_file", peers_file, 2, 8).of_files(),
    target("history", history, 2, 12).of_files(),
    target("seen", seen, 2, 40).of_files(),
    target("small_files", small_files, 2, 12).of_files(),
    target("handshake", handshake, 2, 2),
];

/// Who is at the other end in all of these.
const OBSERVED: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));

/// A time that every run shares, so that an input means the same tomorrow: 2026-01-01.
fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

/// Characters that cannot be seen or that a terminal obeys, by their ranges in Unicode 16, apart from what is not assigned:
/// controls, formats, separators but for the blank, private use, surrogates, fillers, joiners and variation selectors.
const HIDDEN: [(u32, u32); 47] = [
    (0x0, 0x1f),
    (0x7f, 0xa0),
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x600, 0x605),
    (0x61c, 0x61c),
    (0x6dd, 0x6dd),
    (0x70f, 0x70f),
    (0x890, 0x891),
    (0x8e2, 0x8e2),
    (0x115f, 0x1160),
    (0x1680, 0x1680),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x2000, 0x200f),
    (0x2028, 0x202f),
    (0x205f, 0x206f),
    (0x2800, 0x2800),
    (0x3000, 0x3000),
    (0x3164, 0x3164),
    (0xd800, 0xf8ff),
    (0xfdd0, 0xfdef),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0xfffe, 0xffff),
    (0x110bd, 0x110bd),
    (0x110cd, 0x110cd),
    (0x13430, 0x1343f),
    (0x1bca0, 0x1bca3),
    (0x1d173, 0x1d17a),
    (0x1fffe, 0x1ffff),
    (0x2fffe, 0x2ffff),
    (0x3fffe, 0x3ffff),
    (0x40000, 0x4ffff),
    (0x50000, 0x5ffff),
    (0x60000, 0x6ffff),
    (0x70000, 0x7ffff),
    (0x80000, 0x8ffff),
    (0x90000, 0x9ffff),
    (0xa0000, 0xaffff),
    (0xb0000, 0xbffff),
    (0xc0000, 0xcffff),
    (0xd0000, 0xdffff),
    (0xe0000, 0xeffff),
    (0xf0000, 0x10ffff),
];

fn is_hidden(c: char) -> bool {
    let code = u32::from(c);
    let at = HIDDEN.partition_point(|(_, last)| *last < code);
    HIDDEN.get(at).is_some_and(|(first, _)| *first <= code)
}

/// Nothing in it is invisible or steers a terminal.
#[track_caller]
fn assert_visible(text: &str) {
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return;
    }
    if let Some(c) = text.chars().find(|c| is_hidden(*c)) {
        panic!("U+{:04X} would be shown in {text:?}", u32::from(c));
    }
}

/// One line: its newline is its end, and nothing before it is invisible.
#[track_caller]
fn assert_one_line(line: &str) -> &str {
    let Some(text) = line.strip_suffix('\n') else { panic!("no newline at the end of {line:?}") };
    assert_visible(text);
    text
}

/// One line with one JSON object.
#[track_caller]
fn assert_object(line: &str) -> Value {
    let text = assert_one_line(line);
    let object: Value = serde_json::from_str(text).expect("a line is JSON");
    assert!(object.is_object(), "{text}");
    object
}

/// What an escaped text stands for, by the rule in the manual: `\n \r \t \\ \u{…} \x…`.
fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        bytes.extend(rest[..at].bytes());
        rest = &rest[at + 1..];
        let kind = rest.chars().next().expect("an escape has a letter");
        rest = &rest[kind.len_utf8()..];
        match kind {
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            '\\' => bytes.push(b'\\'),
            'x' => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).expect("two hex digits"));
                rest = &rest[2..];
            }
            'u' => {
                let (code, after) = rest[1..].split_once('}').expect("braces around a code point");
                let code = u32::from_str_radix(code, 16).expect("a code point in hex");
                let c = char::from_u32(code).expect("a scalar value");
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                rest = after;
            }
            other => panic!("an escape of {other:?}"),
        }
    }
    bytes.extend(rest.bytes());
    bytes
}

fn ends() -> Ends {
    Ends { observed: OBSERVED, local: LOCAL, port: 6000, advertised: None }
}

/// Whatever comes on the plain wire has a reading, and one end.
pub fn plain(data: &[u8]) {
    let mut conversation = Conversation::default();
    let readings = conversation.read(data);
    assert_eq!(readings.is_empty(), data.is_empty(), "only nothing has no reading");
    check_readings(data, &readings);
    assert_eq!(Conversation::default().read(data), readings, "the same bytes are read alike");
    for reading in readings.iter().take(4) {
        is_written_back(reading);
    }
    // what a connection has said of itself never swallows what comes next
    let next = conversation.read(b"10.0.0.2:7000 bob hello");
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!((next[0].kind, next[0].text.as_slice()), (Kind::Message, &b"hello"[..]));
    let receipt = name_in(data);
    assert!(receipt.is_none() || is_receipt(data), "who is named has confirmed");
    // every beginning of a short one, some of a long one
    let step = data.len() / 24 + 1;
    for end in (0..data.len()).step_by(step) {
        in_two_parts(data, end);
    }
}

/// Two arrivals instead of one, as a slow link makes them.
fn in_two_parts(data: &[u8], end: usize) {
    let mut parted = Conversation::default();
    let (first, second) = data.split_at(end);
    let mut readings = parted.read(first);
    check_readings(first, &readings);
    let after = parted.read(second);
    check_readings(second, &after);
    readings.extend(after);
    // where lines are messages, a cut between two lines changes nothing: there is one reading of where a message ends
    let whole = Conversation::default().read(data);
    let by_lines = whole.len() > 1 && first.ends_with(b"\n");
    let few = data.iter().filter(|b| **b == b'\n').count() < MAX_LINES;
    if by_lines && few && Conversation::default().read(first).len() > 1 {
        assert_eq!(readings, whole, "a cut between lines");
    }
}

fn check_readings(data: &[u8], readings: &[Reading]) {
    assert!(readings.len() <= MAX_LINES + 1, "{} readings", readings.len());
    let text: usize = readings.iter().map(|reading| reading.text.len()).sum();
    assert!(text <= data.len() + 16, "{text} bytes of text of {}", data.len());
    for reading in readings {
        assert_ne!(reading.port, Some(0));
        if let Some(name) = &reading.name {
            assert!((1..=64).contains(&name.len()) || name.is_empty() && is_json(data), "{name:?}");
        }
        if let Some(address) = reading.reachable(&ends()) {
            check_address(&address);
            let socket = address.socket().expect("an arrival carries no host's name");
            assert_ne!(socket, SocketAddr::new(LOCAL, 6000), "our own address");
            assert!(!socket.ip().is_multicast() && !socket.ip().is_loopback(), "{socket}");
        }
        // of what is raw no byte is lost, but for one newline
        if let (Kind::Raw, [one]) = (reading.kind, readings) {
            let rest = data.strip_prefix(one.text.as_slice()).expect("raw text is what came");
            assert!(matches!(rest, b"" | b"\n" | b"\r\n"), "{rest:?} is lost");
        }
    }
}

fn is_json(data: &[u8]) -> bool {
    data.trim_ascii_start().starts_with(b"{")
}

/// A message that was read can be written in the one form that we write, and is then read as the same.
fn is_written_back(reading: &Reading) {
    let Some(name) = reading.name.as_deref().and_then(|name| Name::typed(name).ok()) else {
        return;
    };
    let (Some(header), Ok(text)) = (reading.header, std::str::from_utf8(&reading.text)) else {
        return;
    };
    let is_short = text.len() < 600;
    if reading.kind != Kind::Message || !is_short || split(text, 1000).is_err() {
        return;
    }
    let written = encode(header, &name, text);
    let mut again = Conversation::default().read(&written);
    assert_eq!(again.len(), 1, "{again:?}");
    let again = again.remove(0);
    assert_eq!((again.kind, again.header), (Kind::Message, Some(header)));
    assert_eq!((again.name, again.text), (Some(name.word()), reading.text.clone()));
}

/// A text that is sent in parts is the same text, and each part is read as what it is.
pub fn text(data: &[u8]) {
    let max_bytes = 131 + data.first().map_or(0, |b| usize::from(*b)) * 4;
    let Ok(text) = check_text(data.to_vec()) else { return };
    assert!(!text.trim().is_empty() && data.starts_with(text.as_bytes()));
    let Ok(parts) = split(&text, max_bytes) else { return };
    assert_eq!(parts.concat(), text, "the parts are the text");
    let header: SocketAddr = "10.0.0.2:7000".parse().expect("an address");
    let name: Name = "alice".parse().expect("a name");
    for part in parts {
        let written = encode(header, &name, part);
        assert!(written.len() <= max_bytes, "{} bytes for {max_bytes}", written.len());
        let read = Conversation::default().read(&written);
        let [one] = read.as_slice() else { panic!("{} readings of {part:?}", read.len()) };
        assert_eq!((one.kind, one.text.as_slice()), (Kind::Message, part.as_bytes()));
        assert_eq!((one.header, one.name.as_deref()), (Some(header), Some("alice")));
    }
}

/// An acknowledgement is a whole line of ours or none.
pub fn verdict(data: &[u8]) {
    let Some(verdict) = Verdict::decode(data) else { return };
    assert!(data.starts_with(b"P2P/1 ") && data.len() <= MAX_VERDICT_BYTES);
    let newlines = data.iter().filter(|b| **b == b'\n').count();
    assert!(newlines == 1 && data.ends_with(b"\n"), "one line");
    let line = verdict.encode();
    assert_one_line(&line);
    assert!(line.len() <= MAX_VERDICT_BYTES);
    assert_eq!(Verdict::decode(line.as_bytes()).as_ref(), Some(&verdict), "{line}");
    match &verdict {
        Verdict::Ok { name, port, .. } => {
            name.iter().for_each(check_name);
            assert_ne!(*port, Some(0));
        }
        Verdict::No { code, .. } => check_code(code),
    }
    for end in (0..data.len()).step_by(data.len() / 32 + 1) {
        assert_eq!(Verdict::decode(&data[..end]), None, "a beginning is none");
    }
    assert_eq!(Verdict::decode(&[data, b"x"].concat()), None, "one with more is none");
}

fn check_code(code: &str) {
    let is_word = code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    assert!((1..=32).contains(&code.len()) && is_word, "{code:?}");
}

/// A header that is read can be written, and is then read as the same.
pub fn frame(data: &[u8]) {
    let Ok(header) = Header::decode(data) else { return };
    check_header(&header);
}

fn check_header(header: &Header) {
    let line = header.encode();
    assert_object(&line);
    assert!(line.len() <= MAX_HEADER_BYTES, "{} bytes", line.len());
    let again = Header::decode(line.trim_end_matches('\n').as_bytes()).expect("ours is read");
    assert_eq!(again.encode(), line);
    assert_eq!(again.size(), header.size(), "where its end is");
    match header {
        Header::Hello(hello) => {
            hello.name.iter().for_each(check_name);
            assert_ne!(hello.port, Some(0));
            assert!(hello.addr.is_none_or(|addr| addr.port() != 0));
        }
        header => assert_eq!(&again, header),
    }
}

/// A stream that gives so many bytes at once, and never has to be waited for.
struct Pieces<'a> {
    rest: &'a [u8],
    at_once: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let count = self.at_once.min(self.rest.len()).min(buffer.remaining());
        let (piece, rest) = self.rest.split_at(count);
        buffer.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}

/// The result of what never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits for what is there"),
    }
}

/// What a session says.
#[derive(Debug, Default, PartialEq)]
struct Said {
    /// Its first frames with what belongs to them; the rest is only counted.
    first: Vec<(Header, Vec<u8>)>,
    frames: usize,
    bytes: usize,
    /// Whether it ended with something that is no frame, if it did not end in order.
    broke: Option<bool>,
}

async fn session(data: &[u8], at_once: usize) -> Said {
    let mut reader = FrameReader::new(Pieces { rest: data, at_once });
    let mut said = Said::default();
    let end = said_by(&mut reader, &mut said).await;
    said.broke = end.err().map(|error| matches!(error, FrameError::Malformed));
    said
}

async fn said_by(reader: &mut FrameReader<Pieces<'_>>, said: &mut Said) -> Result<(), FrameError> {
    const MAX_BODY_BYTES: u64 = 1024 * 1024;
    while let Some(header) = reader.header().await? {
        let mut body = Vec::new();
        match usize::try_from(header.size().min(MAX_BODY_BYTES + 1)) {
            Ok(size) if size as u64 <= MAX_BODY_BYTES => {
                while !reader.body(size).await? {}
                body = reader.take_body(size);
                assert_eq!(body.len(), size, "a body is as long as its header says");
            }
            _ => reader.skip(header.size()).await?,
        }
        said.frames += 1;
        said.bytes += body.len();
        if said.first.len() < 64 {
            said.first.push((header, body));
        }
    }
    Ok(())
}

/// What is said in a session does not depend on the pieces in which it comes, and no byte is read twice.
pub fn frames(data: &[u8]) {
    let whole = now(session(data, usize::MAX));
    let odd = 1 + data.first().map_or(0, |b| usize::from(*b) % 61);
    let parted = now(session(data, if data.len() > 4096 { odd + 512 } else { odd }));
    assert!(parted == whole, "in pieces of {odd}: {parted:?}, not {whole:?}");
    assert!(whole.bytes <= data.len(), "{} bytes of {}", whole.bytes, data.len());
    whole.first.iter().take(8).for_each(|(header, _)| check_header(header));
}

/// A list of peers is what its grammar says, and what becomes of it can be kept and shown.
pub fn peers_list(data: &[u8]) {
    let now = noon();
    let Ok(peers) = acquaintances::decode(data, now) else { return };
    assert!(peers.len() <= acquaintances::MAX_LISTED);
    for peer in &peers {
        assert_ne!(peer.address.port(), 0);
        assert_eq!(peer.address.ip(), peer.address.ip().to_canonical());
        peer.name.iter().for_each(check_name);
        assert!(peer.seen <= now, "seen in the future");
    }
    let nobody = PublicKey::new([0xfe; 32]);
    let (list, count) = acquaintances::encode(&peers, LOCAL, nobody, 0, now);
    assert!(list.len() <= acquaintances::MAX_LIST_BYTES && count <= peers.len());
    let again = acquaintances::decode(list.as_bytes(), now).expect("ours is read");
    assert_eq!(again.len(), count);
    assert_eq!(acquaintances::encode(&again, LOCAL, nobody, 0, now), (list, count));
    let teller = Teller { key: Some(PublicKey::new([7; 32])), ip: OBSERVED, is_chosen: false };
    let mut book = PeerBook::new(Caps::default(), Trust::default());
    book.learn(&[Telling { teller, peers }], now, |_| false);
    for peer in book.iter() {
        assert!(peer.is_hearsay() && !peer.verified && peer.key.is_none(), "it is only said");
        check_peer(peer);
    }
    book.take_journal().iter().for_each(check_record);
}

thread_local! {
    static SESSIONS: OnceCell<Sessions> = const { OnceCell::new() };
}

/// Both ends of a handshake, made once.
struct Sessions {
    server: Arc<rustls::ServerConfig>,
    client: Arc<rustls::ClientConfig>,
}

/// A secret key that is known to everybody.
fn credentials() -> Credentials {
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let secret = [&prefix[..], &[9; 32]].concat();
    let der = rustls::pki_types::PrivatePkcs8KeyDer::from(secret);
    Credentials::new(&der).expect("a key")
}

impl Sessions {
    fn new() -> Self {
        let credentials = credentials();
        let server = credentials.server().expect("a listener's part");
        let expected = Expected::new(PublicKey::new([1; 32]));
        let client = Keys::of(credentials).client(expected).expect("a caller's part");
        Self { server, client }
    }
}

/// Most bytes that a caller gets to say in a handshake (`docs/PROTOCOL.md`).
const MAX_HANDSHAKE_BYTES: usize = 4096;

/// Nobody comes into a session, or to a key that was not proved, by bytes that were made without that key: neither as a
/// caller, nor as a listener.
pub fn handshake(data: &[u8]) {
    let data = &data[..data.len().min(MAX_HANDSHAKE_BYTES)];
    SESSIONS.with(|sessions| {
        let Sessions { server, client } = sessions.get_or_init(Sessions::new);
        let server = rustls::ServerConnection::new(Arc::clone(server)).expect("a listener's end");
        is_no_session(server.into(), data);
        let name = rustls::pki_types::ServerName::from(OBSERVED);
        let client =
            rustls::ClientConnection::new(Arc::clone(client), name).expect("a caller's end");
        is_no_session(client.into(), data);
    });
}

fn is_no_session(mut end: rustls::Connection, mut data: &[u8]) {
    while !data.is_empty() {
        if !matches!(end.read_tls(&mut data), Ok(1..)) || end.process_new_packets().is_err() {
            break;
        }
    }
    assert!(end.is_handshaking(), "a session");
    assert!(end.peer_certificates().is_none(), "a key that nobody has proved");
    let mut answer = Vec::new();
    while end.wants_write() {
        end.write_tls(&mut answer).expect("a vector takes everything");
    }
    assert!(answer.len() <= MAX_HANDSHAKE_BYTES, "{} bytes of an answer", answer.len());
}

/// What is announced in the local network is what its grammar says, and near.
pub fn announcement(data: &[u8]) {
    // name, key, host and address, each on a line of its own, as the library hands them over
    let mut parts = data.splitn(4, |b| *b == b'\n');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let (name, key, instance) = (part(), part(), part().unwrap_or_default());
    let rest = part().unwrap_or_default();
    let port = rest.first_chunk().map_or(5000, |two| u16::from_be_bytes(*two));
    let v4 = rest.get(2..6).and_then(|four| <[u8; 4]>::try_from(four).ok());
    let v6 = rest.get(6..22).and_then(|all| <[u8; 16]>::try_from(all).ok());
    let ips = v4.map(IpAddr::from).into_iter().chain(v6.map(IpAddr::from));
    let fact = |wanted: &str| match wanted {
        "name" => name,
        "key" => key,
        _ => None,
    };
    let networks = [
        Network { ip: LOCAL, prefix: 8 },
        Network { ip: "fe80::9".parse().expect("an address"), prefix: 64 },
        Network { ip: "fd00::9".parse().expect("an address"), prefix: 8 },
    ];
    let instance = String::from_utf8_lossy(instance);
    let found = announced(&instance, fact, ips, port, &networks, noon());
    let Some(peer) = found else { return };
    assert_ne!(peer.address.port(), 0);
    assert!(networks.iter().any(|network| network.has(peer.address.ip())), "{}", peer.address);
    peer.name.iter().for_each(check_name);
    let given = key.and_then(|key| std::str::from_utf8(key).ok()?.parse().ok());
    assert_eq!(peer.key, given, "a key that is none is no announcement");
    let teller = Teller { key: None, ip: LOCAL, is_chosen: false };
    let mut book = PeerBook::new(Caps::default(), Trust::default());
    book.learn(&[Telling { teller, peers: vec![peer] }], noon(), |_| false);
    book.iter().for_each(check_peer);
    book.take_journal().iter().for_each(check_record);
}

/// A word is read as what its grammar says, and what is shown of it is read as the same.
pub fn words(data: &[u8]) {
    let lossy = String::from_utf8_lossy(data);
    for word in [lossy.as_ref(), lossy.trim()] {
        read_words(word);
    }
}

/// A word that is read is shown so that it is read as the same.
#[track_caller]
fn round<T: FromStr + ToString + PartialEq + std::fmt::Debug>(word: &str) -> Option<T> {
    let value: T = word.parse().ok()?;
    let shown = value.to_string();
    assert_visible(&shown);
    assert_eq!(shown.parse().ok().as_ref(), Some(&value), "{word:?} is shown as {shown:?}");
    Some(value)
}

fn read_words(word: &str) {
    if let Some(address) = round::<Address>(word) {
        check_address(&address);
    }
    round::<Advertise>(word);
    if let Ok(Bind(ip)) = word.parse() {
        assert_eq!(ip.to_string().parse(), Ok(Bind(ip)));
    }
    if let Ok(name) = word.parse::<Name>() {
        check_name(&name);
        assert_eq!(name.as_str(), word);
    }
    if let Ok(name) = Name::typed(word) {
        check_name(&name);
        assert_eq!(name.word(), name.as_str(), "a name that is typed is one word");
        assert!(!name.word().contains([' ', ':', '@', '/', ',', '*', '\\']), "{name}");
        assert!(!name.word().starts_with(['<', '[', '{', '-']), "{name}");
    }
    if let Some(name) = Name::from_any(word) {
        check_name(&name);
    }
    if let Some(tag) = round::<Tag>(word) {
        assert!((1..=64).contains(&tag.as_str().len()) && !tag.as_str().contains(' '));
    }
    if let Some(topic) = round::<Topic>(word) {
        assert!((1..=64).contains(&topic.as_str().len()));
        assert!(!topic.as_str().starts_with('-') && !topic.as_str().contains(['*', '?', '\\']));
        assert!(!topic.as_str().contains(char::is_whitespace));
        let glob: TopicGlob = word.parse().expect("a topic is a pattern for itself");
        assert!(glob.matches(Some(&topic)));
    }
    if let Ok(glob) = word.parse::<TopicGlob>() {
        assert!(!glob.matches(None), "no topic is none that is meant");
        let topic: Topic = "deploy.web-1".parse().expect("a topic");
        let _ = glob.matches(Some(&topic));
    }
    if let Some(id) = round::<MessageId>(word) {
        assert!((1..=64).contains(&id.as_str().len()) && id.as_str().is_ascii());
    }
    if let Some(key) = round::<PublicKey>(word) {
        assert_eq!(word.to_ascii_lowercase(), key.to_string());
        assert!(word.parse::<MessageId>().is_ok() && key.fingerprint().len() == 24);
    }
    if let Some(quorum) = round::<Quorum>(word) {
        for targets in [0, 1, 3, 10_000] {
            assert!(
                matches!(quorum, Quorum::Count(_) | Quorum::Any) || quorum.of(targets) <= targets
            );
        }
    }
    if let Some(Time(time)) = round::<Time>(word) {
        assert!(!time.is_zero() && time <= Duration::from_secs(366 * 24 * 60 * 60));
        assert!(SystemTime::now().checked_add(time).is_some());
    }
    round::<Trust>(word);
    round::<Secure>(word);
    round::<Accept>(word);
    round::<Share>(word);
    if let Ok(Run(run)) = word.parse() {
        assert!(!run.contains('\0') && run == word);
    }
    let digits = (1..=5).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    if let Some(port) = parse_port(word) {
        assert!(digits && port != 0, "{word:?} is no port");
    }
    assert!(parse_listen_port(word).is_err() || digits, "{word:?} is no port");
    if let Ok(jobs) = parse_jobs(word) {
        assert!(
            (1..=65_536).contains(&jobs) && word.bytes().all(|b| b.is_ascii_digit()),
            "{word:?}"
        );
    }
    if word.parse::<CursorName>().is_ok() {
        let is_file_name = !word.contains(['/', '\0']) && !word.starts_with('.');
        assert!(is_file_name && word.is_ascii() && (1..=64).contains(&word.len()), "{word:?}");
    }
}

fn check_name(name: &Name) {
    assert!((1..=64).contains(&name.as_str().len()), "{name}");
    assert_visible(name.as_str());
    assert!(!name.as_str().starts_with('-') && !name.as_str().contains('\\'), "{name}");
    let word = name.to_string();
    assert!(!word.contains(char::is_whitespace), "{word:?} is not one word");
    assert_eq!(word.parse::<Name>().map(|name| name.to_string()), Ok(word));
}

fn check_address(address: &Address) {
    assert_ne!(address.port, 0);
    let shown = address.to_string();
    assert!(shown.is_ascii() && shown.len() <= 260, "{shown:?}");
    assert_visible(&shown);
    assert!(!shown.contains([' ', '/', '\\', '@', ',']), "{shown:?}");
    assert_eq!(shown.parse().as_ref(), Ok(address), "{shown}");
    match &address.host {
        Host::Ip(ip) => assert!(!ip.is_unspecified() && *ip == ip.to_canonical(), "{ip}"),
        // the name of an interface may end as it likes
        Host::Name(name) if name.contains('%') => {}
        Host::Name(name) => {
            let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
            let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
            assert!(!is_number && !name.starts_with('-'), "{name}");
        }
    }
}

/// What is escaped is one line of visible characters, and stands for the same bytes.
pub fn escaped(data: &[u8]) {
    let line = escape(data);
    assert_visible(&line);
    assert!(!line.contains('\n'));
    assert_eq!(unescape(&line), data, "{line}");
    assert!(line.len() <= 10 * data.len());
}

/// An arrival, of a name, a topic and a text in the bytes.
fn arrival(data: &[u8]) -> Arrival {
    let mut parts = data.splitn(3, |b| *b == b'|');
    let mut part = || parts.next().unwrap_or_default();
    let (name, topic) = (part(), part());
    let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty());
    let topic = std::str::from_utf8(topic).ok().and_then(|topic| topic.parse().ok());
    Arrival {
        kind: Kind::Message,
        time: noon(),
        address: "10.0.0.2:7000".parse().ok(),
        name: name.map(str::to_owned),
        observed: OBSERVED,
        verified: true,
        key: None,
        id: None,
        topic,
        text: part().to_vec(),
    }
}

/// One message in is one line out, and one JSON object, and both say what it was.
pub fn shown(data: &[u8]) {
    let arrival = arrival(data);
    check_shown(&arrival);
    let nameless = Arrival { name: None, address: None, ..arrival };
    check_shown(&nameless);
}

fn check_shown(arrival: &Arrival) {
    for is_doubtful in [false, true] {
        let escaped = line(arrival, Form::Escaped, is_doubtful);
        let escaped = String::from_utf8(escaped).expect("a line is UTF-8");
        let escaped = assert_one_line(&escaped);
        let mut words = escaped.splitn(3, ' ');
        let (address, name) = (words.next(), words.next().expect("a name"));
        let expected = arrival.address.as_ref().map(ToString::to_string);
        let expected = expected.unwrap_or_else(|| arrival.observed.to_string());
        assert_eq!(address, Some(expected.as_str()), "the first word is the address");
        assert!(!name.is_empty(), "the second word is the name");
        let text = words.next().expect("a text");
        assert_eq!(unescape(text), arrival.text, "{escaped}");
        let raw = line(arrival, Form::Raw, is_doubtful);
        assert!(raw.ends_with(&[arrival.text.as_slice(), b"\n"].concat()), "its exact bytes");
    }
    let arrived = Arrived::new(arrival, true).numbered(1);
    check_object(&Event::Message(arrived.clone()).line(), arrival);
    let kept = serde_json::to_vec(&arrived).expect("it can be kept");
    assert!(!kept.contains(&b'\n'), "a record is one line");
    let (again, read) = Arrived::read(&kept).expect("what was kept is read");
    assert_eq!(&read, arrival, "what was kept is what came");
    assert_eq!(serde_json::to_vec(&again).expect("it can be kept"), kept);
}

/// The object says the text, exactly.
#[track_caller]
fn check_object(line: &str, arrival: &Arrival) {
    let object = assert_object(line);
    assert_eq!(object["event"], "message");
    let said = match (object["body"].as_str(), object["body_base64"].as_str()) {
        (Some(body), None) => body.as_bytes().to_vec(),
        (None, Some(encoded)) => BASE64_STANDARD.decode(encoded).expect("base64"),
        both => panic!("{both:?}"),
    };
    assert_eq!(said, arrival.text);
    assert_eq!(object["from"]["name"].as_str(), arrival.name.as_deref());
    assert_eq!(object["from"]["observed"], arrival.observed.to_string());
}

/// A line of the history is what `log` shows of it, or damage.
pub fn kept_message(data: &[u8]) {
    if let Some((arrived, read)) = Arrived::read(data) {
        check_time(read.time);
        let event = Event::Message(arrived.clone()).line();
        assert_object(&event);
        let escaped = line(&read, Form::Escaped, true);
        assert_one_line(std::str::from_utf8(&escaped).expect("a line is UTF-8"));
        read.address.iter().for_each(check_address);
        let kept = serde_json::to_vec(&arrived).expect("it can be kept");
        let (again, same) = Arrived::read(&kept).expect("what was kept is read");
        assert_eq!(same, read);
        assert_eq!(serde_json::to_vec(&again).expect("it can be kept"), kept);
    }
    if let Some(sent) = Posted::read(data) {
        for one in sent.into_iter().take(8) {
            let text = one.body.text();
            assert!(text.is_some(), "a text that was sent");
            let object = assert_object(&Event::Sent(one).line());
            assert_eq!(object["event"], "sent");
        }
    }
}

fn check_time(time: SystemTime) {
    assert!(time >= SystemTime::UNIX_EPOCH, "before all times");
    assert!(p2p::event::rfc3339(time).ends_with('Z'));
}

fn check_peer(peer: &Peer) {
    check_address(&peer.address);
    peer.name.iter().for_each(check_name);
    assert_object(&Event::Peer(Listed::new(peer, noon())).line());
    assert_visible(&peer.label());
}

/// A record that was read can be written, and is then read as the same, to the millisecond.
fn check_record(record: &Record) {
    let line = record::encode(record);
    assert!(line.ends_with('\n') && !line.trim_end_matches('\n').contains('\n'), "{line:?}");
    let object = line.get(9..).expect("a checksum");
    assert_object(object);
    let line = line.trim_end_matches('\n');
    let record::Line::Record(again) = record::decode(line.as_bytes()) else {
        panic!("ours is not read: {line}")
    };
    assert_eq!(record::encode(&again).trim_end_matches('\n'), line);
    // whoever changes a byte of it is found out
    let mut damaged = line.as_bytes().to_vec();
    // the first of its address: digits and letters become others
    damaged[24] ^= 1;
    assert_eq!(record::decode(&damaged), record::Line::Bad, "a damaged record");
}

/// A line of the peers file.
pub fn peer_record(data: &[u8]) {
    let record::Line::Record(record) = record::decode(data) else { return };
    check_record(&record);
    let mut book = PeerBook::new(Caps::default(), Trust::default());
    if let Record::Peer(peer) = &record {
        check_peer(peer);
    }
    book.apply(record);
    assert!(book.len() <= 1 && book.take_journal().is_empty(), "reading changes nothing");
}

thread_local! {
    static SCRATCH: Scratch = Scratch::new();
}

/// A home of this thread's own, in memory where the system has a place for that.
struct Scratch {
    home: tempfile::TempDir,
    /// The listener's file, locked as a running listener has it.
    listener: File,
}

impl Scratch {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let home = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        let home = home.expect("a directory for temporary files");
        let path = home.path().join("listening");
        drop(StateDir::create(&path, true).expect("a state directory"));
        let listener = write(&path, "listener", b"");
        listener.lock().expect("a lock that nobody else has");
        Self { home, listener }
    }

    /// A state directory in it.
    fn state(&self, name: &str) -> PathBuf {
        let path = self.home.path().join(name);
        drop(open(&path));
        path
    }
}

fn open(path: &Path) -> StateDir {
    StateDir::create(path, true).expect("a state directory")
}

/// Makes a file of ours with these bytes.
fn write(dir: &Path, name: &str, bytes: &[u8]) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(dir.join(name)).expect("a file of ours");
    file.write_all(bytes).expect("room for a file");
    file
}

fn place(path: &Path) -> Place {
    Place {
        path: path.to_owned(),
        allow_network: true,
        lock_wait: Duration::from_secs(5),
        caps: Caps::default(),
        trust: Trust::default(),
        configured: Vec::new(),
    }
}

/// All of a book that is kept.
fn contents(book: &PeerBook) -> Vec<String> {
    book.iter().map(|peer| record::encode(&Record::Peer(peer.clone()))).collect()
}

fn reached(address: &Address) -> Reached {
    Reached { address: address.clone(), name: None, wire: Wire::Plain, key: None }
}

/// A whole peers file: what can be read of it survives the next change, which drops what cannot.
pub fn peers_file(data: &[u8]) {
    SCRATCH.with(|scratch| {
        let path = scratch.state("peers");
        drop(write(&path, "peers", data));
        let mut file = PeersFile::open(place(&path)).expect("a file with damage is a file");
        let lines = data.split(|b| *b == b'\n').filter(|line| !line.is_empty()).count();
        assert!(file.book().len() + file.bad_records() <= lines, "{lines} lines");
        file.book().iter().for_each(check_peer);
        let unchanged = std::fs::read(path.join("peers")).expect("the peers file");
        assert_eq!(unchanged, data, "who only reads changes nothing");
        let new: Address = "198.51.100.77:4242".parse().expect("an address");
        let before = file.book().len();
        let is_new = file.book().at(&new).is_none();
        let changed = file.update(|book| book.reach(&new, reached(&new), noon()));
        changed.expect("a change is possible whatever the file was");
        assert!(file.book().len() + 1 >= before, "a change keeps the others");
        let after = contents(file.book());
        let again = PeersFile::open(place(&path)).expect("the same file");
        assert_eq!(contents(again.book()), after, "what is known is what is kept");
        if is_new && again.bad_records() > 0 {
            // damage is dropped by whoever changes the file: only an unfinished last line may be left
            assert!(!data.ends_with(b"\n") && again.bad_records() <= 1, "{}", again.bad_records());
        }
    });
}

/// The objects that are read, at most so many.
fn entries(reader: &mut Reader, most: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some(entry) = reader.read().expect("a file with damage is a file") {
        entries.push(entry);
        assert!(entries.len() <= most, "more objects than lines");
    }
    entries
}

/// A ledger in two files, of which the first byte says where one ends: its objects come in order, each once, from wherever
/// one goes on, and what is added is the next.
pub fn history(data: &[u8]) {
    SCRATCH.with(|scratch| {
        let path = scratch.state("history");
        let (cut, data) =
            data.split_first().map_or((0, data), |(cut, data)| (usize::from(*cut), data));
        let (older, current) = data.split_at(data.len() * cut / 255);
        drop(write(&path, "messages.1.ndjson", older));
        drop(write(&path, "messages.ndjson", current));
        drop(write(&path, "messages.seen", b""));
        let lines = data.iter().filter(|b| **b == b'\n').count() + 2;
        let mut reader = Reader::open(open(&path), RECEIVED, 0);
        let all = entries(&mut reader, lines);
        assert!(all.windows(2).all(|two| two[0].seq < two[1].seq), "numbers grow");
        let is_there =
            |entry: &Entry| data.windows(entry.line.len()).any(|part| part == entry.line);
        assert!(data.len() > 2048 || all.iter().all(is_there), "objects are what was written");
        for entry in &all {
            kept_message(&entry.line);
        }
        let newest = newest_lines(&open(&path), RECEIVED).expect("a file with damage is a file");
        assert!(newest.len() <= lines);
        goes_on_after(&path, &all, lines);
        let key_is_seen = Seen::open(|| StateDir::create(&path, true));
        drop(key_is_seen.expect("ids are found in any history"));
        let ledger = Ledger::open(open(&path), RECEIVED, 64 * 1024 * 1024);
        let mut ledger = ledger.expect("a history can be gone on with");
        let last = ledger.last();
        let add =
            ledger.append(&["x"], |text, seq| format!("{{\"seq\":{seq},\"text\":\"{text}\"}}\n"));
        add.expect("a history can be added to");
        assert_eq!(ledger.last(), last + 1);
        let mut reader = Reader::open_last(open(&path), RECEIVED, 1).expect("a history");
        let newest = entries(&mut reader, lines + 1);
        // what a person has put out of order is passed over, and behind the largest number, which damage may have made, is none
        if last < 1 << 53 && numbers(older).chain(numbers(current)).is_sorted() {
            let newest = newest.last().map(|entry| entry.seq);
            assert_eq!(newest, Some(last + 1), "what is added is the last");
        }
        let sent = Reader::open(open(&path), SENT, 0).read();
        assert!(sent.expect("nothing was sent").is_none());
    });
}

/// The numbers of the objects, finished or not.
fn numbers(lines: &[u8]) -> impl Iterator<Item = u64> {
    let number = |line| serde_json::from_slice::<Value>(line).ok()?["seq"].as_u64();
    lines.split(|b| *b == b'\n').filter_map(number)
}

/// From a mark on comes what is after it. Numbers only grow in what we write; in other files all may come again.
fn goes_on_after(path: &Path, all: &[Entry], lines: usize) {
    for (at, entry) in all.iter().enumerate().take(3) {
        let resumed = Reader::resume(open(path), RECEIVED, Mark::of(entry));
        let (mut reader, is_known) = resumed.expect("a file with damage is a file");
        let rest = entries(&mut reader, lines);
        if is_known {
            assert!(rest.iter().all(|after| after.seq > entry.seq), "nothing comes twice");
            assert!(rest.len() < all.len() - at);
        }
    }
    let beyond: Mark =
        serde_json::from_str(r#"{"seq":18446744073709551615,"crc32":7}"#).expect("a mark");
    let resumed =
        Reader::resume(open(path), RECEIVED, beyond).expect("a file with damage is a file");
    assert!(all.is_empty() || !resumed.1, "a mark that points nowhere");
}

/// The file of ids that have come: each sound line is remembered, also by the next listener.
pub fn seen(data: &[u8]) {
    SCRATCH.with(|scratch| {
        let path = scratch.state("seen");
        drop(write(&path, "messages.seen", data));
        let now = SystemTime::now();
        let open =
            || Seen::open(|| StateDir::create(&path, true)).expect("a file with damage is a file");
        let mut known = open();
        let lines: Vec<&[u8]> = data.split_inclusive(|b| *b == b'\n').collect();
        let ids: Vec<_> = lines.iter().filter_map(|line| seen_in(line)).collect();
        // of many the oldest are forgotten
        let few = &ids[ids.len().saturating_sub(200)..];
        let millis = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis());
        // a minute is more than this lasts; what is of a day to come is of a wrong clock
        let fresh = |time: &u64| u128::from(*time).abs_diff(millis) < (24 * 60 - 1) * 60 * 1000;
        for (at, (time, key, id)) in few.iter().enumerate() {
            let again = few[at + 1..].iter().any(|(_, k, i)| (k, i) == (key, id));
            assert!(again || !fresh(time) || known.has(key, id, now), "{id} is forgotten");
        }
        let key = PublicKey::new([3; 32]);
        let id = MessageId::of(0x5eed);
        let message = SeenMessage { time: now, seq: 1, key, id: id.clone() };
        known.add(&[message]).expect("it can be remembered");
        drop(known);
        assert!(open().has(&key, &id, now), "the next listener knows it");
    });
}

/// Time, key and id of a line that we would write.
fn seen_in(line: &[u8]) -> Option<(u64, PublicKey, MessageId)> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let words: Vec<_> = line.split(' ').collect();
    let [time, seq, key, id] = words.as_slice() else { return None };
    seq.parse::<u64>().ok()?;
    Some((time.parse().ok()?, key.parse().ok()?, id.parse().ok()?))
}

/// Small files of the state: how far somebody has read, who listens, the secret key.
pub fn small_files(data: &[u8]) {
    SCRATCH.with(|scratch| {
        let path = scratch.state("small");
        let name: CursorName = "backup".parse().expect("a cursor's name");
        drop(write(&path, "messages.cursor-backup", data));
        {
            let cursor = || Cursor::lock(&open(&path), RECEIVED, &name, Duration::from_secs(5));
            let first = cursor().expect("a cursor");
            if let Ok(read) = first.mark() {
                let mark = read.unwrap_or_default();
                first.save(mark).expect("it can be saved");
                drop(first);
                let again = cursor().expect("a cursor").mark();
                assert_eq!(again.expect("it can be read"), Some(mark));
            }
        }
        listener_file(scratch, data);
        drop(write(&path, "key", data));
        match Credentials::open(&path, true) {
            Ok(credentials) => assert_eq!(credentials.public().to_string().len(), 64),
            Err(failure) => is_discreet(&failure, data),
        }
        assert_eq!(
            std::fs::read(path.join("key")).expect("the key file"),
            data,
            "it is never changed"
        );
    });
}

fn listener_file(scratch: &Scratch, data: &[u8]) {
    let path = scratch.home.path().join("listening");
    let file = &scratch.listener;
    file.set_len(0).expect("a file of ours");
    // every handle has a place of its own in the file
    let mut handle =
        OpenOptions::new().write(true).open(path.join("listener")).expect("a file of ours");
    handle.write_all(data).expect("room for a file");
    let read = presence::listening(&open(&path)).expect("a file with damage is a file");
    if let Some(listening) = read {
        let line = serde_json::to_string(&listening).expect("it can be written");
        assert_eq!(serde_json::from_str::<presence::Listening>(&line).ok(), Some(listening));
    }
}

/// No byte of a secret file is in what is said about it.
fn is_discreet(failure: &Failure, data: &[u8]) {
    let said = failure.to_string();
    let lossy = String::from_utf8_lossy(data);
    let told = lossy.lines().filter(|line| line.len() >= 24).find(|line| said.contains(line));
    assert_eq!(told, None, "{said}");
}

/// A configuration is read, or what is wrong is said in one line that can be shown.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Err(failure) = Config::parse(text) else {
        SCRATCH.with(|scratch| settings(scratch, data));
        return;
    };
    check_failure(&failure);
    let said = failure.to_string();
    let number = said.strip_prefix("line ").and_then(|rest| rest.split_once(": ")?.0.parse().ok());
    let line: usize = number.expect("the line that is wrong");
    let lines = 1 + text.bytes().filter(|b| *b == b'\n').count();
    assert!((1..=lines).contains(&line), "line {line} of {lines}");
}

fn settings(scratch: &Scratch, data: &[u8]) {
    let path = scratch.state("config");
    drop(write(&path, "config.toml", data));
    let global = Global { home: Some(path), name: Some("fuzz".into()), ..Global::default() };
    let settings = match Settings::load(&global, &Flags::default()) {
        Ok(settings) => settings,
        Err(failure) => return check_failure(&failure),
    };
    let limits = &settings.listen.limits;
    assert!(
        limits.message_bytes <= limits.session_bytes && limits.session_bytes <= 2 * 1024 * 1024
    );
    assert!(limits.connections > 0 && settings.jobs > 0 && !settings.timeout.is_zero());
    for (address, listing) in &settings.place.configured {
        check_address(address);
        listing.name.iter().for_each(check_name);
    }
    for shown in settings.shown {
        let Some(value) = shown.value.clone() else { continue };
        let (key, origin) = (shown.key, shown.origin.word().to_owned());
        assert_visible(&value);
        assert_object(&Event::Setting { key, value: Some(value), origin }.line());
    }
}

/// A failure is one line on a terminal and one object for a program, whatever is in it.
fn check_failure(failure: &Failure) {
    let object = assert_object(&Event::error(failure).line());
    assert_eq!(object["message"], failure.to_string());
    assert_visible(&escape(failure.to_string().as_bytes()));
}
