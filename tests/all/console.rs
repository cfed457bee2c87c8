//! Runs what a document shows as typed on several machines, and holds what is printed against what stands there.
//!
//! Each machine is a home on this one. Addresses are others than in the document; times and durations may differ.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::support::{Home, Nobody, P2P, PATIENCE, outcome};

/// The machines of a recipe.
pub struct Machines {
    homes: BTreeMap<String, Home>,
    /// What stands in the document, and what it is here.
    meanings: Vec<(String, String)>,
    running: Vec<(String, Child)>,
    ports: Vec<Nobody>,
}

impl Machines {
    /// Machines of these names.
    pub fn new(names: &[&'static str]) -> Self {
        let (homes, ports, running) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut machines = Self { homes, meanings: Vec::new(), running, ports };
        for name in names {
            let home = Home::new(name);
            home.configure(&format!("name = \"{name}\"\n[listen]\nbind = \"127.0.0.1\"\n"));
            std::fs::create_dir(home.file("bin")).unwrap();
            symlink(P2P, home.file("bin/p2p")).unwrap();
            machines.homes.insert((*name).to_owned(), home);
        }
        machines
    }

    /// What a configuration of the document adds to that of a machine.
    pub fn configure(&self, name: &str, config: &str) {
        let own =
            if config.starts_with("name") { String::new() } else { format!("name = \"{name}\"\n") };
        let config = self.here(config);
        self.homes[name].configure(&format!("{own}{config}\n[listen]\nbind = \"127.0.0.1\"\n"));
    }

    /// Text of the document that means something else here.
    pub fn means(&mut self, text: &str, here: &str) {
        self.meanings.push((text.to_owned(), here.to_owned()));
    }

    /// An address of the document, and how else its port is written there; gives the port that it has here.
    pub fn address(&mut self, address: &str, also: &[&str]) -> u16 {
        let port = Nobody::new();
        let number = port.port();
        self.means(address, &port.target());
        for text in also {
            let (host, shown) = address.split_once(':').unwrap();
            let here = text.replace(host, "127.0.0.1").replace(shown, &number.to_string());
            self.means(text, &here);
        }
        self.ports.push(port);
        number
    }

    /// A program on a machine.
    pub fn program(&self, name: &str, program: &str, script: &str) {
        for folder in ["bin", "."] {
            let path = self.homes[name].file(folder).join(program);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    /// An address of the document as it is here.
    pub fn socket(&self, address: &str) -> SocketAddr {
        self.here(address).parse().unwrap()
    }

    /// Ends what runs on a machine.
    pub fn stop(&mut self, name: &str) {
        for (_, child) in self.running.iter_mut().filter(|(there, _)| there == name) {
            // it may have ended by itself
            let _ = child.kill();
            let _ = child.wait();
        }
        // what it would have taken away in order
        let _ = std::fs::remove_file(self.file(name, "listener"));
    }

    /// Waits until a file of a machine has this in it.
    #[track_caller]
    pub fn wait_for(&self, name: &str, file: &str, content: &str) {
        let start = Instant::now();
        let read = || std::fs::read_to_string(self.file(name, file)).unwrap_or_default();
        while !read().contains(content) {
            assert!(start.elapsed() < PATIENCE, "{file}: {}", read());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Where a machine's files are.
    pub fn file(&self, name: &str, file: &str) -> PathBuf {
        self.homes[name].file(file)
    }

    fn here(&self, text: &str) -> String {
        self.meanings.iter().fold(text.to_owned(), |text, (there, here)| text.replace(there, here))
    }

    /// As the document would have it.
    fn there(&self, text: &str) -> String {
        let back = |text: String, (there, here): &(String, String)| text.replace(here, there);
        plain(&self.meanings.iter().fold(text.to_owned(), back))
    }

    fn shell(&self, name: &str, code: &str) -> Command {
        let home = &self.homes[name];
        let mut shell = Command::new("/bin/sh");
        let path = format!("{}:/usr/bin:/bin:/usr/sbin", home.file("bin").display());
        shell.env_clear().env("P2P_HOME", home.path()).env("PATH", path);
        shell.env("HOME", home.path()).current_dir(home.path()).args(["-c", code]);
        shell
    }

    /// Runs a command on a machine, and gives all that it prints.
    pub fn run(&self, name: &str, code: &str) -> String {
        let said =
            outcome(&mut self.shell(name, &format!("{{ {}\n}} 2>&1", self.here(code))), None);
        self.there(&said.stdout)
    }

    fn start(&mut self, name: &str, code: &str) {
        let listens = code.starts_with("p2p listen");
        let ready = self.file(name, "listener");
        let mut shell = self.shell(name, &format!("exec {}", self.here(code)));
        let child = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.running.push((name.to_owned(), child.unwrap()));
        let start = Instant::now();
        while listens && std::fs::read_to_string(&ready).unwrap_or_default().is_empty() {
            assert!(start.elapsed() < PATIENCE, "{code}: it does not listen");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Runs what stands after each prompt, `NAME$ `, and compares what stands below it.
    #[track_caller]
    pub fn play(&mut self, console: &str) {
        let mut lines = console.lines().peekable();
        while let Some(line) = lines.next() {
            let (name, code) = self.prompt(line).unwrap_or_else(|| panic!("no prompt: {line}"));
            let mut expected = Vec::new();
            while let Some(line) = lines.next_if(|line| self.prompt(line).is_none()) {
                expected.push(plain(line).trim_end().to_owned());
            }
            if let Some(code) = code.strip_suffix(" &") {
                self.start(&name, code);
                continue;
            }
            let said = self.run(&name, &code);
            let mut said: Vec<String> =
                said.lines().map(|line| line.trim_end().to_owned()).collect();
            if code.contains("broadcast") {
                // each as it finishes
                said.sort();
                expected.sort();
            }
            assert_eq!(said, expected, "{line}");
        }
    }

    fn prompt(&self, line: &str) -> Option<(String, String)> {
        let (name, code) = line.split_once("$ ")?;
        self.homes.contains_key(name).then(|| (name.to_owned(), code.to_owned()))
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            // it may have ended by itself
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Without what is never the same: durations before `ms`, and times.
fn plain(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let same = |(at, word): (usize, &&str)| {
            let is_duration = words.get(at + 1) == Some(&"ms") && word.parse::<f64>().is_ok();
            let is_time = humantime::parse_rfc3339(word).is_ok();
            if is_duration || is_time { "*".to_owned() } else { (*word).to_owned() }
        };
        lines.push(words.iter().enumerate().map(same).collect::<Vec<_>>().join(" "));
    }
    lines.join("\n")
}
