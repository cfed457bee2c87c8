//! Looks again, now and then, for peers that have gone silent: a few at a time, each less and less often.
//!
//! One failure removes nobody. An observer that is late or cut off itself finds everybody silent, so it suspects itself
//! first (Dadgar, Phillips and Currey, "Lifeguard", 2018): what it fails to reach counts only if somebody else answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::address::Address;
use crate::exit::Failure;
use crate::home::Home;
use crate::outreach;
use crate::peer::{Peer, State};
use crate::report::{Errand, Report};
use crate::retry::jitter;
use crate::trouble::Trouble;

/// How many peers are looked for at a time: what a listener does beside its work must not be felt.
const MAX_AT_A_TIME: usize = 8;

/// How many are asked whether we are heard at all, if nobody else answers.
const WITNESSES: usize = 2;

/// The longest time between two looks for the same peer.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// How late we may be. Past that this machine was asleep or too busy, and its network may be, too.
const MAX_LATE: Duration = Duration::from_secs(2);

/// Looks for silent peers for as long as it is let.
pub async fn run(home: Home, every: Duration) {
    let (home, mut schedule, mut trouble) =
        (Arc::new(home), Schedule::default(), Trouble::default());
    loop {
        let (begun, pause) = (SystemTime::now(), every.mul_f64(jitter()));
        sleep(pause).await;
        // the wall clock goes on while a machine sleeps
        if begun.elapsed().is_ok_and(|elapsed| elapsed > pause + MAX_LATE) {
            continue;
        }
        if let Err(failure) = round(&home, &mut schedule, every).await {
            trouble.happens(&home.ui, failure.context("cannot look for silent peers"));
        }
    }
}

async fn round(home: &Arc<Home>, schedule: &mut Schedule, every: Duration) -> Result<(), Failure> {
    let (home, mut turns) = (Arc::clone(home), std::mem::take(schedule));
    // ten thousand peers take a while, and the listener must not wait for it
    let chosen = spawn_blocking(move || {
        let chosen = home.reopen().map(|home| (choose(&home, &mut turns, every), home));
        (chosen, turns)
    });
    let Ok((chosen, turns)) = chosen.await else { return Ok(()) };
    *schedule = turns;
    let ((silent, witnesses), mut home) = chosen?;
    if silent.is_empty() {
        return Ok(());
    }
    let mut reports = outreach::run_quietly(&home, silent, &Errand::Connect).await?;
    if !is_anybody_there(&reports) {
        reports.extend(outreach::run_quietly(&home, witnesses, &Errand::Connect).await?);
    }
    let counts = is_anybody_there(&reports);
    for report in reports.iter().filter(|report| report.result.is_ok()) {
        home.ui.talk(format!("{} answers", report.named().label()));
    }
    // the lock may have to be waited for
    let _ = spawn_blocking(move || outreach::note(&mut home, &reports, counts)).await;
    Ok(())
}

/// The silent peers whose turn it is, and who could say whether we are heard.
fn choose(home: &Home, schedule: &mut Schedule, every: Duration) -> (Vec<Peer>, Vec<Peer>) {
    let time = SystemTime::now();
    let peers: Vec<_> = home.peers.book().iter().collect();
    let mut silent = schedule.choose(&peers, every, Instant::now(), time);
    let mut witnesses = witnesses(&peers, time);
    silent.retain(|peer| !home.is_self(&peer.address));
    witnesses.retain(|peer| !home.is_self(&peer.address));
    (silent, witnesses)
}

fn is_anybody_there(reports: &[Report]) -> bool {
    reports.iter().any(|report| report.result.is_ok())
}

/// Those who were there last.
fn witnesses(peers: &[&Peer], now: SystemTime) -> Vec<Peer> {
    let is_there = |p: &&&Peer| p.state(now) == State::Active && is_sure(p);
    let mut there: Vec<_> = peers.iter().filter(is_there).map(|peer| (*peer).clone()).collect();
    there.sort_by_key(|peer| std::cmp::Reverse(peer.last_seen));
    there.truncate(WITNESSES);
    there
}

/// Whether it is called without anybody's command: only who has proved a key from where he is, or whom a person has given.
fn is_sure(peer: &Peer) -> bool {
    peer.is_given() || (peer.verified && peer.key.is_some())
}

/// When each silent peer was looked for, and when it will be.
#[derive(Debug, Default)]
struct Schedule(HashMap<Address, Turn>);

#[derive(Clone, Copy, Debug)]
struct Turn {
    looks: u32,
    next: Instant,
}

impl Schedule {
    /// The silent peers whose turn it is, the one first that was seen last.
    fn choose(
        &mut self,
        peers: &[&Peer],
        every: Duration,
        now: Instant,
        time: SystemTime,
    ) -> Vec<Peer> {
        let is_silent = |p: &&&Peer| p.state(time) == State::Stale && !p.is_hearsay() && is_sure(p);
        let mut silent: Vec<&Peer> = peers.iter().filter(is_silent).copied().collect();
        silent.sort_by_key(|peer| std::cmp::Reverse(peer.last_seen));
        let before = std::mem::take(&mut self.0);
        let mut chosen = Vec::new();
        for peer in silent {
            let turn = before.get(&peer.address).copied();
            let mut turn = turn.unwrap_or(Turn { looks: 0, next: now });
            if turn.next <= now && chosen.len() < MAX_AT_A_TIME {
                let pause = every.saturating_mul(1 << turn.looks.min(16)).min(LONGEST_PAUSE);
                turn = Turn { looks: turn.looks + 1, next: now + pause };
                chosen.push(peer.clone());
            }
            // who is no longer silent is not remembered
            self.0.insert(peer.address.clone(), turn);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hearsay::Hearsay;
    use crate::key::PublicKey;
    use crate::peer::Source;

    const EVERY: Duration = Duration::from_secs(60);

    fn peer(number: u16, source: Source, hours: u64) -> Peer {
        let seen = SystemTime::now() - Duration::from_secs(hours * 3600);
        Peer {
            verified: true,
            key: Some(PublicKey::new([1; 32])),
            last_seen: Some(seen),
            ..Peer::new(format!("10.0.0.1:{number}").parse().unwrap(), source)
        }
    }

    fn ports(peers: &[Peer]) -> Vec<u16> {
        peers.iter().map(|peer| peer.address.port).collect()
    }

    #[test]
    fn only_silent_peers_that_are_sure_are_looked_for() {
        let now = SystemTime::now();
        let (is_chosen, is_disputed) = (true, false);
        let hearsay = Hearsay { seen: now, key: None, by: None, is_chosen, is_disputed };
        let hearsay = Some(hearsay);
        let told = Peer::new("10.0.0.1:9".parse().unwrap(), Source::Learned);
        let peers = [
            peer(1, Source::Heard, 0),
            peer(2, Source::Heard, 3),
            Peer { left: true, ..peer(3, Source::Heard, 2) },
            Peer { key: None, ..peer(4, Source::Heard, 2) },
            Peer { key: None, ..peer(5, Source::Static, 2) },
            Peer { verified: false, ..peer(6, Source::Heard, 2) },
            Peer { hearsay, unanswered: true, ..told },
            Peer { unanswered: true, ..peer(7, Source::Heard, 0) },
        ];
        let all: Vec<_> = peers.iter().collect();
        let chosen = Schedule::default().choose(&all, EVERY, Instant::now(), now);
        assert_eq!(ports(&chosen), [7, 5, 2]);
        assert_eq!(ports(&witnesses(&all, now)), [1]);
        // those who were there last, and are sure
        let seen = |seconds| Some(now - Duration::from_secs(seconds));
        let there = [
            Peer { last_seen: seen(30), ..peer(11, Source::Heard, 0) },
            Peer { last_seen: seen(10), ..peer(12, Source::Heard, 0) },
            Peer { last_seen: seen(20), ..peer(13, Source::Heard, 0) },
            Peer { last_seen: seen(5), key: None, ..peer(14, Source::Heard, 0) },
        ];
        assert_eq!(ports(&witnesses(&there.iter().collect::<Vec<_>>(), now)), [12, 13]);
    }

    #[test]
    fn a_few_at_a_time_and_each_less_and_less_often() {
        let peers: Vec<_> = (1..=20).map(|number| peer(number, Source::Heard, 2)).collect();
        let all: Vec<_> = peers.iter().collect();
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        let mut looks: HashMap<u16, Vec<u64>> = HashMap::new();
        // a week, minute by minute
        for minute in 0..7 * 24 * 60 {
            let now = start + EVERY * minute;
            let chosen = schedule.choose(&all, EVERY, now, SystemTime::now());
            assert!(chosen.len() <= MAX_AT_A_TIME);
            for port in ports(&chosen) {
                looks.entry(port).or_default().push(u64::from(minute));
            }
        }
        assert_eq!(looks.len(), 20, "everybody has his turn");
        let in_time =
            |looks: &Vec<u64>, days: u64| looks.iter().filter(|at| **at < days * 24 * 60).count();
        assert!(looks.values().all(|looks| (10..=12).contains(&in_time(looks, 1))), "{looks:?}");
        // never less than once a day
        assert!(looks.values().all(|looks| looks.windows(2).all(|w| w[1] - w[0] <= 24 * 60 + 10)));
        let silent = schedule.0.len();
        schedule.choose(&all[..1], EVERY, start, SystemTime::now());
        assert_eq!((silent, schedule.0.len()), (20, 1));
    }
}
