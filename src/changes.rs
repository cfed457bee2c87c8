//! Waits until something in a directory changes, as the kernel tells it, or nobody reads our output any more.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::exit::{Code, Failure};
use crate::ui::wait_for_reader_gone;

/// Some file systems tell nothing; then we look ourselves, this often.
const LOOK_AFTER: Duration = Duration::from_secs(5);

/// News of a directory.
#[derive(Debug)]
pub struct Changes {
    news: Receiver<News>,
    // it tells for as long as it lives
    _watcher: RecommendedWatcher,
}

enum News {
    Changed,
    /// Nobody reads our output any more.
    ReaderGone,
}

impl Changes {
    /// Watches a directory.
    pub fn watch(path: &Path) -> Result<Self, Failure> {
        let (tell, news) = channel();
        let changed = tell.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // reading is no change, and we read because of what we are told
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = changed.send(News::Changed);
            }
        });
        let watched = watcher.and_then(|mut watcher| {
            watcher.watch(path, RecursiveMode::NonRecursive).map(|()| watcher)
        });
        let watcher = watched.map_err(|error| {
            Failure::new(Code::State, format!("cannot watch {}: {error}", path.display()))
        })?;
        watch_reader(tell);
        Ok(Self { news, _watcher: watcher })
    }

    /// Waits for a change; false if nobody reads our output any more.
    pub fn wait(&mut self) -> bool {
        let first = self.news.recv_timeout(LOOK_AFTER);
        // one look is enough for all of them
        let more = self.news.try_iter().any(|news| matches!(news, News::ReaderGone));
        !more && !matches!(first, Ok(News::ReaderGone) | Err(RecvTimeoutError::Disconnected))
    }
}

/// An idle reader that goes away ends us, too (`p2p log -f | head -1`).
fn watch_reader(tell: Sender<News>) {
    let wait = move || {
        wait_for_reader_gone();
        let _ = tell.send(News::ReaderGone);
    };
    // without the thread the next line finds it out
    let _ = thread::Builder::new().name("output-watch".into()).spawn(wait);
}
