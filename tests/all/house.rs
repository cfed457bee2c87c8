//! The rules of the house that can be checked.

use p2p::codec::frame::{Header, Hello, ReplyEnd};

use crate::support::project_files;

/// The lines of a file before its own tests.
fn code(path: &std::path::Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

#[test]
fn only_the_ui_prints_and_only_main_ends_the_process() {
    for path in project_files("src", ".rs") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let code = code(&path);
        for (word, home) in [
            ("println!", ""),
            ("print!(", ""),
            ("dbg!", ""),
            ("io::stdout()", "ui.rs"),
            ("io::stderr()", "ui.rs"),
            ("process::exit", ""),
            ("ExitCode", "main.rs"),
        ] {
            let found = code.contains(word) && name != home;
            assert!(!found, "{} has {word}", path.display());
        }
    }
}

#[test]
fn what_differs_from_system_to_system_is_behind_one_door() {
    const WORDS: [&str; 15] = [
        "std::os::",
        "os::unix",
        "os::windows",
        "libc",
        "signal::unix",
        "signal::windows",
        "rustix",
        "signal_hook",
        "listenfd",
        "sd_notify",
        "winapi_util",
        "/bin/sh",
        "/proc/",
        "cfg(",
        "cfg!(",
    ];
    let door = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/system");
    let (mut behind, mut outside) = (String::new(), Vec::new());
    for path in project_files("src", ".rs") {
        // what only talks about a system is no use of it
        let code: String = code(&path)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        if path.starts_with(&door) {
            behind += &code;
        } else {
            let found = WORDS.iter().filter(|word| code.contains(**word));
            outside.extend(found.map(|word| format!("{} has {word}", path.display())));
        }
    }
    assert!(outside.is_empty(), "{outside:#?}");
    assert!(behind.contains("os::unix") && behind.contains("os::windows"), "the door has moved");
}

#[test]
fn no_file_imports_from_a_floor_above_it() {
    // from the ground up; files of one floor may know each other
    const FLOORS: [&[&str]; 8] = [
        &["escape", "nearest", "retry", "system"],
        &[
            "name",
            "address",
            "exit",
            "peer",
            "message",
            "codec",
            "book",
            "lookup",
            "newcomers",
            "senders",
            "line",
            "arrived",
            "posted",
            "tag",
            "quorum",
            "key",
            "id",
            "topic",
            "trust",
            "hearsay",
            "questions",
        ],
        &[
            "config", "event", "state", "ui", "fanout", "layers", "signals", "inbox", "slots",
            "trouble", "changes", "chunk",
        ],
        &[
            "global",
            "paths",
            "settings",
            "limits",
            "terms",
            "hooks",
            "session",
            "connection",
            "dial",
            "exchange",
            "talk",
            "recorder",
            "lan",
        ],
        &["listener", "service", "home", "report"],
        &[
            "delivery",
            "outreach",
            "lines",
            "completion",
            "pieces",
            "neighbours",
            "acquaint",
            "recheck",
        ],
        &["commands"],
        &["cli", "misread", "lib", "main"],
    ];
    let floor_of = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in project_files("src", ".rs") {
        let relative = path.strip_prefix(&src).unwrap();
        let module = relative.iter().next().unwrap().to_string_lossy().replace(".rs", "");
        let floor = floor_of(&module).unwrap_or_else(|| panic!("{module} has no floor"));
        for import in code(&path).split("use crate::").skip(1) {
            let end = import.find([':', ';', ' ']).unwrap();
            let imported = &import[..end];
            let allowed = floor_of(imported).is_some_and(|other| other <= floor);
            assert!(allowed, "{} imports {imported}", relative.display());
        }
    }
}

/// One of each.
fn frames() -> Vec<Header> {
    let id: p2p::id::MessageId = "9f2c".parse().unwrap();
    let name = Some("alice".parse().unwrap());
    let retry = Some(std::time::Duration::from_secs(1));
    vec![
        Header::Hello(Hello { name, port: Some(7000), addr: None }),
        Header::Message { id: id.clone(), size: 5, topic: "deploy".parse().ok(), reply: true },
        Header::Ok { id: Some(id.clone()) },
        Header::No { id: Some(id.clone()), code: "busy".into(), retry },
        Header::Reply { id: id.clone(), size: 3, end: ReplyEnd::Status(0) },
        Header::Reply { id: id.clone(), size: 0, end: ReplyEnd::Failed("no_reply".into()) },
        Header::Ping { id: id.clone() },
        Header::Pong { id: id.clone() },
        Header::Leave { id: Some(id.clone()) },
        Header::AskPeers { id: id.clone(), skip: 256 },
        Header::Peers { id, size: 109, total: 257 },
    ]
}

fn document(name: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_readme_has_every_code_with_its_exit_status() {
    let readme = document("README.md");
    for (_, word, exit) in p2p::exit::CODES {
        let row = format!("| {} |", exit.number());
        let line = readme.lines().find(|line| line.starts_with(&row));
        assert!(line.is_some_and(|line| line.contains(&format!("`{word}`"))), "{row} {word}");
    }
}

#[test]
fn the_bytes_in_the_protocol_are_those_that_we_write() {
    use p2p::codec::verdict::{Sum, Verdict};
    let protocol = document("docs/PROTOCOL.md");
    let name = |name: &str| name.parse().unwrap();
    let own = "10.0.0.2:7000".parse().unwrap();
    let message = p2p::codec::writing::encode(own, &name("alice"), "hello there");
    let sum = Sum::of(b"10.0.0.2:7000 alice hello");
    let ok = Verdict::Ok { sum, name: Some(name("bob")), port: Some(5000), key: None };
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".parse().ok();
    let with_key = Verdict::Ok { sum, name: Some(name("bob")), port: Some(5000), key };
    let denied = Verdict::No { code: "denied".into(), retry: None, key };
    let mut all = vec![String::from_utf8(message).unwrap(), ok.encode()];
    all.extend([with_key.encode(), denied.encode()]);
    all.extend(frames().iter().map(Header::encode));
    for bytes in all {
        assert!(protocol.contains(&format!("\n{}\n", bytes.trim_end())), "{bytes}");
    }
}

/// The file that has a test, called as in `tests/guards.toml`: the longest part of its path that is one.
fn source_of_test(target: &str, path: &str) -> Option<String> {
    let top = if target == "lib" { "src".to_owned() } else { format!("tests/{target}") };
    let mut modules: Vec<&str> = path.split("::").collect();
    modules.pop();
    let read = |name: String| {
        let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(project.join(name)).ok()
    };
    let root = [format!("{top}/main.rs"), format!("{top}/lib.rs")];
    let below = (1..=modules.len()).rev().flat_map(|length| {
        let at = modules[..length].join("/");
        [format!("{top}/{at}.rs"), format!("{top}/{at}/mod.rs")]
    });
    below.chain(root).find_map(read)
}

#[test]
fn every_guard_of_the_list_is_there_once_and_its_test_too() {
    let list: toml::Table = document("tests/guards.toml").parse().unwrap();
    let mut sentences = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    for guard in list["guard"].as_array().unwrap() {
        let of = |key: &str| guard[key].as_str().unwrap();
        let (sentence, file, test) = (of("guard"), of("file"), of("test"));
        if !sentences.insert(sentence) {
            wrong.push(format!("{sentence}: it is in the list twice"));
        }
        let count = document(file).matches(of("old")).count();
        if count != 1 {
            wrong.push(format!("{sentence}: {file} has it {count} times"));
        }
        if of("old") == of("new") {
            wrong.push(format!("{sentence}: nothing is switched off"));
        }
        let (target, path) = test.split_once(' ').unwrap();
        let name = path.rsplit("::").next().unwrap();
        let is_there = source_of_test(target, path)
            .is_some_and(|source| source.contains(&format!("fn {name}(")));
        if !is_there {
            wrong.push(format!("{sentence}: there is no test {test}"));
        }
    }
    assert!(sentences.len() >= 70, "{}", sentences.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
