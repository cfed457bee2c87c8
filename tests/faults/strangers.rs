//! What a stranger may claim, and where we connect because of it: nowhere. And what happens when there is no port left to
//! connect from.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::hosts::{A, B, Hosts, On};
use crate::support::{Home, Listener, P2P, PATIENCE, outcome};

/// A third machine: an address of the second host that nobody uses but in claims.
const THIRD: &str = "10.77.0.3";

/// The addresses with ports to which calls went, of what strace has written down.
fn called(log: &Path) -> BTreeSet<String> {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let mut called = BTreeSet::new();
    for line in log.lines().filter(|line| line.contains("sin_port") || line.contains("sin6_port")) {
        let between = |from: &str, to: &str| {
            let rest = &line[line.find(from)? + from.len()..];
            Some(rest[..rest.find(to)?].to_owned())
        };
        let port = between("port=htons(", ")").unwrap();
        let ip = between("inet_addr(\"", "\"").or_else(|| between("inet_pton(AF_INET6, \"", "\""));
        called.insert(format!("{}:{port}", ip.unwrap()));
    }
    called
}

/// p2p on the first host, with all that it connects or sends to written down.
fn watched(hosts: &Hosts, home: &Home, log: &Path) -> Command {
    let mut command = hosts.command(On::A, "strace");
    command.env("P2P_HOME", home.path()).env("P2P_NAME", home.name());
    // the tracer is nobody's parent, so signals and ends are those of p2p
    command.args(["-D", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o"]).arg(log);
    command.arg(P2P);
    command
}

/// Says something as a plain program of the second host.
fn say_from_b(hosts: &Hosts, port: u16, text: &str) {
    let mut command = hosts.command(On::B, "nc");
    command.args(["-N", "-w", "3", "-s", B, A, &port.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait().unwrap();
}

/// Claims to be elsewhere in every form that has an address; how often.
fn claim_in_plain(hosts: &Hosts, port: u16) -> usize {
    let mut claims = 0;
    for claim in [THIRD, "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.251", "10.77.0.99", A]
    {
        for said in [
            format!("{claim}:7001 mallory connect"),
            format!("{claim}:7002 mallory hello"),
            format!("<{claim}:7003> <mallory> CONNECT_REQUEST"),
            format!("{claim}:7004 mallory connected"),
            format!("CONNECT {claim} 7005"),
            format!("{claim}:7006 mallory exit"),
            format!("MESSAGE:{claim}:7007:text"),
        ] {
            say_from_b(hosts, port, &said);
            claims += 1;
        }
    }
    claims
}

#[test]
fn no_claim_of_a_stranger_makes_a_listener_call_a_third_machine() {
    if !["strace", "nc"].iter().all(|tool| Path::new("/usr/bin").join(tool).exists()) {
        skipped!("no strace or no nc");
        return;
    }
    let Some(hosts) = Hosts::new() else { return };
    let mut added = hosts.command(On::B, "ip");
    added.args(["addr", "add", "10.77.0.3/24", "dev", "hostB"]);
    assert!(added.status().unwrap().success());
    let files = tempfile::tempdir().unwrap();
    let log = files.path().join("listener");
    let (bob, carol, eve) = (Home::new("bob"), Home::new("carol"), Home::new("eve"));
    bob.configure("[listen]\nrecheck = \"1s\"\n[[hook]]\non = \"join\"\nrun = \"cat\"\n");
    let mut command = watched(&hosts, &bob, &log);
    command.args(["listen", "-p", "0", "-b", A, "-x", "cat"]);
    let at_bob = Listener::spawn(command);
    let port = at_bob.address().port();
    let target = at_bob.target();

    // somebody whom it has met is called: it shows that calls are seen
    let mut command = hosts.p2p(On::B, &carol);
    command.args(["listen", "-p", "0", "-b", B]);
    let at_carol = Listener::spawn(command);
    outcome(hosts.p2p(On::B, &carol).args(["ping", &target]), None).succeeds();

    let mut claims = claim_in_plain(&hosts, port);
    for (number, claim) in
        [THIRD, "[::1]", "[::ffff:10.77.0.3]", "127.0.0.1", "10.77.0.99"].iter().enumerate()
    {
        say_from_b(&hosts, port, &format!("{claim}:{} mallory connect", 7100 + number));
        // the same in sessions, with a key
        let advertised = format!("{claim}:{}", 7200 + number);
        let mallory = Home::new("mallory");
        mallory.configure(&format!("[listen]\nadvertise = \"{advertised}\"\n"));
        for call in [
            &["ping", &target][..],
            &["send", &target, "hello"],
            &["leave", &target],
            &["ping", &target],
        ] {
            outcome(hosts.p2p(On::B, &mallory).args(call), None);
            claims += 1;
        }
    }
    // one tells of others, who are somewhere else
    let third = format!("{THIRD}:7300");
    outcome(hosts.p2p(On::B, &eve).args(["peers", "add", "victim", &third]), None);
    outcome(hosts.p2p(On::B, &eve).args(["ping", &target]), None).succeeds();

    // what a person does is another matter: who is asked for is called, and all of them are then known to be silent
    let carols = at_carol.target();
    at_carol.signal("KILL");
    at_carol.wait();
    let by_check = files.path().join("check");
    let mut check = watched(&hosts, &bob, &by_check);
    outcome(check.args(["peers", "--check"]), None);
    let known: Vec<_> = bob.json(&["peers"]).into_iter().filter(|p| p["event"] == "peer").collect();

    // now it looks for them by itself
    let start = Instant::now();
    while !called(&log).contains(&carols) {
        assert!(start.elapsed() < PATIENCE, "who is silent is not looked for: {:?}", called(&log));
        std::thread::sleep(Duration::from_millis(50));
    }
    // and it says goodbye to those who are there, which nobody is by a claim
    claims += claim_in_plain(&hosts, port);
    let mut command = hosts.p2p(On::B, &carol);
    command.args(["listen", "-p", "0", "-b", B]);
    let at_carol = Listener::spawn(command);
    outcome(hosts.p2p(On::B, &carol).args(["ping", &target]), None).succeeds();
    at_bob.signal("TERM");
    let (status, _) = at_bob.wait();
    assert_eq!(status.code(), Some(0));
    let called_by_itself = called(&log);
    let is_told = called_by_itself.contains(&at_carol.target());
    assert!(is_told, "who is there is told no goodbye: {called_by_itself:?}");
    let thirds: Vec<_> =
        called_by_itself.iter().filter(|to| !to.starts_with(&format!("{B}:"))).collect();
    figures!(
        "{claims} claims, {} peers in the list; the listener has called {called_by_itself:?}; 0 third machines. \
         `peers --check` of a person has called {:?}",
        known.len(),
        called(&by_check)
    );
    assert!(thirds.is_empty(), "it has called {thirds:?}");
}

#[test]
fn without_a_free_port_it_says_so_and_goes_on_when_there_is_one() {
    let Some(hosts) = Hosts::new() else { return };
    let ports = |range: &str| {
        let set = format!("echo '{range}' > /proc/sys/net/ipv4/ip_local_port_range");
        hosts.command(On::A, "sh").args(["-c", &set]).status().unwrap().success()
    };
    if !ports("42000 42007") {
        skipped!("the ports of a host cannot be chosen");
        return;
    }
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let mut command = hosts.p2p(On::B, &bob);
    command.args(["listen", "-p", "0", "-b", B]);
    let at_bob = Listener::spawn(command);
    let target = at_bob.target();
    let send = |text: &str, more: &[&str]| {
        let mut command = hosts.p2p(On::A, &alice);
        command.args(["send", "-t", "3s", "--secure", "off", &target, text]).args(more);
        let start = Instant::now();
        let said = outcome(&mut command, None);
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}{}", start.elapsed(), said.report());
        said
    };
    // who ends first keeps the port for a minute
    let (mut delivered, mut refused) = (0, 0);
    for number in 0..16 {
        let said = send(&number.to_string(), &[]);
        match said.status.code() {
            Some(0) => delivered += 1,
            _ => {
                said.fails(4, "no free port or address on this machine");
                assert!(said.stderr.contains("hint: "), "{}", said.report());
                refused += 1;
            }
        }
    }
    assert!(delivered >= 4 && refused >= 4, "{delivered} delivered, {refused} refused");
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| send("waited", &["--retry-for", "5s"]));
        let mut more = hosts.p2p(On::A, &alice);
        more.args(["broadcast", "-t", "2s", "to all"]);
        let said = outcome(&mut more, None);
        assert_eq!(said.status.code(), Some(4), "{}", said.report());
        assert!(ports("42000 43000"));
        waiting.join().unwrap()
    });
    waiting.succeeds();
    let lines = at_bob.stop().1;
    assert_eq!(lines.len(), delivered + 1, "{lines:?}");
    figures!(
        "8 ports: {delivered} delivered, {refused} told that there is no port, 1 waited for one; all {} shown",
        lines.len()
    );
}
