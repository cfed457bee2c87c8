//! Sends each line of stdin as a message of its own, as it comes.
//!
//! To a p2p they go through one session, several under way at once; each has its id, so that those without an answer can be
//! sent again when the session breaks. To a plain program they go one after the other.

mod input;
mod window;

use std::collections::VecDeque;
use std::future::pending;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::sleep;

use self::input::Batch;
use self::window::Window;
use crate::delivery::{self, Delivery, Way, can_pass, doubtful};
use crate::dial::{Deadline, Dialer, Heard};
use crate::event::Event;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::key::PublicKey;
use crate::message::Outgoing;
use crate::outreach;
use crate::peer::Peer;
use crate::posted::Sent;
use crate::report::{Errand, Report, worded};
use crate::retry::Pauses;

/// How many results are written to the history of sent texts together.
const KEPT_TOGETHER: usize = 256;

/// What lines become.
#[derive(Debug)]
pub struct Lines {
    /// All that their messages have in common.
    pub message: Outgoing,
    /// Whether empty lines are messages, too; else they are left out.
    pub allows_empty: bool,
    /// Longest line in bytes.
    pub max_bytes: usize,
}

/// What has become of all of them.
#[derive(Debug)]
pub struct Delivered {
    /// How many lines.
    pub lines: u64,
    /// To whom.
    pub peer: Peer,
    /// In which time.
    pub time: Duration,
}

/// A line on its way.
struct Line {
    number: u64,
    message: Outgoing,
    begun: Instant,
    attempts: u32,
}

/// Sends the lines of stdin until its end, or until one of them is not delivered.
pub async fn send(home: &mut Home, peer: Peer, lines: Lines) -> Result<Delivered, Failure> {
    let start = Instant::now();
    let dialer = home.dialer().await?;
    let input = input::read(lines)?;
    let known = peer.clone();
    let mut delivery = Delivery::new(&dialer, &known);
    let mut sending = Sending {
        home,
        dialer: &dialer,
        peer,
        input,
        waiting: VecDeque::new(),
        shown: String::new(),
        results: Vec::new(),
        done: 0,
    };
    let result = match sending.way(&mut delivery).await {
        Ok(Way::Session(key)) => sending.in_session(key).await,
        Ok(Way::Plain) => {
            sending.peer.wire = delivery.wire();
            sending.one_by_one().await
        }
        Err(failure) => Err(failure),
    };
    sending.keep();
    let Sending { done: lines, peer, .. } = sending;
    result.map(|()| Delivered { lines, peer, time: start.elapsed() })
}

struct Sending<'a> {
    home: &'a mut Home,
    dialer: &'a Dialer,
    peer: Peer,
    input: mpsc::Receiver<Batch>,
    /// Lines that were read and are not yet under way.
    waiting: VecDeque<Line>,
    /// What is still to be shown.
    shown: String,
    /// What is still to be written to the history.
    results: Vec<(Outgoing, Sent)>,
    done: u64,
}

/// What happens while lines are under way.
enum Step {
    /// There are more.
    Lines(Vec<Line>),
    /// There are no more.
    Over,
    /// What comes next cannot be read or sent.
    BadInput(Failure),
    /// The oldest one was answered.
    Answered(Heard),
    /// The peer has ended the session while nothing was asked of it.
    Ended,
}

impl Sending<'_> {
    /// Finds out how the peer is spoken to, as often as may be tried.
    async fn way(&self, delivery: &mut Delivery<'_>) -> Result<Way, Failure> {
        let mut pauses = self.home.settings.retry.pauses(Instant::now());
        loop {
            match delivery.way(Deadline::after(self.dialer.timeout)).await {
                Ok(way) => return Ok(way),
                Err(failure) => self.pause(failure, &mut pauses, false).await?,
            }
        }
    }

    async fn one_by_one(&mut self) -> Result<(), Failure> {
        while let Some(line) = self.next().await? {
            let Line { number, message, .. } = line;
            let (errand, retry) = (Errand::Message(message), self.home.settings.retry);
            let peer = self.peer.clone();
            let report = delivery::run(self.dialer, retry, peer, &errand, |_| {}).await;
            let Errand::Message(message) = errand else { return Ok(()) };
            let wire = report.reached.as_ref().map(|reached| reached.wire);
            self.peer.wire = wire.or(self.peer.wire);
            let report = Report { line: Some(number), ..report };
            self.report(message, &report);
            self.show()?;
            report.result.map_err(|failure| failure.context(format!("line {number}")))?;
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Line>, Failure> {
        while self.waiting.is_empty() {
            let Some(batch) = self.input.recv().await else { return Ok(None) };
            self.waiting.extend(batch?);
        }
        Ok(self.waiting.pop_front())
    }

    async fn in_session(&mut self, key: PublicKey) -> Result<(), Failure> {
        let mut window = Window::new(key, Deadline::after(self.dialer.timeout));
        let mut pauses = self.home.settings.retry.pauses(Instant::now());
        let mut bad_input = None;
        while !(window.is_over && window.lines.is_empty() && self.waiting.is_empty()) {
            match self.step(&mut window).await {
                Ok(Step::Over) => window.is_over = true,
                // what is under way may still arrive
                Ok(Step::BadInput(failure)) => (window.is_over, bad_input) = (true, Some(failure)),
                Ok(Step::Lines(lines)) => {
                    self.waiting.extend(lines);
                    if window.lines.is_empty() {
                        pauses = self.home.settings.retry.pauses(Instant::now());
                    }
                    if let Err(failure) = window.send(&mut self.waiting, self.dialer).await {
                        self.break_off(&mut window, failure, &mut pauses).await?;
                    }
                }
                Ok(Step::Answered(heard)) => {
                    pauses = self.home.settings.retry.pauses(Instant::now());
                    window.deadline = Deadline::after(self.dialer.timeout);
                    self.acknowledged(&mut window, heard)?;
                }
                // another one is begun when there is something to say
                Ok(Step::Ended) => window.talk = None,
                Err(failure) => self.break_off(&mut window, failure, &mut pauses).await?,
            }
        }
        if let Some(talk) = window.talk {
            talk.close().await;
        }
        bad_input.map_or(Ok(()), Err)
    }

    /// Waits for what happens next.
    async fn step(&mut self, window: &mut Window) -> Result<Step, Failure> {
        if window.talk.is_none() && !window.lines.is_empty() {
            window.begin(self.dialer, &self.peer).await?;
        }
        if !self.waiting.is_empty() && window.has_room() {
            return Ok(Step::Lines(Vec::new()));
        }
        let takes_more = self.waiting.is_empty() && window.has_room() && !window.is_over;
        let answer = async {
            match (window.talk.as_mut(), window.lines.front()) {
                (Some(talk), Some(oldest)) => {
                    talk.answer(&oldest.message.id, window.deadline).await.map(Step::Answered)
                }
                (Some(talk), None) => {
                    talk.ended().await;
                    Ok(Step::Ended)
                }
                (None, _) => pending().await,
            }
        };
        tokio::select! {
            biased;
            lines = self.input.recv(), if takes_more => match lines {
                Some(Ok(lines)) => Ok(Step::Lines(lines)),
                Some(Err(failure)) => Ok(Step::BadInput(failure)),
                None => Ok(Step::Over),
            },
            answer = answer => answer,
        }
    }

    /// The oldest line was answered, and perhaps more of them.
    fn acknowledged(&mut self, window: &mut Window, heard: Heard) -> Result<(), Failure> {
        let reached = Some(heard.reached());
        let mut report =
            Report { in_session: true, reached, ..Report::new(self.peer.clone(), Ok(heard)) };
        while let Some(Line { number, message, begun, attempts }) = window.answered() {
            report = Report { attempts, line: Some(number), time: begun.elapsed(), ..report };
            self.report(message, &report);
            if !window.has_next_answer() {
                break;
            }
        }
        self.show()
    }

    /// The session is broken: waits before another try, or gives up if there is to be none.
    async fn break_off(
        &mut self,
        window: &mut Window,
        failure: Failure,
        pauses: &mut Pauses,
    ) -> Result<(), Failure> {
        window.talk = None;
        window.is_open |= failure.code.exit() == Exit::Unconfirmed;
        let Err(failure) = self.pause(failure, pauses, window.is_open).await else {
            window.lines.iter_mut().for_each(|line| line.attempts += 1);
            return Ok(());
        };
        let numbers =
            window.lines.front().zip(window.lines.back()).map(|(a, b)| (a.number, b.number));
        let cause = failure.cause.root_cause().to_string();
        for Line { number, message, begun, attempts } in std::mem::take(&mut window.lines) {
            let result = Err(Failure::new(failure.code, &cause));
            let report = Report {
                in_session: true,
                attempts,
                line: Some(number),
                time: begun.elapsed(),
                ..Report::new(self.peer.clone(), result)
            };
            self.report(message, &report);
        }
        self.show()?;
        Err(match numbers {
            Some((first, last)) if last > first => {
                failure.context(format!("lines {first} to {last}"))
            }
            Some((first, _)) => failure.context(format!("line {first}")),
            None => failure,
        })
    }

    /// Waits before another try, or gives the failure back if there is to be none.
    async fn pause(
        &self,
        failure: Failure,
        pauses: &mut Pauses,
        is_open: bool,
    ) -> Result<(), Failure> {
        let next = can_pass(&failure, true).then(|| pauses.next(Instant::now())).flatten();
        let Some(pause) = next else {
            let failure = if is_open { doubtful(failure) } else { failure };
            return Err(worded(failure, &self.peer, false, self.home.settings.retry));
        };
        sleep(pause).await;
        Ok(())
    }

    fn report(&mut self, message: Outgoing, report: &Report) {
        let is_first = self.done == 0;
        self.done += u64::from(report.result.is_ok());
        if is_first && report.reached.is_some() {
            outreach::note(self.home, std::slice::from_ref(report), false);
        }
        self.peer.name = report.named().name;
        let sent = report.sent(&message);
        if self.home.ui.json {
            self.shown += &Event::Sent(sent.clone()).line();
        }
        self.results.push((message, sent));
        if self.results.len() >= KEPT_TOGETHER {
            self.keep();
        }
    }

    /// Shows what was reported.
    fn show(&mut self) -> Result<(), Failure> {
        let shown = std::mem::take(&mut self.shown);
        if shown.is_empty() { Ok(()) } else { self.home.ui.data(shown.as_bytes()) }
    }

    fn keep(&mut self) {
        let results = std::mem::take(&mut self.results);
        if let Err(failure) = self.home.keep_all_sent(&results) {
            self.home.ui.warn(failure.context("cannot keep what was sent"));
        }
    }
}
