//! `p2p listen`: receives in the foreground until it is told to stop.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::commands::bootstrap::static_peers;
use crate::config::{Advertise, Bind, parse_listen_port};
use crate::dial::resolve_advertised;
use crate::event::{Event, rfc3339};
use crate::exit::{Code, Exit, Failure, OrFail as _};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::inbox::{Identity, Inbound};
use crate::listener::{self, MAX_DRAIN};
use crate::open_files;
use crate::outreach;
use crate::peer::{ACTIVE_FOR, Peer};
use crate::recorder::{Broken, Form, Recorder};
use crate::report::Errand;
use crate::settings::{Flags, Settings};
use crate::signals::Signals;
use crate::state::dir::StateDir;
use crate::state::history::History;
use crate::state::peers_file::PeersFile;
use crate::state::presence::{Listening, Presence};
use crate::ui::wait_for_reader_gone;

/// A name server that does not answer must not hold up the start.
const MAX_RESOLVE: Duration = Duration::from_secs(5);

/// Time for saying goodbye to all peers together.
const MAX_GOODBYE: Duration = Duration::from_secs(2);

/// Time for the last messages to be written, however long the connections have taken to end.
const MIN_FINISH: Duration = Duration::from_millis(100);

/// Handovers that wait for the recorder; their bytes are bounded by `limits.output_buffer`.
const MAX_HANDOVERS: usize = 1024;

/// Receive in the foreground
///
/// Each message is one line on stdout: address, name, text. Whatever is in a text, it stays on its line: newlines,
/// tabs, backslashes and everything that cannot be seen appear escaped. SIGINT, SIGTERM or SIGHUP ends the listener;
/// it finishes what is in hand and tells the peers that know it. A second signal ends it at once.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    p2p listen\n  \
    p2p listen -p 6000 --json | jq -r 'select(.event == \"message\") | .body'\n  \
    p2p listen -p 0 -b 127.0.0.1 > messages.log &")]
pub struct Args {
    /// The port; 0 takes a free one [default: 5000]
    #[arg(short, long, value_name = "PORT", value_parser = parse_listen_port)]
    port: Option<u16>,
    /// Listen on this address of the machine only
    #[arg(short, long, value_name = "ADDR")]
    bind: Option<Bind>,
    /// Tell others that this is our address
    #[arg(short, long, value_name = "HOST[:PORT]")]
    advertise: Option<Advertise>,
    /// Greet the static peers of the configuration first
    #[arg(long)]
    bootstrap: bool,
    /// Print the exact bytes of each text instead of escaping them
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

/// Why a listener stops.
enum Reason {
    Signal(&'static str),
    OutputClosed,
    Failed(Failure),
}

/// Runs the command.
pub fn run(global: &Global, args: Args) -> Result<Exit, Failure> {
    let flags = Flags {
        port: args.port,
        bind: args.bind,
        advertise: args.advertise,
        bootstrap: args.bootstrap.then_some(true),
        ..Flags::default()
    };
    let home = Home::open(global, &flags)?;
    let form = if args.raw { Form::Raw } else { Form::Escaped };
    block_on(listen(home, form))?
}

async fn listen(mut home: Home, form: Form) -> Result<Exit, Failure> {
    let limits = home.settings.listen.limits;
    let allowed = open_files::raise(limits.connections);
    if allowed < limits.connections {
        home.ui
            .warn(format!("open files allow only {allowed} connections at once; see `ulimit -n`"));
    }
    let place = &home.settings.place;
    let dir = StateDir::create(&place.path, place.allow_network)?;
    let mut presence = Presence::claim(&dir)?;
    let socket = bind(&home.settings)?;
    let address = socket.local_addr().or_fail(Code::Bind)?;
    let advertise = home.settings.listen.advertise.as_ref();
    let advertised = resolve_advertised(advertise, address.port(), MAX_RESOLVE).await?;
    // from here on a signal stops us in order
    let signals = Signals::new().or_fail(Code::Io)?;
    let name = home.settings.name.to_string();
    let here = Listening { addr: address, advertise: advertised, name, pid: std::process::id() };
    presence.announce(&here)?;
    home.listening = Some(here);
    announce(&home, address, advertised)?;

    let (inbox, received) = mpsc::channel(MAX_HANDOVERS);
    let (broken, breaks) = oneshot::channel();
    let recorder = start_recorder(&home, form, dir, received, broken)?;
    let identity = Identity { name: home.settings.name.clone(), port: address.port(), advertised };
    if home.settings.listen.bootstrap {
        tokio::spawn(greet_static_peers(home.reopen()?));
    }

    let (first, second) = signals.watch();
    let (stop, stopping) = oneshot::channel();
    let shutdown = async {
        let reason = wait_for_reason(first, breaks).await;
        // whoever waits for it is below
        let _ = stop.send((reason, Instant::now() + MAX_DRAIN));
    };
    let end = async {
        listener::run(socket, identity, limits, inbox, shutdown).await;
        let (reason, deadline) = stopping.await.unwrap_or((Reason::OutputClosed, Instant::now()));
        let messages = finish(recorder, deadline).await;
        if home.settings.listen.goodbye
            && let Err(failure) = say_goodbye(&home).await
        {
            home.ui.warn(failure.context("cannot say goodbye"));
        }
        (reason, messages)
    };
    tokio::select! {
        (reason, messages) = end => stopped(&home, reason, messages),
        Ok(exit) = second => Ok(exit),
    }
}

fn bind(settings: &Settings) -> Result<tokio::net::TcpListener, Failure> {
    let (ip, port) = (settings.listen.bind, settings.listen.port);
    listener::bind(ip, port).map_err(|error| {
        let cause = error.kind();
        let shown =
            ip.map_or_else(|| format!("port {port}"), |ip| SocketAddr::new(ip, port).to_string());
        let failure = Failure::new(
            Code::Bind,
            match cause {
                io::ErrorKind::AddrInUse => {
                    format!("cannot listen on {shown}: another program listens there")
                }
                io::ErrorKind::AddrNotAvailable => {
                    format!("cannot listen on {shown}: it is no address of this machine")
                }
                io::ErrorKind::PermissionDenied => {
                    format!("cannot listen on {shown}: permission denied")
                }
                _ => format!("cannot listen on {shown}: {error}"),
            },
        );
        match cause {
            io::ErrorKind::AddrInUse => failure.hint("`-p 0` takes a free port"),
            io::ErrorKind::PermissionDenied => {
                failure.hint("ports from 1024 on are open to everybody")
            }
            _ => failure,
        }
    })
}

fn announce(
    home: &Home,
    address: SocketAddr,
    advertised: Option<SocketAddr>,
) -> Result<(), Failure> {
    let name = &home.settings.name;
    let as_others_see = advertised.map_or(String::new(), |a| format!(", advertised as {a}"));
    home.ui.event(&Event::Listening {
        time: rfc3339(std::time::SystemTime::now()),
        addr: address.to_string(),
        advertise: advertised.map(|a| a.to_string()),
        name: name.to_string(),
        pid: std::process::id(),
    })?;
    home.ui.announce(format!("listening on {address} as {name}{as_others_see}"));
    Ok(())
}

fn start_recorder(
    home: &Home,
    form: Form,
    dir: StateDir,
    received: mpsc::Receiver<Inbound>,
    broken: oneshot::Sender<Broken>,
) -> Result<JoinHandle<u64>, Failure> {
    /// Messages wait while the peers file is locked, and their senders with them: less than they are ready to wait.
    const MAX_LOCK_WAIT: Duration = Duration::from_secs(1);
    let history_bytes = home.settings.listen.history_bytes;
    let history = (history_bytes > 0).then(|| History::open(dir, history_bytes)).transpose()?;
    let mut place = home.settings.place.clone();
    place.lock_wait = place.lock_wait.min(MAX_LOCK_WAIT);
    let peers = PeersFile::open(place)?;
    let recorder = Recorder { ui: home.ui.clone(), form, history, peers };
    recorder.start(received, broken).or_fail(Code::Io)
}

async fn wait_for_reason(
    signal: oneshot::Receiver<&'static str>,
    breaks: oneshot::Receiver<Broken>,
) -> Reason {
    tokio::select! {
        Ok(signal) = signal => Reason::Signal(signal),
        broken = breaks => match broken {
            Ok(Broken::Failed(failure)) => Reason::Failed(failure),
            _ => Reason::OutputClosed,
        },
        () = output_closed() => Reason::OutputClosed,
    }
}

/// Completes when the reader of our output is gone, also while nothing arrives (`p2p listen | head -1`).
async fn output_closed() {
    let (gone, told) = oneshot::channel();
    // the thread waits in the kernel for as long as we live
    let watcher = std::thread::Builder::new().name("output-watch".into()).spawn(move || {
        wait_for_reader_gone();
        let _ = gone.send(());
    });
    if watcher.is_err() || told.await.is_err() {
        pending::<()>().await;
    }
}

/// Greets the static peers while we already receive.
async fn greet_static_peers(mut home: Home) {
    match outreach::run_quietly(&home, static_peers(&home), &Errand::Connect).await {
        Ok(reports) => {
            for report in &reports {
                let answer = if report.result.is_ok() { "answers" } else { "does not answer" };
                home.ui.talk(format!("{} {answer}", report.peer.label()));
            }
            // the lock may have to be waited for, and the listener must not wait with us
            tokio::task::spawn_blocking(move || outreach::note(&mut home, &reports, true));
        }
        Err(failure) => home.ui.warn(failure.context("cannot greet the static peers")),
    }
}

/// Tells the peers that know us. Only those that were verified: a claim must not make us connect anywhere.
async fn say_goodbye(home: &Home) -> Result<(), Failure> {
    let home = home.reopen()?;
    let now = std::time::SystemTime::now();
    let lately = |p: &Peer| p.age(now).is_some_and(|age| age <= ACTIVE_FOR);
    let mut peers = home.all_peers();
    peers.retain(|peer| peer.verified && !peer.unanswered && lately(peer));
    if !peers.is_empty() {
        // those that cannot be told in time will find out
        let _ = timeout(MAX_GOODBYE, outreach::run_quietly(&home, peers, &Errand::Exit)).await;
    }
    Ok(())
}

/// Waits for what is already with the recorder; `None` if its output is stuck.
async fn finish(recorder: JoinHandle<u64>, deadline: Instant) -> Option<u64> {
    let joined = tokio::task::spawn_blocking(move || recorder.join());
    timeout_at(deadline.max(Instant::now() + MIN_FINISH), joined).await.ok()?.ok()?.ok()
}

fn stopped(home: &Home, reason: Reason, messages: Option<u64>) -> Result<Exit, Failure> {
    let word = match reason {
        Reason::Signal(word) => word,
        // nobody is there to read it
        Reason::OutputClosed => return Ok(Exit::Done),
        Reason::Failed(failure) => return Err(failure),
    };
    // an output that is stuck takes no last line either
    let Some(messages) = messages else { return Ok(Exit::Done) };
    home.ui.event(&Event::Stopped { reason: word, messages })?;
    home.ui.talk(format!("stopped by {word}, messages received: {messages}"));
    Ok(Exit::Done)
}
