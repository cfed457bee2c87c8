//! The listener as a service: told when it is ready and when it stops, and on a socket that was opened for it.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use crate::support::{Home, Listener, P2P, PATIENCE, outcome, project_files, say};

#[test]
fn it_tells_the_service_manager_when_it_is_ready_and_when_it_stops() {
    let home = Home::new("bob");
    std::fs::create_dir_all(home.path()).unwrap();
    let manager = UnixDatagram::bind(home.file("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut bytes = [0; 1000];
        let count = manager.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    };
    let mut command = home.command();
    command.env("NOTIFY_SOCKET", home.file("notify"));
    command.args(["listen", "-p", "0", "-b", "127.0.0.1"]);
    let listener = Listener::spawn(command);
    let ready = format!("READY=1\nSTATUS=listening on {} as bob\n", listener.address());
    assert_eq!(told(), ready);
    listener.signal("TERM");
    assert_eq!(told(), "STOPPING=1\n");
    assert_eq!(listener.wait().0.code(), Some(0));
}

/// A listener that is handed these as its descriptors from the third on, as sd_listen_fds(3) says.
fn with_socket(home: &Home, socket: impl Into<OwnedFd>, count: u32, arguments: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().env("P2P_HOME", home.path()).env("P2P_NAME", "bob");
    // stdin is how a socket comes to this shell and to no other process
    shell.stdin(socket.into());
    let variables = format!("LISTEN_PID=$$ LISTEN_FDS={count}");
    shell.args([
        "-c",
        &format!("exec 3<&0 4<&0 0< /dev/null; {variables} exec {P2P} listen {arguments}"),
    ]);
    shell
}

#[test]
fn it_takes_the_socket_that_was_opened_for_it() {
    let home = Home::new("bob");
    home.configure("[listen]\nport = 1\n");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let copy = || socket.try_clone().unwrap();
    let address = socket.local_addr().unwrap();
    // somebody writes before the listener is there
    let early = std::thread::spawn(move || say(address, b"127.0.0.1:6000 me early"));
    let hook = "-x 'ls -l /proc/self/fd | grep -c socket; echo ${LISTEN_FDS-none}'";
    let listener = Listener::spawn(with_socket(&home, copy(), 1, hook));
    assert_eq!(listener.address(), address);
    assert!(early.join().unwrap().starts_with(b"P2P/1 OK "));
    assert_eq!(listener.line(), "127.0.0.1:6000 me early");
    // of our sockets the hook has none but the one that the shell of this test has made twice
    assert_eq!((listener.said(), listener.said()), ("1".into(), "none".into()));
    home.run(["ping", &address.to_string(), "-q"]).is(0, "", "");
    listener.stop();
    // the socket is not ours to close: it goes on being there for the next one
    let listener = Listener::spawn(with_socket(&home, copy(), 1, ""));
    assert!(say(address, b"127.0.0.1:6000 me again").starts_with(b"P2P/1 OK "));
    listener.stop();
}

#[test]
fn a_socket_that_is_none_is_told() {
    let home = Home::new("bob");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let copy = || socket.try_clone().unwrap();
    outcome(&mut with_socket(&home, copy(), 1, "-p 0"), None).is(
        2,
        "",
        "error: the service manager has opened the port; -p and -b cannot change it\n",
    );
    let file = std::fs::File::open("/dev/null").unwrap();
    outcome(&mut with_socket(&home, file, 1, ""), None)
        .fails(8, "cannot listen on what the service manager gave us: fd 3 is not a socket");
    let connection = std::net::TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    outcome(&mut with_socket(&home, connection, 1, ""), None)
        .fails(8, "cannot listen on what the service manager gave us: it does not listen");
    outcome(&mut with_socket(&home, copy(), 2, ""), None).fails(8, "2 sockets instead of one");
}

#[test]
fn variables_that_are_meant_for_another_process_are_not_for_us() {
    let home = Home::new("bob");
    let mut command = home.command();
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    command.args(["listen", "-p", "0", "-b", "127.0.0.1"]);
    let listener = Listener::spawn(command);
    assert_ne!(listener.address(), SocketAddr::from(([127, 0, 0, 1], 0)));
}

#[test]
fn the_units_are_sound() {
    let units: Vec<_> = project_files("contrib/systemd", ".service")
        .into_iter()
        .chain(project_files("contrib/systemd", ".socket"))
        .collect();
    assert_eq!(units.len(), 3, "{units:?}");
    let there = Command::new("systemd-analyze").arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        skipped!("no systemd-analyze to verify the units");
        return;
    }
    // the units name the place where a package puts the program; here it is elsewhere
    let dir = tempfile::tempdir().unwrap();
    for unit in &units {
        let text = std::fs::read_to_string(unit).unwrap();
        assert!(text.contains("p2p"), "{}", unit.display());
        let kind = unit.parent().unwrap().file_name().unwrap();
        std::fs::create_dir_all(dir.path().join(kind)).unwrap();
        let copy = dir.path().join(kind).join(unit.file_name().unwrap());
        std::fs::write(&copy, text.replace("/usr/bin/p2p", P2P)).unwrap();
        let mode = if kind == "user" { "--user" } else { "--system" };
        let mut verify = Command::new("systemd-analyze");
        verify.env("SYSTEMD_LOG_LEVEL", "warning").args(["verify", "--man=no", mode]).arg(&copy);
        verify.env("XDG_RUNTIME_DIR", dir.path());
        let said = outcome(&mut verify, None);
        assert!(said.status.success() && !said.stderr.contains("p2p"), "{}", said.report());
    }
}
