//! Finding the keys among the arguments of a request.

use smallvec::SmallVec;

use crate::{BeginSearch, CommandSpec, FindKeys, Flags, KeyFlags, KeySpec, getkeys};

/// One key of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRef {
    /// Its position in the request; the command's name is 0.
    pub index: u32,
    /// What the command does with it.
    pub flags: KeyFlags,
}

/// The keys of a request, in the order in which the command names them.
pub type Keys = SmallVec<[KeyRef; 4]>;

/// The answer of COMMAND GETKEYS and GETKEYSANDFLAGS.
pub type GetKeys = Result<Keys, GetKeysError>;

/// Why COMMAND GETKEYS finds no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetKeysError {
    /// `The command has no key arguments`
    NoKeys,
    /// `Invalid number of arguments specified for command`
    WrongArity,
    /// `Invalid arguments specified for command`
    InvalidArguments,
}

impl GetKeysError {
    /// The text for the client, without the error code.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NoKeys => "The command has no key arguments",
            Self::WrongArity => "Invalid number of arguments specified for command",
            Self::InvalidArguments => "Invalid arguments specified for command",
        }
    }
}

/// A key spec that does not fit the arguments: unknown, incomplete, or out of bounds.
struct DoesNotFit;

impl CommandSpec {
    /// Whether any of its arguments may be a key.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.find_keys.is_some()
            || self.keys.iter().any(|spec| !spec.flags.contains(KeyFlags::NOT_KEY))
    }

    /// The keys of a request (`argv[0]` is the command's name) and what the command does with
    /// each, for ACL rules and key listings.
    ///
    /// Empty when the command has no keys, or when its arguments are malformed; the command
    /// itself reports that. Costs O(number of arguments looked at).
    #[must_use]
    pub fn keys_in(&self, argv: &[&[u8]]) -> Keys {
        let mut keys = Keys::new();
        if self.specs_are_reliable() && self.collect(argv, &mut keys, NotKeys::Skip).is_ok() {
            return keys;
        }
        keys.clear();
        self.find_otherwise(argv, &mut keys);
        keys
    }

    /// Puts the positions that decide the request's slot into `keys`: its keys, and the sharded
    /// channels that are routed like keys. Clears `keys` first, so that it can be reused.
    ///
    /// The flags of the keys are not always filled in.
    pub fn routing_keys_in(&self, argv: &[&[u8]], keys: &mut Keys) {
        keys.clear();
        // Where keys are counted, the count is read as leniently as Redis reads it here, and the
        // destination comes last: the first key decides which error a client sees.
        let is_counted = self.keys.iter().any(|spec| matches!(spec.find, FindKeys::KeyNum { .. }));
        if self.find_keys.is_some()
            || is_counted
            || self.collect(argv, keys, NotKeys::Include).is_err()
        {
            keys.clear();
            self.find_otherwise(argv, keys);
        }
    }

    /// The keys of a request as COMMAND GETKEYS lists them.
    ///
    /// # Errors
    /// [`GetKeysError`], where Redis answers with an error instead of a list.
    pub fn getkeys(&self, argv: &[&[u8]]) -> GetKeys {
        if !self.has_keys() {
            return Err(GetKeysError::NoKeys);
        }
        if !self.accepts_argc(argv.len()) {
            return Err(GetKeysError::WrongArity);
        }
        let keys = self.keys_in(argv);
        if keys.is_empty() && !self.all_flags().contains(Flags::NO_MANDATORY_KEYS) {
            return Err(GetKeysError::InvalidArguments);
        }
        Ok(keys)
    }

    /// Whether the key specs tell the whole truth for all arguments (not for `SET ... GET`).
    fn specs_are_reliable(&self) -> bool {
        self.has_keys()
            && !self.keys.iter().any(|spec| spec.flags.contains(KeyFlags::VARIABLE_FLAGS))
    }

    fn collect(
        &self,
        argv: &[&[u8]],
        keys: &mut Keys,
        not_keys: NotKeys,
    ) -> Result<(), DoesNotFit> {
        for spec in self.keys {
            if spec.flags.contains(KeyFlags::NOT_KEY) && not_keys == NotKeys::Skip {
                continue;
            }
            spec.collect(argv, keys)?;
        }
        Ok(())
    }

    /// Finds keys without the key specs.
    fn find_otherwise(&self, argv: &[&[u8]], keys: &mut Keys) {
        match self.find_keys {
            Some(find) => {
                find(argv, keys);
                // Such functions know the command's arity; the request may be shorter.
                keys.retain(|key| (key.index as usize) < argv.len());
            }
            None => self.collect_counted_leniently(argv, keys),
        }
    }

    /// Redis falls back on a sloppier reading of the number of keys (`atoi`: `2x` is 2) when the
    /// specs do not fit, and then gives no flags.
    fn collect_counted_leniently(&self, argv: &[&[u8]], keys: &mut Keys) {
        let counted = self.keys.iter().find_map(|spec| match (spec.begin, spec.find) {
            (BeginSearch::Index(begin), FindKeys::KeyNum { count_at, first, .. }) => {
                Some((usize::from(begin + count_at), usize::from(begin + first)))
            }
            _ => None,
        });
        let Some((count_at, first)) = counted else { return };
        let count = argv.get(count_at).map_or(0, |number| getkeys::leading_number(number));
        if count == 0 || count > argv.len().saturating_sub(first) {
            return;
        }
        let flags = KeyFlags::empty();
        keys.extend((first..first + count).map(|index| KeyRef { index: index as u32, flags }));
        if let Some(KeySpec { begin: BeginSearch::Index(destination), find, .. }) =
            self.keys.first()
            && matches!(find, FindKeys::Range { .. })
        {
            keys.push(KeyRef { index: u32::from(*destination), flags });
        }
    }
}

/// What to do with arguments that are routed like keys and are none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NotKeys {
    Include,
    Skip,
}

impl KeySpec {
    /// Adds the keys that the spec finds.
    fn collect(&self, argv: &[&[u8]], keys: &mut Keys) -> Result<(), DoesNotFit> {
        let begin = match self.begin {
            BeginSearch::Index(index) => usize::from(index),
            BeginSearch::Keyword { word, start_from } => {
                match find_keyword(argv, word.as_bytes(), start_from) {
                    Some(index) => index + 1,
                    None => return Ok(()),
                }
            }
            BeginSearch::Unknown => return Err(DoesNotFit),
        };
        let (first, last, step) = self.bounds(argv, begin)?;
        let flags = self.flags;
        keys.extend(
            (first..=last)
                .step_by(usize::from(step))
                .map(|index| KeyRef { index: index as u32, flags }),
        );
        if flags.contains(KeyFlags::INCOMPLETE) { Err(DoesNotFit) } else { Ok(()) }
    }

    /// First key, last key (both within the arguments) and step.
    fn bounds(&self, argv: &[&[u8]], begin: usize) -> Result<(usize, usize, u16), DoesNotFit> {
        let argc = argv.len();
        let (first, last, step) = match self.find {
            FindKeys::Range { last, step, limit } => {
                let relative_to = if last >= 0 {
                    begin
                } else if limit > 1 {
                    begin + argc.saturating_sub(begin) / usize::from(limit)
                } else {
                    argc
                };
                (begin, relative_to.checked_add_signed(isize::from(last)), step)
            }
            FindKeys::KeyNum { count_at, first, step } => {
                let number = argv.get(begin + usize::from(count_at)).ok_or(DoesNotFit)?;
                let count = getkeys::strict_number(number).ok_or(DoesNotFit)?;
                let first = begin + usize::from(first);
                (first, (first + count).checked_sub(1), step)
            }
            FindKeys::Unknown => return Err(DoesNotFit),
        };
        match last {
            Some(last) if first <= last && last < argc => Ok((first, last, step)),
            _ => Err(DoesNotFit),
        }
    }
}

/// The position of the keyword (any case), searched forwards from `start_from`, or backwards from
/// the end when that is negative.
fn find_keyword(argv: &[&[u8]], word: &[u8], start_from: i16) -> Option<usize> {
    let is_word = |index: &usize| argv[*index].eq_ignore_ascii_case(word);
    match usize::try_from(start_from) {
        // A keyword that is the last argument has no key behind it.
        Ok(start) => (start.max(1)..argv.len().saturating_sub(1)).find(is_word),
        Err(_) => {
            let start = argv.len().checked_add_signed(isize::from(start_from))?;
            (2..=start).rev().find(is_word)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Group;

    const RO: &[KeyFlags] = &[KeyFlags::RO];
    const OW: &[KeyFlags] = &[KeyFlags::OW];
    const VARIABLE: &[KeyFlags] = &[KeyFlags::RW, KeyFlags::VARIABLE_FLAGS];
    const INCOMPLETE: &[KeyFlags] = &[KeyFlags::RW, KeyFlags::INCOMPLETE];
    const MOVED: &[KeyFlags] = &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE];
    const NOT_KEY: &[KeyFlags] = &[KeyFlags::NOT_KEY];

    const fn command(keys: &'static [KeySpec]) -> CommandSpec {
        CommandSpec::new("x", Group::Generic, -1).keys(keys)
    }

    const ONE: CommandSpec = command(&[KeySpec::at(1, RO)]);
    const ALL: CommandSpec = command(&[KeySpec::at(1, RO).to(-1)]);
    const PAIRS: CommandSpec = command(&[KeySpec::at(1, OW).to(-1).step(2)]);
    const TIMEOUT: CommandSpec = command(&[KeySpec::at(1, RO).to(-2)]);
    const COUNTED: CommandSpec = command(&[KeySpec::at(1, RO).counted(0, 1)]);
    const STORED: CommandSpec = command(&[KeySpec::at(1, OW), KeySpec::at(2, RO).counted(0, 1)]);
    const STREAMS: CommandSpec =
        command(&[KeySpec::after("STREAMS", 1, RO).limit(2)]).find_keys_with(getkeys::xread);
    const GEO: CommandSpec = command(&[
        KeySpec::at(1, RO),
        KeySpec::after("STORE", 6, OW),
        KeySpec::after("STOREDIST", 6, OW),
    ])
    .find_keys_with(getkeys::georadius);
    const SET: CommandSpec = command(&[KeySpec::at(1, VARIABLE)]).find_keys_with(getkeys::set);
    const BITFIELD: CommandSpec =
        command(&[KeySpec::at(1, VARIABLE)]).find_keys_with(getkeys::bitfield);
    const SORT: CommandSpec =
        command(&[KeySpec::at(1, RO), KeySpec::unknown(OW)]).find_keys_with(getkeys::sort);
    const MIGRATE: CommandSpec =
        command(&[KeySpec::at(3, MOVED), KeySpec::after("KEYS", -2, INCOMPLETE).to(-1)])
            .find_keys_with(getkeys::migrate);
    const CHANNEL: CommandSpec = command(&[KeySpec::at(1, NOT_KEY)]);

    fn shown(keys: &Keys) -> String {
        let one = |key: &KeyRef| {
            let flags = key.flags.names().collect::<Vec<_>>().join("+");
            if flags.is_empty() { key.index.to_string() } else { format!("{}:{flags}", key.index) }
        };
        keys.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn split(request: &str) -> Vec<&[u8]> {
        request.split(' ').map(|word| if word == "''" { &[] } else { word.as_bytes() }).collect()
    }

    #[track_caller]
    fn check(spec: &CommandSpec, request: &str, expected: &str) {
        assert_eq!(shown(&spec.keys_in(&split(request))), expected, "{request}");
    }

    #[track_caller]
    fn check_routing(spec: &CommandSpec, request: &str, expected: &[u32]) {
        let mut keys = Keys::new();
        spec.routing_keys_in(&split(request), &mut keys);
        assert_eq!(keys.iter().map(|key| key.index).collect::<Vec<_>>(), expected, "{request}");
    }

    #[test]
    fn ranges() {
        check(&ONE, "get a", "1:RO");
        check(&ONE, "get", "");
        check(&ALL, "mget a b", "1:RO 2:RO");
        check(&PAIRS, "mset a 1 b 2", "1:OW 3:OW");
        check(&PAIRS, "mset a 1 b", "1:OW 3:OW");
        check(&TIMEOUT, "blpop a b 0", "1:RO 2:RO");
        check(&TIMEOUT, "blpop a", "");
    }

    #[test]
    fn counted_keys() {
        check(&COUNTED, "zinter 2 a b weights 1 2", "2:RO 3:RO");
        check(&COUNTED, "zinter 0 a", "");
        check(&COUNTED, "zinter 3 a b", "");
        check(&COUNTED, "zinter -1 a b", "");
        check(&COUNTED, "zinter 18446744073709551617 a", "");
        check(&STORED, "zinterstore to 1 a", "1:OW 3:RO");
        // As Redis: a sloppy number still counts, but gives no flags.
        check(&COUNTED, "zinter 2x a b", "2 3");
        check(&STORED, "zinterstore to 01 a", "3 1");
    }

    #[test]
    fn keys_behind_a_keyword() {
        check(&STREAMS, "xread count 1 streams a b 0 0", "4:RO 5:RO");
        check(&STREAMS, "xread Streams a b 0", "2:RO");
        check(&STREAMS, "xread streams a", "");
        check(&STREAMS, "xread count 1", "");
        check_routing(&STREAMS, "xread group streams c streams a 0", &[5]);
        check_routing(&STREAMS, "xread streams a b 0", &[]);
        check(&GEO, "georadius a 1 2 3 m store b", "1:RO 7:OW");
        check(&GEO, "georadius a 1 2 3 m store", "1:RO");
        check_routing(&GEO, "georadius a 1 2 3 m store b storedist c", &[1, 9]);
    }

    #[test]
    fn what_set_and_bitfield_do_depends_on_their_options() {
        check(&SET, "set a 1", "1:OW+update");
        check(&SET, "set a get", "1:OW+update");
        check(&SET, "set a 1 nx GET", "1:RW+access+update");
        check(&BITFIELD, "bitfield a", "1:RO+access");
        check(&BITFIELD, "bitfield a get u8 0 overflow sat get u8 8", "1:RO+access");
        check(&BITFIELD, "bitfield a get u8 0 set u8 0 1", "1:RW+access+update");
        check(&BITFIELD, "bitfield a get u8", "1:RW+access+update");
    }

    #[test]
    fn keys_that_no_spec_finds() {
        check(&SORT, "sort a", "1:RO+access");
        check(&SORT, "sort a by store get x store b store c", "1:RO+access 9:OW+update");
        check(&SORT, "sort a store", "1:RO+access");
        check(&MIGRATE, "migrate host 1 a 0 10", "3:RW+access+delete");
        check(
            &MIGRATE,
            "migrate host 1 '' 0 10 copy keys a b",
            "8:RW+access+delete 9:RW+access+delete",
        );
        check(&MIGRATE, "migrate host 1 '' 0 10 auth keys keys a", "9:RW+access+delete");
        check(&MIGRATE, "migrate host 1 a 0 10 keys b", "");
        check(&MIGRATE, "migrate host", "");
    }

    #[test]
    fn counted_keys_are_routed_before_their_destination() {
        check_routing(&STORED, "zinterstore to 2 a b", &[3, 4, 1]);
        check_routing(&STORED, "zinterstore to 3 a b", &[]);
        check_routing(&COUNTED, "zinter 2x a b", &[2, 3]);
    }

    #[test]
    fn a_sharded_channel_is_routed_but_no_key() {
        check(&CHANNEL, "spublish channel message", "");
        check_routing(&CHANNEL, "spublish channel message", &[1]);
        assert_eq!(CHANNEL.getkeys(&split("spublish a b")), Err(GetKeysError::NoKeys));
    }

    #[test]
    fn getkeys_errors() {
        const EXACT: CommandSpec =
            CommandSpec::new("get", Group::String, 2).keys(&[KeySpec::at(1, RO)]);
        const EVAL: CommandSpec = COUNTED.flags(&[Flags::NO_MANDATORY_KEYS]);
        assert_eq!(EXACT.getkeys(&[b"get"]), Err(GetKeysError::WrongArity));
        assert_eq!(COUNTED.getkeys(&[b"zinter", b"0"]), Err(GetKeysError::InvalidArguments));
        assert_eq!(EVAL.getkeys(&[b"eval", b"0"]), Ok(Keys::new()));
    }

    proptest! {
        #[test]
        fn positions_are_within_the_request(words in proptest::collection::vec(
            prop_oneof!["[0-9]{1,2}", "(?i)store|streams|keys|get|auth2?|group|limit|by", ""],
            1..12,
        )) {
            let argv: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
            let specs = [
                &ONE, &ALL, &PAIRS, &TIMEOUT, &COUNTED, &STORED, &STREAMS, &GEO, &SET, &BITFIELD,
                &SORT, &MIGRATE, &CHANNEL,
            ];
            let mut routing = Keys::new();
            for spec in specs {
                spec.routing_keys_in(&argv, &mut routing);
                for key in spec.keys_in(&argv).iter().chain(&routing) {
                    prop_assert!(key.index > 0 && (key.index as usize) < argv.len());
                }
            }
        }
    }
}
