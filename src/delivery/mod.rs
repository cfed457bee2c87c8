//! Takes one errand to one peer: by the way that the peer's key and the settings demand, in as many messages as its program
//! needs, and again where trying again is safe.
//!
//! In a session a message has an id, so it may be said again whenever its arrival is in doubt. The plain wire has none:
//! there only what surely has not arrived is said a second time.

mod way;

use std::time::{Duration, Instant};

use tokio::time::sleep;

pub use self::way::Way;
use self::way::unasked;
use crate::book::Reached;
use crate::codec::frame::{Header, ReplyEnd};
use crate::codec::writing::{MAX_NATIVE_BYTES, MAX_PLAIN_BYTES, TextError, encode};
use crate::config::Time;
use crate::dial::{Deadline, Dialer, Heard};
use crate::exchange::Unheard;
use crate::exit::{Code, Exit, Failure};
use crate::hearsay::Acquaintance;
use crate::id::MessageId;
use crate::key::PublicKey;
use crate::message::{Outgoing, Proof};
use crate::peer::{Peer, Wire};
use crate::pieces::{pieces, plain_text, text_failure};
use crate::questions::{Known, Questions};
use crate::report::{Errand, Report, worded};
use crate::retry::Retry;
use crate::session::outgoing::message_frame;
use crate::session::tls::random;
use crate::talk::{Talk, hook_failure};
use crate::trust::{Secure, Trust};

/// Takes an errand to a peer. Each try has its own time limit; `waits` is told why one more is needed.
pub async fn run(
    dialer: &Dialer,
    retry: Retry,
    peer: Peer,
    errand: &Errand,
    mut waits: impl FnMut(&Failure),
) -> Report {
    let start = Instant::now();
    let mut pauses = retry.pauses(start);
    let mut delivery = Delivery::new(dialer, &peer);
    let mut attempts = 0;
    let result = loop {
        attempts += 1;
        let failure = match delivery.attempt(errand, Deadline::after(dialer.timeout)).await {
            Ok(heard) => break Ok(heard),
            Err(failure) => failure,
        };
        delivery.is_open |= failure.code.exit() == Exit::Unconfirmed;
        let may_pass = can_pass(&failure, delivery.may_say_again());
        let Some(pause) = may_pass.then(|| pauses.next(Instant::now())).flatten() else {
            let failure = delivery.of_attempts(delivery.of_parts(failure), errand);
            let failure = worded(failure, &delivery.named_peer(), errand.is_greeting(), retry);
            let time = Time(Duration::from_millis(start.elapsed().as_millis() as u64));
            break Err(match attempts {
                1 => failure,
                _ => failure.context(format!("after {attempts} tries in {time}")),
            });
        };
        waits(&failure);
        sleep(pause).await;
    };
    let parts = delivery.pieces.len().max(1);
    let in_session = delivery.key.is_some();
    let heard = result.as_ref().map(Heard::reached).ok();
    let result = if errand.needs_ack() {
        result.and_then(|heard| require_ack(heard, &peer))
    } else {
        result
    };
    let (reply, told) = (delivery.reply.take(), delivery.told.take());
    let reached = delivery.reached.take();
    let (reached, was_called) = (heard.or(reached), delivery.was_called);
    let time = start.elapsed();
    let line = None;
    Report {
        peer,
        result,
        in_session,
        reached,
        reply,
        told,
        was_called,
        parts,
        attempts,
        line,
        time,
    }
}

/// Whether the same may succeed later, and does no harm if more of it has arrived than we know.
pub fn can_pass(failure: &Failure, twice_does_no_harm: bool) -> bool {
    match failure.code.exit() {
        Exit::Unreachable => true,
        Exit::Refused => failure.code == Code::Busy,
        Exit::Unconfirmed => twice_does_no_harm,
        _ => false,
    }
}

fn require_ack(heard: Heard, peer: &Peer) -> Result<Heard, Failure> {
    match heard.proof {
        Proof::Acked => Ok(heard),
        Proof::Read => {
            let why = "has read it but cannot acknowledge: it is a plain program";
            Err(Failure::new(Code::Unconfirmed, format!("{} {why}", peer.label())))
        }
    }
}

/// How far an errand has come.
pub struct Delivery<'a> {
    dialer: &'a Dialer,
    peer: &'a Peer,
    /// Which kind of program it is, as far as that is known.
    wire: Option<Wire>,
    /// Its key, as far as that is known.
    key: Option<PublicKey>,
    /// Whether it has been asked for its key.
    has_asked: bool,
    /// Whether it has answered such a question as a plain program would, but so late that a p2p may be behind it.
    has_answered_late: bool,
    /// The messages that a text makes on the plain wire, once it is known for whom.
    pieces: Vec<String>,
    /// How many of them have arrived.
    arrived: usize,
    /// The one of them that is least sure.
    weakest: Option<Heard>,
    /// The peer has the message, and only its reply is missing.
    is_taken: bool,
    /// An attempt has ended without an answer, so the peer may have the message although later ones have failed.
    is_open: bool,
    /// What was found out of the peer, however the errand ended.
    reached: Option<Reached>,
    /// What the peer's command has printed, however it ended.
    reply: Option<Vec<u8>>,
    /// The peers that it has told of, or why it has not, if it was asked.
    told: Option<Result<Vec<Acquaintance>, Failure>>,
    /// Whether anybody was called.
    was_called: bool,
}

impl<'a> Delivery<'a> {
    /// Nothing was said yet.
    pub fn new(dialer: &'a Dialer, peer: &'a Peer) -> Self {
        let mut delivery = Self {
            dialer,
            peer,
            wire: peer.wire,
            key: peer.key,
            has_asked: false,
            has_answered_late: false,
            pieces: Vec::new(),
            arrived: 0,
            weakest: None,
            is_taken: false,
            is_open: false,
            reached: None,
            reply: None,
            told: None,
            was_called: false,
        };
        // the key that others name is asked for, unless nothing is to be encrypted
        if delivery.secure() != Secure::Off {
            delivery.key = peer.key.or(peer.said_key());
        }
        delivery
    }

    /// Does what is still to be done.
    async fn attempt(&mut self, errand: &Errand, deadline: Deadline) -> Result<Heard, Failure> {
        match errand {
            Errand::Message(message) => match self.way(deadline).await? {
                Way::Session(key) => self.send_in_session(message, key, deadline).await,
                Way::Plain => self.send_plain(message, deadline).await,
            },
            Errand::Connect => self.greet(None, deadline).await,
            Errand::Acquaint(known) => self.greet(Some(known), deadline).await,
            Errand::Exit => self.take_leave(deadline).await,
        }
    }

    /// Whether what was said may be said again: nothing that arrives twice does harm, because it has an id, or because
    /// nothing of a text was sent yet.
    fn may_say_again(&self) -> bool {
        self.pieces.is_empty() && !self.is_taken
    }

    /// Which kind of program it is, as far as that is known by now.
    pub fn wire(&self) -> Option<Wire> {
        self.wire
    }

    async fn say(
        &mut self,
        known: Option<Wire>,
        deadline: Deadline,
        text: &str,
    ) -> Result<Heard, Unheard> {
        let Dialer { name, .. } = self.dialer;
        self.was_called = true;
        self.dialer.say(&self.peer.address, known, deadline, |own| encode(own, name, text)).await
    }

    async fn send_in_session(
        &mut self,
        message: &Outgoing,
        key: PublicKey,
        deadline: Deadline,
    ) -> Result<Heard, Failure> {
        let mut frame = Vec::new();
        message_frame(message, &mut frame);
        let mut talk = self.begin(key, &frame, deadline).await?;
        let heard = talk.answer(&message.id, deadline).await?;
        self.reached = Some(heard.reached());
        if message.reply {
            self.is_taken = true;
            let replied = talk.reply(&message.id, deadline).await?;
            let failure = hook_failure(&replied);
            let is_one = !replied.output.is_empty() || matches!(replied.end, ReplyEnd::Status(_));
            self.reply = is_one.then_some(replied.output);
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
        talk.close().await;
        Ok(heard)
    }

    /// Greets the peer, and has it prove the key that it says to have.
    async fn greet(&mut self, known: Option<&Known>, deadline: Deadline) -> Result<Heard, Failure> {
        if let Some(Way::Session(key)) = self.known_way()? {
            return self.ping(key, known, deadline).await;
        }
        let heard = self.ask(deadline).await.map_err(|unheard| unheard.failure)?;
        let believes = self.dialer.trust == Trust::Tofu && self.secure() != Secure::Off;
        match (self.key, heard) {
            (Some(key), _) if believes => self.ping(key, known, deadline).await,
            (_, Some(heard)) if self.secure() != Secure::Require => Ok(heard),
            (None, Some(_)) => Err(self.insecure()),
            _ => Err(self.untrusted()),
        }
    }

    /// Greets in a session, and asks for the peers beside those that are known, if that is wanted.
    async fn ping(
        &mut self,
        key: PublicKey,
        known: Option<&Known>,
        deadline: Deadline,
    ) -> Result<Heard, Failure> {
        let id = MessageId::of(random());
        let ping = Header::Ping { id: id.clone() };
        let (heard, mut talk) = self.ask_in_session(key, ping, &id, deadline).await?;
        if let Some(known) = known {
            // it was greeted, whatever becomes of this
            self.told = Some(ask_for_peers(&mut talk, known, deadline).await);
        }
        talk.close().await;
        Ok(heard)
    }

    async fn ask_in_session(
        &mut self,
        key: PublicKey,
        question: Header,
        id: &MessageId,
        deadline: Deadline,
    ) -> Result<(Heard, Talk), Failure> {
        let mut talk = self.begin(key, question.encode().as_bytes(), deadline).await?;
        let heard = talk.answer(id, deadline).await?;
        Ok((heard, talk))
    }

    async fn begin(
        &mut self,
        key: PublicKey,
        frames: &[u8],
        deadline: Deadline,
    ) -> Result<Talk, Failure> {
        self.was_called = true;
        let begun = Talk::begin(self.dialer, &self.peer.address, key, frames, deadline).await;
        begun.map_err(|failure| match failure.code {
            Code::KeyChanged if self.peer.key.is_none() && self.peer.is_hearsay() => {
                failure.context("others say that it has another key")
            }
            _ => failure,
        })
    }

    /// Says goodbye. A plain one tells nobody more than that we were here.
    async fn take_leave(&mut self, deadline: Deadline) -> Result<Heard, Failure> {
        if let Some(Way::Session(key)) = self.known_way()? {
            let id = MessageId::of(random());
            let leave = Header::Leave { id: Some(id.clone()) };
            let (heard, talk) = self.ask_in_session(key, leave, &id, deadline).await?;
            talk.close().await;
            return Ok(heard);
        }
        match self.secure() {
            Secure::Require => return Err(self.insecure()),
            Secure::Prefer if self.dialer.trust == Trust::Strict => return Err(self.untrusted()),
            _ => {}
        }
        self.say(self.wire, deadline, "exit").await.map_err(|unheard| unheard.failure)
    }

    /// Sends a message in as many pieces as its reader needs: a p2p takes it whole, a plain program in parts of what it
    /// reads at once.
    async fn send_plain(
        &mut self,
        message: &Outgoing,
        deadline: Deadline,
    ) -> Result<Heard, Failure> {
        if self.pieces.is_empty() {
            let text = plain_text(message)?;
            let short = pieces(&text, MAX_PLAIN_BYTES)?;
            if short.len() > 1 && self.wire.is_none() {
                self.ask(deadline).await.map_err(|unheard| unasked(unheard.failure))?;
                // encryption is switched off, and stays so
                self.key = None;
            }
            self.pieces = match self.wire {
                Some(Wire::Native) => pieces(&text, MAX_NATIVE_BYTES)?,
                _ => short,
            };
        }
        while let Some(piece) = self.pieces.get(self.arrived).cloned() {
            let heard = self.say(self.wire, deadline, &piece).await;
            let heard = heard.map_err(|unheard| unheard.failure)?;
            self.arrived += 1;
            if self.weakest.as_ref().is_none_or(|weakest| weakest.proof == Proof::Acked) {
                self.weakest = Some(heard);
            }
        }
        self.weakest.clone().ok_or_else(|| text_failure(TextError::Empty))
    }

    /// What a failure means after those before it: what may have arrived once is not unsent because it did not arrive again.
    fn of_attempts(&self, failure: Failure, errand: &Errand) -> Failure {
        let is_message = matches!(errand, Errand::Message(_));
        if is_message && self.is_open && !self.is_taken { doubtful(failure) } else { failure }
    }

    /// The peer, with the name that it has given by now.
    fn named_peer(&self) -> Peer {
        let said = self.reached.as_ref().and_then(|reached| reached.name.clone());
        Peer { name: self.peer.name.clone().or(said), ..self.peer.clone() }
    }

    /// Which part of a long text failed. What came before has arrived: the whole is no longer safe to send again.
    fn of_parts(&self, failure: Failure) -> Failure {
        let count = self.pieces.len();
        if count <= 1 {
            return failure;
        }
        let is_unconfirmed = failure.code.exit() == Exit::Unconfirmed;
        let code =
            if self.arrived > 0 && !is_unconfirmed { Code::Unconfirmed } else { failure.code };
        Failure { code, ..failure.context(format!("part {} of {count}", self.arrived + 1)) }
    }
}

/// The peers that a peer knows, at least those beside the ones that are known here. What it has told by the time that it
/// stops is told.
async fn ask_for_peers(
    talk: &mut Talk,
    known: &Known,
    deadline: Deadline,
) -> Result<Vec<Acquaintance>, Failure> {
    let (mut questions, mut told) = (Questions::default(), Vec::new());
    while let Some(skip) = questions.next() {
        let (peers, total) = match talk.ask_for_peers(skip, deadline).await {
            Ok(answer) => answer,
            Err(failure) if told.is_empty() => return Err(failure),
            Err(_) => break,
        };
        let brought_news = peers.iter().any(|peer| known.lacks(peer));
        questions.answered(total, brought_news, random() as u64);
        told.extend(peers);
    }
    Ok(told)
}

/// A failure after a try that may have arrived.
pub fn doubtful(failure: Failure) -> Failure {
    if failure.code.exit() == Exit::Unconfirmed {
        return failure;
    }
    Failure { code: Code::Unconfirmed, ..failure.context("an earlier try may have arrived") }
}
