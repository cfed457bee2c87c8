//! What the recorder does with what has come: admits, stores, shows, learns, and says so.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::door::Door;
use super::shared::Shared;
use crate::arrived::Arrived;
use crate::book::{Change, PeerBook};
use crate::config::On;
use crate::event::{Event, rfc3339};
use crate::exit::Failure;
use crate::hearsay::Acquaintance;
use crate::hooks::rules::{Hooks, Job};
use crate::id::MessageId;
use crate::inbox::{Inbound, NotKept, Order, Reply};
use crate::key::PublicKey;
use crate::line::{Form, line};
use crate::lookup::is_surely_named;
use crate::message::{Arrival, Kind};
use crate::newcomers::Newcomers;
use crate::peer::Peer;
use crate::posted::PeerLabel;
use crate::state::ledger::Ledger;
use crate::state::peers_file::PeersFile;
use crate::state::seen::{Seen, SeenMessage};
use crate::trouble::Trouble;
use crate::ui::{Ui, is_closed_output};

/// How many handovers are taken together at most.
const MAX_BATCH: usize = 256;

/// Why the recorder ended before it was told to.
#[derive(Debug)]
pub enum Over {
    /// As many messages have come as were wanted.
    Enough,
    /// Nobody reads our output any more.
    OutputClosed,
    /// The output or the history cannot be written.
    Failed(Failure),
}

/// What it writes to, and what it takes.
#[derive(Debug)]
pub struct Recorder {
    /// The terminal.
    pub ui: Ui,
    /// How texts are shown.
    pub form: Form,
    /// Whether names that are only claims are marked, for a person who reads.
    pub marks_claims: bool,
    /// The history, unless it is switched off.
    pub history: Option<Ledger>,
    /// Whether the history has to be on the disk before anything is acknowledged.
    pub durable: bool,
    /// The peer book.
    pub peers: PeersFile,
    /// The ids of what has come before.
    pub seen: Seen,
    /// Whose messages are taken, and which.
    pub door: Door,
    /// Who is told of our peers.
    pub shared: Shared,
    /// How many messages are taken; `None` is no limit.
    pub count: Option<u64>,
    /// What is run for what arrives.
    pub hooks: Hooks,
}

type Done = oneshot::Sender<Result<(), NotKept>>;

/// Messages of one connection that are taken together or not at all.
struct Handover {
    arrivals: Vec<Arrival>,
    done: Done,
    session: Option<Order>,
    hooks: Vec<Job>,
    /// Whether there were more than are wanted.
    cut: bool,
    /// The room that they take until all is done with them.
    _room: Option<OwnedSemaphorePermit>,
}

/// The recorder at work.
pub(super) struct Work {
    recorder: Recorder,
    newcomers: Newcomers,
    messages: Arc<AtomicU64>,
    accepting: Trouble,
    hooking: Trouble,
    learning: Trouble,
    storing: Trouble,
    remembering: Trouble,
}

impl Work {
    /// A recorder that counts what it takes here.
    pub(super) fn new(recorder: Recorder, messages: Arc<AtomicU64>) -> Self {
        Self {
            recorder,
            newcomers: Newcomers::default(),
            messages,
            accepting: Trouble::default(),
            hooking: Trouble::default(),
            learning: Trouble::default(),
            storing: Trouble::default(),
            remembering: Trouble::default(),
        }
    }

    /// Takes what comes until the inbox is closed or nothing more is to be taken; gives a failure that nobody was there
    /// to be told of.
    pub(super) fn run(
        mut self,
        mut inbox: mpsc::Receiver<Inbound>,
        over: oneshot::Sender<Over>,
    ) -> Option<Failure> {
        while let Some(first) = inbox.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH {
                let Ok(next) = inbox.try_recv() else { break };
                batch.push(next);
            }
            if let Err(reason) = self.record(batch) {
                inbox.close();
                while let Ok(late) = inbox.try_recv() {
                    if let Inbound::Arrivals { done, .. } = late {
                        let _ = done.send(Err(NotKept::Busy));
                    }
                }
                return match over.send(reason) {
                    Err(Over::Failed(failure)) => Some(failure),
                    _ => None,
                };
            }
        }
        None
    }

    fn record(&mut self, batch: Vec<Inbound>) -> Result<(), Over> {
        let handovers = self.admit(batch);
        let arrivals: Vec<&Arrival> = handovers.iter().flat_map(|h| &h.arrivals).collect();
        match self.store(&arrivals) {
            Ok(()) => {}
            Err(Stored::Nothing) => {
                refuse(handovers, NotKept::Busy);
                return Ok(());
            }
            Err(Stored::NothingAtAll(failure)) => {
                refuse(handovers, NotKept::Busy);
                return Err(Over::Failed(failure));
            }
            Err(Stored::Perhaps(failure)) => {
                refuse(handovers, NotKept::Unknown);
                return Err(Over::Failed(failure));
            }
        }
        if let Err(failure) = self.show(&arrivals) {
            // what is in the history by now must not be sent again
            refuse(handovers, NotKept::Unknown);
            let closed = is_closed_output(&failure);
            return Err(if closed { Over::OutputClosed } else { Over::Failed(failure) });
        }
        let seen = self.seen(&arrivals);
        let messages = arrivals.iter().filter(|a| is_text(a)).count() as u64;
        let messages = self.messages.fetch_add(messages, Ordering::Relaxed) + messages;
        let learned = self.learn(&arrivals);
        let mut told = Vec::with_capacity(handovers.len());
        for Handover { arrivals, done, session, hooks, cut, _room: room } in handovers {
            let texts = arrivals.iter().filter(|a| is_text(a)).count();
            // a message is safe by now; a greeting that left no trace is not
            let is_whole = !cut && (learned || texts == arrivals.len());
            let result = match (is_whole, texts) {
                (true, _) => Ok(()),
                (false, 0) => Err(NotKept::Busy),
                (false, _) => Err(NotKept::Unknown),
            };
            if result.is_err() {
                break_off(session.as_ref());
            }
            // the connection may be gone
            let _ = done.send(result);
            told.push((arrivals, room, hooks));
        }
        // first all are told, and only then all is freed: a session whose answers come together writes them together
        told.into_iter().for_each(|(_, _, hooks)| self.recorder.hooks.start(hooks));
        // nobody waits for this: what was acknowledged is not sent again, and the history has the ids, too
        self.remember(&seen);
        if Some(messages) == self.recorder.count { Err(Over::Enough) } else { Ok(()) }
    }

    /// Refuses what is not wanted, and what there is no room for. Leaves out what has come before.
    fn admit(&mut self, batch: Vec<Inbound>) -> Vec<Handover> {
        let messages = self.messages.load(Ordering::Relaxed);
        let mut wanted = self.recorder.count.map_or(u64::MAX, |count| count - messages);
        let mut handovers: Vec<Handover> = Vec::with_capacity(batch.len());
        let mut ids = HashSet::new();
        for inbound in batch {
            let (mut arrivals, session, reply, (room, done)) = match inbound {
                Inbound::Arrivals { arrivals, session, reply, room, done } => {
                    (arrivals, session, reply, (room, done))
                }
                Inbound::Question { asker, answer } => {
                    // whoever asks may be gone
                    let _ = answer.send(self.acquaintances(asker));
                    continue;
                }
                Inbound::Trouble(error) => {
                    let Recorder { ui, .. } = &self.recorder;
                    self.accepting.happens(ui, format!("cannot accept connections: {error}"));
                    continue;
                }
            };
            // of many that come together most are of one sender, and the peer book may be long
            let last = handovers.last().and_then(|handover| handover.arrivals.last());
            let last = last.filter(|last| arrivals.iter().all(|arrival| last.is_like(arrival)));
            if let Err(why) = self.let_in(&mut arrivals, session.as_ref(), last.is_some()) {
                break_off(session.as_ref());
                let _ = done.send(Err(why));
                continue;
            }
            let before = arrivals.len();
            arrivals.retain(|arrival| !self.has_come_before(arrival, &ids));
            // who repeats a question has missed the reply, which is not kept
            let reply = match reply {
                Some(reply) if arrivals.len() < before => {
                    let _ = reply.send(Reply::failed("repeated"));
                    None
                }
                reply => reply,
            };
            let book = self.recorder.peers.book();
            for arrival in &mut arrivals {
                arrival.verified |= match last {
                    Some(last) => last.verified,
                    None => is_known(book, arrival),
                };
            }
            let cut = cut_to(&mut arrivals, wanted);
            if cut {
                break_off(session.as_ref());
            }
            ids.extend(arrivals.iter().filter_map(identified));
            let texts = || arrivals.iter().filter(|a| is_text(a));
            let hooks = self.recorder.hooks.prepare(texts().map(|a| (On::Message, a)), reply);
            let hooks = self.hooked(hooks);
            wanted -= texts().count() as u64;
            handovers.push(Handover { arrivals, done, session, hooks, cut, _room: room });
        }
        handovers
    }

    /// The peers that this one is told of, if he is let in and told at all.
    fn acquaintances(&mut self, asker: Arrival) -> Result<Arc<[Acquaintance]>, NotKept> {
        let key = asker.key;
        self.let_in(&mut [asker], None, false)?;
        let Recorder { shared, peers, .. } = &mut self.recorder;
        shared.for_key(key, peers, Instant::now()).ok_or(NotKept::Denied)
    }

    fn let_in(
        &mut self,
        arrivals: &mut [Arrival],
        session: Option<&Order>,
        are_like_last: bool,
    ) -> Result<(), NotKept> {
        if session.is_some_and(Order::is_broken) {
            return Err(NotKept::Busy);
        }
        let Recorder { door, peers, ui, .. } = &mut self.recorder;
        if are_like_last { Ok(()) } else { door.check(arrivals, peers, ui) }
    }

    /// Whether a message is one that is kept already, or is about to be.
    fn has_come_before(&self, arrival: &Arrival, ids: &HashSet<(PublicKey, MessageId)>) -> bool {
        let Some((key, id)) = identified(arrival) else { return false };
        self.recorder.seen.has(&key, &id, arrival.time) || ids.contains(&(key, id))
    }

    /// The ids of what is kept now, with their numbers in the history.
    fn seen(&self, arrivals: &[&Arrival]) -> Vec<SeenMessage> {
        let last = self.recorder.history.as_ref().map(Ledger::last);
        let texts: Vec<_> = arrivals.iter().filter(|a| is_text(a)).collect();
        let first = last.map(|last| last + 1 - texts.len() as u64);
        (0..)
            .zip(texts)
            .filter_map(|(at, arrival)| {
                let (key, id) = identified(arrival)?;
                let seq = first.map_or(0, |first| first + at);
                Some(SeenMessage { time: arrival.time, seq, key, id })
            })
            .collect()
    }

    fn remember(&mut self, messages: &[SeenMessage]) {
        let Recorder { ui, seen, .. } = &mut self.recorder;
        if let Err(failure) = seen.add(messages) {
            let failure = failure.context("cannot write down which messages have come");
            self.remembering.happens(ui, failure);
        }
    }

    /// The hooks for which there is room. A message is kept whatever becomes of its hook.
    fn hooked(&mut self, prepared: (Vec<Job>, usize)) -> Vec<Job> {
        let (jobs, skipped) = prepared;
        if skipped > 0 {
            let Recorder { ui, .. } = &self.recorder;
            self.hooking.happens(
                ui,
                "too many hooks wait, so some are not run; `p2p log` has the messages",
            );
        }
        jobs
    }

    /// Stores all or nothing, as far as that can be known.
    fn store(&mut self, arrivals: &[&Arrival]) -> Result<(), Stored> {
        let Recorder { ui, history: Some(history), durable, .. } = &mut self.recorder else {
            return Ok(());
        };
        let texts: Vec<_> = arrivals.iter().filter(|a| is_text(a)).collect();
        if texts.is_empty() {
            return Ok(());
        }
        let line = |arrival: &&&Arrival, seq| {
            Event::Message(Arrived::new(arrival, true).numbered(seq)).line()
        };
        if let Err(failure) = history.append(&texts, line) {
            if self.storing.lasts(Instant::now()) {
                return Err(Stored::NothingAtAll(failure));
            }
            self.storing.happens(ui, failure.context("cannot keep messages, so they are refused"));
            return Err(Stored::Nothing);
        }
        self.storing.passes();
        if *durable { history.sync().map_err(Stored::Perhaps) } else { Ok(()) }
    }

    fn show(&self, arrivals: &[&Arrival]) -> Result<(), Failure> {
        let mut lines = Vec::new();
        for arrival in arrivals {
            match (self.recorder.ui.json, is_text(arrival)) {
                (true, _) => lines.extend(event(arrival).line().bytes()),
                (false, true) => {
                    let is_doubtful = self.recorder.marks_claims
                        && !is_surely_named(self.recorder.peers.book(), arrival);
                    lines.extend(line(arrival, self.recorder.form, is_doubtful));
                }
                (false, false) => {}
            }
        }
        if lines.is_empty() { Ok(()) } else { self.recorder.ui.data(&lines) }
    }

    /// Learns of peers; false if that could not be written down.
    fn learn(&mut self, arrivals: &[&Arrival]) -> bool {
        let says_nothing =
            |a: &&Arrival| a.address.is_none() && (a.is_plain() || a.kind != Kind::Exit);
        if arrivals.iter().all(says_nothing) {
            return true;
        }
        let Self { recorder: Recorder { ui, peers, .. }, newcomers, learning, .. } = self;
        let now = Instant::now();
        let learned = peers.update(|book| {
            let mut news = Vec::new();
            let mut last: Option<&Arrival> = None;
            for &arrival in arrivals {
                // the first of several tells all that there is to learn of whoever has sent them
                if last.replace(arrival).is_some_and(|last| last.is_like(arrival)) {
                    continue;
                }
                if !may_enter(book, newcomers, arrival, now) {
                    continue;
                }
                let leaving = with_its_key(book, arrival);
                let Some(change) = book.hear(arrival) else { continue };
                if change == Change::Left && !leaving.is_empty() {
                    news.extend(leaving.into_iter().map(|peer| (change, peer, arrival)));
                    continue;
                }
                let peer = arrival.address.as_ref().and_then(|address| book.meant_by(address));
                news.extend(peer.cloned().map(|peer| (change, peer, arrival)));
            }
            news
        });
        match learned {
            Ok(news) => {
                news.iter().for_each(|(change, peer, arrival)| self.tell(*change, peer, arrival));
                true
            }
            Err(failure) => {
                let failure = failure.context("cannot write down what was learned of peers");
                learning.happens(ui, failure);
                false
            }
        }
    }

    /// Tells that the list of peers has changed.
    fn tell(&mut self, change: Change, peer: &Peer, arrival: &Arrival) {
        let Recorder { ui, hooks, .. } = &self.recorder;
        ui.talk(format!("{} {}", peer.label(), change_words(change)));
        let time = rfc3339(std::time::SystemTime::now());
        let label = PeerLabel::new(peer);
        // an output that fails is found out by the next message
        let _ = ui.event(&Event::PeerChange { time, change: change.word(), peer: label });
        let on = match change {
            Change::Joined => On::Join,
            Change::Left => On::Leave,
            Change::Renamed | Change::Verified => return,
        };
        let jobs = hooks.prepare([(on, arrival)], None);
        let jobs = self.hooked(jobs);
        self.recorder.hooks.start(jobs);
    }
}

/// What is in the history after a failure.
enum Stored {
    /// Nothing of these messages; there may be room for the next ones.
    Nothing,
    /// Nothing of these messages, and that has been so for too long.
    NothingAtAll(Failure),
    /// Nobody knows.
    Perhaps(Failure),
}

fn refuse(handovers: Vec<Handover>, why: NotKept) {
    handovers.into_iter().for_each(|handover| handover.refuse(why));
}

impl Handover {
    fn refuse(self, why: NotKept) {
        break_off(self.session.as_ref());
        // the connection may be gone
        let _ = self.done.send(Err(why));
    }
}

/// Has nothing be kept that comes later in a session.
fn break_off(session: Option<&Order>) {
    if let Some(session) = session {
        session.break_off();
    }
}

/// Cuts arrivals after so many texts; whether that took something away.
fn cut_to(arrivals: &mut Vec<Arrival>, texts: u64) -> bool {
    let mut left = texts;
    let too_many = |arrival: &Arrival| {
        let over = is_text(arrival) && left == 0;
        left -= u64::from(is_text(arrival) && !over);
        over
    };
    let Some(end) = arrivals.iter().position(too_many) else { return false };
    arrivals.truncate(end);
    true
}

/// What tells a message of a session from all others.
fn identified(arrival: &Arrival) -> Option<(PublicKey, MessageId)> {
    let is_message = arrival.kind == Kind::Message;
    arrival.key.zip(arrival.id.clone()).filter(|_| is_message)
}

/// Who leaves with this arrival, wherever he is: the entries with its key.
fn with_its_key(book: &PeerBook, arrival: &Arrival) -> Vec<Peer> {
    if arrival.kind != Kind::Exit || arrival.key.is_none() {
        return Vec::new();
    }
    book.iter().filter(|peer| !peer.left && peer.key == arrival.key).cloned().collect()
}

/// Whether its key is that of the peer at its address, or without an address that of any peer.
fn is_known(book: &PeerBook, arrival: &Arrival) -> bool {
    arrival.key.is_some_and(|key| match &arrival.address {
        Some(address) => book.meant_by(address).is_some_and(|peer| peer.key == Some(key)),
        None => book.has_key(&key),
    })
}

/// Known peers may always speak; how many unknown ones may come in depends on where they come from.
fn may_enter(book: &PeerBook, newcomers: &mut Newcomers, arrival: &Arrival, now: Instant) -> bool {
    let Some(address) = &arrival.address else { return !arrival.is_plain() };
    let known = book.meant_by(address).is_some_and(|peer| !peer.is_hearsay());
    known
        || (arrival.kind != Kind::Exit
            && newcomers.admit(arrival.observed, arrival.comes_from_its_address(), now))
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

fn change_words(change: Change) -> &'static str {
    match change {
        Change::Joined => "is here",
        Change::Renamed => "has a new name",
        Change::Left => "has left",
        Change::Verified => "is where it says",
    }
}
