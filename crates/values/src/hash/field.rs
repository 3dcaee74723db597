//! A field of a hash in a table: name, value and deadline in one allocation.

#![allow(unsafe_code)]

use std::fmt;
use std::ptr::NonNull;

use dunlin_stdx::time::UnixMs;
use dunlin_table::ThinItem;

use crate::thin::ThinBytes;

/// First byte of the long form: length of the name in four bytes and a deadline in eight follow.
const LONG: u8 = u8::MAX;
const LONG_HEADER: usize = 1 + size_of::<u32>() + size_of::<i64>();

/// The deadline of a field in the long form that has none.
const NO_DEADLINE: i64 = i64::MIN;

/// A field with its value.
///
/// ```text
/// short   length of the name u8 (up to 254) | name | value
/// long    255 | length of the name u32 | deadline i64 | name | value
/// ```
///
/// A field of 2 bytes with a value of 100 takes 112 bytes with jemalloc.
#[derive(Clone)]
pub(super) struct Field(ThinBytes);

impl Field {
    /// A field of these parts.
    #[inline]
    pub(super) fn new(name: &[u8], value: &[u8], deadline: Option<UnixMs>) -> Self {
        match u8::try_from(name.len()) {
            Ok(len) if len < LONG && deadline.is_none() => {
                Self(ThinBytes::concat([&[len], name, value]))
            }
            _ => Self::new_long(name, value, deadline),
        }
    }

    fn new_long(name: &[u8], value: &[u8], deadline: Option<UnixMs>) -> Self {
        let len = u32::try_from(name.len()).expect("a field is at most 512 MB long");
        let deadline = deadline.map_or(NO_DEADLINE, |at| at.0);
        let (len, deadline) = (len.to_le_bytes(), deadline.to_le_bytes());
        Self(ThinBytes::concat([&[LONG], &len, &deadline, name, value]))
    }

    /// Its parts.
    #[inline]
    pub(super) fn parts(&self) -> FieldParts<'_> {
        FieldParts(self.0.as_bytes())
    }

    /// Replaces value and deadline: in place where neither length nor header changes.
    #[inline]
    pub(super) fn assign(&mut self, value: &[u8], deadline: Option<UnixMs>) {
        let behind_name = self.parts().name_at().1;
        if deadline == self.parts().deadline() && self.0.len() == behind_name + value.len() {
            self.0.as_bytes_mut()[behind_name..].copy_from_slice(value);
        } else {
            *self = Self::new(self.parts().name(), value, deadline);
        }
    }

    /// Replaces the deadline.
    pub(super) fn set_deadline(&mut self, deadline: Option<UnixMs>) {
        let parts = self.parts();
        if parts.deadline() != deadline {
            *self = Self::new(parts.name(), parts.value(), deadline);
        }
    }

    /// Bytes of heap it takes.
    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        ThinBytes::heap_bytes_of(self.0.len())
    }
}

/// The bytes of a field, to be taken apart.
#[derive(Clone, Copy)]
pub(super) struct FieldParts<'a>(&'a [u8]);

impl<'a> FieldParts<'a> {
    /// The parts of the field with these [`ThinItem::contents`].
    #[inline]
    pub(super) const fn of_contents(contents: &'a [u8]) -> Self {
        Self(contents)
    }

    /// Where the name begins and ends.
    #[inline]
    fn name_at(self) -> (usize, usize) {
        match self.0[0] {
            LONG => {
                let len = u32::from_le_bytes(self.0[1..5].try_into().expect("four bytes"));
                (LONG_HEADER, LONG_HEADER + len as usize)
            }
            len => (1, 1 + usize::from(len)),
        }
    }

    /// The name.
    #[inline]
    pub(super) fn name(self) -> &'a [u8] {
        let (from, to) = self.name_at();
        &self.0[from..to]
    }

    /// The value.
    #[inline]
    pub(super) fn value(self) -> &'a [u8] {
        &self.0[self.name_at().1..]
    }

    /// The deadline.
    #[inline]
    pub(super) fn deadline(self) -> Option<UnixMs> {
        if self.0[0] != LONG {
            return None;
        }
        let at = i64::from_le_bytes(self.0[5..LONG_HEADER].try_into().expect("eight bytes"));
        (at != NO_DEADLINE).then_some(UnixMs(at))
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        let (name, value) = (parts.name().escape_ascii(), parts.value().escape_ascii());
        write!(f, "{name}={value} until {:?}", parts.deadline())
    }
}

// SAFETY: raw pointers are those of `ThinBytes`, which keeps the same promises; the name never
// changes while a table owns the field, and reading name and deadline does not unwind, because the
// bytes are as `Field::new` wrote them.
unsafe impl ThinItem for Field {
    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        self.0.into_raw()
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise is the one that is asked for.
        Self(unsafe { ThinBytes::from_raw(raw) })
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.parts().name()
    }

    #[inline]
    fn contents(&self) -> &[u8] {
        self.0.as_bytes()
    }

    #[inline]
    fn deadline(&self) -> Option<i64> {
        self.parts().deadline().map(|at| at.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        for name_len in [0, 1, 254, 255, 300, 70_000] {
            for value_len in [0, 1, 100, 70_000] {
                for deadline in [None, Some(UnixMs(0)), Some(UnixMs(i64::MAX))] {
                    let (name, value) = (vec![b'n'; name_len], vec![b'v'; value_len]);
                    let mut field = Field::new(&name, &value, deadline);
                    assert_eq!((field.parts().name(), field.parts().value()), (&*name, &*value));
                    assert_eq!(field.parts().deadline(), deadline);
                    field.assign(b"other", Some(UnixMs(7)));
                    field.assign(b"OTHER", Some(UnixMs(7)));
                    assert_eq!(
                        (field.parts().name(), field.parts().value()),
                        (&*name, &b"OTHER"[..])
                    );
                    assert_eq!(field.parts().deadline(), Some(UnixMs(7)));
                    field.set_deadline(None);
                    assert_eq!(
                        (field.parts().name(), field.parts().value()),
                        (&*name, &b"OTHER"[..])
                    );
                    assert_eq!(field.parts().deadline(), None);
                }
            }
        }
    }

    #[test]
    fn a_small_field_takes_three_bytes_more_than_it_says() {
        assert_eq!(Field::new(b"f0", &[b'x'; 100], None).heap_bytes(), 112);
        assert_eq!(Field::new(b"field", b"12345678", None).heap_bytes(), 16);
    }
}
