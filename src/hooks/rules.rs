//! Which hooks are run for an arrival, and what they are told of it.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::config::On;
use crate::inbox::Reply;
use crate::message::Arrival;
use crate::name::Name;
use crate::senders::Senders;
use crate::topic::TopicGlob;

/// What a waiting job takes in memory beside its text.
const JOB_BYTES: usize = 512;

/// A hook with the peers that it is for.
#[derive(Clone, Debug)]
pub struct Rule {
    /// For what.
    pub on: On,
    /// From whom; `None` is everybody.
    pub from: Option<Senders>,
    /// About what; `None` is anything, also nothing in particular.
    pub topics: Option<Vec<TopicGlob>>,
    /// The command.
    pub run: Arc<str>,
    /// Whether what it prints goes back to a sender that waits for a reply.
    pub replies: bool,
    /// Whether later hooks are looked at although this one fits.
    pub goes_on: bool,
}

/// The hooks of a listener, and the room for what waits for them.
#[derive(Debug)]
pub struct Hooks {
    rules: Vec<Rule>,
    room: Arc<Semaphore>,
    room_bytes: usize,
    queue: UnboundedSender<Job>,
}

/// A hook that is to be run.
#[derive(Debug)]
pub struct Job {
    /// For what.
    pub on: On,
    /// The command.
    pub run: Arc<str>,
    /// What arrived.
    pub arrival: Arc<Arrival>,
    /// Where what it prints goes, if its sender waits for that.
    pub reply: Option<oneshot::Sender<Reply>>,
    /// Its place among those that wait.
    pub room: OwnedSemaphorePermit,
}

impl Hooks {
    /// These hooks; at most `room_bytes` wait in `queue`, which has no limit of its own.
    pub fn new(rules: Vec<Rule>, room_bytes: usize, queue: UnboundedSender<Job>) -> Self {
        let room_bytes = room_bytes.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self { rules, room: Arc::new(Semaphore::new(room_bytes)), room_bytes, queue }
    }

    /// Takes the room for the hooks of these arrivals; tells for how many of them there was none. A `reply` that is waited
    /// for is left to the first hook that gives one; if there is none it is dropped.
    pub fn prepare<'a>(
        &self,
        arrivals: impl IntoIterator<Item = (On, &'a Arrival)>,
        mut reply: Option<oneshot::Sender<Reply>>,
    ) -> (Vec<Job>, usize) {
        let (mut jobs, mut skipped) = (Vec::new(), 0);
        for (on, arrival) in arrivals {
            let mut shared = None;
            for rule in fitting(&self.rules, on, arrival) {
                let bytes = (JOB_BYTES + arrival.text.len()).min(self.room_bytes);
                let room = Arc::clone(&self.room);
                let room = room.try_acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX));
                let reply = if rule.replies { reply.take() } else { None };
                let Ok(room) = room else {
                    skipped += 1;
                    // whoever waits for it may be gone
                    let _ = reply.map(|reply| reply.send(Reply::failed("busy")));
                    continue;
                };
                let arrival = Arc::clone(shared.get_or_insert_with(|| Arc::new(arrival.clone())));
                jobs.push(Job { on, run: Arc::clone(&rule.run), arrival, reply, room });
            }
        }
        (jobs, skipped)
    }

    /// Has them run, in this order.
    pub fn start(&self, jobs: Vec<Job>) {
        for job in jobs {
            // the runner ends after us
            let _ = self.queue.send(job);
        }
    }
}

/// The first rule that fits, and those after it as long as each of them goes on.
fn fitting<'a>(rules: &'a [Rule], on: On, arrival: &'a Arrival) -> impl Iterator<Item = &'a Rule> {
    let fits = move |rule: &&Rule| {
        let topic = arrival.topic.as_ref();
        rule.on == on
            && rule.from.as_ref().is_none_or(|from| from.have_sent(arrival))
            && rule.topics.as_ref().is_none_or(|globs| globs.iter().any(|g| g.matches(topic)))
    };
    let mut over = false;
    rules.iter().filter(fits).take_while(move |rule| !std::mem::replace(&mut over, !rule.goes_on))
}

impl Job {
    /// What is on its stdin: the text of a message, ended by a newline.
    pub fn input(&self) -> Vec<u8> {
        let mut text = match self.on {
            On::Message => self.arrival.text.clone(),
            On::Join | On::Leave => return Vec::new(),
        };
        if text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        text
    }

    /// What it is told in its environment. A fact that is not known is not there, and neither is a name that could be
    /// taken for something else.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let Arrival { time, address, name, observed, text, key, id, topic, .. } = &*self.arrival;
        let size = if self.on == On::Message { text.len() } else { 0 };
        let mut variables = vec![
            ("P2P_EVENT", self.on.word().to_owned()),
            ("P2P_TIME", humantime::format_rfc3339_millis(*time).to_string()),
            ("P2P_OBSERVED", observed.to_string()),
            ("P2P_VERIFIED", self.arrival.verified.to_string()),
            ("P2P_SIZE", size.to_string()),
        ];
        let name = name.as_ref().and_then(|name| name.trim().parse::<Name>().ok());
        variables.extend(name.map(|name| ("P2P_NAME", name.word())));
        variables.extend(address.as_ref().map(|address| ("P2P_FROM", address.to_string())));
        variables.extend(key.map(|key| ("P2P_KEY", key.to_string())));
        variables.extend(id.as_ref().map(|id| ("P2P_ID", id.to_string())));
        variables.extend(topic.as_ref().map(|topic| ("P2P_TOPIC", topic.to_string())));
        variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;
    use crate::peer::{Peer, Source};
    use std::time::SystemTime;

    fn rule(on: On, from: Option<&str>, run: &str, goes_on: bool) -> Rule {
        let peer = |a: &str| Peer::new(a.parse().unwrap(), Source::Static);
        let from = from.map(|a| Senders::new(vec![peer(a)]));
        Rule { on, from, topics: None, run: run.into(), replies: false, goes_on }
    }

    fn arrival(address: &str, name: &str, text: &[u8]) -> Arrival {
        let address: crate::address::Address = address.parse().unwrap();
        Arrival {
            kind: Kind::Message,
            time: SystemTime::UNIX_EPOCH,
            observed: address.ip().unwrap(),
            address: Some(address),
            verified: true,
            key: None,
            id: None,
            topic: None,
            name: Some(name.into()),
            text: text.to_vec(),
        }
    }

    fn hooks(rules: Vec<Rule>, room: usize) -> (Hooks, tokio::sync::mpsc::UnboundedReceiver<Job>) {
        let (queue, jobs) = tokio::sync::mpsc::unbounded_channel();
        (Hooks::new(rules, room, queue), jobs)
    }

    #[test]
    fn the_first_that_fits_is_run_and_more_only_if_it_goes_on() {
        let (alice, bob) = ("10.0.0.1:5000", "10.0.0.2:5000");
        let rules = vec![
            rule(On::Message, Some(alice), "log", true),
            rule(On::Message, Some(alice), "mail", false),
            rule(On::Join, None, "greet", false),
            rule(On::Message, None, "default", false),
            rule(On::Message, None, "never", false),
        ];
        let (hooks, _jobs) = hooks(rules, 1 << 20);
        let run = |on, from| -> Vec<String> {
            let (jobs, _) = hooks.prepare([(on, &arrival(from, "x", b"hi"))], None);
            jobs.iter().map(|job| job.run.to_string()).collect()
        };
        assert_eq!(run(On::Message, alice), ["log", "mail"]);
        assert_eq!(run(On::Message, bob), ["default"]);
        assert_eq!(run(On::Join, bob), ["greet"]);
        assert_eq!(run(On::Leave, bob), [""; 0]);
    }

    #[test]
    fn what_waits_has_a_limit_and_a_job_that_ends_makes_room() {
        let (hooks, mut jobs) = hooks(vec![rule(On::Message, None, "x", false)], 2000);
        let message = arrival("10.0.0.1:5000", "x", &[b'x'; 488]);
        let (two, skipped) = hooks.prepare([(On::Message, &message); 3], None);
        assert_eq!((two.len(), skipped), (2, 1));
        assert_eq!(hooks.prepare([(On::Message, &message)], None).1, 1);
        hooks.start(two);
        drop(jobs.try_recv().unwrap());
        assert_eq!(hooks.prepare([(On::Message, &message)], None).0.len(), 1);
    }

    #[test]
    fn a_text_that_is_larger_than_all_the_room_waits_alone() {
        let (hooks, _jobs) = hooks(vec![rule(On::Message, None, "x", false)], 100);
        let message = arrival("10.0.0.1:5000", "x", &[b'x'; 5000]);
        let one = hooks.prepare([(On::Message, &message)], None);
        assert_eq!(hooks.prepare([(On::Message, &message)], None).1, 1);
        drop(one);
        assert_eq!(hooks.prepare([(On::Message, &message)], None).1, 0);
    }

    #[test]
    fn it_is_told_what_is_known_and_nothing_that_means_something_else() {
        let job = |on, arrival: Arrival| {
            let (hooks, _jobs) = hooks(vec![rule(on, None, "x", false)], 1 << 20);
            hooks.prepare([(on, &arrival)], None).0.remove(0)
        };
        let told = |job: &Job, key: &str| {
            job.variables().into_iter().find(|(name, _)| *name == key).map(|(_, value)| value)
        };
        let message = job(On::Message, arrival("10.0.0.1:5000", "The Team", b"a\0b"));
        assert_eq!(message.input(), b"a\0b\n");
        for (key, value) in [
            ("P2P_EVENT", "message"),
            ("P2P_TIME", "1970-01-01T00:00:00.000Z"),
            ("P2P_FROM", "10.0.0.1:5000"),
            ("P2P_OBSERVED", "10.0.0.1"),
            ("P2P_NAME", "The_Team"),
            ("P2P_VERIFIED", "true"),
            ("P2P_SIZE", "3"),
        ] {
            assert_eq!(told(&message, key).as_deref(), Some(value), "{key}");
        }
        for name in ["-rf", "a\0b", "a\nb", "a\u{202e}b", "", "a\\b"] {
            let named = job(On::Message, arrival("10.0.0.1:5000", name, b"hi\n"));
            assert_eq!(told(&named, "P2P_NAME"), None, "{name:?}");
            assert_eq!(named.input(), b"hi\n");
        }
        let unknown = job(
            On::Message,
            Arrival {
                address: None,
                name: None,
                verified: false,
                ..arrival("10.0.0.1:1", "", b"")
            },
        );
        assert_eq!(told(&unknown, "P2P_FROM"), None);
        assert_eq!(told(&unknown, "P2P_VERIFIED").as_deref(), Some("false"));
        let left = job(On::Leave, arrival("10.0.0.1:5000", "x", b"exit"));
        assert_eq!((left.input(), told(&left, "P2P_SIZE").as_deref()), (vec![], Some("0")));
    }
}
