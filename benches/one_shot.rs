//! Times short p2p commands as whole processes beside the bare socket calls, `nc` and `/bin/true` as whole processes.
//!
//! ```text
//! cargo bench --bench one_shot            # 200 runs of each, in turn
//! cargo bench --bench one_shot -- 1000
//! ```
//!
//! The bare sender is this program started again with `bare ADDR`: connect, one write, half-close, read to the end. All talk
//! to the same running `p2p listen`. An encrypted send knows the listener's key from before, as every one but the first
//! does; a first contact has its own key already, and knows nobody. Quote the ratios, not the milliseconds.
//!
//! This program uses nothing of p2p itself: with our crates linked in the bare sender would start later.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const P2P: &str = env!("CARGO_BIN_EXE_p2p");

/// What every plain sender says, as a student program would.
const MESSAGE: &[u8] = b"127.0.0.1:6000 bare Hi";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [word, address] = arguments.as_slice()
        && word == "bare"
    {
        return send_bare(address);
    }
    let runs = arguments.first().map_or(Ok(200), |n| n.parse())?;
    compare(runs)
}

fn send_bare(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.write_all(MESSAGE)?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    if reply.is_empty() { Err("no reply".into()) } else { Ok(()) }
}

struct Listener {
    child: Child,
    address: String,
}

impl Listener {
    fn start(home: &Path) -> Result<Self> {
        let mut command = Command::new(P2P);
        command.args(["listen", "-p", "0", "-b", "127.0.0.1", "--name", "bench", "--home"]);
        let command = command.arg(home).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut listener = Self { child: command.spawn()?, address: String::new() };
        let mut ready = String::new();
        BufReader::new(listener.child.stderr.take().ok_or("no stderr")?).read_line(&mut ready)?;
        listener.address = ready.split(' ').nth(2).ok_or("no address")?.to_owned();
        Ok(listener)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Something that is timed.
struct Row {
    name: &'static str,
    command: Box<dyn Fn() -> Result<Command>>,
    times: Vec<Duration>,
}

impl Row {
    fn new(name: &'static str, command: impl Fn() -> Result<Command> + 'static) -> Self {
        Self { name, command: Box::new(command), times: Vec::new() }
    }

    /// A p2p with a home of its own.
    fn p2p(name: &'static str, home: PathBuf, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        Self::new(name, move || {
            let mut command = Command::new(P2P);
            command.arg("--quiet").arg("--home").arg(&home).args(&arguments);
            command.stdin(Stdio::null());
            Ok(command)
        })
    }
}

fn compare(runs: usize) -> Result<()> {
    let home = tempfile::tempdir()?;
    let at = |name: &str| home.path().join(name);
    let listener = Listener::start(&at("listener"))?;
    let address = listener.address.as_str();
    for (home, peers) in [("ten", 9), ("many", 9_999)] {
        enter(&at(home), peers)?;
        // the one that answers is met, with its key
        run(Command::new(P2P).arg("--home").arg(at(home)).args(["send", address, "Hi"]))?;
    }
    let text = at("text");
    fs::write(&text, MESSAGE)?;
    fs::create_dir(at("first"))?;

    let to = address.to_owned();
    let bare = move || -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", &to]);
        Ok(command)
    };
    let mut rows = vec![Row::new("bare socket calls", bare)];
    rows.push(Row::new("/bin/true", || Ok(Command::new("/bin/true"))));
    if Command::new("nc").arg("-h").output().is_ok() {
        let port = address.rsplit(':').next().unwrap_or_default().to_owned();
        rows.push(Row::new("nc -N", move || {
            let mut command = Command::new("nc");
            command.args(["-N", "127.0.0.1", &port]).stdin(File::open(&text)?);
            Ok(command)
        }));
    }
    let plain = ["send", address, "Hi", "--secure", "off"];
    let secure = ["send", address, "Hi", "--secure", "require"];
    let first = at("first");
    let forgets = first.clone();
    let first = Row::p2p("p2p send, first contact", first, &secure);
    rows.extend([
        Row::new("p2p --version", || {
            let mut command = Command::new(P2P);
            command.arg("--version");
            Ok(command)
        }),
        Row::p2p("p2p send, in plain", at("plain"), &plain),
        Row::p2p("p2p send, in a session", at("session"), &secure),
        Row {
            command: Box::new(move || match fs::remove_file(forgets.join("peers")) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                _ => (first.command)(),
            }),
            ..first
        },
        Row::p2p("p2p peers, 10", at("ten"), &["peers"]),
        Row::p2p("p2p peers, 10,000", at("many"), &["peers"]),
        Row::p2p("p2p send, 1 of 10,000", at("many"), &secure),
        Row::p2p("the same by its name", at("many"), &["send", "bench", "Hi"]),
    ]);
    for run in 0..runs + 10 {
        for row in &mut rows {
            let time = time((row.command)()?)?;
            // the first ones warm the caches, and ask for the key
            if run >= 10 {
                row.times.push(time);
            }
        }
    }
    report(runs, &rows);
    Ok(())
}

fn report(runs: usize, rows: &[Row]) {
    println!("{runs} runs of each, in turn, against one listener on loopback; milliseconds");
    println!(
        "{:24} {:>7} {:>7} {:>7}   {:>14}   {:>12}",
        "whole process", "min", "median", "p95", "ratio to bare", "to /bin/true"
    );
    let [bare, nothing] = [0, 1].map(|row: usize| quantiles(&rows[row].times));
    for row in rows {
        let [min, median, p95] = quantiles(&row.times);
        println!(
            "{:24} {min:7.3} {median:7.3} {p95:7.3}   {:6.2}  {:6.2}   {:5.2}  {:5.2}",
            row.name,
            min / bare[0],
            median / bare[1],
            min / nothing[0],
            median / nothing[1]
        );
    }
    println!("ratios: of the minimums, of the medians");
}

/// Writes a peers file of so many peers, as p2p does. Its own code would be linked in and make the bare sender slower.
fn enter(home: &Path, peers: usize) -> Result<()> {
    fs::DirBuilder::new().mode(0o700).create(home)?;
    let file = File::options().write(true).create_new(true).mode(0o600).open(home.join("peers"))?;
    let mut file = BufWriter::new(file);
    for number in 0..peers {
        let address = format!("10.1.{}.{}:5000", number / 250, number % 250);
        let time = "2026-11-21T10:00:00.123Z";
        let record = format!(
            "{{\"v\":1,\"addr\":\"{address}\",\"name\":\"peer{number}\",\"source\":\"heard\",\
             \"verified\":true,\"key\":\"{number:064x}\",\"wire\":\"native\",\
             \"first_seen\":\"{time}\",\"last_seen\":\"{time}\"}}"
        );
        writeln!(file, "{:08x} {record}", crc32(record.as_bytes()))?;
    }
    Ok(file.flush()?)
}

/// The CRC-32 of IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let step = |sum: u32, _| (sum >> 1) ^ if sum & 1 == 1 { POLYNOMIAL } else { 0 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

/// Runs a command to its end, which has to be a good one.
fn run(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

fn time(mut command: Command) -> Result<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::inherit());
    let start = Instant::now();
    let status = command.status()?;
    let elapsed = start.elapsed();
    if status.success() { Ok(elapsed) } else { Err(format!("{command:?}: {status}").into()) }
}

fn quantiles(times: &[Duration]) -> [f64; 3] {
    let mut ms: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1e3).collect();
    ms.sort_by(f64::total_cmp);
    let at = |q: f64| ms[((ms.len() - 1) as f64 * q).round() as usize];
    [at(0.0), at(0.5), at(0.95)]
}
