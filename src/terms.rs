//! The terms on which a listener takes connections, the same for the plain wire and for sessions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::inbox::{Identity, Inbound};
use crate::key::PublicKey;
use crate::limits::Limits;
use crate::trust::Secure;

/// How much of what is refused is read past, so that its sender can read the refusal.
pub const MAX_DISCARD_BYTES: usize = 16 * 1024 * 1024;

/// How long our own few bytes may take to leave.
pub const MAX_WRITE: Duration = Duration::from_secs(2);

/// When a sender that we refuse may try again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What all connections of a listener share.
#[derive(Debug)]
pub struct Terms {
    /// Who we are.
    pub identity: Identity,
    /// What sessions need; without it there are none.
    pub sessions: Option<Sessions>,
    /// Whether the plain wire is taken as well.
    pub secure: Secure,
    /// What a connection may cost.
    pub limits: Limits,
    /// Where messages go.
    pub inbox: mpsc::Sender<Inbound>,
    /// How many bytes may be in the inbox.
    pub room: Arc<Semaphore>,
    /// True once the listener stops.
    pub closing: watch::Receiver<bool>,
}

/// What sessions need.
#[derive(Clone)]
pub struct Sessions {
    /// Our side of the handshake.
    pub config: Arc<ServerConfig>,
    /// Our key.
    pub key: PublicKey,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sessions").field(&self.key).finish()
    }
}
