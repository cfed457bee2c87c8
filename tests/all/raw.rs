//! Sessions in which anything can be said: those of a caller, and those of a listener.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use p2p::key::PublicKey;
use p2p::session::tls::{Credentials, Expected, Keys};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConnection, ServerConnection, StreamOwned};

use crate::support::{Home, PATIENCE, connect};

/// A key of our own, made of a number.
pub fn credentials(number: u8) -> Credentials {
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let secret = PrivatePkcs8KeyDer::from([&prefix[..], &[number; 32]].concat());
    Credentials::new(&secret).unwrap()
}

/// The key of a home.
pub fn key_of(home: &Home) -> PublicKey {
    home.json(&["id"])[0]["key"].as_str().unwrap().parse().unwrap()
}

/// Our end of a handshake with who has this key.
pub fn client(number: u8, key: PublicKey) -> ClientConnection {
    let config = Keys::of(credentials(number)).client(Expected::new(key)).unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    ClientConnection::new(config, name).unwrap()
}

/// A session in which anything can be said.
pub struct Raw(pub BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Raw {
    /// With who has this key.
    pub fn begin(to: SocketAddr, key: PublicKey) -> Self {
        Self(BufReader::new(StreamOwned::new(client(1, key), connect(to))))
    }

    /// Says it, if it can be said.
    pub fn say(&mut self, bytes: &[u8]) -> &mut Self {
        let stream = self.0.get_mut();
        // it may have been ended by the other side
        let _ = stream.write_all(bytes).and_then(|()| stream.flush());
        self
    }

    /// The next line of the listener.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        let _ = self.0.read_line(&mut line);
        line.trim_end().to_owned()
    }

    /// The answer after its hello, if there is one.
    pub fn rest_after_hello(&mut self) -> String {
        self.line();
        self.line()
    }

    /// The next answer that may have a list, and how many are in it.
    pub fn list(&mut self) -> (String, usize) {
        let line = self.line();
        let header: serde_json::Value = serde_json::from_str(&line).unwrap();
        let mut list = vec![0; header["size"].as_u64().unwrap_or(0) as usize];
        self.0.read_exact(&mut list).unwrap();
        let list: Vec<serde_json::Value> = serde_json::from_slice(&list).unwrap_or_default();
        (line, list.len())
    }

    /// What the listener says until it ends the session.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest);
        String::from_utf8(rest).unwrap()
    }
}

/// A listener that greets as it should, and to each question for its peers gives the answer that it was given.
pub struct Teller {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its key.
    pub key: PublicKey,
    /// The questions, as they come.
    pub questions: Receiver<String>,
}

impl Teller {
    /// Answers with what `answer` makes of the question, for as long as the test runs.
    pub fn start(
        number: u8,
        answer: impl Fn(&serde_json::Value) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, credentials) = (listener.local_addr().unwrap(), credentials(number));
        let key = credentials.public();
        let (asked, questions) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let session = ServerConnection::new(credentials.server().unwrap()).unwrap();
                let mut stream = BufReader::new(StreamOwned::new(session, stream));
                loop {
                    let mut line = String::new();
                    // whatever ends it, the next one may come
                    if !stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                        break;
                    }
                    let question: serde_json::Value = serde_json::from_str(&line).unwrap();
                    let answer = match question["type"].as_str().unwrap() {
                        "hello" => b"{\"type\":\"hello\",\"name\":\"teller\"}\n".to_vec(),
                        "ping" => line.replace("ping", "pong").into_bytes(),
                        _ => {
                            let _ = asked.send(line.clone());
                            answer(&question)
                        }
                    };
                    let stream = stream.get_mut();
                    if stream.write_all(&answer).and_then(|()| stream.flush()).is_err() {
                        break;
                    }
                }
            }
        });
        Self { address, key, questions }
    }

    /// One that tells this list, whatever part of it is asked for.
    pub fn of(number: u8, list: impl Into<String>, total: usize) -> Self {
        let list = list.into();
        Self::start(number, move |question| list_frame(question, &list, total))
    }

    /// The lines of a configuration that has it as a static peer.
    pub fn listed(&self) -> String {
        format!("[[peer]]\naddr = \"{}\"\nkey = \"{}\"\n", self.address, self.key)
    }
}

/// The answer to a question for peers.
pub fn list_frame(question: &serde_json::Value, list: &str, total: usize) -> Vec<u8> {
    let (id, size) = (question["id"].as_str().unwrap(), list.len());
    let header =
        format!("{{\"type\":\"peers\",\"id\":\"{id}\",\"size\":{size},\"total\":{total}}}\n");
    [header.as_bytes(), list.as_bytes()].concat()
}
