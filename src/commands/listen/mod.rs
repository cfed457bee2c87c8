//! `p2p listen`: receives in the foreground until it is told to stop, has enough, or its time is over.

mod args;
mod ending;

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

pub use self::args::Args;
use self::ending::{Reason, finish, finish_hooks, stopped, wait_for_reason};
use crate::config::Time;
use crate::dial::{resolve, resolve_advertised};
use crate::event::{Event, rfc3339};
use crate::exit::{Code, Exit, Failure, OrFail as _};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::hooks::rules::{Hooks, Rule};
use crate::hooks::runner::{self, Runner};
use crate::inbox::Identity;
use crate::key::PublicKey;
use crate::lan::Announcement;
use crate::line::Form;
use crate::listener::{self, Haste, MAX_DRAIN};
use crate::neighbours;
use crate::paths;
use crate::peer::Peer;
use crate::recheck;
use crate::recorder::{Door, Recorder, Shared};
use crate::senders::Senders;
use crate::service;
use crate::session::tls::Credentials;
use crate::settings::{Flags, Settings};
use crate::signals::Signals;
use crate::state::dir::StateDir;
use crate::state::ledger::{Ledger, RECEIVED};
use crate::state::peers_file::{PeersFile, Place};
use crate::state::presence::{Listening, Presence};
use crate::state::seen::Seen;
use crate::system::machine::raise_open_files;
use crate::system::process::NO_COMMANDS;
use crate::terms::Sessions;
use crate::topic::TopicGlob;
use crate::trouble::Trouble;
use crate::trust::Secure;
use crate::ui::stdout_is_terminal;

/// A name server that does not answer must not hold up the start.
const MAX_RESOLVE: Duration = Duration::from_secs(5);

/// Handovers that wait for the recorder; their bytes are bounded by `limits.output_buffer`.
const MAX_HANDOVERS: usize = 1024;

/// Messages wait while the peers file is locked, and their senders with them: less than they are ready to wait.
const MAX_LOCK_WAIT: Duration = Duration::from_secs(1);

/// What this call is for, beside the settings.
struct Task {
    form: Form,
    count: Option<u64>,
    timeout: Option<Time>,
    /// Whose messages are taken; `None` is everybody's.
    from: Option<Vec<Peer>>,
    /// Messages of which topics are taken; empty is all of them.
    topics: Vec<TopicGlob>,
    /// The same for each hook of the settings.
    hooks_from: Vec<Option<Vec<Peer>>>,
    environment: Vec<(OsString, OsString)>,
    inherited: Option<TcpListener>,
}

/// Runs the command.
pub fn run(global: &Global, args: Args) -> Result<Exit, Failure> {
    let inherited = service::inherited_socket()?;
    if inherited.is_some() && (args.port.is_some() || args.bind.is_some()) {
        let why = "the service manager has opened the port; -p and -b cannot change it";
        return Err(Failure::new(Code::Usage, why));
    }
    let flags = Flags {
        port: args.port,
        bind: args.bind,
        advertise: args.advertise,
        bootstrap: args.bootstrap.then_some(true),
        run: args.run,
        hook_jobs: args.jobs,
        hook_time: args.exec_timeout,
        hook_replies: args.reply,
        accept: args.accept,
        share_peers: args.share_peers,
        lan: args.lan.then_some(true),
        recheck: args.recheck,
        listen_secure: args.secure,
        ..Flags::default()
    };
    let is_for_hooks = args.jobs.is_some() || args.exec_timeout.is_some();
    let home = Home::open(global, &flags)?;
    if is_for_hooks && home.settings.listen.hooks.is_empty() {
        return Err(Failure::new(Code::Usage, "there is no hook for -j or --exec-timeout")
            .hint("give a command with -x, or [[hook]] in the configuration"));
    }
    if let Some(why) = NO_COMMANDS.filter(|_| !home.settings.listen.hooks.is_empty()) {
        let path = home.settings.config_path.display();
        return Err(Failure::new(Code::Usage, why)
            .hint(format!("leave out -x, and take [[hook]] out of {path}")));
    }
    let hooks = home.settings.listen.hooks.iter();
    let hooks_from = hooks.map(|hook| given(&home, &hook.from)).collect::<Result<_, _>>();
    let path = home.settings.config_path.display();
    let task = Task {
        form: if args.raw { Form::Raw } else { Form::Escaped },
        count: if args.one { Some(1) } else { args.count },
        timeout: args.timeout,
        from: given(&home, &args.from)?,
        topics: args.topic,
        hooks_from: hooks_from.map_err(|failure| failure.context(format!("a hook of {path}")))?,
        environment: runner::environment(paths::environment(global)),
        inherited,
    };
    block_on(listen(home, task))?
}

/// The peers that these words mean; no word at all is everybody, and that is not the same as words that mean nobody.
fn given(home: &Home, words: &[String]) -> Result<Option<Vec<Peer>>, Failure> {
    if words.is_empty() { Ok(None) } else { home.peers_given(words).map(Some) }
}

async fn listen(mut home: Home, mut task: Task) -> Result<Exit, Failure> {
    let ends = task.timeout.map(|time| Instant::now() + time.0);
    let limits = home.settings.listen.limits;
    let allowed = raise_open_files(limits.connections);
    if allowed < limits.connections {
        home.ui
            .warn(format!("open files allow only {allowed} connections at once; see `ulimit -n`"));
    }
    let credentials = credentials(&home)?;
    let key = credentials.as_ref().map(Credentials::public);
    let place = &home.settings.place;
    let dir = StateDir::create(&place.path, place.allow_network)?;
    let mut presence = Presence::claim(&dir)?;
    let socket = service::socket(&home.settings.listen, task.inherited.take())?;
    let address = socket.local_addr().or_fail(Code::Bind)?;
    if home.settings.listen.lan && address.ip().is_loopback() {
        let why = format!("nobody in the local network can reach {address}");
        return Err(Failure::new(Code::Usage, why).hint("leave out --lan, or listen elsewhere"));
    }
    let advertise = home.settings.listen.advertise.as_ref();
    let advertised = resolve_advertised(advertise, address.port(), MAX_RESOLVE).await?;
    // from here on a signal stops us in order
    let (first, second) = Signals::new().or_fail(Code::Io)?.watch();
    let (over, is_over) = oneshot::channel();
    let (inbox, received) = mpsc::channel(MAX_HANDOVERS);
    let (mut hooks, recorder) = prepare(&home, &mut task, dir, key).await?;
    let recorder = recorder.start(received, over).or_fail(Code::Io)?;

    let name = home.settings.name.to_string();
    let pid = std::process::id();
    let here = Listening { addr: address, advertise: advertised, name, key, pid };
    presence.announce(&here)?;
    home.listening = Some(here);
    announce(&home, address, advertised, key)?;
    let identity = Identity { name: home.settings.name.clone(), port: address.port(), advertised };
    let sessions = credentials.map(|credentials| sessions(&credentials)).transpose()?;
    let secure = home.settings.listen.secure;
    if home.settings.listen.bootstrap {
        tokio::spawn(neighbours::greet(home.reopen()?));
    }

    if let Some(every) = home.settings.listen.recheck {
        tokio::spawn(recheck::run(home.reopen()?, every));
    }
    let announcement = match home.settings.listen.lan {
        true => Some(announce_near(&home, address, key)?),
        false => None,
    };
    let (stop, stopping) = oneshot::channel();
    let signal = first.clone();
    let hook_time = home.settings.listen.hook_limits.time;
    let shutdown = async {
        let reason = wait_for_reason(signal, is_over, ends).await;
        service::stopping();
        let haste = match reason {
            Reason::Enough | Reason::TimeOver => Haste::AtOnce(hook_time),
            _ => Haste::Finish,
        };
        // whoever waits for it is below
        let _ = stop.send((reason, Instant::now() + MAX_DRAIN));
        haste
    };
    let end = async {
        listener::run(socket, identity, sessions, secure, limits, inbox, shutdown).await;
        let (reason, deadline) = stopping.await.unwrap_or((Reason::OutputClosed, Instant::now()));
        let messages = recorder.counter();
        if let Some(announcement) = announcement {
            // whoever asks the network from now on does not find us
            let _ = spawn_blocking(move || announcement.end()).await;
        }
        let finished = finish(recorder, deadline).await;
        let is_stuck = finished.is_err();
        finish_hooks(&home, &mut hooks, &reason, first, deadline, is_stuck).await;
        // who only waited for something has not been a neighbour
        let is_leaving = matches!(reason, Reason::Signal(_));
        if is_leaving
            && home.settings.listen.goodbye
            && let Err(failure) = neighbours::say_goodbye(&home).await
        {
            home.ui.warn(failure.context("cannot say goodbye"));
        }
        match finished {
            Ok(Some(failure)) => Err(failure),
            _ => stopped(&home, (task.count, task.timeout), reason, messages(), is_stuck),
        }
    };
    tokio::select! {
        ended = end => ended,
        Ok(exit) = second => Ok(exit),
    }
}

/// Announces us in the local network.
fn announce_near(
    home: &Home,
    address: SocketAddr,
    key: Option<PublicKey>,
) -> Result<Announcement, Failure> {
    let only = Some(address.ip()).filter(|ip| !ip.is_unspecified());
    let (name, ui) = (home.settings.name.clone(), home.ui.clone());
    let announcement = Announcement::start(ui, name, address.port(), key, only)?;
    home.ui.talk(
        "everybody in the local network can see our name, key, port and the addresses of this machine",
    );
    Ok(announcement)
}

/// Our key, unless sessions are switched off.
fn credentials(home: &Home) -> Result<Option<Credentials>, Failure> {
    let Settings { listen, data_dir, place, .. } = &home.settings;
    if listen.secure == Secure::Off {
        return Ok(None);
    }
    Credentials::open(data_dir, place.allow_network).map(Some)
}

fn sessions(credentials: &Credentials) -> Result<Sessions, Failure> {
    let config = credentials.server().or_fail(Code::Io)?;
    Ok(Sessions { config, key: credentials.public() })
}

/// Makes what takes the messages: the recorder, and the hooks that it has run.
async fn prepare(
    home: &Home,
    task: &mut Task,
    dir: StateDir,
    own: Option<PublicKey>,
) -> Result<(Runner, Recorder), Failure> {
    let listen = &home.settings.listen;
    let mut rules = Vec::new();
    for (hook, from) in listen.hooks.iter().zip(std::mem::take(&mut task.hooks_from)) {
        let from = found(from).await;
        let run = Arc::from(hook.run.as_str());
        let topics = given_topics(&hook.topics);
        let (on, replies, goes_on) = (hook.on, hook.replies, hook.goes_on);
        rules.push(Rule { on, from, topics, run, replies, goes_on });
    }
    let environment = std::mem::take(&mut task.environment);
    let started = Runner::start(home.ui.clone(), listen.hook_limits, environment);
    let (runner, queue) = started.or_fail(Code::Io)?;
    let history = match listen.history_bytes {
        0 => None,
        bytes => Some(Ledger::open(dir, RECEIVED, bytes)?),
    };
    let seen = {
        let Place { path, allow_network, .. } = &home.settings.place;
        Seen::open(|| StateDir::create(path, *allow_network))?
    };
    let door = Door {
        accept: listen.accept,
        from: found(task.from.take()).await,
        topics: given_topics(&task.topics),
        own,
        claims: Trouble::default(),
    };
    let mut place = home.settings.place.clone();
    place.lock_wait = place.lock_wait.min(MAX_LOCK_WAIT);
    let recorder = Recorder {
        ui: home.ui.clone(),
        form: task.form,
        marks_claims: task.form == Form::Escaped && stdout_is_terminal(),
        history,
        durable: listen.durable,
        peers: PeersFile::open(place)?,
        seen,
        door,
        shared: Shared::new(listen.share),
        count: task.count,
        hooks: Hooks::new(rules, listen.hook_limits.buffer_bytes, queue),
    };
    Ok((runner, recorder))
}

/// No pattern at all is any topic, and none.
fn given_topics(globs: &[TopicGlob]) -> Option<Vec<TopicGlob>> {
    (!globs.is_empty()).then(|| globs.to_vec())
}

/// These peers, with the IP of those that are known by their host's name only: messages come from an IP.
async fn found(peers: Option<Vec<Peer>>) -> Option<Senders> {
    let is_unknown = |peer: &Peer| peer.address.ip().is_none() && peer.observed.is_none();
    let lookups: Vec<_> = peers?
        .into_iter()
        .map(|peer| {
            tokio::spawn(async move {
                let address = &peer.address;
                let ip = if is_unknown(&peer) { resolve(address, MAX_RESOLVE).await } else { None };
                Peer {
                    verified: peer.verified || ip.is_some(),
                    observed: ip.or(peer.observed),
                    ..peer
                }
            })
        })
        .collect();
    let mut found = Vec::with_capacity(lookups.len());
    for lookup in lookups {
        found.extend(lookup.await);
    }
    Some(Senders::new(found))
}

fn announce(
    home: &Home,
    address: SocketAddr,
    advertised: Option<SocketAddr>,
    key: Option<PublicKey>,
) -> Result<(), Failure> {
    let name = &home.settings.name;
    let as_others_see = advertised.map_or(String::new(), |a| format!(", advertised as {a}"));
    let words = format!("listening on {address} as {name}{as_others_see}");
    home.ui.event(&Event::Listening {
        time: rfc3339(SystemTime::now()),
        addr: address.to_string(),
        advertise: advertised.map(|a| a.to_string()),
        name: name.to_string(),
        key,
        pid: std::process::id(),
    })?;
    service::ready(&words);
    home.ui.announce(words);
    Ok(())
}
