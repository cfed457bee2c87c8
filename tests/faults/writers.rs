//! Writers that are killed at any moment: what a command has told to be done is there.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::report::lasting;
use crate::support::Home;

#[test]
fn eight_writers_that_are_killed_at_any_moment_lose_nothing_and_leave_nothing_behind() {
    const WRITERS: usize = 8;
    /// Of so many addresses, so that entries are changed and the file is folded.
    const ADDRESSES: u32 = 400;
    let end = Instant::now() + lasting(Duration::from_secs(10));
    let home = Home::new("me");
    home.run(["id"]).succeeds();
    let (next, kills) = (AtomicU32::new(0), AtomicU32::new(0));
    // an address with the tags that were told to be there
    let told = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                while Instant::now() < end {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let (address, tag) = (
                        format!("10.0.0.1:{}", 1 + number % ADDRESSES),
                        format!("t{}", number / ADDRESSES),
                    );
                    let mut command = home.command();
                    command.args(["peers", "add", &format!("p{}", number % ADDRESSES), &address]);
                    command.args(["--tag", &tag]).stdout(Stdio::null()).stderr(Stdio::piped());
                    let start = Instant::now();
                    let mut child = command.spawn().unwrap();
                    // as long as such a command lasts, and somewhat longer
                    let life = Duration::from_micros(fastrand::u64(500..30_000));
                    while start.elapsed() < life && child.try_wait().unwrap().is_none() {
                        std::thread::sleep(Duration::from_micros(200));
                    }
                    // one that has ended is not killed
                    child.kill().unwrap();
                    let outcome = child.wait_with_output().unwrap();
                    match outcome.status.code() {
                        Some(0) => drop(told.lock().unwrap().insert((address, tag))),
                        Some(_) => panic!("{}", String::from_utf8_lossy(&outcome.stderr)),
                        None => drop(kills.fetch_add(1, Ordering::Relaxed)),
                    }
                }
            });
        }
    });
    let told = told.into_inner().unwrap();
    let kills = kills.into_inner();
    // what is left of a fold that was killed is in the place of the next one, and gone with it
    let folds = (0..1000).map(|number| format!("10.0.0.2:{}", 1 + number % 2));
    for address in folds.take_while(|_| home.file("peers.tmp").exists()) {
        home.run(["peers", "add", "folds", &address]).succeeds();
    }
    let listed = home.json(&["peers"]);
    let has = |address: &str, tag: &str| {
        let peer = listed.iter().find(|peer| peer["addr"] == address);
        peer.is_some_and(|peer| peer["tags"].as_array().unwrap().iter().any(|other| other == tag))
    };
    let lost = told.iter().filter(|(address, tag)| !has(address, tag)).count();
    figures!("{} updates told to be done, {kills} writers killed, {lost} updates lost", told.len());
    assert_eq!(lost, 0);
    assert!(told.len() > 50 && kills > 50, "{} told, {kills} kills", told.len());
    assert_eq!(home.run(["peers"]).stderr, "", "nothing is damaged");
    let mut left: Vec<_> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["key", "key.lock", "peers", "peers.lock"]);
}
