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
    /// Announces the name, the port and the key of a listener, at `only` this address or at all of this machine's.
    ///
    /// Fails with `bind` or `unreachable`. What goes wrong later is a warning.
    pub fn start(
        ui: Ui,
        name: Name,
        port: u16,
        key: Option<PublicKey>,
        only: Option<IpAddr>,
    ) -> Result<Self, Failure> {
        let service = Service { name, port, key, ip: only };
        let announcing = Announcing::start(service)?;
        let (stop, stopped) = channel();
        let keep = move || {
            let mut announcing = announcing;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
                match announcing.look(&ui) {
                    Ok(kept) => announcing = kept,
                    Err(failure) => {
                        ui.warn(failure.context("the local network is no longer told of us"));
                        return;
                    }
                }
            }
            end(&announcing.daemon);
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

/// What is announced, and by what.
struct Announcing {
    service: Service,
    daemon: ServiceDaemon,
    events: Receiver<DaemonEvent>,
    since: Instant,
    is_heard: bool,
    has_warned: bool,
}

impl Announcing {
    fn start(service: Service) -> Result<Self, Failure> {
        let daemon = start(service.ip)?;
        let announced = || {
            let events = daemon.monitor()?;
            daemon.register(service.records()?)?;
            Ok::<_, mdns_sd::Error>(events)
        };
        let events = announced()
            .or_fail(Code::Io)
            .map_err(|failure| failure.context("cannot announce us in the local network"))?;
        let since = Instant::now();
        Ok(Self { service, daemon, events, since, is_heard: false, has_warned: false })
    }

    /// Looks whether all is well, and begins anew if too much of others has gathered.
    fn look(mut self, ui: &Ui) -> Result<Self, Failure> {
        self.is_heard |=
            self.events.try_iter().any(|event| matches!(event, DaemonEvent::Announce(..)));
        if !self.is_heard && !self.has_warned && self.since.elapsed() > MAX_UNHEARD {
            ui.warn("no network takes our announcement; is one up?");
            self.has_warned = true;
        }
        if self.cached().is_some_and(|records| records <= MAX_CACHED) {
            return Ok(self);
        }
        ui.talk(
            "too much is announced in the local network; forgetting it, and announcing us anew",
        );
        end(&self.daemon);
        let begun = Self::start(self.service)?;
        Ok(Self { is_heard: self.is_heard, has_warned: self.has_warned, ..begun })
    }

    /// How many records of others are remembered; `None` if its thread is too busy to say, or gone.
    fn cached(&self) -> Option<i64> {
        let metrics = self.daemon.get_metrics().ok()?.recv_timeout(MAX_ANSWER).ok()?;
        Some(metrics.iter().filter(|(key, _)| key.starts_with("cached-")).map(|(_, n)| *n).sum())
    }
}
