//! Counts the instructions of one-shot commands with valgrind, and compares them with the ceilings in `ceilings.toml`.
//!
//! ```text
//! cargo bench --bench instructions            # exit status 1 if a command is above its ceiling
//! cargo bench --bench instructions -- --write # makes the ceilings: what is counted now, and a margin
//! ```
//!
//! On a machine that has other work to do times tell little; a process executes the same instructions there. What has a
//! ceiling is the whole process in user space, less what a Rust program executes that does nothing. The C library
//! counts: half of what a short command causes is done there, copying and allocating. So does what a larger program
//! costs in the loader. What loader, C library and Rust do for any program does not: it is not ours, and other
//! systems have another one. Of several runs the one with the least is taken, as keys, and who waits for whom, make some
//! longer.
//!
//! What the kernel does is not counted: more system calls, a sync, or one more round trip are seen by `one_shot`.
//!
//! A busy machine, one processor, another user or network change nothing, as each run begins with the same files, an empty
//! environment and paths of one length; a long host name or path of the program adds up to 0.7 %. Another compiler
//! or C library makes another program. Valgrind shows it a processor of its own, with AVX2 where there is some.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]
#![expect(clippy::print_stderr, reason = "what is wrong is no figure")]

mod ceilings;

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

const P2P: &str = env!("CARGO_BIN_EXE_p2p");

/// How often each command is run.
const RUNS: usize = 5;

/// A home whose last peer is the listener, which has been written to once.
struct Home {
    name: &'static str,
    /// The peers but for the listener.
    others: usize,
    /// How the listener was written to.
    secure: &'static str,
}

const PLAIN: &Home = &Home { name: "plain", others: 9, secure: "off" };
/// The key of the listener is known here.
const SESSION: &Home = &Home { name: "known", others: 9, secure: "require" };
const LARGE: &Home = &Home { name: "large", others: 9_999, secure: "off" };

/// Each command with the name of its ceiling and the home that it is run in.
const COMMANDS: [(&str, &Home, &[&str]); 6] = [
    ("p2p --version", PLAIN, &["--version"]),
    ("p2p peers, 10", PLAIN, &["peers"]),
    ("p2p peers, 10,000", LARGE, &["peers"]),
    ("p2p send, plain", PLAIN, &["send", PORT, "Hi", "--secure", "off"]),
    ("p2p send, plain, 1 of 10,000", LARGE, &["send", PORT, "Hi", "--secure", "off"]),
    ("p2p send, session", SESSION, &["send", PORT, "Hi"]),
];

/// Stands for the listener among the words of a command.
const PORT: &str = ":PORT";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let ended = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => measure().and_then(|counts| ceilings::compare(&counts)),
        ["--write"] => measure().and_then(|counts| ceilings::write(&counts)),
        _ => Err("the only option is --write".into()),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// What was counted for one command.
struct Count {
    name: &'static str,
    whole: u64,
    /// Without what a program executes that does nothing.
    own: u64,
    /// How many more the longest of the runs had.
    spread: u64,
}

/// Runs all commands, in turn.
fn measure() -> Result<Vec<Count>> {
    // not where TMPDIR says: the length of a path costs instructions
    let dir = tempfile::Builder::new().prefix("p2p-").tempdir_in("/tmp")?;
    let meter = Meter { valgrind: valgrind()?, dir: dir.path().to_owned() };
    let nothing = compile_nothing(dir.path())?;
    let (_listener, port) = listen(dir.path())?;
    for home in [PLAIN, SESSION, LARGE] {
        prepare(dir.path(), home, &port)?;
    }
    let mut bare = Vec::new();
    let mut counted = [const { Vec::new() }; COMMANDS.len()];
    for _ in 0..RUNS {
        bare.push(meter.count(&nothing, &[], PLAIN)?);
        for ((_, home, words), counted) in COMMANDS.iter().zip(&mut counted) {
            let words: Vec<_> = words.iter().map(|w| if *w == PORT { &*port } else { w }).collect();
            counted.push(meter.count(Path::new(P2P), &words, home)?);
        }
    }
    let least = |counted: &[u64]| counted.iter().min().copied().unwrap_or_default();
    let bare = least(&bare);
    println!("{RUNS} runs of each; a Rust program that does nothing: {}", ceilings::grouped(bare));
    let counts = COMMANDS.iter().zip(&counted).map(|((name, ..), counted)| {
        let (whole, most) = (least(counted), counted.iter().max().copied().unwrap_or_default());
        Count { name, whole, own: whole.saturating_sub(bare), spread: most - whole }
    });
    Ok(counts.collect())
}

/// Where valgrind is.
fn valgrind() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("valgrind")).find(|f| f.exists());
    found.ok_or_else(|| "there is no valgrind: apt-get install valgrind".into())
}

/// Makes a Rust program that does nothing. This one will not do: as it is linked with our library, the loader has more
/// to do for it.
fn compile_nothing(dir: &Path) -> Result<PathBuf> {
    let (source, program) = (dir.join("none.rs"), dir.join("none"));
    fs::write(&source, "fn main() {}")?;
    let mut command = Command::new("rustc");
    run(command.args(["-O", "-C", "strip=symbols", "-o"]).arg(&program).arg(&source))?;
    Ok(program)
}

/// Runs a command that has to succeed.
fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
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

/// Starts a listener, and gives it with its address as this machine may write it, `:PORT`.
fn listen(dir: &Path) -> Result<(Ended, String)> {
    let mut command = Command::new(P2P);
    command.args(["listen", "-p", "0", "-b", "127.0.0.1", "--name", "bench", "--home", "listener"]);
    command.current_dir(dir).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    let mut listener = Ended(command.stderr(Stdio::piped()).spawn()?);
    let said = BufReader::new(listener.0.stderr.take().ok_or("no stderr")?).lines();
    let mut said = said.map_while(std::result::Result::ok);
    let ready = said.find(|line| line.starts_with("listening on ")).ok_or("no listener")?;
    let address = ready.split(' ').nth(2).ok_or("no address")?;
    let (_, port) = address.rsplit_once(':').ok_or("no port")?;
    Ok((listener, format!(":{port}")))
}

/// Makes a home, and keeps a copy of it.
fn prepare(dir: &Path, home: &Home, port: &str) -> Result<()> {
    let path = dir.join(home.name);
    enter(&path, home.others)?;
    let mut command = Command::new(P2P);
    command.args(["send", port, "Hi", "--secure", home.secure]).env_clear().env("P2P_HOME", &path);
    run(&mut command)?;
    copy(&path, &path.with_extension("kept"))
}

/// Enters so many peers, as `p2p peers add` does.
fn enter(home: &Path, peers: usize) -> Result<()> {
    use p2p::book::{Caps, Edit, PeerBook};
    use p2p::state::peers_file::{PeersFile, Place};
    use p2p::trust::Trust;
    let place = Place {
        path: home.to_owned(),
        allow_network: false,
        lock_wait: Duration::from_secs(5),
        caps: Caps::default(),
        trust: Trust::Tofu,
        configured: Vec::new(),
    };
    let mut file = PeersFile::open(place).map_err(|failure| failure.to_string())?;
    file.update(|book: &mut PeerBook| -> Result<()> {
        for number in 0..peers {
            let address = format!("10.1.{}.{}:5000", number / 250, number % 250).parse()?;
            let name = Some(format!("peer{number}").parse().map_err(|_| "no name")?);
            let edit = Edit { name, ..Edit::default() };
            book.add(&address, edit).map_err(|other| format!("{other} has that name"))?;
        }
        Ok(())
    })
    .map_err(|failure| failure.to_string())?
}

/// Puts the files of one directory into another one, in place of those that are there.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for old in fs::read_dir(to)? {
        fs::remove_file(old?.path())?;
    }
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

/// Counts instructions.
struct Meter {
    valgrind: PathBuf,
    dir: PathBuf,
}

impl Meter {
    /// Runs a program that has to succeed, in a home as it was made.
    fn count(&self, program: &Path, words: &[&str], home: &Home) -> Result<u64> {
        let home = self.dir.join(home.name);
        copy(&home.with_extension("kept"), &home)?;
        let mut command = Command::new(&self.valgrind);
        command.args(["-q", "--tool=callgrind", "--callgrind-out-file=counted"]).arg(program);
        command.args(words).current_dir(&self.dir).env_clear();
        run(command.env("LC_ALL", "C").env("P2P_HOME", home))?;
        let counted = fs::read_to_string(self.dir.join("counted"))?;
        let total = counted.lines().find_map(|line| line.strip_prefix("totals: "));
        Ok(total.ok_or("valgrind has counted nothing")?.trim().parse()?)
    }
}
