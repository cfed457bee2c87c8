//! Mixed traffic for as long as asked: nothing lost, nothing twice, and memory, descriptors and threads flat.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::raw::key_of;
use crate::report::lasting;
use crate::support::{Home, Nobody, PATIENCE, lines_of, say, wait_for_end};
use crate::tally::Tally;
use crate::traffic::{self, Field, Target};

/// What a process takes of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    resident_kib: u64,
    descriptors: u64,
    threads: u64,
}

impl Size {
    fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        Self {
            resident_kib: field("VmRSS:"),
            descriptors: descriptors as u64,
            threads: field("Threads:"),
        }
    }
}

/// A listener at this place whose output counts in a tally.
struct Watched {
    child: std::process::Child,
    lines: Receiver<String>,
    said: Receiver<String>,
}

impl Watched {
    fn start(home: &Home, place: &Nobody) -> Self {
        let mut command = home.command();
        let port = place.port().to_string();
        command.args(["listen", "-b", "127.0.0.1", "-p", &port]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, said) =
            (lines_of(child.stdout.take().unwrap()), lines_of(child.stderr.take().unwrap()));
        let ready = said.recv_timeout(PATIENCE).unwrap();
        assert!(ready.starts_with("listening on "), "{ready}");
        Self { child, lines, said }
    }

    /// Enters what it has printed by now.
    fn enter_shown(&self, tally: &Tally) {
        self.lines.try_iter().for_each(|line| tally.show(text_of(&line)));
    }

    /// What it has said by now; none of it a panic.
    fn said(&self) -> Vec<String> {
        let said: Vec<_> = self.said.try_iter().collect();
        assert!(!said.iter().any(|line| line.contains("panicked")), "{said:?}");
        said
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of a line of output.
fn text_of(line: &str) -> &str {
    line.splitn(3, ' ').nth(2).unwrap_or_default()
}

/// Kills the listener again and again, now and then in order, and reads its history as cron would.
fn kill_again_and_again(field: &Field, home: &Home, place: &Nobody) {
    let read = || {
        let outcome = traffic::run(home, &["log", "--new=soak"]);
        assert!(matches!(outcome.status.code(), Some(0 | 1)), "{}", outcome.report());
        // its lines begin with the time
        for line in outcome.stdout.lines() {
            field.carol.tally.show(line.split_once(' ').map_or("", |(_, rest)| text_of(rest)));
        }
    };
    for round in 0u64.. {
        let mut listener = Watched::start(home, place);
        let goes_on = traffic::wait_within(field, Duration::from_millis(1000 + 271 * (round % 9)));
        read();
        if round % 4 == 3 || !goes_on {
            let pid = listener.child.id();
            let status = Command::new("kill").arg(pid.to_string()).status().unwrap();
            assert!(status.success());
            let status = wait_for_end(&mut listener.child);
            assert_eq!(status.code(), Some(0), "{:?}", listener.said());
            field.count("ends in order");
        } else {
            listener.child.kill().unwrap();
            listener.child.wait().unwrap();
            field.count("kills");
        }
        listener.said();
        if !goes_on {
            read();
            return;
        }
    }
}

/// What the descriptors of a process are, or what its threads are called.
fn files_of(pid: u32, folder: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/{folder}")) else { return vec![] };
    let shown = entries.map(|entry| {
        let path = entry.unwrap().path();
        let name = std::fs::read_to_string(path.join("comm"));
        name.unwrap_or_else(|_| format!("{:?}", std::fs::read_link(path)))
    });
    shown.collect()
}

/// The bytes of all files in a home.
fn bytes_of(home: &Home) -> u64 {
    let files = std::fs::read_dir(home.path()).unwrap();
    files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
}

#[test]
fn mixed_traffic_loses_nothing_doubles_nothing_and_costs_no_more_after_a_while() {
    const HISTORY: u64 = 1024 * 1024;
    let time = lasting(Duration::from_secs(20));
    let (bob, carol) = (Home::new("bob"), Home::new("carol"));
    // rotated all the time; what it prints is what counts
    bob.configure(&format!(
        "[listen]\nhistory = {HISTORY}\nrecheck = \"2s\"\n[[hook]]\ntopic = \"hooked\"\nreply = true\n\
         run = \"tee -a {}\"\n",
        bob.path().join("hooked").display()
    ));
    let (at_bob, at_carol) = (Nobody::new(), Nobody::new());
    let address = |place: &Nobody| place.target().parse().unwrap();
    let field = Field {
        bob: Target { address: address(&at_bob), key: key_of(&bob), tally: Tally::default() },
        carol: Target { address: address(&at_carol), key: key_of(&carol), tally: Tally::default() },
        over: AtomicBool::new(false),
        done: std::sync::Mutex::default(),
    };
    let senders: Vec<Home> = ["send", "lines", "broadcast", "ping"].map(Home::new).into();
    for sender in &senders {
        for (name, place) in [("bob", &at_bob), ("carol", &at_carol)] {
            let key = if name == "bob" { field.bob.key } else { field.carol.key };
            let call = ["peers", "add", name, &place.target(), "--key", &key.to_string()];
            sender.run(call).succeeds();
        }
    }
    let mut listener = Watched::start(&bob, &at_bob);
    let pid = listener.child.id();
    if std::fs::read_dir(format!("/proc/{pid}/fd")).is_err() {
        skipped!("counting descriptors: only root sees those of a process that has a key");
    }
    // what is opened at the first message, and stays
    let to_hook = ["send", "bob", "warm", "--topic", "hooked", "--reply"];
    assert_eq!(senders[0].run(to_hook).succeeds().stdout, "warm\n");
    assert!(say(field.bob.address, b"127.0.0.1:20000 warm warm").starts_with(b"P2P/1 OK "));
    let at_start = Size::of(pid);
    let at_first = [files_of(pid, "fd"), files_of(pid, "task")];
    let mut sizes = Vec::new();
    let mut largest_home = 0;
    let traffic: [&(dyn Fn() + Sync); 9] = [
        &|| kill_again_and_again(&field, &carol, &at_carol),
        &|| traffic::speak_plainly(&field, "plain1"),
        &|| traffic::speak_plainly(&field, "plain2"),
        &|| traffic::send(&field, &senders[0]),
        &|| traffic::send_lines(&field, &senders[1]),
        &|| traffic::broadcast(&field, &senders[2]),
        &|| traffic::ping(&field, &senders[3]),
        &|| traffic::keep_house(&field, &bob),
        &|| traffic::attack(&field),
    ];
    std::thread::scope(|scope| {
        let field = &field;
        for part in traffic {
            scope.spawn(move || {
                // a failure in one of them ends the others, too
                let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(part));
                field.over.store(true, Ordering::Relaxed);
                ended.unwrap();
            });
        }
        let start = Instant::now();
        while start.elapsed() < time && traffic::wait_within(field, Duration::from_millis(500)) {
            sizes.push(Size::of(pid));
            largest_home = largest_home.max(bytes_of(&bob));
            listener.enter_shown(&field.bob.tally);
            listener.said();
        }
        field.over.store(true, Ordering::Relaxed);
    });
    let at_end = settled(pid, at_start);
    let left = [files_of(pid, "fd"), files_of(pid, "task")];
    let kill = Command::new("kill").arg(pid.to_string()).status().unwrap();
    assert!(kill.success());
    let status = wait_for_end(&mut listener.child);
    // the thread that reads its output may be behind
    while let Ok(line) = listener.lines.recv_timeout(PATIENCE) {
        field.bob.tally.show(text_of(&line));
    }
    assert_eq!(status.code(), Some(0), "{:?}", listener.said());

    let quarters: Vec<Size> = sizes.chunks(sizes.len().div_ceil(4)).map(middle).collect();
    let most = sizes.iter().map(|size| size.resident_kib).max().unwrap();
    let done = field.done.lock().unwrap();
    let done: Vec<_> = done.iter().map(|(what, count)| format!("{count} {what}")).collect();
    figures!("{time:?}: {}", done.join(", "));
    figures!(
        "memory (KiB), descriptors, threads: start {at_start:?}, middle of each quarter {quarters:?}, after it {at_end:?}"
    );
    for target in [&field.bob, &field.carol] {
        let sum = target.tally.sum();
        figures!(
            "acknowledged {}, shown {}, lost {}, doubled {}",
            sum.acknowledged,
            sum.shown,
            sum.lost.len(),
            sum.doubled.len()
        );
        assert_eq!((&sum.lost, &sum.doubled), (&vec![], &vec![]));
        assert!(sum.acknowledged > 100, "{sum:?}");
    }
    let is_flat = at_end.descriptors == at_start.descriptors
        // one looks for silent peers every two seconds
        && at_end.threads <= at_start.threads + 1;
    assert!(is_flat, "now {left:#?}, at the start {at_first:#?}");
    assert!(most < 64 * 1024, "{most} KiB");
    assert!(largest_home < 2 * HISTORY + 8 * 1024 * 1024, "{largest_home} bytes");
    // the first half has the ids of a day to fill up with. What is in use stays the same from then on, and the allocator still
    // comes to pages that it has not touched: two bytes a message would be more than this
    if sizes.len() > 600 {
        let (early, late) = (quarters[1].resident_kib, quarters[3].resident_kib);
        assert!(late < early + 2048, "memory grows: {early} KiB, later {late} KiB");
    }
}

/// The size as soon as no connection is left, or what it is after a while: a slow one may stay for 10 s.
fn settled(pid: u32, at_start: Size) -> Size {
    let start = Instant::now();
    loop {
        let size = Size::of(pid);
        if size.descriptors == at_start.descriptors || start.elapsed() > PATIENCE {
            return size;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The size in the middle by memory.
fn middle(sizes: &[Size]) -> Size {
    let mut sorted = sizes.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}
