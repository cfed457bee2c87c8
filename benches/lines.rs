//! Times `p2p send --lines`: many short messages through one session, each stored, printed and acknowledged.
//!
//! ```text
//! cargo bench --bench lines               # 1,000,000 lines
//! cargo bench --bench lines -- 100000
//! ```
//!
//! Beside it a bare pair of threads over one TCP connection, unencrypted: it writes the same lines with the same window of 64,
//! has each written to a file, and reads an answer line for each. It has no ids, no history and no keys. Quote the ratio,
//! not the rate. Figures are of whole processes; those of CPU time and memory are what Linux tells of them.
//!
//! It ends with an error if a line is not on the output exactly once and in order, or if the kept part of a history is not
//! the end of all lines without a gap.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use p2p::codec::frame::WINDOW_MESSAGES;

const P2P: &str = env!("CARGO_BIN_EXE_p2p");

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let lines: u64 = arguments.first().map_or(Ok(1_000_000), |n| n.parse())?;
    let dir = std::env::temp_dir().join(format!("p2p-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let result = compare(lines.max(10), &dir);
    std::fs::remove_dir_all(&dir)?;
    result
}

fn compare(lines: u64, dir: &Path) -> Result<()> {
    println!("{lines} lines, {WINDOW_MESSAGES} under way");
    let bare = bare(lines, dir)?;
    println!("bare     {:9.0} /s  CPU of both {:.2} µs a line", bare.rate, bare.cpu);
    let Figures { rate, cpu_sender, cpu_listener, early, late } = send_lines(lines, dir)?;
    let ratio = rate / bare.rate;
    println!("p2p      {rate:9.0} /s  ratio {ratio:.2}");
    println!(
        "         CPU of the sender {cpu_sender:.2} µs a line, the listener {cpu_listener:.2}"
    );
    for (end, before, after) in [("sender", early.0, late.0), ("listener", early.1, late.1)] {
        println!("         {end}: {before} KiB after a tenth, {after} KiB after all, at most");
    }
    Ok(())
}

/// What the bare threads came to: lines a second, and microseconds of CPU time for each.
struct Bare {
    rate: f64,
    cpu: f64,
}

/// What p2p came to: the same for both ends, and the most memory of sender and listener in KiB after a tenth of the lines and
/// after all of them.
struct Figures {
    rate: f64,
    cpu_sender: f64,
    cpu_listener: f64,
    early: (u64, u64),
    late: (u64, u64),
}

/// Sends the lines to a thread that writes them to a file and answers each.
fn bare(lines: u64, dir: &Path) -> Result<Bare> {
    let socket = TcpListener::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    let mut file = File::create(dir.join("bare"))?;
    let (before, start) = (cpu_seconds("self")?, Instant::now());
    let receiver = thread::spawn(move || receive_bare(&socket, &mut file));
    send_bare(lines, address)?;
    receiver.join().map_err(|_| "the receiver has panicked")??;
    let (time, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds("self")? - before);
    check_in_order(BufReader::new(File::open(dir.join("bare"))?), lines, |_| Ok(()))?;
    Ok(Bare { rate: lines as f64 / time, cpu: cpu * 1e6 / lines as f64 })
}

fn send_bare(lines: u64, to: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    let (mut sent, mut answered, mut answers) = (0, 0, [0; 16 * 1024]);
    while answered < lines {
        let mut bytes = Vec::new();
        while sent < lines && sent - answered < WINDOW_MESSAGES as u64 {
            sent += 1;
            writeln!(bytes, "{sent}")?;
        }
        stream.write_all(&bytes)?;
        let count = stream.read(&mut answers)?;
        if count == 0 {
            return Err("the receiver has gone".into());
        }
        answered += answers[..count].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    Ok(())
}

/// Takes what has come by now, up to its last whole line.
fn receive_bare(socket: &TcpListener, file: &mut File) -> std::io::Result<()> {
    let (mut stream, _) = socket.accept()?;
    stream.set_nodelay(true)?;
    let (mut chunk, mut held) = ([0; 16 * 1024], Vec::new());
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        held.extend_from_slice(&chunk[..count]);
        let Some(last) = held.iter().rposition(|byte| *byte == b'\n') else { continue };
        let whole: Vec<u8> = held.drain(..=last).collect();
        file.write_all(&whole)?;
        let answers = whole.iter().filter(|byte| **byte == b'\n').count();
        stream.write_all(&b"ok\n".repeat(answers))?;
    }
}

/// Sends the lines from one home to the listener of another.
fn send_lines(lines: u64, dir: &Path) -> Result<Figures> {
    let (mut listener, address) = listen(&dir.join("receiver"))?;
    let shown = listener.0.stdout.take().ok_or("no pipe")?;
    let start = Instant::now();
    let mut command = Command::new(P2P);
    command.args(["send", &address, "--lines", "--name", "bench", "--home"]);
    let mut sender = Ended(command.arg(dir.join("sender")).stdin(Stdio::piped()).spawn()?);
    let stdin = sender.0.stdin.take().ok_or("no pipe")?;
    // it is kept open so that the sender, with its figures, is there when all lines are
    let writer = thread::spawn(move || {
        let mut stdin = BufWriter::with_capacity(64 * 1024, stdin);
        (1..=lines).try_for_each(|line| writeln!(stdin, "{line}"))?;
        stdin.flush()?;
        Ok::<_, std::io::Error>(stdin)
    });
    let (seen, early_and_late) = mpsc::channel();
    let reader = thread::spawn(move || watch(shown, lines, &seen));
    let peaks = || Ok::<_, Box<dyn Error>>((peak_kib(&sender.0)?, peak_kib(&listener.0)?));
    early_and_late.recv().map_err(|_| "the listener does not show a tenth of the lines")?;
    let early = peaks()?;
    early_and_late.recv().map_err(|_| "the listener does not show all lines in order")?;
    let late = peaks()?;
    drop(writer.join().map_err(|_| "the writer has panicked")??);
    let status = sender.0.wait()?;
    let time = start.elapsed().as_secs_f64();
    if !status.success() {
        return Err("the sender says that not all were acknowledged".into());
    }
    let cpu_listener = cpu_seconds(&listener.0.id().to_string())?;
    let cpu_all = cpu_of_children()?;
    let stopped = Command::new("kill").arg(listener.0.id().to_string()).status()?.success();
    let ended = listener.0.wait()?.success();
    reader.join().map_err(|_| "the reader has panicked")??;
    if !(stopped && ended) {
        return Err("the listener has not ended in order".into());
    }
    check_history(&dir.join("receiver"), "messages", lines)?;
    check_history(&dir.join("sender"), "sent", lines)?;
    let each = |seconds: f64| seconds * 1e6 / lines as f64;
    let (cpu_sender, cpu_listener) = (each(cpu_all), each(cpu_listener));
    Ok(Figures { rate: lines as f64 / time, cpu_sender, cpu_listener, early, late })
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

fn listen(home: &Path) -> Result<(Ended, String)> {
    let mut command = Command::new(P2P);
    command.args(["listen", "-p", "0", "-b", "127.0.0.1", "--name", "bench", "--home"]);
    let mut child = command.arg(home).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take();
    let child = Ended(child);
    let mut stderr = BufReader::new(stderr.ok_or("no pipe")?);
    let mut ready = String::new();
    stderr.read_line(&mut ready)?;
    let address = ready.split(' ').nth(2).ok_or("it is not ready")?.trim().to_owned();
    // whatever else it says is read, so that it never waits for us
    thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    Ok((child, address))
}

/// Reads the listener's output to its end; tells when a tenth of the lines and when all of them have been seen.
fn watch(
    shown: ChildStdout,
    lines: u64,
    seen: &mpsc::Sender<()>,
) -> std::result::Result<(), String> {
    check_in_order(BufReader::with_capacity(64 * 1024, shown), lines, |line| {
        if line == lines / 10 || line == lines {
            // whoever waits for it may have given up
            let _ = seen.send(());
        }
        Ok(())
    })
    .map_err(|error| error.to_string())
}

/// Whether the last words of all lines are the numbers from 1 on, each once.
fn check_in_order(
    mut shown: impl std::io::BufRead,
    lines: u64,
    mut seen: impl FnMut(u64) -> Result<()>,
) -> Result<()> {
    let (mut last, mut line) = (0, Vec::new());
    while shown.read_until(b'\n', &mut line)? > 0 {
        let word = line.trim_ascii_end().rsplit(|byte| *byte == b' ').next().unwrap_or_default();
        let number: u64 = std::str::from_utf8(word)?.parse()?;
        if number != last + 1 {
            return Err(format!("after line {last} comes {number}").into());
        }
        last = number;
        line.clear();
        seen(last)?;
    }
    if last == lines { Ok(()) } else { Err(format!("{last} lines of {lines} are there").into()) }
}

/// What is kept of a history has to be its end, without a gap, each number of the history with the text of that number.
fn check_history(home: &Path, name: &str, lines: u64) -> Result<()> {
    let mut kept = 0..0;
    for page in [format!("{name}.1.ndjson"), format!("{name}.ndjson")] {
        let Ok(file) = File::open(home.join(page)) else { continue };
        for line in BufReader::new(file).lines() {
            let object: serde_json::Value = serde_json::from_str(&line?)?;
            let number = object["seq"].as_u64().ok_or("a record without a number")?;
            let is_next = kept.is_empty() || number == kept.end;
            if !is_next || object["body"] != number.to_string().as_str() {
                return Err(format!("record {number} of `{name}` is not the next one").into());
            }
            kept = if kept.is_empty() { number..number + 1 } else { kept.start..number + 1 };
        }
    }
    if kept.end != lines + 1 {
        return Err(
            format!("the history of `{name}` ends before {}, not with {lines}", kept.end).into()
        );
    }
    println!("         `{name}` keeps {} lines, in order and without a gap", kept.end - kept.start);
    Ok(())
}

/// The most memory that a process has had so far.
fn peak_kib(process: &Child) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// User and system time of a process.
fn cpu_seconds(process: &str) -> Result<f64> {
    times(process, 11)
}

/// The same of our children that have ended and were waited for; here there has been one.
fn cpu_of_children() -> Result<f64> {
    times("self", 13)
}

/// The sum of two fields of `/proc/PID/stat` that are clock ticks, counted behind the name of the process; Linux has 100 ticks in
/// a second on every machine.
fn times(process: &str, field: usize) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no process")?;
    let ticks = fields.split_ascii_whitespace().skip(field).take(2).map(str::parse::<u64>);
    Ok(ticks.sum::<std::result::Result<u64, _>>()? as f64 / 100.0)
}
