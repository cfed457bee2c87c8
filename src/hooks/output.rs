//! What hooks print and what becomes of them, written by a thread of its own: a terminal or a pipe that takes nothing
//! holds up neither the hooks nor their time limits.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use std::{io, thread};

use tokio::sync::mpsc::{Sender, channel};
use tokio::time::timeout;

use crate::event::Event;
use crate::ui::Ui;

/// How much may wait for a slow output; a line is at most as long as `limits.hook_output`.
const MAX_WAITING: usize = 64;

/// How long what became of a hook may wait for a slow output.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// How long what waits may take at the end.
const MAX_LAST_WORDS: Duration = Duration::from_secs(1);

/// Where hooks print to.
#[derive(Clone, Debug)]
pub struct Output {
    queue: Sender<Words>,
}

#[derive(Debug)]
enum Words {
    Line(Vec<u8>),
    Warning(String),
    Event(Box<Event>),
}

/// The end of the output.
#[derive(Debug)]
pub struct Written(Receiver<()>);

impl Output {
    /// Starts the thread; it ends when there is nobody left who could print.
    pub fn start(ui: Ui) -> io::Result<(Self, Written)> {
        let (queue, mut words) = channel(MAX_WAITING);
        let (done, written) = sync_channel(1);
        thread::Builder::new().name("hooks-output".into()).spawn(move || {
            while let Some(words) = words.blocking_recv() {
                write(&ui, words);
            }
            // whoever waits for it may be gone
            let _ = done.try_send(());
        })?;
        Ok((Self { queue }, Written(written)))
    }

    /// Passes on a line that a hook has printed; a slow output makes the hook wait.
    pub async fn line(&self, line: Vec<u8>) {
        // the thread lives as long as we
        let _ = self.queue.send(Words::Line(line)).await;
    }

    /// Says that something is wrong, unless the output is stuck.
    pub async fn warn(&self, warning: String) {
        let _ = timeout(MAX_WAIT, self.queue.send(Words::Warning(warning))).await;
    }

    /// Reports what has become of a hook, unless the output is stuck.
    pub async fn event(&self, event: Event) {
        let _ = timeout(MAX_WAIT, self.queue.send(Words::Event(Box::new(event)))).await;
    }
}

impl Written {
    /// Waits until all is written, but not for an output that is stuck.
    pub fn wait(self) {
        // it may be stuck, and then the end does not wait for it
        let _ = self.0.recv_timeout(MAX_LAST_WORDS);
    }
}

fn write(ui: &Ui, words: Words) {
    match words {
        Words::Line(line) => ui.pass_on(&line),
        Words::Warning(warning) => ui.warn(warning),
        // an output that fails is found out by the next message
        Words::Event(event) => drop(ui.event(&event)),
    }
}
