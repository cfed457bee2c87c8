//! A link between two hosts that loses, delays, doubles, spoils and cuts: a device on each, and we carry the packets.

use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::ops::Range;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::hosts::{Hosts, On};

/// The address of the first host on this link.
pub const A: &str = "10.78.0.1";

/// The address of the second host on this link.
pub const B: &str = "10.78.0.2";

/// Opens a device and tells its number. The call that it takes is not to be had in safe Rust, and perl is on every Debian.
const OPEN: &str = r#"
open(my $device, '+<', '/dev/net/tun') or die "no /dev/net/tun: $!\n";
ioctl($device, 0x400454ca, pack('a16 S x22', $ARGV[0], 0x1001)) or die "no device: $!\n";
$| = 1; print fileno($device), "\n"; <STDIN>;
"#;

/// How the link treats what it carries.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    /// Of a hundred packets so many are lost.
    pub loss: f64,
    /// Of a hundred packets so many come twice.
    pub twice: f64,
    /// Of a hundred packets so many have one bit changed.
    pub spoilt: f64,
    /// Each packet takes so many milliseconds, drawn for each: they overtake one another.
    pub delay: Range<u64>,
    /// What says that the first host has no more to say takes so many milliseconds longer.
    pub late_ends: u64,
    /// So many bytes a second each way, if it is bounded.
    pub rate: Option<u64>,
    /// When it is cut.
    pub cuts: Cuts,
}

/// When a link is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cuts {
    #[default]
    Never,
    /// Now and then, for up to three seconds, one way or both.
    NowAndThen,
    /// Behind data that went from the first host to the second: the answers to its connection are lost for a while.
    BehindData,
}

/// What a link has done so far.
#[derive(Debug, Default)]
pub struct Counts {
    pub carried: AtomicUsize,
    pub lost: AtomicUsize,
    pub doubled: AtomicUsize,
    pub spoilt: AtomicUsize,
    pub cuts: AtomicUsize,
}

impl Counts {
    /// All of it in words.
    pub fn told(&self) -> String {
        let [carried, lost, doubled, spoilt, cuts] =
            [&self.carried, &self.lost, &self.doubled, &self.spoilt, &self.cuts]
                .map(|count| count.load(Ordering::Relaxed));
        format!(
            "{carried} packets carried, {lost} lost, {doubled} doubled, {spoilt} spoilt, {cuts} cuts"
        )
    }
}

/// A link of our own between two hosts, gone when this is dropped.
pub struct Link {
    weather: Arc<Mutex<Weather>>,
    pub counts: Arc<Counts>,
    is_over: Arc<AtomicBool>,
    carrier: Option<JoinHandle<()>>,
}

impl Link {
    /// Joins the hosts by it; `None`, with a word why, where that is not allowed.
    pub fn between(hosts: &Hosts, seed: u64) -> Option<Self> {
        let ends = [open(hosts, On::A, A, B)?, open(hosts, On::B, B, A)?];
        let (weather, counts) = (Arc::default(), Arc::default());
        let is_over = Arc::new(AtomicBool::new(false));
        let mut carrier = Carrier {
            ends,
            weather: Arc::clone(&weather),
            counts: Arc::clone(&counts),
            random: fastrand::Rng::with_seed(seed),
            under_way: BinaryHeap::new(),
            number: 0,
            dead_until: [Instant::now(); 2],
            unanswered_until: HashMap::new(),
            next_cut: Instant::now(),
            free_at: [Instant::now(); 2],
        };
        let ended = Arc::clone(&is_over);
        let carrier = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                carrier.turn();
            }
        });
        Some(Self { weather, counts, is_over, carrier: Some(carrier) })
    }

    /// Changes how it treats what it carries from now on.
    pub fn set(&self, weather: &Weather) {
        *self.weather.lock().unwrap() = weather.clone();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.carrier.take().map(JoinHandle::join);
    }
}

/// A device on one of the hosts, of which this is the end that carries packets.
fn open(hosts: &Hosts, on: On, own: &str, other: &str) -> Option<File> {
    let mut command = hosts.command(on, "perl");
    command.args(["-e", OPEN, "lossy"]).stdin(Stdio::piped());
    let opener = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut opener) = opener else {
        skipped!("no perl, so no link of our own");
        return None;
    };
    let mut number = String::new();
    BufReader::new(opener.stdout.take().unwrap()).read_line(&mut number).unwrap();
    let Ok(number) = number.trim().parse::<i32>() else {
        let said = opener.wait_with_output().unwrap();
        skipped!("no link of our own: {}", String::from_utf8_lossy(&said.stderr).trim());
        return None;
    };
    let pid = Pid::from_child(&opener);
    let taken = pidfd_open(pid, PidfdFlags::empty())
        .and_then(|pidfd| pidfd_getfd(pidfd, number, PidfdGetfdFlags::empty()));
    drop(opener.stdin.take());
    opener.wait().unwrap();
    let device = match taken {
        Ok(device) => File::from(device),
        Err(error) => {
            skipped!("cannot take over the device of a link: {error}");
            return None;
        }
    };
    for set_up in
        [&["addr", "add", own, "peer", other, "dev", "lossy"][..], &["link", "set", "lossy", "up"]]
    {
        assert!(hosts.command(on, "ip").args(set_up).status().unwrap().success());
    }
    Some(device)
}

/// A packet on its way, the one first that is due first.
#[derive(PartialEq, Eq)]
struct UnderWay {
    due: Instant,
    number: usize,
    to: usize,
    packet: Vec<u8>,
}

impl Ord for UnderWay {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl PartialOrd for UnderWay {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Moves packets from one end to the other.
struct Carrier {
    ends: [File; 2],
    weather: Arc<Mutex<Weather>>,
    counts: Arc<Counts>,
    random: fastrand::Rng,
    under_way: BinaryHeap<UnderWay>,
    number: usize,
    /// Until when nothing goes from this end to the other.
    dead_until: [Instant; 2],
    /// Until when the connections from these ports of the first host get no answer.
    unanswered_until: HashMap<u16, Instant>,
    next_cut: Instant,
    /// When the way from this end is free again.
    free_at: [Instant; 2],
}

/// The longest time without a look at what is due, or whether it is over.
const LONGEST_WAIT: Duration = Duration::from_millis(20);

impl Carrier {
    fn turn(&mut self) {
        let now = Instant::now();
        let due = self.under_way.peek().map(|first| first.due.saturating_duration_since(now));
        let wait = Timespec::try_from(due.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)).unwrap();
        let mut polled = self.ends.each_ref().map(|end| PollFd::new(end, PollFlags::IN));
        let _ = poll(&mut polled, Some(&wait));
        let is_ready = polled.map(|end| end.revents().contains(PollFlags::IN));
        let weather = self.weather.lock().unwrap().clone();
        self.cut_now_and_then(&weather);
        for from in [0, 1] {
            if is_ready[from] {
                let mut packet = vec![0; 65536];
                // a device whose host has gone has nothing more
                let Ok(size) = self.ends[from].read(&mut packet) else { continue };
                packet.truncate(size);
                self.take(from, packet, &weather);
            }
        }
        let now = Instant::now();
        while self.under_way.peek().is_some_and(|first| first.due <= now) {
            let UnderWay { to, packet, .. } = self.under_way.pop().unwrap();
            // a device whose host has gone takes nothing more
            let _ = self.ends[to].write(&packet);
        }
    }

    fn cut_now_and_then(&mut self, weather: &Weather) {
        let now = Instant::now();
        if weather.cuts == Cuts::NowAndThen && self.next_cut <= now {
            let end = now + Duration::from_millis(self.random.u64(100..3000));
            match self.random.u8(0..3) {
                2 => self.dead_until = [end; 2],
                one => self.dead_until[usize::from(one)] = end,
            }
            self.counts.cuts.fetch_add(1, Ordering::Relaxed);
            self.next_cut = end + Duration::from_millis(self.random.u64(200..2500));
        }
    }

    /// Decides what becomes of a packet.
    fn take(&mut self, from: usize, mut packet: Vec<u8>, weather: &Weather) {
        let now = Instant::now();
        let mut happens = |percent: f64| self.random.f64() * 100.0 < percent;
        let segment = Segment::of(&packet);
        let is_dead = match weather.cuts {
            Cuts::Never => false,
            Cuts::NowAndThen => now < self.dead_until[from],
            Cuts::BehindData => segment
                .as_ref()
                .and_then(|segment| self.unanswered_until.get(&segment.to).filter(|_| from == 1))
                .is_some_and(|end| now < *end),
        };
        if is_dead || happens(weather.loss) {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if happens(weather.spoilt) {
            let at = self.random.usize(..packet.len());
            packet[at] ^= 1 << self.random.u8(..8);
            self.counts.spoilt.fetch_add(1, Ordering::Relaxed);
        }
        let times = if self.random.f64() * 100.0 < weather.twice { 2 } else { 1 };
        self.counts.doubled.fetch_add(times - 1, Ordering::Relaxed);
        self.counts.carried.fetch_add(1, Ordering::Relaxed);
        let mut leaves = now;
        if let Some(rate) = weather.rate {
            let takes = Duration::from_micros(packet.len() as u64 * 1_000_000 / rate);
            self.free_at[from] = self.free_at[from].max(now) + takes;
            leaves = self.free_at[from];
        }
        if from == 0 && segment.as_ref().is_some_and(|segment| segment.is_end) {
            leaves += Duration::from_millis(weather.late_ends);
        }
        for _ in 0..times {
            let delay = match &weather.delay {
                none if none.is_empty() => 0,
                some => self.random.u64(some.clone()),
            };
            self.number += 1;
            self.under_way.push(UnderWay {
                due: leaves + Duration::from_millis(delay),
                number: self.number,
                to: 1 - from,
                packet: packet.clone(),
            });
        }
        let Some(segment) = segment.filter(|segment| segment.has_data && from == 0) else { return };
        if weather.cuts == Cuts::BehindData && self.random.f64() < 0.2 {
            let end = now + Duration::from_millis(self.random.u64(300..3000));
            self.unanswered_until.insert(segment.from, end);
            self.counts.cuts.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What a packet of TCP over IPv4 is.
struct Segment {
    from: u16,
    to: u16,
    has_data: bool,
    is_end: bool,
}

impl Segment {
    fn of(packet: &[u8]) -> Option<Self> {
        let start = packet.first().filter(|first| *first >> 4 == 4)? & 15;
        let tcp = packet.get(usize::from(start) * 4..).filter(|_| packet.get(9) == Some(&6))?;
        let offset = usize::from(tcp.get(12)? >> 4) * 4;
        Some(Self {
            from: u16::from_be_bytes([tcp[0], tcp[1]]),
            to: u16::from_be_bytes([tcp[2], tcp[3]]),
            has_data: tcp.len() > offset,
            is_end: tcp[13] & 1 == 1,
        })
    }
}
