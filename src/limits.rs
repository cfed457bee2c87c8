//! What strangers and hooks may cost a listener: each limit with its default and the reason for it.

use std::time::Duration;

use crate::book::Caps;
use crate::config::{Text, Time};
use crate::layers::Layers;

/// Limits of hooks (the reasons are with the defaults in [`HookLimits::default`]).
#[derive(Clone, Copy, Debug)]
pub struct HookLimits {
    /// How many run at once.
    pub jobs: usize,
    /// How long one may run.
    pub time: Duration,
    /// Bytes of messages that may wait for their hooks.
    pub buffer_bytes: usize,
    /// Bytes of its output that are shown.
    pub output_bytes: usize,
}

impl Default for HookLimits {
    fn default() -> Self {
        Self {
            // hooks are programs of their own; more at once than there are cores helps little
            jobs: 4,
            // longer work belongs into the background of its own session
            time: Duration::from_secs(30),
            // several thousand short messages, so that a burst has its hooks; past this they are left out
            buffer_bytes: 4 * 1024 * 1024,
            // a log needs no more of one run, and somebody else's text may be what makes it long
            output_bytes: 64 * 1024,
        }
    }
}

/// Limits of the listener (the reasons are with the defaults in [`Limits::default`]).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one IP address; loopback has no such limit.
    pub connections_per_ip: usize,
    /// Bytes of one message with its header on the plain wire.
    pub message_bytes: usize,
    /// Bytes of one message in a session.
    pub session_bytes: usize,
    /// Time for one whole message.
    pub message_time: Duration,
    /// Time that a connection may rest between two messages.
    pub idle_time: Duration,
    /// Bytes that may wait for a slow output.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // with 1,000 slow strangers against 256, evicting the oldest still served 400 of 400 good messages
            connections: 256,
            // one machine cannot take more than an eighth
            connections_per_ip: 32,
            // far above what plain programs send (1,024), small enough to keep 256 of them in memory
            message_bytes: 64 * 1024,
            // what one is read into memory for; larger things are files
            session_bytes: 1024 * 1024,
            // absolute, so that one byte now and then buys nothing (CVE-2020-13849)
            message_time: Duration::from_secs(10),
            // some programs keep one connection for all of their messages
            idle_time: Duration::from_secs(600),
            // a reader of our output may pause; past this, senders wait instead of us growing
            output_bytes: 4 * 1024 * 1024,
        }
    }
}

/// What hooks may cost, of the `[limits]` part; options of the call go first.
pub(crate) fn of_hooks(
    layers: &mut Layers,
    (jobs, time): (Option<usize>, Option<Time>),
    config: &crate::config::Limits,
) -> HookLimits {
    let defaults = HookLimits::default();
    let jobs = layers.pick("limits.hooks", jobs, config.hooks, defaults.jobs);
    let in_config = config.hook_time.as_ref().map(|time| time.0);
    let time = layers.pick("limits.hook_time", time, in_config, Time(defaults.time)).0;
    let mut bytes = |key, config, default| layers.pick(key, None, config, default);
    let buffer_bytes = bytes("limits.hook_buffer", config.hook_buffer, defaults.buffer_bytes);
    let output_bytes = bytes("limits.hook_output", config.hook_output, defaults.output_bytes);
    HookLimits { jobs, time, buffer_bytes, output_bytes }
}

/// What a stranger may cost a listener, of the `[limits]` part.
pub(crate) fn of_listener(
    layers: &mut Layers,
    session_bytes: usize,
    config: &crate::config::Limits,
) -> (Limits, Caps) {
    let (limits, caps) = (Limits::default(), Caps::default());
    let mut count = |key, config, default| layers.pick(key, None, config, default);
    let connections = count("limits.connections", config.connections, limits.connections);
    let per_ip = ("limits.connections_per_ip", config.connections_per_ip);
    let connections_per_ip = count(per_ip.0, per_ip.1, limits.connections_per_ip);
    let plain_size = count("limits.plain_size", config.plain_size, limits.message_bytes);
    let mut span = |key, config: &Option<Text<Time>>, default| {
        layers.pick(key, None, config.as_ref().map(|time| time.0), Time(default)).0
    };
    let message_time = span("limits.message_time", &config.message_time, limits.message_time);
    let idle_time = span("limits.idle_time", &config.idle_time, limits.idle_time);
    let mut count = |key, config, default| layers.pick(key, None, config, default);
    let output_bytes = count("limits.output_buffer", config.output_buffer, limits.output_bytes);
    let peers = count("limits.peers", config.peers, caps.peers);
    let unverified = count("limits.unverified_peers", config.unverified_peers, caps.unverified);
    let learned = count("limits.learned_peers", config.learned_peers, caps.learned);
    let limits = Limits {
        connections,
        connections_per_ip,
        message_bytes: plain_size.min(session_bytes),
        session_bytes,
        message_time,
        idle_time,
        output_bytes,
    };
    (limits, Caps { peers, unverified, learned })
}
