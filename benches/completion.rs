//! Times what a TAB waits for, as a whole process, beside `/bin/true`: the answer to a line that a shell completes.
//!
//! ```text
//! cargo bench --bench completion            # 100 runs of each, in turn, with 10,000 peers
//! cargo bench --bench completion -- 1000 100
//! ```
//!
//! The arguments are the number of runs and of peers. What the shell itself does with the answer is not in the figures.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

use std::error::Error;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const P2P: &str = env!("CARGO_BIN_EXE_p2p");

/// Peers that are entered by the configuration, which is slower to read than the peers file.
const CONFIGURED: usize = 10;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |at: usize, default| arguments.get(at).map_or(Ok(default), |n| n.parse());
    let (runs, peers) = (number(0, 100)?, number(1, 10_000)?);
    let home = tempfile::tempdir()?;
    let mut config = String::from("[limits]\npeers = 20000\n");
    for number in 0..CONFIGURED {
        write!(config, "[[peer]]\nname = \"fixed{number}\"\naddr = \"10.99.0.{number}:5000\"\n")?;
    }
    std::fs::write(home.path().join("config.toml"), config)?;
    enter(home.path(), peers)?;

    let lines =
        ["p2p se", "p2p send ", "p2p send peer99", "p2p send 10.1.2", "p2p ping ", "p2p ping @"];
    let mut times = vec![Vec::new(); lines.len() + 1];
    for run in 0..runs + 5 {
        let mut once = vec![time(&mut Command::new("/bin/true"))?];
        for line in lines {
            let replaced = line.rsplit([' ', '@']).next().unwrap_or_default();
            let mut command = Command::new(P2P);
            command.args(["completions", "bash", "--", line, replaced]);
            once.push(time(command.env("P2P_HOME", home.path()))?);
        }
        // the first ones warm the caches
        if run >= 5 {
            times.iter_mut().zip(once).for_each(|(times, time)| times.push(time));
        }
    }
    println!("{runs} runs of each, in turn, {peers} peers in the file; milliseconds");
    println!("{:24} {:>8} {:>8} {:>8}", "whole process", "min", "median", "p95");
    for (name, times) in ["/bin/true"].iter().chain(&lines).zip(&mut times) {
        times.sort();
        let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
        let [min, median, p95] = [at(0.0), at(0.5), at(0.95)].map(|t| t.as_secs_f64() * 1e3);
        println!("{name:24} {min:8.2} {median:8.2} {p95:8.2}");
    }
    Ok(())
}

/// Enters so many peers, as `p2p peers add` does.
fn enter(home: &std::path::Path, peers: usize) -> Result<()> {
    use p2p::book::{Caps, Edit, PeerBook};
    use p2p::state::peers_file::{PeersFile, Place};
    use p2p::trust::Trust;
    let place = Place {
        path: home.to_owned(),
        allow_network: false,
        lock_wait: Duration::from_secs(5),
        caps: Caps { peers: 20_000, ..Caps::default() },
        trust: Trust::Tofu,
        configured: Vec::new(),
    };
    let mut file = PeersFile::open(place).map_err(|failure| failure.to_string())?;
    file.update(|book: &mut PeerBook| -> Result<()> {
        for number in 0..peers {
            let address = format!("10.1.{}.{}:5000", number / 250, number % 250).parse()?;
            let name = Some(format!("peer{number}").parse().map_err(|_| "no name")?);
            let tags = [format!("tag{}", number % 20).parse().map_err(|_| "no tag")?];
            let edit = Edit { name, tags: tags.into(), ..Edit::default() };
            book.add(&address, edit).map_err(|other| format!("{other} has that name"))?;
        }
        Ok(())
    })
    .map_err(|failure| failure.to_string())??;
    Ok(())
}

fn time(command: &mut Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    let start = Instant::now();
    let status = command.status()?;
    let elapsed = start.elapsed();
    if status.success() { Ok(elapsed) } else { Err(format!("{command:?}: {status}").into()) }
}
