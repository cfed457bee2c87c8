//! One message to many: a result for each, a sum at the end, and one time limit for all who are silent.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Home, Listener, Nobody, P2P, outcome, read_to_end, wait_for_end};

#[test]
fn every_known_peer_gets_it_and_has_its_line() {
    let alice = Home::new("alice");
    let homes: Vec<_> = (0..5).map(|_| Home::new("peer")).collect();
    let listeners: Vec<_> = homes.iter().map(Listener::start).collect();
    for (number, listener) in listeners.iter().enumerate() {
        alice.run(["peers", "add", &format!("peer{number}"), &listener.target()]).succeeds();
    }
    let said = alice.run(["broadcast", "deploy", "starts"]);
    assert_eq!((said.status.code(), said.stderr.as_str()), (Some(0), ""), "{}", said.report());
    for (number, listener) in listeners.iter().enumerate() {
        assert!(listener.line().ends_with(" alice deploy starts"));
        let line = format!("{} peer{number} acked ", listener.target());
        assert!(
            said.stdout.lines().any(|l| l.starts_with(&line) && l.ends_with(" ms")),
            "{}",
            said.report()
        );
    }
    assert_eq!(said.stdout.lines().count(), 5);
    alice.run(["broadcast", "-q", "again"]).is(0, "", "");

    let chosen =
        alice.json(&["broadcast", "--to", "peer1", "--to", "peer2", "--except", "peer2", "x"]);
    assert_eq!(chosen.len(), 2);
    assert_eq!(chosen[0]["to"]["name"], "peer1");
    let summary = serde_json::json!({
        "event": "summary", "targets": 1, "ok": 1, "failed": 0, "quorum": "all", "exit": 0
    });
    assert_eq!(chosen[1], summary);
}

#[test]
fn some_is_exit_3_and_none_is_exit_4() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let nobody = Nobody::new();
    let dead = nobody.target();
    alice.run(["broadcast", "hi"]).fails(1, "error: there is no peer to send to\n");
    alice.run(["peers", "add", "dead", &dead]).succeeds();
    let none = alice.run(["broadcast", "-q", "hi"]);
    none.fails(4, "error: none of 1 peers reached\n");
    assert!(
        none.stdout.starts_with(&format!("{dead} dead failed ")),
        "a failure is shown, quiet or not"
    );
    assert!(none.stdout.ends_with(" ms connection refused\n"), "{}", none.report());

    let at_bob = Listener::start(&bob);
    alice.run(["peers", "add", "bob", &at_bob.target()]).succeeds();
    let objects = alice.json(&["broadcast", "hi"]);
    let summary = &objects[2];
    assert_eq!(
        (&summary["targets"], &summary["ok"], &summary["failed"]),
        (&2.into(), &1.into(), &1.into())
    );
    let error = &objects[3];
    assert_eq!(
        (&error["event"], &error["code"], &error["exit"]),
        (&"error".into(), &"partial".into(), &3.into())
    );
}

#[test]
fn the_silent_cost_one_time_limit_together() {
    let alice = Home::new("alice");
    // the kernel accepts for them; no program ever reads
    let silent: Vec<_> =
        (0..40).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    for (number, socket) in silent.iter().enumerate() {
        let address = socket.local_addr().unwrap().to_string();
        alice.run(["peers", "add", &format!("silent{number}"), &address]).succeeds();
    }
    let start = Instant::now();
    let said = alice.run(["broadcast", "-t", "1s", "hi", "--secure", "off"]);
    // none has proved it, and each may have it: not safe to send again
    said.fails(5, "none of 40 peers reached");
    assert!(
        said.stdout
            .lines()
            .all(|l| l.contains(" unconfirmed ") && l.ends_with("no answer within 1s"))
    );
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn we_are_not_among_our_peers() {
    let alice = Home::new("alice");
    let listener = Listener::start(&alice);
    alice.run(["peers", "add", "myself", &listener.target()]).succeeds();
    alice.run(["broadcast", "hi"]).fails(1, "there is no peer to send to");
}

#[test]
fn leaving_is_told_and_taken_note_of() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let (at_alice, at_bob) = (Listener::start(&alice), Listener::start(&bob));
    alice.run(["ping", &at_bob.target(), "-q"]).is(0, "", "");
    assert_eq!(bob.peer(&at_alice.target()).unwrap()["state"], "active");
    let said = alice.run(["leave"]);
    assert_eq!((said.status.code(), said.stderr.as_str()), (Some(0), ""));
    assert_eq!(bob.peer(&at_alice.target()).unwrap()["state"], "left");
}

#[test]
fn bootstrap_greets_the_static_peers() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    alice.run(["bootstrap"]).fails(1, "has no static peers");
    let nobody = Nobody::new();
    let dead = nobody.target();
    let peers = format!(
        "[[peer]]\nname = \"bob\"\naddr = \"{}\"\n[[peer]]\nname = \"dead\"\naddr = \"{dead}\"\n",
        at_bob.target()
    );
    alice.configure(&peers);
    let said = alice.run(["bootstrap", "--hello", "team red is up"]);
    assert_eq!(said.status.code(), Some(0), "one is enough: {}", said.report());
    assert!(at_bob.line().ends_with(" alice team red is up"));
    let states: Vec<_> =
        alice.json(&["peers"]).iter().map(|p| p["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["active", "stale"]);

    alice.configure(&format!("[[peer]]\naddr = \"{dead}\"\n"));
    alice.run(["bootstrap"]).fails(4, "error: none of 1 peers reached");
}

#[test]
fn the_limit_on_open_files_is_raised_for_many_peers() {
    const PEERS: usize = 60;
    // one program under many addresses of this machine, which answers only when all have come
    let socket = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let program = std::thread::spawn(move || {
        let streams: Vec<_> = (0..PEERS).map(|_| socket.accept().unwrap().0).collect();
        streams.into_iter().for_each(|mut stream| drop(read_to_end(&mut stream)));
    });
    let alice = Home::new("alice");
    for number in 0..PEERS {
        alice
            .run(["peers", "add", &format!("p{number}"), &format!("127.0.1.{}:{port}", number + 1)])
            .succeeds();
    }
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().env("P2P_HOME", alice.path());
    shell.args(["-c", &format!("ulimit -Sn 40; exec {P2P} broadcast -q -t 10s --secure off hi")]);
    outcome(&mut shell, None).is(0, "", "");
    program.join().unwrap();
}

#[test]
fn a_signal_ends_it_with_its_own_status() {
    for (signal, status) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        // it takes the connection and never answers
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let alice = Home::new("alice");
        let target = silent.local_addr().unwrap().to_string();
        alice.run(["peers", "add", "bob", &target]).succeeds();
        let mut command = alice.command();
        command.args(["broadcast", "-q", "-t", "1m", "--secure", "off", "hi"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let _connection = silent.accept().unwrap();
        let kill = format!("kill -s {signal} {}", child.id());
        assert!(Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
        assert_eq!(wait_for_end(&mut child).code(), Some(status), "{signal}");
    }
}
