//! Recipes that are scripts, run as they stand in the README and in `docs/RECIPES.md`; only the ports are others.

use std::collections::HashMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Home, Listener, Nobody, Outcome, P2P, PATIENCE, outcome};

/// The code of each recipe, by its title.
pub fn recipes() -> HashMap<String, Vec<String>> {
    let text = |file: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        std::fs::read_to_string(path).unwrap()
    };
    let readme = text("README.md");
    let first = readme.split("\n## Recipes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let more = text("docs/RECIPES.md");
    let mut recipes = HashMap::new();
    for recipe in first.split("\n### ").skip(1).chain(more.split("\n### ").skip(1)) {
        let (title, text) = recipe.split_once('\n').unwrap();
        let blocks = text.split("\n```").skip(1).step_by(2);
        let code = blocks.map(|block| block.split_once('\n').unwrap().1.to_owned());
        recipes.insert(title.to_owned(), code.collect());
    }
    recipes
}

/// A person's machine: a home with p2p on the path, and two ports that stand for 5000 and 7001.
struct Machine {
    home: Home,
    ours: Nobody,
    sensor: Nobody,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { home: Home::new("me"), ours: Nobody::new(), sensor: Nobody::new() };
        std::fs::create_dir_all(machine.file("bin")).unwrap();
        symlink(P2P, machine.file("bin/p2p")).unwrap();
        machine.configure("");
        machine
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.file(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// The code with the ports of this machine.
    fn here(&self, code: &str) -> String {
        let sensor = format!(":{}", self.sensor.port());
        let code = code.replace("-p 7001", &format!("-b 127.0.0.1 -p {}", self.sensor.port()));
        code.replace(":5000", &format!(":{}", self.ours.port())).replace(":7001", &sensor)
    }

    fn configure(&self, config: &str) {
        let port = self.ours.port();
        let listen = format!("[listen]\nport = {port}\nbind = \"127.0.0.1\"\n");
        self.home.configure(&(listen + &self.here(config)));
    }

    /// A program that writes its arguments into a file of its name.
    fn stub(&self, name: &str) {
        let path = self.file("bin").join(name);
        let script = format!("#!/bin/sh\necho \"$*\" >> '{}'\n", self.file(name).display());
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A shell in the home, or in the project.
    fn shell(&self, code: &str, in_project: bool) -> Outcome {
        let mut shell = Command::new("/bin/sh");
        let path = format!("{}:/usr/bin:/bin", self.file("bin").display());
        shell.env_clear().env("P2P_HOME", self.home.path()).env("PATH", path);
        shell.env("HOME", self.home.path()).args(["-c", &self.here(code)]);
        let project = env!("CARGO_MANIFEST_DIR").into();
        shell.current_dir(if in_project { project } else { self.home.path() });
        outcome(&mut shell, None)
    }

    /// Its listener, which the recipe has left running.
    fn listener_pid(&self) -> String {
        let listener: serde_json::Value = serde_json::from_str(&self.read("listener")).unwrap();
        listener["pid"].to_string()
    }

    /// Waits until a file has this in it.
    #[track_caller]
    fn wait_for(&self, name: &str, content: &str) {
        let start = Instant::now();
        while !self.read(name).contains(content) {
            assert!(start.elapsed() < PATIENCE, "{name}: {}", self.read(name));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn be_told_of_every_message() {
    let machine = Machine::new();
    machine.stub("notify-send");
    // a shell that is not waited for keeps our pipes open in its listener
    let code = recipes()["Be told of every message"][0].replace("/dev/null &", "/dev/null 2>&1 &");
    machine.shell(&code, false).succeeds();
    let alice = Home::new("alice");
    alice.run(["send", &machine.ours.target(), "dinner;", "$(reboot)"]).succeeds();
    machine.wait_for("notify-send", "alice dinner; $(reboot)\n");
    Command::new("/bin/kill").arg(machine.listener_pid()).status().unwrap();
}

#[test]
fn join_many_by_knowing_one() {
    let machine = Machine::new();
    let code = &recipes()["Join many by knowing one"];
    machine.configure(&code[0].replace("[listen]\n", ""));
    let (anna, bert) = (Home::new("anna"), Home::new("bert"));
    let mut command = anna.command();
    let port = machine.sensor.port().to_string();
    command.args(["listen", "-b", "127.0.0.1", "-p", &port, "--share-peers", "any"]);
    let at_anna = Listener::spawn(command);
    let at_bert = Listener::start(&bert);
    bert.run(["ping", "-q", &at_anna.target()]).is(0, "", "");
    machine.shell(&code[1], false).succeeds();
    for listener in [at_anna, at_bert] {
        assert!(listener.line().ends_with(" Hello to all of you"));
    }
}

#[test]
fn ask_and_wait_for_the_one_answer() {
    let machine = Machine::new();
    let sensor = Home::new("sensor");
    let mut command = sensor.command();
    let port = machine.sensor.port().to_string();
    let answer =
        format!("read q; [ \"$q\" = 'temperature?' ] && {P2P} send \"$P2P_FROM\" 21.5 degrees");
    command.args(["listen", "-b", "127.0.0.1", "-p", &port, "-x", &answer]);
    let _sensor = Listener::spawn(command);
    machine.home.run(["peers", "add", "sensor", &machine.sensor.target()]).succeeds();
    let code = &recipes()["Ask, and wait for the one answer"][0];
    let said = machine.shell(code, false);
    assert_eq!(said.stdout, "21.5 degrees\n", "{}", said.report());
}

/// Runs a recipe that leaves its listener running, and ends that.
fn with_its_listener(title: &str) -> (Machine, Outcome) {
    let machine = Machine::new();
    // a shell that is not waited for keeps our pipes open in its listener
    let code = recipes()[title][0].replacen(" &\n", " 2> /dev/null &\n", 1);
    let said = machine.shell(&code, false);
    Command::new("/bin/kill").arg(machine.listener_pid()).status().unwrap();
    (machine, said)
}

#[test]
fn send_a_log_as_it_grows() {
    let (machine, said) = with_its_listener("Send a log as it grows");
    said.is(0, "", "");
    let lines = machine.read("received");
    let texts: Vec<_> = lines.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(texts, ["started", "ready"]);
}

#[test]
fn send_once_from_a_job_that_may_run_again() {
    let (machine, said) = with_its_listener("Send once, from a job that may run again");
    said.is(0, "", "");
    let lines = machine.read("received");
    assert!(lines.ends_with(" Backup done\n") && lines.lines().count() == 1, "{lines}");
}

#[test]
fn what_came_since_the_last_time() {
    let machine = Machine::new();
    let recipe = &recipes()["What came since the last time"];
    let job = recipe[0].split_whitespace().skip(5).collect::<Vec<_>>().join(" ");
    let said = machine.shell(&job, false);
    said.is(1, "", "");
    let listener = Listener::start(&machine.home);
    crate::support::say(listener.address(), b"127.0.0.1:6000 alice it's done");
    let said = machine.shell(&job, false);
    assert!(said.succeeds().stdout.ends_with(" 127.0.0.1:6000 alice it's done\n"));
    machine.shell(&job, false).is(1, "", "");
    machine.shell(&recipe[1], false).is(0, "alice: it's done\n", "");
    machine.shell(&recipe[1], false).is(0, "", "");
}

#[test]
fn as_a_service() {
    let machine = Machine::new();
    machine.stub("systemctl");
    machine.shell(&recipes()["As a service"][0], true).is(0, "", "");
    assert_eq!(machine.read("systemctl"), "--user enable --now p2p.service\n");
    assert!(machine.read(".config/systemd/user/p2p.service").contains("Type=notify"));
}
