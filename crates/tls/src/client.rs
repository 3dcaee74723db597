//! From options to streams.

use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{IpAddr, Ipv4Addr, ServerName};
use rustls::{ClientConfig, ClientConnection};

use crate::ciphers;
use crate::identity;
use crate::trust::Trust;
use crate::verify::Verifier;
use crate::{Stream, TlsError, TlsOptions};

/// How connections are secured. Copies share what was read from files.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: TlsOptions,
    built: OnceLock<Built>,
}

/// What all connections have in common.
#[derive(Clone, Debug)]
struct Built {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// Equal options: what they name is the same, too.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.0.options == other.0.options
    }
}

impl Eq for Tls {}

impl Tls {
    pub(crate) fn new(options: TlsOptions) -> Self {
        Self(Arc::new(Inner { options, built: OnceLock::new() }))
    }

    /// Makes a stream of a connected socket that waits.
    ///
    /// # Errors
    /// The options make no sense, or the two sides do not come to terms.
    pub fn connect<S: Read + Write>(&self, socket: S) -> Result<Stream<S>, TlsError> {
        let mut stream = Stream::new(socket, self.session()?, true);
        stream.handshake()?;
        Ok(stream)
    }

    /// Makes a stream of a socket that does not wait, and need not be connected yet; nothing is sent
    /// before [`Stream::handshake`].
    ///
    /// # Errors
    /// [`TlsError::Settings`]
    pub fn start<S: Read + Write>(&self, socket: S) -> Result<Stream<S>, TlsError> {
        Ok(Stream::new(socket, self.session()?, false))
    }

    fn session(&self) -> Result<ClientConnection, TlsError> {
        let built = match self.0.built.get() {
            Some(built) => built.clone(),
            // What was wrong the last time may have been mended.
            None => {
                let built = build(&self.0.options)?;
                self.0.built.get_or_init(|| built).clone()
            }
        };
        let mut session = ClientConnection::new(built.config, built.name)
            .map_err(|error| TlsError::settings(error.to_string()))?;
        // One request is taken as a whole; the next waits until it is sent.
        session.set_buffer_limit(None);
        Ok(session)
    }
}

/// In the order in which redis-cli looks at what it is told.
fn build(options: &TlsOptions) -> Result<Built, TlsError> {
    let trust = Trust::load(options)?;
    let identity = identity::load(options)?;
    let provider = provider(options)?;
    let name = name(options.sni.as_deref())?;
    let verifier = Verifier::new(trust, provider.signature_verification_algorithms);
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::settings(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity),
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = options.sni.is_some();
    // As with redis-cli each connection stands for itself: a benchmark that connects anew for each
    // request measures whole handshakes.
    config.resumption = Resumption::disabled();
    Ok(Built { config: Arc::new(config), name })
}

fn provider(options: &TlsOptions) -> Result<CryptoProvider, TlsError> {
    let mut provider = rustls::crypto::ring::default_provider();
    if options.ciphers.is_none() && options.ciphersuites.is_none() {
        return Ok(provider);
    }
    let tls12 = ciphers::tls12(options.ciphers.as_deref())?;
    provider.cipher_suites = ciphers::tls13(options.ciphersuites.as_deref())?;
    provider.cipher_suites.extend(tls12);
    Ok(provider)
}

/// The name that is told. Without one something must stand there; an address is not sent.
fn name(sni: Option<&[u8]>) -> Result<ServerName<'static>, TlsError> {
    let Some(sni) = sni else {
        return Ok(ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0; 4]))));
    };
    const WRONG: &str = "Failed to configure SNI";
    if sni.is_empty() {
        return Err(TlsError::settings(WRONG));
    }
    let name = ServerName::try_from(sni).map(|name| name.to_owned());
    name.map_err(|_| {
        TlsError::settings(format!("{WRONG}: '{}' is no host name", sni.escape_ascii()))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixStream;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    /// What comes of options; files are named by what they hold.
    fn settings(options: &[(&str, &str)]) -> Result<(), String> {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            fs::write(directory.path().join(name), text).expect("it can be written");
        };
        let (key, other) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("one"));
        let params = CertificateParams::new(Vec::new()).expect("parameters");
        write("own.crt", &params.self_signed(&key).expect("a certificate").pem());
        write("own.key", &key.serialize_pem());
        write("other.key", &other.serialize_pem());
        write(
            "locked.key",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        let mut tls = TlsOptions::default();
        tls.take_switch("--tls");
        for (name, value) in options {
            let is_file = matches!(*name, "--cacert" | "--cacertdir" | "--cert" | "--key");
            let path = directory.path().join(value);
            let value = if is_file { path.to_str().expect("text") } else { value };
            assert!(tls.take_value(name, value.as_bytes()), "{name}");
        }
        let (socket, _peer) = UnixStream::pair().expect("a pair");
        let stream = tls.into_tls().expect("TLS").start(socket);
        stream.map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn settings_that_can_be_followed() {
        for options in [
            &[][..],
            &[("--cacert", "own.crt"), ("--cacertdir", "nowhere")],
            &[("--cert", "own.crt"), ("--key", "own.key")],
            &[("--cert", "own.crt")],
            &[("--key", "other.key")],
            &[("--sni", "redis.example"), ("--tls-ciphers", "HIGH:!aNULL")],
            &[("--sni", "127.0.0.1"), ("--tls-ciphersuites", "TLS_AES_128_GCM_SHA256")],
        ] {
            assert_eq!(settings(options), Ok(()), "{options:?}");
        }
    }

    /// Somebody in a session may put the file into place.
    #[test]
    fn what_failed_is_tried_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("ca.crt");
        let mut options = TlsOptions::default();
        options.take_switch("--tls");
        options.take_value("--cacert", file.to_str().expect("text").as_bytes());
        let tls = options.into_tls().expect("TLS");
        let start = || tls.start(UnixStream::pair().expect("a pair").0).map(|_| ());
        assert!(start().is_err());
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(Vec::new()).expect("parameters");
        let text = params.self_signed(&key).expect("a certificate").pem();
        fs::write(&file, text).expect("it can be written");
        assert_eq!(start(), Ok(()));
        // What was read is kept.
        fs::remove_file(&file).expect("it was there");
        assert_eq!(start(), Ok(()));
    }

    #[test]
    fn settings_that_cannot() {
        const KEY: &str = "Invalid private key";
        const CERTIFICATE: &str = "Invalid client certificate";
        const TRUST: &str = "Invalid CA Certificate File/Directory";
        for (options, text) in [
            (&[("--cacert", "nothing")][..], TRUST),
            (&[("--cacert", "own.key"), ("--cert", "nothing")], TRUST),
            (&[("--cert", "nothing"), ("--key", "nothing")], CERTIFICATE),
            (&[("--cert", "own.key")], CERTIFICATE),
            (&[("--key", "nothing")], KEY),
            (&[("--key", "own.crt")], KEY),
            (&[("--cert", "own.crt"), ("--key", "other.key")], KEY),
            (
                &[("--key", "locked.key")],
                "Invalid private key: it is encrypted, which is not supported",
            ),
            (&[("--sni", "")], "Failed to configure SNI"),
            (&[("--sni", "a b")], "Failed to configure SNI: 'a b' is no host name"),
        ] {
            assert_eq!(settings(options), Err(text.to_owned()), "{options:?}");
        }
    }
}
