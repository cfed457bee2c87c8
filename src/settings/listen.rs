//! The listener's part of the settings.

use std::time::Duration;

use super::{Flags, time, word};
use crate::config::{Advertise, On, Run};
use crate::layers::{Layers, Origin};
use crate::limits::{HookLimits, Limits};
use crate::topic::TopicGlob;
use crate::trust::{Accept, Secure, Share};

/// The port where we listen unless told otherwise.
pub const DEFAULT_PORT: u16 = 5000;

/// About a hundred thousand messages.
const DEFAULT_HISTORY_BYTES: u64 = 64 * 1024 * 1024;

/// The listener's part.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The address to listen on; `None` is every address of the machine.
    pub bind: Option<std::net::IpAddr>,
    /// What we tell others is our address.
    pub advertise: Option<Advertise>,
    /// Whether somebody has said where we listen; else the port is only the usual one.
    pub is_given: bool,
    /// Whose messages are taken.
    pub accept: Accept,
    /// Whether they have to be encrypted.
    pub secure: Secure,
    /// Say goodbye at the end.
    pub goodbye: bool,
    /// Contact the static peers at the start.
    pub bootstrap: bool,
    /// Who is told of our peers.
    pub share: Share,
    /// Whether we are announced in the local network.
    pub lan: bool,
    /// How often stale peers are looked for; `None` is never.
    pub recheck: Option<Duration>,
    /// How many bytes of history to keep; 0 for none.
    pub history_bytes: u64,
    /// Acknowledge only what would survive a power cut.
    pub durable: bool,
    /// What is run when something arrives.
    pub hooks: Vec<Hook>,
    /// What a stranger may cost us.
    pub limits: Limits,
    /// What all hooks together may cost us.
    pub hook_limits: HookLimits,
}

/// A command that is run when something arrives.
#[derive(Clone, Debug)]
pub struct Hook {
    /// For what.
    pub on: On,
    /// From whom, as it was written; empty is everybody.
    pub from: Vec<String>,
    /// About what; empty is anything.
    pub topics: Vec<TopicGlob>,
    /// The command, for `/bin/sh -c`.
    pub run: String,
    /// Whether what it prints goes back to a sender that waits for a reply.
    pub replies: bool,
    /// Whether later hooks are looked at although this one fits.
    pub goes_on: bool,
}

/// The `[listen]` part: the largest message, and the rest with its limits still to come.
pub(super) fn listen(
    layers: &mut Layers,
    flags: &Flags,
    config: crate::config::Listen,
) -> (usize, Listen) {
    let defaults = Limits::default();
    let is_given = [config.port, flags.port].iter().flatten().any(|port| *port != 0)
        || config.advertise.is_some()
        || flags.advertise.is_some();
    let port = layers.pick("listen.port", flags.port, config.port, DEFAULT_PORT);
    let bind = [
        (flags.bind.map(|bind| bind.0), Origin::Flag),
        (config.bind.map(|bind| bind.0.0), Origin::Config),
        (None, Origin::Default),
    ];
    let bind = layers.choose("listen.bind", bind);
    let advertise = [
        (flags.advertise.clone(), Origin::Flag),
        (config.advertise.map(|advertise| advertise.0), Origin::Config),
        (None, Origin::Default),
    ];
    let advertise = layers.choose("listen.advertise", advertise);
    let accept = layers.pick("listen.accept", flags.accept, word(config.accept), Accept::default());
    let secure =
        layers.pick("listen.secure", flags.listen_secure, word(config.secure), Secure::default());
    let max_size = config.max_size.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let max_size = layers.pick("listen.max_size", None, max_size, defaults.session_bytes);
    let history_bytes = layers.pick("listen.history", None, config.history, DEFAULT_HISTORY_BYTES);
    let durable = layers.pick("listen.durable", None, config.durable, false);
    let goodbye = layers.pick("listen.goodbye", None, config.goodbye, true);
    let bootstrap = layers.pick("listen.bootstrap", flags.bootstrap, config.bootstrap, false);
    let share = word(config.share_peers);
    let share = layers.pick("listen.share_peers", flags.share_peers, share, Share::default());
    let lan = layers.pick("listen.lan", flags.lan, config.lan, false);
    let recheck = [
        (flags.recheck, Origin::Flag),
        (time(config.recheck), Origin::Config),
        (None, Origin::Default),
    ];
    let recheck = layers.choose("listen.recheck", recheck).map(|time| time.0);
    let limits = defaults;
    let hook_limits = HookLimits::default();
    let listen = Listen {
        port,
        bind,
        advertise,
        is_given,
        accept,
        secure,
        goodbye,
        bootstrap,
        share,
        lan,
        recheck,
        history_bytes,
        durable,
        hooks: Vec::new(),
        limits,
        hook_limits,
    };
    (max_size, listen)
}

/// The hooks of the configuration, or the one of the command line in the place of those for messages.
pub(super) fn hooks(flags: &Flags, config: Vec<crate::config::Hook>) -> Vec<Hook> {
    let from_config = config.into_iter().map(|hook| Hook {
        on: hook.on,
        from: hook.from,
        topics: hook.topic,
        run: hook.run.0.0,
        replies: hook.reply,
        goes_on: hook.goes_on,
    });
    let Some(Run(run)) = flags.run.clone() else { return from_config.collect() };
    let replies = flags.hook_replies;
    let (from, topics) = (Vec::new(), Vec::new());
    let flag = Hook { on: On::Message, from, topics, run, replies, goes_on: false };
    from_config.filter(|hook| hook.on != On::Message).chain([flag]).collect()
}
