//! Where a server is, in one word: `redis://[[user:]password@]host[:port][/db]`.
//!
//! Source: IANA, "Uniform Resource Identifier (URI) Schemes", redis (provisional), without queries.

/// What a URI names; what it leaves out is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerUri {
    /// Whether the scheme is `rediss`.
    pub is_tls: bool,
    /// Who to authenticate as.
    pub user: Option<Vec<u8>>,
    /// What to authenticate with.
    pub password: Option<Vec<u8>>,
    /// A name or an address, without the brackets of IPv6.
    pub host: Option<Vec<u8>>,
    /// As it stands there: digits, if all is well.
    pub port: Option<Vec<u8>>,
    /// As it stands there: digits, if all is well.
    pub db: Option<Vec<u8>>,
}

impl ServerUri {
    /// Reads a URI.
    ///
    /// # Errors
    /// The texts of redis-cli: `Invalid URI scheme`, `Incomplete URI encoding`, `Illegal character
    /// in URI encoding`.
    pub fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let mut uri = Self::default();
        let mut rest = match (after_scheme(text, b"rediss://"), after_scheme(text, b"redis://")) {
            (Some(rest), _) => {
                uri.is_tls = true;
                rest
            }
            (None, Some(rest)) => rest,
            (None, None) => return Err("Invalid URI scheme"),
        };
        if let Some((secrets, behind)) = split_at_byte(rest, b'@') {
            let (user, password) = match split_at_byte(secrets, b':') {
                Some((user, password)) => (Some(decode(user)?), password),
                None => (None, secrets),
            };
            (uri.user, uri.password) = (user, Some(decode(password)?));
            rest = behind;
        }
        let (place, db) = match split_at_byte(rest, b'/') {
            Some((place, db)) => (place, Some(db)),
            None => (rest, None),
        };
        if !place.is_empty() {
            let (host, port) = match place.strip_prefix(b"[").and_then(|v6| split_at_byte(v6, b']'))
            {
                Some((host, behind)) => (host, behind.strip_prefix(b":")),
                None => match split_at_byte(place, b':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (place, None),
                },
            };
            (uri.host, uri.port) = (Some(host.to_vec()), port.map(<[u8]>::to_vec));
        }
        uri.db = db.filter(|db| !db.is_empty()).map(<[u8]>::to_vec);
        Ok(uri)
    }
}

fn after_scheme<'a>(text: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// What stands before and behind the first such byte.
fn split_at_byte(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&found| found == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Percent decoding.
fn decode(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            let byte = bytes.next().ok_or("Incomplete URI encoding")?;
            let digit = char::from(*byte).to_digit(16);
            digit.ok_or("Illegal character in URI encoding")
        };
        let value = digit()? * 16 + digit()?;
        decoded.push(u8::try_from(value).unwrap_or(u8::MAX));
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match ServerUri::parse(text.as_bytes()) {
            Err(why) => why.to_owned(),
            Ok(uri) => {
                let parts = [uri.user, uri.password, uri.host, uri.port, uri.db].map(|part| {
                    part.map_or("-".to_owned(), |part| part.escape_ascii().to_string())
                });
                let tls = if uri.is_tls { "tls " } else { "" };
                tls.to_owned() + &parts.join(" ")
            }
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn every_part_may_be_missing() {
        check("redis://", "- - - - -");
        check("redis://h", "- - h - -");
        check("Redis://h:7000/3", "- - h 7000 3");
        check("rediss://secret@h/", "tls - secret h - -");
        check("redis://user:secret@h:1/2", "user secret h 1 2");
        check("redis://:secret@", " secret - - -");
        check("redis:///2", "- - - - 2");
        check("redis://[::1]:7000/1", "- - ::1 7000 1");
        check("redis://[::1]", "- - ::1 - -");
    }

    #[test]
    fn percent_encoding_is_for_secrets() {
        check("redis://u%3a:p%40%00@h", "u: p@\\x00 h - -");
        check("redis://%4@h", "Incomplete URI encoding");
        check("redis://%4x@h", "Illegal character in URI encoding");
        check("redis://h%41", "- - h%41 - -");
    }

    #[test]
    fn other_schemes_are_refused() {
        for text in ["", "http://h", "redis:/h", "h:6379"] {
            check(text, "Invalid URI scheme");
        }
    }
}
