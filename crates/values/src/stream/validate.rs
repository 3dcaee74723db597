//! Checking nodes that come from elsewhere: files, RESTORE.

use std::fmt;

use super::id::StreamId;
use super::node::{DELETED, ENTRY_HEAD, SAME_FIELDS};
use crate::listpack::{self, Corrupt, Element, Elements, Listpack};

/// A node that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidNode {
    /// Entries that are there.
    pub live: u64,
    /// The last entry, deleted or not.
    pub last_id: StreamId,
}

/// Why bytes are not a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorruptNode {
    /// They are not even a listpack.
    Listpack(Corrupt),
    /// The node does not stand behind those in front of it.
    Order,
    /// Something is wrong with this element.
    Element {
        /// Its number in the listpack.
        index: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl fmt::Display for CorruptNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listpack(corrupt) => corrupt.fmt(f),
            Self::Order => f.write_str("stream node: IDs do not ascend between nodes"),
            Self::Element { index, reason } => {
                write!(f, "stream node: {reason} at element {index}")
            }
        }
    }
}

impl std::error::Error for CorruptNode {}

/// Checks every byte of a node that is filed under `master`: that it is a listpack, that its
/// numbers are numbers and agree with the entries, that IDs ascend and that nothing is left over.
///
/// # Errors
/// [`CorruptNode`] with the first thing that is wrong.
pub fn validate_node(master: StreamId, bytes: &[u8]) -> Result<ValidNode, CorruptNode> {
    listpack::validate(bytes).map_err(CorruptNode::Listpack)?;
    let mut reader = Reader { elements: Listpack::new(bytes).iter(), index: 0 };
    let live = reader.count()?;
    let deleted = reader.count()?;
    let fields = reader.count()?;
    reader.pass(fields)?;
    if reader.number()? != 0 {
        return reader.wrong("no end of the master");
    }
    let (mut found_live, mut found_deleted) = (0, 0);
    let mut last_id = None;
    while !reader.is_at_end() {
        let (id, is_deleted) = reader.entry(master, fields)?;
        if id < master || last_id.is_some_and(|last| id <= last) {
            return reader.wrong("IDs do not ascend");
        }
        last_id = Some(id);
        *(if is_deleted { &mut found_deleted } else { &mut found_live }) += 1;
    }
    if (found_live, found_deleted) != (live, deleted) || last_id.is_none() {
        return reader.wrong("other numbers of entries than the master has");
    }
    Ok(ValidNode { live, last_id: last_id.unwrap_or(master) })
}

struct Reader<'a> {
    elements: Elements<'a>,
    index: usize,
}

impl<'a> Reader<'a> {
    fn wrong<T>(&self, reason: &'static str) -> Result<T, CorruptNode> {
        Err(CorruptNode::Element { index: self.index.saturating_sub(1), reason })
    }

    fn is_at_end(&self) -> bool {
        self.elements.clone().next().is_none()
    }

    fn element(&mut self) -> Result<Element<'a>, CorruptNode> {
        self.index += 1;
        match self.elements.next() {
            Some((_, element)) => Ok(element),
            None => self.wrong("the node ends too early"),
        }
    }

    fn pass(&mut self, count: u64) -> Result<(), CorruptNode> {
        // A hostile count ends with the elements.
        (0..count).try_for_each(|_| self.element().map(drop))
    }

    fn number(&mut self) -> Result<i64, CorruptNode> {
        match self.element()? {
            Element::Int(number) => Ok(number),
            Element::Text(_) => self.wrong("text where a number belongs"),
        }
    }

    fn count(&mut self) -> Result<u64, CorruptNode> {
        let number = self.number()?;
        match u64::try_from(number) {
            Ok(count) => Ok(count),
            Err(_) => self.wrong("a negative count"),
        }
    }

    fn entry(
        &mut self,
        master: StreamId,
        master_fields: u64,
    ) -> Result<(StreamId, bool), CorruptNode> {
        let flags = self.number()?;
        if flags & !(DELETED | SAME_FIELDS) != 0 {
            return self.wrong("unknown flags");
        }
        let id = StreamId {
            ms: master.ms.wrapping_add(self.number()? as u64),
            seq: master.seq.wrapping_add(self.number()? as u64),
        };
        let mut elements = ENTRY_HEAD as u64;
        if flags & SAME_FIELDS != 0 {
            self.pass(master_fields)?;
            elements += master_fields;
        } else {
            let fields = self.count()?;
            self.pass(fields)?;
            self.pass(fields)?;
            elements += 1 + 2 * fields;
        }
        if self.number()? as u64 != elements {
            return self.wrong("wrong number of elements behind an entry");
        }
        Ok((id, flags & DELETED != 0))
    }
}
