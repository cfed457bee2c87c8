//! The limit on open files: raised by ourselves as far as the system allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a process has open besides its connections: streams, state, the runtime.
const OTHERS: u64 = 32;

/// Sees to it that `connections` can be open at once; gives how many can.
pub fn raise(connections: usize) -> usize {
    let wanted = connections as u64 + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current.filter(|&current| current < wanted) else { return connections };
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum });
    let allowed = if raised.is_ok() { most } else { current };
    usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(connections).max(1)
}
