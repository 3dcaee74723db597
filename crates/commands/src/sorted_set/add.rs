//! What ZADD and ZINCRBY share: scores given to members under conditions.

use dunlin_keyspace::Slot;
use dunlin_values::sorted_set::{SortedSet, SortedSetMut};
use smallvec::SmallVec;

use crate::args::Args;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandError;
use crate::sorted_set::packed_limits;

/// Which members get a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Any.
    Any,
    /// Only new ones: NX.
    Absent,
    /// Only those that are there: XX.
    Present,
}

/// Which scores of members that are there are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Any.
    Any,
    /// Lower ones: GT.
    Greater,
    /// Higher ones: LT.
    Less,
}

/// How scores are given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    pub(super) presence: Presence,
    pub(super) comparison: Comparison,
    /// Whether the score is added to the one held.
    pub(super) increment: bool,
}

impl Conditions {
    const fn are_none(self) -> bool {
        matches!(self.presence, Presence::Any)
            && matches!(self.comparison, Comparison::Any)
            && !self.increment
    }

    /// The score a member gets, or `None` if a condition does not hold.
    fn new_score(self, held: Option<f64>, score: f64) -> Result<Option<f64>, CommandError> {
        let Some(held) = held else {
            return Ok((self.presence != Presence::Present).then_some(score));
        };
        if self.presence == Presence::Absent {
            return Ok(None);
        }
        let score = if self.increment { held + score } else { score };
        if score.is_nan() {
            return Err(CommandError::fixed("ERR resulting score is not a number (NaN)"));
        }
        let holds = match self.comparison {
            Comparison::Any => true,
            Comparison::Greater => score > held,
            Comparison::Less => score < held,
        };
        Ok(holds.then_some(score))
    }
}

/// What became of the members.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) added: u64,
    pub(super) updated: u64,
    /// The score of the last member whose conditions held.
    pub(super) score: Option<f64>,
}

/// The sorted set of a key, or the one a key will hold.
enum Target<'a> {
    Held(SortedSetMut<'a>),
    New(SortedSet),
}

impl Target<'_> {
    #[inline]
    fn give(
        &mut self,
        member: &[u8],
        score: f64,
        conditions: Conditions,
        outcome: &mut Outcome,
    ) -> Result<(), CommandError> {
        let score = if conditions.are_none() {
            score
        } else {
            let held = match self {
                Self::Held(set) => set.view().score(member),
                Self::New(set) => set.view().score(member),
            };
            match conditions.new_score(held, score)? {
                Some(score) => score,
                None => return Ok(()),
            }
        };
        let held = match self {
            Self::Held(set) => set.set(member, score),
            Self::New(set) => set.set(member, score),
        };
        outcome.score = Some(score);
        match held {
            None => outcome.added += 1,
            Some(held) if held != score => outcome.updated += 1,
            Some(_) => {}
        }
        Ok(())
    }
}

/// Gives the members their scores, which stand in front of them from word `first` on.
///
/// # Errors
/// [`CommandError::NotFloat`], [`CommandError::WrongType`], and if a sum is NaN; nothing has changed
/// then.
pub(super) fn add(
    cx: &mut Context<'_>,
    args: Args<'_>,
    first: usize,
    conditions: Conditions,
) -> Result<Outcome, CommandError> {
    let key = args.get(1);
    let scores = scores(args, first)?;
    let limits = packed_limits(cx.config);
    let hasher = cx.keyspace.member_hasher();
    let mut outcome = Outcome::default();
    let pairs = scores.iter().enumerate().map(|(n, score)| (args.get(first + 2 * n + 1), *score));
    match cx.keyspace.slot(cx.db, key) {
        Slot::Occupied(mut slot) => {
            if slot.sorted_set().is_none() {
                return Err(CommandError::WrongType);
            }
            let set = SortedSetMut::new(slot.value_mut(), limits, hasher);
            let mut set = set.ok_or(CommandError::WrongType)?;
            set.expect_members(scores.len());
            let mut target = Target::Held(set);
            for (member, score) in pairs {
                target.give(member, score, conditions, &mut outcome)?;
            }
        }
        Slot::Vacant(_) if conditions.presence == Presence::Present => {}
        Slot::Vacant(slot) => {
            let first_len = args.get(first + 1).len();
            let mut target = Target::New(SortedSet::new(limits, hasher, scores.len(), first_len));
            for (member, score) in pairs {
                target.give(member, score, conditions, &mut outcome)?;
            }
            if let Target::New(set) = target {
                set.store(|value| slot.insert(value, None));
            }
        }
    }
    if outcome.added + outcome.updated > 0 {
        cx.effects.changed(outcome.added + outcome.updated);
        let event = if conditions.increment { "zincr" } else { "zadd" };
        cx.notify(KeyEventClass::SORTED_SET, event, cx.db, key);
    }
    Ok(outcome)
}

fn scores(args: Args<'_>, first: usize) -> Result<SmallVec<[f64; 4]>, CommandError> {
    args.words()[first..]
        .iter()
        .step_by(2)
        .map(|word| dunlin_stdx::number::parse_f64(word).ok_or(CommandError::NotFloat))
        .collect()
}
