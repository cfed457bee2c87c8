//! By which way a peer is spoken to: in a session with the key that is known, on the plain wire, or not at all.

use std::time::Instant;

use super::Delivery;
use crate::connection::QUIET;
use crate::dial::{Deadline, Heard};
use crate::exchange::{Unheard, unconfirmed};
use crate::exit::{Code, Exit, Failure};
use crate::key::PublicKey;
use crate::message::Proof;
use crate::peer::Wire;
use crate::trust::{Secure, Trust};

/// How often a peer is asked who it is, in one attempt: over a link that loses one packet in five, a p2p is heard out in one
/// of four nearly always.
const MAX_ASKED: u32 = 4;

/// By which way a peer is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In a session with whoever proves this key.
    Session(PublicKey),
    /// On the plain wire.
    Plain,
}

impl Delivery<'_> {
    /// Finds out how the peer is to be spoken to, by a handshake if that is not known.
    pub async fn way(&mut self, deadline: Deadline) -> Result<Way, Failure> {
        if let Some(way) = self.known_way()? {
            return Ok(way);
        }
        if self.dialer.trust == Trust::Strict {
            return Err(self.untrusted());
        }
        if !self.has_asked {
            self.ask(deadline).await.map_err(|unheard| unasked(unheard.failure))?;
        }
        match (self.key, self.wire) {
            (Some(key), _) => Ok(Way::Session(key)),
            (None, _) if self.secure() == Secure::Require => Err(self.insecure()),
            (None, _) => Ok(Way::Plain),
        }
    }

    /// The way that is known without a handshake, or that there is none.
    pub(super) fn known_way(&self) -> Result<Option<Way>, Failure> {
        match (self.key, self.secure()) {
            (Some(_), Secure::Off) => {
                let why = "its key is known, so it is never spoken to in plain; nothing was sent";
                let mend = format!(
                    "leave out --secure off; to forget it: p2p peers rm {}",
                    self.peer.address
                );
                Err(Failure::new(Code::Insecure, why).hint(mend))
            }
            // it was only seen, and by other rules than those of now
            (Some(key), _) if self.dialer.trust == Trust::Strict && !self.peer.is_trusted() => {
                if self.peer.key.is_none() {
                    return Err(self.untrusted());
                }
                let to = &self.peer.address;
                Err(self
                    .untrusted()
                    .hint(format!("if it is right: p2p peers trust {to} --key {key}")))
            }
            (Some(key), _) => Ok(Some(Way::Session(key))),
            (None, Secure::Off) => Ok(Some(Way::Plain)),
            (None, _) if self.dialer.trust == Trust::Strict => Ok(None),
            (None, Secure::Prefer) if self.wire == Some(Wire::Plain) => Ok(Some(Way::Plain)),
            (None, _) => Ok(None),
        }
    }

    /// What was chosen for this call goes first, then what was for this peer, then what was for all.
    pub(super) fn secure(&self) -> Secure {
        let chosen = self.dialer.secure;
        if chosen.by_flag { chosen.secure } else { self.peer.secure.unwrap_or(chosen.secure) }
    }

    /// The CONNECT handshake on the plain wire: an answer of a p2p has its key. `None` if it is refused there but can be spoken
    /// to in a session.
    pub(super) async fn ask(&mut self, deadline: Deadline) -> Result<Option<Heard>, Unheard> {
        let mut asked = 0;
        let heard = loop {
            asked += 1;
            let start = Instant::now();
            let heard = match self.say(self.wire, deadline, "connect").await {
                Ok(heard) => heard,
                Err(Unheard { offered: Some(key), .. }) if self.secure() != Secure::Off => {
                    (self.has_asked, self.wire, self.key) = (true, Some(Wire::Native), Some(key));
                    return Ok(None);
                }
                // what was heard before does not tell who it is
                Err(unheard) => return Err(unheard),
            };
            // a p2p that our end has reached late has answered as to a plain program
            let is_late = heard.proof == Proof::Read && start.elapsed() >= QUIET;
            if !is_late || (self.has_answered_late && !heard.lacks_our_end) {
                break heard;
            }
            self.has_answered_late |= !heard.lacks_our_end;
            if asked == MAX_ASKED {
                let why = "it answers before it has heard us out, so nobody knows what it is";
                return Err(unconfirmed(why).into());
            }
        };
        (self.has_asked, self.wire, self.key) = (true, Some(heard.wire()), heard.offered);
        self.reached = Some(heard.reached());
        Ok(Some(heard))
    }

    pub(super) fn untrusted(&self) -> Failure {
        let why = "no key of it was given, and only given ones are trusted; nothing was sent";
        let to = &self.peer.address;
        Failure::new(Code::Untrusted, why).hint(format!(
            "`p2p id` there prints its key; then here: p2p peers trust {to} --key KEY"
        ))
    }

    pub(super) fn insecure(&self) -> Failure {
        let why = "it does not speak encrypted, and nothing else is allowed; nothing was sent";
        Failure::new(Code::Insecure, why).hint("to allow it for this call: --secure prefer")
    }
}

/// A handshake that failed: whatever became of it, nothing of the message was sent.
pub(super) fn unasked(failure: Failure) -> Failure {
    if failure.code.exit() != Exit::Unconfirmed {
        return failure;
    }
    let why = "it does not answer the handshake, so nothing was sent";
    Failure { code: Code::Unreachable, ..failure.context(why) }
        .hint("to send without a handshake, and without encryption: --secure off")
}
