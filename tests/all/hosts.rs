//! Two hosts of our own: network namespaces joined by a link, with nothing else behind it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::{Home, P2P};

/// The address of the first host.
pub const A: &str = "10.77.0.1";

/// The address of the second host.
pub const B: &str = "10.77.0.2";

/// Makes the hosts, says which processes hold them, and stays until its stdin ends. Both give up after two minutes.
const SET_UP: &str = r#"
set -e
# everything that is written to /run is ours
mount -t tmpfs tmpfs /run
unshare --net sleep 120 & b=$!
for i in $(seq 100); do
    [ "$(readlink /proc/$b/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break
    sleep 0.01
done
ip link set lo up
ip link add hostA type veth peer name hostB netns $b
ip addr add 10.77.0.1/24 dev hostA
ip link set hostA up
nsenter -t $b -n sh -c 'ip link set lo up; ip addr add 10.77.0.2/24 dev hostB; ip link set hostB up
    ip route add 224.0.0.0/4 dev hostB'
is_up() { ip -o link show hostA | grep -q 'state UP' && nsenter -t $b -n ip -o link show hostB | grep -q 'state UP'; }
for i in $(seq 300); do is_up && break; sleep 0.01; done
echo $$ $b
read -r -t 120 end || true
kill $b
"#;

/// Two hosts, gone when this is dropped.
pub struct Hosts {
    holder: Child,
    a: String,
    b: String,
    is_mapped: bool,
}

/// On which of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    A,
    B,
}

impl Hosts {
    /// Makes them; `None`, with a word why, where that is not allowed.
    pub fn new() -> Option<Self> {
        // root needs no user namespace, and somebody else may be allowed one
        let is_mapped = !is_ok(Command::new("unshare").args(["--net", "--mount", "true"]));
        let mut command = Command::new("unshare");
        if is_mapped {
            command.arg("--map-root-user");
        }
        command.args(["--net", "--mount", "bash", "-c", SET_UP]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut holder = command.spawn().ok()?;
        let mut ready = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let Some((a, b)) = ready.trim().split_once(' ') else {
            let said = holder.wait_with_output().unwrap();
            skipped!("no two hosts here: {}", String::from_utf8_lossy(&said.stderr).trim());
            return None;
        };
        Some(Self { a: a.to_owned(), b: b.to_owned(), holder, is_mapped })
    }

    /// A program on one of the hosts.
    pub fn command(&self, on: On, program: &str) -> Command {
        let pid = if on == On::A { &self.a } else { &self.b };
        let mut command = Command::new("nsenter");
        command.args(["-t", pid, "--net", "--mount"]);
        if self.is_mapped {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg(program).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::null());
        command
    }

    /// p2p on one of the hosts.
    pub fn p2p(&self, on: On, home: &Home) -> Command {
        let mut command = self.command(on, P2P);
        command.env("P2P_HOME", home.path()).env("P2P_NAME", home.name());
        command
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        // the end of its stdin is its end
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

fn is_ok(command: &mut Command) -> bool {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
