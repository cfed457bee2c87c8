//! How a listener meets the system: its socket, opened here or handed over by a service manager, and telling that
//! manager how it is (sd_notify(3), sd_listen_fds(3)).

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};

use tokio::net::TcpListener;

use crate::exit::{Code, Failure, OrFail as _};
use crate::listener;
use crate::settings::Listen;
use crate::system::service::Handed;
pub use crate::system::service::{ready, stopping};
use crate::system::socket::listens;

/// Takes the socket that a service manager has opened for us, if it has.
///
/// To be called while this process has one thread: it clears the variables by which the socket is handed over.
pub fn inherited_socket() -> Result<Option<StdListener>, Failure> {
    let mut sockets = Handed::take();
    let cannot = "cannot listen on what the service manager gave us";
    match sockets.count() {
        0 => Ok(None),
        1 => {
            let socket = sockets.first().or_fail(Code::Bind);
            let socket = socket.map_err(|failure| failure.context(cannot))?;
            if let Some(socket) = &socket {
                check(socket).map_err(|failure| failure.context(cannot))?;
            }
            Ok(socket)
        }
        count => Err(Failure::new(Code::Bind, format!("{cannot}: {count} sockets instead of one"))),
    }
}

fn check(socket: &StdListener) -> Result<(), Failure> {
    if !listens(socket).or_fail(Code::Bind)? {
        let why = "it does not listen; set Accept=no in the socket unit";
        return Err(Failure::new(Code::Bind, why));
    }
    socket.set_nonblocking(true).or_fail(Code::Bind)
}

/// The socket to listen on: the one that was handed over, or one of our own.
pub fn socket(listen: &Listen, inherited: Option<StdListener>) -> Result<TcpListener, Failure> {
    match inherited {
        Some(socket) => TcpListener::from_std(socket).or_fail(Code::Bind),
        None => bind(listen),
    }
}

fn bind(listen: &Listen) -> Result<TcpListener, Failure> {
    let (ip, port) = (listen.bind, listen.port);
    listener::bind(ip, port).map_err(|error| {
        let cause = error.kind();
        let shown =
            ip.map_or_else(|| format!("port {port}"), |ip| SocketAddr::new(ip, port).to_string());
        let why = match cause {
            io::ErrorKind::AddrInUse => "another program listens there".to_owned(),
            io::ErrorKind::AddrNotAvailable => "it is no address of this machine".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        let failure = Failure::new(Code::Bind, format!("cannot listen on {shown}: {why}"));
        match cause {
            io::ErrorKind::AddrInUse => failure.hint("`-p 0` takes a free port"),
            io::ErrorKind::PermissionDenied => {
                failure.hint("ports from 1024 on are open to everybody")
            }
            _ => failure,
        }
    })
}
