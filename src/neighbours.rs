//! What a listener says to the peers around it: that it is here, and that it goes.

use std::time::{Duration, SystemTime};

use tokio::time::timeout;

use crate::exit::Failure;
use crate::home::Home;
use crate::outreach;
use crate::peer::{ACTIVE_FOR, Peer};
use crate::report::Errand;

/// Time for saying goodbye to all peers together.
const MAX_GOODBYE: Duration = Duration::from_secs(2);

/// The peers that the configuration lists, without ourselves.
pub fn static_peers(home: &Home) -> Vec<Peer> {
    let peers = home.peers.book().iter().filter(|p| p.configured);
    peers.filter(|p| !home.is_self(&p.address)).cloned().collect()
}

/// Greets the static peers while we already receive.
pub async fn greet(mut home: Home) {
    match outreach::run_quietly(&home, static_peers(&home), &Errand::Connect).await {
        Ok(reports) => {
            for report in &reports {
                let answer = if report.result.is_ok() { "answers" } else { "does not answer" };
                home.ui.talk(format!("{} {answer}", report.peer.label()));
            }
            // the lock may have to be waited for, and the listener must not wait with us
            tokio::task::spawn_blocking(move || outreach::note(&mut home, &reports, true));
        }
        Err(failure) => home.ui.warn(failure.context("cannot greet the static peers")),
    }
}

/// Tells the peers that know us. Only those that were verified: a claim must not make us connect anywhere.
pub async fn say_goodbye(home: &Home) -> Result<(), Failure> {
    let home = home.reopen()?;
    let now = SystemTime::now();
    let lately = |p: &Peer| p.age(now).is_some_and(|age| age <= ACTIVE_FOR);
    let mut peers = home.all_peers();
    peers.retain(|peer| peer.verified && !peer.unanswered && lately(peer));
    if !peers.is_empty() {
        // those that cannot be told in time will find out
        let _ = timeout(MAX_GOODBYE, outreach::run_quietly(&home, peers, &Errand::Exit)).await;
    }
    Ok(())
}
