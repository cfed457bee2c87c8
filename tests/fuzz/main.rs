//! Everything that reads foreign bytes, with millions of mutated inputs, in the ordinary test run.
//!
//! What has to hold is in `properties`, how inputs are made in `mutation`. With coverage as their guide the same properties are
//! run by the programs in `fuzz/`, which also has the inputs that are kept; all of those are read here first.
//!
//! `P2P_FUZZ_SEED` makes other inputs, `P2P_FAULTS_FOR=10m` more of them, `P2P_FUZZ_TARGET` those of one target. One input alone,
//! of which a target made a finding:
//!
//! ```text
//! P2P_FUZZ_TARGET=plain P2P_FUZZ_INPUT=file cargo test --test fuzz one_input
//! ```

#![expect(unreachable_pub, reason = "what a test has is public to its other files")]
#![expect(clippy::unwrap_used, reason = "a test that fails says so")]

#[path = "../faults/report.rs"]
#[macro_use]
mod report;

mod corpus;
mod mutation;
mod properties;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;

use crate::mutation::Mutator;
use crate::properties::{TARGETS, Target};
use crate::report::lasting;

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// One at a time: what one test keeps in memory is no matter of the other's, and each has all cores.
static ALONE: Mutex<()> = Mutex::new(());

/// Inputs of this seed, unless `P2P_FUZZ_SEED` says another one.
const SEED: u64 = 8;

/// A longer input comes only in the test of large ones: a parser that is fast gets more of the small ones.
const MAX_INPUT_BYTES: usize = 2048;

/// How long an input takes at most that is as long as one may be, with nothing optimised and others at work.
const MAX_TIME: Duration = Duration::from_secs(20);

/// The largest input: what is taken of one message in a session.
const LARGE_BYTES: usize = 1024 * 1024;

/// The targets that are asked for: all of them, or the one that `P2P_FUZZ_TARGET` names.
fn targets() -> Vec<Target> {
    let only = std::env::var("P2P_FUZZ_TARGET").ok();
    let is_meant = |target: &Target| only.as_ref().is_none_or(|only| only == target.name);
    let targets: Vec<_> = TARGETS.into_iter().filter(is_meant).collect();
    assert!(!targets.is_empty(), "no target has this name");
    targets
}

fn seed() -> u64 {
    std::env::var("P2P_FUZZ_SEED").map_or(SEED, |text| text.parse().unwrap())
}

/// Runs one input; a finding is said so that it can be repeated.
fn run(target: &Target, input: &[u8], from: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.check)(input))) {
        let hex: String = input.iter().take(8192).map(|byte| format!("{byte:02x}")).collect();
        let escaped = input[..input.len().min(8192)].escape_ascii();
        let name = target.name;
        // where no test runner hides it
        let _ = writeln!(
            std::io::stderr(),
            "finding of {name}, {from}, {} bytes:\n{hex}\n{escaped}\nto repeat it, with these bytes in FILE: \
             P2P_FUZZ_TARGET={name} P2P_FUZZ_INPUT=FILE cargo test --test fuzz one_input",
            input.len()
        );
        std::panic::resume_unwind(panic);
    }
}

/// How far one thread came with one target.
#[derive(Clone, Copy, Default)]
struct Done {
    executions: u64,
    time: Duration,
}

/// One thread's part: each target in turn, for its share of the time.
fn fuzz(thread: u64, lasts: Duration, has_finding: &AtomicBool) -> Vec<Done> {
    let targets = targets();
    let shares: u32 = targets.iter().map(|target| target.share).sum();
    let mut done = Vec::new();
    for (number, target) in (0..).zip(&targets) {
        let seed = seed().wrapping_mul(1_000_003) ^ (number << 32) ^ (thread << 48);
        let mut mutator = Mutator::new(seed, corpus::seeds_of(target.name), MAX_INPUT_BYTES);
        let (start, time) = (Instant::now(), lasts * target.share / shares);
        let mut executions = 0;
        while start.elapsed() < time && !has_finding.load(Ordering::Relaxed) {
            for _ in 0..64 {
                let input = mutator.next();
                run(
                    target,
                    input,
                    &format_args!("seed {seed}, execution {executions}").to_string(),
                );
                executions += 1;
            }
        }
        done.push(Done { executions, time: start.elapsed() });
    }
    done
}

#[test]
fn no_mutated_input_breaks_what_holds() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let lasts = lasting(Duration::from_secs(if cfg!(debug_assertions) { 12 } else { 30 }));
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let has_finding = AtomicBool::new(false);
    let worker = |number| {
        let done = catch_unwind(AssertUnwindSafe(|| fuzz(number, lasts, &has_finding)));
        has_finding.fetch_or(done.is_err(), Ordering::Relaxed);
        done.ok()
    };
    let start = Instant::now();
    let done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|n| scope.spawn(move || worker(n))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert!(done.iter().all(Option::is_some), "a finding with P2P_FUZZ_SEED={}: see above", seed());
    let mut all = 0;
    for (number, target) in targets().iter().enumerate() {
        let of_all = done.iter().flatten().map(|done| done[number]);
        let executions: u64 = of_all.clone().map(|done| done.executions).sum();
        let time: Duration = of_all.map(|done| done.time).sum();
        let each = time.as_secs_f64() * 1e6 / executions.max(1) as f64;
        detail!("{}: {executions} executions, {each:.1} µs each", target.name);
        assert!(executions > 0, "{} was not run", target.name);
        all += executions;
    }
    let (seed, time) = (seed(), start.elapsed().as_secs_f64());
    figures!("{all} executions of {} targets in {time:.0} s, seed {seed}", targets().len());
}

#[test]
fn every_kept_input_holds() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut count = 0;
    for target in &targets() {
        let kept = corpus::kept(target.name);
        assert!(!kept.is_empty(), "fuzz/corpus/{} has nothing", target.name);
        for (name, input) in &kept {
            run(target, input, name);
        }
        count += kept.len();
        // what is foreign to one is foreign to all: the other's inputs as well
        corpus::captured().iter().for_each(|input| run(target, input, "the captured wire"));
    }
    figures!("{count} kept inputs, {} captured ones for each target", corpus::captured().len());
}

#[test]
fn one_input() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(file) = std::env::var_os("P2P_FUZZ_INPUT") else {
        // nothing was asked for: an empty input is one, too
        TARGETS.iter().for_each(|target| run(target, b"", "nothing"));
        return;
    };
    let input = std::fs::read(&file).unwrap();
    targets().iter().for_each(|target| run(target, &input, &file.to_string_lossy()));
}

#[test]
fn large_inputs_take_neither_the_stack_nor_the_memory_nor_the_time() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut slowest = (Duration::ZERO, String::new());
    for target in &targets() {
        // what is made once
        (target.check)(b"x");
        let (mut most, mut what) = (0.0, String::new());
        for (name, input) in mutation::large(LARGE_BYTES, &corpus::seeds_of(target.name)) {
            let before = PEAK.current_usage();
            PEAK.reset_peak_usage();
            let start = Instant::now();
            run(target, &input, &name);
            let (time, used) = (start.elapsed(), PEAK.peak_usage().saturating_sub(before));
            assert!(time < MAX_TIME, "{}: {name} took {time:?}", target.name);
            if time > slowest.0 {
                slowest = (time, format!("{} with {name}", target.name));
            }
            let times = used as f64 / input.len() as f64;
            let bound = target.memory * input.len() + target.beside;
            assert!(used <= bound, "{}: {name} takes {times:.0} times its bytes", target.name);
            if times > most {
                (most, what) = (times, name);
            }
        }
        detail!("{}: at most {most:.1} times its bytes ({what})", target.name);
    }
    figures!("slowest: {:.0} ms, {}", slowest.0.as_secs_f64() * 1e3, slowest.1);
}
