//! The recipes of the README: each is run, and prints what stands there.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::console::Machines;
use crate::recipes::recipes;
use crate::support::{Nobody, PATIENCE, say, wait_for_end};

const BOB: &str = "10.18.0.5:5000";

/// alice and bob, who knows him; what has no port is hers.
fn two() -> Machines {
    let mut machines = Machines::new(&["alice", "bob"]);
    machines.address(BOB, &["-p 5000"]);
    machines.run("alice", &format!("p2p peers add bob {BOB}"));
    machines
}

#[test]
fn a_cron_job_that_reports() {
    let recipe = &recipes()["A cron job that reports"];
    let mut machines = two();
    machines.program("alice", "make-backup", "true");
    machines.play("bob$ p2p listen -p 5000 > /dev/null &");
    let job = recipe[0].split_whitespace().skip(5).collect::<Vec<_>>().join(" ");
    assert_eq!(machines.run("alice", &job), "", "cron has nothing to mail");
    // alice does not listen, so that only her IP is known
    machines.means(" 10.18.0.4 ", " 127.0.0.1 ");
    machines.play(&recipe[1]);
}

#[test]
fn a_deploy_that_most_machines_have_to_get() {
    let mut machines = Machines::new(&["alice", "web1", "web2"]);
    for (number, name) in [(11, "web1"), (12, "web2"), (13, "web3")] {
        let address = format!("10.18.0.{number}:5000");
        let port = machines.address(&address, &[]);
        machines.run("alice", &format!("p2p peers add {name} {address} --tag web"));
        if name != "web3" {
            machines.play(&format!("{name}$ p2p listen -p {port} > heard &"));
        }
    }
    machines.play(&recipes()["A deploy that most machines have to get"][0]);
}

#[test]
fn ask_and_wait_for_the_reply() {
    let mut machines = Machines::new(&["alice", "sensor"]);
    machines.address("10.18.0.7:7001", &["-p 7001"]);
    machines.run("alice", "p2p peers add sensor 10.18.0.7:7001");
    machines.program("sensor", "measure", "[ \"$1\" = 'temperature?' ] && echo 21.5");
    machines.play(&recipes()["Ask, and wait for the reply"][0]);
}

#[test]
fn something_else_for_each_sender_and_topic() {
    let mut machines = Machines::new(&["bob", "alice"]);
    machines.address(BOB, &["-p 5000"]);
    machines.address("10.18.0.7:7001", &[]);
    machines.run("bob", "p2p peers add sensor 10.18.0.7:7001");
    machines.configure("bob", &recipes()["Something else for each sender and topic"][0]);
    machines.program("bob", "deploy", "echo \"$@\" > deployed");
    machines.play("bob$ p2p listen -p 5000 > /dev/null &");
    let sensor = format!("{} sensor 21.5", machines.socket("10.18.0.7:7001"));
    say(machines.socket(BOB), sensor.as_bytes());
    say(machines.socket(BOB), b"127.0.0.1:9 carol hello");
    machines.play("alice$ p2p send 10.18.0.5:5000 --topic deploy/web v1.2");
    say(machines.socket(BOB), b"127.0.0.1:9 carol exit");
    for (file, content) in [
        ("temperatures", "21.5\n"),
        ("deployed", "deploy/web v1.2\n"),
        ("inbox", "carol: hello\n"),
        ("inbox", "carol has gone\n"),
    ] {
        machines.wait_for("bob", file, content);
    }
    assert_eq!(std::fs::read_to_string(machines.file("bob", "inbox")).unwrap().lines().count(), 2);
}

/// A student program: takes a connection, reads to its end and closes, and says what it has read.
fn student(listener: &TcpListener) -> String {
    let (mut connection, _) = listener.accept().unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut heard = String::new();
    connection.read_to_string(&mut heard).unwrap();
    heard
}

#[test]
fn a_classroom_with_the_student_programs() {
    let recipe = &recipes()["A classroom with the student programs"];
    let mut machines = Machines::new(&["alice"]);
    let teacher = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    machines.means("10.18.0.2:7000", &teacher.local_addr().unwrap().to_string());
    machines.address("10.18.0.4:6000", &["-p 6000"]);
    machines.configure("alice", &recipe[0]);
    let alice = machines.socket("10.18.0.4:6000");
    let program = std::thread::spawn(move || {
        let heard = [student(&teacher), student(&teacher)];
        say(alice, b"127.0.0.3:7000 TeamRed Hello TeamBlue");
        heard
    });
    let (before, after) = recipe[1].split_once("alice$ cut").unwrap();
    machines.play(before);
    let [connect, message] = program.join().unwrap();
    assert_eq!(connect, format!("{alice} TeamBlue connect"));
    assert_eq!(message, format!("{alice} TeamBlue Hello from p2p"));
    machines.play(&format!("alice$ cut{after}"));
}

#[test]
fn from_nc_and_to_it() {
    if Command::new("nc").arg("-h").output().is_err() {
        skipped!("no nc here");
        return;
    }
    let mut machines = two();
    machines.address("10.18.0.4:6001", &["nc -l 6001"]);
    machines.means("10.18.0.5 5000", &machines.socket(BOB).to_string().replace(':', " "));
    machines.means("10.18.0.4:6000", "127.0.0.1:6000");
    machines.play(&recipes()["From nc, and to it"][0]);
}

#[test]
fn into_another_network_through_ssh() {
    let Some(mut server) = ssh_server() else {
        skipped!("no sshd here");
        return;
    };
    let mut machines = two();
    let tunnel = Nobody::new();
    machines.means(":7002", &tunnel.target());
    machines.means("-L 7002", &format!("-L {}", tunnel.target()));
    machines.means("localhost:5000", &machines.socket(BOB).to_string());
    machines.program("alice", "ssh", &server.client);
    machines.play("bob$ p2p listen -p 5000 > inbox &");
    machines.play(&recipes()["Into another network, through ssh"][0]);
    server.end();
}

/// A server of ssh for one connection, and the command that connects to it.
struct SshServer {
    process: std::process::Child,
    client: String,
    _files: tempfile::TempDir,
}

impl SshServer {
    fn end(&mut self) {
        // it has one connection, which ends with it
        self.process.kill().unwrap();
        wait_for_end(&mut self.process);
    }
}

fn ssh_server() -> Option<SshServer> {
    let files = tempfile::tempdir().unwrap();
    let path = |name: &str| files.path().join(name).display().to_string();
    for key in ["host", "user"] {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)])
            .status();
        made.ok().filter(std::process::ExitStatus::success)?;
    }
    std::fs::copy(path("user.pub"), path("authorized")).unwrap();
    let port = Nobody::new();
    let number = port.port();
    let config = format!(
        "ListenAddress 127.0.0.1:{number}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\n",
        path("host"),
        path("authorized")
    );
    std::fs::write(path("config"), config).unwrap();
    std::fs::set_permissions(files.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    // whoever separates privileges wants this directory
    let _ = std::fs::create_dir_all("/run/sshd");
    drop(port);
    let log = std::fs::File::create(path("log")).unwrap();
    // -d: it serves one connection in this process, and ends
    let process = Command::new("/usr/sbin/sshd")
        .args(["-D", "-d", "-e", "-f", &path("config")])
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .ok()?;
    let client = format!(
        "exec /usr/bin/ssh -F none -p {number} -i {} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
         -o LogLevel=ERROR -o ExitOnForwardFailure=yes -o ConnectionAttempts=20 $(echo \"$@\" | sed 's/office$/127.0.0.1/') > /dev/null 2>&1",
        path("user")
    );
    Some(SshServer { process, client, _files: files })
}

#[test]
fn into_a_file_and_a_reader_that_misses_nothing() {
    let mut machines = two();
    machines.play(&recipes()["Into a file, and a reader that misses nothing"][0]);
}

#[test]
fn monitoring_with_json_and_jq() {
    if Command::new("jq").arg("--version").output().is_err() {
        skipped!("no jq here");
        return;
    }
    let mut machines = Machines::new(&["alice", "web1"]);
    let port = machines.address("10.18.0.11:5000", &[]);
    machines.address("10.18.0.13:5000", &[]);
    machines.run("alice", "p2p peers add web1 10.18.0.11:5000; p2p peers add web3 10.18.0.13:5000");
    machines.play(&format!("web1$ p2p listen -p {port} > heard &"));
    machines.run("alice", "p2p broadcast -q hello");
    machines.play(&recipes()["Monitoring, with JSON and jq"][0]);
}

#[test]
fn every_recipe_has_a_test() {
    // ten here and in `recipes`, seven there and in `lan`
    assert_eq!(recipes().len(), 17);
}
