//! Asks the local network who is there.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use mdns_sd::{Receiver, RecvTimeoutError, ServiceEvent};

use super::record::{KIND, read};
use super::{Network, end, networks, start};
use crate::exit::{Code, Failure, OrFail as _};
use crate::hearsay::Acquaintance;

/// How long to ask unless told otherwise. A service may stay silent for a second after it has answered somebody else.
pub const DEFAULT_TIME: Duration = Duration::from_secs(2);

/// So long before the end it is asked once more: an answer may have been lost, or kept back for that second.
const LAST_QUESTION: Duration = Duration::from_millis(500);

/// Most services that are taken from one network: a few classrooms.
const MAX_FOUND: usize = 256;

/// Those that announce themselves, in the order of their addresses, and whether there were more than are taken. Blocks
/// for this time.
///
/// Errors: `bind` if the port of multicast DNS cannot be shared; `unreachable` if this machine is in no network.
pub fn find(time: Duration) -> Result<(Vec<Acquaintance>, bool), Failure> {
    let networks = networks()?;
    if networks.is_empty() {
        return Err(Failure::new(Code::Unreachable, "this machine is in no local network"));
    }
    let cannot = |failure: Failure| failure.context("cannot ask the local network");
    let daemon = start(None).map_err(cannot)?;
    let ask = || daemon.browse(KIND).or_fail(Code::Io).map_err(cannot);
    let (ends, now) = (Instant::now() + time, SystemTime::now());
    let last = ends.checked_sub(LAST_QUESTION).filter(|last| *last > Instant::now() + SECOND);
    let mut finding = Finding { networks, now, found: HashMap::new(), has_more: false };
    if let Some(last) = last {
        finding.take(&ask()?, last);
    }
    // what was found until then is told of again
    finding.take(&ask()?, ends);
    end(&daemon);
    let mut found: Vec<_> = finding.found.into_values().collect();
    found.sort_by_key(|peer| peer.address);
    Ok((found, finding.has_more))
}

/// A service answers the network no more often than this.
const SECOND: Duration = Duration::from_secs(1);

/// What is found.
struct Finding {
    networks: Vec<Network>,
    now: SystemTime,
    /// By the name of the service.
    found: HashMap<String, Acquaintance>,
    has_more: bool,
}

impl Finding {
    /// Takes what comes until this time.
    fn take(&mut self, events: &Receiver<ServiceEvent>, until: Instant) {
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match events.recv_timeout(left) {
                // the same one is told of again when more of its addresses are known
                Ok(ServiceEvent::ServiceResolved(service)) => {
                    if self.found.len() >= MAX_FOUND && !self.found.contains_key(&service.fullname)
                    {
                        self.has_more = true;
                    } else if let Some(peer) = read(&service, &self.networks, self.now) {
                        self.found.insert(service.fullname, peer);
                    }
                }
                Ok(ServiceEvent::ServiceRemoved(_, name)) => {
                    self.found.remove(&name);
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return,
                // more has come than its thread could hand over
                Err(RecvTimeoutError::Disconnected) => {
                    self.has_more = true;
                    return;
                }
            }
        }
    }
}
