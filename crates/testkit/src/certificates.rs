//! Certificates of authorities that exist for one test, in files.

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// `ca.crt`, the authority; `server.crt` and `client.crt` with their keys, which it has signed; and
/// `other.crt`, an authority that has signed nothing.
pub struct Certificates {
    dir: TempDir,
}

impl Certificates {
    /// Makes them all.
    ///
    /// # Panics
    /// When they cannot be made or written.
    pub fn new() -> Certificates {
        let dir = tempfile::Builder::new().prefix("dunlin-tls-").tempdir().expect("a directory");
        let certificates = Certificates { dir };
        let authority = certificates.authority("ca");
        certificates.authority("other");
        for name in ["server", "client"] {
            let (params, key) = (params(name), key());
            let signed = params.signed_by(&key, &authority).expect("a certificate");
            certificates.write(name, &signed.pem(), &key);
        }
        certificates
    }

    fn authority(&self, name: &str) -> Issuer<'static, KeyPair> {
        let (mut params, key) = (params(name), key());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.write(name, &params.self_signed(&key).expect("a certificate").pem(), &key);
        Issuer::new(params, key)
    }

    fn write(&self, name: &str, certificate: &str, key: &KeyPair) {
        let path = |kind: &str| self.dir.path().join(format!("{name}.{kind}"));
        fs::write(path("crt"), certificate).expect("it is written");
        fs::write(path("key"), key.serialize_pem()).expect("it is written");
    }

    /// Where a file is, for an argument.
    pub fn path(&self, file: &str) -> String {
        let path: PathBuf = self.dir.path().join(file);
        path.display().to_string()
    }

    /// Lines of the configuration of a server that listens with TLS on `port`.
    pub fn server_config(&self, port: u16) -> String {
        let [ca, certificate, key] =
            ["ca.crt", "server.crt", "server.key"].map(|file| self.path(file));
        format!(
            "tls-port {port}\ntls-ca-cert-file {ca}\ntls-cert-file {certificate}\ntls-key-file {key}"
        )
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
