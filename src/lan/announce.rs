//! Announces a listener in the local network for as long as it runs.

use std::net::IpAddr;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mdns_sd::{DaemonEvent, Receiver, ServiceDaemon};

use super::record::Service;
use super::{MAX_ANSWER, end, start};
use crate::exit::{Code, Failure, OrFail as _};
use crate::key::PublicKey;
use crate::name::Name;
use crate::ui::Ui;

/// How often it is looked whether all is well.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// When an announcement should be out; before it, it is asked whether the name is free.
const MAX_UNHEARD: Duration = Duration::from_secs(10);

/// The library remembers what others announce, without a limit. Past so many records it is started anew.
const MAX_CACHED: i64 = 4_000;

/// A listener that is announced.
#[derive(Debug)]
pub struct Announcement {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Announcement {
    /// Announces the name, the port and the key of a listener, at `only` this address or at all of this machine's, as soon
    /// as there is a network. What goes wrong is a warning.
    pub fn start(
        ui: Ui,
        name: Name,
        port: u16,
        key: Option<PublicKey>,
        only: Option<IpAddr>,
    ) -> Result<Self, Failure> {
        let service = Service { name, port, key, ip: only };
        let (stop, stopped) = channel();
        let keep = move || {
            let mut keeper = Keeper { ui, service, announcing: None, since: None, warned: false };
            loop {
                keeper.look();
                if stopped.recv_timeout(LOOK_EVERY) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            keeper.announcing.iter().for_each(|announcing| end(&announcing.daemon));
        };
        let thread = thread::Builder::new().name("lan".into()).spawn(keep).or_fail(Code::Io)?;
        Ok(Self { stop, thread })
    }

    /// Takes it back; the network is told. Blocks for a moment.
    pub fn end(self) {
        drop(self.stop);
        // a panic there has cost no more than the announcement
        let _ = self.thread.join();
    }
}

/// Sees to it that we are announced.
struct Keeper {
    ui: Ui,
    service: Service,
    announcing: Option<Announcing>,
    /// Since when nobody could be told of us.
    since: Option<Instant>,
    warned: bool,
}

/// What is announced, and by what.
struct Announcing {
    daemon: ServiceDaemon,
    events: Receiver<DaemonEvent>,
    is_heard: bool,
}

impl Keeper {
    /// Looks whether all is well, and begins again if it is not.
    fn look(&mut self) {
        if let Some(announcing) = &mut self.announcing {
            announcing.listen();
            if announcing.cached().is_none_or(|records| records > MAX_CACHED) {
                let why = "too much is announced in the local network; forgetting it, and \
                           announcing us anew";
                self.ui.talk(why);
                end(&announcing.daemon);
                self.announcing = None;
            }
        }
        let failure = if self.announcing.is_none() { self.begin().err() } else { None };
        self.warn(failure);
    }

    fn begin(&mut self) -> Result<(), Failure> {
        let daemon = start(self.service.ip)?;
        let announced = || {
            let events = daemon.monitor()?;
            daemon.register(self.service.records()?)?;
            Ok::<_, mdns_sd::Error>(events)
        };
        let events = announced().or_fail(Code::Io).inspect_err(|_| end(&daemon))?;
        self.announcing = Some(Announcing { daemon, events, is_heard: false });
        Ok(())
    }

    /// Warns once of each time in which nobody can be told of us.
    fn warn(&mut self, failure: Option<Failure>) {
        if self.announcing.as_ref().is_some_and(|announcing| announcing.is_heard) {
            (self.since, self.warned) = (None, false);
            return;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.warned || (failure.is_none() && since.elapsed() < MAX_UNHEARD) {
            return;
        }
        self.warned = true;
        let cannot = "cannot announce us in the local network yet";
        match failure {
            Some(failure) => self.ui.warn(failure.context(cannot)),
            None => self.ui.warn(format!("{cannot}: no network takes it; is one up?")),
        }
    }
}

impl Announcing {
    fn listen(&mut self) {
        let is_out = |event| matches!(event, DaemonEvent::Announce(..));
        self.is_heard |= self.events.try_iter().any(is_out);
    }

    /// How many records of others are remembered; `None` if its thread is too busy to say, or gone.
    fn cached(&self) -> Option<i64> {
        let metrics = self.daemon.get_metrics().ok()?.recv_timeout(MAX_ANSWER).ok()?;
        Some(metrics.iter().filter(|(key, _)| key.starts_with("cached-")).map(|(_, n)| *n).sum())
    }
}
