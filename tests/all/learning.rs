//! Learning of peers from others: what is told and to whom, what is believed of it, and that nobody is called for it.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::raw::{Raw, Teller, key_of, list_frame};
use crate::support::{Home, Listener, Nobody, PATIENCE, lines_of, say, wait_for_end};

/// One entry of a list.
fn entry(address: &str, key: &str) -> String {
    format!("{{\"addr\":\"{address}\",\"key\":\"{key}\",\"age\":3}}")
}

fn key(number: u32) -> String {
    format!("{number:064x}")
}

/// An address that counts who connects to it.
fn counted() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (address, count)
}

fn states(home: &Home) -> Vec<(String, String)> {
    let peers = home.json(&["peers", "--sort", "addr"]);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    peers.iter().map(|peer| (text(&peer["name"]), text(&peer["state"]))).collect()
}

fn listed(address: &str) -> String {
    format!("[[peer]]\naddr = \"{address}\"\n")
}

#[test]
fn one_who_joins_learns_of_the_others_and_meets_them_when_told_to() {
    let homes = ["anna", "bert", "carl"].map(Home::new);
    let [anna, bert, carl] = &homes;
    let at_anna = Listener::start_with(anna, &["--share-peers", "any"]);
    let (at_bert, at_carl) = (Listener::start(bert), Listener::start(carl));
    bert.run(["ping", "-q", &at_anna.target()]).is(0, "", "");
    carl.run(["ping", "-q", &at_anna.target()]).is(0, "", "");

    let dora = Home::new("dora");
    dora.configure(&listed(&at_anna.target()));
    let said = dora.json(&["bootstrap"]);
    let learned = said.iter().find(|event| event["event"] == "learned").unwrap();
    assert_eq!((&learned["told"], &learned["new"]), (&2.into(), &2.into()));
    assert_eq!(learned["from"]["name"], "anna");
    let mut found = states(&dora);
    found.sort();
    let of = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    assert_eq!(found, [of("anna", "active"), of("bert", "learned"), of("carl", "learned")]);
    let told = dora.peer(&at_bert.target()).unwrap();
    assert_eq!((&told["source"], &told["verified"]), (&"learned".into(), &false.into()));
    assert_eq!(told["hearsay"]["key"], key_of(bert).to_string());
    assert_eq!(told["hearsay"]["by"], key_of(anna).to_string());
    assert!(told.get("key").is_none());

    // to all is to those that we know ourselves
    dora.run(["broadcast", "-q", "hi"]).is(0, "", "");
    dora.run(["peers", "--check", "--source", "learned"]).succeeds();
    let met = dora.peer(&at_bert.target()).unwrap();
    assert_eq!((&met["state"], &met["source"]), (&"active".into(), &"learned".into()));
    assert_eq!(met["key"], key_of(bert).to_string());
    assert!(met.get("hearsay").is_none());
    dora.run(["broadcast", "-q", "now all"]).is(0, "", "");
    let texts = |listener: Listener| -> Vec<String> {
        let lines = listener.stop().1.into_iter();
        lines.map(|line| line.split_once("dora ").unwrap().1.to_owned()).collect()
    };
    assert_eq!(texts(at_anna), ["hi", "now all"]);
    assert_eq!((texts(at_bert), texts(at_carl)), (vec!["now all".into()], vec!["now all".into()]));
}

#[test]
fn peers_are_told_to_those_whom_the_listener_allows() {
    let (anna, bert, carl) = (Home::new("anna"), Home::new("bert"), Home::new("carl"));
    let (at_bert, _at_carl) = (Listener::start(&bert), Listener::start(&carl));
    anna.run(["ping", "-q", &at_bert.target()]).is(0, "", "");
    let tell = |share: &[&str], home: &Home| {
        let at_anna = Listener::start_with(&anna, share);
        let said = home.json(&["ping", "--learn", &at_anna.target()]);
        let learned = said.into_iter().find(|event| event["event"] == "learned").unwrap();
        // who has only been seen is in the list by now
        assert!(anna.json(&["peers"]).len() >= 2);
        // the next listener is at another place
        home.run(["peers", "rm", &at_anna.target()]);
        match learned["error"]["code"].as_str() {
            Some(code) => {
                assert_eq!((&learned["told"], &learned["new"]), (&0.into(), &0.into()));
                code.to_owned()
            }
            None => learned["told"].to_string(),
        }
    };
    assert_eq!(tell(&[], &carl), "denied");
    assert_eq!(tell(&["--share-peers", "nobody"], &carl), "denied");
    assert_eq!(tell(&["--share-peers", "any"], &carl), "1");
    let carls_key = key_of(&carl).to_string();
    anna.run(["peers", "add", "friend", "127.0.0.1:9", "--key", &carls_key]).succeeds();
    assert_eq!(tell(&[], &carl), "1", "his key was given");
    assert_eq!(tell(&["--share-peers", "nobody"], &carl), "denied");
    anna.configure("[listen]\nshare_peers = \"nobody\"\n");
    assert_eq!(tell(&[], &carl), "denied");
    anna.run(["listen", "--share-peers", "all"]).fails(2, "hint: one of any, trusted, nobody");
    anna.run(["listen", "--recheck", "999ms"]).fails(2, "listen.recheck is at least 1s");
}

#[test]
fn who_is_not_asked_for_his_peers_says_nothing_of_them() {
    let home = Home::new("home");
    let teller = Teller::of(1, "[]", 0);
    home.configure(&teller.listed());
    home.run(["bootstrap", "-q", "--no-learn"]).is(0, "", "");
    home.run(["ping", "-q", &teller.address.to_string()]).is(0, "", "");
    home.run(["peers", "--check"]).succeeds();
    assert!(teller.questions.try_recv().is_err());
    home.run(["bootstrap", "-q"]).is(0, "", "");
    let question: serde_json::Value =
        serde_json::from_str(&teller.questions.recv_timeout(PATIENCE).unwrap()).unwrap();
    assert_eq!(question["type"], "peers");
    assert!(question.get("skip").is_none());
    // one of an older version does not know the question
    let older = Teller::start(2, |question| {
        format!("{{\"type\":\"no\",\"id\":{},\"code\":\"unknown\"}}\n", question["id"]).into()
    });
    home.configure(&older.listed());
    home.run(["bootstrap", "-q"]).is(0, "", "");
}

#[test]
fn nobody_is_called_because_others_tell_of_him() {
    let home = Home::new("home");
    let (somewhere, calls) = counted();
    let (elsewhere, plain_calls) = counted();
    let list = format!("[{},{{\"addr\":\"{elsewhere}\"}}]", entry(&somewhere, &key(7)));
    let teller = Teller::of(1, list, 2);
    home.configure(&teller.listed());
    let listener = Listener::start_with(&home, &["--recheck", "1s", "--bootstrap"]);
    for _ in 0..3 {
        home.run(["bootstrap", "-q", "--hello", "hi", "-t", "300ms"]);
    }
    assert_eq!(home.json(&["peers", "--source", "learned"]).len(), 2);
    for command in [
        &["broadcast", "hi"][..],
        &["broadcast", "--active", "1h", "hi"],
        &["ping", "--all"],
        &["ping", "--all", "--learn"],
        &["peers", "--check"],
        &["leave"],
    ] {
        let mut call = home.command();
        call.args(command).args(["-t", "300ms"]);
        crate::support::outcome(&mut call, None);
    }
    std::thread::sleep(Duration::from_secs(2));
    listener.stop();
    assert_eq!(calls.load(Ordering::SeqCst) + plain_calls.load(Ordering::SeqCst), 0);
    // who names them means them
    home.run(["ping", "-t", "1s", &somewhere]);
    home.run(["peers", "--check", "-t", "1s", "--only", &elsewhere]);
    assert_eq!((calls.load(Ordering::SeqCst), plain_calls.load(Ordering::SeqCst)), (1, 1));
    home.run(["peers", "--check", "-t", "1s", "--source", "learned"]);
    assert_eq!((calls.load(Ordering::SeqCst), plain_calls.load(Ordering::SeqCst)), (2, 2));
}

#[test]
fn a_key_that_others_name_is_asked_for_and_nothing_else_is_said() {
    let (home, bob) = (Home::new("home"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    // a plain program that keeps what it is told
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain_address = plain.local_addr().unwrap().to_string();
    let list = format!(
        "[{},{}]",
        entry(&at_bob.target(), &key(7)),
        entry(&plain_address, &key_of(&bob).to_string())
    );
    let teller = Teller::of(1, list, 2);
    home.configure(&teller.listed());
    home.run(["bootstrap", "-q"]).is(0, "", "");
    let failed = home.run(["send", &at_bob.target(), "secret"]);
    failed.fails(7, "others say that it has another key");
    failed.fails(7, &format!("p2p peers trust {} --key {}", at_bob.target(), key_of(&bob)));
    let said = std::thread::spawn(move || {
        let (mut stream, _) = plain.accept().unwrap();
        crate::support::read_to_end(&mut stream)
    });
    home.run(["send", "-t", "1s", &plain_address, "secret"]).fails(4, "nothing was sent");
    let said = said.join().unwrap();
    assert_eq!(said[0], 0x16, "it is the beginning of a handshake");
    assert!(!said.windows(6).any(|bytes| bytes == b"secret"));
    // whoever comes himself is believed more than others
    bob.run(["ping", "-q", &Listener::start(&home).target()]).is(0, "", "");
    home.run(["send", "-q", &at_bob.target(), "hello"]).is(0, "", "");
    assert_eq!(at_bob.stop().1.len(), 1);
}

#[test]
fn what_others_say_lets_nobody_in() {
    let home = Home::new("home");
    let nobody = Nobody::new();
    let place = nobody.target();
    let teller = Teller::of(1, format!("[{{\"addr\":\"{place}\",\"name\":\"eve\"}}]"), 1);
    home.configure(&teller.listed());
    home.run(["bootstrap", "-q"]).is(0, "", "");
    let listener = Listener::start_with(&home, &["--accept", "known"]);
    let answer = say(listener.address(), format!("{place} eve hi").as_bytes());
    assert!(answer.starts_with(b"P2P/1 NO denied"));
    home.run(["peers", "add", "eve", &place]).succeeds();
    let answer = say(listener.address(), format!("{place} eve hi").as_bytes());
    assert!(answer.starts_with(b"P2P/1 OK"));
}

#[test]
fn a_list_that_lies_or_never_ends_is_bounded_and_shows_nothing_it_should_not() {
    let listen_home = Home::new("home");
    let own = Listener::start(&listen_home);
    let own_key = key_of(&listen_home).to_string();
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let lies = [
        // ourselves, the teller, a peer that we know
        entry(&own.target(), &key(666)),
        entry("10.66.0.9:1", &own_key),
        entry(&at_bob.target(), &key(666)),
        entry("10.66.0.1:1", &key_of(&bob).to_string()),
        // no addresses
        entry("0.0.0.0:1", &key(1)),
        entry("224.0.0.251:5353", &key(2)),
        entry("[fe80::1%lo]:1", &key(3)),
        entry("example.org:80", &key(4)),
        entry("10.66.0.1:0", &key(5)),
        entry("10.66.0.2:1", "not a key"),
        // names that are none
        r#"{"addr":"127.66.0.3:1","name":"\u001b[31mred"}"#.to_owned(),
        r#"{"addr":"127.66.0.4:1","name":"-rf"}"#.to_owned(),
        r#"{"addr":"127.66.0.5:1","name":"al\u202eice"}"#.to_owned(),
        r#"{"addr":"127.66.0.6:1","name":"bob"}"#.to_owned(),
    ];
    let list = format!("[{}]", lies.join(","));
    let teller = Teller::start(1, move |question| list_frame(question, &list, usize::MAX >> 40));
    listen_home.configure(&teller.listed());
    listen_home.run(["ping", "-q", &at_bob.target()]).is(0, "", "");
    let before = listen_home.peer(&at_bob.target()).unwrap();
    listen_home.run(["bootstrap", "-q"]).is(0, "", "");
    assert!(teller.questions.try_iter().count() <= 40);
    let learned = listen_home.json(&["peers", "--source", "learned"]);
    let found: Vec<_> = learned.iter().map(|peer| (&peer["addr"], peer.get("name"))).collect();
    let bobs = serde_json::json!("bob");
    assert_eq!(
        found,
        [
            (&"127.66.0.6:1".into(), Some(&bobs)),
            (&"127.66.0.3:1".into(), None),
            (&"127.66.0.4:1".into(), None),
            (&"127.66.0.5:1".into(), None),
        ]
    );
    let after = listen_home.peer(&at_bob.target()).unwrap();
    assert_eq!((&before["key"], &before["name"]), (&after["key"], &after["name"]));
    // whoever is told to be called so takes no name from who is
    listen_home.run(["send", "-q", "bob", "hi"]).is(0, "", "");

    // always somebody new, and no end of it
    for (number, part) in [(2, 256), (3, 10_000)] {
        let home = Home::new("other");
        home.configure("");
        let next = std::sync::atomic::AtomicU32::new(0);
        let teller = Teller::start(number, move |question| {
            let from = next.fetch_add(part, Ordering::SeqCst);
            let address = |n: u32| format!("127.{}.{}.{}:1", 1 + n / 65536, n / 256 % 256, n % 256);
            let entries: Vec<_> =
                (from..from + part).map(|n| entry(&address(n), &key(n + 1))).collect();
            list_frame(question, &format!("[{}]", entries.join(",")), usize::MAX >> 32)
        });
        home.configure(&format!("{}[limits]\nlearned_peers = 1000\n", teller.listed()));
        let said = home.json(&["bootstrap", "-t", "20s"]);
        let learned = said.iter().find(|event| event["event"] == "learned").unwrap();
        if part == 256 {
            assert_eq!(teller.questions.try_iter().count(), 40);
            assert_eq!((&learned["told"], &learned["new"]), (&(40 * 256).into(), &1000.into()));
            assert_eq!(home.json(&["peers", "--source", "learned"]).len(), 1000);
            let bytes = std::fs::metadata(home.file("peers")).unwrap().len();
            assert!(bytes < 4 * 1024 * 1024, "{bytes}");
        } else {
            // more bytes than a list may have
            assert_eq!(learned["error"]["code"], "unconfirmed");
            assert_eq!(home.json(&["peers"]).len(), 1);
        }
    }
}

#[test]
fn an_answer_that_is_none_costs_a_time_limit_and_no_greeting() {
    for (number, answer) in [
        (1, "nonsense\n"),
        (2, "{\"type\":\"peers\",\"id\":\"other\",\"size\":2}\n[]"),
        (3, "{\"type\":\"pong\",\"id\":\"x\"}\n"),
        (4, ""),
    ] {
        let home = Home::new("home");
        let teller = Teller::start(number, move |_| answer.as_bytes().to_vec());
        home.configure(&teller.listed());
        let start = Instant::now();
        let said = home.json(&["bootstrap", "-t", "500ms"]);
        assert!(start.elapsed() < Duration::from_secs(4));
        let [pong, learned, summary] = &said[..] else { panic!("{said:?}") };
        assert_eq!((&pong["event"], &summary["exit"]), (&"pong".into(), &0.into()));
        let code = if answer.is_empty() { "timeout" } else { "unconfirmed" };
        assert_eq!(learned["error"]["code"], code, "{answer}");
    }
}

#[test]
fn who_asks_without_end_is_answered_for_a_while_and_others_all_the_time() {
    let (bob, alice) = (Home::new("bob"), Home::new("alice"));
    let peers: String = (0..5000)
        .map(|n| {
            let (address, key) = (format!("127.9.{}.{}:1", n / 250, n % 250), key(n + 1));
            format!(
                "{{\"v\":1,\"addr\":\"{address}\",\"source\":\"heard\",\"verified\":true,\"wire\":\"native\",\
                 \"key\":\"{key}\",\"last_seen\":\"{}\"}}\n",
                humantime(Duration::from_secs(60))
            )
        })
        .collect();
    std::fs::create_dir_all(bob.path()).unwrap();
    std::fs::write(bob.file("peers"), peers).unwrap();
    secure(&bob.path());
    let at_bob = Listener::start_with(&bob, &["--share-peers", "any"]);
    let key = key_of(&bob);
    let question = |id: u32| format!("{{\"type\":\"peers\",\"id\":\"{id}\",\"skip\":{id}}}\n");
    let mut session = Raw::begin(at_bob.address(), key);
    for id in 0..100 {
        session.say(question(id).as_bytes());
    }
    session.line();
    let answers: Vec<_> = (0..100).map(|_| session.list()).collect();
    assert!(answers[..80].iter().all(|answer| answer.1 == 256), "{:?}", answers[79]);
    assert!(answers[80..].iter().all(|answer| answer.0.contains("\"code\":\"busy\"")));
    // 32 that ask all they can and never read, beside one who writes
    let callers: Vec<_> = (0..32)
        .map(|_| {
            let mut session = Raw::begin(at_bob.address(), key);
            for id in 0..80 {
                session.say(question(id).as_bytes());
            }
            session
        })
        .collect();
    for number in 0..20 {
        alice.run(["send", "-q", &at_bob.target(), &number.to_string()]).is(0, "", "");
    }
    drop(callers);
    let status = std::fs::read_to_string(format!("/proc/{}/status", at_bob.pid())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let peak: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    println!("peak of the listener: {peak} kB");
    assert!(peak < 48 * 1024, "{peak} kB");
    assert_eq!(at_bob.stop().1.len(), 20);
}

/// A time so long ago.
fn humantime(ago: Duration) -> String {
    p2p::event::rfc3339(std::time::SystemTime::now() - ago)
}

/// A directory and its files that are ours alone.
fn secure(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(path).unwrap() {
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(entry.unwrap().path(), mode).unwrap();
    }
}

#[test]
fn a_chain_of_peers_comes_to_know_all_of_itself() {
    const LENGTH: usize = 8;
    let homes: Vec<_> = (0..LENGTH).map(|_| Home::new("link")).collect();
    let listeners: Vec<_> =
        homes.iter().map(|home| Listener::start_with(home, &["--share-peers", "any"])).collect();
    // each knows the one before it, and the first one the last but one
    for (number, home) in homes.iter().enumerate() {
        let before = (number + LENGTH - 1) % LENGTH;
        home.configure(&listed(&listeners[before].target()));
    }
    let is_complete = |home: &Home| home.json(&["peers"]).len() == LENGTH - 1;
    let mut rounds = 0;
    while !homes.iter().all(is_complete) {
        rounds += 1;
        assert!(rounds <= LENGTH, "they never come to know each other");
        for home in homes.iter().rev() {
            home.run(["bootstrap", "-q"]).is(0, "", "");
        }
        // a listener makes its list at most five times a second
        std::thread::sleep(Duration::from_millis(250));
    }
    println!("{LENGTH} in a ring know each other after {rounds} rounds");
    let dialled: usize =
        homes.iter().map(|home| home.json(&["peers", "--source", "heard"]).len()).sum();
    assert!(dialled <= LENGTH, "only neighbours have met: {dialled}");
}

#[test]
fn a_listener_finds_a_silent_peer_again_and_does_not_blame_it_for_its_own_deafness() {
    let (alice, bob, carol) = (Home::new("alice"), Home::new("bob"), Home::new("carol"));
    let at_carol = Listener::start(&carol);
    let place = Nobody::new();
    let listen = || {
        let mut command = bob.command();
        command.args(["listen", "-b", "127.0.0.1", "-p", &place.port().to_string()]);
        Listener::spawn(command)
    };
    let at_bob = listen();
    let bob_place = at_bob.address();
    alice.run(["ping", "-q", &at_bob.target(), &at_carol.target()]).is(0, "", "");
    at_bob.signal("KILL");
    at_bob.wait();
    let long_ago = |home: &Home, address: &str| {
        let mut peer = home.peer(address).unwrap();
        let record = peer.as_object_mut().unwrap();
        for shown in ["event", "state", "trusted"] {
            record.remove(shown);
        }
        record.insert("v".into(), 1.into());
        record.insert("last_seen".into(), humantime(Duration::from_secs(7200)).into());
        let line = serde_json::to_string(&record).unwrap() + "\n";
        let path = home.file("peers");
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, before + &line).unwrap();
    };
    long_ago(&alice, &bob_place.to_string());
    let unanswered = || {
        let peers = std::fs::read_to_string(alice.file("peers")).unwrap();
        peers
            .lines()
            .rfind(|line| line.contains(&bob_place.to_string()))
            .map(|line| line.contains("\"unanswered\":true"))
    };
    let state = || alice.peer(&bob_place.to_string()).unwrap()["state"].clone();
    assert_eq!(state(), "stale");
    // nobody else is there to say that we are heard, so nobody is blamed
    at_carol.signal("STOP");
    alice.configure("[send]\ntimeout = \"500ms\"\n");
    let mut command = alice.command();
    command.args(["listen", "-v", "-b", "127.0.0.1", "-p", "0", "--recheck", "1s"]);
    let at_alice = Listener::spawn(command);
    std::thread::sleep(Duration::from_millis(3000));
    assert_eq!(unanswered(), Some(false));
    at_carol.signal("CONT");
    let wait_for = |what: &str, is_so: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !is_so() {
            // it is looked for less and less often
            assert!(start.elapsed() < 3 * PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for("carol answers, bob does not", &|| unanswered() == Some(true));
    assert_eq!(state(), "stale", "one failure removes nobody");
    let _at_bob = listen();
    wait_for("bob is found again", &|| state() == "active");
    at_alice.stop();
}

#[test]
fn a_signal_ends_the_questions_too() {
    let home = Home::new("home");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let teller = Teller::of(1, "[]", 0);
    home.configure(&teller.listed());
    // one more that was met, and does not answer any more
    std::fs::write(
        home.file("peers"),
        format!(
            "{{\"v\":1,\"addr\":\"{}\",\"verified\":true,\"key\":\"{}\",\"last_seen\":\"{}\"}}\n",
            silent.local_addr().unwrap(),
            key(1),
            humantime(Duration::from_secs(5))
        ),
    )
    .unwrap();
    secure(&home.path());
    let mut command = home.command();
    command.args(["bootstrap", "-t", "20s"]).stdout(std::process::Stdio::piped());
    let mut call = command.spawn().unwrap();
    let lines = lines_of(call.stdout.take().unwrap());
    assert!(lines.recv_timeout(PATIENCE).unwrap().contains("teller encrypted"));
    let _stays = silent.accept().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(call.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(wait_for_end(&mut call).code(), Some(130));
}

/// A home with these records as its list of peers.
fn home_with(name: &'static str, records: &[String]) -> Home {
    let home = Home::new(name);
    home.configure("");
    std::fs::write(home.file("peers"), records.concat()).unwrap();
    secure(&home.path());
    home
}

/// A record of a peer that we have met.
fn met(address: &str, name: &str, key: &str, ago: u64, more: &str) -> String {
    let seen = humantime(Duration::from_secs(ago));
    format!(
        "{{\"v\":1,\"addr\":\"{address}\",\"name\":\"{name}\",\"verified\":true,\"key\":\"{key}\",\
         \"wire\":\"native\",\"last_seen\":\"{seen}\"{more}}}\n"
    )
}

#[test]
fn what_others_say_gives_nobody_a_name() {
    let (somewhere, calls) = counted();
    let names = ["alice", "carol"].map(|name| {
        format!("{{\"addr\":\"{somewhere}\",\"name\":\"{name}\",\"key\":\"{}\"}}", key(7))
    });
    let (place, bob) = (Nobody::new(), Home::new("bob"));
    // one that has left and was never verified is more than what others say
    let left = format!(
        "{{\"v\":1,\"addr\":\"{}\",\"name\":\"alice\",\"left\":true,\"last_seen\":\"{}\"}}\n",
        place.target(),
        humantime(Duration::from_secs(60))
    );
    let home = home_with("home", &[left]);
    for (number, name) in [(1, &names[0]), (2, &names[1])] {
        let teller = Teller::of(number, format!("[{name}]"), 1);
        home.configure(&teller.listed());
        home.run(["bootstrap", "-q"]).is(0, "", "");
        if number == 1 {
            let said = home.run(["send", "alice", "hi"]);
            said.fails(4, &format!("cannot reach alice ({})", place.target()));
            home.run(["peers", "rm", &somewhere]).succeeds();
        } else {
            let said = home.run(["send", "carol", "hi"]);
            said.fails(2, "nobody that we have met is called `carol`");
            said.fails(2, &format!("to meet it: p2p ping {somewhere}"));
            home.run(["send", "carl", "hi"]).fails(2, "give it a name: p2p peers add carl");
            assert_eq!(home.json(&["peers", "--only", "carol"]).len(), 1, "but it is listed");
        }
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    drop(bob);
}

#[test]
fn one_key_is_one_peer_wherever_it_was() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let key = key_of(&bob).to_string();
    let unanswered = ",\"unanswered\":true";
    // seen later elsewhere, or not there when it was called last, with ports of either order
    for (gone_since, here_since, gone_is) in [(600, 60, ""), (60, 600, unanswered)] {
        let nobody = Nobody::new();
        for gone in [nobody.target(), "127.0.0.1:1".to_owned(), "127.0.0.1:65535".to_owned()] {
            let gone_record = met(&gone, "bob", &key, gone_since, gone_is);
            let here_record = met(&at_bob.target(), "bob", &key, here_since, "");
            let alice = home_with("alice", &[gone_record, here_record]);
            alice.run(["send", "-q", "bob", "by name"]).is(0, "", "");
            alice.run(["broadcast", "-q", "to all"]).is(0, "", "");
            // where a person has said that it is, it is tried
            alice.run(["peers", "add", "old-bob", &gone]).succeeds();
            alice.run(["broadcast", "to all", "-t", "1s"]).fails(3, "only 1 of 2 peers reached");
        }
    }
    assert_eq!(at_bob.stop().1.len(), 18);
}

#[test]
fn a_tag_and_an_exception_are_for_the_peer_wherever_it_is() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let (gone, key) = (Nobody::new(), key_of(&bob).to_string());
    let old = met(&gone.target(), "bob", &key, 600, ",\"tags\":[\"lab\"]");
    let alice = home_with("alice", &[old, met(&at_bob.target(), "bob", &key, 60, "")]);
    alice.run(["broadcast", "-q", "--to", "@lab", "one"]).is(0, "", "");
    alice.run(["broadcast", "-q", "two"]).is(0, "", "");
    alice.run(["broadcast", "--except", "@lab", "three"]).fails(1, "there is no peer to send to");
    alice.run(["broadcast", "--except", &gone.target(), "three"]).fails(1, "no peer to send to");
    assert_eq!(at_bob.stop().1.len(), 2);
}

#[test]
fn where_a_peer_was_seen_last_is_not_tried_for_ever_if_it_is_not_there() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let (gone, key) = (Nobody::new(), key_of(&bob).to_string());
    let last = met(&gone.target(), "bob", &key, 60, "");
    let alice = home_with("alice", &[last, met(&at_bob.target(), "bob", &key, 600, "")]);
    alice.run(["send", "bob", "one"]).fails(4, "connection refused");
    alice.run(["send", "-q", "bob", "two"]).is(0, "", "");
    alice.run(["broadcast", "-q", "three"]).is(0, "", "");
    assert_eq!(at_bob.stop().1.len(), 2);
}

#[test]
fn nobody_takes_the_name_of_a_key_whose_owner_is_away() {
    let (alice, eve, bob) = (Home::new("alice"), Home::new("alice"), Home::new("bob"));
    let (at_alice, at_bob) = (Listener::start(&alice), Listener::start(&bob));
    let at_eve = Listener::start(&eve);
    bob.run(["ping", "-q", &at_alice.target()]).is(0, "", "");
    eve.run(["ping", "-q", &at_bob.target()]).is(0, "", "");
    bob.run(["send", "alice", "hi"]).fails(2, "2 peers call themselves `alice`");
    let there = at_alice.target();
    at_alice.stop();
    assert_eq!(bob.peer(&there).unwrap()["state"], "left");
    bob.run(["send", "alice", "hi"]).fails(2, "2 peers call themselves `alice`");
    // with a key that a person has given it is clear who is meant
    bob.run(["peers", "trust", &there, "--key", &key_of(&alice).to_string()]).is(0, "", "");
    bob.run(["send", "alice", "hi"]).fails(4, &format!("cannot reach alice ({there})"));
    assert_eq!(at_eve.stop().1, Vec::<String>::new());
}

#[test]
fn a_name_that_others_gave_is_gone_when_the_peer_itself_has_none() {
    // a plain program that takes everything
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        plain.incoming().for_each(|stream| drop(crate::support::read_to_end(&mut stream.unwrap())));
    });
    let list = format!("[{{\"addr\":\"{address}\",\"name\":\"alice\"}}]");
    let teller = Teller::of(1, list, 1);
    let home = Home::new("home");
    home.configure(&teller.listed());
    home.run(["bootstrap", "-q", "--meet"]).is(0, "", "");
    let peer = home.peer(&address).unwrap();
    assert_eq!((&peer["state"], peer.get("name")), (&"active".into(), None));
    home.run(["send", "alice", "secret"]).fails(2, "no known peer is called `alice`");
}

#[test]
fn a_peer_that_is_trusted_under_a_hosts_name_is_one() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let alice = Home::new("alice");
    let by_name = format!("localhost:{}", at_bob.address().port());
    alice.run(["peers", "trust", &by_name]).is(0, "", "");
    let peers = alice.json(&["peers"]);
    assert_eq!(peers.len(), 1, "{peers:?}");
    assert_eq!((&peers[0]["state"], &peers[0]["trusted"]), (&"active".into(), &true.into()));
}

#[test]
fn who_was_not_called_is_not_said_to_be_silent() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let teller = Teller::of(1, "[]", 0);
    let seen = met(&at_bob.target(), "bob", &key_of(&bob).to_string(), 60, "");
    let alice = home_with("alice", &[seen]);
    let state = || alice.peer(&at_bob.target()).unwrap()["state"].clone();
    // only keys that were given are believed, so the others are not called
    alice.configure(&format!("trust = \"strict\"\n{}", teller.listed()));
    alice.run(["bootstrap", "-q"]).is(0, "", "");
    alice.run(["peers", "--check"]);
    assert_eq!(state(), "active");
    alice.configure(&teller.listed());
    alice.run(["ping", "--secure", "off", &at_bob.target()]).fails(7, "never spoken to in plain");
    assert_eq!(state(), "active");
    // one that does not answer a question is not checked by it
    at_bob.signal("STOP");
    alice.run(["bootstrap", "-q", "-t", "500ms"]).is(0, "", "");
    assert_eq!(state(), "active");
    at_bob.signal("CONT");
}

#[test]
fn the_hints_for_a_peer_that_was_told_of_do_not_pass_on_what_was_told() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let teller = Teller::of(1, format!("[{}]", entry(&at_bob.target(), &key(666))), 1);
    let home = Home::new("home");
    home.configure(&teller.listed());
    home.run(["bootstrap", "-q"]).is(0, "", "");
    home.configure(&format!("trust = \"strict\"\n{}", teller.listed()));
    let said = home.run(["send", &at_bob.target(), "hi"]);
    said.fails(7, "`p2p id` there prints its key");
    assert!(!said.stderr.contains("666"), "{}", said.report());
    // the key that it proves, whatever others say
    home.run(["peers", "trust", &at_bob.target()]).is(0, "", "");
    let peer = home.peer(&at_bob.target()).unwrap();
    assert_eq!(
        (&peer["key"], &peer["state"]),
        (&key_of(&bob).to_string().into(), &"active".into())
    );
    home.run(["send", "-q", &at_bob.target(), "hi"]).is(0, "", "");
}

#[test]
fn those_that_are_told_of_are_met_a_few_at_a_time_and_the_silent_ones_are_left_alone() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let (silent, calls) = counted();
    let list = format!(
        "[{},{}]",
        entry(&at_bob.target(), &key_of(&bob).to_string()),
        entry(&silent, &key(1))
    );
    let teller = Teller::of(1, list, 2);
    let home = Home::new("home");
    home.configure(&teller.listed());
    let said = home.json(&["bootstrap", "--meet"]);
    let events: Vec<_> = said.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["pong", "learned", "pong", "pong", "summary"], "{said:?}");
    assert_eq!(said[4]["targets"], 1, "they do not count");
    let state = |address: &str| home.peer(address).unwrap()["state"].clone();
    assert_eq!((state(&at_bob.target()), state(&silent)), ("active".into(), "stale".into()));
    for _ in 0..3 {
        home.run(["bootstrap", "-q", "--meet"]).is(0, "", "");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);

    // a liar with a thousand addresses
    let entries: Vec<_> = (0..250u32)
        .map(|n| entry(&format!("127.8.0.{}:{}", n % 250 + 1, 1), &key(n + 1000)))
        .collect();
    let next = AtomicUsize::new(0);
    let liar = Teller::start(2, move |question| {
        let part = next.fetch_add(1, Ordering::SeqCst);
        let list = entries.join(",").replace("127.8.", &format!("127.{}.", part + 8));
        let list = list.replace("\"key\":\"0", &format!("\"key\":\"{part}"));
        list_frame(question, &format!("[{list}]"), 1000)
    });
    home.configure(&liar.listed());
    let said = home.json(&["bootstrap", "--meet", "-t", "2s"]);
    let met = said.iter().filter(|event| event["event"] == "pong").count();
    assert_eq!(met, 1 + 256);
    // naming somebody is not naming everybody who is said to be called so
    let check = home.json(&["peers", "--check", "-t", "1s", "--source", "learned"]);
    let stale = check.iter().filter(|peer| peer["state"] == "stale").count();
    assert!(stale <= 1 + 2 * 256, "{stale}");
    assert!(home.json(&["peers", "--source", "learned"]).len() >= 1000);
}

#[test]
fn a_signal_keeps_those_who_were_met() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let list = [
        entry(&at_bob.target(), &key_of(&bob).to_string()),
        entry(&silent.local_addr().unwrap().to_string(), &key(1)),
    ];
    let teller = Teller::of(1, format!("[{}]", list.join(",")), 2);
    let home = Home::new("home");
    home.configure(&teller.listed());
    let mut command = home.command();
    command
        .args(["bootstrap", "--meet", "--json", "-t", "20s"])
        .stdout(std::process::Stdio::piped());
    let mut call = command.spawn().unwrap();
    let lines = lines_of(call.stdout.take().unwrap());
    let _stays = silent.accept().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let pid = rustix::process::Pid::from_raw(i32::try_from(call.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(wait_for_end(&mut call).code(), Some(130));
    let said: Vec<_> = lines.iter().collect();
    assert!(said[2].contains(&at_bob.target()) && said[3].contains("summary"), "{said:?}");
    assert_eq!(home.peer(&at_bob.target()).unwrap()["state"], "active");
}

#[test]
fn our_own_address_is_not_learned_as_that_of_another() {
    let home = Home::new("home");
    let listener = Listener::start_with(&home, &["--advertise", "127.5.5.5:7777"]);
    let keyless = |address: &str| format!("{{\"addr\":\"{address}\"}}");
    for (number, lie) in [
        (1, entry("127.5.5.5:7777", &key(666))),
        (2, keyless("127.5.5.5:7777")),
        (3, entry(&listener.target(), &key(666))),
        (4, keyless(&listener.target())),
        (5, entry("127.5.5.6:9", &key_of(&home).to_string())),
    ] {
        let teller = Teller::of(number, format!("[{lie}]"), 1);
        home.configure(&teller.listed());
        home.run(["bootstrap", "-q"]).is(0, "", "");
        home.run(["peers", "--source", "learned"]).is(1, "", "");
    }
    // who does not listen is nowhere, and another home of this machine may be there
    let (elsewhere, place) = (Home::new("elsewhere"), listener.target());
    let teller = Teller::of(6, format!("[{}]", entry(&place, &key_of(&home).to_string())), 1);
    let port = listener.address().port();
    elsewhere.configure(&format!("{}[listen]\nport = {port}\n", teller.listed()));
    elsewhere.run(["bootstrap", "-q"]).is(0, "", "");
    assert_eq!(elsewhere.json(&["peers", "--source", "learned"]).len(), 1);
}

#[test]
fn without_static_peers_those_that_we_have_met_stand_in() {
    let bob = Home::new("bob");
    let at_bob = Listener::start_with(&bob, &["--share-peers", "any"]);
    let alice = Home::new("alice");
    alice.run(["bootstrap"]).fails(1, "has no static peers");
    alice.run(["ping", "-q", &at_bob.target()]).is(0, "", "");
    let said = alice.json(&["bootstrap"]);
    assert_eq!(said[0]["peer"]["addr"], at_bob.target());
    assert_eq!(said.last().unwrap()["exit"], 0);
    // a message is only for those that were chosen
    alice.run(["bootstrap", "--hello", "hi"]).fails(1, "has no static peers");
}

#[test]
fn a_flood_that_is_learned_holds_up_nobody() {
    let home = Home::new("home");
    let tellers: Vec<_> = (1..=20u8)
        .map(|number| {
            let next = AtomicUsize::new(0);
            Teller::start(number, move |question| {
                let from = next.fetch_add(256, Ordering::SeqCst);
                let address = |n: usize| format!("127.{number}.{}.{}:1", n / 250, n % 250 + 1);
                let keyed = |n: usize| entry(&address(n), &key(u32::from(number) << 16 | n as u32));
                let entries: Vec<_> = (from..from + 256).map(keyed).collect();
                list_frame(question, &format!("[{}]", entries.join(",")), 100_000)
            })
        })
        .collect();
    home.configure(&tellers.iter().map(Teller::listed).collect::<String>());
    let listener = Listener::start(&home);
    let mut bootstrap = home.command();
    bootstrap.args(["bootstrap", "-q", "-t", "20s"]);
    let bootstrap = std::thread::spawn(move || crate::support::outcome(&mut bootstrap, None));
    let (alice, mut slowest, mut sent) = (Home::new("alice"), Duration::ZERO, 0);
    while !bootstrap.is_finished() {
        let start = Instant::now();
        alice.run(["send", "-q", &listener.target(), "hi"]).is(0, "", "");
        slowest = slowest.max(start.elapsed());
        sent += 1;
    }
    bootstrap.join().unwrap().is(0, "", "");
    println!("{sent} sent meanwhile, the slowest in {slowest:?}");
    assert_eq!(home.json(&["peers", "--source", "learned"]).len(), 5000);
    let (_, lines) = listener.stop();
    assert_eq!(lines.len(), sent);
    // what was thrown out was not written first
    let bytes = std::fs::metadata(home.file("peers")).unwrap().len();
    assert!(bytes < 8 * 1024 * 1024, "{bytes}");
}

#[test]
fn who_is_not_let_in_is_not_told_either() {
    let bob = Home::new("bob");
    let at_bob = Listener::start_with(&bob, &["--accept", "trusted", "--share-peers", "any"]);
    let mut session = Raw::begin(at_bob.address(), key_of(&bob));
    session.say(b"{\"type\":\"peers\",\"id\":\"1\"}\n");
    assert_eq!(session.rest_after_hello(), r#"{"type":"no","id":"1","code":"denied"}"#);
    // only a listener tells of peers
    session.say(b"{\"type\":\"peers\",\"id\":\"1\",\"size\":2,\"total\":0}\n[]");
    assert_eq!(session.rest(), "{\"type\":\"no\",\"code\":\"malformed\"}\n");
}

#[test]
fn a_goodbye_of_somebody_we_know_only_from_others_means_nothing() {
    let home = Home::new("home");
    let place = Nobody::new();
    let teller = Teller::of(1, format!("[{}]", entry(&place.target(), &key(7))), 1);
    home.configure(&teller.listed());
    home.run(["bootstrap", "-q"]).is(0, "", "");
    let listener = Listener::start(&home);
    say(listener.address(), format!("{} eve exit", place.target()).as_bytes());
    assert_eq!(home.peer(&place.target()).unwrap()["state"], "learned");
}

#[test]
fn old_hearsay_is_forgotten_by_whoever_reads_it() {
    let hearsay = |days: u64| {
        let seen = humantime(Duration::from_secs(days * 24 * 60 * 60));
        format!(
            "{{\"v\":1,\"addr\":\"127.7.7.{days}:1\",\"source\":\"learned\",\"hearsay\":{{\"seen\":\"{seen}\"}}}}\n"
        )
    };
    let home = home_with("home", &[hearsay(8), hearsay(6)]);
    let peers = home.json(&["peers"]);
    assert_eq!(peers.len(), 1, "{peers:?}");
    assert_eq!(peers[0]["addr"], "127.7.7.6:1");
}

#[test]
fn only_a_few_that_were_met_are_asked_and_nobody_else() {
    let stale = [
        (key(1), 7200, ""),
        (key(2), 60, ",\"verified\":false"),
        (key(3), 60, ",\"left\":true"),
        (key(4), 60, ",\"unanswered\":true"),
    ];
    let places: Vec<_> = stale.iter().map(|_| counted()).collect();
    let record = |(place, (key, ago, more)): (&(String, _), &(String, u64, &str))| {
        let record = met(&place.0, "x", key, *ago, more);
        if more.contains("false") { record.replacen("\"verified\":true,", "", 1) } else { record }
    };
    let (keyless, keyless_calls) = counted();
    let mut records: Vec<_> = places.iter().zip(&stale).map(record).collect();
    let plain = met(&keyless, "plain", &key(5), 60, "");
    records.push(plain.replace(&format!("\"key\":\"{}\",", key(5)), ""));
    let home = home_with("home", &records);
    home.run(["bootstrap", "-t", "1s"]).fails(1, "has no static peers");
    let calls: usize = places.iter().map(|(_, calls)| calls.load(Ordering::SeqCst)).sum();
    assert_eq!(calls + keyless_calls.load(Ordering::SeqCst), 0);

    let tellers: Vec<_> = (1..=40).map(|number| Teller::of(number, "[]", 0)).collect();
    let records: Vec<_> = tellers[..10]
        .iter()
        .map(|teller| met(&teller.address.to_string(), "t", &teller.key.to_string(), 60, ""))
        .collect();
    let home = home_with("home", &records);
    let count = |said: &[serde_json::Value], event: &str| {
        said.iter().filter(|said| said["event"] == event).count()
    };
    let said = home.json(&["bootstrap"]);
    assert_eq!((count(&said, "pong"), count(&said, "learned")), (3, 3));
    // of many static peers not all are asked
    let other = Home::new("other");
    other.configure(&tellers.iter().map(Teller::listed).collect::<String>());
    let said = other.json(&["bootstrap"]);
    assert_eq!((count(&said, "pong"), count(&said, "learned")), (40, 32));
    // what all know already costs two questions
    let known: Vec<_> =
        tellers.iter().map(|t| entry(&t.address.to_string(), &t.key.to_string())).collect();
    let known = format!("[{}]", known.join(","));
    let again = Teller::of(41, known, 10_000);
    other.configure(&format!("{}{}", tellers[0].listed(), again.listed()));
    other.run(["ping", "-q", "--learn", &again.address.to_string()]).is(0, "", "");
    assert_eq!(again.questions.try_iter().count(), 2);
}

#[test]
fn who_cannot_be_asked_is_not_and_what_was_told_before_a_break_counts() {
    let (plain, calls) = counted();
    let home = Home::new("home");
    home.configure(&listed(&plain));
    home.json(&["bootstrap", "-t", "1s"]);
    let before = calls.load(Ordering::SeqCst);
    assert!(home.json(&["bootstrap", "-t", "1s"]).iter().all(|said| said["event"] != "learned"));
    // a program that says nothing is asked twice for a key, and not for its peers
    assert!(calls.load(Ordering::SeqCst) - before <= 2);

    let parts = AtomicUsize::new(0);
    let teller = Teller::start(1, move |question| match parts.fetch_add(1, Ordering::SeqCst) {
        0 => {
            let entries: Vec<_> =
                (1..=200u32).map(|n| entry(&format!("127.3.3.{n}:1"), &key(n))).collect();
            list_frame(question, &format!("[{}]", entries.join(",")), 1000)
        }
        _ => b"nonsense\n".to_vec(),
    });
    home.configure(&teller.listed());
    let said = home.json(&["bootstrap", "-t", "2s"]);
    let learned = said.iter().find(|event| event["event"] == "learned").unwrap();
    assert_eq!((&learned["told"], &learned["new"]), (&200.into(), &200.into()));
    assert!(learned.get("error").is_none());
}

#[test]
fn without_encryption_a_key_that_others_name_plays_no_part() {
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap().to_string();
    let teller = Teller::of(1, format!("[{}]", entry(&address, &key(7))), 1);
    let home = Home::new("home");
    home.configure(&teller.listed());
    home.run(["bootstrap", "-q"]).is(0, "", "");
    let said =
        std::thread::spawn(move || crate::support::read_to_end(&mut plain.accept().unwrap().0));
    home.run(["send", "-q", "--secure", "off", &address, "in plain"]).is(0, "", "");
    assert!(said.join().unwrap().ends_with(b" home in plain"));
}

#[test]
fn one_that_shows_another_key_than_others_say_is_told_of_aloud() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let teller = Teller::of(1, format!("[{}]", entry(&at_bob.target(), &key(7))), 1);
    let home = Home::new("home");
    home.configure(&teller.listed());
    let said = home.run(["bootstrap", "-q", "--meet"]);
    assert!(said.status.success());
    assert!(said.stderr.starts_with("warning: cannot talk to "), "{}", said.report());
    assert!(said.stderr.contains("others say that it has another key"), "{}", said.report());
}

#[test]
fn what_is_meant_for_some_does_not_call_others() {
    let (silent, calls) = counted();
    let teller = Teller::of(1, "[]", 0);
    let home = home_with("home", &[met(&silent, "x", &key(1), 7200, "")]);
    home.configure(&teller.listed());
    home.run(["peers", "--check", "--source", "static"]).succeeds();
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    // who does not answer the greeting gets no message
    home.configure(&format!("{}{}", teller.listed(), listed(&silent)));
    home.run(["bootstrap", "--no-learn", "--hello", "hi", "-t", "1s"]);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
