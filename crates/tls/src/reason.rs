//! What went wrong, in the words that OpenSSL has for it.

use std::io;

use rustls::{AlertDescription, Error, InvalidMessage};

/// The words for an error of the protocol.
pub(crate) fn of(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(_) => "certificate verify failed".to_owned(),
        Error::AlertReceived(alert) => of_alert(*alert),
        // A server that does not speak TLS answers with something else.
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "wrong version number".to_owned(),
        Error::DecryptError => "decryption failed or bad record mac".to_owned(),
        other => other.to_string(),
    }
}

/// The words for an error of a stream, as an error of I/O has them: the system's own, without a
/// number, or those for an error of the protocol.
pub(crate) fn of_io(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(number) => text.trim_end_matches(&format!(" (os error {number})")).to_owned(),
        None => text,
    }
}

fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription as A;
    let words = match alert {
        A::UnexpectedMessage => "sslv3 alert unexpected message",
        A::BadRecordMac => "sslv3 alert bad record mac",
        A::RecordOverflow => "tlsv1 alert record overflow",
        A::HandshakeFailure => "sslv3 alert handshake failure",
        A::NoCertificate => "sslv3 alert no certificate",
        A::BadCertificate => "sslv3 alert bad certificate",
        A::UnsupportedCertificate => "sslv3 alert unsupported certificate",
        A::CertificateRevoked => "sslv3 alert certificate revoked",
        A::CertificateExpired => "sslv3 alert certificate expired",
        A::CertificateUnknown => "sslv3 alert certificate unknown",
        A::IllegalParameter => "sslv3 alert illegal parameter",
        A::UnknownCA => "tlsv1 alert unknown ca",
        A::AccessDenied => "tlsv1 alert access denied",
        A::DecodeError => "tlsv1 alert decode error",
        A::DecryptError => "tlsv1 alert decrypt error",
        A::ProtocolVersion => "tlsv1 alert protocol version",
        A::InsufficientSecurity => "tlsv1 alert insufficient security",
        A::InternalError => "tlsv1 alert internal error",
        A::UserCanceled => "tlsv1 alert user cancelled",
        A::NoRenegotiation => "tlsv1 alert no renegotiation",
        A::MissingExtension => "tlsv13 alert missing extension",
        A::UnsupportedExtension => "tlsv1 unsupported extension",
        A::UnrecognisedName => "tlsv1 unrecognized name",
        A::CertificateRequired => "tlsv13 alert certificate required",
        A::NoApplicationProtocol => "tlsv1 alert no application protocol",
        other => return format!("alert {}", u8::from(other)),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    #[test]
    fn words() {
        for (error, words) in [
            (CertificateError::Expired.into(), "certificate verify failed"),
            (InvalidMessage::InvalidContentType.into(), "wrong version number"),
            (Error::AlertReceived(AlertDescription::UnknownCA), "tlsv1 alert unknown ca"),
            (Error::AlertReceived(AlertDescription::Unknown(200)), "alert 200"),
        ] {
            assert_eq!(of(&error), words);
        }
        let reset = io::Error::from_raw_os_error(104);
        assert_eq!(of_io(&reset), "Connection reset by peer");
        assert_eq!(of_io(&io::Error::other("x")), "x");
    }
}
