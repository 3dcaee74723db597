//! `SRANDMEMBER key [count]`
//!
//! Replies a random member; with a count as many different ones, with a negative count as many as that,
//! each drawn anew.
//!
//! Source: Redis documentation, SRANDMEMBER.

use dunlin_resp::Reply;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::listpack::Element;
use dunlin_values::set::SetRef;
use fastrand::Rng;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::set::sample::for_each_distinct;
use crate::set::{reply_member, reply_members};

const SPEC: CommandSpec = CommandSpec::new("srandmember", Group::Set, -2)
    .summary("Get one or multiple random members from a set")
    .since("1.0.0")
    .complexity(
        "Without the count argument O(1), otherwise O(N) where N is the absolute value of the \
         passed count.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .history(&[("2.6.0", "Added the optional `count` argument.")])
    .args(&[Arg::key("key", 0), Arg::integer("count").optional().since("2.6.0")]);

/// SRANDMEMBER's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = match args.len() {
        2 => None,
        3 => Some(parse_count(args)?),
        _ => return Err(CommandError::Syntax),
    };
    let mut rng = Rng::with_seed(cx.keyspace.random());
    let entry = cx.keyspace.get(cx.db, args.get(1));
    let set = match &entry {
        None => None,
        Some(entry) => Some(entry.set().ok_or(CommandError::WrongType)?),
    };
    match (set, count) {
        (None, None) => cx.reply.null(),
        (None, Some(_)) | (Some(_), Some(Count { len: 0, .. })) => cx.reply.array(0),
        (Some(set), None) => reply_drawn(cx.reply, set, 1, &mut rng),
        (Some(set), Some(Count { len, repeats })) => {
            cx.reply.array(if repeats { len } else { len.min(set.len()) });
            if repeats || len == 1 {
                reply_drawn(cx.reply, set, len, &mut rng);
            } else if len >= set.len() {
                reply_members(cx.reply, set.iter());
            } else {
                for_each_distinct(set, len, &mut rng, |member| reply_member(cx.reply, member));
            }
        }
    }
    Ok(())
}

/// How many members are wanted.
struct Count {
    len: usize,
    /// Whether the same member may come again.
    repeats: bool,
}

fn parse_count(args: Args<'_>) -> Result<Count, CommandError> {
    let count = args.integer(2)?;
    if count == i64::MIN {
        return Err(CommandError::fixed(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        ));
    }
    Ok(Count { len: count.unsigned_abs() as usize, repeats: count < 0 })
}

/// Replies `len` random members, each drawn from all. Stops when nobody will read what follows: a
/// client can ask for more than memory holds.
fn reply_drawn(reply: &mut Reply, set: SetRef<'_>, len: usize, rng: &mut Rng) {
    // A listpack is walked once instead of once for each draw.
    let packed: Vec<Element<'_>> = match set {
        SetRef::Packed(list) if len > 1 => list.iter().map(|(_, member)| member).collect(),
        _ => Vec::new(),
    };
    for _ in 0..len {
        let drawn = match packed.as_slice() {
            [] => set.sample(rng.u64(..)),
            members => rng.choice(members).copied(),
        };
        match drawn {
            Some(member) if !reply.output.has_overflowed() => reply_member(reply, member),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn counts_say_how_many_and_whether_again() {
        let mut trial = Trial::new();
        trial.run("SADD one a");
        trial.run("SADD s a b c");
        trial.check(&[
            ("SRANDMEMBER one", "$1\r\na"),
            ("SRANDMEMBER one 1", "*1\r\n$1\r\na"),
            ("SRANDMEMBER one -2", "*2\r\n$1\r\na\r\n$1\r\na"),
            ("SRANDMEMBER s 9", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc"),
            ("SRANDMEMBER s 0", "*0"),
            ("SRANDMEMBER nosuch", "$-1"),
            ("SRANDMEMBER nosuch 3", "*0"),
            ("SRANDMEMBER s 1 2", "-ERR syntax error"),
            ("SRANDMEMBER s x", "-ERR value is not an integer or out of range"),
            (
                "SRANDMEMBER s -9223372036854775808",
                "-ERR value is out of range, value must between -9223372036854775807 and \
                 9223372036854775807",
            ),
        ]);
        assert!(trial.run("SRANDMEMBER s 2").starts_with("*2\r\n"));
        assert!(trial.run("SRANDMEMBER s -1000").starts_with("*1000\r\n"));
    }
}
