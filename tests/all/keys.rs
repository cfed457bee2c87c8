//! Who is who: keys that are remembered, given, changed, and taken for those of somebody else.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc::{Receiver, channel};

use crate::support::{Home, Listener, Nobody, outcome, refusal, say};

fn id(home: &Home, part: &str) -> String {
    home.json(&["id"])[0][part].as_str().unwrap().to_owned()
}

fn key(home: &Home) -> String {
    id(home, "key")
}

/// What went there, and what came back.
type Recorded = (Vec<u8>, Vec<u8>);

/// Passes connections on, and keeps what went each way.
fn recorder(to: SocketAddr) -> (String, Receiver<Recorded>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket.local_addr().unwrap().to_string();
    let (tell, recorded) = channel();
    std::thread::spawn(move || {
        for caller in socket.incoming().flatten() {
            let listener = TcpStream::connect(to).unwrap();
            let there = copy(caller.try_clone().unwrap(), listener.try_clone().unwrap());
            let back = copy(listener, caller);
            if tell.send((there.join().unwrap(), back.join().unwrap())).is_err() {
                return;
            }
        }
    });
    (target, recorded)
}

fn copy(mut from: TcpStream, mut to: TcpStream) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut all, mut chunk) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            all.extend_from_slice(&chunk[..count]);
            let _ = to.write_all(&chunk[..count]);
        }
        let _ = to.shutdown(Shutdown::Write);
        all
    })
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The next message of a listener that prints objects.
fn message(listener: &Listener) -> serde_json::Value {
    loop {
        let object = listener.object();
        if object["event"] == "message" {
            return object;
        }
    }
}

#[test]
fn two_that_have_never_met_talk_encrypted_from_the_first_message_on() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--json"]);
    let (target, recorded) = recorder(at_bob.address());
    alice.run(["send", &target, "the secret of the day"]).is(0, "", "");
    let (hello, answer) = recorded.recv().unwrap();
    assert!(hello.ends_with(b" alice connect"), "{}", String::from_utf8_lossy(&hello));
    assert!(holds(&answer, key(&bob).as_bytes()));
    let (session, back) = recorded.recv().unwrap();
    assert_eq!((session[0], back[0]), (0x16, 0x16), "a TLS handshake");
    for clear in [&b"secret"[..], b"message", b"alice", b"bob"] {
        assert!(!holds(&session, clear) && !holds(&back, clear));
    }
    // from now on there is nothing to ask
    alice.run(["send", &target, "another secret"]).is(0, "", "");
    assert_eq!(recorded.recv().unwrap().0[0], 0x16);
    let peer = alice.peer(&target).unwrap();
    assert_eq!((&peer["key"], &peer["trusted"]), (&key(&bob).into(), &false.into()));

    let message = message(&at_bob);
    assert_eq!(message["plain"], false);
    assert_eq!(message["body"], "the secret of the day");
    let from = serde_json::json!({
        "name": "alice", "observed": "127.0.0.1", "verified": false, "key": key(&alice)
    });
    assert_eq!(message["from"], from);
    assert_eq!(message["id"].as_str().unwrap().len(), 32);
}

#[test]
fn an_end_that_is_late_on_its_way_does_not_make_a_p2p_a_plain_program() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let to = at_bob.address();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (number, mut caller) in socket.incoming().flatten().enumerate() {
            let mut listener = TcpStream::connect(to).unwrap();
            copy(listener.try_clone().unwrap(), caller.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut caller, &mut listener);
                if number == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(600));
                }
                let _ = listener.shutdown(Shutdown::Write);
            });
        }
    });
    let sent = &alice.json(&["send", &target, "secret"])[0];
    assert_eq!((&sent["status"], sent["id"].is_string()), (&"acked".into(), true), "{sent}");
    assert_eq!(alice.peer(&target).unwrap()["key"], key(&bob));
}

#[test]
fn a_changed_key_stops_everything_and_the_hint_mends_it() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let place = Nobody::new();
    let target = place.target();
    let listen = || {
        let mut command = bob.command();
        command.args(["listen", "-b", "127.0.0.1", "-p", &place.port().to_string()]);
        Listener::spawn(command)
    };
    let at_bob = listen();
    alice.run(["send", &target, "before"]).is(0, "", "");
    let old = id(&bob, "fingerprint");
    at_bob.stop();
    std::fs::remove_file(bob.file("key")).unwrap();
    let at_bob = listen();

    let said = alice.run(["send", &target, "after"]);
    let (new, print) = (key(&bob), id(&bob, "fingerprint"));
    said.is(
        7,
        "",
        &format!(
            "error: cannot talk to bob ({target}): it shows the key {print} in the place of {old}; nothing was sent\n\
             hint: if its key was changed on purpose: p2p peers trust {target} --key {new}\n"
        ),
    );
    for call in [&["ping", "bob"][..], &["leave", "bob"], &["send", "bob", "x", "--secure", "off"]]
    {
        assert_eq!(alice.run(call).status.code(), Some(7), "{call:?}");
    }
    assert_eq!(alice.json(&["send", "bob", "x"])[0]["error"]["code"], "key_changed");
    let hint = said.stderr.rsplit("p2p ").next().unwrap().trim();
    alice.run(hint.split(' ')).is(0, "", "");
    alice.run(["send", "bob", "mended"]).is(0, "", "");
    assert_eq!(at_bob.line(), "127.0.0.1 alice mended", "nothing else has come");
    assert_eq!(alice.peer(&target).unwrap()["trusted"], true);

    // whatever key is there now, if a person says so
    alice.run(["peers", "trust", "bob", "--key", &key(&alice)]).is(0, "", "");
    alice.run(["send", "bob", "x"]).fails(7, "nothing was sent");
    alice.run(["peers", "trust", "bob", "-v"]).fails(0, &format!("has the key {print}"));
    alice.run(["send", "bob", "again"]).is(0, "", "");
    let nobody = Nobody::new();
    alice.run(["peers", "trust", &nobody.target()]).fails(4, "connection refused");
    alice.run(["peers", "trust", "bob", "--key", "0123"]).fails(2, "a key is 64 hex digits");
}

#[test]
fn strict_trust_believes_only_keys_that_were_given() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    alice.configure("trust = \"strict\"\n");
    let at_bob = Listener::start(&bob);
    let (target, recorded) = recorder(at_bob.address());
    alice.run(["send", &target, "secret"]).fails(7, "no key of it was given");
    assert!(recorded.try_recv().is_err(), "it was not even asked");
    let wrong = key(&alice);
    alice.run(["peers", "add", "bob", &target, "--key", &wrong]).is(0, "", "");
    alice.run(["send", "bob", "secret"]).fails(7, "nothing was sent");
    alice
        .run(["peers", "add", "bob", &target, "--key", &key(&bob)])
        .fails(0, "warning: bob had the key ");
    alice.run(["send", "bob", "given"]).is(0, "", "");
    assert_eq!(at_bob.line(), "127.0.0.1 alice given");
    // one that was only seen, when other rules were in force
    let carol = Home::new("carol");
    carol.run(["send", &at_bob.target(), "seen"]).is(0, "", "");
    assert_eq!(at_bob.line(), "127.0.0.1 carol seen");
    carol.configure("trust = \"strict\"\n");
    let said = carol.run(["send", &at_bob.target(), "secret"]);
    said.fails(7, "only given ones are trusted");
    carol.run(said.stderr.rsplit("p2p ").next().unwrap().trim().split(' ')).is(0, "", "");
    carol.run(["send", &at_bob.target(), "trusted"]).is(0, "", "");
    assert_eq!(at_bob.line(), "127.0.0.1 carol trusted");
    // by a configuration, too, which has the last word
    alice.configure(&format!("[[peer]]\nname = \"bob\"\naddr = \"{target}\"\nkey = \"{wrong}\"\n"));
    alice.run(["send", "bob", "secret"]).fails(7, "the configuration gives its key");
    alice.run(["peers", "trust", "bob"]).fails(2, "change it in that file");
    at_bob.stop();
    // nor does a listener remember whom it has not been told of
    bob.configure("trust = \"strict\"\n");
    let (carol, strict) = (Home::new("carol"), Listener::start(&bob));
    let _at_carol = Listener::start(&carol);
    carol.run(["send", &strict.target(), "hi"]).is(0, "", "");
    assert!(bob.json(&["peers"]).iter().all(|peer| peer.get("key").is_none()));
}

#[test]
fn what_has_to_be_encrypted_never_goes_in_plain() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = socket.local_addr().unwrap().to_string();
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        for mut stream in socket.incoming().flatten() {
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes);
            let _ = tell.send(bytes);
        }
    });
    // a plain program is greeted and told no more
    let why = "it does not speak encrypted, and nothing else is allowed";
    alice.run(["send", &plain, "secret", "--secure", "require"]).fails(7, why);
    assert!(heard.recv().unwrap().ends_with(b" alice connect"));
    alice.run(["ping", &plain, "--secure", "require"]).fails(7, why);
    assert!(alice.run(["leave", &plain, "--secure", "require"]).stdout.contains(why));
    for option in [&["--topic", "x"][..], &["--id", "x"], &["--reply"]] {
        alice.run([&["send", &plain, "secret"], option].concat()).fails(7, "needs that");
    }
    alice.configure(&format!("[[peer]]\naddr = \"{plain}\"\nsecure = \"require\"\n"));
    alice.run(["send", &plain, "secret"]).fails(7, why);
    alice.configure("[send]\nsecure = \"require\"\n");
    alice.run(["broadcast", "--to", &plain, "secret"]).fails(7, "none of 1 peers reached");
    alice.configure("");
    assert!(heard.try_iter().all(|bytes| !holds(&bytes, b"secret")));

    // whose key is known gets nothing in plain, whatever is there now
    alice.run(["peers", "trust", &plain, "--key", &key(&bob)]).is(0, "", "");
    alice.run(["send", &plain, "secret", "--secure", "off"]).fails(7, "never spoken to in plain");
    assert!(heard.try_recv().is_err());
    assert_ne!(alice.run(["send", &plain, "secret", "-t", "500ms"]).status.code(), Some(0));
    let bytes = heard.recv().unwrap();
    assert!(bytes[0] == 0x16 && !holds(&bytes, b"secret"));
}

#[test]
fn a_key_is_that_of_the_peer_however_its_address_is_written() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        for mut stream in socket.incoming().flatten() {
            let mut bytes = Vec::new();
            let _ = stream.set_read_timeout(Some(std::time::Duration::from_millis(300)));
            let _ = stream.read_to_end(&mut bytes);
            let _ = tell.send(bytes);
        }
    });
    // given by its IP, called by its name, and the other way round
    let key = key(&bob);
    let (by_ip, by_name) = (format!("127.0.0.1:{port}"), format!("localhost:{port}"));
    alice.run(["peers", "trust", &by_ip, "--key", &key]).is(0, "", "");
    let carol = Home::new("carol");
    let at_bob = Listener::start(&bob);
    let at_bob_by_name = format!("localhost:{}", at_bob.address().port());
    carol.run(["peers", "add", "bob", &at_bob_by_name, "--key", &key]).is(0, "", "");
    carol.run(["send", "bob", "by name"]).is(0, "", "");
    for (home, target) in [(&alice, &by_name), (&alice, &by_ip)] {
        for secure in ["prefer", "off"] {
            let call = ["send", target.as_str(), "secret", "-t", "2s", "--secure", secure];
            let said = home.run(call);
            assert!(matches!(said.status.code(), Some(4 | 7)), "{}", said.report());
        }
    }
    carol.run(["send", &at_bob.target(), "plain", "--secure", "off"]).fails(7, "never spoken to");
    carol.run(["send", &at_bob.target(), "by address"]).is(0, "", "");
    assert!(heard.try_iter().all(|bytes| bytes.is_empty() || bytes[0] == 0x16));
    // one that is entered by its name, called by another name, when somebody else is there
    let dave = Home::new("dave");
    let place = Nobody::new();
    let mut command = bob.command();
    at_bob.stop();
    command.args(["listen", "-b", "127.0.0.1", "-p", &place.port().to_string()]);
    let at_bob = Listener::spawn(command);
    let target = format!("localhost:{}", place.port());
    dave.run(["peers", "add", "bob", &target, "--key", &key]).is(0, "", "");
    dave.run(["send", "bob", "hi"]).is(0, "", "");
    let other_name = format!("LocalHost:{}", place.port());
    dave.run(["send", &other_name, "x", "--secure", "off"]).fails(7, "never spoken to in plain");
    at_bob.stop();
    let plain = TcpListener::bind(place.target()).unwrap();
    let heard = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut stream = plain.accept().unwrap().0;
        let _ = stream.set_read_timeout(Some(std::time::Duration::from_millis(300)));
        let _ = stream.read_to_end(&mut bytes);
        bytes
    });
    assert_ne!(dave.run(["send", &other_name, "secret", "-t", "2s"]).status.code(), Some(0));
    assert_eq!(heard.join().unwrap()[0], 0x16);
    // nor has the peer been seen by that
    let at_bob = Listener::start(&bob);
    let at_bob_by_name = format!("localhost:{}", at_bob.address().port());
    // calling by another name loses neither key nor trust
    let trusted = Home::new("trusted");
    trusted.run(["peers", "trust", &at_bob.target(), "--key", &key]).is(0, "", "");
    trusted.run(["peers", "add", "other", &at_bob_by_name]).is(0, "", "");
    trusted.run(["send", "other", "hi"]).is(0, "", "");
    let listed = trusted.json(&["peers"]);
    assert!(
        listed.iter().any(|peer| peer["trusted"] == true && peer["key"] == key.as_str()),
        "{listed:?}"
    );
}

#[test]
fn a_middle_that_answers_in_plain_gets_nothing() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket.local_addr().unwrap().to_string();
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        let answers = [
            &b"P2P/1 NO busy\n"[..],
            b"P2P/1 OK 5 00000000\n",
            b"ACK from 7000",
            b"\x16\x03\x03\x00\x02hi",
        ];
        for (mut stream, answer) in socket.incoming().flatten().zip(answers) {
            let mut bytes = vec![0; 4096];
            let count = stream.read(&mut bytes).unwrap();
            bytes.truncate(count);
            let _ = stream.write_all(answer);
            let _ = tell.send(bytes);
        }
    });
    alice.run(["peers", "trust", &target, "--key", &key(&bob)]).is(0, "", "");
    for _ in 0..4 {
        let said = alice.run(["send", &target, "secret"]);
        assert!(matches!(said.status.code(), Some(4 | 7)), "{}", said.report());
        assert!(said.stderr.contains("nothing was sent"), "{}", said.report());
        let bytes = heard.recv().unwrap();
        assert!(bytes[0] == 0x16 && !holds(&bytes, b"secret"));
    }
}

#[test]
fn a_listener_may_take_only_sessions_or_none() {
    let (alice, bob, carol) = (Home::new("alice"), Home::new("bob"), Home::new("carol"));
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--secure", "require"]);
    assert_eq!(refusal(&say(at_bob.address(), b"127.0.0.1:6000 me plain")), "insecure");
    let target = at_bob.target();
    alice.run(["send", &target, "plain", "--secure", "off"]).fails(7, "only encrypted messages");
    alice.run(["send", &target, "in a session"]).is(0, "", "");
    assert_eq!(at_bob.line(), "127.0.0.1 alice in a session");
    alice.run(["ping", &target]).succeeds();
    at_bob.stop();

    let off = Listener::start_with(&bob, &["-b", "127.0.0.1", "--secure", "off"]);
    let target = off.target();
    carol.run(["send", &target, "hi", "--secure", "require"]).fails(7, "nothing was sent");
    assert_eq!(carol.json(&["send", &target, "hi"])[0]["status"], "acked");
    assert_eq!(off.line(), "127.0.0.1:5000 carol hi");
    assert!(carol.run(["ping", &target]).stdout.contains(" bob native "));
    alice.run(["peers", "add", "off", &target, "--key", &key(&bob)]).is(0, "", "");
    alice.run(["send", "off", "secret"]).fails(7, "nothing was sent");
    assert_eq!(off.stop().1, Vec::<String>::new());
}

#[test]
fn who_may_write_is_told_by_keys() {
    let (alice, bob, eve) = (Home::new("alice"), Home::new("bob"), Home::new("eve"));
    bob.run(["peers", "add", "carol", "127.0.0.1:8"]).is(0, "", "");
    for (accept, seen_is_enough) in [("known", true), ("trusted", false)] {
        let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--accept", accept]);
        let target = at_bob.target();
        // ourselves: who else would wait for us
        bob.run(["ping", &target]).succeeds();
        eve.run(["send", &target, "let me in"]).fails(6, "it does not take such messages from us");
        let claim = b"127.0.0.1:6000 alice let me in";
        assert_eq!(refusal(&say(at_bob.address(), claim)), "denied");
        // one whose key was only seen
        let seen = format!(
            "{{\"v\":1,\"addr\":\"127.0.0.1:9\",\"name\":\"alice\",\"key\":\"{}\"}}\n",
            key(&alice)
        );
        let peers = std::fs::read_to_string(bob.file("peers")).unwrap();
        std::fs::write(bob.file("peers"), peers + &seen).unwrap();
        let said = alice.run(["send", &target, "it is me"]);
        assert_eq!(said.status.success(), seen_is_enough, "{}", said.report());
        bob.run(["peers", "trust", "alice", "--key", &key(&alice)]).is(0, "", "");
        alice.run(["send", &target, "really me"]).is(0, "", "");
        let lines = at_bob.stop().1;
        assert_eq!(lines.last().unwrap(), "127.0.0.1 alice really me");
        assert_eq!(lines.len(), 1 + usize::from(seen_is_enough));
        bob.run(["peers", "rm", "alice"]).succeeds();
    }
    // --from means the key, if there is one: neither address nor name will do
    bob.run(["peers", "add", "alice", "127.0.0.1:7001", "--key", &key(&alice)]).is(0, "", "");
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--from", "alice"]);
    assert_eq!(refusal(&say(at_bob.address(), b"127.0.0.1:7001 alice it is me")), "denied");
    eve.run(["--name", "alice", "send", &at_bob.target(), "it is me"]).fails(6, "refused it");
    alice.run(["send", &at_bob.target(), "it is me"]).is(0, "", "");
    assert_eq!(at_bob.line(), "127.0.0.1 alice it is me");
}

#[test]
fn nobody_takes_the_place_of_a_peer_that_has_a_key() {
    let (alice, bob, eve) = (Home::new("alice"), Home::new("bob"), Home::new("eve"));
    let (at_alice, at_bob) = (Listener::start(&alice), Listener::start(&bob));
    let address = at_alice.target();
    alice.run(["send", &at_bob.target(), "it is me"]).is(0, "", "");
    assert_eq!(at_bob.line(), format!("{address} alice it is me"));
    let entry = || bob.peer(&address).unwrap();
    assert_eq!(entry()["key"], key(&alice));
    // from the same machine: by a plain claim, and by a session of another key
    let claim = format!("{address} queen hello");
    say(at_bob.address(), claim.as_bytes());
    assert_eq!(at_bob.line(), claim);
    say(at_bob.address(), format!("{address} alice exit").as_bytes());
    eve.configure(&format!("[listen]\nadvertise = \"{address}\"\n"));
    eve.run(["send", &at_bob.target(), "it is me, too"]).is(0, "", "");
    assert_eq!(at_bob.line(), "127.0.0.1 eve it is me, too", "the address is not hers");
    eve.run(["leave", &at_bob.target()]).succeeds();
    let warned = at_bob.all_said().into_iter().find(|line| line.contains("says to be alice"));
    let mend = format!("p2p peers trust {address} --key {}", key(&eve));
    assert!(warned.as_ref().is_some_and(|line| line.ends_with(&mend)), "{warned:?}");
    let peer = entry();
    assert_eq!((&peer["name"], &peer["state"]), (&"alice".into(), &"active".into()));
    assert_eq!(peer["key"], key(&alice));
    alice.run(["leave", &at_bob.target()]).succeeds();
    assert_eq!(entry()["state"], "left");
}

#[test]
fn a_peer_that_is_entered_by_its_hosts_name_comes_and_goes_like_any_other() {
    let (alice, bob, eve) = (Home::new("alice"), Home::new("bob"), Home::new("eve"));
    let at_alice = Listener::start(&alice);
    let by_name = format!("localhost:{}", at_alice.address().port());
    bob.configure(&format!("[[peer]]\nname = \"alice\"\naddr = \"{by_name}\"\n"));
    bob.run(["ping", "alice"]).succeeds();
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--json"]);
    alice.run(["send", &at_bob.target(), "hi"]).is(0, "", "");
    alice.run(["leave", &at_bob.target()]).succeeds();
    assert_eq!(bob.peer(&by_name).unwrap()["state"], "left");
    // whoever says to be there, and has another key
    eve.configure(&format!("[listen]\nadvertise = \"{}\"\n", at_alice.target()));
    eve.run(["send", &at_bob.target(), "it is me"]).is(0, "", "");
    let objects: Vec<serde_json::Value> =
        at_bob.stop().1.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let left = objects.iter().find(|object| object["change"] == "left").unwrap();
    assert_eq!(left["peer"]["name"], "alice");
    let forged = objects.iter().find(|object| object["body"] == "it is me").unwrap();
    assert!(forged["from"].get("addr").is_none(), "{forged}");
    assert_eq!(forged["from"]["verified"], false);
}

#[test]
fn a_key_file_that_is_not_ours_alone_or_not_a_key_is_refused_and_left_as_it_is() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let file = alice.file("key");
    let own = key(&alice);
    let pem = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = |what: &str, says: &str| {
        let said = alice.run(["send", &at_bob.target(), "hi"]);
        said.fails(8, says);
        let secret = &pem.lines().nth(1).unwrap()[30..50];
        assert!(!said.stderr.contains(secret), "{what}: {}", said.stderr);
        alice.run(["listen", "-p", "0"]).fails(8, says);
        alice.run(["id"]).fails(8, says);
    };
    let set_mode = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for mode in [0o640, 0o604, 0o666] {
        set_mode(mode);
        refused("open", "other users can open it");
    }
    set_mode(0o600);
    let other = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    for text in ["", &pem[..pem.len() / 2], "rubbish", other, &pem.replace("MC4C", "MC4D")] {
        std::fs::write(&file, text).unwrap();
        refused("damaged", "it is not an Ed25519 key in PEM");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    std::fs::remove_file(&file).unwrap();
    std::fs::write(alice.file("elsewhere"), &pem).unwrap();
    std::os::unix::fs::symlink(alice.file("elsewhere"), &file).unwrap();
    refused("linked", "it is a symbolic link");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    refused("a directory", "cannot use");
    std::fs::remove_dir(&file).unwrap();
    // what does not need it does not ask for it
    alice.run(["send", &at_bob.target(), "plain", "--secure", "off"]).is(0, "", "");
    assert!(!file.exists());
    // a copy brings it back, with the remarks of its owner
    std::fs::write(&file, format!("my key, do not lose it\n{pem}")).unwrap();
    set_mode(0o400);
    assert_eq!(key(&alice), own);
}

#[test]
fn many_that_make_the_key_at_once_get_the_same() {
    let home = Home::new("me");
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let mut command = home.command();
            command.args(["id", "--json"]);
            std::thread::spawn(move || outcome(&mut command, None).stdout)
        })
        .collect();
    let said: std::collections::HashSet<_> = calls.into_iter().map(|c| c.join().unwrap()).collect();
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn who_we_are_is_told_with_the_command_for_the_other_side() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let object = &bob.json(&["id"])[0];
    assert_eq!((&object["event"], &object["name"]), (&"id".into(), &"bob".into()));
    assert_eq!(object["addrs"], serde_json::json!([at_bob.target()]));
    let add = object["add"].as_str().unwrap();
    alice.run(add.split(' ').skip(1)).is(0, "", "");
    assert_eq!(alice.peer(&at_bob.target()).unwrap()["trusted"], true);
    alice.run(["send", "bob", "hi"]).is(0, "", "");
    let shown = bob.run(["id"]);
    let words: Vec<_> =
        shown.succeeds().stdout.lines().map(|l| l.split_once('\t').unwrap()).collect();
    assert_eq!(words[0], ("name", "bob"));
    assert_eq!(words[2], ("key", object["key"].as_str().unwrap()));
    assert_eq!(words[4], ("add", add));
}

/// A second implementation of TLS, which shares no code with ours.
#[test]
fn another_implementation_of_tls_is_understood() {
    let tool = |name: &str| {
        let found = std::process::Command::new(name).arg("--version").output();
        found.or_else(|_| std::process::Command::new(name).arg("version").output()).is_ok()
    };
    if !(tool("gnutls-cli") && tool("openssl")) {
        skipped!("no gnutls-cli and openssl to talk with");
        return;
    }
    let bob = Home::new("bob");
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--json"]);
    let (dir, port) = (bob.path().display().to_string(), at_bob.address().port());
    let script = format!(
        r#"cd {dir}
        openssl genpkey -algorithm ed25519 -out other.pem && openssl pkey -in other.pem -pubout -out other.pub
        {{ printf '{{"type":"hello","name":"gnu","port":7777}}\n{{"type":"message","id":"g1","size":5}}\nhello'
        sleep 1; }} | timeout 10 gnutls-cli --insecure --no-ca-verification --alpn p2p/1 \
            --priority NORMAL:-VERS-ALL:+VERS-TLS1.3:-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK \
            --rawpkkeyfile other.pem --rawpkfile other.pub -p {port} 127.0.0.1"#
    );
    let mut shell = std::process::Command::new("/bin/sh");
    let said = outcome(shell.args(["-c", &script]), None);
    assert!(said.stdout.contains("\"type\":\"hello\",\"name\":\"bob\""), "{}", said.report());
    assert!(said.stdout.contains("{\"type\":\"ok\",\"id\":\"g1\"}"), "{}", said.report());
    let message = message(&at_bob);
    assert_eq!((&message["id"], &message["body"]), (&"g1".into(), &"hello".into()));
    assert_eq!(message["from"]["addr"], "127.0.0.1:7777");
    // and it reads our key file
    let shown = outcome(
        std::process::Command::new("/bin/sh")
            .args(["-c", &format!("openssl pkey -in {dir}/key -text -noout | tr -d ' :\\n'")]),
        None,
    );
    assert!(shown.stdout.contains(&key(&bob)), "{}", shown.report());
}
