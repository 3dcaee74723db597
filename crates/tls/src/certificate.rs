//! What a certificate says, as far as webpki does not tell: those of version 1 it does not read at all.
//!
//! Source: RFC 5280, section 4.1.

use std::time::Duration;

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, UtcTime};
use der::{Decode, Error, Reader, SliceReader, Tag, Tagged};
use rustls::pki_types::UnixTime;

/// Parts of a certificate. Names and keys are whole values of DER, with their tags.
#[derive(Clone, Debug)]
pub(crate) struct Certificate<'a> {
    /// What is signed.
    pub(crate) signed: &'a [u8],
    /// Whether it has no extensions.
    pub(crate) is_version_1: bool,
    /// How it is signed, without a tag.
    pub(crate) algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    /// The key of the subject.
    pub(crate) key: &'a [u8],
    not_before: Duration,
    not_after: Duration,
}

impl<'a> Certificate<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, Error> {
        let mut outer = inside(der)?;
        let signed = outer.tlv_bytes()?;
        let algorithm = sequence(outer.tlv_bytes()?)?;
        let signature = BitStringRef::decode(&mut outer)?;
        let signature = signature.as_bytes().ok_or_else(|| Tag::BitString.value_error())?;
        outer.finish()?;

        let mut fields = inside(signed)?;
        let has_version = fields.peek_byte() == Some(0xa0);
        if has_version {
            fields.tlv_bytes()?;
        }
        let _serial = fields.tlv_bytes()?;
        let _algorithm = fields.tlv_bytes()?;
        let issuer = fields.tlv_bytes()?;
        let mut validity = inside(fields.tlv_bytes()?)?;
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        let subject = fields.tlv_bytes()?;
        let key = fields.tlv_bytes()?;
        Ok(Self {
            signed,
            is_version_1: !has_version,
            algorithm,
            signature,
            issuer,
            subject,
            key,
            not_before,
            not_after,
        })
    }

    /// Whether it names itself as its issuer.
    pub(crate) fn is_root(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether it has begun to hold and still does.
    pub(crate) fn is_valid_at(&self, now: UnixTime) -> bool {
        (self.not_before.as_secs()..=self.not_after.as_secs()).contains(&now.as_secs())
    }
}

/// The content of a sequence.
fn sequence(der: &[u8]) -> Result<&[u8], Error> {
    let any = AnyRef::from_der(der)?;
    any.tag().assert_eq(Tag::Sequence)?;
    Ok(any.value())
}

fn inside(der: &[u8]) -> Result<SliceReader<'_>, Error> {
    SliceReader::new(sequence(der)?)
}

/// A time, in one of its two forms.
fn time(reader: &mut SliceReader<'_>) -> Result<Duration, Error> {
    match Tag::peek(reader)? {
        Tag::GeneralizedTime => Ok(GeneralizedTime::decode(reader)?.to_unix_duration()),
        _ => Ok(UtcTime::decode(reader)?.to_unix_duration()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate() -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        // One time in each form.
        params.not_before = date_time_ymd(2024, 2, 29);
        params.not_after = date_time_ymd(2050, 1, 1);
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").der().to_vec()
    }

    #[test]
    fn what_a_certificate_says() {
        let der = certificate();
        let read = Certificate::parse(&der).expect("a certificate");
        assert!(read.is_root() && !read.is_version_1);
        // 2024-02-29 and 2050-01-01, in seconds since 1970.
        for (seconds, holds) in [
            (1_709_164_799, false),
            (1_709_164_800, true),
            (2_524_608_000, true),
            (2_524_608_001, false),
        ] {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            assert_eq!(read.is_valid_at(now), holds, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Certificate::parse(&bytes);
        }

        /// Whatever is done to one: it is read or not, and nothing panics.
        #[test]
        fn certificates_that_were_damaged(
            places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            len in any::<prop::sample::Index>(),
        ) {
            let mut der = certificate();
            for (place, byte) in places {
                let at = place.index(der.len());
                der[at] = byte;
            }
            let _ = Certificate::parse(&der);
            prop_assert!(Certificate::parse(&der[..len.index(der.len())]).is_err());
        }
    }
}
