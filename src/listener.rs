//! Accepts connections and keeps them within their limits.
//!
//! It prints nothing and touches no state: what arrives goes into an inbox, and whoever empties the inbox says when
//! it is safe to acknowledge.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::address::source_of;
use crate::codec::reading::Ends;
use crate::connection;
use crate::inbox::{Identity, Inbound};
use crate::limits::Limits;
use crate::slots::Slots;
use crate::system::machine::{lacks_files, lacks_memory};
use crate::system::socket::take_port_back;
use crate::terms::{Sessions, Terms};
use crate::trust::Secure;

/// Connections that the kernel keeps for us: with the standard library's 128 the 130th connect stalls for a second.
const BACKLOG: i32 = 1024;

/// Pause after a failed accept. Without it a process that has run out of files spins.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An accepted connection has at least this long to say what it came for: far more than a message takes that is sent
/// at once, even by a busy machine. With 256 connections it bounds a flood to 2,560 a second.
const GRACE: Duration = Duration::from_millis(100);

/// How long what is in hand may take once we are told to stop.
pub const MAX_DRAIN: Duration = Duration::from_secs(5);

/// Opens a listening socket: on one address, or on all, IPv4 and IPv6, if the machine has both.
pub fn bind(ip: Option<IpAddr>, port: u16) -> io::Result<TcpListener> {
    match ip {
        Some(ip) => bind_one(SocketAddr::new(ip, port)),
        None => bind_one(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)).or_else(|error| {
            match error.kind() {
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
                _ => bind_one(SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), port)),
            }
        }),
    }
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    take_port_back(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// How often it is looked whether a reply is still waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What becomes of the open connections when a listener stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// Each may finish the message that it has begun, within five seconds.
    Finish,
    /// Only messages that are complete are dealt with, and for so long replies to them are waited for.
    AtOnce(Duration),
}

/// Accepts until `shutdown` completes, then finishes what is in hand.
pub async fn run(
    socket: TcpListener,
    identity: Identity,
    sessions: Option<Sessions>,
    secure: Secure,
    limits: Limits,
    inbox: mpsc::Sender<Inbound>,
    shutdown: impl Future<Output = Haste>,
) {
    // every connection begins so: should we be killed, the kernel ends it with a reset. An ordinary end would look as if a
    // program had read all, and nothing of it was stored
    let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
    let (close, closing) = watch::channel(false);
    let mut listener = Listener {
        terms: Arc::new(Terms {
            identity,
            sessions,
            secure,
            limits,
            inbox,
            room: Arc::new(Semaphore::new(limits.output_bytes.min(Semaphore::MAX_PERMITS))),
            closing,
        }),
        slots: Arc::default(),
        tasks: JoinSet::new(),
    };
    let haste = tokio::select! {
        () = listener.accept_all(&socket) => Haste::Finish,
        haste = shutdown => haste,
    };
    drop(socket);
    let replies = match haste {
        Haste::Finish => Duration::ZERO,
        Haste::AtOnce(replies) => {
            listener.slots.evict_idle();
            replies
        }
    };
    // the receivers live as long as the listener
    let _ = close.send(true);
    let drained = Instant::now() + MAX_DRAIN;
    while !listener.tasks.is_empty() {
        let waits = listener.slots.wait_for_replies();
        let end = if waits { drained + replies } else { drained };
        let now = Instant::now();
        if now >= end {
            break;
        }
        let _ = timeout_at(end.min(now + LOOK_AGAIN), listener.tasks.join_next()).await;
    }
    // the inbox closes only when the last connection is gone
    listener.tasks.shutdown().await;
}

struct Listener {
    terms: Arc<Terms>,
    slots: Arc<Slots>,
    tasks: JoinSet<()>,
}

impl Listener {
    async fn accept_all(&mut self, socket: &TcpListener) {
        loop {
            tokio::select! {
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer).await,
                    Err(error) => self.recover(error).await,
                },
                // a task that panicked has cost its connection and nothing else
                Some(_) = self.tasks.join_next() => {}
            }
        }
    }

    /// No error of accept ends the listener (CVE-2024-47609).
    async fn recover(&mut self, error: io::Error) {
        if !lacks_files(&error) && !lacks_memory(&error) {
            // this connection's own trouble, which the kernel passes on; whatever else it is, it must not make us spin
            if error.kind() != io::ErrorKind::ConnectionAborted {
                sleep(ACCEPT_PAUSE).await;
            }
            return;
        }
        // a full inbox has more urgent news
        let _ = self.terms.inbox.try_send(Inbound::Trouble(error));
        // an open connection that makes room is worth a try at once, with none left only time helps. Linux takes a file before
        // it looks whether anybody waits, so that whoever was let in with the last one would go unheard
        let is_due = self.slots.oldest_age().is_some_and(|age| age >= GRACE);
        if is_due && self.slots.evict(|_| true) {
            yield_now().await;
        } else {
            sleep(ACCEPT_PAUSE).await;
        }
    }

    async fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        let Ok(local) = stream.local_addr() else { return };
        let ends = Ends {
            observed: peer.ip().to_canonical(),
            local: local.ip().to_canonical(),
            port: self.terms.identity.port,
            advertised: self.terms.identity.advertised,
        };
        if !self.make_room(ends.observed).await {
            return;
        }
        // the verdict follows the sender's end of stream at once
        let _ = stream.set_nodelay(true);
        let (admitted, start) = oneshot::channel();
        let terms = Arc::clone(&self.terms);
        let abort = self.tasks.spawn(async move {
            let Ok(slot) = start.await else { return };
            connection::serve(stream, ends, terms, slot).await;
        });
        // the task has just been made and waits for this
        let _ = admitted.send(self.slots.enter(ends.observed, abort));
    }

    /// Within the limits, the oldest connection that is not yet finished goes, not the newest: a semaphore in this
    /// place delivered 0 of 200 good messages under 1,000 slow connections, this delivered all.
    ///
    /// False if there is none for this one: all that its IP address may have wait for our own output.
    async fn make_room(&mut self, ip: IpAddr) -> bool {
        let limits = &self.terms.limits;
        let source = source_of(ip);
        if !ip.is_loopback()
            && self.slots.count(|s| s.source == source) >= limits.connections_per_ip
            && !self.slots.evict(|slot| slot.source == source)
        {
            return false;
        }
        while self.slots.count(|_| true) >= limits.connections {
            let freed = self.slots.freed.notified();
            match self.slots.oldest_age() {
                // all of them wait for our own output; new ones wait with them
                None => freed.await,
                Some(age) if age < GRACE => {
                    // in a flood the rest waits in the kernel's queue, so that nobody is thrown out unheard
                    let _ = timeout(GRACE - age, freed).await;
                }
                Some(_) => drop(self.slots.evict(|_| true)),
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::Place;

    fn listener(limits: Limits) -> Listener {
        let identity = Identity { name: "bob".parse().unwrap(), port: 5000, advertised: None };
        let terms = Terms {
            identity,
            sessions: None,
            secure: Secure::Prefer,
            limits,
            inbox: mpsc::channel(1).0,
            room: Arc::new(Semaphore::new(1)),
            closing: watch::channel(false).1,
        };
        Listener { terms: Arc::new(terms), slots: Arc::default(), tasks: JoinSet::new() }
    }

    impl Listener {
        async fn enter(&mut self, ip: &str) -> Option<Place> {
            let ip = ip.parse().unwrap();
            let task = self.tasks.spawn(std::future::pending());
            self.make_room(ip).await.then(|| self.slots.enter(ip, task))
        }
    }

    #[test]
    fn a_connection_that_waits_takes_little_memory() {
        fn size<A, B, C, D, F: Future>(_: impl Fn(A, B, C, D) -> F) -> usize {
            size_of::<F>()
        }
        assert!(size(connection::serve) <= 2048, "{}", size(connection::serve));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn one_source_has_so_many_connections_and_the_oldest_makes_room() {
        let mut listener = listener(Limits { connections_per_ip: 3, ..Limits::default() });
        let mut places = Vec::new();
        for number in 0..10 {
            // one machine may take as many addresses of its network as it likes
            places.push(listener.enter(&format!("2001:db8::{number}")).await.unwrap());
        }
        assert_eq!(listener.slots.count(|_| true), 3);
        for number in 0..10 {
            places.push(listener.enter("127.0.0.1").await.unwrap());
            places.push(listener.enter(&format!("10.0.0.{number}")).await.unwrap());
        }
        assert_eq!(listener.slots.count(|_| true), 23);
        // all that it may have wait for our own output
        places[7..10].iter().for_each(Place::finish);
        assert!(listener.enter("2001:db8::11").await.is_none());
        places[8].rest();
        assert!(listener.enter("2001:db8::11").await.is_some());
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn whoever_was_let_in_has_its_time_however_many_come() {
        let mut listener = listener(Limits { connections: 1, ..Limits::default() });
        let _places: [_; 3] = [
            listener.enter("10.0.0.1").await,
            listener.enter("10.0.0.2").await,
            listener.enter("10.0.0.3").await,
        ];
        let start = Instant::now();
        let _place = listener.enter("10.0.0.4").await;
        assert!(start.elapsed() >= GRACE - Duration::from_millis(1), "{:?}", start.elapsed());
        assert!(start.elapsed() <= 2 * GRACE, "{:?}", start.elapsed());
    }

    /// EMFILE.
    #[cfg(unix)]
    fn no_files() -> io::Error {
        io::Error::from_raw_os_error(24)
    }

    #[cfg(unix)]
    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn what_only_time_can_mend_is_waited_for() {
        let mut listener = listener(Limits::default());
        for (error, pauses) in [
            (io::ErrorKind::ConnectionAborted.into(), false),
            (io::ErrorKind::OutOfMemory.into(), true),
            (no_files(), true),
        ] {
            let start = Instant::now();
            listener.recover(error).await;
            assert_eq!(start.elapsed() >= ACCEPT_PAUSE, pauses);
        }
        // one that makes room is worth a try at once, but not one that was just let in
        let _place = listener.enter("10.0.0.1").await;
        for pauses in [true, false] {
            let start = Instant::now();
            listener.recover(no_files()).await;
            assert_eq!(start.elapsed() >= ACCEPT_PAUSE, pauses);
        }
    }
}
