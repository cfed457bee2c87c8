//! What the program needs to know, made of flags, environment, configuration and defaults, in this order.
//!
//! For every value it is kept where it came from, which is what `p2p config show` prints.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::address::Address;
use crate::book::{Caps, Listing};
use crate::config::{Advertise, Bind, Config, On, Run, Text, Time, TypedName};
use crate::exit::{Code, Failure, OrFail as _};
use crate::global::Global;
use crate::layers::{Layers, Origin, Shown};
use crate::message::MAX_MESSAGE_BYTES;
use crate::name::Name;
use crate::paths::{Paths, variable};
use crate::retry::Retry;
use crate::state::peers_file::Place;

/// The port where we listen unless told otherwise.
pub const DEFAULT_PORT: u16 = 5000;

/// All settings of one invocation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration file, whether or not it exists.
    pub config_path: PathBuf,
    /// What we call ourselves.
    pub name: Name,
    /// Where the state is.
    pub place: Place,
    /// How we listen.
    pub listen: Listen,
    /// How long one attempt to reach a peer may take in all.
    pub timeout: Duration,
    /// How often and how long a peer that cannot be reached is tried again.
    pub retry: Retry,
    /// How many peers are contacted at once.
    pub jobs: usize,
    /// Every value with its origin, in the order of the example configuration.
    pub shown: Vec<Shown>,
}

/// The listener's part.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The address to listen on; `None` is every address of the machine.
    pub bind: Option<std::net::IpAddr>,
    /// What we tell others is our address.
    pub advertise: Option<Advertise>,
    /// Say goodbye at the end.
    pub goodbye: bool,
    /// Contact the static peers at the start.
    pub bootstrap: bool,
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
    /// The command, for `/bin/sh -c`.
    pub run: String,
    /// Whether later hooks are looked at although this one fits.
    pub goes_on: bool,
}

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
    /// Bytes of one message with its header.
    pub message_bytes: usize,
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
            // absolute, so that one byte now and then buys nothing (CVE-2020-13849)
            message_time: Duration::from_secs(10),
            // some programs keep one connection for all of their messages
            idle_time: Duration::from_secs(600),
            // a reader of our output may pause; past this, senders wait instead of us growing
            output_bytes: 4 * 1024 * 1024,
        }
    }
}

/// What a command's own flags say.
#[derive(Debug, Default)]
pub struct Flags {
    /// `-p`
    pub port: Option<u16>,
    /// `-b`
    pub bind: Option<Bind>,
    /// `-a`
    pub advertise: Option<Advertise>,
    /// `--bootstrap`
    pub bootstrap: Option<bool>,
    /// `-t`
    pub timeout: Option<Time>,
    /// `--retry`
    pub retry: Option<u32>,
    /// `--retry-for`
    pub retry_for: Option<Time>,
    /// `-j`
    pub jobs: Option<usize>,
    /// `-x`, in place of the configuration's hooks for messages
    pub run: Option<Run>,
    /// `-j` of a listener
    pub hook_jobs: Option<usize>,
    /// `--exec-timeout`
    pub hook_time: Option<Time>,
}

impl Settings {
    /// Reads the configuration and puts the layers on top of each other.
    pub fn load(global: &Global, flags: &Flags) -> Result<Self, Failure> {
        let paths = Paths::find(global)?;
        let config = Config::load(&paths.config, paths.config_asked_for)?;
        Self::build(global, flags, paths, config)
    }

    /// Takes the name of this home's running listener, unless somebody has said how we are called: peers know us by
    /// that name.
    pub fn name_as_listener(&mut self, name: Name) {
        if self.shown.iter().any(|s| s.key == "name" && s.origin == Origin::Default) {
            self.name = name;
        }
    }

    fn build(
        global: &Global,
        flags: &Flags,
        paths: Paths,
        config: Config,
    ) -> Result<Self, Failure> {
        let mut layers = Layers::default();
        let name = own_name(&mut layers, global, config.name)?;
        let (max_size, mut listen) = listen(&mut layers, flags, config.listen);
        let (send, state) = (config.send, config.state);
        let timeout =
            layers.pick("send.timeout", flags.timeout, time(send.timeout), DEFAULT_TIMEOUT);
        let retry = retry(&mut layers, flags, time(send.retry_for));
        let jobs = layers.pick("send.jobs", flags.jobs, send.jobs, DEFAULT_JOBS);
        let allow_network = layers.pick("state.allow_network", None, state.allow_network, false);
        let lock_wait =
            layers.pick("state.lock_wait", None, time(state.lock_wait), DEFAULT_LOCK_WAIT);
        let (limits, caps) = limits(&mut layers, max_size, &config.limits);
        listen.limits = limits;
        listen.hook_limits = hook_limits(&mut layers, flags, &config.limits);
        listen.hooks = hooks(flags, config.hook);
        if listen.durable && listen.history_bytes == 0 {
            let why = "listen.durable needs a history, and listen.history is 0";
            return Err(Failure::new(Code::Config, why));
        }
        if limits.message_bytes > MAX_MESSAGE_BYTES {
            let why = format!("listen.max_size is at most {MAX_MESSAGE_BYTES}");
            return Err(Failure::new(Code::Config, why));
        }
        check_positive(&[
            ("limits.hooks", listen.hook_limits.jobs),
            ("limits.hook_buffer", listen.hook_limits.buffer_bytes),
            ("listen.max_size", limits.message_bytes),
            ("limits.connections", limits.connections),
            ("limits.connections_per_ip", limits.connections_per_ip),
            ("limits.output_buffer", limits.output_bytes),
            ("limits.peers", caps.peers),
            ("send.jobs", jobs),
        ])?;
        let place = Place {
            path: paths.state,
            allow_network,
            lock_wait: lock_wait.0,
            caps,
            configured: static_peers(config.peer)?,
        };
        let (timeout, shown, config_path) = (timeout.0, layers.shown, paths.config);
        Ok(Self { config_path, name, place, listen, timeout, retry, jobs, shown })
    }
}

/// The `[listen]` part: the largest message, and the rest with its limits still to come.
fn listen(layers: &mut Layers, flags: &Flags, config: crate::config::Listen) -> (usize, Listen) {
    let defaults = Limits::default();
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
    let max_size = config.max_size.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let max_size = layers.pick("listen.max_size", None, max_size, defaults.message_bytes);
    let history_bytes = layers.pick("listen.history", None, config.history, DEFAULT_HISTORY_BYTES);
    let durable = layers.pick("listen.durable", None, config.durable, false);
    let goodbye = layers.pick("listen.goodbye", None, config.goodbye, true);
    let bootstrap = layers.pick("listen.bootstrap", flags.bootstrap, config.bootstrap, false);
    let limits = defaults;
    let hook_limits = HookLimits::default();
    let listen = Listen {
        port,
        bind,
        advertise,
        goodbye,
        bootstrap,
        history_bytes,
        durable,
        hooks: Vec::new(),
        limits,
        hook_limits,
    };
    (max_size, listen)
}

/// A flag says all there is to say about trying again.
fn retry(layers: &mut Layers, flags: &Flags, config: Option<Time>) -> Retry {
    let config = config.filter(|_| flags.retry.is_none());
    let span = [(flags.retry_for, Origin::Flag), (config, Origin::Config), (None, Origin::Default)];
    let span = layers.choose("send.retry_for", span);
    Retry { times: flags.retry, span: span.map(|time| time.0) }
}

/// The hooks of the configuration, or the one of the command line in the place of those for messages.
fn hooks(flags: &Flags, config: Vec<crate::config::Hook>) -> Vec<Hook> {
    let from_config = config.into_iter().map(|hook| Hook {
        on: hook.on,
        from: hook.from,
        run: hook.run.0.0,
        goes_on: hook.goes_on,
    });
    let Some(Run(run)) = flags.run.clone() else { return from_config.collect() };
    let flag = Hook { on: On::Message, from: Vec::new(), run, goes_on: false };
    from_config.filter(|hook| hook.on != On::Message).chain([flag]).collect()
}

/// What hooks may cost, of the `[limits]` part.
fn hook_limits(layers: &mut Layers, flags: &Flags, config: &crate::config::Limits) -> HookLimits {
    let defaults = HookLimits::default();
    let jobs = layers.pick("limits.hooks", flags.hook_jobs, config.hooks, defaults.jobs);
    let in_config = config.hook_time.as_ref().map(|time| time.0);
    let time = layers.pick("limits.hook_time", flags.hook_time, in_config, Time(defaults.time)).0;
    let mut bytes = |key, config, default| layers.pick(key, None, config, default);
    let buffer_bytes = bytes("limits.hook_buffer", config.hook_buffer, defaults.buffer_bytes);
    let output_bytes = bytes("limits.hook_output", config.hook_output, defaults.output_bytes);
    HookLimits { jobs, time, buffer_bytes, output_bytes }
}

/// The `[limits]` part.
fn limits(
    layers: &mut Layers,
    message_bytes: usize,
    config: &crate::config::Limits,
) -> (Limits, Caps) {
    let (limits, caps) = (Limits::default(), Caps::default());
    let mut count = |key, config, default| layers.pick(key, None, config, default);
    let connections = count("limits.connections", config.connections, limits.connections);
    let per_ip = ("limits.connections_per_ip", config.connections_per_ip);
    let connections_per_ip = count(per_ip.0, per_ip.1, limits.connections_per_ip);
    let mut span = |key, config: &Option<Text<Time>>, default| {
        layers.pick(key, None, config.as_ref().map(|time| time.0), Time(default)).0
    };
    let message_time = span("limits.message_time", &config.message_time, limits.message_time);
    let idle_time = span("limits.idle_time", &config.idle_time, limits.idle_time);
    let mut count = |key, config, default| layers.pick(key, None, config, default);
    let output_bytes = count("limits.output_buffer", config.output_buffer, limits.output_bytes);
    let peers = count("limits.peers", config.peers, caps.peers);
    let unverified = count("limits.unverified_peers", config.unverified_peers, caps.unverified);
    let limits = Limits {
        connections,
        connections_per_ip,
        message_bytes,
        message_time,
        idle_time,
        output_bytes,
    };
    (limits, Caps { peers, unverified })
}

/// A whole attempt: a name server, a handshake across the world, and an answer fit into it.
const DEFAULT_TIMEOUT: Time = Time(Duration::from_secs(5));

/// Enough to hide slow peers behind each other, few enough for any limit on open files.
const DEFAULT_JOBS: usize = 64;

/// Longer than any honest holder needs; past it somebody is stopped.
const DEFAULT_LOCK_WAIT: Time = Time(Duration::from_secs(5));

/// About a hundred thousand messages.
const DEFAULT_HISTORY_BYTES: u64 = 64 * 1024 * 1024;

fn time(text: Option<Text<Time>>) -> Option<Time> {
    text.map(|t| t.0)
}

fn check_positive(values: &[(&str, usize)]) -> Result<(), Failure> {
    match values.iter().find(|(_, value)| *value == 0) {
        Some((key, _)) => Err(Failure::new(Code::Config, format!("{key} must be at least 1"))),
        None => Ok(()),
    }
}

/// Whether we were called by a hook.
fn is_in_hook() -> bool {
    variable("P2P_EVENT").is_some()
}

/// `--name`, `P2P_NAME`, the configuration, else the name of this machine.
fn own_name(
    layers: &mut Layers,
    global: &Global,
    config: Option<Text<TypedName>>,
) -> Result<Name, Failure> {
    let said = |text: &str| {
        let cannot = format!("cannot use `{text}` as our name");
        Name::typed(text).or_fail(Code::Usage).map_err(|failure| failure.context(cannot))
    };
    let flag = global.name.as_deref().map(said).transpose()?;
    // inside a hook it is the name of whoever sent the message
    let variable = variable("P2P_NAME").filter(|_| !is_in_hook());
    let variable = variable.map(|name| said(&name.to_string_lossy())).transpose()?;
    let config = config.map(|name| name.0.0);
    let chosen = layers.choose(
        "name",
        [(flag, Origin::Flag), (variable, Origin::Environment), (config, Origin::Config)],
    );
    if let Some(name) = chosen {
        return Ok(name);
    }
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let machine = machine.split('.').next().unwrap_or_default();
    let name = Name::from_any(machine)
        .or_else(|| Name::from_any("p2p"))
        .ok_or_else(|| Failure::new(Code::Usage, "this machine has no name; use --name"))?;
    if let Some(shown) = layers.shown.last_mut() {
        shown.value = Some(name.to_string());
    }
    Ok(name)
}

fn static_peers(peers: Vec<crate::config::StaticPeer>) -> Result<Vec<(Address, Listing)>, Failure> {
    let listed: Vec<_> = peers
        .into_iter()
        .map(|peer| {
            let name = peer.name.map(|name| name.0.0);
            let tags = peer.tags.into_iter().map(|tag| tag.0).collect();
            (peer.addr.0, Listing { name, tags })
        })
        .collect();
    let (mut addresses, mut names) = (HashSet::new(), HashSet::new());
    for (address, Listing { name, .. }) in &listed {
        let what = match name {
            _ if !addresses.insert(address) => address.to_string(),
            Some(name) if !names.insert(name.word()) => format!("a peer called {name}"),
            _ => continue,
        };
        return Err(Failure::new(Code::Config, format!("the configuration lists {what} twice")));
    }
    Ok(listed)
}
