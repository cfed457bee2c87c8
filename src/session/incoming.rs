//! The listener's side of a session: who is there, and what it says.
//!
//! Reading goes on beside answering (`answers`), so that a sender may have several messages under way. What is not yet answered is bounded in number and bytes, so a peer that never reads its answers is
//! soon not read any more either.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::{ReadHalf, split};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::answers::{Answering, Pending, What};
use super::frames::{FrameError, FrameReader};
use super::limited::{Limited, Stream};
use super::tls::peer_key;
use crate::address::Address;
use crate::codec::frame::{Header, Hello, WINDOW_BYTES, WINDOW_MESSAGES};
use crate::codec::reading::{Ends, Reading};
use crate::id::MessageId;
use crate::inbox::{Inbound, Order};
use crate::key::PublicKey;
use crate::message::{Arrival, Kind};
use crate::slots::Place;
use crate::terms::{MAX_DISCARD_BYTES, MAX_WRITE, Sessions, Terms};

/// How long a handshake may take: it is two round trips and less than a millisecond of work.
const MAX_HANDSHAKE: Duration = Duration::from_secs(2);

/// How many bytes of a handshake are read: ours takes 600, and other implementations offer more.
const MAX_HANDSHAKE_BYTES: u64 = 4096;

/// How long a caller has to read our last answers when the listener stops.
const CLOSING_TIME: Duration = Duration::from_millis(200);

/// How often one session may ask for our peers: as many lists as the largest book makes, and again as many.
const MAX_QUESTIONS: u32 = 80;

/// What a waiting message takes in memory beside its text.
const MESSAGE_BYTES: usize = 512;

/// Serves a session until its caller ends it, a limit is reached, or the listener stops.
pub async fn serve(
    stream: TcpStream,
    sessions: Sessions,
    ends: Ends,
    terms: Arc<Terms>,
    place: Place,
) {
    let stream = Limited::new(stream, MAX_HANDSHAKE_BYTES);
    let accepted = timeout(MAX_HANDSHAKE, TlsAcceptor::from(sessions.config).accept(stream)).await;
    // to a stranger who cannot finish a handshake there is nothing to say
    let Ok(Ok(mut stream)) = accepted else { return };
    place.is_session();
    let Some(key) = peer_key(stream.get_ref().1) else { return };
    stream.get_mut().0.lift();
    let (reader, writer) = split(stream);
    let (pending, answers) = mpsc::channel(WINDOW_MESSAGES);
    let place = Arc::new(place);
    let answering = Answering {
        writer,
        pending: answers,
        place: Arc::clone(&place),
        identity: terms.identity.clone(),
        has_answered: false,
        inbox: terms.inbox.clone(),
    };
    let receiving = Receiving {
        frames: FrameReader::new(reader),
        key,
        ends,
        hello: Hello::default(),
        address: None,
        questions: 0,
        window: Arc::new(Semaphore::new(WINDOW_BYTES)),
        pending,
        order: Order::default(),
        terms,
        place,
    };
    // without answers there is nothing to receive for
    let answering = answering.run();
    tokio::pin!(answering);
    tokio::select! {
        biased;
        refused = receiving.run() => {
            let rest = async {
                if let Some((mut frames, time)) = refused {
                    // read past, or what is not read would cut off our answers; how it ends does not matter any more
                    let _ = timeout(time, frames.skip(MAX_DISCARD_BYTES as u64)).await;
                }
            };
            tokio::join!(answering, rest);
        }
        () = &mut answering => {}
    }
}

/// The half that reads.
struct Receiving {
    frames: FrameReader<ReadHalf<Stream>>,
    key: PublicKey,
    ends: Ends,
    hello: Hello,
    /// Where the caller can be reached, as far as it has said so.
    address: Option<Address>,
    /// How often it has asked for our peers.
    questions: u32,
    window: Arc<Semaphore>,
    pending: mpsc::Sender<Pending>,
    order: Order,
    terms: Arc<Terms>,
    place: Arc<Place>,
}

/// Whether more is to be read.
#[derive(PartialEq, Eq)]
enum Goes {
    On,
    /// Nothing that still comes is taken.
    Past,
    Over,
}

impl Receiving {
    /// Gives back what is left to be read past, and for how long, if the end is not the caller's.
    async fn run(mut self) -> Option<(FrameReader<ReadHalf<Stream>>, Duration)> {
        let limits = self.terms.limits;
        // the handshake was in time, so there is time for a first frame
        let mut rests_until = Instant::now() + limits.message_time;
        loop {
            if !self.wait_for_frame(rests_until).await {
                let is_closing = *self.terms.closing.borrow();
                return is_closing.then_some((self.frames, CLOSING_TIME));
            }
            // absolute, as on the plain wire
            let expires = Instant::now() + limits.message_time;
            let goes = match timeout_at(expires, self.frames.header()).await {
                Ok(Ok(Some(header))) => self.take(header, expires).await,
                Ok(Err(FrameError::Malformed)) => self.refuse(None, "malformed").await,
                // at its end, cut off by somebody, or too slow
                Ok(Ok(None) | Err(FrameError::Lost(_))) | Err(_) => Goes::Over,
            };
            match goes {
                Goes::On => rests_until = Instant::now() + limits.idle_time,
                Goes::Past => return Some((self.frames, MAX_WRITE)),
                Goes::Over => return None,
            }
        }
    }

    async fn wait_for_frame(&mut self, rests_until: Instant) -> bool {
        let mut closing = self.terms.closing.clone();
        let has_begun = self.frames.held_bytes() > 0;
        tokio::select! {
            biased;
            _ = closing.wait_for(|&closing| closing), if !has_begun => false,
            begins = self.frames.begins() => begins.unwrap_or(false),
            () = sleep_until(rests_until) => false,
        }
    }

    async fn take(&mut self, header: Header, expires: Instant) -> Goes {
        match header {
            Header::Hello(hello) => {
                self.address = reachable(&hello, &self.ends);
                self.hello = hello;
                Goes::On
            }
            Header::Message { id, size, topic, reply } => {
                let max_bytes = self.terms.limits.session_bytes;
                let Some(size) = usize::try_from(size).ok().filter(|size| *size <= max_bytes)
                else {
                    return self.refuse(Some(id), "too_large").await;
                };
                let Ok(Ok(text)) = timeout_at(expires, self.text(size)).await else {
                    return Goes::Over;
                };
                let message = Arrival { id: Some(id), topic, ..self.arrival(Kind::Message, text) };
                self.hand_over(message, reply).await
            }
            Header::Ping { id } => {
                let connect = self.arrival(Kind::Connect, b"connect".to_vec());
                self.hand_over(Arrival { id: Some(id), ..connect }, false).await
            }
            Header::Leave { id } => {
                let exit = self.arrival(Kind::Exit, b"exit".to_vec());
                self.hand_over(Arrival { id, ..exit }, false).await
            }
            Header::AskPeers { id, skip } => self.ask_for_peers(id, skip).await,
            // only a listener says these to a caller
            Header::Ok { .. } | Header::No { .. } | Header::Pong { .. } => Goes::On,
            Header::Reply { .. } | Header::Peers { .. } => self.refuse(None, "malformed").await,
            Header::Unknown { id, size } => {
                let skipped = timeout_at(expires, self.frames.skip(size)).await;
                if !matches!(skipped, Ok(Ok(()))) {
                    return Goes::Over;
                }
                self.answer(Pending { id, what: What::Refused("unknown"), window: None }).await
            }
        }
    }

    async fn text(&mut self, size: usize) -> Result<Vec<u8>, FrameError> {
        loop {
            let is_whole = self.frames.body(size).await?;
            self.place.hold(self.frames.held_bytes()).await;
            if is_whole {
                return Ok(self.frames.take_body(size));
            }
        }
    }

    fn arrival(&self, kind: Kind, text: Vec<u8>) -> Arrival {
        let address = self.address.clone();
        let is_its_own = |address: &Address| address.ip() == Some(self.ends.observed);
        Arrival {
            kind,
            time: SystemTime::now(),
            verified: address.as_ref().is_some_and(is_its_own),
            address,
            name: self.hello.name.as_ref().map(ToString::to_string),
            observed: self.ends.observed,
            key: Some(self.key),
            id: None,
            topic: None,
            text,
        }
    }

    /// Has it stored and shown; the answer follows when that is done.
    async fn hand_over(&mut self, arrival: Arrival, wants_reply: bool) -> Goes {
        let (id, kind) = (arrival.id.clone(), arrival.kind);
        let size = arrival.text.len() + MESSAGE_BYTES;
        let window = permits(&self.window, size, WINDOW_BYTES).await;
        let room = permits(&self.terms.room, size, self.terms.limits.output_bytes).await;
        self.place.hold(0).await;
        let (done, safe) = oneshot::channel();
        let (reply, replied) = wants_reply.then(oneshot::channel).unzip();
        let inbound = Inbound::Arrivals {
            arrivals: vec![arrival],
            session: Some(self.order.clone()),
            reply,
            room,
            done,
        };
        let what = match self.terms.inbox.send(inbound).await {
            Ok(()) => What::Arrival { kind, safe, reply: replied },
            Err(_) => What::Refused("busy"),
        };
        self.answer(Pending { id, what, window }).await
    }

    /// The answer is made when it is its turn.
    async fn ask_for_peers(&mut self, id: MessageId, skip: u32) -> Goes {
        self.questions += 1;
        // so that the channel of a session has small places: most of them never ask
        let asker = Box::new(self.arrival(Kind::Connect, Vec::new()));
        let what = match self.questions {
            ..=MAX_QUESTIONS => What::Question { asker, skip },
            _ => What::Refused("busy"),
        };
        self.answer(Pending { id: Some(id), what, window: None }).await
    }

    /// Refuses something, and with it all that may follow: nothing more is handed over.
    async fn refuse(&mut self, id: Option<MessageId>, code: &'static str) -> Goes {
        self.answer(Pending { id, what: What::Refused(code), window: None }).await;
        Goes::Past
    }

    async fn answer(&mut self, pending: Pending) -> Goes {
        self.place.finish();
        if self.pending.send(pending).await.is_ok() { Goes::On } else { Goes::Over }
    }
}

/// So much of a room, or all of it if it is smaller.
async fn permits(room: &Arc<Semaphore>, size: usize, whole: usize) -> Option<OwnedSemaphorePermit> {
    let size = u32::try_from(size.min(whole)).unwrap_or(u32::MAX);
    // it is never closed
    Arc::clone(room).acquire_many_owned(size).await.ok()
}

/// Where a caller can be reached, by the rules of the plain wire.
fn reachable(hello: &Hello, ends: &Ends) -> Option<Address> {
    Reading {
        kind: Kind::Connect,
        header: hello.addr,
        port: hello.port,
        name: None,
        text: Vec::new(),
        answer: None,
    }
    .reachable(ends)
}
