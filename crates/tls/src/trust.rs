//! The certificates that are trusted.

use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};

use crate::certificate::Certificate;
use crate::{TlsError, TlsOptions};

/// Whom to trust.
#[derive(Debug)]
pub(crate) enum Trust {
    /// `--insecure`
    Anyone,
    /// Whom these certificates vouch for.
    Known(Authorities),
}

/// Certificates of authorities.
#[derive(Debug)]
pub(crate) struct Authorities {
    /// Those that a chain may end with: they sign themselves, and hold now.
    pub(crate) roots: Vec<CertificateDer<'static>>,
    /// The same as webpki wants them.
    pub(crate) store: RootCertStore,
    /// Those that may stand in a chain.
    pub(crate) intermediates: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Reads the files of `--cacert` and `--cacertdir`, or, without either, those of the system.
    ///
    /// # Errors
    /// The file of `--cacert` holds no certificate. A directory that does not exist has none, which is
    /// no error, as with OpenSSL.
    pub(crate) fn load(options: &TlsOptions) -> Result<Self, TlsError> {
        let mut found = Vec::new();
        if let Some(file) = &options.cacert {
            found = certificates(file)
                .ok_or_else(|| TlsError::settings("Invalid CA Certificate File/Directory"))?;
        }
        if options.insecure {
            return Ok(Self::Anyone);
        }
        if let Some(directory) = &options.cacertdir {
            found.extend(hashed(directory));
        }
        if options.cacert.is_none() && options.cacertdir.is_none() {
            // What cannot be read is not trusted.
            found = rustls_native_certs::load_native_certs().certs;
        }
        Ok(Self::Known(Authorities::new(found, UnixTime::now())))
    }
}

impl Authorities {
    pub(crate) fn new(found: Vec<CertificateDer<'static>>, now: UnixTime) -> Self {
        let (mut roots, mut intermediates) = (Vec::new(), Vec::new());
        for certificate in found {
            // One that cannot be read vouches for nobody.
            let Ok(parsed) = Certificate::parse(&certificate) else { continue };
            match (parsed.is_root(), parsed.is_valid_at(now)) {
                (true, true) => roots.push(certificate),
                (true, false) => {}
                (false, _) => intermediates.push(certificate),
            }
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().cloned());
        Self { roots, store, intermediates }
    }
}

/// The certificates of a file in PEM; `None` if there are none.
pub(crate) fn certificates(file: &Path) -> Option<Vec<CertificateDer<'static>>> {
    let text = fs::read(file).ok()?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    found.ok().filter(|found| !found.is_empty())
}

/// The certificates of a directory: OpenSSL looks for files that `openssl rehash` has named by a hash
/// of what they are about (`1a2b3c4d.0`), and for no others.
fn hashed(directory: &Path) -> Vec<CertificateDer<'static>> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_hash));
    files.filter_map(|entry| certificates(&entry.path())).flatten().collect()
}

fn is_hash(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, number)| {
        hash.len() == 8
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        for (name, expected) in [
            ("1a2b3c4d.0", true),
            ("1a2b3c4d.10", true),
            ("1a2b3c4d.", false),
            ("1a2b3c4d.r0", false),
            ("1a2b3c4.0", false),
            ("ca.pem", false),
            ("x0000000.0", false),
        ] {
            assert_eq!(is_hash(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_certificate() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("ca.pem");
        assert_eq!(certificates(&file), None);
        for text in ["", "nothing", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            fs::write(&file, text).expect("it can be written");
            assert_eq!(certificates(&file), None, "{text}");
        }
    }
}
