//! Stores, shows and learns from what arrives, in this order, and only then lets it be acknowledged.
//!
//! It works in a thread of its own, because files and a slow output block. What waits meanwhile is taken together:
//! one write to the history, one to the output, one change of the peer book.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::book::{Change, PeerBook};
use crate::escape::escape;
use crate::event::{Arrived, Event, PeerLabel, rfc3339};
use crate::exit::Failure;
use crate::inbox::{Inbound, NotKept};
use crate::message::{Arrival, Kind};
use crate::newcomers::Newcomers;
use crate::state::history::History;
use crate::state::peers_file::PeersFile;
use crate::ui::{Ui, is_closed_output};

/// How many handovers are taken together at most.
const MAX_BATCH: usize = 256;

/// A trouble that lasts is mentioned this often.
const REMIND_AFTER: Duration = Duration::from_secs(60);

/// How the text of a message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One line, whatever is in it.
    Escaped,
    /// Its exact bytes.
    Raw,
}

/// Why the recorder ended before it was told to.
#[derive(Debug)]
pub enum Broken {
    /// Nobody reads our output any more.
    OutputClosed,
    /// The output or the history cannot be written.
    Failed(Failure),
}

/// What it writes to.
#[derive(Debug)]
pub struct Recorder {
    /// The terminal.
    pub ui: Ui,
    /// How texts are shown.
    pub form: Form,
    /// The history, unless it is switched off.
    pub history: Option<History>,
    /// The peer book.
    pub peers: PeersFile,
}

type Done = oneshot::Sender<Result<(), NotKept>>;

struct Work {
    recorder: Recorder,
    newcomers: Newcomers,
    messages: u64,
    reminded: Option<Instant>,
}

impl Recorder {
    /// Starts the thread. It ends when the inbox is closed, and gives the number of messages; it ends early, and says
    /// so through `broken`, when the output cannot be written any more.
    pub fn start(
        self,
        inbox: mpsc::Receiver<Inbound>,
        broken: oneshot::Sender<Broken>,
    ) -> io::Result<JoinHandle<u64>> {
        let work =
            Work { recorder: self, newcomers: Newcomers::default(), messages: 0, reminded: None };
        thread::Builder::new().name("recorder".into()).spawn(move || work.run(inbox, broken))
    }
}

impl Work {
    fn run(mut self, mut inbox: mpsc::Receiver<Inbound>, broken: oneshot::Sender<Broken>) -> u64 {
        while let Some(first) = inbox.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH {
                let Ok(next) = inbox.try_recv() else { break };
                batch.push(next);
            }
            if let Err(reason) = self.record(batch) {
                // dropping the inbox refuses what is still in it
                let _ = broken.send(reason);
                break;
            }
        }
        self.messages
    }

    fn record(&mut self, batch: Vec<Inbound>) -> Result<(), Broken> {
        let mut handovers: Vec<(Vec<Arrival>, Done)> = Vec::with_capacity(batch.len());
        for inbound in batch {
            match inbound {
                Inbound::Arrivals { arrivals, done } => handovers.push((arrivals, done)),
                Inbound::Trouble(error) => {
                    self.remind(format!("cannot accept connections: {error}"));
                }
            }
        }
        let arrivals: Vec<&Arrival> = handovers.iter().flat_map(|(arrivals, _)| arrivals).collect();
        if let Err(failure) = self.store(&arrivals) {
            self.remind(failure.context("cannot keep messages, so they are refused"));
            refuse(handovers);
            return Ok(());
        }
        if let Err(failure) = self.show(&arrivals) {
            refuse(handovers);
            let closed = is_closed_output(&failure);
            return Err(if closed { Broken::OutputClosed } else { Broken::Failed(failure) });
        }
        self.messages += arrivals.iter().filter(|a| is_text(a)).count() as u64;
        let learned = self.learn(&arrivals);
        for (arrivals, done) in handovers {
            // a message is safe by now; a greeting that left no trace is not
            let kept = learned || arrivals.iter().all(is_text);
            // the connection may be gone
            let _ = done.send(if kept { Ok(()) } else { Err(NotKept) });
        }
        Ok(())
    }

    fn store(&mut self, arrivals: &[&Arrival]) -> Result<(), Failure> {
        let Some(history) = &mut self.recorder.history else { return Ok(()) };
        let texts = arrivals.iter().filter(|a| is_text(a));
        let lines: String = texts.map(|a| Event::Message(Arrived::new(a, true)).line()).collect();
        if lines.is_empty() { Ok(()) } else { history.append(lines.as_bytes()) }
    }

    fn show(&self, arrivals: &[&Arrival]) -> Result<(), Failure> {
        let mut lines = Vec::new();
        for arrival in arrivals {
            match (self.recorder.ui.json, is_text(arrival)) {
                (true, _) => lines.extend(event(arrival).line().bytes()),
                (false, true) => lines.extend(line(arrival, self.recorder.form)),
                (false, false) => {}
            }
        }
        if lines.is_empty() { Ok(()) } else { self.recorder.ui.data(&lines) }
    }

    /// Learns of peers; false if that could not be written down.
    fn learn(&mut self, arrivals: &[&Arrival]) -> bool {
        if arrivals.iter().all(|arrival| arrival.address.is_none()) {
            return true;
        }
        let Self { recorder: Recorder { ui, peers, .. }, newcomers, .. } = self;
        let now = Instant::now();
        let learned = peers.update(|book| {
            let mut news = Vec::new();
            for arrival in arrivals {
                if may_enter(book, newcomers, arrival, now) {
                    let change = book.hear(arrival);
                    let peer = arrival.address.as_ref().and_then(|address| book.at(address));
                    news.extend(change.zip(peer.cloned()));
                }
            }
            news
        });
        match learned {
            Ok(news) => {
                for (change, peer) in news {
                    ui.talk(format!("{} {}", peer.label(), change_words(change)));
                    let time = rfc3339(std::time::SystemTime::now());
                    let peer = PeerLabel::new(&peer);
                    // an output that fails is found out by the next message
                    let _ = ui.event(&Event::PeerChange { time, change: change.word(), peer });
                }
                true
            }
            Err(failure) => {
                self.remind(failure.context("cannot write down what was learned of peers"));
                false
            }
        }
    }

    fn remind(&mut self, trouble: impl std::fmt::Display) {
        if self.reminded.is_none_or(|at| at.elapsed() >= REMIND_AFTER) {
            self.recorder.ui.warn(trouble);
            self.reminded = Some(Instant::now());
        }
    }
}

fn refuse(handovers: Vec<(Vec<Arrival>, Done)>) {
    for (_, done) in handovers {
        let _ = done.send(Err(NotKept));
    }
}

/// Known peers may always speak; how many unknown ones may come in depends on where they come from.
fn may_enter(book: &PeerBook, newcomers: &mut Newcomers, arrival: &Arrival, now: Instant) -> bool {
    let Some(address) = &arrival.address else { return false };
    let known = book.at(address).is_some();
    known
        || (arrival.kind != Kind::Exit
            && newcomers.admit(arrival.observed, arrival.is_verified(), now))
}

fn is_text(arrival: &Arrival) -> bool {
    matches!(arrival.kind, Kind::Message | Kind::Raw)
}

fn event(arrival: &Arrival) -> Event {
    match arrival.kind {
        Kind::Message | Kind::Raw => Event::Message(Arrived::new(arrival, true)),
        Kind::Connect | Kind::ConnectAck => Event::Connect(Arrived::new(arrival, false)),
        Kind::Exit => Event::Exit(Arrived::new(arrival, false)),
    }
}

/// `ADDRESS NAME TEXT`; without a known address the IP that was observed, without a name `-`.
fn line(arrival: &Arrival, form: Form) -> Vec<u8> {
    let address =
        arrival.address.as_ref().map_or_else(|| arrival.observed.to_string(), ToString::to_string);
    let name = arrival.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = escape(name.unwrap_or("-").as_bytes()).replace(' ', "_");
    let mut line = format!("{address} {name} ").into_bytes();
    match form {
        Form::Escaped => line.extend(escape(&arrival.text).bytes()),
        Form::Raw => line.extend(&arrival.text),
    }
    line.push(b'\n');
    line
}

fn change_words(change: Change) -> &'static str {
    match change {
        Change::Joined => "is here",
        Change::Renamed => "has a new name",
        Change::Left => "has left",
        Change::Verified => "is where it says",
    }
}
