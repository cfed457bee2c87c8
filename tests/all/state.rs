//! The state directory: shared by all, never torn, never taken from where it is not safe.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Home, Listener, P2P, outcome, read_to_end, refusal, say};

#[test]
fn two_thousand_commands_at_once_lose_no_update() {
    const COMMANDS: usize = 2000;
    let home = Home::new("me");
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= COMMANDS {
                        break;
                    }
                    let (name, address) = (
                        format!("p{number}"),
                        format!("10.0.{}.{}:7000", number / 250, number % 250),
                    );
                    home.run(["peers", "add", &name, &address]).is(0, "", "");
                }
            });
        }
    });
    assert_eq!(home.peer_addresses().len(), COMMANDS);
    let text = fs::read_to_string(home.file("peers")).unwrap();
    let sound = text.lines().filter(|line| {
        let (sum, object) = line.split_once(' ').unwrap();
        u32::from_str_radix(sum, 16).unwrap() == crc32fast::hash(object.as_bytes())
    });
    assert_eq!(sound.count(), COMMANDS);
    assert!(!home.file("peers.tmp").exists());
}

/// What a listener acknowledged is in the peers file and in the history, however it ends.
#[test]
fn nothing_acknowledged_is_missing_after_a_kill() {
    const KILLS: usize = 200;
    let home = Home::new("bob");
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let listener = Listener::start(&home);
        let to = listener.address();
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                std::thread::spawn(move || {
                    let mut safe = Vec::new();
                    for number in 0..1000 {
                        let port = 1 + (round * 4 + sender) % 60_000;
                        let message =
                            format!("127.0.0.1:{port} n{round} {round}-{sender}-{number}");
                        let Ok(mut stream) = TcpStream::connect(to) else { break };
                        if stream.write_all(message.as_bytes()).is_err() {
                            break;
                        }
                        let _ = stream.shutdown(std::net::Shutdown::Write);
                        if !read_to_end(&mut stream).starts_with(b"P2P/1 OK ") {
                            break;
                        }
                        safe.push((port, format!("{round}-{sender}-{number}")));
                    }
                    safe
                })
            })
            .collect();
        // at another moment of its work in each round
        std::thread::sleep(Duration::from_micros(500 + 137 * (round as u64 % 50)));
        listener.signal("KILL");
        acknowledged.extend(senders.into_iter().flat_map(|sender| sender.join().unwrap()));
    }
    assert!(acknowledged.len() > KILLS, "only {} were acknowledged", acknowledged.len());
    let history: String = ["messages.1.ndjson", "messages.ndjson"]
        .into_iter()
        .filter_map(|name| fs::read_to_string(home.file(name)).ok())
        .collect();
    let stored: std::collections::HashSet<&str> =
        history.split("\"body\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let addresses: std::collections::HashSet<String> = home.peer_addresses().into_iter().collect();
    for (port, text) in &acknowledged {
        assert!(stored.contains(text.as_str()), "{text} is not in the history");
        assert!(addresses.contains(&format!("127.0.0.1:{port}")), "port {port} is not in the list");
    }
    assert_eq!(home.run(["peers"]).stderr, "");
}

#[test]
fn a_torn_record_costs_only_itself_and_is_dropped_by_the_next_change() {
    let home = Home::new("me");
    for name in ["a", "b", "c"] {
        home.run(["peers", "add", name, &format!("10.0.0.1:{}", name.as_bytes()[0])]).succeeds();
    }
    let path = home.file("peers");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let complete = whole[..cut].iter().filter(|&&b| b == b'\n').count();
        let listed = home.run(["peers"]);
        assert_eq!(listed.stdout.lines().count(), complete, "cut at {cut}: {}", listed.report());
        assert_eq!(listed.stderr, "", "an unfinished last line is no damage: {}", listed.report());
    }
    fs::write(&path, [&whole[..whole.len() - 9], b"\x00garbage\n\n"].concat()).unwrap();
    let listed = home.run(["peers"]);
    assert_eq!(listed.stdout.lines().count(), 2);
    assert!(
        listed.stderr.starts_with("warning: damaged records passed over in "),
        "{}",
        listed.report()
    );
    home.run(["peers", "add", "d", "10.0.0.1:4"]);
    assert_eq!(home.run(["peers"]).succeeds().stdout.lines().count(), 3);
    // a record of a later version is kept, though it means nothing to us
    let later = "{\"v\":2,\"address\":\"x\"}\n";
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(format!("{later}damage\n").as_bytes()).unwrap();
    home.run(["peers", "add", "e", "10.0.0.1:5"]);
    assert!(fs::read_to_string(&path).unwrap().contains(later));
}

#[test]
fn a_full_disk_loses_nothing_and_is_told() {
    let home = Home::new("me");
    home.run(["peers", "add", "kept", "10.0.0.1:1"]).succeeds();
    // no file may grow past one block, and a write that would is an error instead of a signal
    let limited = |call: &str| {
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().env("P2P_HOME", home.path());
        shell.args(["-c", &format!("trap '' XFSZ; ulimit -f 1; exec {P2P} {call}")]);
        outcome(&mut shell, None)
    };
    let mut entered = 1;
    for number in 2..40 {
        let said = limited(&format!("peers add p{number} 10.0.0.1:{number}"));
        match said.status.code() {
            Some(0) => entered += 1,
            _ => drop(said.fails(8, "error: cannot write ")),
        }
    }
    assert!((2..39).contains(&entered), "{entered} fit");
    assert_eq!(home.peer_addresses().len(), entered);
    home.run(["peers", "add", "more", "10.0.0.2:1"]).is(0, "", "");
    assert_eq!(home.peer_addresses().len(), entered + 1);

    // a listener that cannot store refuses, and goes on
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().env("P2P_HOME", home.path());
    let call = format!("trap '' XFSZ; ulimit -f 1; exec {P2P} --name bob listen -p 0 -b 127.0.0.1");
    shell.args(["-c", &call]);
    let listener = Listener::spawn(shell);
    let replies: Vec<_> =
        (0..20).map(|n| say(listener.address(), format!("10.9.9.9:1 a {n}").as_bytes())).collect();
    assert!(replies[0].starts_with(b"P2P/1 OK "));
    assert_eq!(refusal(&replies[19]), "busy");
    let shown: Vec<_> = replies
        .iter()
        .take_while(|r| r.starts_with(b"P2P/1 OK "))
        .map(|_| listener.line())
        .collect();
    assert_eq!(shown.last().unwrap(), &format!("10.9.9.9:1 a {}", shown.len() - 1));
}

#[test]
fn a_state_directory_that_is_not_safe_is_left_alone() {
    let home = Home::new("me");
    home.run(["peers", "add", "a", "10.0.0.1:1"]).succeeds();
    let shown = home.path().display().to_string();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    home.run(["peers"]).is(
        8,
        "",
        &format!(
            "error: cannot use {shown}: other users can write to it\nhint: chmod go-w '{shown}'\n"
        ),
    );
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    home.run(["peers"]).succeeds();

    let peers = home.file("peers");
    fs::set_permissions(&peers, fs::Permissions::from_mode(0o644)).unwrap();
    home.run(["peers"]).fails(8, "other users can open it\nhint: chmod 600 ");
    fs::set_permissions(&peers, fs::Permissions::from_mode(0o600)).unwrap();

    let other = home.file("other");
    fs::hard_link(&peers, &other).unwrap();
    home.run(["peers"]).fails(8, "it has more than one link");
    fs::remove_file(&peers).unwrap();
    symlink(&other, &peers).unwrap();
    let before = fs::read(&other).unwrap();
    home.run(["peers"]).fails(8, "it is a symbolic link");
    home.run(["peers", "add", "b", "10.0.0.1:2"]).fails(8, "it is a symbolic link");
    assert_eq!(fs::read(&other).unwrap(), before);
    fs::remove_file(&peers).unwrap();
    fs::create_dir(&peers).unwrap();
    home.run(["peers"]).fails(8, "it is a directory");
    fs::remove_dir(&peers).unwrap();
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&peers).status().unwrap().success());
    home.run(["peers"]).fails(8, "it is not a regular file");
    fs::remove_file(&peers).unwrap();
    let _socket = UnixListener::bind(&peers).unwrap();
    home.run(["peers"]).fails(8, "it is not a regular file");
}

#[test]
fn what_we_make_is_ours_alone() {
    let home = Home::new("me");
    let listener = Listener::start(&home);
    say(listener.address(), b"127.0.0.1:7000 alice hi");
    home.run(["config", "init"]).is(0, "", "");
    let mode = |path: std::path::PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(home.path()), 0o700);
    for file in ["peers", "peers.lock", "listener", "messages.ndjson", "config.toml"] {
        assert_eq!(mode(home.file(file)), 0o600, "{file}");
    }
}

#[test]
fn a_stopped_lock_holder_is_named_after_the_wait() {
    let home = Home::new("me");
    home.configure("[state]\nlock_wait = \"300ms\"\n");
    home.run(["peers", "add", "a", "10.0.0.1:1"]).succeeds();
    let lock = fs::File::open(home.file("peers.lock")).unwrap();
    lock.lock().unwrap();
    let start = Instant::now();
    let said = home.run(["peers", "add", "b", "10.0.0.1:2"]);
    let holder = std::process::id();
    let expected =
        format!("peers.lock: still held after 300ms\nhint: process {holder} holds it; see");
    said.fails(8, &expected);
    assert!(start.elapsed() < Duration::from_secs(5));
    // readers need no lock
    home.run(["peers"]).is(0, "a\t10.0.0.1:1\tstatic\t-\t-\t-\n", "");
    drop(lock);
}

#[test]
fn a_message_is_kept_though_the_peers_file_is_locked() {
    let home = Home::new("bob");
    home.configure("[state]\nlock_wait = \"100ms\"\n");
    let listener = Listener::start(&home);
    say(listener.address(), b"10.0.0.9:6000 me before");
    let lock = fs::File::open(home.file("peers.lock")).unwrap();
    lock.lock().unwrap();
    assert!(say(listener.address(), b"10.0.0.9:6000 me during").starts_with(b"P2P/1 OK "));
    assert_eq!(refusal(&say(listener.address(), b"10.0.0.9:6000 me connect")), "busy");
    drop(lock);
    assert_eq!(listener.line(), "10.0.0.9:6000 me before");
    assert_eq!(listener.line(), "10.0.0.9:6000 me during");
}

#[test]
fn a_flood_of_changes_is_folded() {
    let home = Home::new("me");
    for _ in 0..300 {
        for name in ["x", "y"] {
            home.run(["peers", "add", name, "10.0.0.1:1"]).succeeds();
        }
    }
    let records = fs::read_to_string(home.file("peers")).unwrap().lines().count();
    assert!(records <= 2 + 256 + 1, "{records} records for one peer");
    assert_eq!(home.peer_addresses(), ["10.0.0.1:1"]);
}

#[test]
fn what_a_person_mends_is_kept_while_a_listener_runs() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    say(listener.address(), b"127.0.0.1:7000 alice hi");
    let path = home.file("peers");
    let text = fs::read_to_string(&path).unwrap();
    // an editor that changes the file where it is: a line on top, and none of its own at the end
    let mended = |name: &str, port: u16| {
        format!("{{\"v\":1,\"addr\":\"10.0.0.1:{port}\",\"name\":\"{name}\"}}")
    };
    fs::write(&path, format!("{}\n{text}{}", mended("first", 1), mended("last", 2))).unwrap();
    say(listener.address(), b"127.0.0.1:7001 bob hi");
    home.run(["peers", "add", "more", "10.0.0.1:3"]).is(0, "", "");
    let expected = ["10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3", "127.0.0.1:7000", "127.0.0.1:7001"];
    assert_eq!(home.peer_addresses(), expected);
    // damage on top makes the next change fold the file, and costs only the damage
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("damage\n{text}{}", mended("end", 4))).unwrap();
    say(listener.address(), b"127.0.0.1:7002 carol hi");
    assert_eq!(home.peer_addresses().len(), 7);
    assert!(!fs::read_to_string(&path).unwrap().contains("damage"));
}

#[test]
fn a_last_line_without_its_newline_is_kept_by_a_fold() {
    let home = Home::new("me");
    home.run(["peers", "add", "first", "10.0.0.1:1"]).succeeds();
    let path = home.file("peers");
    let text = fs::read_to_string(&path).unwrap();
    let bare = r#"{"v":1,"addr":"10.0.0.1:2","name":"last","source":"static"}"#;
    fs::write(&path, format!("damage\n{text}{bare}")).unwrap();
    home.run(["peers", "add", "last", "10.0.0.9:9"])
        .fails(2, "`last` is already the name of 10.0.0.1:2");
    fs::write(&path, format!("damage\n{text}{bare}")).unwrap();
    // a change with nothing to write down, but a file to mend
    home.run(["peers", "prune", "--older", "1h"]);
    assert_eq!(home.peer_addresses(), ["10.0.0.1:1", "10.0.0.1:2"]);
    assert!(!fs::read_to_string(&path).unwrap().contains("damage"));
}

#[test]
fn a_listener_notices_that_its_file_was_emptied_where_it_is() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    say(listener.address(), b"127.0.0.1:7000 alice hi");
    let path = home.file("peers");
    let length = fs::read(&path).unwrap().len();
    fs::write(&path, "\n".repeat(length)).unwrap();
    assert_eq!(home.peer_addresses(), Vec::<String>::new());
    say(listener.address(), b"127.0.0.1:7000 alice hi again");
    assert_eq!(home.peer_addresses(), ["127.0.0.1:7000"]);
}

#[test]
fn a_listener_follows_the_folds_of_others() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    say(listener.address(), b"127.0.0.1:7000 alice hi");
    // other commands fold the file again and again, so that the number of an old file may come back
    for round in 0..6 {
        home.run(["peers", "add", &format!("kept{round}"), &format!("10.0.0.1:{}", round + 1)])
            .succeeds();
        let path = home.file("peers");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text + "damage\n").unwrap();
        home.run(["peers", "add", "other", "10.0.0.2:1"]);
    }
    say(listener.address(), b"127.0.0.1:7001 bob hi");
    assert_eq!(home.peer_addresses().len(), 6 + 1 + 2);
}

#[test]
fn a_full_disk_does_not_empty_the_list() {
    let home = Home::new("me");
    for number in 1..9 {
        home.run(["peers", "add", &format!("p{number}"), &format!("127.0.0.1:{number}")])
            .succeeds();
    }
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().env("P2P_HOME", home.path());
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f 0; exec {P2P} peers --check -t 1s")]);
    let said = outcome(&mut shell, None);
    said.fails(0, "warning: cannot write down what was learned of peers");
    assert_eq!(said.stdout.lines().count(), 8, "{}", said.report());
}

#[test]
fn a_read_only_disk_can_be_read_and_spoken_from() {
    let (home, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let at_home = Listener::start(&home);
    say(at_home.address(), b"127.0.0.1:6000 carol kept");
    home.run(["peers", "add", "bob", &at_bob.target()]).succeeds();
    at_home.stop();
    // a file system of its own that is made read-only, with a copy of the home
    let script = format!(
        "mount -t tmpfs none /mnt && cp -r {} /mnt/home && mount -o remount,ro /mnt || exit 77; \
         export P2P_HOME=/mnt/home; {P2P} log && {P2P} peers && {P2P} send bob hi",
        home.path().display()
    );
    let mut command = Command::new("unshare");
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("P2P_NAME", "alice");
    command.args(["--user", "--map-root-user", "--mount", "--", "/bin/sh", "-c", &script]);
    let said = outcome(&mut command, None);
    if said.status.code() == Some(77) || said.stderr.starts_with("unshare:") {
        skipped!("no namespace of file systems here: {}", said.stderr);
        return;
    }
    said.fails(0, "cannot write down what was learned of peers");
    assert!(
        said.stdout.contains(" carol kept\n") && said.stdout.contains("bob\t"),
        "{}",
        said.report()
    );
}

#[test]
fn a_pipe_in_the_place_of_the_key_hangs_nobody() {
    let home = Home::new("me");
    fs::create_dir(home.path()).unwrap();
    let pipe = Command::new("mkfifo").args(["-m", "600"]).arg(home.file("key")).status().unwrap();
    assert!(pipe.success());
    home.run(["id"]).fails(8, "it is not a regular file");
}
