//! The move of one slot from one primary to another.
//!
//! | state | asked | then |
//! |---|---|---|
//! | `Importing` | target: SETSLOT IMPORTING source | `Migrating` |
//! | `Migrating` | source: SETSLOT MIGRATING target | `Listing` |
//! | `Listing` | source: GETKEYSINSLOT | keys: `Moving`; none: `OwnedByTarget` |
//! | `Moving` | source: MIGRATE keys | `Listing`; a key that the target has: `Comparing`; slot of nobody (`fix`): `Assigning` |
//! | `Comparing` | source, then target: DEBUG DIGEST-VALUE | equal: `Moving` with REPLACE; else failed |
//! | `Assigning` | source: SETSLOT NODE target | `Moving` |
//! | `OwnedByTarget` | target: SETSLOT NODE target | `OwnedBySource` |
//! | `OwnedBySource` | source: SETSLOT NODE target | `OwnedByOther` |
//! | `OwnedByOther` | each other primary: SETSLOT NODE target | done |
//!
//! The target is told first: it spreads the news, and if it dies before it knows, the source still
//! owns the slot. Who asks again what was asked already does no harm, so a move that was broken off
//! anywhere is resumed from the start. A *cold* move is `Listing` and `Moving` alone.

use std::fmt;

use dunlin_cluster::NodeId;
use dunlin_resp::Value;

use crate::text::{Dialect, Note, Tone};

/// The digest of a key that is not there.
const NO_KEY: [u8; 40] = [b'0'; 40];
/// How often a target may say that it cannot serve for the moment: a node that has just joined, and a
/// failover elsewhere, make it say so for some seconds.
const STALLS_MAX: u32 = 200;
/// What an emptied source that has become a replica says to SETSLOT; the move is done all the same.
const SOURCE_IS_REPLICA: &[u8] = b"ERR Please use SETSLOT only with masters.";

/// One end of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub id: NodeId,
    /// Where the other end reaches it.
    pub host: String,
    /// Its port for clients.
    pub port: u16,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// Who gives the slot.
    Source,
    /// Who gets it.
    Target,
    /// Another primary, by its number among the others.
    Other(usize),
}

/// A command for one of the parties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who is asked.
    pub to: Party,
    /// Its words.
    pub words: Vec<Vec<u8>>,
}

/// Whom MIGRATE is to be at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// A user, unless it is the default one.
    pub user: Option<String>,
    /// The password.
    pub password: String,
}

/// How keys move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveOptions {
    /// Keys per MIGRATE.
    pub batch: usize,
    /// How long the target may take for a MIGRATE.
    pub timeout_ms: u64,
    /// Whether keys that the target has are replaced whatever they are.
    pub replace: bool,
    /// Whether the slot may be of nobody, and is given to the target then.
    pub is_fix: bool,
    /// In whose words it is told.
    pub dialect: Dialect,
    /// Whether only keys move.
    pub is_cold: bool,
    /// What the target wants to know.
    pub credentials: Option<Credentials>,
    /// How many primaries there are beside the two.
    pub others: usize,
}

/// How a move ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveResult {
    /// The slot belongs to the target, or, of a cold move, all keys are there.
    Done,
    /// A node refused; the slot stands open, unless it was the first step.
    Failed {
        /// Who.
        party: Party,
        /// What it said.
        text: String,
        /// Whether the notes say more about it already.
        is_told: bool,
    },
}

#[derive(Clone, Debug)]
enum State {
    Importing,
    Migrating,
    Listing,
    Moving { keys: Vec<Vec<u8>>, replace: bool },
    ComparingSource { keys: Vec<Vec<u8>> },
    ComparingTarget { keys: Vec<Vec<u8>>, digests: Vec<Vec<u8>> },
    Assigning { keys: Vec<Vec<u8>> },
    OwnedByTarget,
    OwnedBySource,
    OwnedByOther(usize),
    Over(MoveResult),
}

/// One slot on its way. The module's front page has the table of states.
#[derive(Debug)]
pub struct SlotMove<'a> {
    slot: u16,
    source: &'a Peer,
    target: &'a Peer,
    options: &'a MoveOptions,
    state: State,
    moved: usize,
    stalls: u32,
    is_stalled: bool,
    notes: Vec<(usize, Note)>,
}

impl<'a> SlotMove<'a> {
    /// A move that has not begun.
    #[must_use]
    pub fn new(slot: u16, source: &'a Peer, target: &'a Peer, options: &'a MoveOptions) -> Self {
        let state = if options.is_cold { State::Listing } else { State::Importing };
        Self {
            slot,
            source,
            target,
            options,
            state,
            moved: 0,
            stalls: 0,
            is_stalled: false,
            notes: Vec::new(),
        }
    }

    /// The slot.
    #[must_use]
    pub fn slot(&self) -> u16 {
        self.slot
    }

    /// How many keys have moved.
    #[must_use]
    pub fn moved(&self) -> usize {
        self.moved
    }

    /// Whether the last answer was that the target cannot serve for the moment: the same is to be asked
    /// again, a little later (50 ms).
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.is_stalled
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn result(&self) -> Option<&MoveResult> {
        match &self.state {
            State::Over(result) => Some(result),
            _ => None,
        }
    }

    /// What there is to say, in order, and how many keys had moved before.
    pub fn take_notes(&mut self) -> Vec<(usize, Note)> {
        std::mem::take(&mut self.notes)
    }

    /// What is to be asked; `None` when it is over. Answer it with [`SlotMove::answer`].
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        let (source, target) = (self.source.id.as_str(), self.target.id.as_str());
        let (to, words) = match &self.state {
            State::Importing => (Party::Target, self.set_slot("IMPORTING", source)),
            State::Migrating => (Party::Source, self.set_slot("MIGRATING", target)),
            State::Listing => (Party::Source, self.list()),
            State::Moving { keys, replace } => (Party::Source, self.migrate(keys, *replace)),
            State::ComparingSource { keys } => (Party::Source, digest(keys)),
            State::ComparingTarget { keys, .. } => (Party::Target, digest(keys)),
            State::Assigning { .. } => (Party::Source, self.set_slot("NODE", target)),
            State::OwnedByTarget => (Party::Target, self.set_slot("NODE", target)),
            State::OwnedBySource => (Party::Source, self.set_slot("NODE", target)),
            State::OwnedByOther(other) => (Party::Other(*other), self.set_slot("NODE", target)),
            State::Over(_) => return None,
        };
        Some(Request { to, words })
    }

    /// Takes the reply to [`SlotMove::request`].
    pub fn answer(&mut self, reply: Value) {
        let Some(Request { to, .. }) = self.request() else { return };
        self.is_stalled = false;
        let state = std::mem::replace(&mut self.state, State::Listing);
        self.state = match (state, reply) {
            (State::Moving { keys, replace }, Value::Error(text)) => {
                self.migrate_failed(keys, replace, &text)
            }
            (State::OwnedBySource, Value::Error(text)) if text.starts_with(SOURCE_IS_REPLICA) => {
                self.next_other(0)
            }
            (State::ComparingSource { .. } | State::ComparingTarget { .. }, Value::Error(text)) => {
                self.say(Tone::Error, "*** Value check failed!");
                self.fail(to, text)
            }
            (_, Value::Error(text)) => self.fail(to, text),
            (State::Importing, _) => State::Migrating,
            (State::Migrating, _) => State::Listing,
            (State::Listing, reply) => self.listed(reply),
            (State::Moving { keys, .. }, _) => {
                self.moved += keys.len();
                State::Listing
            }
            (State::ComparingSource { keys }, reply) => match strings(reply) {
                Some(digests) => State::ComparingTarget { keys, digests },
                None => self.fail(to, "no digests"),
            },
            (State::ComparingTarget { keys, digests }, reply) => {
                self.compared(keys, &digests, reply)
            }
            (State::Assigning { keys }, _) => State::Moving { keys, replace: false },
            (State::OwnedByTarget, _) => State::OwnedBySource,
            (State::OwnedBySource, _) => self.next_other(0),
            (State::OwnedByOther(other), _) => self.next_other(other + 1),
            (over @ State::Over(_), _) => over,
        };
    }

    /// The party that is to be asked is gone. A primary that is not an end of the move learns of it
    /// when it is back.
    pub fn lost(&mut self, text: &str) {
        let Some(Request { to, .. }) = self.request() else { return };
        self.state = match &self.state {
            State::OwnedByOther(other) => {
                let other = *other;
                self.next_other(other + 1)
            }
            _ => self.fail(to, text),
        };
    }

    fn next_other(&self, other: usize) -> State {
        if other < self.options.others {
            State::OwnedByOther(other)
        } else {
            State::Over(MoveResult::Done)
        }
    }

    fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.notes.push((self.moved, Note::new(tone, text)));
    }

    fn fail(&mut self, party: Party, text: impl AsRef<[u8]>) -> State {
        let text = String::from_utf8_lossy(text.as_ref()).into_owned();
        State::Over(MoveResult::Failed { party, text, is_told: false })
    }

    fn set_slot(&self, verb: &str, node: &str) -> Vec<Vec<u8>> {
        words(&["CLUSTER", "SETSLOT", &self.slot.to_string(), verb, node])
    }

    fn list(&self) -> Vec<Vec<u8>> {
        let (slot, batch) = (self.slot.to_string(), self.options.batch.to_string());
        words(&["CLUSTER", "GETKEYSINSLOT", &slot, &batch])
    }

    fn migrate(&self, keys: &[Vec<u8>], replace: bool) -> Vec<Vec<u8>> {
        let (port, timeout) = (self.target.port.to_string(), self.options.timeout_ms.to_string());
        let mut request = words(&["MIGRATE", &self.target.host, &port, "", "0", &timeout]);
        if replace {
            request.push(b"REPLACE".to_vec());
        }
        match &self.options.credentials {
            Some(Credentials { user: Some(user), password }) => {
                request.extend(words(&["AUTH2", user, password]));
            }
            Some(Credentials { user: None, password }) => {
                request.extend(words(&["AUTH", password]));
            }
            None => {}
        }
        request.push(b"KEYS".to_vec());
        request.extend_from_slice(keys);
        request
    }

    fn listed(&mut self, reply: Value) -> State {
        match strings(reply) {
            None => self.fail(Party::Source, "no list of keys"),
            Some(keys) if !keys.is_empty() => State::Moving { keys, replace: false },
            Some(_) if self.options.is_cold => State::Over(MoveResult::Done),
            Some(_) => State::OwnedByTarget,
        }
    }

    fn migrate_failed(&mut self, keys: Vec<Vec<u8>>, replaced: bool, text: &[u8]) -> State {
        let text = String::from_utf8_lossy(text);
        if text.contains("BUSYKEY") && !replaced {
            if self.is_fix_of_trib() {
                return State::ComparingSource { keys };
            }
            self.say(Tone::Warning, "\n*** Target key exists");
            if self.options.replace {
                self.say(Tone::Warning, "*** Replacing target keys...");
                return State::Moving { keys, replace: true };
            }
            self.say(Tone::Warning, "*** Checking key values on both nodes...");
            return State::ComparingSource { keys };
        }
        if is_passing(&text) && self.stalls < STALLS_MAX {
            self.stalls += 1;
            self.is_stalled = true;
            return State::Moving { keys, replace: replaced };
        }
        if self.options.is_fix && text.starts_with("CLUSTERDOWN Hash slot not served") {
            let target = format!("{}:{}", self.target.host, self.target.port);
            self.say(
                Tone::Warning,
                format!("*** Slot was not served, setting owner to node {target}."),
            );
            return State::Assigning { keys };
        }
        self.fail(Party::Source, text.as_bytes())
    }

    fn compared(&mut self, keys: Vec<Vec<u8>>, digests: &[Vec<u8>], reply: Value) -> State {
        let others = strings(reply).unwrap_or_default();
        if others.len() != keys.len() || digests.len() != keys.len() {
            return self.fail(Party::Target, "no digests");
        }
        let pairs = digests.iter().zip(&others);
        let differ = |(ours, theirs): (&Vec<u8>, &Vec<u8>)| {
            ours[..] != NO_KEY && theirs[..] != NO_KEY && ours != theirs
        };
        let different: Vec<String> = keys
            .iter()
            .zip(pairs)
            .filter(|(_, pair)| differ(*pair))
            .map(|(key, _)| String::from_utf8_lossy(key).into_owned())
            .collect();
        if different.is_empty() {
            self.say(
                Tone::Warning,
                match self.is_fix_of_trib() {
                    true => "*** Target key exists. Replacing it for FIX.",
                    false => "*** Replacing target keys...",
                },
            );
            return State::Moving { keys, replace: true };
        }
        self.tell_differences(&different);
        let text = "BUSYKEY Target key name already exists.".to_owned();
        State::Over(MoveResult::Failed { party: Party::Source, text, is_told: true })
    }

    /// Differs: redis-trib mends by replacing whatever the target has.
    fn is_fix_of_trib(&self) -> bool {
        self.options.is_fix && self.options.dialect == Dialect::Trib
    }

    fn tell_differences(&mut self, keys: &[String]) {
        let (source, target) = (self.source, self.target);
        let head = format!(
            "*** Found {} key(s) in both source node and target node having different values.\n    \
             Source node: {}:{}\n    Target node: {}:{}\n    Keys(s):",
            keys.len(),
            source.host,
            source.port,
            target.host,
            target.port
        );
        self.say(Tone::Error, head);
        for key in keys {
            self.say(Tone::Error, format!("    - {key}"));
        }
        let advice = "Please fix the above key(s) manually and try again or relaunch the command \n\
                      with --cluster-replace option to force key overriding.";
        self.say(Tone::Error, advice);
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source => f.write_str("source"),
            Self::Target => f.write_str("target"),
            Self::Other(_) => f.write_str("another primary"),
        }
    }
}

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn digest(keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
    [words(&["DEBUG", "DIGEST-VALUE"]), keys.to_vec()].concat()
}

/// Whether what a target says is over soon.
fn is_passing(text: &str) -> bool {
    ["CLUSTERDOWN The cluster is down", "LOADING "].iter().any(|known| text.contains(known))
}

/// The strings of an array.
fn strings(value: Value) -> Option<Vec<Vec<u8>>> {
    let Value::Array(values) = value else { return None };
    values.into_iter().map(|value| value.bytes().map(<[u8]>::to_vec)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::id;

    fn peer(letter: char, port: u16) -> Peer {
        Peer { id: id(letter), host: "h".to_owned(), port }
    }

    fn options() -> MoveOptions {
        MoveOptions {
            batch: 2,
            timeout_ms: 60_000,
            replace: false,
            is_fix: false,
            dialect: Dialect::Cli,
            is_cold: false,
            credentials: None,
            others: 1,
        }
    }

    fn keys(names: &[&str]) -> Value {
        Value::Array(names.iter().map(|name| Value::Bulk(name.as_bytes().to_vec())).collect())
    }

    fn ok() -> Value {
        Value::Simple(b"OK".to_vec())
    }

    fn error(text: &str) -> Value {
        Value::Error(text.as_bytes().to_vec())
    }

    /// Plays a move: what is asked with what reply; returns how it ended and what it said.
    fn play(options: &MoveOptions, script: &[(&str, Value)]) -> (Option<MoveResult>, Vec<String>) {
        let (source, target) = (peer('a', 1), peer('b', 2));
        let mut one = SlotMove::new(7, &source, &target, options);
        for (expected, reply) in script {
            let request = one.request().expect("more to ask");
            let words: Vec<_> =
                request.words.iter().map(|word| String::from_utf8_lossy(word)).collect();
            let text = words.join(" ").replace(&"a".repeat(40), "A").replace(&"b".repeat(40), "B");
            assert_eq!(format!("{}: {text}", request.to), *expected);
            one.answer(reply.clone());
        }
        let notes = one.take_notes().into_iter().map(|(_, note)| note.text).collect();
        (one.result().cloned(), notes)
    }

    const OPENING: [&str; 2] =
        ["target: CLUSTER SETSLOT 7 IMPORTING A", "source: CLUSTER SETSLOT 7 MIGRATING B"];
    const LIST: &str = "source: CLUSTER GETKEYSINSLOT 7 2";

    #[test]
    fn a_whole_move() {
        let script = [
            (OPENING[0], ok()),
            (OPENING[1], ok()),
            (LIST, keys(&["x", "y"])),
            ("source: MIGRATE h 2  0 60000 KEYS x y", ok()),
            (LIST, keys(&["z"])),
            ("source: MIGRATE h 2  0 60000 KEYS z", Value::Simple(b"NOKEY".to_vec())),
            (LIST, keys(&[])),
            ("target: CLUSTER SETSLOT 7 NODE B", ok()),
            (
                "source: CLUSTER SETSLOT 7 NODE B",
                error("ERR Please use SETSLOT only with masters."),
            ),
            ("another primary: CLUSTER SETSLOT 7 NODE B", ok()),
        ];
        assert_eq!(play(&options(), &script), (Some(MoveResult::Done), vec![]));
    }

    #[test]
    fn a_cold_move_with_a_password() {
        let credentials =
            Some(Credentials { user: Some("u".to_owned()), password: "p".to_owned() });
        let options = MoveOptions { is_cold: true, credentials, ..options() };
        let script = [
            (LIST, keys(&["x"])),
            ("source: MIGRATE h 2  0 60000 AUTH2 u p KEYS x", ok()),
            (LIST, keys(&[])),
        ];
        assert_eq!(play(&options, &script).0, Some(MoveResult::Done));
    }

    #[test]
    fn keys_that_are_there_already() {
        let (zero, one, two) = ("0".repeat(40), "1".repeat(40), "2".repeat(40));
        let busy = || error("BUSYKEY Target key name already exists.");
        let begin = |rest: Vec<(&'static str, Value)>| {
            let mut script = vec![
                (OPENING[0], ok()),
                (OPENING[1], ok()),
                (LIST, keys(&["x", "y"])),
                ("source: MIGRATE h 2  0 60000 KEYS x y", busy()),
            ];
            script.extend(rest);
            script
        };
        let equal = begin(vec![
            ("source: DEBUG DIGEST-VALUE x y", keys(&[&one, &two])),
            ("target: DEBUG DIGEST-VALUE x y", keys(&[&zero, &two])),
            ("source: MIGRATE h 2  0 60000 REPLACE KEYS x y", ok()),
            (LIST, keys(&[])),
        ]);
        let (result, notes) = play(&options(), &equal);
        assert_eq!(result, None);
        assert_eq!(notes[2], "*** Replacing target keys...");
        let mending = MoveOptions { is_fix: true, dialect: Dialect::Trib, ..options() };
        let (_, notes) = play(&mending, &equal);
        assert_eq!(notes, ["*** Target key exists. Replacing it for FIX."]);
        let different = begin(vec![
            ("source: DEBUG DIGEST-VALUE x y", keys(&[&one, &two])),
            ("target: DEBUG DIGEST-VALUE x y", keys(&[&one, &one])),
        ]);
        let (result, notes) = play(&options(), &different);
        let told = MoveResult::Failed {
            party: Party::Source,
            text: "BUSYKEY Target key name already exists.".to_owned(),
            is_told: true,
        };
        assert_eq!(result, Some(told));
        assert!(notes[2].starts_with("*** Found 1 key(s) in both"), "{notes:?}");
        assert_eq!(notes[3], "    - y");
        let forced = MoveOptions { replace: true, ..options() };
        let script = begin(vec![("source: MIGRATE h 2  0 60000 REPLACE KEYS x y", busy())]);
        assert!(matches!(play(&forced, &script).0, Some(MoveResult::Failed { .. })));
        let refused =
            begin(vec![("source: DEBUG DIGEST-VALUE x y", error("ERR DEBUG not allowed"))]);
        assert_eq!(play(&options(), &refused).1[2], "*** Value check failed!");
    }

    #[test]
    fn a_slot_of_nobody_is_given_to_the_target() {
        let options = MoveOptions { is_fix: true, is_cold: true, ..options() };
        let script = [
            (LIST, keys(&["x"])),
            ("source: MIGRATE h 2  0 60000 KEYS x", error("CLUSTERDOWN Hash slot not served")),
            ("source: CLUSTER SETSLOT 7 NODE B", ok()),
            ("source: MIGRATE h 2  0 60000 KEYS x", ok()),
            (LIST, keys(&[])),
        ];
        assert_eq!(play(&options, &script).0, Some(MoveResult::Done));
    }

    #[test]
    fn a_target_that_cannot_serve_yet() {
        let down =
            || error("ERR Target instance replied with error: CLUSTERDOWN The cluster is down");
        let (source, target, options) = (peer('a', 1), peer('b', 2), options());
        let mut one = SlotMove::new(7, &source, &target, &options);
        for reply in [ok(), ok(), keys(&["x"])] {
            one.answer(reply);
        }
        let asked = one.request();
        for _ in 0..STALLS_MAX {
            one.answer(down());
            assert!(one.is_stalled());
            assert_eq!(one.request(), asked);
        }
        one.answer(down());
        assert!(matches!(one.result(), Some(MoveResult::Failed { party: Party::Source, .. })));
    }

    #[test]
    fn parties_that_are_gone() {
        let (source, target, options) = (peer('a', 1), peer('b', 2), options());
        let mut one = SlotMove::new(7, &source, &target, &options);
        for reply in [ok(), ok(), keys(&[]), ok(), ok()] {
            one.answer(reply);
        }
        assert_eq!(one.request().map(|request| request.to), Some(Party::Other(0)));
        one.lost("gone");
        assert_eq!(one.result(), Some(&MoveResult::Done));
        let mut one = SlotMove::new(7, &source, &target, &options);
        one.lost("gone");
        let failed =
            MoveResult::Failed { party: Party::Target, text: "gone".to_owned(), is_told: false };
        assert_eq!(one.result(), Some(&failed));
        one.answer(ok());
        one.lost("gone");
        assert!(one.request().is_none());
    }

    proptest::proptest! {
        /// Whatever nodes answer, a move asks on or ends; what is moved is never asked as owned
        /// before it was listed as gone.
        #[test]
        fn any_answers(answers in proptest::collection::vec(0..6_u8, 0..60)) {
            let (source, target, options) = (peer('a', 1), peer('b', 2), options());
            let mut one = SlotMove::new(7, &source, &target, &options);
            for answer in answers {
                if one.request().is_none() {
                    break;
                }
                one.answer(match answer {
                    0 => ok(),
                    1 => keys(&["x"]),
                    2 => keys(&[]),
                    3 => error("ERR no"),
                    4 => error("BUSYKEY x"),
                    _ => Value::Null,
                });
            }
            proptest::prop_assert_eq!(one.request().is_none(), one.result().is_some());
        }
    }
}
