//! Hooks: commands of the user, run for what arrives, that must never be the peer's.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Home, Listener, P2P, say};

fn hooked(home: &Home, command: &str, arguments: &[&str]) -> Listener {
    Listener::start_with(home, &[&["-b", "127.0.0.1", "-x", command], arguments].concat())
}

/// Waits until a file has so many lines, and gives them.
#[track_caller]
fn lines_in(path: &Path, count: usize) -> Vec<String> {
    let start = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= count {
            return text.lines().map(str::to_owned).collect();
        }
        assert!(start.elapsed() < crate::support::PATIENCE, "only:\n{text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The processes of this machine: pid, state, parent, and arguments.
fn processes() -> Vec<(u32, char, u32, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // it may have ended meanwhile
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, fields)) = stat.rsplit_once(") ") else { continue };
        let mut fields = fields.split(' ');
        let state = fields.next().and_then(|s| s.chars().next()).unwrap_or('?');
        let parent = fields.next().and_then(|p| p.parse().ok()).unwrap_or(0);
        let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        found.push((pid, state, parent, String::from_utf8_lossy(&arguments).replace('\0', " ")));
    }
    found
}

/// Waits until no process has this in its arguments.
#[track_caller]
fn none_is_left(marker: &str, patience: Duration) {
    let start = Instant::now();
    loop {
        // the listener itself has the whole command in its arguments
        let is_left = |p: &(u32, char, u32, String)| {
            p.1 != 'Z' && p.3.contains(marker) && !p.3.contains(" listen ")
        };
        let left: Vec<_> = processes().into_iter().filter(is_left).collect();
        if left.is_empty() {
            return;
        }
        assert!(start.elapsed() < patience, "{left:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn it_gets_the_text_and_the_facts_and_its_output_goes_to_stderr() {
    let home = Home::new("bob");
    let told = "echo \"$P2P_EVENT|$P2P_FROM|$P2P_NAME|$P2P_OBSERVED|$P2P_VERIFIED|$P2P_SIZE|${P2P_ID-none}\"; cat; echo to-stderr >&2";
    let listener = hooked(&home, told, &["--json"]);
    say(listener.address(), b"127.0.0.1:6000 The_Team two\nlines");
    let mut said: Vec<_> = (0..4).map(|_| listener.said()).collect();
    assert_eq!(said.remove(0), "message|127.0.0.1:6000|The_Team|127.0.0.1|true|9|none");
    said.sort();
    assert_eq!(said, ["lines", "to-stderr", "two"]);
    let events: Vec<_> = (0..4).map(|_| listener.object()).collect();
    let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["listening", "message", "peer", "hook"]);
    let hook = &events[3];
    assert_eq!((&hook["on"], &hook["status"]), (&"message".into(), &0.into()));
    assert_eq!(hook["from"]["addr"], "127.0.0.1:6000");
    assert!(hook["ms"].as_f64().unwrap() > 0.0);
    assert_eq!(hook.get("timeout"), None);
}

#[test]
fn nothing_that_a_peer_sends_is_ever_run() {
    let home = Home::new("bob");
    let seen = home.file("seen");
    std::fs::create_dir_all(home.path()).unwrap();
    let canary = home.file("canary");
    let note = format!(
        "tr '\\0' ' ' < /proc/$$/cmdline | grep -c '[t]ouch' >> {0}; cat > /dev/null; echo \"$P2P_NAME\" > /dev/null",
        seen.display()
    );
    // the same command by the flag, and by each form of hook in the configuration
    for form in ["flag", "message", "join", "leave"] {
        let _ = std::fs::remove_file(&seen);
        let listener = if form == "flag" {
            home.configure("");
            hooked(&home, &note, &[])
        } else {
            home.configure(&format!("[[hook]]\non = \"{form}\"\nrun = '''{note}'''\n"));
            Listener::start(&home)
        };
        let shown = canary.display();
        let mut runs = 0;
        for (number, text) in [
            format!("$(touch {shown})"),
            format!("`touch {shown}`"),
            format!("; touch {shown} #"),
            format!("\ntouch {shown}\n"),
            format!("' ; touch {shown} ; '"),
            format!("\" ; touch {shown} ; \""),
            format!("|| touch {shown} &"),
            format!("a\u{0}; touch {shown}"),
        ]
        .into_iter()
        .enumerate()
        {
            let port = 7000 + number + form.len() * 100;
            let name = text.replace(' ', "${IFS}");
            say(listener.address(), format!("127.0.0.1:{port} {name} {text}").as_bytes());
            say(listener.address(), format!("127.0.0.1:{port} x {text}").as_bytes());
            say(listener.address(), format!("@ <{text}>\n{text}\n<end>").as_bytes());
            say(listener.address(), format!("127.0.0.1:{port} x exit").as_bytes());
            runs += match form {
                "flag" | "message" => 3,
                _ => 1,
            };
        }
        let counts = lines_in(&seen, runs);
        listener.stop();
        assert!(counts.iter().all(|count| count == "0"), "{form}: {counts:?}");
        assert!(!canary.exists(), "{form}");
    }
}

#[test]
fn many_messages_wait_for_few_hooks_and_nobody_waits_for_them() {
    const MESSAGES: usize = 1000;
    let home = Home::new("bob");
    std::fs::create_dir_all(home.path()).unwrap();
    let runs = home.file("runs");
    let note = format!("echo + >> {0}; sleep 0.05; echo - >> {0}", runs.display());
    let listener = hooked(&home, &note, &[]);
    let to = listener.address();
    let slowest = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|sender| {
                scope.spawn(move || {
                    let mut times = Vec::new();
                    for number in 0..MESSAGES / 8 {
                        let message = format!("127.0.0.1:6000 me {sender} {number}");
                        let start = Instant::now();
                        assert!(say(to, message.as_bytes()).starts_with(b"P2P/1 OK "));
                        times.push(start.elapsed());
                    }
                    times
                })
            })
            .collect();
        let mut times: Vec<_> = senders.into_iter().flat_map(|s| s.join().unwrap()).collect();
        times.sort();
        times[MESSAGES * 99 / 100]
    });
    // all of them are acknowledged long before the hooks are done
    let running = std::fs::read_to_string(&runs).unwrap_or_default();
    assert!(running.lines().count() < MESSAGES, "the acknowledgements waited for the hooks");
    let mut zombies: BTreeMap<u32, (Instant, Duration)> = BTreeMap::new();
    let mut samples = 0;
    while std::fs::read_to_string(&runs).unwrap_or_default().lines().count() < 2 * MESSAGES {
        samples += 1;
        for (pid, ..) in processes().iter().filter(|p| p.1 == 'Z' && p.2 == listener.pid()) {
            let (first, lasted) = zombies.entry(*pid).or_insert((Instant::now(), Duration::ZERO));
            *lasted = first.elapsed();
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    let (mut now, mut most) = (0, 0);
    for line in lines_in(&runs, 2 * MESSAGES) {
        now += if line == "+" { 1 } else { -1 };
        most = most.max(now);
    }
    assert_eq!((now, most), (0, 4));
    // between its end and our waiting for it a process is one for some microseconds, or until a busy machine lets us
    let longest = zombies.values().map(|(_, lasted)| *lasted).max().unwrap_or_default();
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    println!(
        "{MESSAGES} messages: 99 % acknowledged within {slowest:?}; at most {most} hooks at once; \
         {} zombies in {samples} samples, none of them seen for longer than {longest:?}",
        zombies.len()
    );
}

#[test]
fn its_whole_group_ends_when_its_time_is_over() {
    let home = Home::new("bob");
    let marker = format!("9876{}", std::process::id());
    let stubborn = format!(
        "trap '' TERM; sleep {marker}.1 & (trap '' TERM; sleep {marker}.2 & sleep {marker}.3; sleep {marker}.4) & \
         echo started; sleep {marker}.5; sleep {marker}.6"
    );
    let listener = hooked(&home, &stubborn, &["--exec-timeout", "200ms", "--json"]);
    say(listener.address(), b"go");
    assert_eq!(listener.said(), "started");
    let start = Instant::now();
    let hook = (0..3).map(|_| listener.object()).find(|object| object["event"] == "hook").unwrap();
    assert_eq!((&hook["timeout"], &hook["signal"]), (&true.into(), &9.into()));
    none_is_left(&marker, Duration::from_secs(4));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert!(listener.said().ends_with("was not done in time and was ended"));
    // and there is room for the next one
    say(listener.address(), b"again");
    assert_eq!(listener.said(), "started");
    listener.signal("KILL");
    std::thread::sleep(Duration::from_millis(50));
    for (pid, ..) in processes().into_iter().filter(|p| p.3.contains(&marker)) {
        // nobody is left to end those of a listener that was killed
        let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

#[test]
fn what_it_leaves_in_the_background_is_ended_too() {
    let home = Home::new("bob");
    let marker = format!("8765{}", std::process::id());
    let leaves = format!("sleep {marker} > /dev/null 2>&1 & echo started");
    let listener = hooked(&home, &leaves, &["--exec-timeout", "300ms", "--json", "-j", "1"]);
    say(listener.address(), b"go");
    let hook = (0..3).map(|_| listener.object()).find(|object| object["event"] == "hook").unwrap();
    assert_eq!(
        (&hook["status"], hook.get("timeout")),
        (&0.into(), None),
        "the shell itself was in time"
    );
    none_is_left(&marker, Duration::from_secs(4));
}

#[test]
fn it_need_not_read_and_may_print_without_end() {
    let home = Home::new("bob");
    home.configure("[limits]\nhook_output = 1000\n");
    let listener =
        hooked(&home, "exec 0<&-; head -c 1000000000 /dev/zero | tr '\\0' x", &["--json"]);
    let text = vec![b'x'; 60_000];
    assert!(say(listener.address(), &text).starts_with(b"P2P/1 OK "));
    assert_eq!(listener.said(), "x".repeat(1000));
    assert_eq!(listener.said(), "warning: a hook prints too much; the rest of it is not shown");
    let hook = (0..3).map(|_| listener.object()).find(|object| object["event"] == "hook").unwrap();
    assert_eq!(hook["status"], 0);
    let status = std::fs::read_to_string(format!("/proc/{}/status", listener.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 32 * 1024, "{peak} kB at most");
    assert_eq!(listener.all_said(), [""; 0]);
}

#[test]
fn what_it_prints_cannot_steer_a_terminal() {
    let home = Home::new("bob");
    let listener = hooked(&home, "cat", &[]);
    say(listener.address(), "127.0.0.1:6000 me \u{1b}[31mred\u{202e}".as_bytes());
    assert_eq!(listener.said(), "\\u{1b}[31mred\\u{202e}");
}

#[test]
fn a_hook_that_fails_is_told_and_harms_nobody() {
    let home = Home::new("bob");
    let listener = hooked(&home, "no-such-command", &[]);
    assert!(say(listener.address(), b"one").starts_with(b"P2P/1 OK "));
    assert!(listener.said().contains("not found"));
    assert_eq!(listener.said(), "warning: the hook `no-such-command` ended with status 127");
    assert!(say(listener.address(), b"two").starts_with(b"P2P/1 OK "));
    assert_eq!(
        (listener.line(), listener.line()),
        ("127.0.0.1 - one".into(), "127.0.0.1 - two".into())
    );
}

#[test]
fn hooks_of_the_configuration_are_for_whom_they_say() {
    let home = Home::new("bob");
    home.configure(
        "[[peer]]\nname = \"sensor\"\naddr = \"127.0.0.1:7001\"\n\
         [[hook]]\nfrom = [\"sensor\", \"127.0.0.1:7002\"]\nrun = \"echo first; cat\"\ncontinue = true\n\
         [[hook]]\nfrom = \"sensor\"\nrun = \"sleep 0.1; echo second\"\n\
         [[hook]]\nrun = \"echo other\"\n\
         [[hook]]\non = \"join\"\nrun = 'echo \"join $P2P_FROM $P2P_SIZE\"; cat'\n\
         [[hook]]\non = \"leave\"\nrun = 'echo \"leave $P2P_NAME\"'\n",
    );
    let listener = Listener::start_with(&home, &["-b", "127.0.0.1", "-j", "1"]);
    let heard = |bytes: &[u8], count: usize| -> Vec<String> {
        say(listener.address(), bytes);
        (0..count).map(|_| listener.said()).collect()
    };
    assert_eq!(
        heard(b"127.0.0.1:7001 sensor 21", 4),
        ["join 127.0.0.1:7001 0", "first", "21", "second"]
    );
    assert_eq!(
        heard(b"127.0.0.1:7002 two 22", 4),
        ["join 127.0.0.1:7002 0", "first", "22", "other"]
    );
    assert_eq!(heard(b"127.0.0.1:7003 three 23", 2), ["join 127.0.0.1:7003 0", "other"]);
    assert_eq!(heard(b"127.0.0.1:7003 three exit", 1), ["leave three"]);
    listener.stop();

    // -x takes the place of those for messages, and of no others
    let listener = hooked(&home, "echo flag", &["-j", "1"]);
    let heard = |bytes: &[u8], count: usize| -> Vec<String> {
        say(listener.address(), bytes);
        (0..count).map(|_| listener.said()).collect()
    };
    assert_eq!(heard(b"127.0.0.1:7001 sensor 21", 1), ["flag"]);
    assert_eq!(heard(b"127.0.0.1:7004 four 24", 2), ["join 127.0.0.1:7004 0", "flag"]);

    home.configure("[[hook]]\nfrom = \"sensro\"\nrun = \"true\"\n");
    let path = home.file("config.toml");
    let said = Home::run(&home, ["listen", "-p", "0"]);
    said.fails(2, &format!("a hook of {}: no known peer is called `sensro`", path.display()));
}

#[test]
fn its_environment_is_clean_and_its_p2p_is_ours() {
    let (home, alice) = (Home::new("bob"), Home::new("alice"));
    let at_alice = Listener::start(&alice);
    let mut command = home.command();
    command.env("BASH_ENV", "/evil").env("ENV", "/evil").env("IFS", "x");
    command.env("NOTIFY_SOCKET", "/evil").env("P2P_TOPIC", "old").env("P2P_JSON", "0");
    command.env("KEPT", "yes").args(["listen", "-p", "0", "-b", "127.0.0.1", "-x"]);
    command
        .arg(format!("env; {P2P} send {} thanks, $P2P_NAME; {P2P} config path", at_alice.target()));
    let listener = Listener::spawn(command);
    say(listener.address(), b"127.0.0.1:6000 carol hi");
    let said: Vec<_> = std::iter::repeat_with(|| listener.said())
        .take_while(|line| !line.starts_with("state "))
        .collect();
    for bad in ["BASH_ENV=", "ENV=", "NOTIFY_SOCKET=", "P2P_TOPIC=", "P2P_JSON=", "IFS=x"] {
        assert!(!said.iter().any(|line| line.starts_with(bad)), "{bad}: {said:?}");
    }
    for good in ["KEPT=yes", "P2P_NAME=carol"] {
        assert!(said.iter().any(|line| line == good), "{good}: {said:?}");
    }
    let path = home.file("config.toml");
    assert!(said.contains(&format!("config {}", path.display())), "{said:?}");
    // it speaks in our name, not in that of whoever it was called for
    assert_eq!(at_alice.line(), format!("{} bob thanks, carol", listener.address()));
}

#[test]
fn when_too_many_wait_messages_are_kept_and_hooks_are_not_run() {
    let home = Home::new("bob");
    home.configure("[limits]\nhook_buffer = 1100\n");
    let listener = hooked(&home, "sleep 0.5; cat", &["-j", "1"]);
    for text in ["one", "two", "three", "four"] {
        assert!(say(listener.address(), text.as_bytes()).starts_with(b"P2P/1 OK "));
    }
    assert_eq!(
        listener.said(),
        "warning: too many hooks wait, so some are not run; `p2p log` has the messages"
    );
    assert_eq!((listener.said(), listener.said()), ("one".into(), "two".into()));
    let (_, lines) = listener.stop();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(home.run(["log"]).stdout.lines().count(), 4);
}

#[test]
fn an_output_that_is_stuck_holds_up_neither_time_limits_nor_the_end() {
    let home = Home::new("bob");
    let marker = format!("6543{}", std::process::id());
    let mut command = home.command();
    let prints = format!("seq 100000; exec sleep {marker}");
    command.args(["listen", "-p", "0", "-b", "127.0.0.1", "-x", &prints]);
    command.args(["--exec-timeout", "1s", "-j", "1", "-q"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let address = home.listening();
    // nobody reads its stderr, which the hook fills
    assert!(say(address, b"one").starts_with(b"P2P/1 OK "));
    none_is_left("seq 100000", Duration::from_secs(8));
    assert!(say(address, b"two").starts_with(b"P2P/1 OK "));
    let start = Instant::now();
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(crate::support::wait_for_end(&mut child).code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    none_is_left(&marker, Duration::from_secs(1));
}

#[test]
fn as_the_first_process_of_a_container_it_leaves_no_zombies() {
    let home = Home::new("bob");
    std::fs::create_dir_all(home.path()).unwrap();
    let done = home.file("done");
    let mut command = std::process::Command::new("unshare");
    command.env_clear().env("P2P_HOME", home.path()).env("PATH", "/usr/bin:/bin");
    command.args(["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--", P2P]);
    command.args(["listen", "-p", "0", "-b", "127.0.0.1", "-j", "1", "-n", "5", "-x"]);
    command.arg(format!(
        "sleep 0.05 & grep -sh '^State:.Z' /proc/[0-9]*/status >> {}; echo done >> {0}",
        done.display()
    ));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ready = crate::support::lines_of(child.stderr.take().unwrap());
    let ready = ready.recv_timeout(crate::support::PATIENCE).unwrap();
    let Some(address) = ready.strip_prefix("listening on ").and_then(|r| r.split(' ').next())
    else {
        skipped!("no namespace of processes here: {ready}");
        let _ = child.wait();
        return;
    };
    let start = Instant::now();
    for _ in 0..5 {
        say(address.parse().unwrap(), b"go");
    }
    assert_eq!(crate::support::wait_for_end(&mut child).code(), Some(0));
    // each hook has its turn as soon as the one before has left nothing, not when its time is over
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(std::fs::read_to_string(done).unwrap(), "done\n".repeat(5));
}

#[test]
fn a_listener_that_stops_lets_hooks_finish_and_ends_those_that_do_not() {
    let home = Home::new("bob");
    std::fs::create_dir_all(home.path()).unwrap();
    let done = home.file("done");
    // it stops by itself: its hooks may take their time
    let listener =
        hooked(&home, &format!("sleep 0.4; cat >> {}", done.display()), &["-n", "6", "-j", "2"]);
    for number in 0..6 {
        say(listener.address(), format!("{number}").as_bytes());
    }
    assert_eq!(listener.wait().0.code(), Some(0));
    assert_eq!(lines_in(&done, 6).len(), 6);

    // a signal stops it: there is a limit
    let marker = format!("7654{}", std::process::id());
    let listener = hooked(&home, &format!("echo started; sleep {marker}"), &["-j", "1"]);
    say(listener.address(), b"one");
    say(listener.address(), b"two");
    assert_eq!(listener.said(), "started");
    let start = Instant::now();
    listener.signal("TERM");
    assert!(listener.said().ends_with("was not done in time and was ended"));
    assert_eq!(
        listener.said(),
        "warning: hooks that were not run any more: 1; `p2p log` has the messages"
    );
    assert_eq!(listener.wait().0.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    none_is_left(&marker, Duration::from_secs(1));

    // a second signal ends it, and them, at once
    let listener = hooked(&home, &format!("trap '' TERM; echo started; sleep {marker}"), &[]);
    say(listener.address(), b"one");
    assert_eq!(listener.said(), "started");
    let start = Instant::now();
    listener.signal("TERM");
    std::thread::sleep(Duration::from_millis(100));
    listener.signal("INT");
    assert_eq!(listener.wait().0.code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    none_is_left(&marker, Duration::from_secs(1));
}

#[test]
fn it_has_no_open_file_of_the_home() {
    let home = Home::new("bob");
    let listener = hooked(&home, "ls -l /proc/self/fd; echo end", &[]);
    let mut open = Vec::new();
    // for the second message all files are open that the first one needed
    for number in 0..2 {
        say(listener.address(), format!("127.0.0.1:6000 alice {number}").as_bytes());
        let said = std::iter::repeat_with(|| listener.said());
        open.extend(said.take_while(|line| line != "end"));
    }
    assert_eq!(open.iter().filter(|line| line.contains(" 0 -> ")).count(), 2, "{open:#?}");
    let home = home.path().display().to_string();
    open.retain(|line| line.contains(&home));
    assert!(open.is_empty(), "{open:#?}");
}
