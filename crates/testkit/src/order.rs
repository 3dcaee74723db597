//! Texts that say several things one after the other.

/// Checks that a text holds all `parts`, in this order; other text may stand between them.
///
/// # Panics
/// When one is missing behind those before it, with the whole text.
#[track_caller]
pub fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part);
        let at = at.unwrap_or_else(|| panic!("no '{part}' where it should be in:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::assert_in_order;

    #[test]
    fn parts_follow_each_other() {
        assert_in_order("a b c", &["a", " b", "c"]);
        assert_in_order("a", &[]);
        let is_refused = |text: &'static str, parts: &'static [&'static str]| {
            std::panic::catch_unwind(|| assert_in_order(text, parts)).is_err()
        };
        assert!(is_refused("a b", &["b", "a"]) && is_refused("aba", &["ab", "ba"]));
    }
}
