//! The lines of stdin as messages, read in a thread of its own.
//!
//! Lines that have come together are handed on together. None waits for one that is still to come.

use std::io::{self, BufRead as _, BufReader, Read as _, StdinLock};
use std::thread;
use std::time::Instant;

use memchr::memchr;
use tokio::sync::mpsc;

use super::{Line, Lines};
use crate::codec::frame::WINDOW_MESSAGES;
use crate::exit::{Code, Failure, OrFail as _};
use crate::id::MessageId;
use crate::message::Outgoing;
use crate::session::tls::Randoms;

/// How much is read at once: what a pipe holds.
const CHUNK_BYTES: usize = 64 * 1024;

/// Lines in their order, or why there are no more of them.
pub(super) type Batch = Result<Vec<Line>, Failure>;

/// Begins to read. As many lines as may be under way are read ahead, and as many again.
pub(super) fn read(lines: Lines) -> Result<mpsc::Receiver<Batch>, Failure> {
    let (sender, input) = mpsc::channel(1);
    let read = move || {
        let stdin = BufReader::with_capacity(CHUNK_BYTES, io::stdin().lock());
        let mut input = Input { stdin, lines, number: 0, ids: Randoms::default() };
        loop {
            let mut batch = Vec::new();
            let more = input.take(&mut batch);
            if !batch.is_empty() && sender.blocking_send(Ok(batch)).is_err() {
                return;
            }
            match more {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => {
                    // whoever waits for lines may have given up
                    let _ = sender.blocking_send(Err(failure));
                    return;
                }
            }
        }
    };
    thread::Builder::new().name("stdin".into()).spawn(read).or_fail(Code::Io)?;
    Ok(input)
}

struct Input {
    stdin: BufReader<StdinLock<'static>>,
    lines: Lines,
    /// How many lines have been read.
    number: u64,
    ids: Randoms,
}

impl Input {
    /// Waits for a line, and takes those that have come with it; false at the end of stdin.
    fn take(&mut self, batch: &mut Vec<Line>) -> Result<bool, Failure> {
        loop {
            let mut text = Vec::new();
            let limit = self.lines.max_bytes as u64 + 2;
            match self.stdin.by_ref().take(limit).read_until(b'\n', &mut text) {
                Ok(0) => return Ok(false),
                Ok(_) => batch.extend(self.line(text)?),
                Err(error) => {
                    return Err(error)
                        .or_fail(Code::Io)
                        .map_err(|f| f.context("cannot read stdin"));
                }
            }
            let has_next = memchr(b'\n', self.stdin.buffer()).is_some();
            if batch.len() >= WINDOW_MESSAGES || !has_next {
                return Ok(true);
            }
        }
    }

    /// The message of a line, unless it is one that is left out.
    fn line(&mut self, mut text: Vec<u8>) -> Result<Option<Line>, Failure> {
        self.number += 1;
        let Lines { message, allows_empty, max_bytes } = &self.lines;
        if text.last() == Some(&b'\n') {
            text.pop();
            text.pop_if(|last| *last == b'\r');
        }
        if text.len() > *max_bytes {
            let why = format!("line {} is longer than {max_bytes} bytes", self.number);
            return Err(Failure::new(Code::TooLarge, why));
        }
        if text.trim_ascii().is_empty() && !allows_empty {
            return Ok(None);
        }
        let id = MessageId::of(self.ids.draw());
        let message = Outgoing { text, id, ..message.clone() };
        Ok(Some(Line { number: self.number, message, begun: Instant::now(), attempts: 1 }))
    }
}
