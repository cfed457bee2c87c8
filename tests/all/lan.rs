//! Finding each other in a local network: two hosts of our own, real multicast, and Avahi as somebody else's program.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::hosts::{A, B, Hosts, On};
use crate::raw::key_of;
use crate::support::{Home, Listener, Outcome, P2P, PATIENCE, outcome};

fn run(hosts: &Hosts, on: On, home: &Home, arguments: &[&str]) -> Outcome {
    outcome(hosts.p2p(on, home).args(arguments), None)
}

fn json(hosts: &Hosts, on: On, home: &Home, arguments: &[&str]) -> Vec<serde_json::Value> {
    let outcome = outcome(hosts.p2p(on, home).arg("--json").args(arguments), None);
    let line = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", outcome.report()));
    outcome.stdout.lines().map(line).collect()
}

fn listen(hosts: &Hosts, on: On, home: &Home, port: u16, arguments: &[&str]) -> Listener {
    let mut command = hosts.p2p(on, home);
    command.args(["listen", "-p", &port.to_string()]).args(arguments);
    Listener::spawn(command)
}

/// Asks the network until somebody is found: an announcement is preceded by questions, and not repeated at once.
fn found(
    hosts: &Hosts,
    on: On,
    home: &Home,
    is_it: impl Fn(&str) -> bool,
) -> Vec<serde_json::Value> {
    let start = Instant::now();
    loop {
        let peers = json(hosts, on, home, &["peers", "--lan"]);
        let peers: Vec<_> = peers.into_iter().filter(|peer| peer["event"] == "peer").collect();
        if peers.iter().any(|peer| is_it(peer["addr"].as_str().unwrap())) {
            return peers;
        }
        assert!(start.elapsed() < PATIENCE, "nobody is found");
    }
}

/// Runs a command that asks the network, until somebody has answered: a busy machine may be too late for it once.
fn asked(hosts: &Hosts, on: On, home: &Home, arguments: &[&str]) -> Vec<serde_json::Value> {
    let start = Instant::now();
    loop {
        let said = json(hosts, on, home, arguments);
        if said.iter().any(|event| event["event"] == "found") {
            return said;
        }
        assert!(start.elapsed() < PATIENCE, "nobody answers: {said:?}");
    }
}

#[test]
fn two_hosts_that_know_nothing_find_each_other_and_meet() {
    let Some(hosts) = Hosts::new() else { return };
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_alice = listen(&hosts, On::A, &alice, 5000, &["--lan"]);
    // who does not ask for it is not seen
    let nobody = run(&hosts, On::B, &bob, &["bootstrap", "--lan=1s"]);
    let at_bob = listen(&hosts, On::B, &bob, 6000, &[]);
    run(&hosts, On::A, &alice, &["peers", "--lan=1s"]).is(1, "", "");
    drop((nobody, at_bob.stop()));

    let at_bob = listen(&hosts, On::B, &bob, 6000, &["--lan"]);
    let there = format!("{B}:6000");
    let peers = found(&hosts, On::A, &alice, |address| address == there);
    let [peer] = &peers[..] else { panic!("not ourselves, and nobody twice: {peers:?}") };
    assert_eq!((&peer["state"], &peer["source"]), (&"lan".into(), &"lan".into()));
    assert_eq!((&peer["name"], &peer["verified"]), (&"bob".into(), &false.into()));
    assert_eq!(peer["hearsay"]["key"], key_of(&bob).to_string());
    assert!(peer["hearsay"].get("by").is_none());
    // to be found is not to be met
    run(&hosts, On::A, &alice, &["broadcast", "too early"])
        .fails(1, "to meet them: p2p bootstrap --meet");
    let said = asked(&hosts, On::A, &alice, &["bootstrap", "--lan"]);
    let events: Vec<_> = said.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["found", "pong", "learned", "summary"], "{said:?}");
    assert_eq!((&said[0]["peer"]["addr"], &said[0]["new"]), (&there.into(), &false.into()));
    assert_eq!((&said[1]["plain"], &said[2]["error"]["code"]), (&false.into(), &"denied".into()));
    let peer = &json(&hosts, On::A, &alice, &["peers"])[0];
    assert_eq!((&peer["state"], &peer["verified"]), (&"active".into(), &true.into()));
    assert_eq!(peer["key"], key_of(&bob).to_string());
    run(&hosts, On::A, &alice, &["broadcast", "-q", "hello"]).is(0, "", "");
    assert_eq!(at_bob.line(), format!("{A}:5000 alice hello"));

    // who goes says so
    assert!(at_bob.stop().0.success());
    run(&hosts, On::A, &alice, &["peers", "--lan=1s"]).is(1, "", "");
    let none = run(&hosts, On::A, &alice, &["bootstrap", "--lan=1s"]);
    none.fails(1, "has no static peers, and nobody has answered here within 1s");
    at_alice.stop();
}

#[test]
fn the_recipe_of_the_readme_finds_whoever_is_there() {
    let Some(hosts) = Hosts::new() else { return };
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_alice = listen(&hosts, On::A, &alice, 5000, &["--lan"]);
    found(&hosts, On::B, &bob, |address| address == format!("{A}:5000"));
    let code = &crate::recipes::recipes()["Find each other in the local network"][0];
    // a shell that is not waited for keeps our pipes open in its listener
    let code = code.replace("> inbox &", "> inbox 2> /dev/null &");
    let folder = tempfile::tempdir().unwrap();
    symlink(P2P, folder.path().join("p2p")).unwrap();
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.path().display());
    let mut shell = hosts.command(On::B, "env");
    shell.arg(format!("PATH={path}")).args(["sh", "-c", &format!("{code}\nkill $!; wait")]);
    shell.env("P2P_HOME", bob.path()).env("P2P_NAME", "bob").current_dir(folder.path());
    let said = outcome(&mut shell, None);
    said.succeeds();
    assert!(said.stdout.starts_with(&format!("{A}:5000 alice encrypted ")), "{}", said.report());
    assert!(at_alice.line().ends_with(" bob Hello, everybody here"));
}

#[test]
fn a_peer_that_is_announced_with_the_key_of_another_is_not_believed() {
    let Some(hosts) = Hosts::new() else { return };
    let (alice, bob, eve) = (Home::new("alice"), Home::new("bob"), Home::new("eve"));
    let at_bob = listen(&hosts, On::B, &bob, 6000, &[]);
    let at_eve = listen(&hosts, On::B, &eve, 7000, &[]);
    let bobs = key_of(&bob).to_string();
    let mut lan = Lan::default();
    // eve as bob, before and after bob is known
    lan.announce(b"bob", [10, 77, 0, 2], 7000, &[b"name=bob", format!("key={bobs}").as_bytes()]);
    let repeat = lan.repeat(&hosts);
    let failed = run(&hosts, On::A, &alice, &["bootstrap", "--lan"]);
    drop(repeat);
    failed.fails(7, "none of 1 peers reached");
    assert!(failed.stdout.contains("bob failed"), "{}", failed.report());
    assert!(failed.stdout.contains("it shows the key"), "{}", failed.report());
    run(&hosts, On::A, &alice, &["ping", "-q", &format!("{B}:6000")]).is(0, "", "");
    let before = json(&hosts, On::A, &alice, &["peers", "--only", &format!("{B}:6000")]);
    let mut lan = Lan::default();
    // bob's address with eve's key
    let eves = format!("key={}", key_of(&eve));
    lan.announce(b"bob", [10, 77, 0, 2], 6000, &[b"name=evil", eves.as_bytes()]);
    let repeat = lan.repeat(&hosts);
    run(&hosts, On::A, &alice, &["peers", "--lan"]).succeeds();
    drop(repeat);
    assert_eq!(json(&hosts, On::A, &alice, &["peers", "--only", &format!("{B}:6000")]), before);
    drop((at_bob, at_eve));
}

#[test]
fn one_that_is_announced_many_times_is_greeted_once_and_eight_lies_hide_nobody() {
    let Some(hosts) = Hosts::new() else { return };
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = listen(&hosts, On::B, &bob, 6000, &[]);
    let bobs = format!("key={}", key_of(&bob));
    let mut lan = Lan::default();
    for number in 0..20 {
        let key = if number % 2 == 0 { bobs.clone() } else { format!("key={number:064}") };
        lan.announce(format!("bob{number}").as_bytes(), [10, 77, 0, 2], 6000, &[key.as_bytes()]);
    }
    // his key everywhere
    for number in 0..20 {
        let name = format!("lie{number}");
        lan.announce(name.as_bytes(), [10, 77, 0, 2], 6100 + number, &[bobs.as_bytes()]);
    }
    let repeat = lan.repeat(&hosts);
    found(&hosts, On::A, &alice, |address| address == format!("{B}:6000"));
    let said = json(&hosts, On::A, &alice, &["bootstrap", "--lan", "--hello", "hi", "-t", "2s"]);
    drop(repeat);
    let to_bob = |event: &&serde_json::Value| {
        event["event"] == "pong" && event["peer"]["addr"] == format!("{B}:6000")
    };
    let greetings: Vec<_> = said.iter().filter(to_bob).collect();
    assert_eq!(greetings.len(), 1, "{said:?}");
    // of so many keys none is believed before he has said which is his
    assert_eq!(greetings[0]["key"], key_of(&bob).to_string());
    assert_eq!(at_bob.stop().1.len(), 1, "one message");
}

#[test]
fn who_is_found_is_greeted_although_the_list_cannot_be_written() {
    let Some(hosts) = Hosts::new() else { return };
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = listen(&hosts, On::B, &bob, 6000, &["--lan"]);
    let there = format!("{B}:6000");
    found(&hosts, On::A, &Home::new("other"), |address| address == there);
    alice.configure("[limits]\nlearned_peers = 0\n");
    let said = asked(&hosts, On::A, &alice, &["bootstrap", "--lan"]);
    assert_eq!(said.last().unwrap()["ok"], 1, "{said:?}");
    at_bob.stop();
}

#[test]
fn who_listens_at_one_address_is_announced_there_and_checked_and_static_peers_are_greeted_once() {
    let Some(hosts) = Hosts::new() else { return };
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let address = ["addr", "add", "10.77.0.3/24", "dev", "hostB"];
    outcome(hosts.command(On::B, "ip").args(address), None).is(0, "", "");
    let at_bob = listen(&hosts, On::B, &bob, 6000, &["--lan", "-b", "10.77.0.3"]);
    let there = "10.77.0.3:6000";
    let peers = found(&hosts, On::A, &alice, |address| address == there);
    assert_eq!(peers.len(), 1);
    alice.configure(&format!("[[peer]]\naddr = \"{there}\"\n"));
    let said = json(&hosts, On::A, &alice, &["bootstrap", "--lan"]);
    assert_eq!(said.last().unwrap()["targets"], 1, "{said:?}");
    let carol = Home::new("carol");
    let checked = asked(&hosts, On::A, &carol, &["peers", "--lan", "--check"]);
    assert_eq!(checked.last().unwrap()["state"], "active", "{checked:?}");
    at_bob.stop();
}

#[test]
fn announcements_cannot_lead_elsewhere_nor_touch_the_terminal() {
    let Some(hosts) = Hosts::new() else { return };
    let alice = Home::new("alice");
    let key = format!("key={}", "ab".repeat(32));
    let mut lan = Lan::default();
    let near = [10, 77, 0, 9];
    lan.announce(b"far", [192, 0, 2, 1], 5000, &[key.as_bytes()]);
    lan.announce(b"local", [127, 0, 0, 1], 5000, &[key.as_bytes()]);
    lan.announce(b"none", [0, 0, 0, 0], 5000, &[key.as_bytes()]);
    lan.announce(b"many", [224, 0, 0, 251], 5353, &[key.as_bytes()]);
    lan.announce(b"port", near, 0, &[key.as_bytes()]);
    lan.announce(b"key", near, 5001, &[b"key=nonsense"]);
    lan.announce(b"bytes", near, 5002, &[b"name=\xff\xfe", b"key=\xff"]);
    lan.announce(b"ctl\x1b[31mred\x07\r\nline", near, 5003, &[b"name=\x1b]0;title\x07"]);
    lan.announce("bidi\u{202e}".as_bytes(), near, 5004, &[]);
    lan.announce(b"good", near, 5005, &[b"name=good one"]);
    lan.announce(b"other", near, 5006, &[b"=", b"name", &[b'x'; 255]]);
    let repeat = lan.repeat(&hosts);
    found(&hosts, On::A, &alice, |address| address.ends_with(":5006"));
    drop(repeat);
    let listed = run(&hosts, On::A, &alice, &["peers", "--source", "lan", "--sort", "addr"]);
    let rows: Vec<_> =
        listed.stdout.lines().map(|line| line.rsplit_once("\t-\t").unwrap().0).collect();
    assert_eq!(
        rows,
        [
            "-\t10.77.0.9:5003\tlan\t-",
            "-\t10.77.0.9:5004\tlan\t-",
            "good_one\t10.77.0.9:5005\tlan\t-",
            "other\t10.77.0.9:5006\tlan\t-",
        ]
    );
    assert!(!listed.stdout.contains('\x1b'));
    assert_eq!(listed.stderr, "", "nothing of it has damaged the list");
}

#[test]
fn a_flood_of_announcements_is_bounded_for_those_who_ask_and_those_who_are_announced() {
    let Some(hosts) = Hosts::new() else { return };
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = listen(&hosts, On::B, &bob, 6000, &["--lan", "-v"]);
    let flood = |is_litter| {
        let mut lan = Lan { is_litter, ..Lan::default() };
        for number in 0..4000u16 {
            let [high, low] = number.to_be_bytes();
            let key = format!("key={number:04x}{}", "cd".repeat(30));
            let name = format!("flood{number}");
            lan.announce(name.as_bytes(), [10, 77, high, low], 9, &[key.as_bytes()]);
        }
        lan.repeat(&hosts)
    };
    let services = flood(false);
    let start = Instant::now();
    let said = run(&hosts, On::A, &alice, &["peers", "--lan", "-v"]);
    println!("asked for {:?} in a flood, {} found", start.elapsed(), said.stdout.lines().count());
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    assert!((1..=256).contains(&said.stdout.lines().count()));
    drop(services);
    // what nobody has asked for is not kept for ever
    let litter = flood(true);
    let start = Instant::now();
    while !at_bob.said().contains("announcing us anew") {
        assert!(start.elapsed() < 2 * PATIENCE);
    }
    drop(litter);
    let status = std::fs::read_to_string(format!("/proc/{}/status", at_bob.pid())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let peak: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    println!("peak of the listener: {peak} kB");
    assert!(peak < 32 * 1024, "{peak} kB");
    // and it is still announced
    found(&hosts, On::A, &alice, |address| address == format!("{B}:6000"));
    at_bob.stop();
}

#[test]
fn without_a_network_or_its_port_it_is_said_and_nothing_is_asked() {
    let home = Home::new("home");
    let here = Listener::start(&home);
    drop(here);
    home.run(["listen", "-b", "127.0.0.1", "-p", "0", "--lan"]).fails(2, "can reach 127.0.0.1");
    let alone = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "bash", "-c", script]).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("P2P", P2P);
        command.env("P2P_HOME", home.path());
        outcome(&mut command, None)
    };
    let said = alone("ip link set lo up && exec $P2P peers --lan");
    if said.stderr.contains("unshare") {
        skipped!("no network namespace here: {}", said.stderr);
        return;
    }
    said.fails(4, "this machine is in no local network");
}

#[test]
fn a_listener_waits_for_a_network_and_whoever_asks_without_one_is_told() {
    let Some(hosts) = Hosts::new() else { return };
    let (alice, bob, known) = (Home::new("alice"), Home::new("bob"), Home::new("known"));
    let link = |on: On, way: &str| {
        let name = if on == On::A { "hostA" } else { "hostB" };
        let device = ["link", "set", name, way];
        outcome(hosts.command(on, "ip").args(device), None).is(0, "", "");
        if way == "down" {
            outcome(hosts.command(on, "ip").args(["addr", "flush", "dev", name]), None)
                .is(0, "", "");
        }
    };
    link(On::B, "down");
    let at_known = listen(&hosts, On::B, &known, 7000, &[]);
    run(&hosts, On::B, &bob, &["peers", "--lan"]).fails(4, "this machine is in no local network");
    run(&hosts, On::B, &bob, &["bootstrap", "--lan"])
        .fails(4, "this machine is in no local network");
    // the static peers are greeted all the same
    bob.configure("[[peer]]\naddr = \"127.0.0.1:7000\"\n");
    let said = run(&hosts, On::B, &bob, &["bootstrap", "--lan", "-q"]);
    said.is(0, "", "warning: this machine is in no local network\n");
    let at_bob = listen(&hosts, On::B, &bob, 6000, &["--lan"]);
    let address = ["addr", "add", "10.77.0.2/24", "dev", "hostB"];
    outcome(hosts.command(On::B, "ip").args(address), None).is(0, "", "");
    link(On::B, "up");
    let there = format!("{B}:6000");
    found(&hosts, On::A, &alice, |address| address == there);
    // whoever is met is found again when it has moved, by its name, too
    asked(&hosts, On::A, &alice, &["bootstrap", "--lan"]);
    at_bob.stop();
    let at_bob = listen(&hosts, On::B, &bob, 6001, &["--lan"]);
    let there = format!("{B}:6001");
    found(&hosts, On::A, &alice, |address| address == there);
    let rows = asked(&hosts, On::A, &alice, &["peers", "--lan", "--only", "bob"]);
    let peer = rows.iter().find(|row| row["event"] == "peer").unwrap();
    assert_eq!((&peer["addr"], &peer["state"]), (&there.into(), &"lan".into()));
    asked(&hosts, On::A, &alice, &["bootstrap", "--lan"]);
    run(&hosts, On::A, &alice, &["send", "-q", "bob", "there you are"]).is(0, "", "");
    assert_eq!(at_bob.stop().1.len(), 1);
    at_known.stop();
}

#[test]
fn a_port_that_somebody_has_for_himself_is_said_and_listening_goes_on() {
    let Some(hosts) = Hosts::new() else { return };
    let bob = Home::new("bob");
    // a shell cannot bind it; whoever does so without sharing has it alone
    let mut taker = hosts.command(On::B, "bash");
    taker.args(["-c", "command -v python3 > /dev/null || exit 3; exec python3 -c 'import socket, sys\n\
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((\"\", 5353)); print(1, flush=True)\n\
        sys.stdin.read()'"]);
    taker.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut taker = taker.spawn().unwrap();
    let ready = crate::support::lines_of(taker.stdout.take().unwrap()).recv_timeout(PATIENCE);
    if ready.is_err() {
        skipped!("no python3 to take the port");
        let _ = taker.wait();
        return;
    }
    let asked = run(&hosts, On::B, &bob, &["peers", "--lan"]);
    asked.fails(8, "UDP port 5353 is not free for us");
    let at_bob = listen(&hosts, On::B, &bob, 6000, &["--lan"]);
    assert!(at_bob.said().contains("cannot announce us in the local network yet: UDP port 5353"));
    run(&hosts, On::B, &bob, &["send", "-q", ":6000", "hi"]).is(0, "", "");
    drop(taker.stdin.take());
    taker.wait().unwrap();
    found(&hosts, On::A, &Home::new("alice"), |address| address == format!("{B}:6000"));
    at_bob.stop();
}

/// Somebody else's program.
struct Avahi {
    bus: Child,
    daemon: Child,
}

impl Avahi {
    /// On host A; `None`, with a word why, if it is not there.
    fn start(hosts: &Hosts) -> Option<Self> {
        let script = r#"
            for tool in avahi-daemon avahi-browse avahi-publish dbus-daemon; do
                command -v $tool > /dev/null || { echo "no $tool"; exit 1; }
            done
            mkdir -p /run/lab && cd /run/lab
            printf '%s\n' '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"' \
                '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd"><busconfig><type>system</type>' \
                '<listen>unix:path=/run/lab/bus</listen><auth>EXTERNAL</auth><policy context="default">' \
                '<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>' \
                '<allow user="*"/></policy></busconfig>' > bus.conf
            printf '%s\n' '[server]' host-name=avahi use-ipv6=no allow-interfaces=hostA enable-dbus=yes \
                '[publish]' publish-workstation=no publish-hinfo=no > avahi.conf
            # it wants to be a user that may not be here
            printf 'root:x:0:0::/:/bin/sh\navahi:x:0:0::/:/bin/false\n' > passwd
            printf 'root:x:0:\navahi:x:0:\n' > group
            mount --bind passwd /etc/passwd && mount --bind group /etc/group
        "#;
        let prepared = outcome(hosts.command(On::A, "bash").args(["-c", script]), None);
        if !prepared.stdout.is_empty() || !prepared.stderr.is_empty() {
            skipped!("no Avahi here: {}{}", prepared.stdout, prepared.stderr);
            return None;
        }
        let spawn = |program: &str, arguments: &[&str]| {
            let mut command = hosts.command(On::A, program);
            command.args(arguments).env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/lab/bus");
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let bus =
            spawn("dbus-daemon", &["--config-file=/run/lab/bus.conf", "--nofork", "--nopidfile"]);
        let wait = "for i in $(seq 500); do [ -S /run/lab/bus ] && exit; sleep 0.01; done";
        outcome(hosts.command(On::A, "bash").args(["-c", wait]), None);
        let arguments =
            ["-f", "/run/lab/avahi.conf", "--no-drop-root", "--no-chroot", "--no-rlimits"];
        let daemon = spawn("avahi-daemon", &arguments);
        Some(Self { bus, daemon })
    }

    fn tool(hosts: &Hosts, program: &str, arguments: &[&str]) -> Command {
        let mut command = hosts.command(On::A, program);
        command.args(arguments).env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/lab/bus");
        command
    }
}

impl Drop for Avahi {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.bus] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn avahi_sees_us_and_we_see_what_avahi_publishes() {
    let Some(hosts) = Hosts::new() else { return };
    let Some(_avahi) = Avahi::start(&hosts) else { return };
    let bob = Home::new("bob");
    let at_bob = listen(&hosts, On::B, &bob, 6000, &["--lan"]);
    let browse = || {
        let mut browse = Avahi::tool(&hosts, "avahi-browse", &["-rpt", "_p2p-chat._tcp"]);
        outcome(&mut browse, None).stdout
    };
    let start = Instant::now();
    let seen = loop {
        let seen = browse();
        if let Some(line) = seen.lines().find(|line| line.starts_with('=')) {
            break line.to_owned();
        }
        assert!(start.elapsed() < PATIENCE, "Avahi does not see us: {seen}");
    };
    println!("{seen}");
    let key = key_of(&bob);
    let mark = &key.to_string()[..8];
    assert!(seen.starts_with(&format!(r"=;hostA;IPv4;bob\032{mark};_p2p-chat._tcp;local;p2p-")));
    assert!(seen.contains(&format!(".local;{B};6000;")));
    for fact in [
        "\"name=bob\"".to_owned(),
        format!("\"key={key}\""),
        format!("\"fingerprint={}\"", key.fingerprint()),
    ] {
        assert!(seen.contains(&fact), "{fact}");
    }
    let alice = "ab".repeat(32);
    let facts =
        ["-s", "alice's box", "_p2p-chat._tcp", "7000", "name=alice", &format!("key={alice}")];
    let mut publisher = Avahi::tool(&hosts, "avahi-publish", &facts);
    let mut publisher = publisher.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let there = format!("{A}:7000");
    let peers = found(&hosts, On::B, &bob, |address| address == there);
    let peer = peers.iter().find(|peer| peer["addr"] == there).unwrap();
    assert_eq!((&peer["name"], &peer["state"]), (&"alice".into(), &"lan".into()));
    assert_eq!(peer["hearsay"]["key"], alice);
    let _ = publisher.kill();
    let _ = publisher.wait();
    assert!(at_bob.stop().0.success());
    let start = Instant::now();
    while browse().contains("bob") {
        assert!(start.elapsed() < PATIENCE, "Avahi was not told that we go");
    }
}

/// Announcements as somebody hostile writes them, sent from host B by a shell.
#[derive(Default)]
struct Lan {
    /// Of each service its records, and how many they are.
    services: Vec<(u8, Vec<u8>)>,
    is_litter: bool,
}

impl Lan {
    /// The records of one service: pointer, service, text and address.
    fn announce(&mut self, name: &[u8], ip: [u8; 4], port: u16, facts: &[&[u8]]) {
        let label = |label: &[u8]| [&[label.len() as u8], label].concat();
        let kind = [label(b"_p2p-chat"), label(b"_tcp"), label(b"local"), vec![0]].concat();
        let instance = [label(name), kind.clone()].concat();
        let host =
            [label(format!("h{}", self.services.len()).as_bytes()), label(b"local"), vec![0]];
        let host = host.concat();
        let record = |owner: &[u8], number: u16, class: u16, data: &[u8]| {
            let (number, class) = (number.to_be_bytes(), class.to_be_bytes());
            let size = (data.len() as u16).to_be_bytes();
            [owner, &number, &class, &[0, 0, 0, 120], &size, data].concat()
        };
        let service = [&[0, 0, 0, 0][..], &port.to_be_bytes(), &host].concat();
        let text: Vec<u8> = facts.iter().flat_map(|fact| label(fact)).collect();
        let text = if text.is_empty() { vec![0] } else { text };
        let records = [
            record(&kind, 12, 1, &instance),
            record(&instance, 33, 0x8001, &service),
            record(&instance, 16, 0x8001, &text),
            record(&host, 1, 0x8001, &ip),
        ];
        match self.is_litter {
            // the pointer is what makes it a service, and what has others forget it
            true => self.services.push((2, records[1..3].concat())),
            false => self.services.push((4, records.concat())),
        }
    }

    /// Sends them again and again until this is dropped, at most for a minute.
    fn repeat(&self, hosts: &Hosts) -> Repeat {
        let script = "mapfile -t packets
            for i in $(seq 120); do
                # the shell's own printf writes line by line
                for packet in \"${packets[@]}\"; do env printf \"$packet\" > /dev/udp/224.0.0.251/5353; done
                sleep 0.5
            done";
        let mut sender = hosts.command(On::B, "bash");
        sender.args(["-c", script]).stdin(Stdio::piped());
        let mut sender = sender.spawn().unwrap();
        let mut stdin = sender.stdin.take().unwrap();
        for services in self.services.chunks(4) {
            let count = services.iter().map(|(count, _)| count).sum();
            let head = [0, 0, 0x84, 0, 0, 0, 0, count, 0, 0, 0, 0];
            let records = services.iter().flat_map(|(_, records)| records.iter().copied());
            let packet: Vec<u8> = head.into_iter().chain(records).collect();
            let escaped: String = packet.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            writeln!(stdin, "{escaped}").unwrap();
        }
        Repeat(sender)
    }
}

struct Repeat(Child);

impl Drop for Repeat {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
