//! The end of a listener: what stops it, what is still waited for, and what that comes to.

use std::future::pending;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::config::Time;
use crate::event::Event;
use crate::exit::{Code, Exit, Failure};
use crate::home::Home;
use crate::hooks::runner::Runner;
use crate::listener::MAX_DRAIN;
use crate::recorder::{Over, Recording, unexpected};
use crate::signals::First;
use crate::ui::wait_for_reader_gone;

/// Time for the last messages to be written, however long the connections have taken to end.
const MIN_FINISH: Duration = Duration::from_millis(100);

/// A wait that is longer is explained to the person who has to wait.
const TELL_AFTER: Duration = Duration::from_millis(300);

/// How long after their deadline the hooks may still be dying.
const MAX_HOOKS_END: Duration = Duration::from_secs(1);

/// Why a listener stops.
pub(super) enum Reason {
    Signal(&'static str),
    Enough,
    TimeOver,
    OutputClosed,
    Failed(Failure),
}

/// Waits for the first reason to stop.
pub(super) async fn wait_for_reason(
    signal: First,
    over: oneshot::Receiver<Over>,
    ends: Option<Instant>,
) -> Reason {
    let time_over = async {
        match ends {
            Some(ends) => sleep_until(ends).await,
            None => pending().await,
        }
    };
    tokio::select! {
        signal = signal.caught() => Reason::Signal(signal.name),
        over = over => match over {
            Ok(Over::Enough) => Reason::Enough,
            Ok(Over::OutputClosed) => Reason::OutputClosed,
            Ok(Over::Failed(failure)) => Reason::Failed(failure),
            Err(_) => Reason::Failed(unexpected()),
        },
        () = time_over => Reason::TimeOver,
        () = output_closed() => Reason::OutputClosed,
    }
}

/// Completes when the reader of our output is gone, also while nothing arrives (`p2p listen | head -1`).
async fn output_closed() {
    let (gone, told) = oneshot::channel();
    // the thread waits in the kernel for as long as we live
    let watcher = std::thread::Builder::new().name("output-watch".into()).spawn(move || {
        wait_for_reader_gone();
        let _ = gone.send(());
    });
    if watcher.is_err() || told.await.is_err() {
        pending::<()>().await;
    }
}

/// The output takes nothing any more.
pub(super) struct Stuck;

/// Waits for what is already with the recorder; gives what went wrong with it.
pub(super) async fn finish(
    recorder: Recording,
    deadline: Instant,
) -> Result<Option<Failure>, Stuck> {
    let joined = tokio::task::spawn_blocking(move || recorder.join());
    let limit = deadline.max(Instant::now() + MIN_FINISH);
    timeout_at(limit, joined).await.map_err(|_| Stuck)?.map_err(|_| Stuck)
}

/// Waits for the hooks. A listener that has what it wanted lets them take their time, until a signal says otherwise.
pub(super) async fn finish_hooks(
    home: &Home,
    hooks: &mut Runner,
    reason: &Reason,
    signal: First,
    deadline: Instant,
    is_stuck: bool,
) {
    let deadline = match reason {
        // with a stuck output nobody tells them that there is no more to come
        Reason::Enough | Reason::TimeOver if !is_stuck => tokio::select! {
            _ = hooks.finish() => return,
            _ = signal.caught() => Instant::now() + MAX_DRAIN,
        },
        _ => deadline.max(Instant::now()),
    };
    hooks.stop_by(deadline);
    let left = match timeout(TELL_AFTER, hooks.finish()).await {
        Ok(left) => left,
        Err(_) => {
            home.ui.talk("waiting for hooks; a second signal ends them at once");
            // who is still there then is ended with the listener
            timeout_at(deadline + MAX_HOOKS_END, hooks.finish()).await.unwrap_or(0)
        }
    };
    if left > 0 {
        let what = "hooks that were not run any more";
        home.ui.warn(format!("{what}: {left}; `p2p log` has the messages"));
    }
}

/// What the end of a listener means.
pub(super) fn stopped(
    home: &Home,
    (count, time): (Option<u64>, Option<Time>),
    reason: Reason,
    messages: u64,
    is_stuck: bool,
) -> Result<Exit, Failure> {
    let word = match &reason {
        Reason::Signal(word) => word,
        Reason::Enough => "count",
        Reason::TimeOver => "timeout",
        // nobody is there to read it
        Reason::OutputClosed => return Ok(Exit::Done),
        Reason::Failed(_) => "error",
    };
    if let Reason::Failed(failure) = reason {
        return Err(failure);
    }
    // an output that is stuck takes no last line either
    if !is_stuck {
        home.ui.event(&Event::Stopped { reason: word, messages })?;
    }
    home.ui.talk(format!("stopped by {word}, messages received: {messages}"));
    let (Reason::TimeOver, Some(time)) = (reason, time) else { return Ok(Exit::Done) };
    match count {
        Some(count) if messages < count => {
            let message = match messages {
                0 => format!("no message came within {time}"),
                _ => format!("only {messages} of {count} messages came within {time}"),
            };
            if is_stuck {
                // its object could not be written either
                home.ui.warn(message);
                return Ok(Exit::Unconfirmed);
            }
            Err(Failure::new(Code::Timeout, message))
        }
        None if messages == 0 && is_stuck => Ok(Exit::Nothing),
        None if messages == 0 => home.ui.nothing(format!("nothing came within {time}")),
        _ => Ok(Exit::Done),
    }
}
