//! The caller's side of a session: begins it with whoever proves the expected key, says things, and reads the answers.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::Error as TlsError;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::frames::{self, FrameError, FrameReader};
use super::tls::{Expected, Keys, peer_key};
use crate::codec::acquaintances::{self, MAX_LIST_BYTES};
use crate::codec::frame::{Header, Hello, MAX_REPLY_BYTES, ReplyEnd};
use crate::exit::Failure;
use crate::hearsay::Acquaintance;
use crate::id::MessageId;
use crate::key::PublicKey;
use crate::message::Outgoing;
use crate::name::Name;

/// How long our goodbye to a session may take to leave; nothing depends on it.
const MAX_CLOSE: Duration = Duration::from_millis(200);

/// Why there is no session.
#[derive(Debug)]
pub enum NoSession {
    /// Whoever is there has another key. Nothing was sent.
    OtherKey(PublicKey),
    /// Whoever is there does not speak as a p2p does. Nothing was sent.
    NotOurs,
    /// Our own key cannot be opened. Nothing was sent.
    NoKey(Failure),
    /// The connection ended before a session was begun. Nothing was sent.
    Lost(io::Error),
}

/// So many bytes go out together with the end of the handshake, which spares both sides a wake-up; more of them would be
/// held in memory twice.
const MAX_FIRST_BYTES: usize = 32 * 1024;

/// A session that has been begun.
#[derive(Debug)]
pub struct Session {
    frames: FrameReader<ReadHalf<TlsStream<TcpStream>>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
    /// What the listener calls itself, once it has said so.
    name: Option<Name>,
}

/// What a listener says to something that it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it.
    Taken,
    /// It does not want it, and has kept nothing of it.
    Refused {
        /// Why.
        code: String,
        /// When another try may succeed.
        retry: Option<Duration>,
    },
}

/// What a listener's command has printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replied {
    /// How the command ended.
    pub end: ReplyEnd,
    /// What it printed.
    pub output: Vec<u8>,
}

/// What a listener tells of its peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A part of its list.
    Peers {
        /// Those in this part.
        peers: Vec<Acquaintance>,
        /// How many are in all of it.
        total: usize,
    },
    /// It does not tell.
    Refused {
        /// Why.
        code: String,
    },
}

/// An answer that is none.
#[derive(Debug)]
pub enum NoAnswer {
    /// The connection ended without it.
    Lost(io::Error),
    /// The other end says what nobody has asked for.
    Senseless,
}

impl From<FrameError> for NoAnswer {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Lost(error) => Self::Lost(error),
            FrameError::Malformed => Self::Senseless,
        }
    }
}

/// Adds the frame of a message.
pub fn message_frame(message: &Outgoing, frames: &mut Vec<u8>) {
    let Outgoing { text, id, topic, reply, .. } = message;
    let (id, topic, size) = (id.clone(), topic.clone(), text.len() as u64);
    frames.extend(Header::Message { id, size, topic, reply: *reply }.encode().bytes());
    frames.extend(text);
}

impl Session {
    /// Begins a session with whoever proves this key, and says who we are and these first frames. Nothing of them leaves before
    /// the key is proved.
    pub async fn begin(
        stream: TcpStream,
        keys: &Keys,
        expected: &Arc<Expected>,
        hello: Hello,
        frames: &[u8],
    ) -> Result<Self, NoSession> {
        let mut first = Header::Hello(hello).encode().into_bytes();
        first.extend(frames);
        let config = keys.client(Arc::clone(expected)).map_err(|_| NoSession::NotOurs)?;
        // TLS has no names here, but the library wants one
        let name = ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let early =
            if first.len() <= MAX_FIRST_BYTES { std::mem::take(&mut first) } else { Vec::new() };
        let connecting = TlsConnector::from(config).connect_with(name, stream, |session| {
            // it is kept back until the handshake is over; the room for it is larger than our limit
            let _ = session.writer().write_all(&early);
        });
        tokio::pin!(connecting);
        let begun = tokio::select! {
            biased;
            begun = &mut connecting => begun,
            // our part has been sent, and while the other end works there is time to open our key
            opened = async { keys.open() } => match opened {
                Ok(_) => connecting.await,
                Err(failure) => return Err(NoSession::NoKey(failure)),
            },
        };
        let stream = begun.map_err(|error| match expected.other() {
            Some(other) => NoSession::OtherKey(other),
            None if is_not_ours(&error) => NoSession::NotOurs,
            None => NoSession::Lost(error),
        })?;
        if peer_key(stream.get_ref().1) != Some(expected.key()) {
            return Err(NoSession::NotOurs);
        }
        let (reader, writer) = split(stream);
        let mut session = Self { frames: FrameReader::new(reader), writer, name: None };
        if !first.is_empty() {
            // who refuses a message may close before it has read all of it: its answer tells more than our error
            let _ = session.write(&first).await;
        }
        Ok(session)
    }

    /// What the listener calls itself, as far as it has said so by now.
    pub fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// Says more. Its answers are few and small, so the listener goes on reading although we do not.
    pub async fn write(&mut self, frames: &[u8]) -> Result<(), NoAnswer> {
        frames::write(&mut self.writer, frames).await.map_err(NoAnswer::Lost)
    }

    /// The answer to what was said with this id; answers come in the order of what was said.
    pub async fn answer(&mut self, about: &MessageId) -> Result<Answer, NoAnswer> {
        match self.next().await? {
            Header::Ok { id: Some(id) } | Header::Pong { id } if id == *about => Ok(Answer::Taken),
            Header::No { id, code, retry } if id.is_none() || id.as_ref() == Some(about) => {
                Ok(Answer::Refused { code, retry })
            }
            _ => Err(NoAnswer::Senseless),
        }
    }

    /// Whether what has come already is, next of all, that this was taken; then it is read. Whatever else it is stays there for
    /// [`Session::answer`].
    pub fn has_taken(&mut self, about: &MessageId) -> bool {
        self.frames.take_same(Header::Ok { id: Some(about.clone()) }.encode().as_bytes())
    }

    /// What the listener's command has printed for a message that was taken.
    pub async fn reply(&mut self, to: &MessageId) -> Result<Replied, NoAnswer> {
        let Header::Reply { id, size, end } = self.next().await? else {
            return Err(NoAnswer::Senseless);
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= MAX_REPLY_BYTES && id == *to);
        let size = size.ok_or(NoAnswer::Senseless)?;
        while !self.frames.body(size).await? {}
        Ok(Replied { end, output: self.frames.take_body(size) })
    }

    /// What the listener says to a question for its peers with this id.
    pub async fn peers(&mut self, about: &MessageId, now: SystemTime) -> Result<Told, NoAnswer> {
        let (size, total) = match self.next().await? {
            Header::Peers { id, size, total } if id == *about => (size, total),
            Header::No { code, .. } => return Ok(Told::Refused { code }),
            _ => return Err(NoAnswer::Senseless),
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= MAX_LIST_BYTES);
        let size = size.ok_or(NoAnswer::Senseless)?;
        while !self.frames.body(size).await? {}
        let list = self.frames.take_body(size);
        let peers = acquaintances::decode(&list, now).map_err(|_| NoAnswer::Senseless)?;
        Ok(Told::Peers { peers, total: total as usize })
    }

    async fn next(&mut self) -> Result<Header, NoAnswer> {
        loop {
            match self.frames.header().await? {
                Some(Header::Hello(hello)) => self.name = hello.name.or(self.name.take()),
                Some(header) => return Ok(header),
                None => return Err(NoAnswer::Lost(io::ErrorKind::UnexpectedEof.into())),
            }
        }
    }

    /// Waits until the listener ends the session; what it says unasked is an end, too.
    pub async fn ended(&mut self) {
        while let Ok(Some(Header::Hello(hello))) = self.frames.header().await {
            self.name = hello.name.or(self.name.take());
        }
    }

    /// Ends the session in order. What was answered is answered, however this goes.
    pub async fn close(mut self) {
        let _ = timeout(MAX_CLOSE, self.writer.shutdown()).await;
    }
}

/// Whether a handshake failed because of what the other end said, not because it was cut off.
fn is_not_ours(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()).is_some()
}
