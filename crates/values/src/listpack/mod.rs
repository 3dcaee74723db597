//! Listpack: short strings and integers in one run of bytes, walked from either end.
//!
//! ```text
//! total bytes u32le | count u16le (65535: unknown) | element ... | 0xFF
//! element = encoding and data | length of these, to be read backwards
//! ```
//!
//! A [`Listpack`] reads, a [`ListpackMut`] edits any [`Buffer`]: the packed value of an entry, or a
//! vector. Elements are named by their offset ([`Place`]), which holds until the next edit in front
//! of it. Text that is the canonical decimal form of an `i64` is held as an integer.
//!
//! Invariants: header, element lengths and terminator agree (bytes from elsewhere pass
//! [`validate()`] first); every edit leaves them so.
//!
//! Source: RDB format, "listpack".

mod distinct;
mod edit;
mod element;
#[cfg(test)]
mod tests;
mod validate;
mod view;

pub use distinct::Distinct;
pub use edit::Appender;
pub use edit::{Buffer, ListpackMut};
pub use element::{Element, encoded_len};
pub use validate::{Corrupt, Survey, survey, validate};
pub use view::{Elements, Listpack, Place};

/// The same elements with every text that is a number held as one: as this program writes them.
#[must_use]
pub fn normalized(list: Listpack<'_>) -> Vec<u8> {
    let mut bytes = EMPTY.to_vec();
    let mut to = Appender::new(&mut bytes);
    for (_, element) in list {
        to.push(match element {
            Element::Text(text) => Element::of(text),
            number @ Element::Int(_) => number,
        });
    }
    to.finish();
    bytes
}

/// Bytes of the header: total length and count.
pub const HEADER_LEN: usize = 6;

/// A listpack without elements.
pub const EMPTY: [u8; HEADER_LEN + 1] = [7, 0, 0, 0, 0, 0, END];

/// The byte behind the last element.
const END: u8 = 0xff;

/// The count that says "walk and see".
const COUNT_UNKNOWN: u16 = u16::MAX;
