//! One session with a peer, with all that can go wrong in it told as failures.
//!
//! `session` knows how a session works; this knows what its ends mean for whoever has something to say.

use std::time::SystemTime;

use tokio::time::timeout_at;

use crate::address::Address;
use crate::codec::frame::{Header, ReplyEnd};
use crate::dial::{Deadline, Dialer, Heard};
use crate::exchange::{describe, refused, unconfirmed, unreachable};
use crate::exit::{Code, Failure};
use crate::hearsay::Acquaintance;
use crate::id::MessageId;
use crate::key::PublicKey;
use crate::message::Proof;
use crate::session::outgoing::{Answer, NoAnswer, NoSession, Replied, Session, Told};
use crate::session::tls::{Expected, random};

/// A session with a peer that has proved its key.
#[derive(Debug)]
pub struct Talk {
    session: Session,
    address: Address,
    key: PublicKey,
}

impl Talk {
    /// Begins a session with the peer at this address, if it has this key, and says these first frames.
    ///
    /// Errors, all of them before any of it was sent: `unreachable`; `key_changed` if it proves another key; `insecure` if it
    /// does not speak so at all.
    pub async fn begin(
        dialer: &Dialer,
        to: &Address,
        key: PublicKey,
        frames: &[u8],
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let (stream, address) = dialer.connect(to, deadline).await?;
        let expected = Expected::new(key);
        let begun = Session::begin(stream, &dialer.keys, &expected, dialer.hello(), frames);
        let session = match timeout_at(deadline.end(), begun).await {
            Ok(Ok(session)) => session,
            // the handshake was all but over, so some of it may have left
            Ok(Err(NoSession::Lost(error))) if expected.is_met() => {
                return Err(unconfirmed(&describe(&error)));
            }
            Ok(Err(error)) => return Err(no_session(error, to, key)),
            Err(_) if expected.is_met() => return Err(deadline.passed(Code::Timeout, "answer")),
            Err(_) => {
                let failure = deadline.passed(Code::Unreachable, "encrypted session");
                return Err(failure.hint("nothing was sent; to wait longer: -t 30s"));
            }
        };
        Ok(Self { session, address, key })
    }

    /// Says more without waiting; [`Talk::answer`] gives the answers in their order.
    pub async fn say(&mut self, frames: &[u8], deadline: Deadline) -> Result<(), Failure> {
        match timeout_at(deadline.end(), self.session.write(frames)).await {
            // who refuses a message may close before it has read all of it: its answer tells more than our error
            Ok(Ok(()) | Err(_)) => Ok(()),
            Err(_) => Err(deadline.passed(Code::Timeout, "answer")),
        }
    }

    /// Waits for the answer to what was said with this id.
    pub async fn answer(&mut self, id: &MessageId, deadline: Deadline) -> Result<Heard, Failure> {
        let answer = match timeout_at(deadline.end(), self.session.answer(id)).await {
            Ok(answer) => answer.map_err(|error| no_answer(&error))?,
            Err(_) => return Err(deadline.passed(Code::Timeout, "answer")),
        };
        match answer {
            Answer::Taken => Ok(self.heard()),
            Answer::Refused { code, retry } => Err(refused(&code, retry)),
        }
    }

    /// Whether the answer to what was said with this id has come already and says that it was taken; then the next one may be
    /// asked for.
    pub fn has_taken(&mut self, id: &MessageId) -> bool {
        self.session.has_taken(id)
    }

    /// Waits for what the peer's command prints for a message that was taken.
    pub async fn reply(&mut self, id: &MessageId, deadline: Deadline) -> Result<Replied, Failure> {
        let replied = match timeout_at(deadline.end(), self.session.reply(id)).await {
            Ok(replied) => replied.map_err(|error| no_answer(&error)),
            Err(_) => Err(deadline.passed(Code::Timeout, "reply")),
        };
        let hint = "its command is given as much time as that message: to wait longer, -t 40s";
        replied.map_err(|failure| Failure { code: Code::HookFailed, ..failure }.hint(hint))
    }

    /// Asks for the peers that the peer knows, but for so many of its list, and waits for the answer.
    pub async fn ask_for_peers(
        &mut self,
        skip: usize,
        deadline: Deadline,
    ) -> Result<(Vec<Acquaintance>, usize), Failure> {
        let id = MessageId::of(random());
        let skip = u32::try_from(skip).unwrap_or(u32::MAX);
        let question = Header::AskPeers { id: id.clone(), skip }.encode();
        self.say(question.as_bytes(), deadline).await?;
        match timeout_at(deadline.end(), self.session.peers(&id, SystemTime::now())).await {
            Ok(Ok(Told::Peers { peers, total })) => Ok((peers, total)),
            Ok(Ok(Told::Refused { code })) if code == "denied" => {
                Err(Failure::new(Code::Denied, "it does not tell us of its peers"))
            }
            Ok(Ok(Told::Refused { code })) => Err(refused(&code, None)),
            Ok(Err(error)) => Err(no_answer(&error)),
            Err(_) => Err(deadline.passed(Code::Timeout, "answer")),
        }
    }

    /// Waits until the peer ends the session while nothing is asked of it.
    pub async fn ended(&mut self) {
        self.session.ended().await;
    }

    /// Ends the session.
    pub async fn close(self) {
        self.session.close().await;
    }

    fn heard(&self) -> Heard {
        Heard {
            proof: Proof::Acked,
            name: self.session.name().cloned(),
            address: self.address.clone(),
            key: Some(self.key),
            offered: None,
            lacks_our_end: false,
        }
    }
}

/// What it means that a peer's command has not ended well; the peer has the message.
pub fn hook_failure(replied: &Replied) -> Option<Failure> {
    let why = match &replied.end {
        ReplyEnd::Status(0) => return None,
        ReplyEnd::Status(status) => format!("its command ended with status {status}"),
        ReplyEnd::Failed(code) => match code.as_str() {
            "no_reply" => "it gives no reply".to_owned(),
            "repeated" => "it has had the message before, and its reply with it".to_owned(),
            "timeout" => "its command was not done in time".to_owned(),
            "too_long" => "its reply is too long".to_owned(),
            "busy" => "too many of its commands wait".to_owned(),
            other => format!("its command failed: {other}"),
        },
    };
    Some(Failure::new(Code::HookFailed, why))
}

fn no_session(error: NoSession, to: &Address, known: PublicKey) -> Failure {
    match error {
        NoSession::OtherKey(new) => {
            let (new_print, known) = (new.fingerprint(), known.fingerprint());
            let why =
                format!("it shows the key {new_print} in the place of {known}; nothing was sent");
            let mend =
                format!("if its key was changed on purpose: p2p peers trust {to} --key {new}");
            Failure::new(Code::KeyChanged, why).hint(mend)
        }
        NoSession::NoKey(failure) => failure,
        NoSession::NotOurs => {
            let why = "it has been said to have a key, and does not prove it; nothing was sent";
            let mend = format!("if another program is there now on purpose: p2p peers rm {to}");
            Failure::new(Code::Insecure, why).hint(mend)
        }
        NoSession::Lost(error) => {
            let mend = format!(
                "its key is known; if another program is there now on purpose: p2p peers rm {to}"
            );
            unreachable(&error).context("no session was begun, and nothing was sent").hint(mend)
        }
    }
}

fn no_answer(error: &NoAnswer) -> Failure {
    match error {
        NoAnswer::Lost(error) => unconfirmed(&describe(error)),
        NoAnswer::Senseless => unconfirmed("its answer cannot be read"),
    }
}
