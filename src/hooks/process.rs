//! One hook as a process: fed, listened to, and ended whole when its time is over.
//!
//! It gets a process group of its own, and everything that it leaves in that group belongs to it: the hook is over when
//! nothing of the group is left. What moves into a session of its own (`setsid`) is no longer a hook.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::output::Output;
use super::rules::Job;
use crate::arrived::From;
use crate::codec::frame::{MAX_REPLY_BYTES, ReplyEnd};
use crate::event::{Event, milliseconds, rfc3339};
use crate::inbox::Reply;
use crate::limits::HookLimits;
use crate::system::process::{Group, shell, signal_in};

/// From the polite request to end until the end.
pub const KILL_AFTER: Duration = Duration::from_secs(2);

/// How long what was killed may still be there, for a process that the kernel cannot end at once.
const MAX_DYING: Duration = Duration::from_secs(1);

/// How often it is looked whether anything of a group is left.
const POLL: Duration = Duration::from_millis(20);

/// How long a hook's last output is waited for once the hook has ended.
const SETTLE: Duration = Duration::from_millis(50);

/// What all hooks of a listener share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Where what they print goes, and what becomes of them.
    pub output: Output,
    /// What they may cost.
    pub limits: HookLimits,
    /// The environment that they start from.
    pub environment: Arc<[(OsString, OsString)]>,
    /// Those that run.
    pub groups: Groups,
    /// When all of them have to end, once that is known.
    pub stop: watch::Receiver<Option<Instant>>,
}

/// How a hook ended.
struct Ended {
    /// What its shell ended with.
    status: ExitStatus,
    /// Whether that was our doing, because its time was over.
    timeout: bool,
    /// How long it ran.
    time: Duration,
}

/// The process groups of the hooks that run.
#[derive(Clone, Debug, Default)]
pub struct Groups(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    groups: BTreeSet<Group>,
    /// Whether nothing may run any more.
    over: bool,
}

/// The process group of one hook, entered among the others until this is dropped.
struct Entered {
    group: Group,
    groups: Groups,
}

/// How far the end of a hook has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Runs,
    Asked,
    Killed,
}

/// Runs a hook until nothing of it is left; what has become of it is reported when its shell has ended.
pub async fn run(mut job: Job, shared: Shared) -> io::Result<()> {
    let start = Instant::now();
    let mut reply = job.reply.take();
    let mut child = match spawn(&job, &shared) {
        Ok(child) => child,
        Err(error) => {
            // whoever waits for it may be gone
            let _ = reply.map(|reply| reply.send(Reply::failed("not_run")));
            return Err(error);
        }
    };
    let Some(entered) = shared.groups.enter(&child) else { return Ok(()) };
    let group = entered.group;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let text = job.input();
    let shown = Shown {
        output: &shared.output,
        room: AtomicUsize::new(shared.limits.output_bytes),
        cut: AtomicBool::new(false),
        for_reply: reply.is_some().then(Mutex::default),
    };
    let streams = async {
        tokio::join!(
            async {
                if let Some(mut input) = input {
                    // a hook need not read
                    let _ = input.write_all(&text).await;
                }
            },
            async {
                match &shown.for_reply {
                    Some(kept) => keep(output, kept).await,
                    None => shown.pass_on(output).await,
                }
            },
            shown.pass_on(errors),
        );
    };
    tokio::pin!(streams);
    let mut streamed = false;
    let mut stop = shared.stop.clone();
    let (mut stage, mut stage_ends) = (Stage::Runs, start + shared.limits.time);
    let mut runs = true;
    loop {
        let wake = if runs { stage_ends } else { stage_ends.min(Instant::now() + POLL) };
        if stage == Stage::Runs
            && let Some(stop) = *stop.borrow_and_update()
        {
            stage_ends = stage_ends.min(stop);
        }
        tokio::select! {
            status = child.wait(), if runs => {
                if !streamed && timeout(SETTLE, &mut streams).await.is_ok() {
                    streamed = true;
                }
                let ended = Ended {
                    status: status?,
                    timeout: stage != Stage::Runs,
                    time: start.elapsed(),
                };
                runs = false;
                if let (Some(reply), Some(kept)) = (reply.take(), &shown.for_reply) {
                    // whoever waits for it may be gone
                    let _ = reply.send(replied(&ended, &mut lock(kept)));
                }
                report(&shared.output, &job, ended).await;
            }
            () = &mut streams, if !streamed => streamed = true,
            () = sleep_until(wake.min(stage_ends)) => {}
            Ok(()) = stop.changed() => continue,
        }
        if !runs && !group.is_alive_after_its_shell() {
            return Ok(());
        }
        if Instant::now() < stage_ends {
            continue;
        }
        (stage, stage_ends) = match stage {
            Stage::Runs => {
                group.ask_to_end();
                (Stage::Asked, Instant::now() + KILL_AFTER)
            }
            Stage::Asked => {
                group.kill();
                (Stage::Killed, Instant::now() + MAX_DYING)
            }
            Stage::Killed => return Ok(()),
        };
    }
}

/// What goes back to the sender.
fn replied(ended: &Ended, kept: &mut Vec<u8>) -> Reply {
    let end = match ended.status.code() {
        _ if ended.timeout => ReplyEnd::Failed("timeout".into()),
        _ if kept.len() > MAX_REPLY_BYTES => ReplyEnd::Failed("too_long".into()),
        Some(status) => ReplyEnd::Status(status),
        None => ReplyEnd::Failed("killed".into()),
    };
    let mut output = std::mem::take(kept);
    output.truncate(MAX_REPLY_BYTES);
    Reply { end, output }
}

/// Keeps what a hook prints for its sender, and one byte more than may go, to know that there was more.
async fn keep(stream: Option<impl AsyncRead + Unpin>, kept: &Mutex<Vec<u8>>) {
    let Some(mut stream) = stream else { return };
    let mut chunk = [0; 8192];
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        let mut kept = lock(kept);
        let room = (MAX_REPLY_BYTES + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..count.min(room)]);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn report(output: &Output, job: &Job, ended: Ended) {
    let (status, signal) = (ended.status.code(), signal_in(ended.status));
    let run = &job.run;
    let trouble = match (status, signal) {
        _ if ended.timeout => Some("was not done in time and was ended".to_owned()),
        (Some(0), _) => None,
        (Some(status), _) => Some(format!("ended with status {status}")),
        (None, signal) => Some(format!("was ended by signal {}", signal.unwrap_or_default())),
    };
    if let Some(trouble) = trouble {
        output.warn(format!("the hook `{run}` {trouble}")).await;
    }
    let hook = Event::Hook {
        time: rfc3339(SystemTime::now()),
        on: job.on.word(),
        id: job.arrival.id.clone(),
        from: From::of(&job.arrival),
        run: run.to_string(),
        status,
        signal,
        timeout: ended.timeout,
        ms: milliseconds(ended.time),
    };
    output.event(hook).await;
}

fn spawn(job: &Job, shared: &Shared) -> io::Result<Child> {
    shell(&job.run)?
        .env_clear()
        .envs(shared.environment.iter().cloned())
        .envs(job.variables())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Passes on the output of a hook, so much of it as there is room for, and reads past the rest.
struct Shown<'a> {
    output: &'a Output,
    room: AtomicUsize,
    cut: AtomicBool,
    /// Its stdout, if that goes to the sender instead.
    for_reply: Option<Mutex<Vec<u8>>>,
}

impl Shown<'_> {
    async fn pass_on(&self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(mut stream) = stream else { return };
        let mut chunk = [0; 8192];
        let mut line = Vec::new();
        while let Ok(count @ 1..) = stream.read(&mut chunk).await {
            let room = self.room.load(Ordering::Relaxed);
            let taken = count.min(room);
            for part in chunk[..taken].split_inclusive(|&byte| byte == b'\n') {
                line.extend_from_slice(part);
                if line.last() == Some(&b'\n') {
                    line.pop();
                    self.output.line(std::mem::take(&mut line)).await;
                }
            }
            // past the limit: once it has said so it is silent
            let is_cut = count > room && !self.cut.swap(count > room, Ordering::Relaxed);
            if is_cut {
                self.output.line(std::mem::take(&mut line)).await;
                let warning = "a hook prints too much; the rest of it is not shown";
                self.output.warn(warning.to_owned()).await;
            }
            self.room.store(room - taken, Ordering::Relaxed);
        }
        if !line.is_empty() {
            self.output.line(line).await;
        }
    }
}

impl Groups {
    fn enter(&self, child: &Child) -> Option<Entered> {
        let group = Group::of(child)?;
        let mut running = self.lock();
        if running.over {
            group.kill();
            return None;
        }
        running.groups.insert(group);
        Some(Entered { group, groups: self.clone() })
    }

    /// Ends all of them at once, and what is still to be started.
    pub fn kill(&self) {
        let mut running = self.lock();
        running.over = true;
        std::mem::take(&mut running.groups).into_iter().for_each(Group::kill);
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.groups.lock().groups.remove(&self.group);
    }
}
