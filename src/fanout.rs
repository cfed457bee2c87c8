//! One action over many peers: so many begin at once, each reported as it finishes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// An action that lasts longer only waits: for somebody who does not answer, or for the next try. It then makes room
/// for others, so that a hundred silent peers cost one time limit and not one for each batch.
pub const BEGINS_FOR: Duration = Duration::from_millis(250);

/// How many actions may be under way.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many begin at once.
    pub jobs: usize,
    /// How many there may be in all, those that wait included.
    pub open: usize,
}

/// Runs `action` for every target within these bounds, and hands each result to `done` in the order in which they
/// finish. Dropping the future ends what is under way.
pub async fn each<T, R, F>(
    targets: impl IntoIterator<Item = T>,
    bounds: Bounds,
    action: impl Fn(T) -> F,
    mut done: impl FnMut(R),
) where
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let jobs = Arc::new(Semaphore::new(bounds.jobs.max(1)));
    let open = bounds.open.max(1);
    let mut targets = targets.into_iter();
    let mut next = targets.next();
    let mut running = JoinSet::new();
    while next.is_some() || !running.is_empty() {
        tokio::select! {
            biased;
            // no action panics; if one did, its target is missing from the report and the count shows it
            Some(joined) = running.join_next() => if let Ok(result) = joined { done(result) },
            Ok(job) = Arc::clone(&jobs).acquire_owned(), if next.is_some() && running.len() < open => {
                let Some(target) = next.take() else { continue };
                next = targets.next();
                let mut action = Box::pin(action(target));
                running.spawn(async move {
                    if let Ok(result) = timeout(BEGINS_FOR, &mut action).await {
                        return result;
                    }
                    drop(job);
                    action.await
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::time::{Instant, sleep};

    /// Runs so many actions, each of which takes so long; gives the results, the most at a time, and the time in all.
    async fn run(count: usize, bounds: Bounds, takes: Duration) -> (Vec<usize>, usize, Duration) {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut results = Vec::new();
        let start = Instant::now();
        let action = |number: usize| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(takes).await;
                now.fetch_sub(1, Ordering::SeqCst);
                number
            }
        };
        each(0..count, bounds, action, |number| results.push(number)).await;
        results.sort_unstable();
        (results, most.load(Ordering::SeqCst), start.elapsed())
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn every_target_is_done_once_and_never_more_than_the_jobs_begin_at_a_time() {
        let bounds = Bounds { jobs: 7, open: 1000 };
        let (results, most, _) = run(100, bounds, Duration::from_millis(10)).await;
        assert_eq!(results, (0..100).collect::<Vec<_>>());
        assert_eq!(most, 7);
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn those_that_wait_hold_up_nobody_until_there_are_too_many() {
        let silent = Duration::from_secs(5);
        let (results, most, time) = run(100, Bounds { jobs: 10, open: 1000 }, silent).await;
        assert_eq!((results.len(), most), (100, 100));
        assert!(time < silent + BEGINS_FOR * 11, "{time:?}");
        let (results, most, time) = run(100, Bounds { jobs: 10, open: 50 }, silent).await;
        assert_eq!((results.len(), most), (100, 50));
        assert!(time > silent * 2, "{time:?}");
    }
}
