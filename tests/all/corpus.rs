//! Every captured arrival of the student programs, through the real listener over a real socket.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use p2p::inbox::{Identity, Inbound};
use p2p::limits::Limits;
use p2p::listener::{self, Haste};
use p2p::message::{Arrival, Kind};
use p2p::trust::Secure;
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tokio::sync::{mpsc, oneshot};

use crate::support::PATIENCE;

/// The senders' connections come from this address of the loopback network.
const SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn corpus() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/wire-corpus.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A listener that knows itself under the address that the capture was sent to.
struct Receiver {
    address: SocketAddr,
    arrivals: mpsc::Receiver<Inbound>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    fn start(advertised: SocketAddr) -> Self {
        let socket = listener::bind(Some(Ipv4Addr::LOCALHOST.into()), 0).unwrap();
        let address = socket.local_addr().unwrap();
        let name = "receiver".parse().unwrap();
        let identity = Identity { name, port: advertised.port(), advertised: Some(advertised) };
        let (inbox, arrivals) = mpsc::channel(64);
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            drop(stopped.await);
            Haste::Finish
        };
        let task = tokio::spawn(listener::run(
            socket,
            identity,
            None,
            Secure::Prefer,
            Limits::default(),
            inbox,
            shutdown,
        ));
        Self { address, arrivals, stop, task }
    }

    /// What has been read by the time that the connection has been quiet or has ended.
    async fn next(&mut self) -> Option<Vec<Arrival>> {
        match tokio::time::timeout(PATIENCE, self.arrivals.recv()).await {
            Ok(Some(Inbound::Arrivals { arrivals, done, .. })) => {
                done.send(Ok(())).unwrap();
                Some(arrivals)
            }
            _ => None,
        }
    }
}

fn connect(to: SocketAddr) -> std::net::TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((SOURCE, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream: std::net::TcpStream = socket.into();
    stream.set_nodelay(true).unwrap();
    stream
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Message => "message",
        Kind::Connect => "connect",
        Kind::ConnectAck => "connect_ack",
        Kind::Exit => "exit",
        Kind::Raw => "unparsed",
    }
}

/// Where the sender is expected to be reachable: if the capture's source address stands for it, ours does here.
fn expected_address(entry: &Value) -> Option<String> {
    let expected = entry["expect"]["addr"].as_str()?;
    let (ip, port) = expected.rsplit_once(':').unwrap();
    let is_header = entry["expect"]["header_addr"] == expected;
    let is_source = entry["src_ip"] == ip && !is_header;
    Some(if is_source { format!("{SOURCE}:{port}") } else { expected.to_owned() })
}

fn check(entry: &Value, arrivals: &[Arrival]) -> Result<(), String> {
    let expect = &entry["expect"];
    if expect["text"].is_null() {
        return if arrivals.is_empty() { Ok(()) } else { Err("a probe was not silent".into()) };
    }
    let [arrival] = arrivals else { return Err(format!("{} readings", arrivals.len())) };
    let accepted = expect["accept"].as_array().unwrap();
    let kind = word(arrival.kind);
    let address = arrival.address.as_ref().map(ToString::to_string);
    let text = String::from_utf8_lossy(&arrival.text);
    if !accepted.iter().any(|accepted| accepted == kind) {
        return Err(format!("read as {kind}, not {accepted:?}"));
    }
    if address != expected_address(entry) {
        return Err(format!("address {address:?}, not {:?}", expected_address(entry)));
    }
    if arrival.name.as_deref() != expect["name"].as_str() {
        return Err(format!("name {:?}, not {}", arrival.name, expect["name"]));
    }
    if Some(text.as_ref()) != expect["text"].as_str() {
        return Err(format!("text {text:?}, not {}", expect["text"]));
    }
    Ok(())
}

/// The arrivals of one connection, in order; the last one may end it.
async fn play(entries: Vec<Value>) -> Vec<String> {
    let advertised = entries[0]["to"].as_str().unwrap().parse().unwrap();
    let mut receiver = Receiver::start(advertised);
    let mut stream = connect(receiver.address);
    let mut wrong = Vec::new();
    let count = entries.len();
    for (at, entry) in entries.into_iter().enumerate() {
        stream.write_all(&bytes(entry["hex"].as_str().unwrap())).unwrap();
        if at + 1 == count && entry["connection"] == "one-shot" {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let silent = entry["expect"]["text"].is_null();
        let arrivals = if silent { None } else { receiver.next().await };
        if let Err(why) = check(&entry, &arrivals.unwrap_or_default()) {
            wrong.push(format!("{}: {why}", entry["id"]));
        }
    }
    drop(stream);
    receiver.stop.send(()).unwrap();
    receiver.task.await.unwrap();
    while let Ok(extra) = receiver.arrivals.try_recv() {
        wrong.push(format!("{extra:?} on top"));
    }
    wrong
}

#[tokio::test(flavor = "current_thread")]
async fn every_captured_arrival_is_read_as_expected() {
    let mut connections: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let corpus = corpus();
    assert_eq!(corpus.len(), 173);
    for entry in corpus {
        connections.entry(entry["conn"].as_str().unwrap().to_owned()).or_default().push(entry);
    }
    let plays: Vec<_> =
        connections.into_values().map(|entries| tokio::spawn(play(entries))).collect();
    let mut wrong = Vec::new();
    for play in plays {
        wrong.extend(play.await.unwrap());
    }
    assert!(wrong.is_empty(), "{} of 173:\n{}", wrong.len(), wrong.join("\n"));
}
