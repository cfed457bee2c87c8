//! Times `p2p broadcast` as a whole process beside a bare tokio fan-out of the same messages as a whole process.
//!
//! ```text
//! cargo bench --bench many                # 10, 100, 1,000 and 10,000 peers
//! cargo bench --bench many -- 1000
//! ```
//!
//! The receivers are one more process of this program: it answers as a p2p does, on every address of the loopback
//! network 127.0.0.0/8, so that each address is a peer. Quote the ratio, not the milliseconds.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use p2p::codec::verdict::{Sum, Verdict};
use p2p::state::record::{Line, decode, encode};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const P2P: &str = env!("CARGO_BIN_EXE_p2p");

/// As many at once as `p2p broadcast` has by default.
const JOBS: usize = 64;

const MESSAGE: &str = "127.0.0.1:5000 bench deploy starts";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["receive"] => run(receive()),
        ["bare", list] => run(send_bare(list)),
        sizes => {
            let sizes: Vec<usize> =
                sizes.iter().map(|s| s.parse()).collect::<std::result::Result<_, _>>()?;
            compare(if sizes.is_empty() { &[10, 100, 1_000, 10_000] } else { &sizes })
        }
    }
}

fn run(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Answers every connection as a p2p that has stored what came.
async fn receive() -> Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    let socket = TcpListener::from_std(socket.into())?;
    println!("{}", socket.local_addr()?.port());
    loop {
        let (mut stream, _) = socket.accept().await?;
        tokio::spawn(async move {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await?;
            let verdict = Verdict::Ok { sum: Sum::of(&bytes), name: None, port: None, key: None };
            stream.write_all(verdict.encode().as_bytes()).await
        });
    }
}

/// The same without anything else: connect, one write, half-close, read to the end.
async fn send_bare(list: &str) -> Result<()> {
    let jobs = Arc::new(Semaphore::new(JOBS));
    let mut running = JoinSet::new();
    for line in std::fs::read_to_string(list)?.lines() {
        let (address, jobs) = (line.parse::<SocketAddr>()?, Arc::clone(&jobs));
        running.spawn(async move {
            let _job = jobs.acquire().await;
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            stream.write_all(MESSAGE.as_bytes()).await?;
            stream.shutdown().await?;
            let mut reply = Vec::new();
            stream.read_to_end(&mut reply).await?;
            Ok::<bool, std::io::Error>(reply.starts_with(b"P2P/1 OK "))
        });
    }
    while let Some(done) = running.join_next().await {
        if !done?? {
            return Err("a message was not acknowledged".into());
        }
    }
    Ok(())
}

/// A process that ends with its guard.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A whole process: how long it took, its peak memory in KiB, and its open files at most.
struct Figures {
    time: Duration,
    peak_kib: u64,
    files: usize,
}

fn compare(sizes: &[usize]) -> Result<()> {
    let dir = std::env::temp_dir().join(format!("p2p-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let mut command = Command::new(std::env::current_exe()?);
    let mut receivers = Ended(command.arg("receive").stdout(Stdio::piped()).spawn()?);
    let mut port = String::new();
    let stdout = receivers.0.stdout.take().ok_or("no pipe")?;
    BufReader::new(stdout).read_line(&mut port)?;
    let port: u16 = port.trim().parse()?;

    println!("  peers     bare      p2p  ratio   peak memory   open files");
    for &size in sizes {
        let peers: Vec<_> = (0..size).map(|number| address(1, number, port)).collect();
        let list = dir.join("list");
        std::fs::write(&list, peers.iter().map(|peer| format!("{peer}\n")).collect::<String>())?;
        let home = home(&dir, &peers)?;
        let rounds = if size > 1000 { 5 } else { 15 };
        let (mut bare, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let mut command = Command::new(std::env::current_exe()?);
            bare.push(time(command.arg("bare").arg(&list), 0)?.time);
            ours.push(time(&mut broadcast(&home, &[]), 0)?);
        }
        bare.sort();
        ours.sort_by_key(|figures| figures.time);
        let (bare, ours) = (bare[rounds / 2], &ours[rounds / 2]);
        println!(
            "{size:7} {:5.1} ms {:5.1} ms  {:5.2}  {:8} KiB  {:11}",
            bare.as_secs_f64() * 1e3,
            ours.time.as_secs_f64() * 1e3,
            ours.time.as_secs_f64() / bare.as_secs_f64(),
            ours.peak_kib,
            ours.files,
        );
    }
    if let Some(&most) = sizes.iter().max() {
        let peers: Vec<_> = (0..most).map(|number| address(1, number, port)).collect();
        let home = home(&dir, &peers)?;
        let figures = time(&mut broadcast(&home, &["-j", &most.to_string()]), 0)?;
        let Figures { time, peak_kib, files } = figures;
        println!("{most} peers with -j {most}: {time:.1?}, {peak_kib} KiB, {files} open files");
        listing(&home, most)?;
    }
    with_trouble(&dir, port)?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// How long it takes to find a peer among so many, beside a start that does nothing.
fn listing(home: &Path, size: usize) -> Result<()> {
    let median = |arguments: &[&str]| -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..31 {
            let mut command = Command::new(P2P);
            times.push(time(command.arg("--home").arg(home).args(arguments), 0)?.time);
        }
        times.sort();
        Ok(times[times.len() / 2].as_secs_f64() * 1e3)
    };
    let name = format!("peer{}", size - 1);
    let (start, all) = (median(&["--version"])?, median(&["peers"])?);
    let one = median(&["peers", "--only", &name])?;
    println!(
        "{size} peers: start {start:.1} ms, `p2p peers` {all:.1} ms, one of them by name {one:.1} ms"
    );
    Ok(())
}

/// 1,000 that answer, 100 that refuse and 100 that are silent.
fn with_trouble(dir: &Path, port: u16) -> Result<()> {
    // bound, and nobody listens
    let refusing = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    refusing.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
    // listening, and nobody accepts
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    silent.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
    silent.listen(1024)?;
    let port_of = |socket: &Socket| -> Result<u16> {
        Ok(socket.local_addr()?.as_socket().ok_or("no address")?.port())
    };
    let (refusing, silent) = (port_of(&refusing)?, port_of(&silent)?);
    let mut peers: Vec<_> = (0..1000).map(|number| address(1, number, port)).collect();
    let alone = time(&mut broadcast(&home(dir, &peers)?, &[]), 0)?;
    peers.extend((0..100).map(|number| address(2, number, refusing)));
    peers.extend((0..100).map(|number| address(3, number, silent)));
    let all = time(&mut broadcast(&home(dir, &peers)?, &["-t", "1s"]), 3)?;
    println!(
        "1,000 peers: {:.0} ms; with 100 that refuse and 100 that are silent, -t 1s: {:.0} ms",
        alone.time.as_secs_f64() * 1e3,
        all.time.as_secs_f64() * 1e3,
    );
    Ok(())
}

fn address(net: u8, number: usize, port: u16) -> SocketAddr {
    let [_, _, high, low] = u32::try_from(number).unwrap_or(0).to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, net + high / 64, high % 64, low), port))
}

/// A home with these peers in its peers file.
fn home(dir: &Path, peers: &[SocketAddr]) -> Result<PathBuf> {
    let home = dir.join("home");
    let _ = std::fs::remove_dir_all(&home);
    std::fs::create_dir_all(&home)?;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create_new(true).write(true).mode(0o600).open(home.join("peers"))?;
    let now = "2026-01-01T00:00:00.000Z";
    let records = peers.iter().enumerate().map(|(number, peer)| {
        let record = format!(
            "{{\"v\":1,\"addr\":\"{peer}\",\"name\":\"peer{number}\",\"source\":\"static\",\"verified\":true,\"wire\":\"native\",\
             \"first_seen\":\"{now}\",\"last_seen\":\"{now}\"}}"
        );
        match decode(record.as_bytes()) {
            // with its checksum, as p2p writes it
            Line::Record(record) => encode(&record),
            _ => String::new(),
        }
    });
    file.write_all(records.collect::<String>().as_bytes())?;
    Ok(home)
}

fn broadcast(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(P2P);
    command.args(["broadcast", "-q", "--secure", "off", "--name", "bench", "--home"]).arg(home);
    command.args(arguments).arg("deploy starts");
    command
}

/// Runs a process that has to end with this status.
fn time(command: &mut Command, status: i32) -> Result<Figures> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let watcher = thread::spawn(move || {
        let (mut peak_kib, mut files) = (0, 0);
        while let Ok(status) = std::fs::read_to_string(process.join("status")) {
            let Some(peak) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) else {
                break;
            };
            peak_kib = peak.trim().trim_end_matches(" kB").parse().unwrap_or(peak_kib);
            files =
                std::fs::read_dir(process.join("fd")).map_or(files, |all| files.max(all.count()));
            thread::sleep(Duration::from_millis(5));
        }
        (peak_kib, files)
    });
    let ended = child.wait()?;
    let time = start.elapsed();
    let (peak_kib, files) = watcher.join().map_err(|_| "the watcher has panicked")?;
    if ended.code() != Some(status) {
        return Err(format!("{command:?} ended with {ended}").into());
    }
    Ok(Figures { time, peak_kib, files })
}
