//! Many peers: tags, quorums, rounds of greetings, and what is left when it is interrupted.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use p2p::book::Record;
use p2p::key::PublicKey;
use p2p::peer::{Peer, Source};
use p2p::state::record::encode;
use predicates::str::contains;
use socket2::{Domain, Socket, Type};

use crate::support::{Home, Listener, Nobody, P2P, outcome, wait_for_end};

/// A program that accepts in its kernel's queue and never answers.
fn silent() -> (TcpListener, String) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket.local_addr().unwrap().to_string();
    (socket, target)
}

#[test]
fn tags_mean_all_that_have_them() {
    let home = Home::new("me");
    home.configure("[[peer]]\nname = \"one\"\naddr = \"127.0.0.1:1\"\ntags = [\"web\", \"lab\"]\n");
    home.run(["peers", "add", "two", "127.0.0.1:2", "--tag", "web"]).succeeds();
    home.run(["peers", "add", "three", "127.0.0.1:3", "--tag", "db", "--tag", "old"]).succeeds();
    let only = |arguments: &[&str]| {
        let said = home.run([&["peers"], arguments].concat());
        let names = said.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(only(&["--only", "@web"]), "one two");
    assert_eq!(only(&["--only", "@db", "--only", "one"]), "one three");
    assert_eq!(only(&["--only", "t*"]), "three two");
    assert_eq!(only(&["--only", "?ne", "--only", "127.0.0.1:3"]), "one three");
    assert_eq!(only(&["--sort", "addr"]), "one two three");
    home.run(["peers", "--only", "x*"]).is(1, "", "");
    for nobody in ["@wbe", "nobody", "127.0.0.1:99"] {
        home.run(["peers", "--only", nobody]).is(1, "", "");
    }
    home.run(["broadcast", "--to", "@wbe", "x"]).is(
        2,
        "",
        "error: no known peer has the tag @wbe\nhint: did you mean `@web`? `p2p peers` lists all\n",
    );
    // what would go to everybody by a slip does not
    for slip in ["@web", "two"] {
        let said = home.run(["broadcast", slip, "hello"]);
        said.fails(2, &format!("`{slip}` would be the first word of a text for all peers"));
    }
    home.run(["send", "@web", "hello"]).fails(2, "p2p broadcast --to @web TEXT");
    home.run(["peers", "--only", "@a b:"]).fails(2, "a name has none of");
    assert_eq!(home.peer("127.0.0.1:1").unwrap()["tags"], serde_json::json!(["lab", "web"]));
    assert_eq!(
        home.run(["peers", "--only", "three"]).stdout,
        "three\t127.0.0.1:3\tstatic\t-\tdb,old\t-\n"
    );

    home.run(["peers", "set", "three", "--tag", "web", "--untag", "old", "-v"]).is(
        0,
        "",
        "three (127.0.0.1:3) @db @web\n",
    );
    assert_eq!(only(&["--only", "@web"]), "one three two");
    home.run(["peers", "set", "three", "--name", "drei"]).is(0, "", "");
    assert_eq!(only(&["--only", "@db"]), "drei");
    home.run(["peers", "set", "drei", "--name", "two"])
        .fails(2, "`two` is already the name of 127.0.0.1:2");
    home.run(["peers", "set", "drei"]).fails(2, "there is nothing to set");
    home.run(["peers", "set", "one", "--untag", "lab"])
        .fails(2, "cannot change the tag @lab of one");
    home.run(["peers", "set", "one", "--name", "uno"]).fails(2, "cannot change the name of one");
    home.run(["peers", "set", "127.0.0.1:99", "--tag", "x"])
        .fails(2, "no known peer has the address");
    home.run(["peers", "add", "uno", "127.0.0.1:1"]).fails(2, "cannot change the name of one");
    // what is added by hand to a peer of the configuration stays when the configuration goes
    home.run(["peers", "set", "one", "--tag", "mine"]).succeeds();
    home.configure("");
    assert_eq!(only(&["--only", "@mine"]), "one");
    home.run(["peers", "rm", "@web"]).fails(0, "");
    assert_eq!(only(&[]), "one");
}

#[test]
fn a_quorum_says_how_many_are_enough() {
    let (alice, bob, carol) = (Home::new("alice"), Home::new("bob"), Home::new("carol"));
    let (at_bob, at_carol) = (Listener::start(&bob), Listener::start(&carol));
    let nobody = Nobody::new();
    for (name, target) in
        [("bob", at_bob.target()), ("carol", at_carol.target()), ("dead", nobody.target())]
    {
        alice.run(["peers", "add", name, &target, "--tag", "all"]).succeeds();
    }
    for (quorum, exit) in
        [("all", 3), ("any", 0), ("2", 0), ("3", 3), ("4", 3), ("66%", 0), ("67%", 3)]
    {
        let objects = alice.json(&["broadcast", "--to", "@all", "--quorum", quorum, "hi"]);
        let summary = objects.iter().find(|object| object["event"] == "summary").unwrap();
        assert_eq!(
            (&summary["exit"], &summary["quorum"]),
            (&exit.into(), &quorum.into()),
            "{summary}"
        );
        let sum = summary["ok"].as_u64().unwrap() + summary["failed"].as_u64().unwrap();
        assert_eq!(sum, 3);
    }
    alice.run(["broadcast", "--to", "dead", "--quorum", "any", "hi"]).fails(4, "none of 1");
    alice.run(["broadcast", "--quorum", "0", "hi"]).fails(2, "a number from 1");
    alice.configure(&format!(
        "[[peer]]\naddr = \"{}\"\n[[peer]]\naddr = \"{}\"\n",
        at_bob.target(),
        nobody.target()
    ));
    alice.run(["bootstrap", "-q"]).fails(0, "");
    alice.run(["bootstrap", "-q", "--quorum", "all"]).fails(3, "only 1 of 2 peers reached");
    alice.run(["bootstrap", "-q", "--quorum", "50%", "--hello", "hi"]).fails(0, "");
}

#[test]
fn the_silent_wait_together_however_many_there_are() {
    let home = Home::new("me");
    // every address of this machine's loopback network has one that does not answer
    let everywhere = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    everywhere.bind(&SocketAddr::from(([0, 0, 0, 0], 0)).into()).unwrap();
    everywhere.listen(1024).unwrap();
    let port = everywhere.local_addr().unwrap().as_socket().unwrap().port();
    let config: String =
        (1..=200).map(|n| format!("[[peer]]\naddr = \"127.0.1.{n}:{port}\"\n")).collect();
    home.configure(&config);
    let start = Instant::now();
    let said = home.run(["broadcast", "-t", "1s", "-j", "20", "hi", "--secure", "off"]);
    said.fails(5, "none of 200 peers reached");
    assert_eq!(said.stdout.lines().filter(|line| line.contains(" unconfirmed ")).count(), 200);
    // ten times twenty: one after the other would take ten time limits
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

#[test]
fn greeting_again_and_again_gives_the_figures_of_each() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let nobody = Nobody::new();
    alice.run(["peers", "add", "dead", &nobody.target()]).succeeds();
    let target = at_bob.target();
    let said = alice.run(["ping", "-n", "3", "-i", "10ms", &target]);
    let lines: Vec<_> = said.succeeds().stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", said.report());
    assert!(lines[..3].iter().all(|line| line.starts_with(&format!("{target} bob encrypted "))));
    assert!(lines[3].starts_with(&format!("{target} bob 3 of 3 answered, min/avg/max ")));

    let objects = alice.json(&["ping", "--all", "-n", "2", "-i", "10ms"]);
    let events: Vec<_> = objects.iter().map(|object| object["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["pong", "pong", "pong", "pong", "pings", "pings", "summary", "error"]);
    let of = |name: &str| {
        objects.iter().find(|o| o["event"] == "pings" && o["peer"]["name"] == name).unwrap()
    };
    assert_eq!((&of("bob")["asked"], &of("bob")["answered"]), (&2.into(), &2.into()));
    let figures = ["min_ms", "avg_ms", "max_ms"].map(|key| of("bob")[key].as_f64().unwrap());
    assert!(figures[0] > 0.0 && figures.is_sorted(), "{figures:?}");
    assert_eq!((&of("dead")["answered"], of("dead").get("min_ms")), (&0.into(), None));
    assert_eq!(objects[6]["exit"], 3);
    alice.run(["ping", "-n", "2", "-i", "10ms", "-q", "dead"]).fails(4, "none of 1 peers reached");
    alice.run(["ping", "-n", "0", &target]).fails(2, "a whole number from 1 on");
}

#[test]
fn a_signal_ends_it_with_a_report_so_far() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let (_socket, silent) = silent();
    let nobody = Nobody::new();
    for (name, target) in [("bob", at_bob.target()), ("silent", silent), ("dead", nobody.target())]
    {
        alice.run(["peers", "add", name, &target]).succeeds();
    }
    for (signal, exit) in [("INT", 130), ("TERM", 143)] {
        let mut command = alice.command();
        command.args(["broadcast", "-t", "1h", "--json", "hi"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut object = || -> serde_json::Value {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            serde_json::from_str(&line).unwrap()
        };
        assert_eq!((&object()["event"], &object()["event"]), (&"sent".into(), &"sent".into()));
        let kill = format!("kill -s {signal} {}", child.id());
        assert!(
            std::process::Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success()
        );
        let interrupted = object();
        assert_eq!(
            (&interrupted["to"]["name"], &interrupted["status"], &interrupted["error"]["reason"]),
            (&"silent".into(), &"unconfirmed".into(), &"interrupted".into())
        );
        let expected = serde_json::json!({
            "event": "summary", "targets": 3, "ok": 1, "failed": 2, "quorum": "all", "exit": exit
        });
        assert_eq!(object(), expected);
        assert_eq!(wait_for_end(&mut child).code(), Some(exit));
        let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        let expected = format!("warning: ended by SIG{signal}: 1 of 3 peers reached\n");
        assert_eq!(said, expected);
    }
    // what was reached until then is known
    assert_eq!(alice.peer(&at_bob.target()).unwrap()["state"], "active");
    assert_eq!(alice.run(["log", "--sent"]).stdout.lines().count(), 6);
}

#[test]
fn ten_thousand_peers_are_learned_from_one_round() {
    let home = Home::new("me");
    let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = everywhere.local_addr().unwrap().port();
    // plain programs that read and close
    std::thread::spawn(move || {
        for stream in everywhere.incoming() {
            let mut stream = stream.unwrap();
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    let config: String = (0..10_000)
        .map(|n| {
            format!(
                "[[peer]]\naddr = \"127.{}.{}.{}:{port}\"\n",
                1 + n / 62_500,
                n / 250 % 250,
                1 + n % 250
            )
        })
        .collect();
    home.configure(&config);
    let start = Instant::now();
    home.run(["bootstrap", "-q", "-t", "20s", "--quorum", "all"]).is(0, "", "");
    println!("10,000 peers greeted and entered in {:?}", start.elapsed());
    let listed = home.run(["peers", "--active"]);
    assert_eq!(listed.stdout.lines().count(), 10_000);
}

#[test]
fn fewer_open_files_than_jobs_are_told_and_lived_with() {
    let home = Home::new("me");
    let nobody = Nobody::new();
    let config: String =
        (1..=40).map(|n| format!("[[peer]]\naddr = \"127.0.1.{n}:{}\"\n", nobody.port())).collect();
    home.configure(&config);
    let mut shell = std::process::Command::new("/bin/sh");
    shell.env_clear().env("P2P_HOME", home.path()).env("P2P_NAME", "me");
    shell.args(["-c", &format!("ulimit -n 48; exec {P2P} broadcast -q hi")]);
    let said = outcome(&mut shell, None);
    said.is(
        4,
        &said.stdout,
        "warning: open files allow only 16 connections at once; see `ulimit -n`\n\
         error: none of 40 peers reached\n",
    );
    assert_eq!(
        said.stdout.lines().filter(|line| line.ends_with(" connection refused")).count(),
        40
    );
}

#[test]
fn a_lack_of_open_files_is_not_the_peers_fault() {
    let nobody = Nobody::new();
    let mut lacking = 0;
    // at one of these limits all is open but the connection
    for limit in 4..24 {
        let home = Home::new("me");
        let mut shell = std::process::Command::new("/bin/sh");
        shell.env_clear().env("P2P_HOME", home.path()).env("P2P_NAME", "me");
        let call =
            format!("ulimit -n {limit}; exec {P2P} send --secure off {} hi", nobody.target());
        let said = outcome(shell.args(["-c", &call]), None);
        assert!([Some(4), Some(8)].contains(&said.status.code()), "{limit}: {}", said.report());
        if said.stderr.contains("too many open files") {
            said.is(8, "", "error: too many open files\n");
            lacking += 1;
        }
    }
    assert!(lacking > 0);
}

#[test]
fn a_tag_does_not_make_a_claimed_name_a_given_one() {
    let home = Home::new("me");
    let listener = Listener::start(&home);
    crate::support::say(listener.address(), b"127.0.0.1:7001 alice it's me");
    listener.stop();
    home.run(["peers", "set", "127.0.0.1:7001", "--tag", "lab"]).succeeds();
    home.run(["listen", "-p", "0", "--from", "alice"])
        .fails(2, "nobody has entered who `alice` is");
    let nobody = Nobody::new();
    home.run(["peers", "add", "alice", &nobody.target()]).fails(0, "calls itself alice, too");
    home.run(["send", "alice", "secret"])
        .fails(4, &format!("cannot reach alice ({})", nobody.target()));
    // nor does a configuration that has only its address
    home.configure("[[peer]]\naddr = \"127.0.0.1:7002\"\n");
    let listener = Listener::start(&home);
    crate::support::say(listener.address(), b"127.0.0.1:7002 carol it's me");
    listener.stop();
    home.run(["listen", "-p", "0", "--from", "carol"])
        .fails(2, "nobody has entered who `carol` is");
}

#[test]
fn a_second_signal_ends_what_is_stuck_in_its_output() {
    let (home, bob) = (Home::new("me"), Home::new("bob"));
    let listener = Listener::start(&bob);
    let mut command = home.command();
    command.args(["ping", "-n", "100000", "-i", "1ms", &listener.target()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // nobody reads its output, until it can write no more
    let pid = child.id();
    let start = Instant::now();
    let output = child.stdout.as_ref().unwrap();
    // the last bytes of each page may stay empty
    while rustix::io::ioctl_fionread(output).unwrap() < 60_000 {
        assert!(start.elapsed() < crate::support::PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(1));
    for _ in 0..2 {
        let kill = format!("kill -s TERM {pid}");
        assert!(
            std::process::Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(wait_for_end(&mut child).signal(), Some(15));
}

/// As most people would call p2p from a test of their own.
fn call(home: &Home, arguments: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::from_std(home.command())
        .args(arguments)
        .timeout(Duration::from_secs(20))
        .assert()
}

/// A peers file of 1,000 that are called web0, web1, …: long enough not to be read whole.
fn many() -> String {
    let record = |number: usize| {
        let address = format!("10.18.{}.{}:5000", number / 250, number % 250).parse().unwrap();
        let name = Some(format!("web{number}").parse().unwrap());
        encode(&Record::Peer(Peer { name, verified: true, ..Peer::new(address, Source::Heard) }))
    };
    let lines: String = (0..1000).map(record).collect();
    assert!(lines.len() > 64 * 1024);
    lines
}

#[test]
fn one_of_many_is_found_and_whoever_is_not_there_is_explained() {
    let (home, bob) = (Home::new("me"), Home::new("bob"));
    let listener = Listener::start(&bob);
    call(&home, &["send", &listener.target(), "first"]).success();
    let file = home.file("peers");
    std::fs::write(&file, many() + &std::fs::read_to_string(&file).unwrap()).unwrap();

    for peer in ["bob", &listener.target()] {
        let said = "delivered to bob (127.0.0.1:";
        call(&home, &["-v", "send", peer, "second"]).success().stderr(contains(said));
        call(&home, &["ping", peer]).success().stdout(contains("bob encrypted"));
    }
    call(&home, &["send", "bbo", "x"]).code(2).stderr(contains("did you mean `bob`?"));
    call(&home, &["send", "web1001", "x"]).code(2).stderr(contains("did you mean `web"));
    // the others are there as before, and who is renamed has the old name no more
    call(&home, &["peers", "set", "web7", "--name", "seven"]).success();
    call(&home, &["send", "web7", "x"]).code(2).stderr(contains("no known peer is called `web7`"));
    assert_eq!(home.peer_addresses().len(), 1001);
    let (_, lines) = listener.stop();
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[test]
fn the_key_of_one_of_many_is_known_whoever_else_has_its_name() {
    let (home, bob) = (Home::new("me"), Home::new("bob"));
    let listener = Listener::start(&bob);
    let target = listener.target();
    // what the configuration lists is called as it says, and web7 only says that it is
    home.configure(&format!("[[peer]]\nname = \"web7\"\naddr = \"{target}\"\n"));
    let pinned = Peer {
        key: Some(PublicKey::new([7; 32])),
        verified: true,
        ..Peer::new(target.parse().unwrap(), Source::Heard)
    };
    call(&home, &["peers", "add", "somebody", "10.18.9.9:5000"]).success();
    std::fs::write(home.file("peers"), many() + &encode(&Record::Peer(pinned))).unwrap();
    for peer in ["web7", &target] {
        call(&home, &["send", peer, "not for somebody else"]).code(7);
    }
    let (_, lines) = listener.stop();
    assert_eq!(lines, [""; 0]);
}
