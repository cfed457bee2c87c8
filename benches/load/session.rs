//! Senders that speak in sessions, many at once in one thread.

use std::cell::Cell;
use std::io::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use p2p::codec::frame::Hello;
use p2p::id::MessageId;
use p2p::key::PublicKey;
use p2p::message::Outgoing;
use p2p::session::outgoing::{Answer, Session, message_frame};
use p2p::session::tls::{Credentials, Expected, Keys, random};
use rustls::Connection;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::{sleep_until, timeout};

use super::listener::{Home, Listener};
use super::process::Process;
use super::{Figures, Pace, Result, text};

/// Whoever calls a listener, always with the same key.
#[derive(Clone)]
pub struct Caller {
    keys: Keys,
    to: SocketAddr,
    key: PublicKey,
    /// Where it says that it listens.
    port: Option<u16>,
}

impl Caller {
    /// One that calls this listener.
    pub fn new(listener: &Listener) -> Result<Self> {
        let home = Home::new("")?;
        let credentials = Credentials::open(home.path(), true);
        let keys = Keys::of(credentials.map_err(|failure| failure.to_string())?);
        Ok(Self { keys, to: listener.address, key: listener.key, port: Some(6000) })
    }

    /// The same that does not listen, as most senders.
    pub fn without_address(self) -> Self {
        Self { port: None, ..self }
    }

    /// Begins a session and says these frames.
    pub async fn begin(&self, frames: &[u8]) -> Result<Session> {
        let stream = TcpStream::connect(self.to).await?;
        stream.set_nodelay(true)?;
        let hello = Hello { name: Some("bench".parse()?), port: self.port, addr: None };
        let expected = Expected::new(self.key);
        let session = Session::begin(stream, &self.keys, &expected, hello, frames).await;
        Ok(session.map_err(|error| format!("no session: {error:?}"))?)
    }

    /// Begins a session with a message, and waits until it is acknowledged.
    pub async fn begin_with(&self, text: String) -> Result<Session> {
        let message = outgoing(text.into_bytes());
        let mut session = self.begin(&frame(&message)).await?;
        acknowledged(&mut session, &message).await?;
        Ok(session)
    }

    /// Sends these texts in a session of their own, each when the one before is acknowledged.
    pub async fn send(&self, texts: impl Iterator<Item = String>) -> Result<()> {
        let mut session: Option<Session> = None;
        for text in texts {
            match &mut session {
                None => session = Some(self.begin_with(text).await?),
                Some(session) => {
                    let message = outgoing(text.into_bytes());
                    let said = session.write(&frame(&message)).await;
                    said.map_err(|error| format!("not said: {error:?}"))?;
                    acknowledged(session, &message).await?;
                }
            }
        }
        if let Some(session) = session {
            session.close().await;
        }
        Ok(())
    }
}

fn frame(message: &Outgoing) -> Vec<u8> {
    let mut frame = Vec::new();
    message_frame(message, &mut frame);
    frame
}

async fn acknowledged(session: &mut Session, message: &Outgoing) -> Result<()> {
    let answer = timeout(Duration::from_secs(10), session.answer(&message.id)).await?;
    if matches!(answer, Ok(Answer::Taken)) {
        return Ok(());
    }
    Err(format!("not acknowledged: {answer:?}").into())
}

fn outgoing(text: Vec<u8>) -> Outgoing {
    let id = MessageId::of(random());
    Outgoing { text, id, id_is_given: false, topic: None, reply: false, needs_ack: true }
}

/// Has so many senders send so many messages of this size, `each` of them in one session.
pub fn load(
    caller: &Caller,
    senders: usize,
    messages: std::ops::Range<usize>,
    (each, size): (usize, usize),
    pace: Pace,
) -> Result<Figures> {
    let (start, processor) = (Instant::now(), Process::own().processor()?);
    let next = Rc::new(Cell::new(messages.start));
    let first = messages.start;
    let work = async {
        let senders: Vec<_> = (0..senders)
            .map(|_| {
                let (caller, next, end) = (caller.clone(), Rc::clone(&next), messages.end);
                tokio::task::spawn_local(async move {
                    let mut times = Vec::new();
                    loop {
                        let number = next.get();
                        if number >= end {
                            return Ok(times);
                        }
                        let after = (number + each).min(end);
                        next.set(after);
                        let due = match pace {
                            Pace::Full => Instant::now(),
                            Pace::Rate(rate) => {
                                let at = (number - first) as f64 / rate;
                                let due = start + Duration::from_secs_f64(at);
                                sleep_until(due.into()).await;
                                due
                            }
                        };
                        let sent = caller.send((number..after).map(|n| text(n, size))).await;
                        sent.map_err(|error| format!("message {number}: {error}"))?;
                        times.push(due.elapsed());
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for sender in senders {
            let times: super::Said<Vec<Duration>> = sender.await?;
            all.extend(times?);
        }
        Ok::<_, Box<dyn std::error::Error>>(all)
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let times = LocalSet::new().block_on(&runtime, work)?;
    let (took, spent) = (start.elapsed(), Process::own().processor()? - processor);
    let mut figures = Figures::new(times, took, spent);
    figures.rate *= each as f64;
    figures.senders /= u32::try_from(each)?;
    Ok(figures)
}

/// What a handshake and one message each way take at the caller's and the listener's end, without any network and in one
/// thread; medians. The caller makes its configuration anew each time, as it does for every session.
pub fn handshake(rounds: usize) -> Result<(Duration, Duration)> {
    let home = Home::new("")?;
    let ours = Credentials::open(home.path(), true).map_err(|failure| failure.to_string())?;
    let server = ours.server()?;
    let keys = Keys::of(ours.clone());
    let name = any_name();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let (mut at_caller, mut at_listener) = (Duration::ZERO, Duration::ZERO);
        let start = Instant::now();
        let config = keys.client(Expected::new(ours.public()))?;
        let mut caller = Connection::from(rustls::ClientConnection::new(config, name.clone())?);
        let hello = step(&mut caller, &[])?;
        at_caller += start.elapsed();

        let start = Instant::now();
        let mut listener = Connection::from(rustls::ServerConnection::new(Arc::clone(&server))?);
        let answer = step(&mut listener, &hello)?;
        at_listener += start.elapsed();

        let start = Instant::now();
        caller.writer().write_all(&[b'x'; 100])?;
        let message = step(&mut caller, &answer)?;
        at_caller += start.elapsed();

        let start = Instant::now();
        step(&mut listener, &message)?;
        listener.writer().write_all(&[b'x'; 100])?;
        let answer = step(&mut listener, &[])?;
        at_listener += start.elapsed();

        let start = Instant::now();
        step(&mut caller, &answer)?;
        at_caller += start.elapsed();
        if caller.is_handshaking() || listener.is_handshaking() {
            return Err("the handshake is not over".into());
        }
        times[0].push(at_caller);
        times[1].push(at_listener);
    }
    times.iter_mut().for_each(|times| times.sort());
    Ok((times[0][rounds / 2], times[1][rounds / 2]))
}

/// Has one end take these bytes; what it has to say to them.
fn step(end: &mut Connection, mut bytes: &[u8]) -> Result<Vec<u8>> {
    while !bytes.is_empty() {
        end.read_tls(&mut bytes)?;
        end.process_new_packets()?;
    }
    let mut said = Vec::new();
    while end.wants_write() {
        end.write_tls(&mut said)?;
    }
    Ok(said)
}

/// TLS has no names here, but the library wants one.
fn any_name() -> ServerName<'static> {
    let any = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    ServerName::from(any)
}
