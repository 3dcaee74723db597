//! Cipher lists in OpenSSL's language.
//!
//! Source: the manual page ciphers(1ssl) of OpenSSL 3.0. Names that are unknown select nothing, as
//! there; what selects nothing at all is refused. There are no other ciphers here than the forward
//! secret ones with authenticated encryption, so much of the language has nothing to select.

use rustls::SupportedCipherSuite;
use rustls::crypto::ring::cipher_suite as suite;

use crate::TlsError;

/// The strictest security level whose demands are met here anyway: keys of 2048 bits (RSA) or 224.
const SECURITY_LEVEL_MAX: &str = "2";

/// A cipher of TLS 1.2: its name and the words that select it, apart from those that select all.
struct Cipher {
    name: &'static str,
    words: &'static [&'static str],
    suite: SupportedCipherSuite,
}

/// In OpenSSL's order, the best first.
static CIPHERS: [Cipher; 6] = [
    Cipher {
        name: "ECDHE-ECDSA-AES256-GCM-SHA384",
        words: &["ECDSA", "aECDSA", "AES", "AES256", "AESGCM", "FIPS"],
        suite: suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    },
    Cipher {
        name: "ECDHE-RSA-AES256-GCM-SHA384",
        words: &["aRSA", "AES", "AES256", "AESGCM", "FIPS"],
        suite: suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    },
    Cipher {
        name: "ECDHE-ECDSA-CHACHA20-POLY1305",
        words: &["ECDSA", "aECDSA", "CHACHA20"],
        suite: suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    },
    Cipher {
        name: "ECDHE-RSA-CHACHA20-POLY1305",
        words: &["aRSA", "CHACHA20"],
        suite: suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    },
    Cipher {
        name: "ECDHE-ECDSA-AES128-GCM-SHA256",
        words: &["ECDSA", "aECDSA", "AES", "AES128", "AESGCM", "FIPS"],
        suite: suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    },
    Cipher {
        name: "ECDHE-RSA-AES128-GCM-SHA256",
        words: &["aRSA", "AES", "AES128", "AESGCM", "FIPS"],
        suite: suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    },
];

/// What selects every cipher above.
const ALL: [&str; 8] = ["ALL", "HIGH", "ECDHE", "kECDHE", "EECDH", "kEECDH", "ECDH", "TLSv1.2"];

static SUITES: [(&str, SupportedCipherSuite); 3] = [
    ("TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", suite::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
];

impl Cipher {
    /// Whether all words of a term such as `ECDHE+AESGCM` select it.
    fn is_selected(&self, term: &str) -> bool {
        let selects =
            |word: &str| ALL.contains(&word) || self.name == word || self.words.contains(&word);
        term.split('+').all(selects)
    }
}

fn matching(term: &str) -> impl Iterator<Item = &'static Cipher> {
    CIPHERS.iter().filter(move |cipher| cipher.is_selected(term))
}

/// The ciphers of a list for TLS 1.2, the best first; all without one.
///
/// # Errors
/// It selects none, or wants a security level that is not known to be met.
pub(crate) fn tls12(list: Option<&[u8]>) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    const WRONG: &str = "Error while configuring ciphers";
    let list = list.unwrap_or(b"DEFAULT");
    let text = String::from_utf8_lossy(list);
    let mut chosen: Vec<&Cipher> = Vec::new();
    let mut banned: Vec<&str> = Vec::new();
    for (index, word) in text.split([':', ',', ';', ' ']).enumerate() {
        if let Some(term) = word.strip_prefix('!') {
            banned.extend(matching(term).map(|cipher| cipher.name));
            chosen.retain(|cipher| !cipher.is_selected(term));
        } else if let Some(term) = word.strip_prefix('-') {
            chosen.retain(|cipher| !cipher.is_selected(term));
        } else if let Some(term) = word.strip_prefix('+') {
            // To the end, in the order in which they are.
            chosen.sort_by_key(|cipher| cipher.is_selected(term));
        } else if let Some(level) = word.strip_prefix("@SECLEVEL=") {
            if level.len() != 1 || level > SECURITY_LEVEL_MAX {
                return Err(TlsError::settings(format!("{WRONG}: {word} is not supported")));
            }
        } else if word == "@STRENGTH" {
            chosen.sort_by_key(|cipher| cipher.words.contains(&"AES128"));
        } else {
            let term = if index == 0 && word == "DEFAULT" { "ALL" } else { word };
            for cipher in matching(term) {
                let is_new = !chosen.iter().any(|other| other.name == cipher.name);
                if is_new && !banned.contains(&cipher.name) {
                    chosen.push(cipher);
                }
            }
        }
    }
    if chosen.is_empty() {
        let names: Vec<&str> = CIPHERS.iter().map(|cipher| cipher.name).collect();
        return Err(none_selected(WRONG, &text, &names));
    }
    Ok(chosen.iter().map(|cipher| cipher.suite).collect())
}

/// The cipher suites of a list for TLS 1.3, the best first; all without one.
///
/// # Errors
/// It selects none. An empty one means so, and is found out when a connection is made.
pub(crate) fn tls13(list: Option<&[u8]>) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    let Some(list) = list else { return Ok(SUITES.iter().map(|(_, suite)| *suite).collect()) };
    if list.is_empty() {
        return Err(TlsError::handshake("no ciphers available"));
    }
    let text = String::from_utf8_lossy(list);
    let mut chosen = Vec::new();
    for word in text.split(':') {
        let found = SUITES.iter().find(|(name, _)| *name == word).map(|(_, suite)| *suite);
        chosen.extend(found.filter(|suite| !chosen.contains(suite)));
    }
    if chosen.is_empty() {
        let names = SUITES.map(|(name, _)| name);
        return Err(none_selected("Error while setting cypher suites", &text, &names));
    }
    Ok(chosen)
}

fn none_selected(what: &str, list: &str, names: &[&str]) -> TlsError {
    TlsError::settings(format!("{what}: '{list}' selects none of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, expected: &[usize]) {
        let chosen = tls12(Some(list.as_bytes())).unwrap_or_default();
        let expected: Vec<_> = expected.iter().map(|&index| CIPHERS[index].suite).collect();
        assert_eq!(chosen, expected, "{list}");
    }

    /// The places are those of the list above; the orders are what `openssl ciphers -tls1_2` shows of
    /// these lists.
    #[test]
    fn lists() {
        check("DEFAULT", &[0, 1, 2, 3, 4, 5]);
        check("DEFAULT:!MEDIUM", &[0, 1, 2, 3, 4, 5]);
        check("HIGH:!aNULL:!MD5:@STRENGTH", &[0, 1, 2, 3, 4, 5]);
        check("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384", &[5, 1]);
        check("ECDHE+AESGCM:!AES128", &[0, 1]);
        check("CHACHA20 aRSA", &[2, 3, 1, 5]);
        check("!ECDSA:ALL:+AES256", &[3, 5, 1]);
        check("ALL:-CHACHA20:-AES:CHACHA20", &[2, 3]);
        check("nope:ECDHE-ECDSA-CHACHA20-POLY1305,AES128-SHA", &[2]);
        check("ALL:@SECLEVEL=1", &[0, 1, 2, 3, 4, 5]);
        for list in ["", "nope", "AES128-SHA", "RSA", "!ALL", "ALL:!ECDHE", "ALL:DEFAULT:!ALL"] {
            check(list, &[]);
        }
    }

    #[test]
    fn what_is_refused_is_named() {
        let error = tls12(Some(b"AES128-SHA")).expect_err("none").to_string();
        let start =
            "Error while configuring ciphers: 'AES128-SHA' selects none of ECDHE-ECDSA-AES256-";
        assert!(error.starts_with(start), "{error}");
        let error = tls12(Some(b"ALL:@SECLEVEL=3")).expect_err("unknown").to_string();
        assert_eq!(error, "Error while configuring ciphers: @SECLEVEL=3 is not supported");
    }

    #[test]
    fn suites() {
        let chosen = |list: &str| tls13(Some(list.as_bytes()));
        let suites = SUITES.map(|(_, suite)| suite);
        assert_eq!(tls13(None), Ok(suites.to_vec()));
        let list = "nope:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
        assert_eq!(chosen(list), Ok(vec![suites[2], suites[0]]));
        let error = chosen("").expect_err("none").to_string();
        assert_eq!(error, "SSL_connect failed: no ciphers available");
        let error = chosen("TLS_AES_128_CCM_SHA256").expect_err("none").to_string();
        let start =
            "Error while setting cypher suites: 'TLS_AES_128_CCM_SHA256' selects none of TLS_";
        assert!(error.starts_with(start), "{error}");
    }
}
