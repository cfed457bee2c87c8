//! A `p2p listen` with a home of its own, whose output is read and checked.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use p2p::key::PublicKey;
use p2p::session::tls::Credentials;

use super::Result;
use super::process::Process;

pub const P2P: &str = env!("CARGO_BIN_EXE_p2p");

/// A directory that goes with its guard.
pub struct Home(PathBuf);

impl Home {
    /// A new one with this configuration.
    pub fn new(config: &str) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("p2p-bench-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path)?;
        std::fs::write(path.join("config.toml"), config)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its key, made if it has none.
    pub fn key(&self) -> Result<PublicKey> {
        Ok(Credentials::open(&self.0, true).map_err(|failure| failure.to_string())?.public())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // what is left behind is in the directory of temporary files
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A listener that runs; it ends with its guard.
pub struct Listener {
    child: Child,
    pub address: SocketAddr,
    pub key: PublicKey,
    home: Home,
    /// Lines on its output by now.
    lines: Arc<AtomicUsize>,
    /// The sum of each line.
    shown: Option<thread::JoinHandle<Vec<u64>>>,
    sums: RandomState,
}

impl Listener {
    /// With this configuration and nothing else.
    pub fn start(config: &str) -> Result<Self> {
        Self::start_in(Home::new(config)?)
    }

    /// Of a home that is there.
    pub fn start_in(home: Home) -> Result<Self> {
        let key = home.key()?;
        let mut command = Command::new(P2P);
        command.args(["listen", "-p", "0", "-b", "127.0.0.1", "--name", "bench", "--home"]);
        command.arg(home.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else { return Err("no pipes".into()) };
        let mut ready = String::new();
        BufReader::new(stderr).read_line(&mut ready)?;
        let address = ready.split(' ').nth(2).ok_or("it is not ready")?.parse()?;
        let (lines, sums) = (Arc::new(AtomicUsize::new(0)), RandomState::new());
        let (counted, hasher) = (Arc::clone(&lines), sums.clone());
        let shown = thread::spawn(move || {
            let (mut stdout, mut line, mut shown) =
                (BufReader::new(stdout), Vec::new(), Vec::new());
            while stdout.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                shown.push(hasher.hash_one(&line));
                counted.fetch_add(1, Ordering::Relaxed);
                line.clear();
            }
            shown
        });
        Ok(Self { child, address, key, home, lines, shown: Some(shown), sums })
    }

    pub fn process(&self) -> Process {
        Process::new(self.child.id())
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Processor time that it takes for each of so many messages that `work` has it take.
    pub fn cost<T>(
        &self,
        messages: usize,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<(T, Duration)> {
        let before = self.process().processor()?;
        let done = work()?;
        let spent = self.process().processor()? - before;
        Ok((done, spent / u32::try_from(messages)?.max(1)))
    }

    /// Stops it; every message has to be on the output, and in the history if there is one, exactly once.
    pub fn check(mut self, messages: usize, has_history: bool) -> Result<()> {
        let stopped = Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        let shown = self.shown.take().ok_or("its output is read already")?;
        let shown = shown.join().map_err(|_| "the output cannot be read")?;
        if !stopped.success() || !is_each_once(&shown, messages) {
            let count = shown.len();
            return Err(format!("of {messages} messages {count} are on the output").into());
        }
        if !has_history {
            return Ok(());
        }
        let mut kept = Vec::new();
        for page in ["messages.1.ndjson", "messages.ndjson"] {
            let text = std::fs::read_to_string(self.home().join(page)).unwrap_or_default();
            for line in text.lines() {
                let object: serde_json::Value = serde_json::from_str(line)?;
                kept.push(self.sums.hash_one(object["body"].to_string()));
            }
        }
        if is_each_once(&kept, messages) {
            return Ok(());
        }
        Err(format!("of {messages} messages {} are in the history", kept.len()).into())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_each_once(sums: &[u64], messages: usize) -> bool {
    sums.len() == messages && sums.iter().collect::<HashSet<_>>().len() == messages
}
