//! `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
//!
//! Replies the numbers of elements that equal `element`: one, or an array of up to `COUNT` (0: all),
//! from match number `RANK` on (from the back if negative), among the first `MAXLEN` elements
//! compared.
//!
//! Source: Redis documentation, LPOS.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::{End, Wanted};
use std::ops::ControlFlow;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandError;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("lpos", Group::List, -3)
    .summary("Returns the index of matching elements in a list.")
    .since("6.0.6")
    .complexity(
        "O(N) where N is the number of elements in the list, for the average case. When \
         searching for elements near the head or the tail of the list, or when the MAXLEN option \
         is provided, the command may run in constant time.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[
        Arg::key("key", 0),
        Arg::string("element"),
        Arg::integer("rank").token("RANK").optional(),
        Arg::integer("num-matches").token("COUNT").optional(),
        Arg::integer("len").token("MAXLEN").optional(),
    ]);

/// LPOS's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// What is asked for.
#[derive(Clone, Copy, Debug)]
struct Query {
    /// Where the walk begins.
    from: End,
    /// Matches to pass over.
    skipped: u64,
    /// Most matches to reply; `None` if one is to be replied, not an array.
    count: Option<u64>,
    /// Most elements to compare.
    compared_max: u64,
}

impl Query {
    fn read(args: Args<'_>) -> Result<Self, CommandError> {
        let (mut rank, mut count, mut maxlen) = (1, None, 0);
        let mut options = args.cursor(3);
        while let Some(option) = options.next_word() {
            if option.eq_ignore_ascii_case(b"RANK") {
                rank = read_rank(options.integer()?)?;
            } else if option.eq_ignore_ascii_case(b"COUNT") {
                count = Some(not_negative(options.value()?, "ERR COUNT can't be negative")?);
            } else if option.eq_ignore_ascii_case(b"MAXLEN") {
                maxlen = not_negative(options.value()?, "ERR MAXLEN can't be negative")?;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        let unlimited = |limit: u64| if limit == 0 { u64::MAX } else { limit };
        Ok(Self {
            from: if rank < 0 { End::Back } else { End::Front },
            skipped: rank.unsigned_abs() - 1,
            count: count.map(unlimited),
            compared_max: unlimited(maxlen),
        })
    }
}

fn read_rank(rank: i64) -> Result<i64, CommandError> {
    match rank {
        0 => Err(CommandError::fixed(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or \
             use negative to start from the end of the list",
        )),
        i64::MIN => Err(CommandError::fixed(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        )),
        rank => Ok(rank),
    }
}

fn not_negative(word: &[u8], refused: &'static str) -> Result<u64, CommandError> {
    dunlin_stdx::number::parse_i64(word)
        .and_then(|number| u64::try_from(number).ok())
        .ok_or(CommandError::fixed(refused))
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let query = Query::read(args)?;
    let Some(entry) = cx.keyspace.get(cx.db, args.get(1)) else {
        match query.count {
            None => cx.reply.null(),
            Some(_) => cx.reply.array(0),
        }
        return Ok(());
    };
    let list = entry.list().ok_or(CommandError::WrongType)?;
    let (len, wanted) = (list.len(), Wanted::new(args.get(2)));
    let first = match query.from {
        End::Front => 0,
        End::Back => len - 1,
    };
    let most = query.count.unwrap_or(1);
    let header = query.count.map(|_| cx.reply.deferred_array());
    let (mut compared, mut skipped, mut found) = (0, 0, 0);
    list.visit(first, query.from.other(), |element| {
        if wanted.is(element) {
            if skipped < query.skipped {
                skipped += 1;
            } else {
                let index = match query.from {
                    End::Front => compared,
                    End::Back => len as u64 - 1 - compared,
                };
                cx.reply.integer(index as i64);
                found += 1;
            }
        }
        compared += 1;
        if found == most || compared == query.compared_max {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    match header {
        Some(header) => cx.reply.set_array(header, found as usize),
        None if found == 0 => cx.reply.null(),
        None => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn matches_are_numbered_from_the_front_and_met_from_either_end() {
        let mut trial = Trial::new();
        trial.check(&[
            ("LPOS l c", "$-1"),
            ("LPOS l c COUNT 0", "*0"),
            ("RPUSH l a b c 1 2 3 c c", ":8"),
            ("LPOS l c", ":2"),
            ("LPOS l 3", ":5"),
            ("LPOS l x", "$-1"),
            ("LPOS l c RANK 2", ":6"),
            ("LPOS l c RANK -1", ":7"),
            ("LPOS l c RANK 4", "$-1"),
            ("LPOS l c COUNT 0", "*3\r\n:2\r\n:6\r\n:7"),
            ("LPOS l c COUNT 2 RANK -1", "*2\r\n:7\r\n:6"),
            ("LPOS l c COUNT 0 MAXLEN 3", "*1\r\n:2"),
            ("LPOS l c MAXLEN 2", "$-1"),
            ("LPOS l c RANK -1 MAXLEN 1", ":7"),
            ("LPOS l c MAXLEN -1", "-ERR MAXLEN can't be negative"),
            ("LPOS l c COUNT", "-ERR syntax error"),
        ]);
    }
}
