//! Times `p2p send :PORT Hi` as a whole process, encrypted and in plain, beside the bare socket calls as a whole process.
//!
//! ```text
//! cargo bench --bench one_shot            # 200 runs of each, in turn
//! cargo bench --bench one_shot -- 1000
//! ```
//!
//! The bare sender is this program started again with `bare ADDR`: connect, one write, half-close, read to the end. The
//! encrypted one knows the listener's key from before, as every send but the first does. All talk to the same running `p2p listen`. Quote the ratio, not the milliseconds.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const P2P: &str = env!("CARGO_BIN_EXE_p2p");

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
    stream.write_all(b"127.0.0.1:6000 bare Hi")?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    if reply.is_empty() { Err("no reply".into()) } else { Ok(()) }
}

struct Listener(Child);

impl Drop for Listener {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn compare(runs: usize) -> Result<()> {
    let home = std::env::temp_dir().join(format!("p2p-bench-{}", std::process::id()));
    let (ours, plain, theirs) = (home.join("sender"), home.join("plain"), home.join("listener"));
    let mut listener = Command::new(P2P);
    listener
        .args(["listen", "-p", "0", "-b", "127.0.0.1", "--name", "bench", "--home"])
        .arg(&theirs);
    let mut listener = Listener(listener.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?);
    let mut ready = String::new();
    BufReader::new(listener.0.stderr.take().ok_or("no stderr")?).read_line(&mut ready)?;
    let address = ready.split(' ').nth(2).ok_or("no address")?.to_owned();

    let bare = || {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", &address]);
        time(command)
    };
    let p2p = |home: &Path, secure: &str| {
        let mut command = Command::new(P2P);
        command.args(["--quiet", "--home"]).arg(home);
        command.args(["send", &address, "Hi", "--secure", secure]);
        time(command)
    };
    let none = || {
        let mut command = Command::new(P2P);
        command.arg("--version");
        time(command)
    };
    let mut times = [const { Vec::new() }; 4];
    for run in 0..runs + 10 {
        let once = [bare()?, p2p(&ours, "require")?, p2p(&plain, "off")?, none()?];
        // the first ones warm the caches, and ask for the key
        if run >= 10 {
            times.iter_mut().zip(once).for_each(|(times, time)| times.push(time));
        }
    }
    println!("{runs} runs of each, in turn, against one listener on loopback; milliseconds");
    println!("{:24} {:>8} {:>8} {:>8}", "whole process", "min", "median", "p95");
    let names = ["bare socket calls", "p2p send, encrypted", "p2p send, in plain", "p2p --version"];
    for (name, times) in names.iter().zip(&times) {
        let [min, median, p95] = quantiles(times);
        println!("{name:24} {min:8.3} {median:8.3} {p95:8.3}");
    }
    let [bare_min, bare_median, _] = quantiles(&times[0]);
    for (name, times) in names.iter().zip(&times).skip(1).take(2) {
        let [min, median, _] = quantiles(times);
        let (min, median) = (min / bare_min, median / bare_median);
        println!("ratio {name} / bare: {min:.2} by minimum, {median:.2} by median");
    }
    std::fs::remove_dir_all(&home)?;
    Ok(())
}

fn time(mut command: Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
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
