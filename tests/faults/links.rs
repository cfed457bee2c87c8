//! Links between two hosts that lose, delay, double or cut: what was not proved to have arrived is never told to have.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::hosts::{Hosts, On};
use crate::lossy::{B, Cuts, Link, Weather};
use crate::report::lasting;
use crate::support::{Home, Listener, P2P, PATIENCE, lines_of, outcome};

/// Beyond its time limit a command may take so long: to start, and to write down what it has found out, on a busy machine.
const MARGIN: Duration = Duration::from_secs(3);

/// The time limit of each try.
const LIMIT: Duration = Duration::from_secs(4);

/// A plain program: a process for each connection, which reads to the end, writes down what it has read as a line of hex
/// digits, and only then closes. After a reset it writes down nothing.
const PLAIN_PROGRAM: &str = r#"
use IO::Socket::INET; use Fcntl qw(:flock);
$SIG{CHLD} = 'IGNORE'; $| = 1;
my $listener = IO::Socket::INET->new(LocalAddr => $ARGV[0], Listen => 128) or die "no listener: $!\n";
print $listener->sockport, "\n";
while (1) {
    my $caller = $listener->accept or next;
    next if fork;
    my ($all, $part) = ('', '');
    while (1) {
        my $size = sysread($caller, $part, 65536);
        exit unless defined $size;
        last unless $size;
        $all .= $part;
    }
    open(my $log, '>>', $ARGV[1]) or die; flock($log, LOCK_EX);
    syswrite($log, unpack('H*', $all) . "\n");
    exit;
}
"#;

/// A plain program on the second host.
struct PlainProgram {
    child: Child,
    target: String,
}

impl PlainProgram {
    fn start(hosts: &Hosts, log: &Path) -> Self {
        let mut command = hosts.command(On::B, "perl");
        command.args(["-e", PLAIN_PROGRAM, B]).arg(log).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let port = lines_of(child.stdout.take().unwrap()).recv_timeout(PATIENCE).unwrap();
        Self { child, target: format!("{B}:{port}") }
    }
}

impl Drop for PlainProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is sent, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// To a p2p whose key is known.
    Known,
    /// The same, again until it is acknowledged.
    KnownAgain,
    /// To a p2p of which nothing is known.
    First,
    /// The same, again.
    FirstAgain,
    /// Lines to a p2p whose key is known.
    Lines,
    /// To a p2p that is spoken to on the plain wire.
    NativePlain,
    /// To a plain program of which nothing is known.
    Plain,
    /// The same, again where that is safe.
    PlainAgain,
    /// A greeting of a p2p of which nothing is known.
    Ping,
    /// To a p2p whose key is known and a plain program that is known.
    Broadcast,
}

const KINDS: [Kind; 10] = [
    Kind::Known,
    Kind::KnownAgain,
    Kind::First,
    Kind::FirstAgain,
    Kind::Lines,
    Kind::NativePlain,
    Kind::Plain,
    Kind::PlainAgain,
    Kind::Ping,
    Kind::Broadcast,
];

/// How many lines are sent at a time.
const LINES: usize = 20;

/// A call that is over.
struct Call {
    kind: Kind,
    /// Unique; lines have `.0` and so on behind it.
    text: String,
    shown: String,
    said: Output,
    took: Duration,
    /// Longer than this it must not take.
    limit: Duration,
    home: Home,
}

/// The weathers, each worse than the one before in its own way.
fn weathers() -> Vec<(&'static str, Weather)> {
    let calm = Weather::default();
    vec![
        ("calm", calm.clone()),
        ("5 % lost", Weather { loss: 5.0, twice: 1.0, delay: 0..20, ..calm.clone() }),
        ("20 % lost", Weather { loss: 20.0, twice: 5.0, ..calm.clone() }),
        ("far and late", Weather { loss: 10.0, twice: 3.0, delay: 50..200, ..calm.clone() }),
        ("spoilt", Weather { spoilt: 10.0, twice: 2.0, delay: 0..50, ..calm.clone() }),
        ("slow", Weather { rate: Some(40_000), loss: 3.0, delay: 20..40, ..calm.clone() }),
        (
            "cut now and then",
            Weather { loss: 2.0, delay: 1..30, cuts: Cuts::NowAndThen, ..calm.clone() },
        ),
        ("cut behind data", Weather { delay: 5..20, cuts: Cuts::BehindData, ..calm }),
    ]
}

/// The hosts, who listens there, and what is known of them.
struct Scene {
    hosts: Hosts,
    link: Link,
    native: String,
    plain: String,
    /// The key of the p2p.
    key: String,
    next: AtomicUsize,
}

impl Scene {
    fn call(&self, kind: Kind) -> Call {
        let home = Home::new("alice");
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // longer than one packet, now and then
        let text = match number % 5 {
            0 => format!("text{number}-{}", "x".repeat(5000)),
            _ => format!("text{number}-"),
        };
        let text = if matches!(kind, Kind::Plain | Kind::PlainAgain | Kind::Broadcast) {
            format!("text{number}-")
        } else {
            text
        };
        let know = |name: &str, target: &str, key: Option<&str>| {
            let mut add = vec!["peers", "add", name, target];
            add.extend(key.into_iter().flat_map(|key| ["--key", key]));
            home.run(add).succeeds();
        };
        let mut command = self.hosts.command(On::A, "timeout");
        command.env("P2P_HOME", home.path()).env("P2P_NAME", "alice");
        // what hangs is ended, and that is none of the exits that are allowed
        command.args(["-s", "KILL", "60", P2P, "--json"]);
        let tries = match kind {
            Kind::KnownAgain | Kind::FirstAgain | Kind::PlainAgain => 2,
            _ => 1,
        };
        let mut limit = LIMIT;
        let send = |command: &mut Command, to: &str| {
            command.args(["send", "-t", "4s", "--retry", &(tries - 1).to_string(), to, &text]);
        };
        match kind {
            Kind::Known | Kind::KnownAgain => {
                know("bob", &self.native, Some(&self.key));
                send(&mut command, "bob");
            }
            Kind::First | Kind::FirstAgain => send(&mut command, &self.native),
            Kind::Lines => {
                know("bob", &self.native, Some(&self.key));
                command.args(["send", "-t", "4s", "--retry-for", "5s", "--lines", "bob"]);
                let lines: String = (0..LINES).map(|line| format!("{text}.{line}\n")).collect();
                let file = home.path().with_extension("lines");
                std::fs::write(&file, lines).unwrap();
                command.stdin(File::open(file).unwrap());
                // each line that is answered gives those behind it their whole time again
                limit = Duration::from_secs(50);
            }
            Kind::NativePlain => {
                command.args(["send", "-t", "4s", "--secure", "off", &self.native, &text]);
            }
            Kind::Plain | Kind::PlainAgain => send(&mut command, &self.plain),
            Kind::Ping => {
                command.args(["ping", "-t", "4s", &self.native]);
            }
            Kind::Broadcast => {
                know("bob", &self.native, Some(&self.key));
                know("old", &self.plain, None);
                command.args(["broadcast", "-t", "4s", "--", &text]);
            }
        }
        // pauses between tries grow to five seconds
        limit = limit * tries + Duration::from_secs(2) * (tries - 1) + MARGIN;
        let start = Instant::now();
        let said = command.output().unwrap();
        let shown = format!("{command:?}");
        Call { kind, text, shown, said, took: start.elapsed(), limit, home }
    }
}

#[test]
fn a_p2p_that_hears_our_end_late_is_not_taken_for_a_plain_program() {
    let Some(hosts) = Hosts::new() else { return };
    let Some(link) = Link::between(&hosts, fastrand::u64(..)) else { return };
    let bob = Home::new("bob");
    let mut command = hosts.p2p(On::B, &bob);
    command.args(["listen", "-p", "0", "-b", B]);
    let at_bob = Listener::spawn(command);
    let mut ends = BTreeMap::new();
    for late_ends in [0, 200, 700] {
        link.set(&Weather { late_ends, delay: 5..6, ..Weather::default() });
        let calls: Vec<_> = (0..12)
            .map(|number| {
                let home = Home::new("alice");
                let mut command = hosts.p2p(On::A, &home);
                let (target, retry) = (at_bob.target(), (number % 3).to_string());
                match number % 4 {
                    0 => command.args(["ping", "-t", "2500ms", &target]),
                    _ => {
                        command.args(["send", "-t", "2500ms", "--retry", &retry, &target, "secret"])
                    }
                };
                std::thread::spawn(move || {
                    let said = outcome(&mut command, None);
                    (home, said)
                })
            })
            .collect();
        for call in calls {
            let (home, said) = call.join().unwrap();
            for peer in home.json(&["peers"]).iter().filter(|peer| peer["event"] == "peer") {
                assert!(
                    peer["wire"] != "plain" && peer["key"].is_string(),
                    "{peer}{}",
                    said.report()
                );
            }
            *ends.entry((late_ends, said.status.code().unwrap())).or_insert(0) += 1;
        }
    }
    link.set(&Weather::default());
    at_bob.stop();
    let log = bob.json(&["log"]);
    assert!(!log.is_empty());
    let is_secret = |message: &&serde_json::Value| message["plain"] != true;
    let secret = log.iter().filter(is_secret).count();
    figures!(
        "(milliseconds that our end was late, exit status) and how often: {ends:?}; {secret} of {} texts encrypted",
        log.len()
    );
    assert_eq!(secret, log.len(), "a text went in plain");
}

#[test]
fn what_a_bad_link_loses_is_never_told_to_have_arrived() {
    let end = Instant::now() + lasting(Duration::from_secs(8));
    let mut total = Tally::default();
    let weathers = weathers();
    let mut rounds = 0;
    while Instant::now() < end {
        // hosts do not live forever
        let for_this = (end - Instant::now()).min(Duration::from_secs(60));
        if !round(&weathers, for_this, &mut total) {
            return;
        }
        rounds += 1;
    }
    for (weather, kinds) in &total.outcomes {
        detail!("{weather}: {kinds:?}");
    }
    figures!("{rounds} rounds, {}", total.told());
}

/// What came of it all.
#[derive(Default)]
struct Tally {
    calls: usize,
    delivered: usize,
    in_doubt: usize,
    not_sent: usize,
    shown: usize,
    arrived_in_doubt: usize,
    links: Vec<String>,
    slowest_over: Duration,
    outcomes: BTreeMap<&'static str, BTreeMap<i32, usize>>,
}

impl Tally {
    fn told(&self) -> String {
        let Self { calls, delivered, in_doubt, not_sent, shown, arrived_in_doubt, .. } = self;
        format!(
            "{calls} calls: {delivered} delivered, {in_doubt} in doubt ({arrived_in_doubt} of them had arrived), \
             {not_sent} not sent; {shown} messages shown, 0 twice, 0 delivered and missing, 0 unsent and there; \
             at most {:?} beyond the time limit; {}",
            self.slowest_over,
            self.links.join("; ")
        )
    }
}

/// Some calls of each kind in each weather, and then the receivers are asked what they have. False if it cannot be done here.
fn round(weathers: &[(&'static str, Weather)], lasts: Duration, total: &mut Tally) -> bool {
    let Some(hosts) = Hosts::new() else { return false };
    let seed = fastrand::u64(..);
    let Some(link) = Link::between(&hosts, seed) else { return false };
    let (bob, files) = (Home::new("bob"), tempfile::tempdir().unwrap());
    let plain_log = files.path().join("plain");
    std::fs::write(&plain_log, "").unwrap();
    let mut command = hosts.p2p(On::B, &bob);
    command.args(["listen", "-p", "0", "-b", B]);
    let at_bob = Listener::spawn(command);
    let plain = PlainProgram::start(&hosts, &plain_log);
    let scene = Scene {
        native: at_bob.target(),
        plain: plain.target.clone(),
        key: crate::raw::key_of(&bob).to_string(),
        hosts,
        link,
        next: AtomicUsize::new(0),
    };
    let mut calls = Vec::new();
    let each = lasts / weathers.len() as u32;
    for (name, weather) in weathers {
        scene.link.set(weather);
        let end = Instant::now() + each;
        let turn = AtomicUsize::new(0);
        let done: Vec<Call> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..KINDS.len())
                .map(|_| {
                    scope.spawn(|| {
                        let mut done = Vec::new();
                        while done.is_empty() || Instant::now() < end {
                            let kind = KINDS[turn.fetch_add(1, Ordering::Relaxed) % KINDS.len()];
                            done.push(scene.call(kind));
                        }
                        done
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        for call in &done {
            let exit = call.said.status.code().unwrap_or(-1);
            *total.outcomes.entry(name).or_default().entry(exit).or_default() += 1;
        }
        calls.extend(done.into_iter().map(|call| (*name, call)));
    }
    scene.link.set(&Weather::default());
    let shown = at_bob.stop().1;
    let received = Received::of(&bob, &plain_log, &shown);
    for (weather, call) in &calls {
        check(call, &received, total, &format!("{weather}, seed {seed}"));
    }
    total.shown += received.shown.values().sum::<usize>();
    total.links.push(scene.link.counts.told());
    drop(plain);
    true
}

/// What the receivers have: each text with how often it is there.
struct Received {
    /// In the history of the p2p, and whether it came on the plain wire.
    history: HashMap<String, Vec<bool>>,
    /// On the output of the p2p.
    shown: HashMap<String, usize>,
    /// With the plain program.
    plain: HashMap<String, usize>,
}

impl Received {
    fn of(bob: &Home, plain_log: &Path, shown: &[String]) -> Self {
        let mut received =
            Self { history: HashMap::new(), shown: HashMap::new(), plain: HashMap::new() };
        for message in bob.json(&["log"]) {
            if let Some(body) = message["body"].as_str() {
                let is_plain = message["plain"] == true;
                received.history.entry(body.to_owned()).or_default().push(is_plain);
            }
        }
        for line in shown {
            let text = line.splitn(3, ' ').nth(2).unwrap_or_default();
            *received.shown.entry(text.to_owned()).or_default() += 1;
        }
        for line in std::fs::read_to_string(plain_log).unwrap().lines() {
            let bytes: Vec<u8> = line
                .as_bytes()
                .chunks(2)
                .map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap())
                .collect();
            let text = String::from_utf8(bytes).unwrap();
            let text = text.splitn(3, ' ').nth(2).unwrap_or_default();
            *received.plain.entry(text.to_owned()).or_default() += 1;
        }
        received
    }

    fn history(&self, text: &str) -> usize {
        self.history.get(text).map_or(0, Vec::len)
    }

    fn plain(&self, text: &str) -> usize {
        self.plain.get(text).copied().unwrap_or(0)
    }
}

/// Holds what a call has said against what the receivers have.
fn check(call: &Call, received: &Received, total: &mut Tally, weather: &str) {
    let Call { kind, text, shown, said, took, limit, home } = call;
    let (stdout, stderr) =
        (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    let about =
        || format!("{kind:?}, {weather}, {took:?}\n$ {shown}\n{}\n{stdout}\n{stderr}", said.status);
    let exit = said.status.code().unwrap_or(-1);
    assert!(took <= limit, "longer than its time limit of {limit:?}: {}", about());
    total.slowest_over = total.slowest_over.max(took.saturating_sub(*limit - MARGIN));
    total.calls += 1;
    let allowed: &[i32] = if *kind == Kind::Broadcast { &[0, 3, 4, 5] } else { &[0, 4, 5] };
    assert!(allowed.contains(&exit), "a bad link is no other fault: {}", about());
    let objects: Vec<serde_json::Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // each text, how often it is there, and what was said of it
    let mut claims = Vec::new();
    match kind {
        Kind::Known | Kind::KnownAgain | Kind::First | Kind::FirstAgain => {
            claims.push((text.clone(), received.history(text), exit, "acked"));
            for came_plain in received.history.get(text).into_iter().flatten() {
                assert!(!came_plain, "a p2p is spoken to on the plain wire: {}", about());
            }
        }
        Kind::NativePlain => claims.push((text.clone(), received.history(text), exit, "acked")),
        Kind::Plain | Kind::PlainAgain => {
            claims.push((text.clone(), received.plain(text), exit, "read"));
        }
        Kind::Lines => {
            let mut states = objects.iter().filter(|object| object["event"] == "sent");
            for line in 0..LINES {
                let text = format!("{text}.{line}");
                let status = states.next().map(|object| object["status"].clone());
                let exit = match status.as_ref().and_then(|status| status.as_str()) {
                    Some("acked") => 0,
                    Some("failed") => 4,
                    // of lines without an object nothing is claimed
                    _ => 5,
                };
                claims.push((text.clone(), received.history(&text), exit, "acked"));
            }
            let is_whole = exit != 0
                || objects.iter().filter(|object| object["status"] == "acked").count() == LINES;
            assert!(is_whole, "exit 0 means all lines: {}", about());
        }
        Kind::Ping => {
            let wire = home.peer(&peer_address(&objects)).map(|peer| peer["key"].clone());
            if exit == 0 {
                assert!(wire.is_some_and(|key| key.is_string()), "a p2p has a key: {}", about());
            }
        }
        Kind::Broadcast => {
            for object in objects.iter().filter(|object| object["event"] == "sent") {
                let is_native = object["to"]["name"] == "bob";
                let count = if is_native { received.history(text) } else { received.plain(text) };
                let proof = if is_native { "acked" } else { "read" };
                let exit = match object["status"].as_str() {
                    Some("acked" | "read") => 0,
                    Some("unconfirmed") => 5,
                    _ => 4,
                };
                assert!(exit != 0 || object["status"] == proof, "{}", about());
                claims.push((text.clone(), count, exit, proof));
            }
        }
    }
    if *kind != Kind::Lines && *kind != Kind::Broadcast && *kind != Kind::Ping && exit == 0 {
        let (status, proof) = (objects[0]["status"].as_str().unwrap(), claims[0].3);
        // our end came late, and the p2p has answered as to a plain program that keeps the connection
        let is_late = *kind == Kind::NativePlain && status == "read";
        assert!(status == proof || is_late, "{}", about());
    }
    for (text, count, exit, _) in claims {
        match exit {
            0 => {
                total.delivered += 1;
                assert!(count > 0, "delivered and not there: {text}: {}", about());
            }
            4 => {
                total.not_sent += 1;
                assert_eq!(count, 0, "not sent, and it is there: {text}: {}", about());
            }
            _ => {
                total.in_doubt += 1;
                total.arrived_in_doubt += count.min(1);
            }
        }
        assert!(count <= 1, "it is there {count} times: {text}: {}", about());
        let shown = received.shown.get(&text).copied().unwrap_or(0);
        assert!(shown <= 1, "it is shown {shown} times: {text}: {}", about());
    }
}

fn peer_address(objects: &[serde_json::Value]) -> String {
    let pong = objects.iter().find(|object| object["event"] == "pong");
    pong.map_or_else(String::new, |pong| pong["peer"]["addr"].as_str().unwrap().to_owned())
}
