//! Reaches a peer, says one thing, and finds out how sure it is that it was read.
//!
//! "Send and close" proves nothing: it reported success for 240 of 240 messages to a program that never read. What
//! proves more, without another byte on the plain wire: one write, half-close, read to the end, see our own end
//! acknowledged, and no error on the socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::address::{Address, Host};
use crate::codec::receipt::{is_receipt, name_in};
use crate::codec::verdict::{MAX_VERDICT_BYTES, Sum, Verdict};
use crate::config::{Advertise, Time};
use crate::connection::QUIET;
use crate::exit::{Code, Failure};
use crate::message::Proof;
use crate::name::Name;
use crate::peer::Wire;

/// How much of a reply is read: a verdict, or a few words. Who says more is read to the end but not kept.
const MAX_REPLY_BYTES: usize = MAX_VERDICT_BYTES;

/// Who answers without end is left.
const MAX_DRAINED_BYTES: usize = 1024 * 1024;

/// Pause before the next address of a host is tried beside the first (RFC 8305, section 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// What we tell peers of ourselves.
#[derive(Clone, Debug)]
pub struct Dialer {
    /// Our name.
    pub name: Name,
    /// Where we listen, or would listen.
    pub port: u16,
    /// What we advertise instead of the connection's own address.
    pub advertised: Option<SocketAddr>,
    /// Time for one whole attempt: resolve, connect, answer.
    pub timeout: Duration,
}

/// When an attempt has to be over, and how long it has then taken.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    end: Instant,
    after: Duration,
}

impl Deadline {
    /// This long from now.
    pub fn after(after: Duration) -> Self {
        Self { end: Instant::now() + after, after }
    }

    fn passed(&self, code: Code, what: &str) -> Failure {
        Failure::new(code, format!("no {what} within {}", Time(self.after)))
    }
}

/// A peer has read what we said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// How sure that is.
    pub proof: Proof,
    /// What the peer calls itself, if it said so.
    pub name: Option<Name>,
    /// The address that answered.
    pub address: Address,
}

impl Heard {
    /// Which kind of program answered.
    pub fn wire(&self) -> Wire {
        match self.proof {
            Proof::Acked => Wire::Native,
            Proof::Read => Wire::Plain,
        }
    }
}

impl Dialer {
    /// Says one thing on a fresh connection. `say` gets the address that we give as ours on it.
    ///
    /// Errors: `unreachable` if nothing was sent; `timeout` or `unconfirmed` if it was sent and there is no proof,
    /// also when a peer that is `known` to acknowledge does not; `busy`, `denied` or `too_large` if it was refused.
    pub async fn say(
        &self,
        to: &Address,
        known: Option<Wire>,
        deadline: Deadline,
        say: impl FnOnce(SocketAddr) -> Vec<u8>,
    ) -> Result<Heard, Failure> {
        let mut stream = match timeout_at(deadline.end, connect(to)).await {
            Ok(connected) => connected.map_err(|error| unreachable(&error))?,
            Err(_) => return Err(deadline.passed(Code::Unreachable, "connection")),
        };
        let own = self.own(&stream).map_err(|error| unreachable(&error))?;
        let address = stream.peer_addr().map_err(|error| unconfirmed(&describe(&error)))?.into();
        let message = say(own);
        match timeout_at(deadline.end, exchange(&mut stream, &message, known)).await {
            Ok(result) => result.map(|(proof, name)| Heard { proof, name, address }),
            Err(_) => Err(deadline.passed(Code::Timeout, "answer")),
        }
    }

    fn own(&self, stream: &TcpStream) -> io::Result<SocketAddr> {
        let local = stream.local_addr()?;
        Ok(self.advertised.unwrap_or(SocketAddr::new(local.ip().to_canonical(), self.port)))
    }
}

/// The address to advertise, its host resolved.
pub async fn resolve_advertised(
    advertise: Option<&Advertise>,
    port: u16,
    limit: Duration,
) -> Result<Option<SocketAddr>, Failure> {
    let Some(Advertise { host, port: given }) = advertise else { return Ok(None) };
    let port = given.unwrap_or(port);
    let found = resolve(&Address { host: host.clone(), port }, limit).await;
    found.map(|ip| Some(SocketAddr::new(ip, port))).ok_or_else(|| {
        Failure::new(Code::Config, format!("cannot advertise {host}: no address found for it"))
    })
}

/// The IP of a host, as far as it can be found out in time.
pub async fn resolve(address: &Address, limit: Duration) -> Option<IpAddr> {
    let Host::Name(name) = &address.host else { return address.ip() };
    let found = timeout(limit, lookup_host((name.as_str(), address.port))).await;
    found.ok()?.ok()?.next().map(|socket| socket.ip().to_canonical())
}

async fn connect(to: &Address) -> io::Result<TcpStream> {
    let stream = match &to.host {
        Host::Ip(ip) => TcpStream::connect((*ip, to.port)).await?,
        Host::Name(name) => {
            let found: Vec<_> = lookup_host((name.as_str(), to.port)).await?.collect();
            connect_first(found).await?
        }
    };
    refuse_ourselves(&stream)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The kernel may connect a socket to itself, if its own port happens to be the one it calls. Nobody listens there,
/// and we would take our own words for an answer.
fn refuse_ourselves(stream: &TcpStream) -> io::Result<()> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(())
}

/// Connects to whichever address answers first, each started a little after the one before.
async fn connect_first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address found for this host");
    let mut attempts = JoinSet::new();
    let mut waiting = addresses.into_iter();
    loop {
        match waiting.next() {
            Some(address) => drop(attempts.spawn(TcpStream::connect(address))),
            None if attempts.is_empty() => return Err(last),
            None => {}
        }
        let more = waiting.len() > 0;
        tokio::select! {
            Some(joined) = attempts.join_next() => match joined {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => {}
            },
            () = sleep(NEXT_ADDRESS_AFTER), if more => {}
        }
    }
}

/// What a peer's end of the connection says.
enum Ending {
    /// It closed in order.
    Closed,
    /// It answered in words that stand for "read", and keeps the connection open.
    Answered,
}

async fn exchange(
    stream: &mut TcpStream,
    message: &[u8],
    known: Option<Wire>,
) -> Result<(Proof, Option<Name>), Failure> {
    let lost = |error: io::Error| unconfirmed(&describe(&error));
    stream.write_all(message).await.map_err(lost)?;
    stream.shutdown().await.map_err(lost)?;
    let mut reply = Vec::new();
    let ending = read_reply(stream, &mut reply).await?;
    match Verdict::decode(&reply) {
        Some(Verdict::Ok { sum, name, .. }) if sum == Sum::of(message) => {
            return Ok((Proof::Acked, name));
        }
        Some(Verdict::Ok { .. }) => return Err(unconfirmed("it acknowledged other bytes")),
        Some(Verdict::No { code, retry }) => return Err(refused(&code, retry)),
        None if reply.starts_with(b"P2P/") => return Err(unconfirmed("its answer cannot be read")),
        None => {}
    }
    if known == Some(Wire::Native) {
        return Err(unconfirmed("it acknowledged before and did not now"));
    }
    if let Ending::Closed = ending {
        end_is_acknowledged(stream).await;
        if let Some(error) = stream.take_error().map_err(lost)? {
            return Err(lost(error));
        }
    }
    Ok((Proof::Read, name_in(&reply)))
}

/// Reads to the end, or until a program that keeps the connection open has said that it read.
async fn read_reply(stream: &mut TcpStream, reply: &mut Vec<u8>) -> Result<Ending, Failure> {
    let mut chunk = [0; 4096];
    let mut total = 0;
    loop {
        let read = stream.read(&mut chunk);
        let count = if is_receipt(reply) {
            match timeout(QUIET, read).await {
                Ok(result) => result,
                Err(_) => return Ok(Ending::Answered),
            }
        } else {
            read.await
        };
        let count = count.map_err(|error| unconfirmed(&describe(&error)))?;
        if count == 0 {
            return Ok(Ending::Closed);
        }
        total += count;
        if total > MAX_DRAINED_BYTES {
            return Err(unconfirmed("it answers without end"));
        }
        let room = MAX_REPLY_BYTES - reply.len();
        reply.extend_from_slice(&chunk[..count.min(room)]);
    }
}

/// Waits until the other end has acknowledged our end of stream; the caller's deadline bounds it.
///
/// A program may close before it has read all: our bytes then meet a closed socket and are answered by a reset, but
/// only after its own end has reached us. Once both ends are acknowledged, or a reset has come, the kernel has let go
/// of the connection and knows no peer of it any more; which of both it was, the socket's error tells.
async fn end_is_acknowledged(stream: &TcpStream) {
    let mut pause = Duration::from_micros(200);
    while stream.peer_addr().is_ok() {
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Nothing was sent; whether that is the peer's doing or ours is another matter.
fn unreachable(error: &io::Error) -> Failure {
    let scarce = [Errno::MFILE, Errno::NFILE];
    let ours = Errno::from_io_error(error).is_some_and(|errno| scarce.contains(&errno));
    Failure::new(if ours { Code::Io } else { Code::Unreachable }, describe(error))
}

fn unconfirmed(why: &str) -> Failure {
    Failure::new(Code::Unconfirmed, why)
}

fn refused(code: &str, retry: Option<Duration>) -> Failure {
    let when = retry.map_or(String::new(), |r| format!(", try again in {}", Time(r)));
    let (code, why) = match code {
        "busy" => (Code::Busy, "it cannot take messages now".to_owned()),
        "too_large" => (Code::TooLarge, "the message is too large for it".to_owned()),
        "denied" => (Code::Denied, "it does not take messages from us".to_owned()),
        other => (Code::Denied, format!("it refuses: {other}")),
    };
    Failure::new(code, why + &when)
}

/// An error of the system in few words, without its number.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "the connection was reset".into()
        }
        io::ErrorKind::HostUnreachable => "no route to the host".into(),
        io::ErrorKind::NetworkUnreachable => "the network is unreachable".into(),
        io::ErrorKind::AddrNotAvailable => "no free port or address on this machine".into(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            text.trim_start_matches("failed to lookup address information: ").to_lowercase()
        }
    }
}

/// Whether an IP address is one of this machine's: only those can be bound. Nothing is sent.
pub fn is_own_ip(ip: IpAddr) -> bool {
    ip.is_loopback() || std::net::UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_socket_that_called_itself_is_refused() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let itself = socket.local_addr().unwrap();
        let stream = socket.connect(itself).await.unwrap();
        assert_eq!(refuse_ourselves(&stream).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_end_that_came_before_our_bytes_were_taken_is_no_proof() {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
        // it ends its side and never reads, and more is sent than its kernel takes
        let (mut peer, _) = socket.accept().await.unwrap();
        peer.shutdown().await.unwrap();
        let message = vec![b'x'; 3 * 1024 * 1024];
        let sent = exchange(&mut stream, &message, None);
        assert!(timeout(Duration::from_millis(300), sent).await.is_err());
    }

    #[test]
    fn errors_are_told_in_few_words() {
        for (number, words) in [
            (111, "connection refused"),
            (113, "no route to the host"),
            (104, "the connection was reset"),
        ] {
            assert_eq!(describe(&io::Error::from_raw_os_error(number)), words);
        }
    }
}
