//! Glob-style patterns: KEYS, SCAN MATCH, PSUBSCRIBE, ACL key and channel patterns, CONFIG GET.
//!
//! `*` matches any run of bytes, `?` one byte, `[abc]`, `[^abc]` and `[a-c]` one byte of (not of)
//! a class, `\` takes the next byte literally. An unclosed class ends with the pattern. As in
//! Redis, nothing but the empty pattern matches the empty text, so `*` does not.
//!
//! Matching takes O(pattern x text) at worst and no recursion: only the last `*` needs to be
//! tried at other places, because what an earlier one matched is the shortest that can work.
//!
//! Source: redis.io, commands KEYS and PSUBSCRIBE.

/// More stars than this (not counting one at the end) match nothing, as in Redis.
const STARS_MAX: usize = 1000;

/// Whether upper and lower case of ASCII letters are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// They differ: keys, channels.
    Sensitive,
    /// They do not: names of commands and parameters.
    Insensitive,
}

impl Case {
    const fn fold(self, byte: u8) -> u8 {
        match self {
            Self::Sensitive => byte,
            Self::Insensitive => byte.to_ascii_lowercase(),
        }
    }
}

/// Whether the whole of `text` matches `pattern`.
#[must_use]
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut rest, mut at) = (pattern, 0);
    // What follows the last star, and where in the text that was tried last.
    let mut retry: Option<(&[u8], usize)> = None;
    let mut stars = 0;
    while let Some(&byte) = text.get(at) {
        if rest.first() == Some(&b'*') {
            rest = without_stars(rest);
            if rest.is_empty() {
                return true;
            }
            stars += 1;
            if stars > STARS_MAX {
                return false;
            }
            retry = Some((rest, at));
            continue;
        }
        if let Some(behind) = match_one(rest, byte, case) {
            rest = behind;
            at += 1;
            continue;
        }
        let Some((after_star, tried)) = retry else { return false };
        rest = after_star;
        at = tried + 1;
        retry = Some((rest, at));
    }
    without_stars(rest).is_empty()
}

/// Whether a pattern has no special byte, so that it matches exactly one text: itself.
#[must_use]
pub fn is_literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

fn without_stars(pattern: &[u8]) -> &[u8] {
    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
    &pattern[stars..]
}

/// Matches one byte against the element that `pattern` begins with; returns what follows it.
fn match_one(pattern: &[u8], byte: u8, case: Case) -> Option<&[u8]> {
    let (matched, behind) = match pattern {
        [] => return None,
        [b'?', behind @ ..] => (true, behind),
        [b'[', class @ ..] => match_class(class, byte, case),
        [b'\\', literal, behind @ ..] | [literal, behind @ ..] => {
            (case.fold(*literal) == case.fold(byte), behind)
        }
    };
    matched.then_some(behind)
}

/// Matches one byte against a class, given from behind its `[`; returns what follows its `]`.
fn match_class(class: &[u8], byte: u8, case: Case) -> (bool, &[u8]) {
    let (negated, mut rest) = match class {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, class),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [] => return (found != negated, rest),
            [b']', behind @ ..] => return (found != negated, behind),
            // An escaped byte is compared as it is, also when case does not count.
            [b'\\', literal, behind @ ..] => {
                found |= *literal == byte;
                behind
            }
            [first, b'-', last, behind @ ..] => {
                found |= in_range(*first, *last, byte, case);
                behind
            }
            [literal, behind @ ..] => {
                found |= case.fold(*literal) == case.fold(byte);
                behind
            }
        };
    }
}

/// Ends of a range may come in either order. Bytes compare as C's signed `char`, so that those
/// above 127 come before the letters.
fn in_range(first: u8, last: u8, byte: u8, case: Case) -> bool {
    let (low, high) = if first as i8 <= last as i8 { (first, last) } else { (last, first) };
    (case.fold(low) as i8..=case.fold(high) as i8).contains(&(case.fold(byte) as i8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, text: &str, expected: bool) {
        let found = matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive);
        assert_eq!(found, expected, "{pattern:?} on {text:?}");
    }

    #[test]
    fn the_documented_forms() {
        for (pattern, yes, no) in [
            ("h?llo", "hello", "hllo"),
            ("h*llo", "heeeello", "hell"),
            ("h*llo", "hllo", "hllox"),
            ("h[ae]llo", "hallo", "hillo"),
            ("h[^e]llo", "hallo", "hello"),
            ("h[a-b]llo", "hbllo", "hcllo"),
            ("h[b-a]llo", "hbllo", "hcllo"),
            (r"h\?llo", "h?llo", "hello"),
            (r"[\]a]", "]", "\\"),
            ("*", "anything", ""),
            ("a**b*", "ab", "ba"),
            ("*a*b*c", "xaxbxcxc", "xaxbxcx"),
            ("*.*", "a.b", "ab"),
            ("", "", "a"),
            ("[^", "x", "xx"),
            ("[ab", "a", "c"),
            ("a\\", "a\\", "a"),
            ("[a-", "-", "b"),
            ("[]a]", "", "a"),
        ] {
            if !yes.is_empty() || pattern.is_empty() {
                check(pattern, yes, true);
            }
            check(pattern, no, false);
        }
    }

    #[test]
    fn case() {
        let fold = |pattern: &str, text: &str| {
            matches(pattern.as_bytes(), text.as_bytes(), Case::Insensitive)
        };
        assert!(fold("MAX*", "maxmemory"));
        assert!(fold("[A-C]x", "bX"));
        assert!(!fold(r"[\A]", "a"), "an escaped byte in a class is exact");
    }

    #[test]
    fn ranges_compare_signed_bytes() {
        assert!(matches(b"[a-\xff]", b"A", Case::Sensitive));
        assert!(!matches(b"[a-\xff]", b"b", Case::Sensitive));
        assert!(matches(b"[\x80-\xff]", b"\x90", Case::Sensitive));
    }

    #[test]
    fn abusive_patterns_end_soon() {
        let text = "a".repeat(10_000);
        check(&format!("{}b", "a*".repeat(900)), &text, false);
        check(&"a*".repeat(1001), &text, true);
        check(&format!("{}a", "a*".repeat(1000)), &text, true);
        check(&format!("{}a", "a*".repeat(1001)), &text, false);
    }

    /// The definition, in the plainest form: exponential, for short texts without classes.
    fn plain(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| plain(rest, &text[skip..])),
            ([first, rest @ ..], [byte, later @ ..]) => {
                (*first == b'?' || first == byte) && plain(rest, later)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn like_the_definition(pattern in "[ab?*]{0,8}", text in "[ab]{1,8}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text, Case::Sensitive), plain(pattern, text));
        }

        #[test]
        fn garbage_never_panics(pattern: Vec<u8>, special in r"[\[\]^a\\*?-]{0,20}", text: Vec<u8>) {
            let _ = matches(&pattern, &text, Case::Insensitive);
            let _ = matches(special.as_bytes(), b"a-]", Case::Sensitive);
        }
    }
}
