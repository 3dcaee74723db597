//! `weight_*->field`: which value goes with an element.

use dunlin_keyspace::{DatabaseIndex, Keyspace};
use dunlin_values::StringRef;
use smallvec::SmallVec;

/// A pattern of BY or GET.
///
/// Redis looks for `*` and `->` up to the first NUL byte only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// No `*`: there is no such value.
    Constant,
    /// The element in place of the first `*` names the key.
    Key {
        prefix: &'a [u8],
        suffix: &'a [u8],
        /// The key holds a hash, and this field of it is meant.
        field: Option<&'a [u8]>,
    },
}

impl<'a> Pattern<'a> {
    pub(super) fn new(pattern: &'a [u8]) -> Self {
        let searched = pattern.split(|byte| *byte == 0).next().unwrap_or_default();
        if searched == b"#" {
            return Self::Element;
        }
        let Some(star) = searched.iter().position(|byte| *byte == b'*') else {
            return Self::Constant;
        };
        let behind = star + 1;
        let arrow = searched[behind..]
            .windows(2)
            .position(|pair| pair == b"->")
            .map(|at| behind + at)
            .filter(|at| at + 2 < searched.len());
        Self::Key {
            prefix: &pattern[..star],
            suffix: &pattern[behind..arrow.unwrap_or(pattern.len())],
            field: arrow.map(|at| &pattern[at + 2..]),
        }
    }

    /// What `read` makes of the value that goes with `element`, if there is one.
    pub(super) fn value<R>(
        self,
        keyspace: &mut Keyspace,
        db: DatabaseIndex,
        element: &[u8],
        read: impl FnOnce(StringRef<'_>) -> R,
    ) -> Option<R> {
        let (prefix, suffix, field) = match self {
            Self::Element => return Some(read(StringRef::Bytes(element))),
            Self::Constant => return None,
            Self::Key { prefix, suffix, field } => (prefix, suffix, field),
        };
        let key: SmallVec<[u8; 64]> =
            [prefix, element, suffix].into_iter().flatten().copied().collect();
        let now = keyspace.now();
        let entry = keyspace.get(db, &key)?;
        match field {
            None => entry.string().map(read),
            Some(field) => {
                let value = entry.hash(now)?.get(field)?.value;
                Some(read(value.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_arrows_are_found() {
        let key = |prefix, suffix, field| Pattern::Key { prefix, suffix, field };
        let check = |pattern: &'static [u8], expected: Pattern<'static>| {
            assert_eq!(Pattern::new(pattern), expected, "{}", pattern.escape_ascii());
        };
        check(b"#", Pattern::Element);
        check(b"#x", Pattern::Constant);
        check(b"", Pattern::Constant);
        check(b"nosort", Pattern::Constant);
        check(b"a\0*", Pattern::Constant);
        check(b"*", key(b"", b"", None));
        check(b"w_*_x", key(b"w_", b"_x", None));
        check(b"h_*->f", key(b"h_", b"", Some(b"f")));
        check(b"h_*x->f->g", key(b"h_", b"x", Some(b"f->g")));
        check(b"h->f_*", key(b"h->f_", b"", None));
        check(b"h_*->", key(b"h_", b"->", None));
        check(b"*->f\0g", key(b"", b"", Some(b"f\0g")));
        check(b"*\0->f", key(b"", b"\0->f", None));
    }
}
