//! Reaches a peer: finds its host, connects, and says who we are.
//!
//! What is said then is for `exchange` on the plain wire, and for `talk` in a session.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::address::{Address, Host};
use crate::book::Reached;
use crate::codec::frame::Hello;
use crate::config::{Advertise, Time};
use crate::exchange::{Unheard, exchange, unreachable};
use crate::exit::{Code, Failure};
use crate::key::PublicKey;
use crate::message::Proof;
use crate::name::Name;
use crate::peer::Wire;
use crate::session::tls::Keys;
use crate::settings::Chosen;
use crate::trust::Trust;

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
    /// Whether we listen, or somebody has said where we do; else the port is only what the plain wire has to be told.
    pub listens: bool,
    /// Whether what we say is encrypted.
    pub secure: Chosen,
    /// Which keys are believed.
    pub trust: Trust,
    /// The keys of peers that are known by their IP address: a host's name in its place changes nothing.
    pub pins: Arc<HashMap<Address, PublicKey>>,
    /// Our key.
    pub keys: Keys,
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

    /// The end of it.
    pub fn end(&self) -> Instant {
        self.end
    }

    /// What has not come in time.
    pub fn passed(&self, code: Code, what: &str) -> Failure {
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
    /// The key that it has proved in a session.
    pub key: Option<PublicKey>,
    /// The key that it says to have; a session with it proves that.
    pub offered: Option<PublicKey>,
    /// Whether it has answered before it had our end of stream, so that it may be a p2p although it looks like a plain program.
    pub lacks_our_end: bool,
}

impl Heard {
    /// What it tells of the peer.
    pub fn reached(&self) -> Reached {
        let Self { name, address, key, .. } = self.clone();
        Reached { address, name, wire: self.wire(), key }
    }

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
    ) -> Result<Heard, Unheard> {
        let (mut stream, address) = self.connect(to, deadline).await?;
        if let Some(&key) = self.pins.get(&address).filter(|_| to.ip().is_none()) {
            let why = "its key is known, so it is never spoken to in plain; nothing was sent";
            let failure = Failure::new(Code::Insecure, why);
            return Err(Unheard { failure, offered: Some(key) });
        }
        let own = self.own(&stream).map_err(|error| unreachable(&error))?;
        let message = say(own);
        match timeout_at(deadline.end, exchange(&mut stream, &message, known)).await {
            Ok(result) => result.map(|said| Heard {
                proof: said.proof,
                name: said.name,
                address,
                key: None,
                offered: said.key,
                lacks_our_end: said.lacks_our_end,
            }),
            Err(_) => Err(deadline.passed(Code::Timeout, "answer").into()),
        }
    }

    /// Connects, and tells which address answered. Fails with `unreachable`.
    pub async fn connect(
        &self,
        to: &Address,
        deadline: Deadline,
    ) -> Result<(TcpStream, Address), Failure> {
        let stream = match timeout_at(deadline.end, connect(to)).await {
            Ok(connected) => connected.map_err(|error| unreachable(&error))?,
            Err(_) => return Err(deadline.passed(Code::Unreachable, "connection")),
        };
        let address = stream.peer_addr().map_err(|error| unreachable(&error))?;
        Ok((stream, SocketAddr::new(address.ip().to_canonical(), address.port()).into()))
    }

    /// Who we are to those with whom we have a session. A port where nobody may listen is not told: another p2p of this
    /// machine may have it.
    pub fn hello(&self) -> Hello {
        let port = self.listens.then_some(self.port);
        Hello { name: Some(self.name.clone()), port, addr: self.advertised }
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
}
