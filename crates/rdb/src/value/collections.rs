//! Sets, sorted sets and hashes.

use dunlin_stdx::number::parse_f64_leniently;
use dunlin_stdx::time::UnixMs;
use dunlin_values::NewValue;
use dunlin_values::hash::HashBuilder;
use dunlin_values::listpack::{EMPTY, Element};
use dunlin_values::set::SetBuilder;
use dunlin_values::sorted_set::SortedSetBuilder;

use super::ziplist::{self, to_listpack};
use super::{ValueReader, corrupt, zipmap};
use crate::error::{ReadError, Result};
use crate::format::kind;
use crate::source::Source;
use crate::text::{text, text_into};

/// Latest deadline of a field, as in Redis 7.4, which has 48 bits for it.
const FIELD_DEADLINE_MAX: u64 = (1 << 48) - 2;

/// A count as memory counts. One that is greater ends with the bytes anyway.
fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl ValueReader {
    pub(super) fn set<'a>(&'a mut self, source: &mut impl Source) -> Result<Option<NewValue<'a>>> {
        let len = count(source.length()?);
        let offset = source.offset();
        let mut set = SetBuilder::new(self.limits.set, len, &mut self.packed);
        for _ in 0..len {
            set.push(text(source, &mut self.unpacked)?.element());
        }
        let set = set.finish(&mut self.distinct);
        let set = set.map_err(|reason| ReadError::corrupt(offset, reason))?;
        Ok((len > 0).then_some(set))
    }

    pub(super) fn set_intset<'a>(&'a mut self, source: &mut impl Source) -> Result<NewValue<'a>> {
        let offset = source.offset();
        text_into(source, &mut self.packed)?;
        let set = self.limits.set.of_intset(&mut self.packed);
        set.map_err(|reason| corrupt(offset, source, reason))
    }

    pub(super) fn set_listpack<'a>(
        &'a mut self,
        source: &mut impl Source,
    ) -> Result<Option<NewValue<'a>>> {
        let offset = source.offset();
        text_into(source, &mut self.packed)?;
        let is_empty = self.packed == EMPTY;
        let set = self.limits.set.of_listpack(&mut self.packed, &mut self.distinct);
        set.map(|set| (!is_empty).then_some(set)).map_err(|reason| corrupt(offset, source, reason))
    }

    pub(super) fn sorted_set<'a>(
        &'a mut self,
        kind: u8,
        source: &mut impl Source,
    ) -> Result<Option<NewValue<'a>>> {
        let len = count(source.length()?);
        let offset = source.offset();
        let mut set = SortedSetBuilder::new(self.limits.sorted_set, self.limits.hash.hasher);
        for _ in 0..len {
            text_into(source, &mut self.name)?;
            let score = match kind {
                kind::SORTED_SET => f64::from_le_bytes(source.array()?),
                _ => score_text(source)?,
            };
            set.push(Element::Text(&self.name), score);
        }
        let set = set.finish(&mut self.packed);
        let set = set.map_err(|reason| ReadError::corrupt(offset, reason))?;
        Ok((len > 0).then_some(set))
    }

    pub(super) fn sorted_set_listpack<'a>(
        &'a mut self,
        kind: u8,
        source: &mut impl Source,
    ) -> Result<Option<NewValue<'a>>> {
        let offset = self.read_listpack(kind == kind::SORTED_SET_ZIPLIST, source)?;
        let is_empty = self.packed == EMPTY;
        let hasher = self.limits.hash.hasher;
        let limits = self.limits.sorted_set;
        let set = limits.of_listpack(&mut self.packed, hasher, &mut self.distinct);
        set.map(|set| (!is_empty).then_some(set)).map_err(|reason| corrupt(offset, source, reason))
    }

    pub(super) fn hash<'a>(&'a mut self, source: &mut impl Source) -> Result<Option<NewValue<'a>>> {
        let len = count(source.length()?);
        let offset = source.offset();
        let mut hash = HashBuilder::new(self.limits.hash, len, false, &mut self.packed);
        for _ in 0..len {
            text_into(source, &mut self.name)?;
            let value = text(source, &mut self.unpacked)?.element();
            hash.push(Element::of(&self.name), value, None);
        }
        let hash = hash.finish(&mut self.distinct);
        let hash = hash.map_err(|reason| ReadError::corrupt(offset, reason))?;
        Ok((len > 0).then_some(hash))
    }

    pub(super) fn hash_with_deadlines<'a>(
        &'a mut self,
        kind: u8,
        source: &mut impl Source,
    ) -> Result<Option<NewValue<'a>>> {
        let from = match kind {
            kind::HASH_DEADLINES => u64::from_le_bytes(source.array()?),
            // They count from 1 as well, and so from nothing.
            _ => 1,
        };
        let len = count(source.length()?);
        let offset = source.offset();
        let mut hash = HashBuilder::new(self.limits.hash, len, true, &mut self.packed);
        for _ in 0..len {
            let deadline = match source.length()? {
                0 => None,
                number => Some(field_deadline(from, number, source.offset())?),
            };
            text_into(source, &mut self.name)?;
            let value = text(source, &mut self.unpacked)?.element();
            hash.push(Element::of(&self.name), value, deadline);
        }
        let hash = hash.finish(&mut self.distinct);
        let hash = hash.map_err(|reason| ReadError::corrupt(offset, reason))?;
        Ok((len > 0).then_some(hash))
    }

    pub(super) fn hash_listpack<'a>(
        &'a mut self,
        kind: u8,
        source: &mut impl Source,
    ) -> Result<Option<NewValue<'a>>> {
        if kind == kind::HASH_LISTPACK_DEADLINES {
            // The earliest deadline, which is in the listpack as well.
            source.array::<8>()?;
        }
        let offset = self.read_listpack(kind == kind::HASH_ZIPLIST, source)?;
        let is_empty = self.packed == EMPTY;
        let with_deadlines =
            matches!(kind, kind::HASH_LISTPACK_DEADLINES | kind::HASH_LISTPACK_DEADLINES_CANDIDATE);
        let limits = self.limits.hash;
        let hash = limits.of_listpack(&mut self.packed, with_deadlines, &mut self.distinct);
        hash.map(|hash| (!is_empty).then_some(hash))
            .map_err(|reason| corrupt(offset, source, reason))
    }

    pub(super) fn hash_zipmap<'a>(&'a mut self, source: &mut impl Source) -> Result<NewValue<'a>> {
        let offset = source.offset();
        text_into(source, &mut self.blob)?;
        let mut hash = HashBuilder::new(self.limits.hash, 0, false, &mut self.packed);
        zipmap::for_each(&self.blob, |name, value| {
            hash.push(Element::of(name), Element::of(value), None);
        })
        .map_err(|reason| corrupt(offset, source, reason))?;
        let hash = hash.finish(&mut self.distinct);
        hash.map_err(|reason| ReadError::corrupt(offset, reason))
    }

    /// Reads a listpack, or a ziplist that becomes one; tells where it begins.
    fn read_listpack(&mut self, is_ziplist: bool, source: &mut impl Source) -> Result<u64> {
        let offset = source.offset();
        if is_ziplist {
            text_into(source, &mut self.blob)?;
            let listpack = to_listpack(&self.blob, &mut self.packed);
            listpack.map_err(|reason: ziplist::Corrupt| corrupt(offset, source, reason))?;
        } else {
            text_into(source, &mut self.packed)?;
        }
        Ok(offset)
    }
}

/// A deadline that is written as its distance from `from` and 1.
fn field_deadline(from: u64, number: u64, offset: u64) -> Result<UnixMs> {
    let at = from.checked_add(number - 1).filter(|at| *at <= FIELD_DEADLINE_MAX);
    match at.and_then(|at| i64::try_from(at).ok()) {
        Some(at) => Ok(UnixMs(at)),
        None => Err(ReadError::corrupt(offset, "a deadline of a field that is too late")),
    }
}

/// A score as old versions wrote it: its text.
fn score_text(source: &mut impl Source) -> Result<f64> {
    /// Lengths that stand for what has no digits.
    const NAN: u8 = 253;
    const INFINITE: u8 = 254;
    const NEGATIVE_INFINITE: u8 = 255;
    match source.byte()? {
        NAN => Ok(f64::NAN),
        INFINITE => Ok(f64::INFINITY),
        NEGATIVE_INFINITE => Ok(f64::NEG_INFINITY),
        len => {
            let offset = source.offset();
            let score = parse_f64_leniently(source.take(usize::from(len))?);
            score.ok_or(ReadError::corrupt(offset, "a score that is no number"))
        }
    }
}
