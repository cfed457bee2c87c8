//! Every system call on the path of the state, failing in turn: `strace` makes the disk lie, and the truth is read back.
//!
//! A call is on that path if it names the home or a file in it. Each is counted in a run without faults and then fails in a
//! run of its own. What the loader and the runtime do for themselves is left alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::report::lasting;
use crate::support::{Home, Listener, Outcome, P2P, PATIENCE, lines_of, outcome, say};

/// What is made to fail, and how; `?` is for systems that have no such call.
const FAULTS: [(&str, &[&str]); 25] = [
    ("open", &["EIO", "EMFILE", "EACCES"]),
    ("openat", &["EIO", "ENOSPC", "EMFILE", "EACCES", "EROFS"]),
    ("read", &["EIO"]),
    ("pread64", &["EIO", "EINTR"]),
    ("write", &["EIO", "ENOSPC", "EDQUOT", "EINTR"]),
    ("pwrite64", &["EIO", "ENOSPC", "EDQUOT", "EINTR"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("renameat", &["EIO", "ENOSPC"]),
    ("renameat2", &["EIO", "ENOSPC"]),
    ("ftruncate", &["EIO"]),
    ("unlink", &["EIO"]),
    ("unlinkat", &["EIO"]),
    ("flock", &["EIO", "ENOLCK", "EINTR"]),
    ("fstat", &["EIO"]),
    ("newfstatat", &["EIO"]),
    ("statx", &["EIO"]),
    ("stat", &["EIO"]),
    ("lseek", &["EIO"]),
    ("mkdir", &["EIO", "ENOSPC"]),
    ("mkdirat", &["EIO", "ENOSPC"]),
    ("fstatfs", &["EIO"]),
    ("getdents64", &["EIO"]),
    ("close", &["EIO"]),
];

/// One call that fails.
#[derive(Clone, Copy, Debug)]
struct Fault {
    call: &'static str,
    number: usize,
    error: &'static str,
}

impl Fault {
    /// What `strace` is told.
    fn arguments(&self) -> [String; 4] {
        let Self { call, number, error } = self;
        let inject = format!("inject={call}:error={error}:when={number}");
        ["-e".into(), format!("trace={call}"), "-e".into(), inject]
    }
}

/// Whether calls can be made to fail here.
fn can_inject() -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-o", "/dev/null", "-e", "inject=fchmod:error=EIO", "true"]).stderr(Stdio::null());
    let works = strace.status().is_ok_and(|status| status.success());
    if !works {
        skipped!("strace cannot make calls fail here");
    }
    works
}

/// All faults for the calls in this trace that name this home.
fn faults(trace: &str, home: &Path) -> Vec<Fault> {
    let home = home.to_str().unwrap();
    let mut numbers = BTreeMap::new();
    let mut found = Vec::new();
    for line in trace.lines() {
        let Some((name, _)) = line.split_once('(') else { continue };
        let number = numbers.entry(name).or_insert(0);
        *number += 1;
        if line.contains(home)
            && let Some((call, errors)) = FAULTS.iter().find(|(call, _)| *call == name)
        {
            found.extend(errors.iter().map(|&error| Fault { call, number: *number, error }));
        }
    }
    found
}

/// Whether a fault has happened, and to this home.
fn has_struck(trace: &str, home: &Path) -> bool {
    let home = home.to_str().unwrap();
    trace.lines().any(|line| line.contains(home) && line.ends_with("(INJECTED)"))
}

fn all_calls() -> [String; 2] {
    let names: Vec<_> = FAULTS.iter().map(|(call, _)| format!("?{call}")).collect();
    ["-e".into(), format!("trace={}", names.join(","))]
}

/// Runs p2p under strace; gives what it did and the trace.
fn traced(home: &Home, rules: &[String], call: &[String]) -> (Outcome, String) {
    let log = TempDir::new().unwrap();
    let log = log.path().join("trace");
    let mut command = Command::new("strace");
    command.env_clear().env("P2P_HOME", home.path()).env("P2P_NAME", home.name());
    command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command.args(["-y", "-o"]).arg(&log).args(rules).arg(P2P).args(call);
    let outcome = outcome(&mut command, None);
    (outcome, fs::read_to_string(&log).unwrap())
}

/// A home like another one.
pub fn copy_of(home: &Home) -> Home {
    let copy = Home::new("me");
    if home.path().exists() {
        fs::create_dir(copy.path()).unwrap();
        for file in fs::read_dir(home.path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    copy
}

/// What a home has before anything fails.
const MESSAGES: [&str; 3] = ["first", "second", "third"];

/// A home with peers, a key, messages that came and went, and a cursor behind the first.
pub fn full_home(sink: &str) -> Home {
    let home = Home::new("me");
    home.run(["peers", "add", "kept", "10.0.0.1:1"]).succeeds();
    home.run(["peers", "add", "goes", "10.0.0.2:2"]).succeeds();
    home.run(["send", sink, "before"]).succeeds();
    let old = r#"{"v":1,"addr":"10.0.0.3:3","name":"old","source":"heard","last_seen":"2020-01-01T00:00:00Z"}"#;
    let peers = fs::read_to_string(home.file("peers")).unwrap();
    fs::write(home.file("peers"), format!("{peers}{old}\n")).unwrap();
    let listener = Listener::start(&home);
    for text in MESSAGES {
        assert!(
            say(listener.address(), format!("10.9.9.9:9 x {text}").as_bytes())
                .starts_with(b"P2P/1 OK")
        );
        if text == MESSAGES[0] {
            home.run(["log", "--new"]).succeeds();
        }
    }
    listener.stop();
    home
}

/// What is asked of p2p while a call fails.
struct Errand {
    call: Vec<String>,
    /// What it starts from.
    start: Home,
    /// What must be so if it says that it is done: the home, what it said, what it says without a fault.
    done: fn(&Home, &Outcome, &Outcome),
    /// What must be so if it says that it is not.
    failed: fn(&Home, &Outcome),
}

fn errand(start: &Home, call: &str, done: fn(&Home, &Outcome, &Outcome)) -> Errand {
    let call = call.split(' ').map(str::to_owned).collect();
    Errand { call, start: copy_of(start), done, failed: |_, _| {} }
}

fn says_the_same(_: &Home, said: &Outcome, expected: &Outcome) {
    assert_eq!(said.stdout, expected.stdout, "{}", said.report());
}

fn key_in(outcome: &Outcome) -> String {
    let line = outcome.stdout.lines().find(|line| line.starts_with("key\t"));
    line.unwrap_or_else(|| panic!("no key: {}", outcome.report())).to_owned()
}

fn errands(sink: &str) -> Vec<Errand> {
    let (full, empty) = (full_home(sink), Home::new("me"));
    let damaged = copy_of(&full);
    let peers = fs::read_to_string(damaged.file("peers")).unwrap();
    fs::write(damaged.file("peers"), format!("damage\n{peers}")).unwrap();
    let is_added = |home: &Home, said: &Outcome, _: &Outcome| {
        assert!(home.peer("10.0.0.9:9").is_some(), "{}", said.report());
    };
    let has_sent = |home: &Home, said: &Outcome, _: &Outcome| {
        let is_kept = home.run(["log", "--sent"]).stdout.contains(" acked a text\n");
        assert!(is_kept || said.stderr.contains("warning: "), "{}", said.report());
    };
    let log_new = Errand {
        failed: |home, said| {
            // whatever was not handed out is handed out by the next call
            let all = said.stdout.clone() + &home.run(["log", "--new"]).stdout;
            let lost: Vec<_> = MESSAGES[1..].iter().filter(|text| !all.contains(*text)).collect();
            assert!(lost.is_empty(), "{lost:?} was never handed out{}", said.report());
        },
        ..errand(&full, "log --new", |home, said, expected| {
            says_the_same(home, said, expected);
            home.run(["log", "--new"]).is(1, "", "");
        })
    };
    let init = Errand {
        failed: |home, said| {
            let again = home.run(["config", "init"]);
            let file = fs::read_to_string(home.file("config.toml")).unwrap();
            assert!(file == p2p::config::EXAMPLE, "{}{}", said.report(), again.report());
        },
        ..errand(&full, "config init", |home, _, _| {
            let file = fs::read_to_string(home.file("config.toml")).unwrap();
            assert!(file == p2p::config::EXAMPLE);
        })
    };
    vec![
        errand(&empty, "peers add new 10.0.0.9:9", is_added),
        errand(&full, "peers add new 10.0.0.9:9", is_added),
        errand(&damaged, "peers add new 10.0.0.9:9", is_added),
        errand(&full, "peers set kept --tag here", |home, _, _| {
            assert_eq!(home.peer("10.0.0.1:1").unwrap()["tags"][0], "here");
        }),
        errand(&full, "peers rm goes", |home, _, _| assert!(home.peer("10.0.0.2:2").is_none())),
        errand(&full, "peers prune --older 1h", |home, _, _| {
            assert!(home.peer("10.0.0.3:3").is_none());
        }),
        errand(&full, "peers", says_the_same),
        errand(&full, "id", |_, said, expected| assert_eq!(key_in(said), key_in(expected))),
        errand(&empty, "id", |home, said, _| {
            assert_eq!(key_in(said), key_in(&home.run(["id"])), "another key was shown");
        }),
        errand(&full, &format!("send {sink} a text"), has_sent),
        errand(&empty, &format!("send {sink} a text"), has_sent),
        errand(&full, "log", says_the_same),
        errand(&full, "log --sent", says_the_same),
        log_new,
        init,
    ]
}

/// What was there before and is nobody's errand to change.
#[track_caller]
fn nothing_is_lost(home: &Home, errand: &Errand, what: &str) {
    let call = errand.call.join(" ");
    let before = errand.start.peer_addresses();
    let now = home.peer_addresses();
    let may_go = match call.as_str() {
        "peers rm goes" => "10.0.0.2:2",
        "peers prune --older 1h" => "10.0.0.3:3",
        _ => "",
    };
    let lost: Vec<_> = before.iter().filter(|a| !now.contains(a) && *a != may_go).collect();
    assert!(lost.is_empty(), "{lost:?} went out of the list: {what}");
    for log in [["log", "--json"], ["log", "--sent"]] {
        let before = errand.start.run(log).stdout;
        let now = home.run(log).stdout;
        assert!(now.starts_with(&before), "the history has lost something: {what}\n{before}{now}");
    }
    if errand.start.file("key").exists() {
        assert_eq!(key_in(&home.run(["id"])), key_in(&errand.start.run(["id"])), "{what}");
    }
    let next = home.run(["peers", "add", "next", "10.0.0.8:8"]);
    assert_eq!(next.status.code(), Some(0), "{what}{}", next.report());
    assert!(home.peer("10.0.0.8:8").is_some(), "{what}");
}

#[derive(Debug, Default)]
struct Tally {
    struck: usize,
    exits: BTreeMap<i32, usize>,
    leftovers: usize,
}

/// Does each of these in some threads, as many as the time allows, spread evenly.
pub fn each<T: Sync>(all: &[T], time: Duration, work: impl Fn(&T) + Sync) -> usize {
    /// Coprime with any smaller count, so that every one has its turn.
    const STRIDE: usize = 7919;
    let (next, done, start) = (AtomicUsize::new(0), AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    if turn >= all.len() || start.elapsed() > time {
                        break;
                    }
                    work(&all[turn * STRIDE % all.len()]);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.into_inner()
}

#[test]
fn whatever_call_of_a_command_fails_nothing_is_lost_and_nothing_is_claimed() {
    if !can_inject() {
        return;
    }
    let sink = Home::new("sink");
    let at_sink = Listener::start(&sink);
    let errands = errands(&at_sink.target());
    let mut jobs = Vec::new();
    for errand in &errands {
        let home = copy_of(&errand.start);
        let (expected, trace) = traced(&home, &all_calls(), &errand.call);
        assert_eq!(expected.status.code(), Some(0), "{}", expected.report());
        let expected = std::sync::Arc::new(expected);
        let faults = faults(&trace, &home.path());
        assert!(faults.len() > 5, "{:?} has no calls that can fail:\n{trace}", errand.call);
        jobs.extend(faults.into_iter().map(|fault| (errand, fault, expected.clone())));
    }
    let tally = Mutex::new(Tally::default());
    let done = each(&jobs, lasting(Duration::from_secs(25)), |(errand, fault, expected)| {
        let home = copy_of(&errand.start);
        let (said, trace) = traced(&home, &fault.arguments(), &errand.call);
        let what = format!("{fault:?}{}", said.report());
        let exit = said.status.code().unwrap_or_else(|| panic!("killed: {what}"));
        assert!([0, 2, 8].contains(&exit), "{what}");
        match exit {
            0 => (errand.done)(&home, &said, expected),
            _ => {
                assert!(said.stderr.lines().any(|line| line.starts_with("error: ")), "{what}");
                (errand.failed)(&home, &said);
            }
        }
        let leftovers = fs::read_dir(home.path()).into_iter().flatten();
        let leftovers = leftovers
            .filter(|f| f.as_ref().unwrap().path().extension().is_some_and(|e| e == "tmp"));
        let leftovers = leftovers.count();
        nothing_is_lost(&home, errand, &what);
        let mut tally = tally.lock().unwrap();
        tally.struck += usize::from(has_struck(&trace, &home.path()));
        *tally.exits.entry(exit).or_default() += 1;
        tally.leftovers += leftovers;
    });
    let Tally { struck, exits, leftovers } = tally.into_inner().unwrap();
    figures!(
        "{done} of {} faults of {} commands, {struck} of them struck the state; exits {exits:?}; {leftovers} temporary files left, which the next run took over",
        jobs.len(),
        errands.len()
    );
    assert!(struck * 10 > done * 9, "most faults have missed: {struck} of {done}");
}

/// A strace that holds one thread, until it is dropped.
struct Held(Child);

impl Held {
    /// Takes hold of a thread, and comes back when it has it.
    fn take(tid: &str, log: &Path, rules: &[String]) -> Self {
        let mut command = Command::new("strace");
        command.args(["-y", "-o"]).arg(log).args(rules).args(["-p", tid]);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = lines_of(child.stderr.take().unwrap()).recv_timeout(PATIENCE).unwrap();
        assert!(said.ends_with(" attached"), "{said}");
        Self(child)
    }

    /// Lets it go, and waits until that is so.
    fn release(mut self) {
        end(&mut self.0);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0.try_wait().unwrap().is_none() {
            end(&mut self.0);
        }
    }
}

/// Ends strace in order, so that what it holds goes on.
fn end(child: &mut Child) {
    let kill = format!("kill -s TERM {}", child.id());
    let _ = Command::new("/bin/sh").args(["-c", &kill]).status();
    crate::support::wait_for_end(child);
}

/// The thread of a listener that stores what arrives; it gives itself its name when it begins.
fn recorder_of(listener: &Listener) -> String {
    let start = Instant::now();
    loop {
        let tasks = fs::read_dir(format!("/proc/{}/task", listener.pid())).unwrap();
        for task in tasks.map(|task| task.unwrap()) {
            let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if name.trim() == "recorder" {
                return task.file_name().into_string().unwrap();
            }
        }
        assert!(start.elapsed() < PATIENCE, "no recorder");
    }
}

/// What a listener starts from.
struct Start {
    home: Home,
    /// Whether its peers file is damaged once it runs, so that it has to be written anew.
    damaged: bool,
}

impl Start {
    /// A listener on a copy of it.
    fn listener(&self) -> (Home, Listener) {
        let home = copy_of(&self.home);
        let listener = Listener::start(&home);
        if self.damaged {
            let peers = fs::read_to_string(home.file("peers")).unwrap();
            fs::write(home.file("peers"), format!("damage\n{peers}")).unwrap();
        }
        (home, listener)
    }
}

/// What the history has, by number.
fn kept(home: &Home) -> String {
    home.run(["log"]).stdout
}

#[test]
fn whatever_call_of_a_listener_fails_it_acknowledges_only_what_it_has() {
    if !can_inject() {
        return;
    }
    let sink = Home::new("sink");
    let at_sink = Listener::start(&sink);
    let plain = full_home(&at_sink.target());
    plain.configure("[listen]\ndurable = true\n");
    // with this limit each message has a page of its own, and with damage the peers file is written anew
    let turning = copy_of(&plain);
    turning.configure("[listen]\ndurable = true\nhistory = 2000\n");
    let long = "x".repeat(900);
    let text = |n: u32| format!("127.0.0.1:700{n} x {n}{long}");

    let mut jobs = Vec::new();
    let starts = [Start { home: plain, damaged: false }, Start { home: turning, damaged: true }];
    for start in &starts {
        let (home, listener) = start.listener();
        let log = home.path().with_file_name("trace");
        let held = Held::take(&recorder_of(&listener), &log, &all_calls());
        assert!(say(listener.address(), text(1).as_bytes()).starts_with(b"P2P/1 OK"));
        held.release();
        let faults = faults(&fs::read_to_string(&log).unwrap(), &home.path());
        assert!(faults.len() > 20, "{faults:?}");
        jobs.extend(faults.into_iter().map(|fault| (start, fault)));
    }
    let tally = Mutex::new((0, [0; 2], [0; 2], BTreeMap::<Option<i32>, usize>::new()));
    let done = each(&jobs, lasting(Duration::from_secs(20)), |(start, fault)| {
        let (home, listener) = start.listener();
        let log = home.path().with_file_name("trace");
        let held = Held::take(&recorder_of(&listener), &log, &fault.arguments());
        let first = say(listener.address(), text(1).as_bytes()).starts_with(b"P2P/1 OK");
        held.release();
        // it may have ended
        let second = std::net::TcpStream::connect(listener.address()).is_ok()
            && say(listener.address(), text(2).as_bytes()).starts_with(b"P2P/1 OK");
        listener.signal("TERM");
        let (status, _) = listener.wait();
        let what = format!("{fault:?}: {status}");
        assert!(matches!(status.code(), Some(0 | 8)), "{what}");
        let has_struck = has_struck(&fs::read_to_string(&log).unwrap(), &home.path());
        let is_doubtful = has_struck && fault.call == "fdatasync";
        assert!(!first || !is_doubtful, "acknowledged though nobody knows: {what}");
        let log_now = kept(&home);
        for (number, is_acknowledged) in [(1, first), (2, second)] {
            let is_kept = log_now.contains(&text(number));
            let times = log_now.matches(&text(number)).count();
            assert!(times <= 1, "message {number} is there {times} times: {what}");
            assert!(is_kept || !is_acknowledged, "acknowledged and lost: message {number}, {what}");
        }
        let all = log_now.starts_with(&kept(&start.home));
        assert!(start.damaged || all, "the history has lost something: {what}");
        let (before, now) = (start.home.peer_addresses(), home.peer_addresses());
        assert!(before.iter().all(|a| now.contains(a)), "{now:?} is all that is left: {what}");
        // and the next one works
        let added = home.run(["peers", "add", "next", "10.0.0.8:8"]);
        assert_eq!(added.status.code(), Some(0), "{what}{}", added.report());
        let next = Listener::start(&home);
        assert!(say(next.address(), text(3).as_bytes()).starts_with(b"P2P/1 OK"), "{what}");
        next.stop();
        assert!(kept(&home).contains(&text(3)), "{what}");
        let mut tally = tally.lock().unwrap();
        tally.0 += usize::from(has_struck);
        tally.1[usize::from(first)] += 1;
        tally.2[usize::from(second)] += 1;
        *tally.3.entry(status.code()).or_default() += 1;
    });
    let (struck, first, second, exits) = tally.into_inner().unwrap();
    figures!(
        "{done} of {} faults, {struck} struck; the message then: {} refused, {} acknowledged and there; the one after: {} refused, {} acknowledged and there; exits {exits:?}",
        jobs.len(),
        first[0],
        first[1],
        second[0],
        second[1]
    );
    assert!(struck * 10 > done * 9, "most faults have missed: {struck} of {done}");
}

#[test]
fn whatever_call_fails_at_the_start_of_a_listener_it_works_or_says_why_not() {
    if !can_inject() {
        return;
    }
    let sink = Home::new("sink");
    let at_sink = Listener::start(&sink);
    let full = full_home(&at_sink.target());
    let empty = Home::new("me");
    let call = ["listen", "-p", "0", "-b", "127.0.0.1", "-1", "-t", "10s"].map(str::to_owned);
    let run = |start: &Home, rules: &[String]| {
        let home = copy_of(start);
        let log = home.path().with_file_name("trace");
        let mut command = Command::new("strace");
        command.env_clear().env("P2P_HOME", home.path()).env("P2P_NAME", home.name());
        command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.args(["-y", "-o"]).arg(&log).args(rules).arg(P2P).args(&call);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = lines_of(child.stderr.take().unwrap());
        let mut all = Vec::new();
        let mut is_acknowledged = false;
        while let Ok(line) = said.recv_timeout(PATIENCE) {
            if let Some(ready) = line.strip_prefix("listening on ") {
                let address = ready.split(' ').next().unwrap().parse().unwrap();
                is_acknowledged = say(address, b"10.9.9.9:9 x arrived").starts_with(b"P2P/1 OK");
            }
            all.push(line);
        }
        let status = crate::support::wait_for_end(&mut child);
        (home, fs::read_to_string(&log).unwrap(), status, all, is_acknowledged)
    };
    let mut jobs = Vec::new();
    for start in [&full, &empty] {
        let (home, trace, status, said, is_acknowledged) = run(start, &all_calls());
        assert!(status.success() && is_acknowledged, "{status} {said:?}");
        jobs.extend(faults(&trace, &home.path()).into_iter().map(|fault| (start, fault)));
    }
    let tally = Mutex::new((0, 0, BTreeMap::<i32, usize>::new()));
    let done = each(&jobs, lasting(Duration::from_secs(15)), |(start, fault)| {
        let (home, trace, status, said, is_acknowledged) = run(start, &fault.arguments());
        let what = format!("{fault:?}: {status} {said:?}");
        let exit = status.code().unwrap_or_else(|| panic!("killed: {what}"));
        // 1: it was ready, and the message did not come within its time
        assert!([0, 1, 2, 8].contains(&exit), "{what}");
        assert!(exit == 0 || !said.is_empty(), "{what}");
        let log = kept(&home);
        assert!(!is_acknowledged || log.contains(" x arrived\n"), "acknowledged and lost: {what}");
        assert!(log.starts_with(&kept(start)), "the history has lost something: {what}");
        let (before, now) = (start.peer_addresses(), home.peer_addresses());
        assert!(before.iter().all(|a| now.contains(a)), "{now:?} is all that is left: {what}");
        if start.file("key").exists() {
            assert_eq!(key_in(&home.run(["id"])), key_in(&start.run(["id"])), "{what}");
        }
        let next = Listener::start(&home);
        assert!(say(next.address(), b"10.9.9.9:9 x again").starts_with(b"P2P/1 OK"), "{what}");
        let mut tally = tally.lock().unwrap();
        tally.0 += usize::from(has_struck(&trace, &home.path()));
        tally.1 += usize::from(is_acknowledged);
        *tally.2.entry(exit).or_default() += 1;
    });
    let (struck, acknowledged, exits) = tally.into_inner().unwrap();
    figures!(
        "{done} of {} faults, {struck} struck; {acknowledged} listeners took their message all the same; exits {exits:?}",
        jobs.len()
    );
    assert!(struck * 10 > done * 9, "most faults have missed: {struck} of {done}");
}

#[test]
#[cfg(all(target_os = "linux", target_endian = "little"))]
fn a_home_on_a_network_file_system_is_refused_unless_that_is_allowed() {
    /// NFS, SMB, CIFS, SMB2, AFS, Coda, Ceph, 9P: the magic numbers of statfs(2).
    const NETWORK: [u32; 8] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x5346_414f,
        0x7375_7245,
        0x00c3_6400,
        0x0102_1997,
    ];
    if !can_inject() {
        return;
    }
    let home = Home::new("me");
    home.run(["peers", "add", "kept", "10.0.0.1:1"]).succeeds();
    // the kernel's answer, with another kind of file system in its first word
    let on = |kind: u32| {
        let word: String =
            u64::from(kind).to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let inject = format!("inject=fstatfs:poke_exit=@arg2={word}");
        let rules = ["-e".to_owned(), "trace=fstatfs".to_owned(), "-e".to_owned(), inject];
        traced(&home, &rules, &["peers".to_owned()]).0
    };
    /// ext4, from the same list.
    const LOCAL: u32 = 0xef53;
    let here = on(LOCAL);
    if here.stderr.contains("strace: ") {
        skipped!("this strace cannot change what the kernel answers: {}", here.stderr);
        return;
    }
    here.is(0, "kept\t10.0.0.1:1\tstatic\t-\t-\t-\n", "");
    for kind in NETWORK {
        on(kind).fails(8, "it is on a network file system, where locks are not safe\nhint: choose a local directory");
    }
    home.configure("[state]\nallow_network = true\n");
    for kind in NETWORK {
        on(kind).succeeds();
    }
    figures!(
        "{} kinds of network file systems refused, and used when that is allowed",
        NETWORK.len()
    );
}
