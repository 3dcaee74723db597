//! Whether a server is who it says: whether somebody vouches for it who is trusted.
//!
//! Chains are webpki's business. Two kinds of servers it refuses and OpenSSL does not are common where
//! people make their own certificates, and are looked at here: those of version 1 (which have no
//! extensions; `openssl x509 -req` made them until OpenSSL 3.2, so also the script that comes with
//! Redis), if a root has signed them; and those that are a root themselves and are trusted by name.
//! Host names are not compared, as with redis-cli.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use webpki::RawPublicKeyEntity;

use crate::certificate::Certificate;
use crate::trust::{Authorities, Trust};

/// Verifies servers for a client.
#[derive(Debug)]
pub(crate) struct Verifier {
    trust: Trust,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(crate) fn new(trust: Trust, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { trust, algorithms }
    }

    fn verify_chain(
        &self,
        known: &Authorities,
        own: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = parse(own)?;
        if known.roots.contains(own) || parsed.is_version_1 {
            if !parsed.is_valid_at(now) {
                return Err(CertificateError::Expired.into());
            }
            let is_trusted = known.roots.contains(own)
                || known.roots.iter().any(|root| self.has_signed(root, &parsed));
            return if is_trusted { Ok(()) } else { Err(CertificateError::UnknownIssuer.into()) };
        }
        let intermediates: Vec<CertificateDer<'_>> =
            sent.iter().chain(&known.intermediates).cloned().collect();
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(own)?,
            &known.store,
            &intermediates,
            now,
            self.algorithms.all,
        )
    }

    /// Whether `root` vouches for a certificate.
    fn has_signed(&self, root: &CertificateDer<'_>, certificate: &Certificate<'_>) -> bool {
        let Ok(root) = Certificate::parse(root) else { return false };
        let key = SubjectPublicKeyInfoDer::from(root.key);
        let Ok(key) = RawPublicKeyEntity::try_from(&key) else { return false };
        let mut algorithms = self.algorithms.all.iter();
        root.subject == certificate.issuer
            && algorithms.any(|algorithm| {
                algorithm.signature_alg_id().as_ref() == certificate.algorithm
                    && key
                        .verify_signature(*algorithm, certificate.signed, certificate.signature)
                        .is_ok()
            })
    }
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<Certificate<'a>, Error> {
    Certificate::parse(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Trust::Known(known) = &self.trust {
            self.verify_chain(known, own, sent, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    // Also of a server that need not be known: the key it uses must be its own.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = parse(certificate)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.key);
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        let schemes = self.algorithms.mapping.iter();
        let mut algorithms =
            schemes.filter(|(scheme, _)| *scheme == signed.scheme).flat_map(|(_, all)| *all);
        // An algorithm that is not the key's fails as a wrong signature does.
        let is_valid = algorithms
            .any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok());
        match is_valid {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = parse(certificate)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.key);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{
        BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SigningKey, date_time_ymd,
    };

    use super::*;

    type Der = CertificateDer<'static>;

    /// Who can sign.
    struct Authority {
        certificate: Der,
        issuer: Issuer<'static, KeyPair>,
    }

    fn params(name: &str, is_authority: bool) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        if is_authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params
    }

    fn key() -> KeyPair {
        KeyPair::generate().expect("a key")
    }

    fn authority(name: &str, by: Option<&Authority>) -> Authority {
        let (params, key) = (params(name, true), key());
        let certificate = match by {
            None => params.self_signed(&key),
            Some(by) => params.signed_by(&key, &by.issuer),
        };
        let certificate = certificate.expect("a certificate").der().clone();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    fn leaf(by: &Authority) -> Der {
        let signed = params("server", false).signed_by(&key(), &by.issuer);
        signed.expect("a certificate").der().clone()
    }

    fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
        let len = u16::try_from(content.len()).expect("a short one").to_be_bytes();
        let head = match len {
            [0, short @ ..=127] => vec![tag, short],
            [0, short] => vec![tag, 0x81, short],
            [high, low] => vec![tag, 0x82, high, low],
        };
        [&head, content].concat()
    }

    /// The same certificate without extensions, signed by `by`.
    fn version_1(certificate: &Der, by: &Authority) -> Der {
        let parsed = Certificate::parse(certificate).expect("a certificate");
        let algorithm = wrapped(0x30, parsed.algorithm);
        // From behind the version to the end of the key.
        let start = parsed.signed.windows(5).position(|bytes| bytes == [0xa0, 3, 2, 1, 2]);
        let start = start.expect("a version") + 5;
        let end = parsed.key.as_ptr_range().end.addr() - parsed.signed.as_ptr().addr();
        let signed = wrapped(0x30, &parsed.signed[start..end]);
        let signature = by.issuer.key().sign(&signed).expect("a signature");
        let signature = wrapped(3, &[&[0], &signature[..]].concat());
        Der::from(wrapped(0x30, &[signed, algorithm, signature].concat()))
    }

    fn verify(trusted: &[&Der], chain: &[&Der], now: UnixTime) -> Result<(), Error> {
        let known = Authorities::new(trusted.iter().map(|der| (*der).clone()).collect(), now);
        let provider = rustls::crypto::ring::default_provider();
        let verifier =
            Verifier::new(Trust::Known(known), provider.signature_verification_algorithms);
        let name = ServerName::try_from("other.example").expect("a name");
        let sent: Vec<Der> = chain[1..].iter().map(|der| (*der).clone()).collect();
        verifier.verify_server_cert(chain[0], &sent, &name, &[], now).map(|_| ())
    }

    #[track_caller]
    fn check(trusted: &[&Der], chain: &[&Der], expected: Result<(), CertificateError>) {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        assert_eq!(verify(trusted, chain, now), expected.map_err(Error::from));
    }

    const UNKNOWN: Result<(), CertificateError> = Err(CertificateError::UnknownIssuer);

    #[test]
    fn chains_end_with_a_root_that_is_trusted() {
        let (root, other) = (authority("root", None), authority("root", None));
        let own = leaf(&root);
        check(&[&root.certificate], &[&own], Ok(()));
        check(&[&other.certificate, &root.certificate], &[&own], Ok(()));
        check(&[], &[&own], UNKNOWN);
        check(&[&own], &[&own], UNKNOWN);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        assert!(verify(&[&other.certificate], &[&own], now).is_err());
    }

    #[test]
    fn what_links_them_is_sent_or_is_in_a_file() {
        let root = authority("root", None);
        let middle = authority("middle", Some(&root));
        let own = leaf(&middle);
        check(&[&root.certificate], &[&own], UNKNOWN);
        check(&[&root.certificate], &[&own, &middle.certificate], Ok(()));
        check(&[&root.certificate, &middle.certificate], &[&own], Ok(()));
        check(&[&middle.certificate], &[&own], UNKNOWN);
    }

    #[test]
    fn servers_without_extensions() {
        let (root, other) = (authority("root", None), authority("root", None));
        let own = version_1(&leaf(&root), &root);
        assert!(ParsedCertificate::try_from(&own).is_err(), "webpki reads it meanwhile");
        check(&[&root.certificate], &[&own], Ok(()));
        check(&[&other.certificate], &[&own], UNKNOWN);
        check(&[], &[&own], UNKNOWN);
        // One that is signed by somebody else in the root's name.
        check(&[&root.certificate], &[&version_1(&leaf(&root), &other)], UNKNOWN);
        let mut damaged = own.to_vec();
        let at = damaged.len() - 1;
        damaged[at] ^= 1;
        check(&[&root.certificate], &[&Der::from(damaged)], UNKNOWN);
    }

    #[test]
    fn a_server_that_is_trusted_itself() {
        let (root, other) = (authority("server", None), authority("server", None));
        check(&[&root.certificate], &[&root.certificate], Ok(()));
        assert!(verify(&[&other.certificate], &[&root.certificate], UnixTime::now()).is_err());
    }

    #[test]
    fn nothing_holds_for_ever() {
        let root = authority("root", None);
        let mut params = params("server", false);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2030, 1, 1);
        let own = params.signed_by(&key(), &root.issuer).expect("a certificate").der().clone();
        let trusted_itself = params.self_signed(&key()).expect("a certificate").der().clone();
        let old = version_1(&own, &root);
        for (seconds, holds) in
            [(1_500_000_000, false), (1_700_000_000, true), (1_900_000_000, false)]
        {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            for own in [&own, &old] {
                let verified = verify(&[&root.certificate], &[own], now);
                assert_eq!(verified.is_ok(), holds, "{seconds}: {verified:?}");
            }
            let verified = verify(&[&trusted_itself], &[&trusted_itself], now);
            assert_eq!(verified.is_ok(), holds, "{seconds}: {verified:?}");
        }
    }

    #[test]
    fn what_is_no_certificate() {
        let root = authority("root", None);
        let own = leaf(&root);
        let bad = Err(CertificateError::BadEncoding);
        for bytes in [&b""[..], b"\x30\x80", b"no certificate", &own[..own.len() - 1]] {
            check(&[&root.certificate], &[&Der::from(bytes.to_vec())], bad.clone());
        }
        // Every byte may be wrong; nothing panics, and nothing that is signed may be.
        let parsed = Certificate::parse(&own).expect("a certificate");
        let start = parsed.signed.as_ptr().addr() - own.as_ptr().addr();
        for at in start..start + parsed.signed.len() {
            let mut bytes = own.to_vec();
            bytes[at] ^= 1;
            assert!(verify(&[&root.certificate], &[&Der::from(bytes)], UnixTime::now()).is_err());
        }
    }
}
