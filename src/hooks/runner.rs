//! Runs hooks, so many at once, in the order in which they came.
//!
//! It has a thread and a runtime of its own: a terminal that takes no output holds up hooks, not the listener.

use std::ffi::OsString;
use std::io;
use std::thread;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::output::Output;
use super::process::{self, Groups, KILL_AFTER, Shared};
use super::rules::Job;
use crate::limits::HookLimits;
use crate::ui::Ui;

/// The hooks of a listener that run or wait. Dropping it ends those that run at once.
#[derive(Debug)]
pub struct Runner {
    stop: watch::Sender<Option<Instant>>,
    ended: oneshot::Receiver<usize>,
    groups: Groups,
}

impl Runner {
    /// Starts the thread. It ends once nobody can send it jobs any more and all of them are done.
    pub fn start(
        ui: Ui,
        limits: HookLimits,
        environment: Vec<(OsString, OsString)>,
    ) -> io::Result<(Self, UnboundedSender<Job>)> {
        let (queue, jobs) = unbounded_channel();
        let (stop, stopping) = watch::channel(None);
        let (done, ended) = oneshot::channel();
        let groups = Groups::default();
        let (output, written) = Output::start(ui)?;
        let shared = Shared {
            output,
            limits,
            environment: environment.into(),
            groups: groups.clone(),
            stop: stopping,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("hooks".into()).spawn(move || {
            let left = runtime.block_on(work(jobs, shared));
            written.wait();
            // whoever waits for it may be gone
            let _ = done.send(left);
        })?;
        Ok((Self { stop, ended, groups }, queue))
    }

    /// Waits until all hooks are done; gives how many were not even started.
    pub async fn finish(&mut self) -> usize {
        (&mut self.ended).await.unwrap_or(0)
    }

    /// Has everything be over at this time: those that still run are asked to end shortly before.
    pub fn stop_by(&self, deadline: Instant) {
        let asked = deadline.checked_sub(KILL_AFTER).unwrap_or(deadline);
        self.stop.send_replace(Some(asked));
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop.send_replace(Some(Instant::now()));
        self.groups.kill();
    }
}

async fn work(mut jobs: UnboundedReceiver<Job>, shared: Shared) -> usize {
    let mut running = JoinSet::new();
    let mut stop = shared.stop.clone();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = running.join_next() => {}
            job = jobs.recv(), if running.len() < shared.limits.jobs => match job {
                Some(job) => drop(running.spawn(run(job, shared.clone()))),
                None => break,
            },
        }
    }
    jobs.close();
    let mut left = 0;
    while jobs.try_recv().is_ok() {
        left += 1;
    }
    // each of them ends within its own limits, and when it is time to stop
    while running.join_next().await.is_some() {}
    left
}

async fn stopped(stop: &mut watch::Receiver<Option<Instant>>) {
    loop {
        let at = *stop.borrow_and_update();
        tokio::select! {
            () = async { sleep_until(at.unwrap_or_else(Instant::now)).await }, if at.is_some() => return,
            changed = stop.changed() => if changed.is_err() {
                // the listener has gone without a word
                return;
            }
        }
    }
}

async fn run(job: Job, shared: Shared) {
    let output = shared.output.clone();
    let command = job.run.clone();
    if let Err(error) = process::run(job, shared).await {
        output.warn(format!("cannot run the hook `{command}`: {error}")).await;
    }
}

/// The environment of this process as a hook may have it: without what is meant for us or changes how a shell reads its
/// command, and with where our home is.
pub fn environment(home: Vec<(&'static str, OsString)>) -> Vec<(OsString, OsString)> {
    const OURS: [&str; 6] = [
        "NOTIFY_SOCKET",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        "WATCHDOG_USEC",
        "WATCHDOG_PID",
    ];
    const SHELL: [&str; 8] =
        ["ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "IFS", "CDPATH", "PS4", "GLOBIGNORE"];
    let is_meant = |name: &OsString| {
        let name = name.to_string_lossy();
        let prefixed = name.starts_with("P2P_") || name.starts_with("BASH_FUNC_");
        !prefixed && !OURS.contains(&&*name) && !SHELL.contains(&&*name)
    };
    let inherited = std::env::vars_os().filter(|(name, _)| is_meant(name));
    inherited.chain(home.into_iter().map(|(name, value)| (name.into(), value))).collect()
}
