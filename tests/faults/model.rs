//! The state against a model in memory, with random interleavings, kills and strange editors.
//!
//! `rules` says a second time, and in another way, who may change whom; `file` reads the peers file by itself; `book`
//! and `history` hold the library against them, `processes` the real program.

mod book;
mod file;
mod history;
mod processes;
mod rules;

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use tempfile::TempDir;

use crate::report::lasting;

/// The variable that repeats a run.
const SEED: &str = "P2P_FAULTS_SEED";

/// What a random run begins with: what [`SEED`] says, else another number each time.
fn seed() -> u64 {
    match std::env::var(SEED) {
        Ok(text) => text.parse().unwrap(),
        Err(_) => fastrand::u64(..),
    }
}

/// What a model test has done.
struct Done {
    seed: u64,
    cases: u64,
    steps: u64,
    time: Duration,
}

/// Tries so many lists of steps, and more for as long as is wanted; panics with the shortest list that fails.
fn try_all<S>(
    cases: u32,
    steps: S,
    try_one: impl Fn(&[<S::Value as IntoIterator>::Item]) -> Result<(), String>,
) -> Done
where
    S: Strategy,
    S::Value: IntoIterator + AsRef<[<S::Value as IntoIterator>::Item]>,
{
    let (seed, start) = (seed(), Instant::now());
    let (tried, stepped) = (Cell::new(0), Cell::new(0));
    for round in 0.. {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.wrapping_add(round).to_le_bytes());
        let config = Config {
            cases,
            failure_persistence: None,
            // a shorter list is worth a minute, not an hour
            max_shrink_iters: 3000,
            ..Config::default()
        };
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let tried = TestRunner::new_with_rng(config, random).run(&steps, |steps| {
            tried.set(tried.get() + 1);
            stepped.set(stepped.get() + steps.as_ref().len() as u64);
            try_one(steps.as_ref()).map_err(TestCaseError::fail)
        });
        match tried {
            Ok(()) => {}
            Err(TestError::Fail(why, steps)) => {
                panic!("{why}\n{SEED}={seed}, the shortest that fails: {steps:#?}");
            }
            Err(error) => panic!("{error}"),
        }
        if start.elapsed() >= lasting(Duration::ZERO) {
            break;
        }
    }
    Done { seed, cases: tried.get(), steps: stepped.get(), time: start.elapsed() }
}

/// A directory in memory where there is one: a model syncs its files thousands of times, and cuts no power.
fn quick_home() -> TempDir {
    const MEMORY: &str = "/dev/shm";
    tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir()).unwrap()
}

/// Writes a file that is ours alone, where it is.
fn write_ours(path: &Path, bytes: &[u8]) {
    let mut open = OpenOptions::new();
    let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(bytes).unwrap();
}
