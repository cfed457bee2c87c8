//! Options of sockets that do not mean the same everywhere, and what a system tells of a connection.

use std::io;
use std::net::TcpListener;

use socket2::Socket;
#[cfg(not(target_os = "linux"))]
use tokio::io::AsyncWriteExt as _;
#[cfg(target_os = "linux")]
use tokio::io::Interest;
use tokio::net::TcpStream;

/// What shows who has UDP port 5353.
#[cfg(target_os = "linux")]
pub const SHOW_PORT_5353: &str = "ss -ulnp 'sport = 5353'";

/// What shows who has UDP port 5353.
#[cfg(not(target_os = "linux"))]
pub const SHOW_PORT_5353: &str = "netstat -an -p udp";

/// Lets a restarted listener have its port back although old connections linger.
pub fn take_port_back(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// Shares a UDP port with others that share it.
pub fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)
}

/// Whether connections can be accepted from a socket.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub fn listens(socket: &TcpListener) -> io::Result<bool> {
    socket2::SockRef::from(socket).is_listener()
}

/// Whether connections can be accepted from a socket.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub fn listens(_: &TcpListener) -> io::Result<bool> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system does not tell whether it listens"))
}

/// Sends the last bytes of a connection. The end of our side has to follow at once: they leave in one packet with it.
#[cfg(target_os = "linux")]
pub async fn send_before_end(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    /// MSG_MORE of send(2): what comes next belongs to it.
    const MORE: i32 = 0x8000;
    while !bytes.is_empty() {
        let send = || socket2::SockRef::from(&*stream).send_with_flags(bytes, MORE);
        let count = stream.async_io(Interest::WRITABLE, send).await?;
        bytes = &bytes[count..];
    }
    Ok(())
}

/// Sends the last bytes of a connection, before the end of our side.
#[cfg(not(target_os = "linux"))]
pub async fn send_before_end(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await
}

/// Whether the system has let go of a connection of which both ends are over: all that was sent is acknowledged, or a
/// reset has come, which is then the error of the socket. `None` if this system does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn is_let_go(stream: &TcpStream) -> Option<bool> {
    Some(stream.peer_addr().is_err())
}

/// The same; other systems know no peer any more as soon as both ends were said, or do not say when.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn is_let_go(_: &TcpStream) -> Option<bool> {
    None
}
