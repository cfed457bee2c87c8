//! The secret key of a home: one file, made at first use, readable by its owner alone.
//!
//! It is PKCS#8 in PEM (RFC 8410), which other programs read and write, too. It is never changed: a file that is not a
//! key is left as it is, because others know us by what it was.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::dir::{StateDir, cannot, read_all, refuse};
use super::lock::Lock;
use crate::exit::{Code, Failure};

const KEY_FILE: &str = "key";
const FRESH_FILE: &str = "key.tmp";
const LOCK_FILE: &str = "key.lock";

/// Longest key file that is read: a key takes 119 bytes, and a person may have written remarks around it.
const MAX_KEY_FILE_BYTES: u64 = 16 * 1024;

/// How long another process may take to make the key.
const MAX_LOCK_WAIT: Duration = Duration::from_secs(5);

/// What comes before the 32 secret bytes of an Ed25519 key in PKCS#8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Reads the key of a home, and makes it if there is none. Two that do so at once get the same.
pub fn open_or_make(
    path: &Path,
    allow_network: bool,
) -> Result<PrivatePkcs8KeyDer<'static>, Failure> {
    if let Some(dir) = StateDir::open(path, allow_network)?
        && let Some(key) = read(&dir)?
    {
        return Ok(key);
    }
    let dir = StateDir::create(path, allow_network)?;
    let _lock = Lock::acquire(&dir, LOCK_FILE, MAX_LOCK_WAIT)?;
    match read(&dir)? {
        // somebody else has been faster
        Some(key) => Ok(key),
        None => make(&dir),
    }
}

fn read(dir: &StateDir) -> Result<Option<PrivatePkcs8KeyDer<'static>>, Failure> {
    let path = dir.path_of(KEY_FILE);
    let Some(file) = dir.readable_file(KEY_FILE)? else { return Ok(None) };
    let bytes =
        read_all(file, 128, MAX_KEY_FILE_BYTES).map_err(|error| cannot("read", &path, error))?;
    // what is wrong with it is not told: no byte of it belongs into a message
    let key = PrivatePkcs8KeyDer::from_pem_slice(&bytes).map_err(|_| not_a_key(&path))?;
    Ok(Some(key))
}

/// What is said of a file that is no Ed25519 key.
pub fn not_a_key(path: &Path) -> Failure {
    refuse(path, "it is not an Ed25519 key in PEM").hint(format!(
        "bring it back from where you keep a copy; or remove it, and have those who know us call `p2p peers trust`: rm '{}'",
        path.display()
    ))
}

fn make(dir: &StateDir) -> Result<PrivatePkcs8KeyDer<'static>, Failure> {
    let path = dir.path_of(FRESH_FILE);
    let mut secret = [0; 32];
    SystemRandom::new().fill(&mut secret).map_err(|_| {
        Failure::new(Code::Io, "cannot make a key: the system gives no random numbers")
    })?;
    let key = [&PKCS8_PREFIX[..], &secret].concat();
    let text = base64::prelude::BASE64_STANDARD.encode(&key);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let mut file = dir.fresh_file(FRESH_FILE)?;
    let done = file
        .write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| dir.rename(FRESH_FILE, KEY_FILE));
    if let Err(error) = done {
        let _ = dir.remove(FRESH_FILE);
        return Err(cannot("write", &path, error));
    }
    Ok(key.into())
}
