//! Strings as files hold them.

use dunlin_stdx::lzf;
use dunlin_values::listpack::Element;
use dunlin_values::{INLINE_MAX, IntText, NewValue};

use crate::error::{ReadError, Result};
use crate::format::length;
use crate::source::Source;

/// A string that was read.
pub(crate) enum Text<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl<'a> Text<'a> {
    /// The string as listpacks hold it.
    #[inline]
    pub(crate) fn element(self) -> Element<'a> {
        match self {
            Self::Int(number) => Element::Int(number),
            Self::Bytes(text) => Element::of(text),
        }
    }

    /// Writes the string into `out` in place of what is there.
    #[inline]
    pub(crate) fn copy_to(self, out: &mut Vec<u8>) {
        out.clear();
        match self {
            Self::Int(number) => out.extend_from_slice(IntText::default().format(number)),
            Self::Bytes(text) => out.extend_from_slice(text),
        }
    }
}

/// How a string begins.
enum Header {
    Raw(usize),
    Int(i64),
    Lzf { len: usize, packed_len: usize },
}

fn size(number: u64, offset: u64) -> Result<usize> {
    usize::try_from(number).map_err(|_| ReadError::corrupt(offset, "a length beyond memory"))
}

#[inline]
fn header(source: &mut impl Source) -> Result<Header> {
    let first = source.byte()?;
    if first < 0x40 {
        return Ok(Header::Raw(usize::from(first)));
    }
    let offset = source.offset();
    Ok(match first {
        length::INT_8 => Header::Int(i64::from(i8::from_le_bytes(source.array()?))),
        length::INT_16 => Header::Int(i64::from(i16::from_le_bytes(source.array()?))),
        length::INT_32 => Header::Int(i64::from(i32::from_le_bytes(source.array()?))),
        length::LZF => {
            let packed_len = size(source.length()?, offset)?;
            Header::Lzf { packed_len, len: size(source.length()?, offset)? }
        }
        0xc4.. => {
            return Err(ReadError::corrupt(offset - 1, "unknown string encoding"));
        }
        _ => Header::Raw(size(source.long_length(first)?, offset)?),
    })
}

/// Reads a string, which is in `room` if it was compressed.
#[inline]
pub(crate) fn text<'a>(source: &'a mut impl Source, room: &'a mut Vec<u8>) -> Result<Text<'a>> {
    match header(source)? {
        Header::Raw(len) => source.take(len).map(Text::Bytes),
        Header::Int(number) => Ok(Text::Int(number)),
        Header::Lzf { len, packed_len } => {
            unpack(source, packed_len, len, room)?;
            Ok(Text::Bytes(room))
        }
    }
}

fn unpack(source: &mut impl Source, packed: usize, len: usize, out: &mut Vec<u8>) -> Result<()> {
    let offset = source.offset();
    if !lzf::decompress_into(source.take(packed)?, len, out) {
        return Err(ReadError::corrupt(offset, "invalid LZF compressed string"));
    }
    Ok(())
}

/// Reads a string into `out` in place of what is there.
pub(crate) fn text_into(source: &mut impl Source, out: &mut Vec<u8>) -> Result<()> {
    match header(source)? {
        Header::Raw(len) => {
            let bytes = source.take(len)?;
            out.clear();
            out.extend_from_slice(bytes);
        }
        Header::Int(number) => Text::Int(number).copy_to(out),
        Header::Lzf { len, packed_len } => unpack(source, packed_len, len, out)?,
    }
    Ok(())
}

/// Reads a string into memory of its own.
pub(crate) fn owned(source: &mut impl Source) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    match header(source)? {
        Header::Raw(len) => out = source.take_vec(len)?,
        Header::Int(number) => Text::Int(number).copy_to(&mut out),
        Header::Lzf { len, packed_len } => unpack(source, packed_len, len, &mut out)?,
    }
    Ok(out)
}

/// Reads a string that is a value.
#[inline]
pub(crate) fn value<'a>(
    source: &'a mut impl Source,
    room: &'a mut Vec<u8>,
) -> Result<NewValue<'a>> {
    match header(source)? {
        Header::Int(number) => Ok(NewValue::Int(number)),
        Header::Raw(len) if len > INLINE_MAX => Ok(NewValue::shared(source.take_vec(len)?.into())),
        Header::Raw(len) => source.take(len).map(NewValue::string),
        Header::Lzf { len, packed_len } if len > INLINE_MAX => {
            let mut out = Vec::new();
            unpack(source, packed_len, len, &mut out)?;
            Ok(NewValue::shared(out.into()))
        }
        Header::Lzf { len, packed_len } => {
            unpack(source, packed_len, len, room)?;
            Ok(NewValue::string(room))
        }
    }
}
