//! Fixtures: a home of its own for each test, a listener that ends with its test, and a call with what it must say.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// The program under test.
pub const P2P: &str = env!("CARGO_BIN_EXE_p2p");

/// Longest wait for anything that must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A home directory of its own.
pub struct Home {
    dir: TempDir,
    name: &'static str,
}

impl Home {
    /// An empty home whose peer calls itself so.
    pub fn new(name: &'static str) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), name }
    }

    /// What its peer calls itself.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes its configuration.
    pub fn configure(&self, config: &str) {
        std::fs::create_dir_all(self.path()).unwrap();
        std::fs::write(self.file("config.toml"), config).unwrap();
    }

    /// The program in this home, with an environment that the machine cannot disturb.
    pub fn command(&self) -> Command {
        let mut command = Command::new(P2P);
        command.env_clear().env("P2P_HOME", self.path()).env("P2P_NAME", self.name);
        command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command
    }

    /// Runs the program.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        let mut command = self.command();
        command.args(arguments);
        outcome(&mut command, None)
    }

    /// Runs the program with this on its stdin.
    pub fn run_with_stdin(&self, arguments: &[&str], stdin: &[u8]) -> Outcome {
        let mut command = self.command();
        command.args(arguments);
        outcome(&mut command, Some(stdin))
    }

    /// The objects that a call prints with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let outcome = self.run(arguments.iter().chain(&["--json"]));
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Where its listener listens, as soon as it does.
    pub fn listening(&self) -> SocketAddr {
        let start = Instant::now();
        loop {
            let file = std::fs::read(self.file("listener")).unwrap_or_default();
            if let Ok(here) = serde_json::from_slice::<serde_json::Value>(&file) {
                return here["addr"].as_str().unwrap().parse().unwrap();
            }
            assert!(start.elapsed() < PATIENCE, "no listener");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The addresses in the list of peers, sorted.
    pub fn peer_addresses(&self) -> Vec<String> {
        let listed = self.json(&["peers"]).into_iter().filter(|object| object["event"] == "peer");
        let mut addresses: Vec<_> =
            listed.map(|peer| peer["addr"].as_str().unwrap().to_owned()).collect();
        addresses.sort();
        addresses
    }

    /// The entry of one address in the list of peers.
    pub fn peer(&self, address: &str) -> Option<serde_json::Value> {
        self.json(&["peers"]).into_iter().find(|peer| peer["addr"] == address)
    }
}

/// Runs a command to its end, within [`PATIENCE`].
pub fn outcome(command: &mut Command, stdin: Option<&[u8]>) -> Outcome {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if stdin.is_some() {
        command.stdin(Stdio::piped());
    }
    let shown = format!("{command:?}");
    let mut child = command.spawn().unwrap();
    if let Some(bytes) = stdin {
        let mut pipe = child.stdin.take().unwrap();
        let bytes = bytes.to_vec();
        // a program that does not read its stdin closes it under us
        std::thread::spawn(move || pipe.write_all(&bytes));
    }
    let stdout = text_of(child.stdout.take().unwrap());
    let stderr = text_of(child.stderr.take().unwrap());
    let status = wait_for_end(&mut child);
    Outcome { shown, status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Reads a stream to its end in a thread of its own.
fn text_of(mut stream: impl std::io::Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a call did.
pub struct Outcome {
    shown: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Holds the exit status and both whole streams against what they must be.
    #[track_caller]
    pub fn is(&self, status: i32, stdout: &str, stderr: &str) {
        let found = (self.status.code(), self.stdout.as_str(), self.stderr.as_str());
        assert_eq!(found, (Some(status), stdout, stderr), "{}", self.report());
    }

    /// Exit status 0 and nothing said on stderr.
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!((self.status.code(), self.stderr.as_str()), (Some(0), ""), "{}", self.report());
        self
    }

    /// This exit status, with this in what it says on stderr.
    #[track_caller]
    pub fn fails(&self, status: i32, says: &str) -> &Self {
        assert_eq!(self.status.code(), Some(status), "{}", self.report());
        assert!(self.stderr.contains(says), "{}", self.report());
        self
    }

    /// The command, its status and both streams, for a failure.
    pub fn report(&self) -> String {
        let Self { shown, status, stdout, stderr } = self;
        format!("\n$ {shown}\n{status}\n--- stdout\n{stdout}--- stderr\n{stderr}---")
    }
}

/// A listener of which nobody reads the output yet: its process, and where it listens.
pub fn unread_listener(home: &Home) -> (Child, SocketAddr) {
    let mut command = home.command();
    command.args(["listen", "-p", "0", "-b", "127.0.0.1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let said = lines_of(child.stderr.take().unwrap());
    let ready = said.recv_timeout(PATIENCE).unwrap();
    (child, ready.split(' ').nth(2).unwrap().parse().unwrap())
}

/// A running `p2p listen`, ended with its test.
pub struct Listener {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
    said: Receiver<String>,
}

impl Listener {
    /// Starts one on a free port of 127.0.0.1 and waits until it is ready.
    pub fn start(home: &Home) -> Self {
        Self::start_with(home, &["-b", "127.0.0.1"])
    }

    /// Starts one with these arguments on a free port and waits until it is ready.
    pub fn start_with(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.command();
        command.args(["listen", "-p", "0"]).args(arguments);
        Self::spawn(command)
    }

    /// Starts this command, which must be a listener, and waits until it is ready.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut ready = String::new();
        stderr.read_line(&mut ready).unwrap();
        let address = ready.strip_prefix("listening on ").and_then(|r| r.split(' ').next());
        let Some(address) = address.and_then(|a| a.trim().parse().ok()) else {
            let _ = child.kill();
            let mut rest = String::new();
            let _ = stderr.read_to_string(&mut rest);
            panic!("the listener is not ready: {ready}{rest}");
        };
        // it must not block on a full pipe, nor end because nobody reads
        let said = lines_of(stderr);
        Self { child, address, lines, said }
    }

    /// Where it listens, as another program on this machine reaches it.
    pub fn address(&self) -> SocketAddr {
        if self.address.ip().is_unspecified() {
            return SocketAddr::from(([127, 0, 0, 1], self.address.port()));
        }
        self.address
    }

    /// The same as text.
    pub fn target(&self) -> String {
        self.address().to_string()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its next line on stdout.
    #[track_caller]
    pub fn line(&self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("the listener prints nothing"),
            Err(RecvTimeoutError::Disconnected) => panic!("the listener has ended"),
        }
    }

    /// Its next line on stderr after the one that says it is ready.
    #[track_caller]
    pub fn said(&self) -> String {
        self.said.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("it says nothing: {error}"))
    }

    /// What it has said on stderr by now.
    pub fn all_said(&self) -> Vec<String> {
        self.said.try_iter().collect()
    }

    /// Its next line on stdout as JSON.
    #[track_caller]
    pub fn object(&self) -> serde_json::Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.pid());
        let status = Command::new("/bin/sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end; gives the status and what it has printed since.
    pub fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let status = wait_for_end(&mut self.child);
        (status, self.lines.iter().collect())
    }

    /// Ends it in order.
    pub fn stop(self) -> (ExitStatus, Vec<String>) {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a process, within [`PATIENCE`].
pub fn wait_for_end(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("the process does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The lines of a stream as they come.
pub fn lines_of(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { break };
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    lines
}

/// Says something as a plain program that ends its side, and gives the whole answer.
pub fn say(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(to);
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    read_to_end(&mut stream)
}

/// The same from this address of the loopback network.
pub fn say_from(source: &str, to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let source: IpAddr = source.parse().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let mut stream: TcpStream = socket.into();
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    read_to_end(&mut stream)
}

/// Why a listener has refused what was said, if this answer of it says so.
pub fn refusal(reply: &[u8]) -> String {
    use p2p::codec::verdict::Verdict;
    match Verdict::decode(reply) {
        Some(Verdict::No { code, .. }) => code,
        _ => format!("no refusal: {}", String::from_utf8_lossy(reply)),
    }
}

/// A connection whose waits end.
pub fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Reads to the end; a reset counts as one.
pub fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    reply
}

/// A port of 127.0.0.1 where nobody listens, and that nobody gets by chance as long as this lives.
pub struct Nobody(Socket);

impl Nobody {
    /// Takes such a port.
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        // a listener that is told to may still take it
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Self(socket)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().as_socket().unwrap().port()
    }

    /// Its address.
    pub fn target(&self) -> String {
        self.0.local_addr().unwrap().as_socket().unwrap().to_string()
    }
}

/// The files of the project with this ending, below a folder of it.
pub fn project_files(below: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(below)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Says why a test is passed over, where no test runner hides it.
pub fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {}", why.trim());
}

/// [`skip`] with what `format!` takes.
macro_rules! skipped {
    ($($why:tt)*) => { $crate::support::skip(&format!($($why)*)) };
}
