//! One action over many peers: so many at once, each reported as it finishes.

use tokio::task::JoinSet;

/// Runs `action` for every target, at most `jobs` at a time, and hands each result to `done` in the order in which
/// they finish. One silent target keeps one place for its own time limit and holds up nobody.
pub async fn each<T, R, F>(
    targets: impl IntoIterator<Item = T>,
    jobs: usize,
    action: impl Fn(T) -> F,
    mut done: impl FnMut(R),
) where
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let mut targets = targets.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < jobs.max(1) {
            let Some(target) = targets.next() else { break };
            running.spawn(action(target));
        }
        match running.join_next().await {
            Some(Ok(result)) => done(result),
            // no action panics; if one did, its target is missing from the report and the count shows it
            Some(Err(_)) => {}
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(flavor = "current_thread")]
    async fn every_target_is_done_once_and_never_more_than_the_jobs_at_a_time() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut results = Vec::new();
        let action = |number: usize| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                number
            }
        };
        each(0..100, 7, action, |number| results.push(number)).await;
        results.sort_unstable();
        assert_eq!(results, (0..100).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), 7);
    }
}
