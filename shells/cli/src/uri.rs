//! `redis://[[user:]password@]host[:port][/db]`.
//!
//! Source: IANA, "Uniform Resource Identifier (URI) Schemes", redis (provisional), without queries.

use crate::number::leading_integer;

/// What an URI names; the rest stays as it was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Uri {
    pub(crate) tls: bool,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) password: Option<Vec<u8>>,
    pub(crate) host: Option<Vec<u8>>,
    pub(crate) port: Option<i64>,
    pub(crate) db: Option<i64>,
}

/// Reads an URI.
///
/// # Errors
/// `Invalid URI scheme`, `Incomplete URI encoding`, `Illegal character in URI encoding`.
pub(crate) fn parse(text: &[u8]) -> Result<Uri, &'static str> {
    let mut uri = Uri::default();
    let mut rest = if let Some(rest) = strip_scheme(text, b"rediss://") {
        uri.tls = true;
        rest
    } else {
        strip_scheme(text, b"redis://").ok_or("Invalid URI scheme")?
    };
    if let Some(at) = rest.iter().position(|&byte| byte == b'@') {
        let mut secret = &rest[..at];
        if let Some(colon) = secret.iter().position(|&byte| byte == b':') {
            uri.user = Some(decode(&secret[..colon])?);
            secret = &secret[colon + 1..];
        }
        uri.password = Some(decode(secret)?);
        rest = &rest[at + 1..];
    }
    let path = rest.iter().position(|&byte| byte == b'/');
    let authority = &rest[..path.unwrap_or(rest.len())];
    if !authority.is_empty() {
        let (host, port) = split_authority(authority);
        uri.host = Some(host.to_vec());
        uri.port = port.map(leading_integer);
    }
    let db = path.map(|at| &rest[at + 1..]).filter(|db| !db.is_empty());
    uri.db = db.map(leading_integer);
    Ok(uri)
}

fn strip_scheme<'a>(text: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The host and what stands for the port.
fn split_authority(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let after = |at: usize| authority.get(at + 1..).filter(|port| !port.is_empty());
    if let Some(inner) = authority.strip_prefix(b"[")
        && let Some(end) = inner.iter().position(|&byte| byte == b']')
    {
        let port = inner[end + 1..].strip_prefix(b":");
        return (&inner[..end], port);
    }
    match authority.iter().position(|&byte| byte == b':') {
        Some(colon) => (&authority[..colon], Some(after(colon).unwrap_or_default())),
        None => (authority, None),
    }
}

fn decode(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let [high, low, after @ ..] = after else { return Err("Incomplete URI encoding") };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
            return Err("Illegal character in URI encoding");
        };
        decoded.push(u8::try_from(high * 16 + low).unwrap_or(u8::MAX));
        rest = after;
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match parse(text.as_bytes()) {
            Err(error) => error.to_owned(),
            Ok(uri) => {
                let text = |part: Option<Vec<u8>>| {
                    part.map_or("-".to_owned(), |part| part.escape_ascii().to_string())
                };
                let number = |part: Option<i64>| part.map_or("-".to_owned(), |n| n.to_string());
                let (user, password, host) = (text(uri.user), text(uri.password), text(uri.host));
                let tls = if uri.tls { "tls " } else { "" };
                format!("{tls}{user} {password} {host} {} {}", number(uri.port), number(uri.db))
            }
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn every_part_may_be_missing() {
        check("redis://", "- - - - -");
        check("REDIS://host", "- - host - -");
        check("redis://host:7000/3", "- - host 7000 3");
        check("redis://secret@host", "- secret host - -");
        check("redis://user:secret@host/1", "user secret host - 1");
        check("redis://u%3a:p%40%00@h:1", "u: p@\\x00 h 1 -");
        check("redis://:secret@", " secret - - -");
        check("redis:///2", "- - - - 2");
        check("redis://[::1]:7000/2", "- - ::1 7000 2");
        check("redis://[::1]/2", "- - ::1 - 2");
        check("redis://host:/", "- - host 0 -");
        check("rediss://host", "tls - - host - -");
    }

    #[test]
    fn what_is_no_uri() {
        check("http://host", "Invalid URI scheme");
        check("redis", "Invalid URI scheme");
        check("redis://%4@host", "Incomplete URI encoding");
        check("redis://%4x@host", "Illegal character in URI encoding");
    }
}
