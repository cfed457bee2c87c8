//! TLS as two p2p use it (RFC 8446 with the raw public keys of RFC 7250): both ends prove an Ed25519 key, and nothing
//! else is negotiable. No certificates, no names, no resumption, no early data.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::ring::cipher_suite::{
    TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
};
use rustls::crypto::ring::{kx_group, sign};
use rustls::crypto::{
    CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer,
    UnixTime,
};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{
    CertificateError, ClientConfig, CommonState, DigitallySignedStruct, DistinguishedName, Error,
    PeerIncompatible, ServerConfig, SignatureScheme,
};

use crate::exit::Failure;
use crate::key::{KEY_BYTES, PublicKey};
use crate::state::key_file;
use crate::system::machine::keep_out_of_core_dumps;

/// What is spoken inside, by the name that both ends have to agree on (RFC 7301).
pub const ALPN: &[u8] = b"p2p/1";

/// What comes before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Our own key, ready to prove itself.
#[derive(Clone)]
pub struct Credentials {
    key: Arc<CertifiedKey>,
    public: PublicKey,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.public).finish()
    }
}

impl Credentials {
    /// Those of a home; makes its key if it has none. From then on the process leaves no core dump.
    pub fn open(data_dir: &Path, allow_network: bool) -> Result<Self, Failure> {
        keep_out_of_core_dumps();
        let secret = key_file::open_or_make(data_dir, allow_network)?;
        Self::new(&secret).ok_or_else(|| key_file::not_a_key(&data_dir.join("key")))
    }

    /// Those of a secret key; `None` if it is not one of Ed25519.
    pub fn new(secret: &PrivatePkcs8KeyDer<'_>) -> Option<Self> {
        let signer = sign::any_eddsa_type(secret).ok()?;
        let spki = signer.public_key()?.to_vec();
        let public = key_in(&spki)?;
        let key = Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], signer));
        Some(Self { key, public })
    }

    /// The public part.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// What a listener needs: it takes whoever proves any key, and knows then who it is.
    pub fn server(&self) -> Result<Arc<ServerConfig>, Error> {
        let resolver = Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::clone(&self.key)));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(Arc::new(Anybody))
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(Arc::new(config))
    }
}

/// Our own key, opened when it is needed first: most calls do without, and a caller has time for it while the other end
/// works.
#[derive(Clone, Debug)]
pub struct Keys {
    data_dir: PathBuf,
    allow_network: bool,
    opened: Arc<OnceLock<Credentials>>,
}

impl Keys {
    /// The key of this directory.
    pub fn new(data_dir: PathBuf, allow_network: bool) -> Self {
        Self { data_dir, allow_network, opened: Arc::default() }
    }

    /// One that is open already.
    pub fn of(credentials: Credentials) -> Self {
        let opened = Arc::new(OnceLock::from(credentials));
        Self { data_dir: PathBuf::new(), allow_network: false, opened }
    }

    /// The key; makes it if there is none.
    pub fn open(&self) -> Result<&Credentials, Failure> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = Credentials::open(&self.data_dir, self.allow_network)?;
        Ok(self.opened.get_or_init(|| opened))
    }

    /// What a caller needs: only whoever proves the expected key is told anything.
    pub fn client(&self, expected: Arc<Expected>) -> Result<Arc<ClientConfig>, Error> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(expected)
            .with_client_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.enable_sni = false;
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

impl ResolvesClientCert for Keys {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.open().ok().map(|credentials| Arc::clone(&credentials.key))
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The only signatures that anybody makes.
static SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[webpki::ring::ED25519],
    mapping: &[(SignatureScheme::ED25519, &[webpki::ring::ED25519])],
};

/// What the sessions are made of, by hand: what the library offers by default brings all that it can into the program.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            TLS13_AES_128_GCM_SHA256,
            TLS13_AES_256_GCM_SHA384,
            TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![kx_group::X25519],
        signature_verification_algorithms: SIGNATURES,
        secure_random: &System,
        key_provider: &System,
    })
}

/// The random numbers of the system, and keys of the one kind that there is.
#[derive(Debug)]
struct System;

impl SecureRandom for System {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        fill_random(bytes)
    }
}

impl KeyProvider for System {
    fn load_private_key(&self, key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        match key {
            PrivateKeyDer::Pkcs8(key) => sign::any_eddsa_type(&key),
            _ => Err(Error::General("a key is one of Ed25519, in PKCS #8".to_owned())),
        }
    }
}

/// 128 random bits.
pub fn random() -> u128 {
    let mut bytes = [0; 16];
    // without random numbers there is no session either; an id that repeats is then the lesser evil
    let _ = fill_random(&mut bytes);
    u128::from_le_bytes(bytes)
}

fn fill_random(bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
    SystemRandom::new().fill(bytes).map_err(|_| GetRandomFailed)
}

/// Many numbers of 128 random bits; the system is asked for several at once.
#[derive(Debug, Default)]
pub struct Randoms(Vec<u128>);

impl Randoms {
    /// How many are drawn at once: a kilobyte, which the system has in one piece.
    const AT_ONCE: usize = 64;

    /// One more.
    pub fn draw(&mut self) -> u128 {
        if self.0.is_empty() {
            let mut bytes = [0; 16 * Self::AT_ONCE];
            // see `random`
            let _ = fill_random(&mut bytes);
            self.0.extend(bytes.as_chunks().0.iter().copied().map(u128::from_le_bytes));
        }
        self.0.pop().unwrap_or_default()
    }
}

/// The key of whoever is at the other end of a session that has been begun, if it speaks as we do.
pub(super) fn peer_key(session: &CommonState) -> Option<PublicKey> {
    let [spki] = session.peer_certificates()? else { return None };
    key_in(spki).filter(|_| session.alpn_protocol() == Some(ALPN))
}

/// The key in a SubjectPublicKeyInfo, if it is one of Ed25519 in its one form.
fn key_in(spki: &[u8]) -> Option<PublicKey> {
    let bytes: [u8; KEY_BYTES] = spki.strip_prefix(&SPKI_PREFIX)?.try_into().ok()?;
    Some(PublicKey::new(bytes))
}

/// The one key that a caller expects, and the one that it met.
#[derive(Debug)]
pub struct Expected {
    key: PublicKey,
    presented: OnceLock<PublicKey>,
}

impl Expected {
    /// Expects this key.
    pub fn new(key: PublicKey) -> Arc<Self> {
        Arc::new(Self { key, presented: OnceLock::new() })
    }

    /// The one that is expected.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// Whether the key was presented: what was to be said may be on its way.
    pub fn is_met(&self) -> bool {
        self.presented.get() == Some(&self.key)
    }

    /// Another key that was presented in its place.
    pub fn other(&self) -> Option<PublicKey> {
        self.presented.get().copied().filter(|key| *key != self.key)
    }
}

/// Any key will do: who may do what is decided by whoever knows the peers.
#[derive(Debug)]
struct Anybody;

/// What both ends answer to the library: raw keys of TLS 1.3, and signatures by Ed25519.
macro_rules! only_tls13_with_ed25519_keys {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(PeerIncompatible::Tls12NotOffered.into())
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify(message, cert, dss)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }

        fn requires_raw_public_keys(&self) -> bool {
            true
        }
    };
}

impl ServerCertVerifier for Expected {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let key = key_in(end_entity).ok_or(CertificateError::BadEncoding)?;
        // the first time is the only time
        let _ = self.presented.set(key);
        if key == self.key {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    only_tls13_with_ed25519_keys!();
}

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        key_in(end_entity).ok_or(CertificateError::BadEncoding)?;
        Ok(ClientCertVerified::assertion())
    }

    only_tls13_with_ed25519_keys!();
}

/// Whether the other end has the secret part of the key that it presents.
fn verify(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let spki = SubjectPublicKeyInfoDer::from(cert.as_ref());
    if dss.scheme != SignatureScheme::ED25519 {
        return Err(CertificateError::BadSignature.into());
    }
    verify_tls13_signature_with_raw_key(message, &spki, dss, &SIGNATURES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn who_has_read_the_key_leaves_no_core_dump() {
        let home = tempfile::tempdir().unwrap();
        let first = Credentials::open(home.path(), true).unwrap().public();
        let behaviour = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(behaviour, rustix::process::DumpableBehavior::NotDumpable);
        assert_eq!(Credentials::open(home.path(), true).unwrap().public(), first);
    }

    #[test]
    fn no_number_is_drawn_twice() {
        let mut randoms = Randoms::default();
        let drawn: std::collections::HashSet<_> =
            (0..3 * Randoms::AT_ONCE).map(|_| randoms.draw()).collect();
        assert_eq!(drawn.len(), 3 * Randoms::AT_ONCE);
    }

    #[test]
    fn a_key_has_one_form() {
        let key = [&SPKI_PREFIX[..], &[7; 32]].concat();
        assert_eq!(key_in(&key), Some(PublicKey::new([7; 32])));
        for at in 0..SPKI_PREFIX.len() {
            let mut other = key.clone();
            other[at] ^= 1;
            assert_eq!(key_in(&other), None);
        }
        assert_eq!((key_in(&key[..43]), key_in(&[&key[..], &[0]].concat())), (None, None));
    }
}
