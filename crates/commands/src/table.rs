//! The command table: every command by name, and a number for each.
//!
//! Names are found by their packed lower-case bytes in a small open-addressed index: a request's
//! name costs one hash and one comparison, whatever its case.

use crate::command::Command;

/// The number of a command or subcommand in the table; statistics are kept by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandNumber(pub u16);

/// A command in the table.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// Its number.
    pub number: CommandNumber,
    /// The command.
    pub command: &'static Command,
    /// Whether it is called by two words.
    pub is_subcommand: bool,
}

/// What a name leads to.
#[derive(Clone, Copy, Debug)]
pub enum Lookup {
    /// A command, or a subcommand of a container.
    Found(Registered),
    /// There is no command of this name.
    UnknownCommand,
    /// The container has no subcommand of this name.
    UnknownSubcommand(Registered),
}

/// All commands by name. A value, because `rename-command` changes it.
#[derive(Debug)]
pub struct Table {
    commands: Vec<Registered>,
    names: NameIndex,
}

impl Table {
    /// The table of these groups' commands, each under its own name.
    #[must_use]
    pub fn of(groups: &[&'static [Command]]) -> Self {
        let mut table = Self { commands: Vec::new(), names: NameIndex::default() };
        for command in groups.iter().copied().flatten() {
            let registered = table.register(command, false);
            table.names.insert(command.spec.name().as_bytes(), registered);
            for subcommand in command.subcommands {
                table.register(subcommand, true);
            }
        }
        table
    }

    fn register(&mut self, command: &'static Command, is_subcommand: bool) -> Registered {
        let number = u16::try_from(self.commands.len()).expect("a few hundred commands");
        let registered = Registered { number: CommandNumber(number), command, is_subcommand };
        self.commands.push(registered);
        registered
    }

    /// Every command and subcommand, by number.
    #[must_use]
    pub fn all(&self) -> &[Registered] {
        &self.commands
    }

    /// Every command that has a name of its own (no subcommands), with that name.
    pub fn named(&self) -> impl Iterator<Item = (&[u8], Registered)> {
        self.names.slots.iter().flatten().map(|slot| (&*slot.name, slot.registered))
    }

    /// The command with this name, in any case.
    #[must_use]
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<Registered> {
        self.names.get(name)
    }

    /// The command or subcommand that these words call.
    #[must_use]
    pub fn lookup(&self, words: &[&[u8]]) -> Lookup {
        self.lookup_name(words.first().copied().unwrap_or_default(), || words.get(1).copied())
    }

    /// The command with this name, or its subcommand that `second` names; the second word is asked
    /// for only if the command is a container.
    #[must_use]
    #[inline]
    pub fn lookup_name<'w>(
        &self,
        name: &[u8],
        second: impl FnOnce() -> Option<&'w [u8]>,
    ) -> Lookup {
        let Some(found) = self.get(name) else { return Lookup::UnknownCommand };
        if found.command.subcommands.is_empty() {
            return Lookup::Found(found);
        }
        let Some(word) = second() else { return Lookup::Found(found) };
        self.subcommand(found, word).map_or(Lookup::UnknownSubcommand(found), Lookup::Found)
    }

    /// The subcommand of a container with this name, in any case.
    #[must_use]
    pub fn subcommand(&self, container: Registered, name: &[u8]) -> Option<Registered> {
        let position = container.command.subcommands.iter().position(|subcommand| {
            subcommand.spec.own_name().as_bytes().eq_ignore_ascii_case(name)
        })?;
        // Subcommands are registered right behind their container.
        Some(self.commands[usize::from(container.number.0) + 1 + position])
    }

    /// The subcommands of a container, in the order COMMAND shows them; empty for other commands.
    #[must_use]
    pub fn subcommands(&self, container: Registered) -> &[Registered] {
        let first = usize::from(container.number.0) + 1;
        &self.commands[first..first + container.command.subcommands.len()]
    }

    /// The command or subcommand of a full name, `config|get` for example, in any case.
    #[must_use]
    pub fn by_full_name(&self, name: &[u8]) -> Option<Registered> {
        match name.iter().position(|&byte| byte == b'|') {
            Some(end) => self.subcommand(self.get(&name[..end])?, &name[end + 1..]),
            None => self.get(name),
        }
    }

    /// Gives a command another name (`rename-command`); an empty name removes it.
    ///
    /// # Errors
    /// [`RenameError`] if there is no such command, or the new name is taken.
    pub fn rename(&mut self, old: &[u8], new: &[u8]) -> Result<(), RenameError> {
        let registered = self.get(old).ok_or(RenameError::NoSuchCommand)?;
        if !new.is_empty() && self.get(new).is_some() {
            return Err(RenameError::NameTaken);
        }
        self.names.remove(old);
        if !new.is_empty() {
            self.names.insert(new, registered);
        }
        Ok(())
    }
}

/// Why a command cannot be renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameError {
    /// There is no command of the old name.
    NoSuchCommand,
    /// Another command bears the new name.
    NameTaken,
}

/// Names to commands, open-addressed with linear probing; at most half full.
#[derive(Debug, Default)]
struct NameIndex {
    slots: Vec<Option<NameSlot>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct NameSlot {
    packed: u64,
    name: Box<[u8]>,
    registered: Registered,
}

impl NameIndex {
    #[inline]
    fn get(&self, name: &[u8]) -> Option<Registered> {
        let packed = pack(name);
        let mut at = self.home(packed);
        loop {
            match self.slots.get(at)? {
                Some(slot) if slot.packed == packed && slot.name.eq_ignore_ascii_case(name) => {
                    return Some(slot.registered);
                }
                Some(_) => at = (at + 1) % self.slots.len(),
                None => return None,
            }
        }
    }

    fn insert(&mut self, name: &[u8], registered: Registered) {
        if (self.len + 1) * 2 > self.slots.len() {
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![None; (old.len() * 2).max(64)];
            self.len = 0;
            for slot in old.into_iter().flatten() {
                self.insert(&slot.name, slot.registered);
            }
        }
        let packed = pack(name);
        let mut at = self.home(packed);
        while self.slots[at].is_some() {
            at = (at + 1) % self.slots.len();
        }
        self.slots[at] =
            Some(NameSlot { packed, name: name.to_ascii_lowercase().into(), registered });
        self.len += 1;
    }

    /// Removes a name and puts the others back, so that no probe ends early. Rare: renames only.
    fn remove(&mut self, name: &[u8]) {
        let kept: Vec<NameSlot> = std::mem::take(&mut self.slots)
            .into_iter()
            .flatten()
            .filter(|slot| !slot.name.eq_ignore_ascii_case(name))
            .collect();
        self.len = 0;
        for slot in kept {
            self.insert(&slot.name, slot.registered);
        }
    }

    /// The slots are a power of two, so the top bits of a multiplication choose one.
    #[inline]
    fn home(&self, packed: u64) -> usize {
        let bits = self.slots.len().trailing_zeros();
        if bits == 0 || bits > 63 {
            return 0;
        }
        (packed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize
    }
}

/// The first and last eight bytes of a name, lower-cased and mixed with its length. Names that
/// agree in it are told apart by comparing them.
#[inline]
fn pack(name: &[u8]) -> u64 {
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let word = if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23)
    } else if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
    } else {
        name.iter().fold(0, |word, &byte| word << 8 | u64::from(byte))
    };
    (word | LOWER | LOWER.rotate_left(23)) ^ (name.len() as u64) << 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name_in_any_case() {
        let table = Table::new();
        for (name, registered) in table.named() {
            let upper = name.to_ascii_uppercase();
            assert_eq!(table.get(name).map(|r| r.number), Some(registered.number));
            assert_eq!(table.get(&upper).map(|r| r.number), Some(registered.number));
        }
        assert!(table.get(b"").is_none());
        assert!(table.get(b"nosuchcommand").is_none());
    }

    #[test]
    fn every_subcommand_is_found_behind_its_container() {
        let table = Table::new();
        for container in table.all().iter().filter(|r| !r.command.subcommands.is_empty()) {
            for subcommand in container.command.subcommands {
                let words = [container.command.spec.name(), subcommand.spec.own_name()];
                let Lookup::Found(found) = table.lookup(&words.map(str::as_bytes)) else {
                    panic!("{words:?} is not found");
                };
                let full_name = subcommand.spec.name().to_ascii_uppercase();
                let by_full_name = table.by_full_name(full_name.as_bytes());
                assert_eq!(by_full_name.map(|r| r.number), Some(found.number));
                assert!(table.subcommands(*container).iter().any(|r| r.number == found.number));
                assert_eq!(found.command.spec.name(), subcommand.spec.name());
            }
        }
    }

    #[test]
    fn a_renamed_command_answers_to_its_new_name_only() {
        let mut table = Table::new();
        assert_eq!(table.rename(b"get", b"ping"), Err(RenameError::NameTaken));
        assert_eq!(table.rename(b"nosuch", b"x"), Err(RenameError::NoSuchCommand));
        table.rename(b"GET", b"Fetch").expect("free name");
        assert!(table.get(b"get").is_none());
        assert_eq!(table.get(b"FETCH").expect("renamed").command.spec.name(), "get");
        table.rename(b"fetch", b"").expect("removal");
        assert!(table.get(b"fetch").is_none());
        assert!(table.get(b"set").is_some());
    }
}
