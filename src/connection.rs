//! One accepted connection: finds the end of each message, hands it over, and answers as its dialect expects.
//!
//! There is no delimiter on the plain wire. A message ends with the stream, or when the connection has been quiet.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::chunk::read_onto;
use crate::codec::conversation::{Conversation, MAX_LINES};
use crate::codec::reading::{Answer, Ends, Reading};
use crate::codec::verdict::{Sum, Verdict};
use crate::codec::writing::encode;
use crate::inbox::{Identity, Inbound, NotKept};
use crate::message::Arrival;
use crate::session::incoming;
use crate::slots::Place;
use crate::system::socket::send_before_end;
use crate::terms::{MAX_DISCARD_BYTES, MAX_WRITE, RETRY_AFTER, Terms};
use crate::trust::Secure;

/// A connection that is quiet for this long has said what it had to say: ten student programs keep it open.
pub const QUIET: Duration = Duration::from_millis(300);

/// The same for a message of more than one segment, of which a slow or lossy link may owe us the rest: what is sent at
/// once and does not fit into the first window arrives after a pause.
const QUIET_LONG: Duration = Duration::from_secs(2);

/// What fits into one segment on an Ethernet, in bytes; plain programs send at most 1,024.
const ONE_SEGMENT: usize = 1460;

/// What a reading takes in memory beside its text, for the room that waiting messages share.
const READING_BYTES: usize = 512;

/// What a session begins with: a TLS record of its handshake. No plain program begins so.
const SESSION_BYTE: u8 = 0x16;

/// Serves a connection that was just accepted; its first byte says whether it is a session.
pub async fn serve(stream: TcpStream, ends: Ends, terms: Arc<Terms>, place: Place) {
    // the first message has its time from the accept on
    let expires = Instant::now() + terms.limits.message_time;
    let mut closing = terms.closing.clone();
    let mut first = [0];
    let peeked = tokio::select! {
        biased;
        peeked = stream.peek(&mut first) => peeked,
        () = sleep_until(expires) => return settle(&stream),
        _ = closing.wait_for(|&closing| closing) => return settle(&stream),
    };
    match (peeked, &terms.sessions) {
        (Ok(1), Some(sessions)) if first[0] == SESSION_BYTE => {
            // there only an answer counts
            settle(&stream);
            let sessions = sessions.clone();
            // else a plain connection would take as much memory as a session
            Box::pin(incoming::serve(stream, sessions, ends, terms, place)).await;
        }
        (Ok(1), None) if first[0] == SESSION_BYTE => {
            settle(&stream);
            Box::pin(refuse_session(stream)).await;
        }
        // an end, or a reset, is for the plain wire to judge
        _ => Connection::new(stream, ends, terms, place, expires).converse().await,
    }
}

/// Nothing is owed to the other end: the connection ends in order from now on. It begins with the promise of a reset, which
/// it has from the listener's socket.
fn settle(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(None);
}

/// Says in the words of TLS that there are no sessions here.
async fn refuse_session(mut stream: TcpStream) {
    /// A fatal alert, handshake_failure (RFC 8446, section 6).
    const ALERT: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 40];
    let say = async {
        let _ = stream.write_all(&ALERT).await;
        let _ = stream.shutdown().await;
        // what is not read would take the alert with it
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.read(&mut [0; 4096]).await;
    };
    let _ = timeout_at(Instant::now() + MAX_WRITE, say).await;
}

/// An accepted connection on the plain wire.
#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// When the message that is being received has to be complete.
    expires: Instant,
    ends: Ends,
    terms: Arc<Terms>,
    place: Place,
    conversation: Conversation,
    message: Vec<u8>,
    /// All bytes of the connection, for the verdict.
    received: crc32fast::Hasher,
    received_bytes: u64,
    our_side_ended: bool,
    refused: Option<&'static str>,
    /// Whether some of it was kept.
    kept: bool,
    /// Whether nobody can say what was kept.
    unknown: bool,
}

/// What happened next on the connection.
enum Next {
    Bytes(Vec<u8>),
    End,
    Reset,
    Quiet,
    Expired,
}

impl Connection {
    fn new(
        stream: TcpStream,
        ends: Ends,
        terms: Arc<Terms>,
        place: Place,
        expires: Instant,
    ) -> Self {
        Self {
            stream,
            expires,
            ends,
            terms,
            place,
            conversation: Conversation::default(),
            message: Vec::new(),
            received: crc32fast::Hasher::new(),
            received_bytes: 0,
            our_side_ended: false,
            refused: None,
            kept: false,
            unknown: false,
        }
    }

    /// Receives until the other end closes, a limit is reached, or the listener stops.
    async fn converse(mut self) {
        let limits = self.terms.limits;
        let mut rests = false;
        let mut discarded = 0;
        loop {
            let long = self.message.len() > ONE_SEGMENT || discarded > 0;
            let unfinished = !self.message.is_empty() || discarded > 0;
            let quiet = if long { QUIET_LONG } else { QUIET };
            match self.next(unfinished.then_some(quiet)).await {
                Next::Bytes(bytes) => {
                    let count = bytes.len();
                    self.received.update(&bytes);
                    self.received_bytes += count as u64;
                    if std::mem::take(&mut rests) {
                        // a later message has its time from its first byte
                        self.expires = Instant::now() + limits.message_time;
                    }
                    if discarded > 0 || self.message.len() + count > limits.message_bytes {
                        discarded += self.message.len() + count;
                        self.message = Vec::new();
                        self.refused = Some("too_large");
                        if discarded > MAX_DISCARD_BYTES {
                            return self.give_verdict().await;
                        }
                    } else if self.message.is_empty() {
                        self.message = bytes;
                    } else {
                        self.message.extend_from_slice(&bytes);
                    }
                }
                Next::Quiet => {
                    discarded = 0;
                    self.hand_over(true).await;
                    // who was refused learns it at its end of stream, for which we do not wait for long
                    let rest = if self.is_refused() { QUIET_LONG } else { limits.idle_time };
                    self.expires = Instant::now() + rest;
                    rests = true;
                }
                Next::End => {
                    self.hand_over(false).await;
                    return self.give_verdict().await;
                }
                // what came before a reset was sent in full: some programs end every connection so
                Next::Reset => return self.hand_over(false).await,
                Next::Expired => return,
            }
        }
    }

    async fn next(&mut self, quiet: Option<Duration>) -> Next {
        let expires = self.expires;
        // while the output is stuck, what has not been read waits at its sender; that is no quiet of the sender's
        if timeout_at(expires, self.terms.room.acquire()).await.is_err() {
            return Next::Expired;
        }
        let quiet_at = quiet.map(|quiet| Instant::now() + quiet).filter(|&at| at <= expires);
        let mut closing = self.terms.closing.clone();
        let may_stop = self.message.is_empty();
        let mut bytes = Vec::new();
        tokio::select! {
            biased;
            read = read_onto(&mut self.stream, &mut bytes) => match read {
                Ok(0) => Next::End,
                Ok(_) => Next::Bytes(bytes),
                Err(_) => Next::Reset,
            },
            () = sleep_until(quiet_at.unwrap_or(expires)) => {
                if quiet_at.is_some() { Next::Quiet } else { Next::Expired }
            }
            _ = closing.wait_for(|&closing| closing), if may_stop => Next::Expired,
        }
    }

    /// Reads the message, has it stored and shown, and answers what its dialect waits for.
    async fn hand_over(&mut self, waits: bool) {
        let message = std::mem::take(&mut self.message);
        if message.is_empty() {
            return;
        }
        self.place.finish();
        let room = Arc::clone(&self.terms.room);
        let lines = message.iter().filter(|&&byte| byte == b'\n').count().min(MAX_LINES);
        let size = (message.len() + lines * READING_BYTES).min(self.terms.limits.output_bytes);
        // held until the message is dealt with; the semaphore is never closed
        let _room = room.acquire_many(u32::try_from(size).unwrap_or(u32::MAX)).await;
        if self.terms.secure == Secure::Require {
            self.refused = Some("insecure");
            if waits {
                self.place.rest();
            }
            return;
        }
        let readings = self.conversation.read(&message);
        let answers: Vec<Answer> = readings.iter().filter_map(|r| r.answer).collect();
        match self.deliver(readings).await {
            Ok(()) => self.kept = true,
            Err(why) => match why.code() {
                Some(code) => self.refused = Some(code),
                None => self.unknown = true,
            },
        }
        // else the verdict is all that is still to come
        if waits {
            // an answer, or our end, would look as if the message had been taken
            if !self.is_refused() {
                self.answer(&answers).await;
            }
            self.place.rest();
        }
    }

    fn is_refused(&self) -> bool {
        self.unknown || self.refused.is_some()
    }

    async fn deliver(&self, readings: Vec<Reading>) -> Result<(), NotKept> {
        let time = SystemTime::now();
        let arrivals = readings.into_iter().map(|r| arrival(r, &self.ends, time)).collect();
        let (done, safe) = oneshot::channel();
        self.terms
            .inbox
            .send(Inbound::Arrivals { arrivals, session: None, reply: None, room: None, done })
            .await
            .map_err(|_| NotKept::Busy)?;
        // whoever had it is gone, perhaps after storing it
        safe.await.unwrap_or(Err(NotKept::Unknown))
    }

    /// Answers a sender that keeps the connection open, then ends our side: whoever waits for a reply is free.
    async fn answer(&mut self, answers: &[Answer]) {
        if self.our_side_ended {
            return;
        }
        settle(&self.stream);
        let Identity { name, port, .. } = self.terms.identity.clone();
        let own = self.ends.own();
        for answer in answers {
            let bytes = match answer {
                Answer::Connected => encode(own, &name, "connected"),
                Answer::Port => format!("PORT:{port}").into_bytes(),
                Answer::Ack => format!("ACK:{name}:{port}").into_bytes(),
                Answer::ConnectedWord => b"CONNECTED".to_vec(),
            };
            self.write(&bytes).await;
        }
        // after PORT:n the program has yet to say what it came for
        if answers == [Answer::Port] {
            let _ = self.stream.set_zero_linger();
        } else {
            self.end_our_side().await;
        }
    }

    /// After the end of the stream: the acknowledgement, or why there is none. A mere probe gets silence, and so does
    /// a sender of which part was kept and part was not: it must not send all of it again.
    async fn give_verdict(&mut self) {
        let is_mixed = self.unknown || (self.kept && self.refused.is_some());
        if self.our_side_ended || self.received_bytes == 0 || is_mixed {
            return;
        }
        let Identity { name, port, .. } = &self.terms.identity;
        let crc32 = self.received.clone().finalize();
        let key = self.terms.sessions.as_ref().map(|sessions| sessions.key);
        let verdict = match self.refused {
            None => Verdict::Ok {
                sum: Sum { bytes: self.received_bytes, crc32 },
                name: Some(name.clone()),
                port: Some(*port),
                key,
            },
            Some(code) => Verdict::No {
                code: code.to_owned(),
                retry: (code == "busy").then_some(RETRY_AFTER),
                key,
            },
        };
        settle(&self.stream);
        // it leaves together with our end, which spares both sides a packet and the sender a wake-up
        let verdict = verdict.encode();
        let said = send_before_end(&mut self.stream, verdict.as_bytes());
        let _ = timeout_at(Instant::now() + MAX_WRITE, said).await;
        self.end_our_side().await;
    }

    /// A peer that does not take our few bytes loses them.
    async fn write(&mut self, bytes: &[u8]) {
        let _ = timeout_at(Instant::now() + MAX_WRITE, self.stream.write_all(bytes)).await;
    }

    async fn end_our_side(&mut self) {
        self.our_side_ended = true;
        let _ = timeout_at(Instant::now() + MAX_WRITE, self.stream.shutdown()).await;
    }
}

/// A connection that is given up with bytes that were read and not dealt with ends in a reset. An ordinary end would
/// look as if a program had read them.
impl Drop for Connection {
    fn drop(&mut self) {
        let owes = self.received_bytes > 0 && !self.our_side_ended;
        if owes || !self.message.is_empty() {
            // without it the sender waits for its time limit
            let _ = self.stream.set_zero_linger();
        } else {
            settle(&self.stream);
        }
    }
}

fn arrival(reading: Reading, ends: &Ends, time: SystemTime) -> Arrival {
    let address = reading.reachable(ends);
    Arrival {
        kind: reading.kind,
        time,
        verified: address.as_ref().is_some_and(|address| address.ip() == Some(ends.observed)),
        address,
        name: reading.name,
        observed: ends.observed,
        key: None,
        id: None,
        topic: None,
        text: reading.text,
    }
}
