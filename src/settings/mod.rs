//! What the program needs to know, made of flags, environment, configuration and defaults, in this order.
//!
//! For every value it is kept where it came from, which is what `p2p config show` prints.

mod listen;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

pub use self::listen::{DEFAULT_PORT, Hook, Listen};
use self::listen::{hooks, listen};
use crate::address::Address;
use crate::book::Listing;
use crate::config::{Advertise, Bind, Config, Run, Text, Time, TypedName};
use crate::exit::{Code, Failure, OrFail as _};
use crate::global::Global;
use crate::layers::{Layers, Origin, Shown};
use crate::limits;
use crate::message::MAX_MESSAGE_BYTES;
use crate::name::Name;
use crate::paths::{Paths, variable};
use crate::retry::Retry;
use crate::state::peers_file::Place;
use crate::system::{disk, machine};
use crate::trust::{Accept, Secure, Share, Trust};

/// All settings of one invocation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration file, whether or not it exists.
    pub config_path: PathBuf,
    /// What we call ourselves.
    pub name: Name,
    /// Which keys are believed.
    pub trust: Trust,
    /// Where the state is.
    pub place: Place,
    /// The directory of the secret key.
    pub data_dir: PathBuf,
    /// Whether what we send is encrypted.
    pub secure: Chosen,
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

/// Whether what we send is encrypted, and whether this call says so: then it goes before what the configuration says of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Chosen {
    /// What was chosen.
    pub secure: Secure,
    /// Whether an option of the call chose it.
    pub by_flag: bool,
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
    /// `--reply` of a listener
    pub hook_replies: bool,
    /// `--share-peers`
    pub share_peers: Option<Share>,
    /// `--lan`
    pub lan: Option<bool>,
    /// `--recheck`
    pub recheck: Option<Time>,
    /// `--accept`
    pub accept: Option<Accept>,
    /// `--secure` of whatever calls peers
    pub secure: Option<Secure>,
    /// `--secure` of a listener
    pub listen_secure: Option<Secure>,
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
        let trust = layers.pick("trust", None, word(config.trust), Trust::default());
        let (max_size, mut listen) = listen(&mut layers, flags, config.listen);
        let (send, state) = (config.send, config.state);
        let timeout =
            layers.pick("send.timeout", flags.timeout, time(send.timeout), DEFAULT_TIMEOUT);
        let retry = retry(&mut layers, flags, time(send.retry_for));
        let jobs = layers.pick("send.jobs", flags.jobs, send.jobs, DEFAULT_JOBS);
        let by_flag = flags.secure.is_some();
        let secure = layers.pick("send.secure", flags.secure, word(send.secure), Secure::default());
        let allow_network = layers.pick("state.allow_network", None, state.allow_network, false);
        let lock_wait =
            layers.pick("state.lock_wait", None, time(state.lock_wait), DEFAULT_LOCK_WAIT);
        let (limits, caps) = limits::of_listener(&mut layers, max_size, &config.limits);
        listen.limits = limits;
        let hook_flags = (flags.hook_jobs, flags.hook_time);
        listen.hook_limits = limits::of_hooks(&mut layers, hook_flags, &config.limits);
        listen.hooks = hooks(flags, config.hook);
        if listen.durable && listen.history_bytes == 0 {
            let why = "listen.durable needs a history, and listen.history is 0";
            return Err(Failure::new(Code::Config, why));
        }
        if listen.durable && !disk::SYNCS_NAMES {
            let why = "listen.durable is not possible: this system writes names of files to the disk when it likes";
            return Err(Failure::new(Code::Config, why));
        }
        if limits.session_bytes > MAX_MESSAGE_BYTES {
            let why = format!("listen.max_size is at most {MAX_MESSAGE_BYTES}");
            return Err(Failure::new(Code::Config, why));
        }
        if listen.recheck.is_some_and(|every| every < MIN_RECHECK) {
            let why = format!("listen.recheck is at least {}", Time(MIN_RECHECK));
            return Err(Failure::new(Code::Config, why));
        }
        check_positive(&[
            ("limits.hooks", listen.hook_limits.jobs),
            ("limits.hook_buffer", listen.hook_limits.buffer_bytes),
            ("listen.max_size", limits.session_bytes),
            ("limits.plain_size", limits.message_bytes),
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
            // what is not to be encrypted needs no keys
            trust: if secure == Secure::Off { Trust::Strict } else { trust },
            configured: static_peers(config.peer)?,
        };
        let (timeout, shown, config_path) = (timeout.0, layers.shown, paths.config);
        let (data_dir, secure) = (paths.data, Chosen { secure, by_flag });
        Ok(Self {
            config_path,
            name,
            place,
            data_dir,
            trust,
            secure,
            listen,
            timeout,
            retry,
            jobs,
            shown,
        })
    }
}

/// A flag says all there is to say about trying again.
fn retry(layers: &mut Layers, flags: &Flags, config: Option<Time>) -> Retry {
    let config = config.filter(|_| flags.retry.is_none());
    let span = [(flags.retry_for, Origin::Flag), (config, Origin::Config), (None, Origin::Default)];
    let span = layers.choose("send.retry_for", span);
    Retry { times: flags.retry, span: span.map(|time| time.0) }
}

/// A whole attempt: a name server, a handshake across the world, and an answer fit into it.
const DEFAULT_TIMEOUT: Time = Time(Duration::from_secs(5));

/// Enough to hide slow peers behind each other, few enough for any limit on open files.
const DEFAULT_JOBS: usize = 64;

/// Looking for silent peers more often than this would be felt, by them and by us.
const MIN_RECHECK: Duration = Duration::from_secs(1);

/// Longer than any honest holder needs; past it somebody is stopped.
const DEFAULT_LOCK_WAIT: Time = Time(Duration::from_secs(5));

fn time(text: Option<Text<Time>>) -> Option<Time> {
    word(text)
}

fn word<T>(text: Option<Text<T>>) -> Option<T> {
    text.map(|text| text.0)
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
    let machine = machine::name();
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
            let (key, secure) = (word(peer.key), word(peer.secure));
            (peer.addr.0, Listing { name, tags, key, secure })
        })
        .collect();
    let (mut addresses, mut names) = (HashSet::new(), HashSet::new());
    for (address, Listing { name, key, secure, .. }) in &listed {
        if key.is_some() && *secure == Some(Secure::Off) {
            let why = format!("{address} has a key, so secure = \"off\" is not for it");
            return Err(Failure::new(Code::Config, why));
        }
        let what = match name {
            _ if !addresses.insert(address) => address.to_string(),
            Some(name) if !names.insert(name.word()) => format!("a peer called {name}"),
            _ => continue,
        };
        return Err(Failure::new(Code::Config, format!("the configuration lists {what} twice")));
    }
    Ok(listed)
}
