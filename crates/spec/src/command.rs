//! The spec of one command.

use crate::getkeys::FindKeysFn;
use crate::{Arg, Categories, Flags, Group, KeyRange, KeySpec};

/// Everything a command declares about itself.
///
/// Written as a `const` at the top of the command's file, with [`CommandSpec::new`] and the
/// methods that follow it; the getters further down give what is written and what is derived.
#[derive(Clone, Copy, Debug)]
pub struct CommandSpec {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    arity: i16,
    flags: Flags,
    categories: Categories,
    key_range: KeyRange,
    pub(crate) keys: &'static [KeySpec],
    pub(crate) find_keys: Option<FindKeysFn>,
    pub(crate) doc: Documentation,
}

/// The part of a spec that only `COMMAND` and the derived documents read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Documentation {
    pub(crate) summary: &'static str,
    pub(crate) since: &'static str,
    pub(crate) complexity: Option<&'static str>,
    pub(crate) is_system: bool,
    pub(crate) deprecated: Option<Deprecated>,
    pub(crate) tips: &'static [&'static str],
    pub(crate) history: &'static [(&'static str, &'static str)],
    pub(crate) args: &'static [Arg],
}

/// Since when a command should no longer be used, and what to use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deprecated {
    pub(crate) since: &'static str,
    pub(crate) replaced_by: &'static str,
}

/// Writing a spec.
impl CommandSpec {
    /// A command of that name (lower case; `container|name` for a subcommand).
    ///
    /// The arity counts the name (a subcommand's: both names); negative means "at least".
    ///
    /// # Panics
    /// At compile time, when the arity is 0.
    #[must_use]
    pub const fn new(name: &'static str, group: Group, arity: i16) -> Self {
        assert!(arity != 0, "an arity counts the command's name");
        Self {
            name,
            group,
            arity,
            flags: Flags::empty(),
            categories: Categories::empty(),
            key_range: KeyRange { first: 0, last: 0, step: 0 },
            keys: &[],
            find_keys: None,
            doc: Documentation {
                summary: "",
                since: "",
                complexity: None,
                is_system: false,
                deprecated: None,
                tips: &[],
                history: &[],
                args: &[],
            },
        }
    }

    /// What the command does, in a sentence.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.doc.summary = summary;
        self
    }

    /// The version that brought it.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.doc.since = version;
        self
    }

    /// What it costs.
    #[must_use]
    pub const fn complexity(mut self, complexity: &'static str) -> Self {
        self.doc.complexity = Some(complexity);
        self
    }

    /// How the server may run it.
    ///
    /// # Panics
    /// At compile time, when `MOVABLE_KEYS` is among them: the key specs say that.
    #[must_use]
    pub const fn flags(mut self, flags: &'static [Flags]) -> Self {
        let flags = Flags::union_of(flags);
        assert!(!flags.contains(Flags::MOVABLE_KEYS), "derived from the key specs");
        self.flags = self.flags.union(flags);
        self
    }

    /// The ACL categories that its flags do not imply.
    #[must_use]
    pub const fn categories(mut self, categories: &'static [Categories]) -> Self {
        self.categories = Categories::union_of(categories);
        self
    }

    /// Where its keys are.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Self {
        let (key_range, misses_some) = KeyRange::of(keys);
        self.keys = keys;
        self.key_range = key_range;
        if misses_some {
            self.flags = self.flags.union(Flags::MOVABLE_KEYS);
        }
        self
    }

    /// A function that finds its keys where the key specs cannot.
    #[must_use]
    pub const fn find_keys_with(mut self, find_keys: FindKeysFn) -> Self {
        self.find_keys = Some(find_keys);
        self
    }

    /// Tips for clients and proxies, such as `request_policy:all_shards`.
    #[must_use]
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Self {
        self.doc.tips = tips;
        self
    }

    /// What changed, version by version.
    #[must_use]
    pub const fn history(mut self, history: &'static [(&'static str, &'static str)]) -> Self {
        self.doc.history = history;
        self
    }

    /// Its arguments, in order.
    #[must_use]
    pub const fn args(mut self, args: &'static [Arg]) -> Self {
        self.doc.args = args;
        self
    }

    /// Deprecated since that version; `replaced_by` says what to use (Markdown).
    #[must_use]
    pub const fn deprecated(mut self, since: &'static str, replaced_by: &'static str) -> Self {
        self.doc.deprecated = Some(Deprecated { since, replaced_by });
        self
    }

    /// A command that servers send to each other, not meant for users.
    #[must_use]
    pub const fn system(mut self) -> Self {
        self.doc.is_system = true;
        self
    }
}

/// Reading a spec.
impl CommandSpec {
    /// The full name in lower case: `get`, `client|kill`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The name without its container: `kill` for `client|kill`.
    #[must_use]
    pub fn own_name(&self) -> &'static str {
        self.name.rsplit_once('|').map_or(self.name, |(_, own)| own)
    }

    /// The container of a subcommand: `client` for `client|kill`.
    #[must_use]
    pub fn container(&self) -> Option<&'static str> {
        self.name.rsplit_once('|').map(|(container, _)| container)
    }

    /// The group it is documented in.
    #[must_use]
    pub const fn group(&self) -> Group {
        self.group
    }

    /// Whether any of its arguments may decide where it is served: a key, or a sharded channel.
    #[must_use]
    #[inline]
    pub const fn has_routed_words(&self) -> bool {
        self.find_keys.is_some() || !self.keys.is_empty()
    }

    /// The number of arguments, names included; negative means "at least".
    #[must_use]
    pub const fn arity(&self) -> i16 {
        self.arity
    }

    /// Whether a request of that many arguments, names included, fits the arity.
    #[must_use]
    pub const fn accepts_argc(&self, argc: usize) -> bool {
        let wanted = self.arity.unsigned_abs() as usize;
        argc == wanted || (self.arity < 0 && argc > wanted)
    }

    /// All flags, `MOVABLE_KEYS` included.
    #[must_use]
    pub const fn all_flags(&self) -> Flags {
        self.flags
    }

    /// Whether it may change the keyspace.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        self.flags.contains(Flags::WRITE)
    }

    /// First key, last key and step of `COMMAND INFO`; does not cover all keys of a command with
    /// `MOVABLE_KEYS`.
    #[must_use]
    pub const fn key_range(&self) -> KeyRange {
        self.key_range
    }

    /// All ACL categories, those that the flags imply included.
    #[must_use]
    pub const fn acl_categories(&self) -> Categories {
        let written = self.categories;
        let mut all = written;
        if self.flags.contains(Flags::WRITE) {
            all = all.union(Categories::WRITE);
        }
        // Read-only scripts run any read-only command, so `+@read` alone must not allow them.
        if self.flags.contains(Flags::READONLY) && !written.contains(Categories::SCRIPTING) {
            all = all.union(Categories::READ);
        }
        if self.flags.contains(Flags::ADMIN) {
            all = all.union(Categories::ADMIN).union(Categories::DANGEROUS);
        }
        if self.flags.contains(Flags::PUBSUB) {
            all = all.union(Categories::PUBSUB);
        }
        if self.flags.contains(Flags::BLOCKING) {
            all = all.union(Categories::BLOCKING);
        }
        let speed =
            if self.flags.contains(Flags::FAST) { Categories::FAST } else { Categories::SLOW };
        all.union(speed)
    }

    /// What the command does, in a sentence.
    #[must_use]
    pub const fn summary_text(&self) -> &'static str {
        self.doc.summary
    }

    /// The version that brought it.
    #[must_use]
    pub const fn since_version(&self) -> &'static str {
        self.doc.since
    }

    /// Tips for clients and proxies.
    #[must_use]
    pub const fn command_tips(&self) -> &'static [&'static str] {
        self.doc.tips
    }

    /// Its arguments, in order.
    #[must_use]
    pub const fn arguments(&self) -> &'static [Arg] {
        self.doc.args
    }

    /// Its key specs.
    #[must_use]
    pub const fn key_specs(&self) -> &'static [KeySpec] {
        self.keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyFlags;

    const RO: &[KeyFlags] = &[KeyFlags::RO];

    #[test]
    fn arity_counts_the_name() {
        let exact = CommandSpec::new("get", Group::String, 2);
        assert_eq!([1, 2, 3].map(|argc| exact.accepts_argc(argc)), [false, true, false]);
        let least = CommandSpec::new("del", Group::Generic, -2);
        assert_eq!([1, 2, 3].map(|argc| least.accepts_argc(argc)), [false, true, true]);
    }

    #[test]
    fn a_subcommand_knows_its_container() {
        let kill = CommandSpec::new("client|kill", Group::Connection, -3);
        assert_eq!((kill.container(), kill.own_name()), (Some("client"), "kill"));
        let get = CommandSpec::new("get", Group::String, 2);
        assert_eq!((get.container(), get.own_name()), (None, "get"));
    }

    #[track_caller]
    fn check_categories(flags: &'static [Flags], written: &'static [Categories], expected: &str) {
        let spec = CommandSpec::new("x", Group::Generic, 1).flags(flags).categories(written);
        assert_eq!(spec.acl_categories().names().collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn flags_imply_categories() {
        check_categories(&[], &[], "@slow");
        check_categories(&[Flags::READONLY, Flags::FAST], &[], "@read @fast");
        check_categories(&[Flags::WRITE], &[Categories::STRING], "@write @string @slow");
        check_categories(&[Flags::ADMIN], &[], "@admin @slow @dangerous");
        check_categories(&[Flags::PUBSUB, Flags::BLOCKING], &[], "@pubsub @slow @blocking");
        check_categories(&[Flags::READONLY], &[Categories::SCRIPTING], "@slow @scripting");
    }

    #[test]
    fn key_specs_imply_movable_keys() {
        const MOVABLE: &[KeySpec] = &[KeySpec::at(1, RO).counted(0, 1)];
        const FIXED: &[KeySpec] = &[KeySpec::at(1, RO)];
        let movable = CommandSpec::new("x", Group::Generic, 1).keys(MOVABLE).flags(&[Flags::FAST]);
        assert_eq!(movable.all_flags(), Flags::FAST | Flags::MOVABLE_KEYS);
        let fixed = CommandSpec::new("x", Group::Generic, 1).keys(FIXED);
        assert_eq!(fixed.all_flags(), Flags::empty());
    }
}
