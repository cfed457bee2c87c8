//! Who is told of our peers, and of which.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::book::PeerBook;
use crate::hearsay::Acquaintance;
use crate::key::PublicKey;
use crate::state::peers_file::PeersFile;
use crate::trust::Share;

/// The list is made anew only after this time: callers that ask without pause cost a look at it, not the sorting of ten
/// thousand peers (3 ms) each time.
const LASTS: Duration = Duration::from_millis(200);

/// What others are told when they ask.
#[derive(Debug)]
pub struct Shared {
    share: Share,
    made: Option<(Instant, Arc<[Acquaintance]>)>,
}

impl Shared {
    /// For these.
    pub fn new(share: Share) -> Self {
        Self { share, made: None }
    }

    /// The peers that who has this key is told of, if he is.
    pub(super) fn for_key(
        &mut self,
        key: Option<PublicKey>,
        peers: &mut PeersFile,
        now: Instant,
    ) -> Option<Arc<[Acquaintance]>> {
        if !self.allows(key?, peers.book()) {
            // a person may have given the key since we looked
            peers.reload();
            if !self.allows(key?, peers.book()) {
                return None;
            }
        }
        let is_over = |made: Instant| now.saturating_duration_since(made) >= LASTS;
        Some(match &self.made {
            Some((made, list)) if !is_over(*made) => Arc::clone(list),
            _ => {
                // other commands write to the file as well
                peers.reload();
                let list: Arc<[_]> = peers.book().acquaintances(SystemTime::now()).into();
                self.made = Some((now, Arc::clone(&list)));
                list
            }
        })
    }

    fn allows(&self, key: PublicKey, book: &PeerBook) -> bool {
        match self.share {
            Share::Any => true,
            Share::Trusted => book.iter().any(|p| p.is_trusted() && p.key == Some(key)),
            Share::Nobody => false,
        }
    }
}
