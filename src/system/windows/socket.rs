//! Options of sockets that do not mean the same everywhere, and what a system tells of a connection.

use std::io;
use std::net::TcpListener;

use socket2::Socket;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// What shows who has UDP port 5353.
pub const SHOW_PORT_5353: &str = "netstat -ano -p UDP";

/// Does nothing: old connections do not hold a port here, and the option of the same name would share it with anybody.
pub fn take_port_back(_: &Socket) -> io::Result<()> {
    Ok(())
}

/// Shares a UDP port with others that share it.
pub fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// Fails: Windows is not asked whether connections can be accepted from a socket.
pub fn listens(_: &TcpListener) -> io::Result<bool> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system does not tell whether it listens"))
}

/// Sends the last bytes of a connection, before the end of our side.
pub async fn send_before_end(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await
}

/// Whether the system has let go of a connection of which both ends are over. Windows does not tell.
pub fn is_let_go(_: &TcpStream) -> Option<bool> {
    None
}
