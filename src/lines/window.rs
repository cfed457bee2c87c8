//! The lines that are under way in a session, and the session.

use std::collections::VecDeque;

use super::Line;
use crate::codec::frame::{WINDOW_BYTES, WINDOW_MESSAGES};
use crate::dial::{Deadline, Dialer};
use crate::exit::Failure;
use crate::key::PublicKey;
use crate::peer::Peer;
use crate::session::outgoing::message_frame;
use crate::talk::Talk;

/// Lines that are under way in a session.
pub(super) struct Window {
    pub(super) talk: Option<Talk>,
    key: PublicKey,
    pub(super) lines: VecDeque<Line>,
    bytes: usize,
    /// Until when the oldest of them has to be answered.
    pub(super) deadline: Deadline,
    /// There are no more lines.
    pub(super) is_over: bool,
    /// A session has ended without the answers to some of them, which may have arrived.
    pub(super) is_open: bool,
}

impl Window {
    /// None so far, to whoever has this key.
    pub(super) fn new(key: PublicKey, deadline: Deadline) -> Self {
        let lines = VecDeque::new();
        Self { talk: None, key, lines, bytes: 0, deadline, is_over: false, is_open: false }
    }

    /// Whether one more line may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.lines.len() < WINDOW_MESSAGES && self.bytes < WINDOW_BYTES
    }

    /// Begins a session, and sends what an earlier one has left without an answer.
    pub(super) async fn begin(&mut self, dialer: &Dialer, peer: &Peer) -> Result<(), Failure> {
        self.deadline = Deadline::after(dialer.timeout);
        let mut frames = Vec::new();
        self.lines.iter().for_each(|line| message_frame(&line.message, &mut frames));
        let talk = Talk::begin(dialer, &peer.address, self.key, &frames, self.deadline).await?;
        self.talk = Some(talk);
        Ok(())
    }

    /// Sends as many more lines as there is room for, together. Without a session they wait for the next one.
    pub(super) async fn send(
        &mut self,
        waiting: &mut VecDeque<Line>,
        dialer: &Dialer,
    ) -> Result<(), Failure> {
        if self.lines.is_empty() {
            self.deadline = Deadline::after(dialer.timeout);
        }
        let mut frames = Vec::new();
        while self.has_room()
            && let Some(line) = waiting.pop_front()
        {
            if self.talk.is_some() {
                message_frame(&line.message, &mut frames);
            }
            self.bytes += line.message.text.len();
            self.lines.push_back(line);
        }
        match &mut self.talk {
            Some(talk) => talk.say(&frames, self.deadline).await,
            None => Ok(()),
        }
    }

    /// Takes the oldest line, which was answered.
    pub(super) fn answered(&mut self) -> Option<Line> {
        let line = self.lines.pop_front()?;
        self.bytes -= line.message.text.len();
        self.is_open &= !self.lines.is_empty();
        Some(line)
    }

    /// Whether the answer to the line that is the oldest now has come as well, and says that it is there.
    pub(super) fn has_next_answer(&mut self) -> bool {
        match (&mut self.talk, self.lines.front()) {
            (Some(talk), Some(oldest)) => talk.has_taken(&oldest.message.id),
            _ => false,
        }
    }
}
