//! The client's own certificate.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};

use crate::certificate::Certificate;
use crate::trust::certificates;
use crate::{TlsError, TlsOptions};

/// What is shown to a server that asks; nothing unless both files are named, as with OpenSSL.
///
/// # Errors
/// A file that is named holds no certificate or no key, or they do not belong together.
pub(crate) fn load(options: &TlsOptions) -> Result<Option<Arc<dyn ResolvesClientCert>>, TlsError> {
    let chain = options.cert.as_deref().map(|file| {
        certificates(file).ok_or_else(|| TlsError::settings("Invalid client certificate"))
    });
    let chain = chain.transpose()?;
    let own = chain.as_ref().map(|chain| Certificate::parse(&chain[0]));
    let own = own.transpose().map_err(|_| TlsError::settings("Invalid client certificate"))?;
    let key = options.key.as_deref().map(key).transpose()?;
    if let (Some(own), Some(key)) = (&own, &key)
        && key.public_key().is_some_and(|public| public.as_ref() != own.key)
    {
        return Err(invalid_key());
    }
    let identity = chain.zip(key).map(|(chain, key)| CertifiedKey::new(chain, key));
    Ok(identity.map(|identity| Arc::new(SingleCertAndKey::from(identity)) as _))
}

fn invalid_key() -> TlsError {
    TlsError::settings("Invalid private key")
}

fn key(file: &Path) -> Result<Arc<dyn SigningKey>, TlsError> {
    let text = fs::read(file).map_err(|_| invalid_key())?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| encrypted_or_invalid(&text))?;
    rustls::crypto::ring::sign::any_supported_type(&key).map_err(|_| encrypted_or_invalid(&text))
}

/// redis-cli would ask for the pass phrase.
fn encrypted_or_invalid(text: &[u8]) -> TlsError {
    if String::from_utf8_lossy(text).contains("ENCRYPTED") {
        return TlsError::settings("Invalid private key: it is encrypted, which is not supported");
    }
    invalid_key()
}
