//! What the program needs to know, made of flags, environment, configuration and defaults, in this order.
//!
//! For every value it is kept where it came from, which is what `p2p config show` prints.

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::address::Address;
use crate::book::Caps;
use crate::cli::Global;
use crate::config::{Advertise, Bind, Config, Text, Time, TypedName};
use crate::exit::{Code, Failure, OrFail as _};
use crate::name::Name;
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
    /// What a stranger may cost us.
    pub limits: Limits,
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

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of this call.
    Flag,
    /// An environment variable.
    Environment,
    /// The configuration file.
    Config,
    /// Nobody said otherwise.
    Default,
}

impl Origin {
    /// The word that `config show` prints.
    pub fn word(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::Config => "config",
            Self::Default => "default",
        }
    }
}

/// One effective value.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The key, as in the configuration file.
    pub key: &'static str,
    /// The value; absent if there is none.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Origin,
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
    /// `-j`
    pub jobs: Option<usize>,
}

/// Where configuration and state are.
#[derive(Debug)]
pub struct Paths {
    /// The configuration file.
    pub config: PathBuf,
    /// Whether it was named by a flag or the environment, so that it has to exist.
    pub config_asked_for: bool,
    /// The state directory.
    pub state: PathBuf,
}

impl Paths {
    /// Finds both: `--home`, `P2P_HOME`, else the XDG base directories.
    pub fn find(global: &Global) -> Result<Self, Failure> {
        let home = global.home.clone().or_else(|| variable("P2P_HOME").map(PathBuf::from));
        let asked_for = global.config.clone().or_else(|| variable("P2P_CONFIG").map(PathBuf::from));
        let (config, state) = match home {
            Some(home) => (home.join("config.toml"), home),
            None => {
                let config = base("XDG_CONFIG_HOME", ".config")?;
                let state = base("XDG_STATE_HOME", ".local/state")?;
                (config.join("p2p/config.toml"), state.join("p2p"))
            }
        };
        let config_asked_for = asked_for.is_some();
        Ok(Self { config: asked_for.unwrap_or(config), config_asked_for, state })
    }
}

/// An XDG base directory; relative paths are ignored, as its specification says.
fn base(name: &str, below_home: &str) -> Result<PathBuf, Failure> {
    let given = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let fallback = || env::home_dir().filter(|h| h.is_absolute()).map(|h| h.join(below_home));
    given.or_else(fallback).ok_or_else(|| {
        Failure::new(Code::Config, "cannot find a home directory: HOME is not set")
            .hint("name one: p2p --home DIR …")
    })
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Chooses each value and remembers why.
#[derive(Default)]
struct Layers {
    shown: Vec<Shown>,
}

impl Layers {
    fn choose<T: fmt::Display>(
        &mut self,
        key: &'static str,
        layers: [(Option<T>, Origin); 3],
    ) -> Option<T> {
        let chosen = layers.into_iter().find_map(|(value, origin)| Some((value?, origin)));
        let (value, origin) = chosen.map_or((None, Origin::Default), |(v, o)| (Some(v), o));
        self.shown.push(Shown { key, value: value.as_ref().map(T::to_string), origin });
        value
    }

    /// A value that always has a default.
    fn pick<T: fmt::Display>(
        &mut self,
        key: &'static str,
        flag: Option<T>,
        config: Option<T>,
        default: T,
    ) -> T {
        let fallback = default.to_string();
        let layers = [(flag, Origin::Flag), (config, Origin::Config), (None, Origin::Default)];
        let chosen = self.choose(key, layers);
        if let (None, Some(shown)) = (&chosen, self.shown.last_mut()) {
            shown.value = Some(fallback);
        }
        chosen.unwrap_or(default)
    }
}

impl Settings {
    /// Reads the configuration and puts the layers on top of each other.
    pub fn load(global: &Global, flags: Flags) -> Result<Self, Failure> {
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

    fn build(global: &Global, flags: Flags, paths: Paths, config: Config) -> Result<Self, Failure> {
        let mut layers = Layers::default();
        let name = own_name(&mut layers, global, config.name)?;
        let (listen, send, state) = (config.listen, config.send, config.state);
        let defaults = Limits::default();

        let port = layers.pick("listen.port", flags.port, listen.port, DEFAULT_PORT);
        let bind = layers.choose(
            "listen.bind",
            [
                (flags.bind.map(|b| b.0), Origin::Flag),
                (listen.bind.map(|b| b.0.0), Origin::Config),
                (None, Origin::Default),
            ],
        );
        let advertise = layers.choose(
            "listen.advertise",
            [
                (flags.advertise, Origin::Flag),
                (listen.advertise.map(|a| a.0), Origin::Config),
                (None, Origin::Default),
            ],
        );
        let max_size = listen.max_size.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let message_bytes = layers.pick("listen.max_size", None, max_size, defaults.message_bytes);
        let history_bytes =
            layers.pick("listen.history", None, listen.history, DEFAULT_HISTORY_BYTES);
        let goodbye = layers.pick("listen.goodbye", None, listen.goodbye, true);
        let bootstrap = layers.pick("listen.bootstrap", flags.bootstrap, listen.bootstrap, false);
        let timeout =
            layers.pick("send.timeout", flags.timeout, time(send.timeout), DEFAULT_TIMEOUT);
        let jobs = layers.pick("send.jobs", flags.jobs, send.jobs, DEFAULT_JOBS);
        let allow_network = layers.pick("state.allow_network", None, state.allow_network, false);
        let lock_wait =
            layers.pick("state.lock_wait", None, time(state.lock_wait), DEFAULT_LOCK_WAIT);

        let given = config.limits;
        let caps = Caps::default();
        let limits = Limits {
            message_bytes,
            connections: layers.pick(
                "limits.connections",
                None,
                given.connections,
                defaults.connections,
            ),
            connections_per_ip: layers.pick(
                "limits.connections_per_ip",
                None,
                given.connections_per_ip,
                defaults.connections_per_ip,
            ),
            message_time: layers
                .pick(
                    "limits.message_time",
                    None,
                    time(given.message_time),
                    Time(defaults.message_time),
                )
                .0,
            idle_time: layers
                .pick("limits.idle_time", None, time(given.idle_time), Time(defaults.idle_time))
                .0,
            output_bytes: layers.pick(
                "limits.output_buffer",
                None,
                given.output_buffer,
                defaults.output_bytes,
            ),
        };
        let caps = Caps {
            peers: layers.pick("limits.peers", None, given.peers, caps.peers),
            unverified: layers.pick(
                "limits.unverified_peers",
                None,
                given.unverified_peers,
                caps.unverified,
            ),
        };
        check_positive(&[
            ("listen.max_size", limits.message_bytes),
            ("limits.connections", limits.connections),
            ("limits.connections_per_ip", limits.connections_per_ip),
            ("limits.output_buffer", limits.output_bytes),
            ("limits.peers", caps.peers),
            ("send.jobs", jobs),
        ])?;

        let configured = static_peers(config.peer)?;
        let place =
            Place { path: paths.state, allow_network, lock_wait: lock_wait.0, caps, configured };
        let listen = Listen { port, bind, advertise, goodbye, bootstrap, history_bytes, limits };
        let (timeout, shown, config_path) = (timeout.0, layers.shown, paths.config);
        Ok(Self { config_path, name, place, listen, timeout, jobs, shown })
    }
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
    let variable = variable("P2P_NAME").map(|name| said(&name.to_string_lossy())).transpose()?;
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

fn static_peers(
    peers: Vec<crate::config::StaticPeer>,
) -> Result<Vec<(Address, Option<Name>)>, Failure> {
    let listed: Vec<_> = peers.into_iter().map(|p| (p.addr.0, p.name.map(|n| n.0.0))).collect();
    let (mut addresses, mut names) = (HashSet::new(), HashSet::new());
    for (address, name) in &listed {
        let what = match name {
            _ if !addresses.insert(address) => address.to_string(),
            Some(name) if !names.insert(name.word()) => format!("a peer called {name}"),
            _ => continue,
        };
        return Err(Failure::new(Code::Config, format!("the configuration lists {what} twice")));
    }
    Ok(listed)
}
