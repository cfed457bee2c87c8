//! Shows how a network comes to know itself when each of its peers runs `p2p bootstrap` now and then, as cron does.
//!
//! ```text
//! cargo bench --bench converge                     # 10, 100 and 1,000 peers, each with two static peers at random
//! cargo bench --bench converge -- chain 100        # each knows only the one before it
//! ```
//!
//! All listeners are in this process, each with a home, a peers file and a recorder of its own; every bootstrap is a
//! process. Bytes are those of the loopback interface, headers included, so let the machine be quiet, or run it in a
//! network namespace. One round is one bootstrap of every peer, in an order that is drawn anew each time.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

use std::error::Error;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use p2p::global::Global;
use p2p::home::Home;
use p2p::hooks::rules::Hooks;
use p2p::inbox::Identity;
use p2p::line::Form;
use p2p::listener::{self, Haste};
use p2p::recorder::{Door, Recorder, Shared};
use p2p::session::tls::Credentials;
use p2p::settings::Flags;
use p2p::state::dir::StateDir;
use p2p::state::seen::Seen;
use p2p::system::machine;
use p2p::terms::Sessions;
use p2p::trouble::Trouble;
use p2p::trust::{Accept, Secure};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

const P2P: &str = env!("CARGO_BIN_EXE_p2p");

/// How many bootstraps run at once: as many as there are cores.
const JOBS: usize = 2;

/// After so many rounds it is given up.
const MAX_ROUNDS: usize = 60;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Which static peers the configurations list.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Two of those that were there before, at random.
    Random,
    /// The one before, and nobody else.
    Chain,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let (shape, sizes) = match arguments.split_first() {
        Some((first, sizes)) if first == "chain" => (Shape::Chain, sizes),
        _ => (Shape::Random, &arguments[..]),
    };
    let sizes: Vec<usize> =
        sizes.iter().map(|s| s.parse()).collect::<std::result::Result<_, _>>()?;
    for size in if sizes.is_empty() { vec![10, 100, 1_000] } else { sizes } {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(converge(size, shape))?;
    }
    Ok(())
}

async fn converge(size: usize, shape: Shape) -> Result<()> {
    machine::raise_open_files(8 * size + 100);
    let dir = tempfile::tempdir()?;
    let mut network = Network { dir: dir.path().to_owned(), ports: Vec::new() };
    for number in 0..size {
        let known = match (shape, number) {
            (_, 0) => Vec::new(),
            (Shape::Chain, _) => vec![number - 1],
            (Shape::Random, _) => (0..2).map(|_| random(number)).collect(),
        };
        network.join(&known).await?;
    }
    println!("\n{size} peers, {shape:?}");
    println!(
        "| round | least known | known on average | KiB for a bootstrap | ms for a bootstrap |"
    );
    println!("|---|---|---|---|---|");
    let rounds = network.run_until_all_know_all().await?;
    network.round(rounds + 1, "after that").await?;
    // one more comes, knows one of them, and is known to him
    network.join(&[random(size)]).await?;
    println!("one more joins:");
    for round in 1.. {
        network.round(round, "").await?;
        let (least, _) = network.known()?;
        if least == size || round > MAX_ROUNDS {
            break;
        }
    }
    Ok(())
}

struct Network {
    dir: PathBuf,
    ports: Vec<u16>,
}

impl Network {
    fn home(&self, number: usize) -> PathBuf {
        self.dir.join(number.to_string())
    }

    /// One more listener, which has these as its static peers.
    async fn join(&mut self, known: &[usize]) -> Result<()> {
        let home = self.home(self.ports.len());
        let socket = listener::bind(Some([127, 0, 0, 1].into()), 0)?;
        let port = socket.local_addr()?.port();
        let mut config = format!("[listen]\nport = {port}\nhistory = 0\n");
        let known: std::collections::BTreeSet<_> = known.iter().map(|&n| self.ports[n]).collect();
        for port in known {
            config += &format!("[[peer]]\naddr = \"127.0.0.1:{port}\"\n");
        }
        StateDir::create(&home, false)?;
        std::fs::write(home.join("config.toml"), config)?;
        let name = format!("peer{}", self.ports.len());
        tokio::spawn(listen(&home, &name, socket)?);
        self.ports.push(port);
        Ok(())
    }

    async fn run_until_all_know_all(&self) -> Result<usize> {
        for round in 1..=MAX_ROUNDS {
            self.round(round, "").await?;
            if self.known()?.0 == self.ports.len() - 1 {
                return Ok(round);
            }
        }
        println!("given up");
        Ok(MAX_ROUNDS)
    }

    /// One bootstrap of every peer.
    async fn round(&self, round: usize, remark: &str) -> Result<()> {
        let mut order: Vec<_> =
            (0..self.ports.len()).map(|number| (random(usize::MAX), number)).collect();
        order.sort_unstable();
        let (bytes, start) = (loopback_bytes()?, Instant::now());
        let homes: Vec<_> = order.iter().map(|(_, number)| (*number, self.home(*number))).collect();
        spawn_blocking(move || bootstrap(&homes)).await?;
        let each = self.ports.len() as f64;
        let kib = (loopback_bytes()? - bytes) as f64 / 1024.0 / each;
        let ms = start.elapsed().as_secs_f64() * 1e3 * JOBS as f64 / each;
        let (least, mean) = self.known()?;
        println!("| {round} {remark} | {least} | {mean:.1} | {kib:.1} | {ms:.1} |");
        // the listeners make their lists at most five times a second
        tokio::time::sleep(Duration::from_millis(250)).await;
        Ok(())
    }

    /// How many others the peers know: the least, and on average.
    fn known(&self) -> Result<(usize, f64)> {
        let mut counts = Vec::new();
        for number in 0..self.ports.len() {
            counts.push(open(&self.home(number), "peer")?.peers.book().len());
        }
        let least = counts.iter().min().copied().unwrap_or_default();
        Ok((least, counts.iter().sum::<usize>() as f64 / counts.len() as f64))
    }
}

fn open(home: &Path, name: &str) -> Result<Home> {
    let (home, name) = (Some(home.to_owned()), Some(name.to_owned()));
    Ok(Home::open(&Global { home, name, quiet: true, ..Global::default() }, &Flags::default())?)
}

/// One bootstrap of each of these, in this order.
fn bootstrap(homes: &[(usize, PathBuf)]) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((number, home)) = homes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut command = Command::new(P2P);
            command.env_clear().env("P2P_HOME", home).env("P2P_NAME", format!("peer{number}"));
            let _ = command.args(["bootstrap", "-q"]).stderr(Stdio::null()).status();
        }
    };
    thread::scope(|scope| (0..JOBS).for_each(|_| drop(scope.spawn(work))));
}

/// A listener as `p2p listen --share-peers any` makes it, without a terminal.
fn listen(
    home: &Path,
    name: &str,
    socket: tokio::net::TcpListener,
) -> Result<impl Future<Output = ()> + use<>> {
    let Home { settings, ui, peers, .. } = open(home, name)?;
    let credentials = Credentials::open(&settings.data_dir, false)?;
    let key = Some(credentials.public());
    let (queue, _) = unbounded_channel();
    let recorder = Recorder {
        ui,
        form: Form::Escaped,
        marks_claims: false,
        history: None,
        durable: false,
        peers,
        seen: Seen::open(|| StateDir::create(home, false))?,
        door: Door {
            accept: Accept::Any,
            from: None,
            topics: None,
            own: key,
            claims: Trouble::default(),
        },
        shared: Shared::new(p2p::trust::Share::Any),
        count: None,
        hooks: Hooks::new(Vec::new(), 1024, queue),
    };
    let (inbox, received) = mpsc::channel(64);
    let (over, is_over) = oneshot::channel();
    recorder.start(received, over)?;
    let identity =
        Identity { name: settings.name, port: socket.local_addr()?.port(), advertised: None };
    let sessions = Some(Sessions { config: credentials.server()?, key: credentials.public() });
    let limits = settings.listen.limits;
    let for_ever = async {
        let _ = is_over.await;
        Haste::Finish
    };
    Ok(listener::run(socket, identity, sessions, Secure::Prefer, limits, inbox, for_ever))
}

/// A number below this one.
fn random(below: usize) -> usize {
    RandomState::new().hash_one(0) as usize % below
}

/// Bytes that the loopback interface has carried.
fn loopback_bytes() -> Result<u64> {
    let devices = std::fs::read_to_string("/proc/net/dev")?;
    let line = devices.lines().find_map(|line| line.trim().strip_prefix("lo:"));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no loopback")?.parse()?)
}
