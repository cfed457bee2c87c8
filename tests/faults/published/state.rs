//! Small state files that lose what was written to them.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{can_run, in_namespaces};
use crate::support::{Home, Listener, P2P, outcome, say};

/// Commands that change the list at once, and a listener that learns at the same time.
#[test]
fn zoxide_1219_no_update_of_the_list_is_lost() {
    const COMMANDS: usize = 240;
    const HEARD: usize = 120;
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    home.run(["peers", "add", "shared", "10.0.0.1:1"]).succeeds();
    let (to, next) = (listener.address(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= COMMANDS {
                        break;
                    }
                    let (name, address) = (format!("p{number}"), format!("10.0.1.{number}:7000"));
                    home.run(["peers", "add", &name, &address]).is(0, "", "");
                    // all of them change one and the same entry, too
                    home.run(["peers", "set", "shared", "--tag", &name]).is(0, "", "");
                }
            });
        }
        scope.spawn(move || {
            for number in 0..HEARD {
                say(to, format!("127.0.0.1:{} h{number} hi", 7000 + number).as_bytes());
            }
        });
    });
    let peers = home.json(&["peers"]);
    let count = |begin: &str| {
        peers.iter().filter(|p| p["addr"].as_str().is_some_and(|a| a.starts_with(begin))).count()
    };
    let tags = home.peer("10.0.0.1:1").unwrap()["tags"].as_array().unwrap().len();
    let kept = (count("10.0.1."), tags, count("127.0.0.1:"));
    assert_eq!(
        kept,
        (COMMANDS, COMMANDS, HEARD),
        "entries, tags of one entry, peers that were heard"
    );
    figures!(
        "{} updates by {} commands and a listener: none lost",
        COMMANDS * 2 + HEARD,
        COMMANDS * 2
    );
}

/// A disk that is full while the list is written, appended to or folded: what was there is there, byte by byte.
#[test]
fn zoxide_68_a_full_disk_does_not_empty_the_list() {
    let script = format!(
        r#"set -e
dir=$(mktemp -d) && mount -t tmpfs -o size=128k,mode=700 tmpfs "$dir" && cd "$dir"
export P2P_HOME=$dir/home P2P_NAME=me
p2p() {{ '{P2P}' "$@" 2>>talk; }}
for n in 1 2 3 4 5; do p2p peers add "p$n" "10.0.0.$n:7"; done
# close to the next fold, which writes the whole list anew
for n in $(seq 130); do p2p peers set p1 --tag x; p2p peers set p1 --untag x; done
p2p id > /dev/null
full=0 told=0 wrong=0
for room in 0 1 2 3; do
    head -c 1M /dev/zero > filler 2>/dev/null || true
    # a few bytes are left in the last page of the file
    for n in $(seq 80); do
        before=$(cksum < home/peers)
        if p2p peers set p2 --tag "t$room-$n"; then :; else
            test $? = 8 && told=$((told + 1)) || wrong=$((wrong + 1))
            test "$(cksum < home/peers)" = "$before" || wrong=$((wrong + 1))
            test "$(p2p peers | wc -l)" = 5 || wrong=$((wrong + 1))
        fi
    done
    full=$((full + 1))
    rm -f filler
    p2p peers set p3 --tag "room$room" || wrong=$((wrong + 1))
done
echo "$full $told $wrong $(p2p peers | wc -l) $(ls home | grep -c tmp || true)"
umount -l "$dir"
"#
    );
    let Some(mut command) = in_namespaces(&["--mount"], &script) else { return };
    let said = outcome(&mut command, None);
    let counts: Vec<usize> =
        said.stdout.split_whitespace().filter_map(|count| count.parse().ok()).collect();
    let [full, told, wrong, peers, leftovers] = counts[..] else {
        assert!(!said.status.success(), "{}", said.report());
        assert!(said.stderr.contains("mount"), "{}", said.report());
        skipped!("no file system of our own: {}", said.stderr);
        return;
    };
    assert_eq!((full, wrong, peers, leftovers), (4, 0, 5, 0), "{}", said.report());
    assert!(told >= 40, "{}", said.report());
    figures!("{told} updates refused on a full disk in {full} rounds: nothing lost, nothing left");
}

/// Where locks are no locks nothing is kept: the kernel is made to say that the home is on such a file system.
#[test]
fn cargo_2615_a_home_on_a_network_file_system_is_refused() {
    const NETWORKS: [(&str, &str); 8] = [
        ("NFS", "6969"),
        ("SMB", "7b51"),
        ("CIFS", "424d53ff"),
        ("SMB2", "424d53fe"),
        ("AFS", "4f414653"),
        ("Coda", "45727573"),
        ("Ceph", "0064c300"),
        ("9P", "97190201"),
    ];
    if !can_run("strace", &["-qq", "-o", "/dev/null", "true"]) {
        skipped!("no strace that may trace");
        return;
    }
    let home = Home::new("me");
    home.run(["peers", "add", "kept", "10.0.0.1:1"]).succeeds();
    let before = std::fs::read(home.file("peers")).unwrap();
    let on = |magic: &str, call: &[&str]| {
        // f_type is the first field, a long in the order of this machine
        let bytes: Vec<_> =
            (0..8).map(|at| magic.get(at * 2..at * 2 + 2).unwrap_or("00")).collect();
        let value = bytes.concat();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fstatfs"]);
        strace.args(["-e", &format!("inject=fstatfs:poke_exit=@arg2={value}")]);
        strace.arg(P2P).args(call).env_clear().env("PATH", "/usr/bin:/bin");
        strace.env("P2P_HOME", home.path()).env("P2P_NAME", "me");
        outcome(&mut strace, None)
    };
    if cfg!(target_endian = "big") {
        skipped!("the numbers are written for little endian");
        return;
    }
    // ext4, as most are
    on("53ef", &["peers"]).fails(0, "");
    let mut refused = 0;
    for (name, magic) in NETWORKS {
        for call in [
            &["peers"][..],
            &["peers", "add", "x", "10.0.0.2:1"],
            &["listen", "-t", "1s", "-p", "0"],
            &["log"],
        ] {
            let said = on(magic, call);
            assert_eq!(said.status.code(), Some(8), "{name}: {}", said.report());
            assert!(
                said.stderr.contains("it is on a network file system, where locks are not safe"),
                "{}",
                said.report()
            );
            refused += 1;
        }
    }
    assert_eq!(std::fs::read(home.file("peers")).unwrap(), before, "nothing was written");
    home.configure("[state]\nallow_network = true\n");
    on("6969", &["peers", "add", "x", "10.0.0.2:1"]).fails(0, "");
    figures!("{} network file systems, {refused} calls refused, 1 allowed", NETWORKS.len());
}
