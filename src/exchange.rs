//! One thing said on the plain wire, and how sure it is that it was read; and the words for what went wrong.
//!
//! "Send and close" proves nothing: it reported success for 240 of 240 messages to a program that never read. What
//! proves more, without another byte on the plain wire: one write, half-close, read to the end, see our own end
//! acknowledged, and no error on the socket.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::codec::receipt::{is_receipt, name_in};
use crate::codec::verdict::{MAX_VERDICT_BYTES, Sum, Verdict};
use crate::config::Time;
use crate::connection::QUIET;
use crate::exit::{Code, Failure};
use crate::key::PublicKey;
use crate::message::Proof;
use crate::name::Name;
use crate::peer::Wire;
use crate::system::machine::lacks_files;
use crate::system::socket::is_let_go;

/// How much of a reply is read: a verdict, or a few words. Who says more is read to the end but not kept.
const MAX_REPLY_BYTES: usize = MAX_VERDICT_BYTES;

/// Who answers without end is left.
const MAX_DRAINED_BYTES: usize = 1024 * 1024;

/// A peer has not read what we said, as far as we know.
#[derive(Debug)]
pub struct Unheard {
    /// Why.
    pub failure: Failure,
    /// The key that it says to have, if it has answered: a session may succeed where this has not.
    pub offered: Option<PublicKey>,
}

impl From<Failure> for Unheard {
    fn from(failure: Failure) -> Self {
        Self { failure, offered: None }
    }
}

/// What a peer's end of the connection says.
enum Ending {
    /// It closed in order.
    Closed,
    /// It answered in words that stand for "read", and keeps the connection open.
    Answered,
}

/// What was found out on the plain wire.
#[derive(Debug)]
pub struct Said {
    /// How sure it is that it was read.
    pub proof: Proof,
    /// What the peer calls itself, if it said so.
    pub name: Option<Name>,
    /// The key that it says to have.
    pub key: Option<PublicKey>,
    /// Whether it may be a p2p that has answered without our end of stream: as to a plain program that keeps the connection.
    pub lacks_our_end: bool,
}

/// Says one thing and finds out how sure it is that it was read; the caller's deadline bounds it.
///
/// Errors: `unconfirmed` if there is no proof, also when a peer that is `known` to acknowledge does not; `busy`, `denied`,
/// `too_large` or `insecure` if it was refused.
pub async fn exchange(
    stream: &mut TcpStream,
    message: &[u8],
    known: Option<Wire>,
) -> Result<Said, Unheard> {
    let lost = |error: io::Error| unconfirmed(&describe(&error));
    stream.write_all(message).await.map_err(lost)?;
    stream.shutdown().await.map_err(lost)?;
    let mut reply = Vec::new();
    let ending = read_reply(stream, &mut reply).await?;
    // its end came, and ours is still under way
    let lacks_our_end = matches!(ending, Ending::Closed) && is_let_go(stream) == Some(false);
    match Verdict::decode(&reply) {
        Some(Verdict::Ok { sum, name, key, .. }) if sum == Sum::of(message) => {
            return Ok(Said { proof: Proof::Acked, name, key, lacks_our_end: false });
        }
        Some(Verdict::Ok { .. }) => return Err(unconfirmed("it acknowledged other bytes").into()),
        Some(Verdict::No { code, retry, key }) => {
            return Err(Unheard { failure: refused(&code, retry), offered: key });
        }
        None if reply.starts_with(b"P2P/") => {
            return Err(unconfirmed("its answer cannot be read").into());
        }
        None => {}
    }
    if known == Some(Wire::Native) {
        return Err(unconfirmed("it acknowledged before and did not now").into());
    }
    if let Ending::Closed = ending {
        let is_known = end_is_acknowledged(stream).await;
        if let Some(error) = stream.take_error().map_err(lost)? {
            return Err(lost(error).into());
        }
        if !is_known && !is_receipt(&reply) {
            let why =
                "it closed the connection, and this system does not tell whether it had read all";
            return Err(unconfirmed(why).into());
        }
    }
    Ok(Said { proof: Proof::Read, name: name_in(&reply), key: None, lacks_our_end })
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
///
/// False at once where the system does not tell.
async fn end_is_acknowledged(stream: &TcpStream) -> bool {
    let mut pause = Duration::from_micros(200);
    loop {
        match is_let_go(stream) {
            Some(true) => return true,
            Some(false) => sleep(pause).await,
            None => return false,
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Nothing was sent; whether that is the peer's doing or ours is another matter.
pub fn unreachable(error: &io::Error) -> Failure {
    let ours = lacks_files(error);
    Failure::new(if ours { Code::Io } else { Code::Unreachable }, describe(error))
}

/// It may have arrived.
pub fn unconfirmed(why: &str) -> Failure {
    Failure::new(Code::Unconfirmed, why)
}

/// The peer says no.
pub fn refused(code: &str, retry: Option<Duration>) -> Failure {
    let when = retry.map_or(String::new(), |r| format!(", try again in {}", Time(r)));
    let (code, why) = match code {
        "busy" => (Code::Busy, "it cannot take messages now".to_owned()),
        "too_large" => (Code::TooLarge, "the message is too large for it".to_owned()),
        "denied" => (Code::Denied, "it does not take such messages from us".to_owned()),
        "insecure" => {
            let failure = Failure::new(Code::Insecure, "it takes only encrypted messages");
            return failure.hint("leave out --secure off");
        }
        other => (Code::Denied, format!("it refuses: {other}")),
    };
    Failure::new(code, why + &when)
}

/// An error of the system in few words, without its number.
pub fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "the connection was reset".into()
        }
        io::ErrorKind::UnexpectedEof => "the connection was ended".into(),
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[tokio::test(flavor = "current_thread")]
    async fn who_answers_without_end_is_left() {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = socket.accept().await.unwrap();
        tokio::spawn(async move { while peer.write_all(&[b'x'; 4096]).await.is_ok() {} });
        let left = timeout(Duration::from_secs(10), exchange(&mut stream, b"hi", None)).await;
        let unheard = left.unwrap().unwrap_err();
        assert_eq!(unheard.failure.to_string(), "it answers without end");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_end_that_came_before_our_bytes_were_acknowledged_is_no_proof() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let socket = socket.listen(1).unwrap();
        let mut stream = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = socket.accept().await.unwrap();
        peer.shutdown().await.unwrap();
        // more than its kernel takes, and no more than ours does: all is written, and a part acknowledged
        let message = vec![b'x'; 64 * 1024];
        socket2::SockRef::from(&stream).set_send_buffer_size(4 * message.len()).unwrap();
        let mut sent = std::pin::pin!(exchange(&mut stream, &message, None));
        assert!(timeout(Duration::from_millis(300), sent.as_mut()).await.is_err());
        // it closes without having read
        drop(peer);
        let unheard = timeout(Duration::from_secs(20), sent).await.unwrap().unwrap_err();
        assert_eq!(unheard.failure.code, Code::Unconfirmed);
        assert_eq!(unheard.failure.to_string(), "the connection was reset");
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
