//! Systems whose network calls fail: the listener goes on and does not spin, and nobody is told what is not so.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::net::{Shutdown, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::report::lasting;
use crate::support::{Home, Listener, P2P, connect, outcome, read_to_end, say};

/// What accept can fail with, after `accept(2)` and what others have seen; the last of them is the trouble of one connection only.
const ACCEPT_ERRORS: [&str; 16] = [
    "EMFILE",
    "ENFILE",
    "ENOMEM",
    "ENOBUFS",
    "EPROTO",
    "EPERM",
    "ENETDOWN",
    "ENOPROTOOPT",
    "EHOSTDOWN",
    "ENONET",
    "EHOSTUNREACH",
    "EOPNOTSUPP",
    "ENETUNREACH",
    "EINTR",
    "EINVAL",
    "ECONNABORTED",
];

/// How often in a row it fails.
const FAILURES: usize = 15;

/// Whether system calls can be made to fail here.
fn can_inject() -> bool {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=accept4"]);
    let said = command.args(["-e", "inject=accept4:error=EMFILE:when=1..2", "true"]).output();
    let is_there = said.is_ok_and(|said| said.status.success() && said.stderr.is_empty());
    if !is_there {
        skipped!("no strace that may inject errors");
    }
    is_there
}

/// p2p in this home, with these calls of it noted and failing as told; its process is the one that is started.
fn traced(home: &Home, calls: &str, inject: &str, log: &Path) -> Command {
    let mut command = Command::new("strace");
    // the tracer is nobody's parent, so signals and ends are those of p2p
    command.args(["-D", "-f", "-qq", "-ttt", "-o"]).arg(log);
    command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={inject}"), P2P]);
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(std::process::Stdio::null());
    command.env("P2P_HOME", home.path()).env("P2P_NAME", home.name());
    command
}

/// When calls were made to fail, in seconds.
fn injected(log: &Path) -> Vec<f64> {
    let log = std::fs::read_to_string(log).unwrap();
    let failed = log.lines().filter(|line| line.contains("(INJECTED)"));
    failed.map(|line| line.split_whitespace().nth(1).unwrap().parse().unwrap()).collect()
}

#[test]
fn no_error_of_accept_ends_a_listener_or_makes_it_spin() {
    if !can_inject() {
        return;
    }
    let checks: Vec<_> = ACCEPT_ERRORS
        .into_iter()
        .map(|error| {
            std::thread::spawn(move || {
                let (bob, alice) = (Home::new("bob"), Home::new("alice"));
                let files = tempfile::tempdir().unwrap();
                let log = files.path().join("calls");
                // from the first one on: a connection that is open would be what makes room
                let inject = format!("accept4:error={error}:when=1..{FAILURES}");
                let mut command = traced(&bob, "accept4", &inject, &log);
                command.args(["listen", "-p", "0", "-b", "127.0.0.1"]);
                let at_bob = Listener::spawn(command);
                let to = at_bob.address();
                let senders: Vec<_> = (0..8)
                    .map(|number| {
                        std::thread::spawn(move || {
                            say(to, format!("127.0.0.1:6000 me {number}").as_bytes())
                        })
                    })
                    .collect();
                for sender in senders {
                    let answer = sender.join().unwrap();
                    assert!(answer.starts_with(b"P2P/1 OK "), "{error}: {answer:?}");
                }
                alice.run(["send", &at_bob.target(), "afterwards"]).is(0, "", "");
                let ticks = ticks(at_bob.pid());
                let (status, lines) = at_bob.stop();
                assert_eq!(status.code(), Some(0), "{error}");
                assert_eq!(lines.len(), 9, "{error}: {lines:?}");
                let times = injected(&log);
                assert_eq!(times.len(), FAILURES, "{error}");
                let took = times[times.len() - 1] - times[0];
                let is_its_own = error == "ECONNABORTED";
                assert!(
                    is_its_own || took > 1.2,
                    "{error}: {FAILURES} failures in {took} s: it spins"
                );
                let calls = std::fs::read_to_string(&log).unwrap().lines().count();
                assert!(calls < FAILURES + 100, "{error}: {calls} calls");
                (error, took, calls, ticks)
            })
        })
        .collect();
    let mut told = Vec::new();
    for check in checks {
        let (error, took, calls, ticks) = check.join().unwrap();
        told.push(format!("{error} in {took:.1} s, {calls} calls, {ticks} ticks"));
    }
    figures!(
        "{FAILURES} failures of each, 9 of 9 messages acknowledged behind them: {}",
        told.join("; ")
    );
}

/// The time of the processor that a process has had.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split(' ')
        .filter_map(|field| field.parse().ok())
        .collect();
    // utime and stime
    fields[10] + fields[11]
}

/// Calls of the network, with what they may fail with.
const CALLS: [(&str, &[&str]); 12] = [
    ("epoll_wait", &["EINTR"]),
    ("recvfrom", &["ECONNRESET", "ENOTCONN", "EIO", "EINTR", "ETIMEDOUT"]),
    ("sendto", &["ECONNRESET", "EPIPE", "ENOTCONN", "EIO", "EINTR", "ENOBUFS"]),
    ("writev", &["ECONNRESET", "EPIPE", "EIO", "EINTR"]),
    ("shutdown", &["ENOTCONN", "ECONNRESET", "EIO"]),
    ("getsockname", &["ENOTCONN", "ENOBUFS"]),
    ("getpeername", &["ENOTCONN", "ENOBUFS"]),
    ("setsockopt", &["EINVAL", "ENOPROTOOPT", "ENOMEM"]),
    ("getsockopt", &["ENOTCONN", "ENOBUFS"]),
    ("epoll_ctl", &["ENOMEM", "ENOSPC"]),
    ("connect", &["EADDRNOTAVAIL", "ENETUNREACH", "ETIMEDOUT", "EPERM", "EINTR", "ECONNREFUSED"]),
    ("socket", &["EMFILE", "ENFILE", "ENOBUFS", "EAFNOSUPPORT"]),
];

/// A call that fails once: which, with what, and which time it is made.
fn faults() -> Vec<(&'static str, &'static str, usize)> {
    let mut faults = Vec::new();
    for (call, errors) in CALLS {
        for error in errors {
            faults.extend((1..=4).map(|time| (call, *error, time)));
        }
    }
    faults
}

/// How often each text is in the history.
fn bodies(home: &Home) -> HashMap<String, usize> {
    let mut bodies = HashMap::new();
    for message in home.json(&["log"]) {
        if let Some(body) = message["body"].as_str() {
            *bodies.entry(body.to_owned()).or_default() += 1;
        }
    }
    bodies
}

/// Takes work from many threads until the time is over, beginning anywhere, and each piece at most once.
fn for_a_while<T: Send>(
    lasts: Duration,
    faults: Vec<(&'static str, &'static str, usize)>,
    work: impl Fn(usize, (&'static str, &'static str, usize)) -> T + Sync,
) -> Vec<T> {
    let mut faults = faults;
    fastrand::shuffle(&mut faults);
    let (end, next) = (Instant::now() + lasts, std::sync::atomic::AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    while Instant::now() < end {
                        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(fault) = faults.get(number) else { break };
                        done.push(work(number, *fault));
                    }
                    done
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn a_sender_whose_network_fails_claims_nothing_that_is_not_so() {
    if !can_inject() {
        return;
    }
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let target = at_bob.target();
    let key = crate::raw::key_of(&bob).to_string();
    let files = tempfile::tempdir().unwrap();
    let done =
        for_a_while(lasting(Duration::from_secs(15)), faults(), |number, (call, error, time)| {
            let mut ends = Vec::new();
            for way in ["known", "first", "plain"] {
                let home = Home::new("alice");
                let log: PathBuf = files.path().join(format!("{number}-{way}"));
                let text = format!("{number} {way}");
                if way == "known" {
                    home.run(["peers", "add", "bob", &target, "--key", &key]).succeeds();
                }
                let inject = format!("{call}:error={error}:when={time}");
                let mut command = traced(&home, call, &inject, &log);
                command.args([
                    "send",
                    "-t",
                    "3s",
                    "--secure",
                    if way == "plain" { "off" } else { "prefer" },
                ]);
                command.args([&target, &text]);
                let said = outcome(&mut command, None);
                let exit = said.status.code();
                let what =
                    format!("{way}: {call} fails with {error} the {time}. time{}", said.report());
                assert!(matches!(exit, Some(0 | 4 | 5 | 7 | 8)), "{what}");
                ends.push((text, exit.unwrap(), injected(&log).len(), what));
            }
            ends
        });
    at_bob.stop();
    let there = bodies(&bob);
    let (mut exits, mut failed_calls, mut came_in_doubt) = (BTreeMap::new(), 0, 0);
    let done: Vec<_> = done.into_iter().flatten().collect();
    for (text, exit, injected, what) in &done {
        let count = there.get(text).copied().unwrap_or(0);
        *exits.entry(exit).or_insert(0) += 1;
        failed_calls += injected;
        match exit {
            0 => assert_eq!(count, 1, "delivered and not there once: {what}"),
            5 => {
                assert!(count <= 1, "{what}");
                came_in_doubt += count;
            }
            _ => assert_eq!(count, 0, "not sent, and it is there: {what}"),
        }
    }
    assert!(failed_calls > 50, "{failed_calls}");
    figures!(
        "{} sends, {failed_calls} calls failed; exits {exits:?}, {came_in_doubt} of those in doubt had arrived; 0 delivered and missing",
        done.len()
    );
}

/// Says something on the plain wire to who may hang up at any moment; what it answers.
fn try_to_say(to: SocketAddr, text: &str) -> Vec<u8> {
    let mut stream = connect(to);
    // whatever fails, there may be an answer
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    read_to_end(&mut stream)
}

#[test]
fn a_listener_whose_network_fails_goes_on_and_acknowledges_nothing_that_it_has_not() {
    if !can_inject() {
        return;
    }
    let files = tempfile::tempdir().unwrap();
    let done =
        for_a_while(lasting(Duration::from_secs(15)), faults(), |number, (call, error, time)| {
            let (alice, bob) = (Home::new("alice"), Home::new("bob"));
            let log = files.path().join(number.to_string());
            // what is needed to start is not what this is about
            let first = time + if call == "epoll_ctl" { 12 } else { 3 };
            let inject = format!("{call}:error={error}:when={first}..{}", first + 1);
            let mut command = traced(&bob, call, &inject, &log);
            command.args(["listen", "-p", "0", "-b", "127.0.0.1"]);
            let at_bob = Listener::spawn(command);
            let (to, target) = (at_bob.address(), at_bob.target());
            let what = format!("{call} fails with {error} the {first}. time");
            let (mut claimed, mut exits) = (Vec::new(), Vec::new());
            for turn in 0..3 {
                let text = format!("plain {turn}");
                if try_to_say(to, &format!("127.0.0.1:6000 me {text}")).starts_with(b"P2P/1 OK ") {
                    claimed.push(text);
                }
                let text = format!("session {turn}");
                let said = alice.run(["send", "-t", "3s", &target, &text]);
                let exit = said.status.code();
                assert!(matches!(exit, Some(0 | 4 | 5 | 6 | 7)), "{what}{}", said.report());
                exits.push((text.clone(), exit.unwrap()));
                if exit == Some(0) {
                    claimed.push(text);
                }
            }
            alice.run(["send", "--retry-for", "5s", "--id", "last", &target, "last"]).is(0, "", "");
            // it goes on; that a signal reaches it is not what this is about
            at_bob.signal("KILL");
            let lines = at_bob.wait().1;
            let there = bodies(&bob);
            for text in claimed.iter().map(String::as_str).chain(["last"]) {
                assert_eq!(
                    there.get(text),
                    Some(&1),
                    "acknowledged and not there once: {text}: {what}"
                );
                let shown = lines.iter().filter(|line| line.ends_with(&format!(" {text}"))).count();
                assert_eq!(shown, 1, "{text}: {what}");
            }
            for (text, exit) in exits.iter().filter(|(_, exit)| ![0, 5].contains(exit)) {
                assert!(!there.contains_key(text), "exit {exit}, and {text} is there: {what}");
            }
            (injected(&log).len(), claimed.len(), exits)
        });
    let failed_calls: usize = done.iter().map(|(calls, ..)| calls).sum();
    let claimed: usize = done.iter().map(|(_, claimed, _)| claimed).sum();
    assert!(failed_calls > 20, "{failed_calls}");
    let mut exits = BTreeMap::new();
    for (_, exit) in done.iter().flat_map(|(.., exits)| exits) {
        *exits.entry(*exit).or_insert(0) += 1;
    }
    figures!(
        "{} listeners, {failed_calls} calls failed, {claimed} of {} messages acknowledged, 0 of them missing; exits of send {exits:?}",
        done.len(),
        6 * done.len()
    );
}
