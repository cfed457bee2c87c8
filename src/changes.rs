//! Waits until something in a directory changes, as the kernel tells it, or nobody reads our output any more.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::ui::wait_for_reader_gone;

/// Some file systems tell nothing, and the kernel watches only so many directories; then we look ourselves, this often.
const LOOK_AFTER: Duration = Duration::from_secs(2);

/// News of a directory.
#[derive(Debug)]
pub struct Changes {
    // one is enough for any number of changes
    news: Receiver<()>,
    reader_gone: Arc<AtomicBool>,
    // it tells for as long as it lives
    _watcher: Option<RecommendedWatcher>,
}

impl Changes {
    /// Watches a directory.
    pub fn watch(path: &Path) -> Self {
        let (tell, news) = sync_channel(1);
        let changed = tell.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // reading is no change, and we read because of what we are told
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = changed.try_send(());
            }
        });
        let watcher = watcher.and_then(|mut watcher| {
            watcher.watch(path, RecursiveMode::NonRecursive).map(|()| watcher)
        });
        let reader_gone = Arc::default();
        watch_reader(tell, Arc::clone(&reader_gone));
        Self { news, reader_gone, _watcher: watcher.ok() }
    }

    /// Waits for a change; false if nobody reads our output any more.
    pub fn wait(&mut self) -> bool {
        let told = self.news.recv_timeout(LOOK_AFTER);
        if told == Err(RecvTimeoutError::Disconnected) {
            // nobody tells us anything any more
            thread::sleep(LOOK_AFTER);
        }
        !self.reader_gone.load(Ordering::Acquire)
    }
}

/// An idle reader that goes away ends us, too (`p2p log -f | head -1`).
fn watch_reader(tell: SyncSender<()>, reader_gone: Arc<AtomicBool>) {
    let wait = move || {
        wait_for_reader_gone();
        reader_gone.store(true, Ordering::Release);
        let _ = tell.try_send(());
    };
    // without the thread the next line finds it out
    let _ = thread::Builder::new().name("output-watch".into()).spawn(wait);
}
