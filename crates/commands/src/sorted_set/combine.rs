//! Several sorted sets (or sets, whose members have score 1) at once: ZUNION, ZINTER, ZDIFF, their
//! storing forms and ZINTERCARD.
//!
//! Source: Redis documentation, ZUNION, ZINTER, ZDIFF, ZINTERCARD.

use dunlin_keyspace::{DatabaseIndex, ItemRef, Keyspace, Slot};
use dunlin_stdx::number::{parse_f64, parse_i64};
use dunlin_values::listpack::Element;
use dunlin_values::set::SetRef;
use dunlin_values::sorted_set::{ScoreIndex, SortedSet, SortedSetRef, Unordered};
use dunlin_values::{Entry, IntText, MemberHasher};

use crate::args::{Args, Cursor};
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::sorted_set::{packed_limits, show};

/// What is made of several sorted sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// What any of them has.
    Union,
    /// What all of them have.
    Intersection,
    /// What the first has and no other.
    Difference,
}

impl Operation {
    /// The event of the storing command.
    const fn event(self) -> &'static str {
        match self {
            Self::Union => "zunionstore",
            Self::Intersection => "zinterstore",
            Self::Difference => "zdiffstore",
        }
    }
}

/// How the scores of a member become one.
#[derive(Clone, Copy, Debug)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    /// The sum of both infinities counts as 0; a NaN, which a weight of 0 makes of an infinity, is
    /// neither lower nor higher.
    fn merge(self, held: f64, score: f64) -> f64 {
        match self {
            Self::Sum => number(held + score),
            Self::Min if score < held => score,
            Self::Max if score > held => score,
            Self::Min | Self::Max => held,
        }
    }
}

/// The score, 0 instead of NaN.
const fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// The words behind the name (and the destination) of a command.
struct Query<'a> {
    keys: &'a [&'a [u8]],
    options: Cursor<'a>,
}

impl<'a> Query<'a> {
    /// Reads `numkeys key [key ...]` from word `at` on.
    fn parse(args: Args<'a>, at: usize, name: &str) -> Result<Self, CommandError> {
        let count = args.integer(at)?;
        if count < 1 {
            return Err(CommandError::err(format!(
                "at least 1 input key is needed for '{name}' command"
            )));
        }
        let count = usize::try_from(count).ok().filter(|count| *count < args.len() - at);
        let behind = at + 1 + count.ok_or(CommandError::Syntax)?;
        Ok(Self { keys: &args.words()[at + 1..behind], options: args.cursor(behind) })
    }
}

/// What the options of a command say.
struct Options {
    /// One for each key; none if all are 1.
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

impl Options {
    fn parse(
        query: Query<'_>,
        operation: Operation,
        may_show_scores: bool,
    ) -> Result<Self, CommandError> {
        let mut options =
            Self { weights: Vec::new(), aggregate: Aggregate::Sum, with_scores: false };
        let merges = operation != Operation::Difference;
        let mut words = query.options;
        while let Some(word) = words.next_word() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if merges && words.remaining() >= query.keys.len() && is("WEIGHTS") {
                options.weights.clear();
                for _ in query.keys {
                    let weight = parse_f64(words.value()?);
                    let not_float = CommandError::fixed("ERR weight value is not a float");
                    options.weights.push(weight.ok_or(not_float)?);
                }
            } else if merges && words.remaining() >= 1 && is("AGGREGATE") {
                options.aggregate = match words.value()? {
                    how if how.eq_ignore_ascii_case(b"SUM") => Aggregate::Sum,
                    how if how.eq_ignore_ascii_case(b"MIN") => Aggregate::Min,
                    how if how.eq_ignore_ascii_case(b"MAX") => Aggregate::Max,
                    _ => return Err(CommandError::Syntax),
                };
            } else if may_show_scores && is("WITHSCORES") {
                options.with_scores = true;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }

    fn weight(&self, input: usize) -> f64 {
        self.weights.get(input).copied().unwrap_or(1.0)
    }
}

/// A key that is read, looked up already: expired ones are gone, other types refused.
fn read_all(cx: &mut Context<'_>, keys: &[&[u8]]) -> CommandResult {
    for key in keys {
        if let Some(entry) = cx.keyspace.get(cx.db, key)
            && Values::of(&entry).is_none()
        {
            return Err(CommandError::WrongType);
        }
    }
    Ok(())
}

/// The entries of some keys, held while they are read.
struct Held<'a>(Vec<Option<ItemRef<'a, Entry>>>);

impl<'a> Held<'a> {
    fn of(keyspace: &'a Keyspace, db: DatabaseIndex, keys: &[&[u8]]) -> Self {
        Self(keys.iter().map(|key| keyspace.held(db, key)).collect())
    }

    fn inputs(&self, options: Option<&Options>) -> Vec<Input<'_>> {
        let values = self.0.iter().map(|entry| entry.as_ref().and_then(|entry| Values::of(entry)));
        let weight = |at| options.map_or(1.0, |options| options.weight(at));
        values
            .enumerate()
            .map(|(at, values)| Input {
                values: values.unwrap_or(Values::None),
                weight: weight(at),
            })
            .collect()
    }
}

/// Members with scores, whatever holds them.
#[derive(Clone, Copy)]
enum Values<'a> {
    None,
    SortedSet(SortedSetRef<'a>),
    Set(SetRef<'a>),
}

impl<'a> Values<'a> {
    /// What an entry holds, if it can be an input.
    fn of(entry: &'a Entry) -> Option<Self> {
        entry.sorted_set().map(Self::SortedSet).or_else(|| entry.set().map(Self::Set))
    }

    fn len(self) -> usize {
        match self {
            Self::None => 0,
            Self::SortedSet(set) => set.len(),
            Self::Set(set) => set.len(),
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Self::None => None,
            Self::SortedSet(set) => set.score(member),
            Self::Set(set) => set.contains(member).then_some(1.0),
        }
    }

    /// Visits members until told to stop.
    fn for_each(self, mut visit: impl FnMut(&[u8], f64) -> Next) {
        let mut digits = IntText::default();
        let mut visit = |member: Element<'_>, score| visit(member.as_bytes(&mut digits), score);
        match self {
            Self::None => {}
            Self::SortedSet(set) => {
                let _ = set.iter().find(|(member, score)| visit(*member, *score) == Next::Stop);
            }
            Self::Set(set) => {
                let _ = set.iter().find(|member| visit(*member, 1.0) == Next::Stop);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

#[derive(Clone, Copy)]
struct Input<'a> {
    values: Values<'a>,
    weight: f64,
}

/// The result of an operation on inputs in the order of their keys.
fn combine(
    operation: Operation,
    mut inputs: Vec<Input<'_>>,
    aggregate: Aggregate,
    hasher: MemberHasher,
) -> ScoreIndex {
    let mut result = Unordered::new(hasher);
    match operation {
        Operation::Union => {
            inputs.sort_by_key(|input| input.values.len());
            for input in inputs {
                input.values.for_each(|member, score| {
                    let score = number(score * input.weight);
                    result.merge(member, score, |held| aggregate.merge(held, score));
                    Next::GoOn
                });
            }
        }
        Operation::Intersection => intersect(inputs, aggregate, |member, score| {
            result.merge(member, score, |held| held);
            Next::GoOn
        }),
        Operation::Difference => subtract(&inputs, &mut result),
    }
    result.ordered()
}

/// Visits what all inputs have. Members of the smallest are looked up in all others.
fn intersect(
    mut inputs: Vec<Input<'_>>,
    aggregate: Aggregate,
    mut visit: impl FnMut(&[u8], f64) -> Next,
) {
    inputs.sort_by_key(|input| input.values.len());
    let Some((first, others)) = inputs.split_first() else { return };
    first.values.for_each(|member, score| {
        let mut all = number(score * first.weight);
        for other in others {
            let Some(score) = other.values.score(member) else { return Next::GoOn };
            all = aggregate.merge(all, score * other.weight);
        }
        visit(member, all)
    });
}

/// Leaves what the first input has and no other. Either the members of the first are looked up in
/// the others, or those of the others are removed from a copy of the first, whichever is less work;
/// looking up counts half, as in Redis, because many are found early.
fn subtract(inputs: &[Input<'_>], result: &mut Unordered) {
    let Some((first, others)) = inputs.split_first() else { return };
    let (first, len) = (first.values, first.values.len());
    let looks_up = len.saturating_mul(inputs.len()) / 2
        <= others.iter().map(|other| other.values.len()).sum::<usize>() + len;
    first.for_each(|member, score| {
        let has = |other: &Input<'_>| other.values.score(member).is_some();
        if !looks_up || !others.iter().any(has) {
            result.merge(member, score, |held| held);
        }
        Next::GoOn
    });
    if !looks_up {
        for other in others {
            other.values.for_each(|member, _| {
                result.remove(member);
                Next::GoOn
            });
        }
    }
}

/// `numkeys key [key ...] [options]`: replies the result.
pub(super) fn reply(
    cx: &mut Context<'_>,
    args: Args<'_>,
    operation: Operation,
    name: &str,
) -> CommandResult {
    let query = Query::parse(args, 1, name)?;
    let keys = query.keys;
    read_all(cx, keys)?;
    let options = Options::parse(query, operation, true)?;
    let held = Held::of(cx.keyspace, cx.db, keys);
    let hasher = cx.keyspace.member_hasher();
    let result = combine(operation, held.inputs(Some(&options)), options.aggregate, hasher);
    show::members(cx.reply, result.view().iter(), options.with_scores);
    Ok(())
}

/// `destination numkeys key [key ...] [options]`: makes a key hold the result.
pub(super) fn store(
    cx: &mut Context<'_>,
    args: Args<'_>,
    operation: Operation,
    name: &str,
) -> CommandResult {
    let query = Query::parse(args, 2, name)?;
    let keys = query.keys;
    read_all(cx, keys)?;
    let options = Options::parse(query, operation, false)?;
    let hasher = cx.keyspace.member_hasher();
    let result = {
        let held = Held::of(cx.keyspace, cx.db, keys);
        combine(operation, held.inputs(Some(&options)), options.aggregate, hasher)
    };
    let result = SortedSet::of_result(result, packed_limits(cx.config), hasher);
    store_result(cx, args.get(1), result, operation.event());
    Ok(())
}

/// Makes a key hold the result of a command, or deletes it if the result is empty; replies the
/// number of members.
pub(crate) fn store_result(
    cx: &mut Context<'_>,
    destination: &[u8],
    result: SortedSet,
    event: &'static str,
) {
    let len = result.view().len();
    if len > 0 {
        let slot = cx.keyspace.slot(cx.db, destination);
        result.store(|value| slot.set(value, None));
        cx.changed(KeyEventClass::SORTED_SET, event, destination);
    } else if delete(cx, destination) {
        cx.changed(KeyEventClass::GENERIC, "del", destination);
    }
    cx.reply.integer(len as i64);
}

/// Deletes a key; whether it existed.
fn delete(cx: &mut Context<'_>, key: &[u8]) -> bool {
    match cx.keyspace.slot(cx.db, key) {
        Slot::Occupied(slot) => {
            slot.delete(cx.config.memory.lazyfree_lazy_server_del);
            true
        }
        Slot::Vacant(_) => false,
    }
}

/// `numkeys key [key ...] [LIMIT limit]`: counts what all inputs have, up to a limit.
pub(super) fn count_common(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let query = Query::parse(args, 1, "zintercard")?;
    read_all(cx, query.keys)?;
    let mut limit = 0;
    let mut words = query.options;
    while let Some(word) = words.next_word() {
        if words.remaining() == 0 || !word.eq_ignore_ascii_case(b"LIMIT") {
            return Err(CommandError::Syntax);
        }
        let negative = CommandError::fixed("ERR LIMIT can't be negative");
        let number = parse_i64(words.value()?).and_then(|limit| usize::try_from(limit).ok());
        limit = number.ok_or(negative)?;
    }
    let held = Held::of(cx.keyspace, cx.db, query.keys);
    let mut count = 0;
    intersect(held.inputs(None), Aggregate::Sum, |_, _| {
        count += 1;
        if count == limit { Next::Stop } else { Next::GoOn }
    });
    cx.reply.integer(count as i64);
    Ok(())
}
