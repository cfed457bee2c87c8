//! The listener's answers in a session, in the order of what was said; each waits until that is safe.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::io::{AsyncWriteExt as _, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

use super::frames;
use super::limited::Stream;
use crate::codec::acquaintances;
use crate::codec::frame::{Header, Hello};
use crate::id::MessageId;
use crate::inbox::{Identity, Inbound, NotKept, Reply};
use crate::message::{Arrival, Kind};
use crate::slots::Place;
use crate::terms::{MAX_WRITE, RETRY_AFTER};

/// Something that is still to be answered.
pub(super) struct Pending {
    /// As its sender calls it.
    pub(super) id: Option<MessageId>,
    /// What was said.
    pub(super) what: What,
    /// Its part of the window.
    pub(super) window: Option<OwnedSemaphorePermit>,
}

/// What was said, as far as it matters for the answer.
pub(super) enum What {
    /// Something that was handed over, and perhaps the reply to it.
    Arrival {
        kind: Kind,
        safe: oneshot::Receiver<Result<(), NotKept>>,
        reply: Option<oneshot::Receiver<Reply>>,
    },
    /// A question for our peers.
    Question { asker: Box<Arrival>, skip: u32 },
    /// Something that is refused.
    Refused(&'static str),
}

/// The half that writes.
pub(super) struct Answering {
    pub(super) writer: WriteHalf<Stream>,
    pub(super) pending: mpsc::Receiver<Pending>,
    pub(super) place: Arc<Place>,
    pub(super) identity: Identity,
    pub(super) has_answered: bool,
    /// Who can answer a question.
    pub(super) inbox: mpsc::Sender<Inbound>,
}

impl Answering {
    /// Answers until there is nothing more to answer, then ends our side.
    pub(super) async fn run(mut self) {
        let Identity { name, port, advertised } = self.identity.clone();
        let hello = Header::Hello(Hello { name: Some(name), port: Some(port), addr: advertised });
        let mut bytes = hello.encode().into_bytes();
        // it goes out with the first answer, or by itself if there is none for now
        while let Some(pending) = self.next(&mut bytes).await {
            let is_answered = self.encode(pending, &mut bytes).await;
            self.place.rest();
            if !is_answered {
                // nobody can say what was kept; an end without a word leaves it open
                return;
            }
            self.has_answered = true;
        }
        let last = async {
            let _ = frames::write(&mut self.writer, &bytes).await;
            let _ = self.writer.shutdown().await;
        };
        let _ = timeout(MAX_WRITE, last).await;
    }

    /// The next one to be answered. Before it has to be waited for, what is there is written.
    async fn next(&mut self, bytes: &mut Vec<u8>) -> Option<Pending> {
        if let Ok(pending) = self.pending.try_recv() {
            return Some(pending);
        }
        if !self.flush(bytes).await {
            return None;
        }
        self.pending.recv().await
    }

    async fn encode(&mut self, pending: Pending, bytes: &mut Vec<u8>) -> bool {
        let Pending { id, what, window } = pending;
        let (kind, result, reply) = match what {
            What::Refused(code) => {
                Self::say_no(id, code, bytes);
                return true;
            }
            What::Arrival { kind, mut safe, reply } => {
                let result = match safe.try_recv() {
                    Ok(result) => result,
                    Err(_) => {
                        // our hello can wait for the first answer
                        if self.has_answered && !self.flush(bytes).await {
                            return false;
                        }
                        // whoever had it is gone, perhaps after storing it
                        safe.await.unwrap_or(Err(NotKept::Unknown))
                    }
                };
                (kind, result, reply)
            }
            What::Question { asker, skip } => {
                // one list at a time is in memory, so what came before goes first
                return self.flush(bytes).await && self.tell_peers(id, *asker, skip, bytes).await;
            }
        };
        // a reply takes as long as a command does, and the text need not be kept for it
        drop(window);
        match (result, kind, id) {
            (Ok(()), Kind::Connect, Some(id)) => bytes.extend(Header::Pong { id }.encode().bytes()),
            (Ok(()), _, id) => {
                bytes.extend(Header::Ok { id: id.clone() }.encode().bytes());
                if let (Some(reply), Some(id)) = (reply, id) {
                    // how long a command takes is its own matter
                    return self.flush(bytes).await && self.reply(id, reply, bytes).await;
                }
            }
            (Err(why), _, id) => match why.code() {
                Some(code) => Self::say_no(id, code, bytes),
                None => return false,
            },
        }
        true
    }

    async fn tell_peers(
        &mut self,
        id: Option<MessageId>,
        asker: Arrival,
        skip: u32,
        bytes: &mut Vec<u8>,
    ) -> bool {
        let (observed, Some(key), Some(id)) = (asker.observed, asker.key, id) else { return false };
        let (answer, answered) = oneshot::channel();
        let asked = self.inbox.send(Inbound::Question { asker, answer }).await;
        let answered = match asked {
            Ok(()) => answered.await.unwrap_or(Err(NotKept::Busy)),
            Err(_) => Err(NotKept::Busy),
        };
        match answered {
            Ok(peers) => {
                let (skip, now) = (skip as usize, SystemTime::now());
                let (list, total) = acquaintances::encode(&peers, observed, key, skip, now);
                // a caller that reads slowly must not keep it
                drop(peers);
                let (size, total) = (list.len() as u64, u32::try_from(total).unwrap_or(u32::MAX));
                bytes.extend(Header::Peers { id, size, total }.encode().bytes());
                bytes.extend(list.bytes());
                // it is not kept until there is more to say
                self.flush(bytes).await
            }
            Err(why) => match why.code() {
                Some(code) => {
                    Self::say_no(Some(id), code, bytes);
                    true
                }
                None => false,
            },
        }
    }

    async fn reply(
        &mut self,
        id: MessageId,
        reply: oneshot::Receiver<Reply>,
        bytes: &mut Vec<u8>,
    ) -> bool {
        self.place.wait_for_reply(true);
        // nobody here gives one
        let reply = reply.await.unwrap_or_else(|_| Reply::failed("no_reply"));
        self.place.wait_for_reply(false);
        let Reply { end, output } = reply;
        bytes.extend(Header::Reply { id, size: output.len() as u64, end }.encode().bytes());
        bytes.extend(output);
        true
    }

    fn say_no(id: Option<MessageId>, code: &str, bytes: &mut Vec<u8>) {
        let retry = (code == "busy").then_some(RETRY_AFTER);
        bytes.extend(Header::No { id, code: code.to_owned(), retry }.encode().bytes());
    }

    /// A peer that does not take our few bytes loses its session.
    async fn flush(&mut self, bytes: &mut Vec<u8>) -> bool {
        if bytes.is_empty() {
            return true;
        }
        let written = timeout(MAX_WRITE, frames::write(&mut self.writer, bytes)).await;
        bytes.clear();
        matches!(written, Ok(Ok(())))
    }
}
