//! Programs that spin, stop, panic, or leave others behind when the system says no.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::{can_run, in_namespaces, receiver, ticks};
use crate::support::{
    Home, Listener, P2P, PATIENCE, connect, outcome, read_to_end, say, wait_for_end,
};

/// No file is left for a connection that waits, and none can be had by ending another one.
#[test]
fn accept_does_not_spin_when_there_are_no_more_files() {
    const WATCHED: Duration = Duration::from_millis(1500);
    let bob = Home::new("bob");
    let listener = Listener::start(&bob);
    let pid = Pid::from_raw(i32::try_from(listener.pid()).unwrap());
    let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", listener.pid())) else {
        return skipped!("only root sees the files of a process that has a key");
    };
    let open: BTreeSet<u64> =
        open.filter_map(|fd| fd.unwrap().file_name().to_str()?.parse().ok()).collect();
    // the next file would have the first number that is free
    let free = (0..).find(|number| !open.contains(number)).unwrap();
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit { current: Some(free), maximum };
    let before = prlimit(pid, Resource::Nofile, limit).unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|number| {
            let mut stream = connect(listener.address());
            stream.write_all(format!("127.0.0.1:7001 eve {number}").as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            stream
        })
        .collect();
    let (used, start) = (ticks(listener.pid()), Instant::now());
    std::thread::sleep(WATCHED);
    let (used, time) = (ticks(listener.pid()) - used, start.elapsed());
    // one core would have been busy for a tick each 10 ms
    let most = u64::try_from(time.as_millis() / 10).unwrap() / 5;
    assert!(used <= most, "{used} ticks of processor time in {time:?} without a file");
    prlimit(pid, Resource::Nofile, before).unwrap();
    for mut stream in waiting {
        assert!(read_to_end(&mut stream).starts_with(b"P2P/1 OK "));
    }
    let mut shown: Vec<_> = (0..20).map(|_| listener.line()).collect();
    shown.sort();
    assert_eq!(shown.len(), 20);
    let said = listener.all_said();
    let of_this = said.iter().filter(|line| line.starts_with("warning: cannot accept"));
    assert_eq!(of_this.count(), 1, "it is said once: {said:?}");
    figures!("{used} ticks in {time:?} with 20 connections and no file; then 20 of 20 messages");
}

/// Each error that accept(2) can give, again and again between connections, and many at once: none ends the listener.
#[test]
fn tonic_cve_2024_47609_no_error_of_accept_ends_the_listener() {
    const ERRORS: [&str; 16] = [
        "ECONNABORTED",
        "EPROTO",
        "EPERM",
        "ENETDOWN",
        "ENETUNREACH",
        "EHOSTDOWN",
        "EHOSTUNREACH",
        "ENONET",
        "ENOPROTOOPT",
        "EOPNOTSUPP",
        "ENOBUFS",
        "ENOMEM",
        "EMFILE",
        "ENFILE",
        "EINTR",
        "EIO",
    ];
    const GOOD: usize = 6;
    if !can_run("strace", &["-qq", "-o", "/dev/null", "true"]) {
        skipped!("no strace that may trace");
        return;
    }
    let mut good = 0;
    for error in ERRORS {
        let bob = Home::new("bob");
        let trace = bob.path().with_file_name("trace");
        let mut strace = Command::new("strace");
        // -D: the listener is our child, and strace its
        strace.args(["-D", "-f", "-qq", "-o"]).arg(&trace).args(["-e", "trace=accept4"]);
        // every other one fails, from the first on
        strace.args(["-e", &format!("inject=accept4:error={error}:when=1+2")]);
        strace.arg(P2P).args(["listen", "-p", "0", "-b", "127.0.0.1"]);
        strace.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        strace.env("P2P_HOME", bob.path()).env("P2P_NAME", "bob");
        let listener = Listener::spawn(strace);
        for number in 0..GOOD {
            let reply = say(listener.address(), format!("127.0.0.1:7000 eve {number}").as_bytes());
            assert!(reply.starts_with(b"P2P/1 OK "), "message {number} after {error}: {reply:?}");
            assert_eq!(listener.line(), format!("127.0.0.1:7000 eve {number}"), "after {error}");
            good += 1;
        }
        let (status, _) = listener.stop();
        assert_eq!(status.code(), Some(0), "{error}");
        let trace = std::fs::read_to_string(&trace).unwrap();
        assert!(trace.matches("(INJECTED)").count() >= GOOD / 2, "{error}: {trace}");
    }
    figures!("{good} of {} messages after {} kinds of errors", GOOD * ERRORS.len(), ERRORS.len());
}

/// Nobody reads what is printed, from the first byte on or at all.
#[test]
fn println_panics_of_others_no_command_panics_when_nobody_reads() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let listener = Listener::start_with(&bob, &["-b", "127.0.0.1", "-x", "seq 2000", "--reply"]);
    let target = listener.target();
    alice.run(["peers", "add", "bob", &target]).succeeds();
    alice.run(["send", "bob", "first"]).succeeds();
    say(listener.address(), b"127.0.0.1:7000 eve hello");
    let plain = receiver(|_| b"ACK from 7000".to_vec()).to_string();
    let calls: [&[&str]; 21] = [
        &["--help"],
        &["help", "send"],
        &["-V"],
        &["nonsense"],
        &["peers"],
        &["peers", "--check"],
        &["peers", "add", "x", "10.0.0.1:1"],
        &["peers", "rm", "10.0.0.1:1"],
        &["id"],
        &["config", "show"],
        &["config", "path"],
        &["config", "check"],
        &["completions", "bash"],
        &["completions", "fish", "--", "p2p", "send", ""],
        &["log"],
        &["log", "--sent"],
        &["ping", "bob"],
        &["ping", &plain, "-n", "2", "-i", "10ms"],
        &["send", "bob", "x", "--reply"],
        &["broadcast", "x"],
        &["leave", "bob"],
    ];
    let mut ended = 0;
    for call in calls {
        for more in [&[][..], &["--json"], &["-v"]] {
            for (stdout, stderr) in [
                ("gone", "kept"),
                ("kept", "gone"),
                ("gone", "gone"),
                ("closed", "closed"),
                ("full", "gone"),
            ] {
                let mut command = Command::new("/bin/sh");
                let close = |fd: u8, how: &str| {
                    if how == "closed" { format!(" {fd}>&-") } else { String::new() }
                };
                let script = format!("exec \"$0\" \"$@\"{}{}", close(1, stdout), close(2, stderr));
                command.args(["-c", &script, P2P]).args(call.iter().chain(more));
                command
                    .env_clear()
                    .env("P2P_HOME", alice.path())
                    .env("P2P_NAME", "alice")
                    .stdin(Stdio::null());
                let mut kept = Vec::new();
                let mut stream = |how: &str| match how {
                    "gone" => Stdio::from(std::io::pipe().unwrap().1),
                    "full" => Stdio::from(
                        std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap(),
                    ),
                    "kept" => {
                        let (reader, writer) = std::io::pipe().unwrap();
                        kept.push(reader);
                        Stdio::from(writer)
                    }
                    _ => Stdio::null(),
                };
                command.stdout(stream(stdout)).stderr(stream(stderr));
                let mut child = command.spawn().unwrap();
                drop(command);
                let mut said = String::new();
                for mut reader in kept {
                    reader.read_to_string(&mut said).unwrap();
                }
                let status = wait_for_end(&mut child);
                let shown = format!(
                    "{call:?} {more:?}, stdout {stdout}, stderr {stderr}: {status}: {said}"
                );
                assert!(!said.contains("panicked"), "{shown}");
                assert!(status.code().is_some_and(|code| code != 101), "{shown}");
                ended += 1;
            }
        }
    }
    // a listener without readers ends, and is no wreck
    let carol = Home::new("carol");
    for stream in ["stdout", "stderr"] {
        let mut command = carol.command();
        command.args(["listen", "-p", "0", "-b", "127.0.0.1", "-v"]);
        let gone = || Stdio::from(std::io::pipe().unwrap().1);
        match stream {
            "stdout" => command.stdout(gone()).stderr(Stdio::null()),
            _ => command.stdout(Stdio::null()).stderr(gone()).args(["-1"]),
        };
        let mut child = command.spawn().unwrap();
        if stream == "stderr" {
            say(carol.listening(), b"127.0.0.1:7000 eve hello");
        }
        assert_eq!(wait_for_end(&mut child).code(), Some(0), "{stream}");
        ended += 1;
    }
    figures!("{ended} calls with nobody to read");
}

/// Processes with a word in their call: number, state, parent.
fn processes(word: &str) -> Vec<(u32, char, u32)> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter_map(|pid| {
            let call = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let mut fields = stat.rsplit(')').next()?.split_whitespace();
            let (state, parent) = (fields.next()?.chars().next()?, fields.next()?.parse().ok()?);
            (call.contains(word) || (state == 'Z' && word.is_empty()))
                .then_some((pid, state, parent))
        })
        .collect()
}

/// Hooks that leave children and grandchildren behind, of which some ignore every polite word.
#[test]
fn zombies_and_grandchildren_of_hooks_are_gone_when_their_time_is_over() {
    const MESSAGES: usize = 40;
    let bob = Home::new("bob");
    let mark = format!("7654{}", std::process::id());
    let hook = format!(
        "(sleep {mark}.1 & sleep {mark}.2 & exit 0) & (trap '' TERM HUP INT; sh -c 'trap \"\" TERM; sleep {mark}.3; sleep {mark}.4' & wait) & \
         exec > /dev/null 2>&1; exit $((P2P_SIZE % 3))"
    );
    let arguments =
        ["-b", "127.0.0.1", "--json", "-j", "8", "--exec-timeout", "300ms", "-x", &hook];
    let listener = Listener::start_with(&bob, &arguments);
    for number in 0..MESSAGES {
        say(
            listener.address(),
            format!("127.0.0.1:7000 eve {}", "x".repeat(number % 5 + 1)).as_bytes(),
        );
    }
    let mut hooks = 0;
    while hooks < MESSAGES {
        hooks += usize::from(listener.object()["event"] == "hook");
    }
    let start = Instant::now();
    let left = loop {
        let children = processes("").into_iter().filter(|(_, _, parent)| *parent == listener.pid());
        let left: Vec<_> = processes(&mark)
            .into_iter()
            .filter(|(pid, ..)| *pid != listener.pid())
            .chain(children)
            .collect();
        if left.is_empty() || start.elapsed() > PATIENCE {
            break left;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let took = start.elapsed();
    listener.signal("TERM");
    let status = listener.wait().0;
    for (pid, ..) in processes(&mark) {
        // should they be left they are not left to others
        let _ = Pid::from_raw(pid as i32)
            .map(|p| rustix::process::kill_process(p, rustix::process::Signal::KILL));
    }
    assert_eq!(left, [], "processes of hooks that are over");
    assert_eq!(status.code(), Some(0));
    figures!("{hooks} hooks with 5 processes each: nothing of them left after {took:?}");
}

/// All ports that a connection may have are taken: nothing is sent, that is said, and it can be tried again. A kernel that
/// connects a socket to itself for want of another port delivers nothing.
#[test]
fn ephemeral_ports_that_run_out_are_told_and_waited_for() {
    let script = format!(
        r#"set -e
ip link set lo up
export P2P_HOME=$1/alice P2P_NAME=alice
p2p() {{ '{P2P}' "$@"; }}
P2P_HOME=$1/bob P2P_NAME=bob '{P2P}' listen -p 5000 -b 127.0.0.1 > "$1/shown" 2> "$1/said" & listener=$!
for n in $(seq 200); do grep -q listening "$1/said" && break; sleep 0.05; done
p2p ping 127.0.0.1:5000 -q
echo 32768 32769 > /proc/sys/net/ipv4/ip_local_port_range
# nobody listens at a port that a connection may have itself
for n in 1 2 3 4; do
    status=0; p2p send 127.0.0.1:32768 hello --secure off -t 2s 2>> "$1/self" || status=$?; echo "self $status"
done
echo 32770 32771 > /proc/sys/net/ipv4/ip_local_port_range
exec 3<> /dev/tcp/127.0.0.1/5000 4<> /dev/tcp/127.0.0.1/5000
status=0; p2p send 127.0.0.1:5000 none -t 2s 2> "$1/none" || status=$?; echo "none $status"
status=0; p2p send 127.0.0.1:5000 none --json -t 2s 2> /dev/null > "$1/json" || status=$?; echo "json $status"
p2p send 127.0.0.1:5000 later --retry-for 10s 3>&- 4>&- & sender=$!
for n in $(seq 40); do kill -0 $sender 2> /dev/null || echo "it did not wait"; sleep 0.01; done
exec 3>&- 4>&-
status=0; wait $sender || status=$?; echo "later $status"
kill $listener; status=0; wait $listener || status=$?; echo "listener $status"
"#
    );
    let dir = tempfile::tempdir().unwrap();
    let Some(mut command) = in_namespaces(&["--net", "--mount"], &script) else { return };
    command.arg("bash").arg(dir.path());
    let said = outcome(&mut command, None);
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default();
    if said.stderr.contains("ip_local_port_range") {
        skipped!("ports cannot be made few: {}", said.stderr);
        return;
    }
    let expected = "self 4\nself 4\nself 4\nself 4\nnone 4\njson 4\nlater 0\nlistener 0\n";
    assert_eq!(
        said.stdout,
        expected,
        "{}{}{}{}",
        said.report(),
        read("none"),
        read("self"),
        read("said")
    );
    assert!(read("none").contains("no free port or address on this machine"), "{}", read("none"));
    assert_eq!(read("self").matches("connection refused").count(), 4, "{}", read("self"));
    assert_eq!(read("shown"), "127.0.0.1 alice later\n");
    figures!("2 ports: 4 calls of a port of our own, 2 without any, and 1 that waited");
}
