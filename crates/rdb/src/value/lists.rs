//! Lists.

use dunlin_values::list::ListBuilder;
use dunlin_values::listpack::{Listpack, normalized, survey};
use dunlin_values::{NewValue, PackedKind, StringRef};

use super::{ValueReader, corrupt, ziplist};
use crate::error::{ReadError, Result};
use crate::format::{kind, node};
use crate::source::Source;
use crate::text::{Text, owned, text, text_into};

impl ValueReader {
    pub(super) fn list<'a>(&'a mut self, source: &mut impl Source) -> Result<Option<NewValue<'a>>> {
        let mut list = ListBuilder::new(self.limits.list);
        for _ in 0..source.length()? {
            match text(source, &mut self.unpacked)? {
                Text::Int(number) => list.push(StringRef::Int(number)),
                Text::Bytes(element) => list.push(StringRef::Bytes(element)),
            }
        }
        Ok(self.finished(list))
    }

    /// Nodes: listpacks and long elements, or ziplists.
    pub(super) fn list_nodes<'a>(
        &'a mut self,
        kind: u8,
        source: &mut impl Source,
    ) -> Result<Option<NewValue<'a>>> {
        let mut nodes = source.length()?;
        if nodes == 1 && self.read_node(kind, source)? {
            // The usual case of a short list: nothing is copied but its bytes.
            let len = Listpack::new(&self.packed).len();
            if len > 0 && self.limits.list.allow_packed(self.packed.len(), len) {
                return Ok(Some(NewValue::Packed(PackedKind::List, &self.packed)));
            }
            let mut list = ListBuilder::new(self.limits.list);
            list.push_node(&self.packed);
            return Ok(self.finished(list));
        }
        let mut list = ListBuilder::new(self.limits.list);
        if nodes == 1 {
            // A long element: it was read into `blob`.
            list.push_long(std::mem::take(&mut self.blob).into());
            nodes = 0;
        }
        for _ in 0..nodes {
            if self.read_node(kind, source)? {
                list.push_node(&self.packed);
            } else {
                list.push_long(std::mem::take(&mut self.blob).into());
            }
        }
        Ok(self.finished(list))
    }

    /// Reads a node: a listpack into `packed`, or a long element into `blob`. Tells whether it was
    /// the former.
    fn read_node(&mut self, kind: u8, source: &mut impl Source) -> Result<bool> {
        let offset = source.offset();
        if kind == kind::LIST_ZIPLISTS {
            text_into(source, &mut self.blob)?;
            let listpack = ziplist::to_listpack(&self.blob, &mut self.packed);
            return listpack.map(|()| true).map_err(|reason| corrupt(offset, source, reason));
        }
        match source.length()? {
            node::PLAIN => {
                self.blob = owned(source)?;
                match self.blob.is_empty() {
                    true => Err(ReadError::corrupt(offset, "an empty node of a list")),
                    false => Ok(false),
                }
            }
            node::PACKED => {
                let offset = source.offset();
                text_into(source, &mut self.packed)?;
                let found =
                    survey(&self.packed).map_err(|reason| corrupt(offset, source, reason))?;
                if !found.is_normal {
                    self.packed = normalized(Listpack::new(&self.packed));
                }
                Ok(true)
            }
            _ => Err(ReadError::corrupt(offset, "an unknown node of a list")),
        }
    }

    pub(super) fn list_ziplist<'a>(
        &'a mut self,
        source: &mut impl Source,
    ) -> Result<Option<NewValue<'a>>> {
        let offset = source.offset();
        text_into(source, &mut self.blob)?;
        let mut list = ListBuilder::new(self.limits.list);
        ziplist::for_each(&self.blob, |element| list.push(element.into()))
            .map_err(|reason| corrupt(offset, source, reason))?;
        if list.is_empty() {
            return Ok(None);
        }
        // As in Redis, which shows a quicklist, however short.
        Ok(Some(list.finish_as_nodes().into_value(&mut self.packed)))
    }

    fn finished(&mut self, list: ListBuilder) -> Option<NewValue<'_>> {
        (!list.is_empty()).then(|| list.finish().into_value(&mut self.packed))
    }
}
