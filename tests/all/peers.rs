//! The list of peers: who comes in, who may change whom, and what a person may do to it.

use crate::support::{Home, Listener, Nobody, outcome, say, say_from};

#[test]
fn peers_are_entered_listed_and_forgotten_by_hand() {
    let home = Home::new("me");
    home.run(["peers"]).is(1, "", "");
    home.run(["peers", "add", "bob", "10.0.0.2:7000"]).is(0, "", "");
    home.run(["peers", "add", "alice", "lab.example:6000"]).is(0, "", "");
    home.run(["peers"]).is(
        0,
        "alice\tlab.example:6000\tstatic\t-\t-\t-\nbob\t10.0.0.2:7000\tstatic\t-\t-\t-\n",
        "",
    );
    home.run(["peers", "add", "robert", "10.0.0.2:7000", "-v"]).is(
        0,
        "",
        "robert is 10.0.0.2:7000\n",
    );
    assert_eq!(home.peer("10.0.0.2:7000").unwrap()["name"], "robert");
    home.run(["peers", "add", "robert", "10.0.0.9:7000"]).is(
        2,
        "",
        "error: `robert` is already the name of 10.0.0.2:7000\n\
         hint: choose another name, or forget that one first: p2p peers rm 10.0.0.2:7000\n",
    );
    home.run(["peers", "rm", "robert"]).is(0, "10.0.0.2:7000\n", "");
    assert_eq!(home.peer_addresses(), ["lab.example:6000"]);
    home.run(["peers", "rm", "10.9.9.9:1"]).fails(2, "no known peer has the address 10.9.9.9:1");
}

#[test]
fn who_writes_is_learned_and_renamed_once_for_each_address() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let to = listener.address();
    say(to, b"127.0.0.1:7000 first hi");
    say(to, b"127.0.1.1:7000 second hi");
    say(to, b"127.0.0.1:7001 other hi");
    assert_eq!(home.peer_addresses(), ["127.0.0.1:7000", "127.0.0.1:7001"]);
    let peer = home.peer("127.0.0.1:7000").unwrap();
    assert_eq!(peer["name"], "second");
    assert_eq!((&peer["verified"], &peer["state"]), (&true.into(), &"active".into()));
    assert_eq!((&peer["source"], &peer["observed"]), (&"heard".into(), &"127.0.0.1".into()));
    // its own address is nobody's
    say(to, format!("{to} me hi").as_bytes());
    assert_eq!(home.peer_addresses().len(), 2);
}

#[test]
fn a_peer_that_says_exit_has_left_until_it_speaks_again() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    say(listener.address(), b"127.0.0.1:7000 alice connect");
    say(listener.address(), b"127.0.0.1:7000 alice exit");
    assert_eq!(home.peer("127.0.0.1:7000").unwrap()["state"], "left");
    home.run(["peers", "--active"]).is(1, "", "");
    home.run(["broadcast", "hi"]).fails(1, "there is no peer to send to");
    say(listener.address(), b"127.0.0.1:7000 alice back");
    assert_eq!(home.peer("127.0.0.1:7000").unwrap()["state"], "active");
}

#[test]
fn nobody_speaks_for_a_peer_of_another_address() {
    let home = Home::new("bob");
    home.configure("[[peer]]\nname = \"fixed\"\naddr = \"127.0.0.5:9000\"\n");
    let listener = Listener::start(&home);
    let to = listener.address();
    say_from("127.0.0.2", to, b"127.0.0.2:7000 alice connect");
    let (alice, fixed) =
        (home.peer("127.0.0.2:7000").unwrap(), home.peer("127.0.0.5:9000").unwrap());
    assert_eq!(alice["verified"], true);
    for spoof in ["exit", "connect", "hello"] {
        say_from("127.0.0.3", to, format!("10.0.0.2:7000 eve {spoof}").as_bytes());
    }
    // headers of the loopback network are replaced by the source, so the claim is made for another network
    say_from("127.0.0.3", to, b"10.0.0.7:7000 mallory connect");
    assert_eq!(home.peer("10.0.0.7:7000").unwrap()["verified"], false);
    say_from("127.0.0.4", to, b"10.0.0.7:7000 eve exit");
    say_from("127.0.0.4", to, b"10.0.0.7:7000 eve hello");
    let claimed = home.peer("10.0.0.7:7000").unwrap();
    assert_eq!((&claimed["name"], &claimed["state"]), (&"mallory".into(), &"active".into()));
    // who made the claim may take it back
    say_from("127.0.0.3", to, b"10.0.0.7:7000 mallory exit");
    assert_eq!(home.peer("10.0.0.7:7000").unwrap()["state"], "left");
    assert_eq!(home.peer("127.0.0.2:7000").unwrap(), alice);
    assert_eq!(home.peer("127.0.0.5:9000").unwrap(), fixed);
}

#[test]
fn claims_from_one_address_cannot_fill_the_list() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    for number in 0..50 {
        say(listener.address(), format!("10.0.0.{number}:7000 eve hi").as_bytes());
    }
    assert_eq!(home.peer_addresses().len(), 8);
}

#[test]
fn the_list_is_capped_and_keeps_what_was_given() {
    let home = Home::new("bob");
    home.configure("[limits]\npeers = 10\nunverified_peers = 3\n");
    home.run(["peers", "add", "kept", "10.1.1.1:1"]).succeeds();
    let listener = Listener::start(&home);
    for number in 0..6 {
        say(listener.address(), format!("10.0.0.{number}:7000 eve hi").as_bytes());
    }
    assert_eq!(
        home.peer_addresses(),
        ["10.0.0.3:7000", "10.0.0.4:7000", "10.0.0.5:7000", "10.1.1.1:1"]
    );
    for number in 0..20 {
        say(listener.address(), format!("127.0.0.1:70{number:02} alice hi").as_bytes());
    }
    let addresses = home.peer_addresses();
    assert_eq!(addresses.len(), 10);
    assert!(
        addresses.contains(&"10.1.1.1:1".to_owned())
            && addresses.contains(&"127.0.0.1:7019".to_owned())
    );
    assert!(!addresses.iter().any(|address| address.starts_with("10.0.0.")), "claims go first");
}

#[test]
fn whom_we_reach_is_entered_as_verified() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let port = at_bob.address().port();
    let said = alice.run(["ping", &at_bob.target()]);
    let expected = format!("127.0.0.1:{port} bob encrypted ");
    assert!(
        said.stdout.starts_with(&expected) && said.stdout.ends_with(" ms\n"),
        "{}",
        said.report()
    );
    let peer = alice.peer(&at_bob.target()).unwrap();
    assert_eq!((&peer["name"], &peer["wire"]), (&"bob".into(), &"native".into()));
    assert_eq!((&peer["verified"], &peer["state"]), (&true.into(), &"active".into()));
    // a listener does not enter itself
    bob.run(["ping", &at_bob.target(), "-q"]).is(0, "", "");
    assert_eq!(
        bob.peer_addresses(),
        ["127.0.0.1:5000"],
        "alice, who does not listen, under her usual port"
    );
}

#[test]
fn check_finds_out_who_is_there() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    alice.run(["peers", "add", "bob", &at_bob.target()]).succeeds();
    let nobody = Nobody::new();
    let gone = nobody.target();
    alice.run(["peers", "add", "gone", &gone]).succeeds();
    let listed = alice.json(&["peers", "--check"]);
    let states: Vec<_> = listed
        .iter()
        .map(|p| (p["name"].as_str().unwrap(), p["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("bob", "active"), ("gone", "stale")]);
    alice.run(["ping", "gone"]).fails(4, "error: cannot reach gone (");
    let said = alice.run(["ping", "--all"]);
    said.fails(3, "error: only 1 of 2 peers reached");
    let mut lines: Vec<_> =
        said.stdout.lines().map(|l| l.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect();
    lines.sort();
    let mut expected =
        [format!("{} bob encrypted", at_bob.target()), format!("{gone} gone failed")];
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn prune_forgets_who_was_not_seen_and_was_not_given() {
    let home = Home::new("bob");
    home.run(["peers", "add", "kept", "10.1.1.1:1"]).succeeds();
    let listener = Listener::start(&home);
    say(listener.address(), b"127.0.0.1:7000 alice hi");
    home.run(["peers", "prune", "--older", "1h"]).is(0, "", "");
    // a record from last year, as a person would mend it in
    let old = r#"{"v":1,"addr":"10.0.0.2:7000","name":"old","last_seen":"2025-01-01T00:00:00Z"}"#;
    let path = home.file("peers");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + old + "\n").unwrap();
    assert_eq!(home.peer("10.0.0.2:7000").unwrap()["state"], "stale");
    home.run(["peers", "prune", "--older", "1h", "--dry-run"]).is(0, "10.0.0.2:7000\n", "");
    home.run(["peers", "prune", "--older", "1h"]).is(0, "10.0.0.2:7000\n", "");
    assert_eq!(home.peer_addresses(), ["10.1.1.1:1", "127.0.0.1:7000"]);
}

#[test]
fn the_configured_peers_are_listed_and_cannot_be_forgotten_here() {
    let home = Home::new("bob");
    home.configure("[[peer]]\nname = \"m1\"\naddr = \"10.206.4.122:1255\"\n[[peer]]\naddr = \"10.206.5.228:6555\"\n");
    home.run(["peers"]).is(
        0,
        "m1\t10.206.4.122:1255\tstatic\t-\t-\t-\n-\t10.206.5.228:6555\tstatic\t-\t-\t-\n",
        "",
    );
    home.run(["peers", "--source", "heard"]).is(1, "", "");
    home.run(["peers", "rm", "m1"]).fails(2, "config.toml lists it");
    assert!(!home.file("peers").exists());
}

#[test]
fn a_name_that_several_use_is_not_guessed() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    say(listener.address(), b"127.0.0.1:7000 alice hi");
    say(listener.address(), b"127.0.0.1:7001 alice hi");
    home.run(["send", "alice", "hi"]).is(
        2,
        "",
        "error: 2 peers call themselves `alice`\nhint: use an address: 127.0.0.1:7000, 127.0.0.1:7001\n",
    );
    // one that was given by hand is the one that is meant
    let nobody = Nobody::new();
    home.run(["peers", "add", "alice", &nobody.target()]).fails(0, "calls itself alice, too");
    let expected = format!("cannot reach alice ({})", nobody.target());
    home.run(["send", "alice", "hi"]).fails(4, &expected);
}

#[test]
fn a_person_sees_a_table() {
    let home = Home::new("bob");
    home.run(["peers", "add", "alice", "10.0.0.2:7000"]).succeeds();
    home.run(["peers", "add", "世界", "10.0.0.3:7000"]).succeeds();
    let mut script = std::process::Command::new("script");
    script.env("P2P_HOME", home.path()).args([
        "-qec",
        &format!("{} peers", crate::support::P2P),
        "/dev/null",
    ]);
    let said = outcome(&mut script, None);
    let expected = "NAME   ADDRESS        STATE   SEEN\r\n\
                    alice  10.0.0.2:7000  static  never\r\n\
                    世界   10.0.0.3:7000  static  never\r\n";
    assert_eq!(said.stdout, expected);
}
