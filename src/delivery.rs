//! Takes one errand to one peer: in as many messages as its program needs, and again where trying again is safe.
//!
//! Only what surely has not arrived is said a second time. The plain wire has no ids, so a listener cannot tell a
//! repeated message from a new one.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::codec::writing::{MAX_NATIVE_BYTES, MAX_PLAIN_BYTES, TextError, encode, split};
use crate::config::Time;
use crate::dial::{Deadline, Dialer, Heard};
use crate::exit::{Code, Exit, Failure};
use crate::message::Proof;
use crate::peer::{Peer, Wire};
use crate::report::{Errand, Report, worded};
use crate::retry::Retry;

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
    let mut delivery = Delivery {
        dialer,
        peer: &peer,
        errand,
        wire: peer.wire,
        pieces: Vec::new(),
        arrived: 0,
        weakest: None,
    };
    let mut attempts = 0;
    let result = loop {
        attempts += 1;
        let failure = match delivery.attempt(Deadline::after(dialer.timeout)).await {
            Ok(heard) => break Ok(heard),
            Err(failure) => failure,
        };
        let may_pass = can_pass(&failure, delivery.has_said_nothing());
        let Some(pause) = may_pass.then(|| pauses.next(Instant::now())).flatten() else {
            let failure = worded(delivery.of_parts(failure), &peer, errand, retry);
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
    Report { peer, result, parts, attempts, time: start.elapsed() }
}

/// Whether the same may succeed later, and does no harm if more of it has arrived than we know.
fn can_pass(failure: &Failure, twice_does_no_harm: bool) -> bool {
    match failure.code.exit() {
        Exit::Unreachable => true,
        Exit::Refused => failure.code == Code::Busy,
        Exit::Unconfirmed => twice_does_no_harm,
        _ => false,
    }
}

/// How far an errand has come.
struct Delivery<'a> {
    dialer: &'a Dialer,
    peer: &'a Peer,
    errand: &'a Errand,
    /// Which kind of program it is, as far as that is known.
    wire: Option<Wire>,
    /// The messages that a text makes, once it is known for whom.
    pieces: Vec<&'a str>,
    /// How many of them have arrived.
    arrived: usize,
    /// The one of them that is least sure.
    weakest: Option<Heard>,
}

impl<'a> Delivery<'a> {
    /// Does what is still to be done.
    async fn attempt(&mut self, deadline: Deadline) -> Result<Heard, Failure> {
        match self.errand {
            Errand::Message(text) => self.send(text, deadline).await,
            Errand::Connect => self.say(self.wire, deadline, "connect").await,
            Errand::Exit => self.say(self.wire, deadline, "exit").await,
        }
    }

    /// Whether nothing of a text was sent yet: a greeting or a goodbye may arrive twice.
    fn has_said_nothing(&self) -> bool {
        self.pieces.is_empty()
    }

    async fn say(
        &self,
        known: Option<Wire>,
        deadline: Deadline,
        text: &str,
    ) -> Result<Heard, Failure> {
        let Dialer { name, .. } = self.dialer;
        self.dialer.say(&self.peer.address, known, deadline, |own| encode(own, name, text)).await
    }

    /// A short text goes at once. For a long one it has to be known who reads it: a p2p takes it whole, a plain program
    /// in parts of what it reads at once.
    async fn send(&mut self, text: &'a str, deadline: Deadline) -> Result<Heard, Failure> {
        if self.pieces.is_empty() {
            let short = split(text, MAX_PLAIN_BYTES).map_err(text_failure)?;
            if short.len() > 1 && self.wire.is_none() {
                self.wire = Some(self.say(None, deadline, "connect").await?.wire());
            }
            self.pieces = match self.wire {
                Some(Wire::Native) => split(text, MAX_NATIVE_BYTES).map_err(text_failure)?,
                _ => short,
            };
        }
        while let Some(piece) = self.pieces.get(self.arrived) {
            let heard = self.say(self.wire, deadline, piece).await?;
            self.arrived += 1;
            if self.weakest.as_ref().is_none_or(|weakest| weakest.proof == Proof::Acked) {
                self.weakest = Some(heard);
            }
        }
        self.weakest.clone().ok_or_else(|| text_failure(TextError::Empty))
    }

    /// Which part of a long text failed. What came before has arrived: the whole is no longer safe to send again.
    fn of_parts(&self, failure: Failure) -> Failure {
        let count = self.pieces.len();
        if count <= 1 {
            return failure;
        }
        let nothing_of_it = matches!(failure.code.exit(), Exit::Unreachable | Exit::Refused);
        let code = if self.arrived > 0 && nothing_of_it { Code::Unconfirmed } else { failure.code };
        Failure { code, ..failure.context(format!("part {} of {count}", self.arrived + 1)) }
    }
}

/// Checks that a text can be sent to any peer at all.
pub fn check(text: &str) -> Result<(), Failure> {
    split(text, MAX_PLAIN_BYTES).map(drop).map_err(text_failure)
}

/// A text that the plain wire cannot carry.
pub fn text_failure(error: TextError) -> Failure {
    match error {
        TextError::Empty => Failure::new(Code::Usage, "there is no text to send"),
        TextError::NotUtf8(at) => Failure::new(
            Code::Usage,
            format!("cannot send this text: byte {at} of it is not UTF-8"),
        )
        .hint("encode it first, for example with base64"),
        TextError::Blanks => Failure::new(
            Code::Usage,
            "cannot send this text: it has too many blanks in a row for one message",
        ),
        TextError::Keyword(word) => {
            let failure = Failure::new(
                Code::Usage,
                format!("cannot send `{word}`: alone it is a command on the wire"),
            );
            failure
                .hint("add a word; to take leave of a peer use `p2p leave`, to greet it `p2p ping`")
        }
    }
}
