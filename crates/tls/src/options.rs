//! The words of a command line that are about TLS: the same for all programs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::Tls;

/// What was asked for. Without `--tls` the rest has no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// `--tls`
    pub(crate) wanted: bool,
    /// `--insecure`: whoever the server is will do.
    pub(crate) insecure: bool,
    /// `--sni`: the name that the server is told it is called by; none is told otherwise.
    pub(crate) sni: Option<Vec<u8>>,
    /// `--cacert`: a file of certificates to trust.
    pub(crate) cacert: Option<PathBuf>,
    /// `--cacertdir`: a directory of such files, whose names are hashes.
    pub(crate) cacertdir: Option<PathBuf>,
    /// `--cert`: the client's certificate, and what links it to an authority.
    pub(crate) cert: Option<PathBuf>,
    /// `--key`: its key.
    pub(crate) key: Option<PathBuf>,
    /// `--tls-ciphers`: for TLS 1.2.
    pub(crate) ciphers: Option<Vec<u8>>,
    /// `--tls-ciphersuites`: for TLS 1.3.
    pub(crate) ciphersuites: Option<Vec<u8>>,
}

impl TlsOptions {
    /// Takes an option without a value; `false` if it is none of these.
    pub fn take_switch(&mut self, name: &str) -> bool {
        match name {
            "--tls" => self.wanted = true,
            "--insecure" => self.insecure = true,
            _ => return false,
        }
        true
    }

    /// Takes an option with its value; `false` if it is none of these. The last one counts.
    pub fn take_value(&mut self, name: &str, value: &[u8]) -> bool {
        let bytes = || Some(value.to_vec());
        let path = || Some(PathBuf::from(OsStr::from_bytes(value)));
        match name {
            "--sni" => self.sni = bytes(),
            "--cacert" => self.cacert = path(),
            "--cacertdir" => self.cacertdir = path(),
            "--cert" => self.cert = path(),
            "--key" => self.key = path(),
            "--tls-ciphers" => self.ciphers = bytes(),
            "--tls-ciphersuites" => self.ciphersuites = bytes(),
            _ => return false,
        }
        true
    }

    /// What connections are to use; `None` is no TLS. No file is read yet.
    #[must_use]
    pub fn into_tls(self) -> Option<Tls> {
        self.wanted.then(|| Tls::new(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option() {
        let mut options = TlsOptions::default();
        for name in ["--sni", "--cacert", "--cacertdir", "--cert", "--key", "--tls-ciphers"] {
            assert!(options.take_value(name, b"first") && options.take_value(name, b"x"), "{name}");
            assert!(!options.take_switch(name), "{name}");
        }
        assert!(options.take_value("--tls-ciphersuites", b"y"));
        assert!(!options.take_value("--tls", b"x") && !options.take_value("--tls-port", b"x"));
        assert_eq!(options.clone().into_tls(), None);
        assert!(options.take_switch("--insecure") && options.take_switch("--tls"));
        let (bytes, path) = (Some(b"x".to_vec()), Some(PathBuf::from("x")));
        let expected = TlsOptions {
            wanted: true,
            insecure: true,
            sni: bytes.clone(),
            cacert: path.clone(),
            cacertdir: path.clone(),
            cert: path.clone(),
            key: path,
            ciphers: bytes,
            ciphersuites: Some(b"y".to_vec()),
        };
        assert_eq!(options, expected);
        assert!(options.into_tls().is_some());
    }
}
