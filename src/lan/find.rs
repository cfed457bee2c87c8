//! Asks the local network who is there.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use mdns_sd::{RecvTimeoutError, ServiceEvent};

use super::record::{KIND, read};
use super::{end, networks, start};
use crate::exit::{Code, Failure, OrFail as _};
use crate::hearsay::Acquaintance;

/// How long to ask unless told otherwise. A service may stay silent for a second after it has answered somebody else.
pub const DEFAULT_TIME: Duration = Duration::from_secs(2);

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
    let events = daemon.browse(KIND).or_fail(Code::Io).map_err(cannot)?;
    let (ends, now) = (Instant::now() + time, SystemTime::now());
    let mut found = HashMap::new();
    let mut has_more = false;
    while let Some(left) = ends.checked_duration_since(Instant::now()) {
        match events.recv_timeout(left) {
            // the same one is told of again when more of its addresses are known
            Ok(ServiceEvent::ServiceResolved(service)) => {
                if found.len() >= MAX_FOUND && !found.contains_key(&service.fullname) {
                    has_more = true;
                } else if let Some(peer) = read(&service, &networks, now) {
                    found.insert(service.fullname, peer);
                }
            }
            Ok(ServiceEvent::ServiceRemoved(_, name)) => {
                found.remove(&name);
            }
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => break,
            // more has come than its thread could hand over
            Err(RecvTimeoutError::Disconnected) => {
                has_more = true;
                break;
            }
        }
    }
    end(&daemon);
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by_key(|peer| peer.address);
    Ok((found, has_more))
}
