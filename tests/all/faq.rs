//! The errors of `docs/FAQ.md` are those that are said.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use crate::console::Machines;

/// The errors of the document, each with its exit status.
fn errors() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/FAQ.md");
    let faq = std::fs::read_to_string(path).unwrap();
    let error = |line: &str| {
        let (error, status) = line.strip_prefix("### ")?.rsplit_once(" (")?;
        let error = error.trim_matches('`').trim_end();
        // what comes after a key is never the same
        let error = error.split("806e").next().unwrap_or_default();
        Some((error.to_owned(), status.trim_end_matches(')').to_owned()))
    };
    faq.lines().filter_map(error).collect()
}

#[test]
fn what_the_faq_explains_is_what_is_said() {
    let mut machines = Machines::new(&["me", "bob", "web1", "web2"]);
    machines.address("10.18.0.5:5000", &["-p 5000", "port 5000"]);
    machines.address("10.18.0.4:6000", &[]);
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    machines.means("10.18.0.8:7000", &silent.local_addr().unwrap().to_string());
    let home = machines.file("me", "");
    let home = home.display().to_string().trim_end_matches('/').to_owned();
    machines.means("read config.toml", &format!("read {home}/config.toml"));
    machines.means("/srv/p2p", &home);
    let mut said = Vec::new();
    let mut call = |machines: &Machines, code: &str| {
        let all = machines.run("me", &format!("{code}; echo \"status $?\""));
        let error = all.lines().find(|line| line.starts_with("error: ")).unwrap_or(&all);
        let status = all.lines().last().unwrap_or_default().trim_start_matches("status ");
        said.push((error.replace("500ms", "5s"), status.to_owned()));
    };
    machines.run("me", "p2p peers add alice 10.18.0.4:6000");
    call(&machines, "p2p send alice Hi");
    call(&machines, "p2p send alcie Hi");
    machines.play("bob$ p2p listen -p 5000 > inbox &");
    call(&machines, "touch empty.toml; p2p -c empty.toml listen -p 5000");
    machines.run("me", "p2p send 10.18.0.5:5000 Hi");
    machines.stop("bob");
    std::fs::remove_file(machines.file("bob", "key")).unwrap();
    machines.run("bob", "p2p peers add alice 10.18.0.4:6000");
    machines.play("bob$ p2p listen -p 5000 --from alice > inbox &");
    call(&machines, "p2p send bob Hi");
    call(&machines, "p2p send 10.18.0.8:7000 -t 500ms --secure off Hi");
    machines.run("me", "p2p peers rm 10.18.0.8:7000");
    call(&machines, "p2p send 10.18.0.8:7000 -t 500ms Hi");
    machines.run("me", "p2p peers rm bob");
    call(&machines, "p2p send 10.18.0.5:5000 Hi");
    machines.run("me", "p2p peers rm 10.18.0.5:5000");
    for (name, address) in [("web1", "10.18.0.11:5000"), ("web2", "10.18.0.12:5000")] {
        let port = machines.address(address, &[]);
        machines.play(&format!("{name}$ p2p listen -p {port} > inbox &"));
        machines.run("me", &format!("p2p peers add {name} {address}"));
    }
    call(&machines, "p2p broadcast -q Hi");
    let config = machines.file("me", "config.toml");
    std::fs::write(&config, "[listen]\nprot = 1\n").unwrap();
    call(&machines, "p2p peers");
    std::fs::remove_file(&config).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o777)).unwrap();
    call(&machines, "p2p peers");
    assert_eq!(errors().len(), 10);
    for ((error, status), (line, ended)) in errors().iter().zip(&said) {
        assert!(line.starts_with(error) && status == ended, "{error} ({status})\n{line} ({ended})");
    }
    assert_eq!(errors().len(), 10);
}
