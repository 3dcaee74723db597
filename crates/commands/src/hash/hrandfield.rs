//! `HRANDFIELD key [count [WITHVALUES]]`
//!
//! Replies the name of a random field; with a count those of as many different ones, with a negative
//! count of as many as that, each drawn anew; WITHVALUES replies the values too.
//!
//! Source: Redis documentation, HRANDFIELD.

use dunlin_resp::{Protocol, Reply};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::hash::{FieldRef, HashRef};
use fastrand::Rng;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hash::sample::for_each_distinct;
use crate::hash::{reply_element, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hrandfield", Group::Hash, -2)
    .summary("Returns one or more random fields from a hash.")
    .since("6.2.0")
    .complexity("O(N) where N is the number of fields returned")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::block(
            "options",
            &[Arg::integer("count"), Arg::literal("withvalues", "WITHVALUES").optional()],
        )
        .optional(),
    ]);

/// HRANDFIELD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = if args.len() > 2 { Some(Count::parse(args)?) } else { None };
    let key = args.get(1);
    let now = seen_at(cx, key, &[]);
    let mut rng = Rng::with_seed(cx.keyspace.random());
    let entry = cx.keyspace.get(cx.db, key);
    let hash = match &entry {
        None => None,
        Some(entry) => Some(entry.hash(now).ok_or(CommandError::WrongType)?),
    };
    let hash = hash.filter(|hash| !hash.is_empty());
    match (hash, count) {
        (None, None) => cx.reply.null(),
        (None, Some(_)) | (Some(_), Some(Count { len: 0, .. })) => cx.reply.array(0),
        (Some(hash), None) => {
            if let Some(field) = hash.sample(|| rng.u64(..)) {
                reply_element(cx.reply, field.name);
            }
        }
        (Some(hash), Some(count)) => count.reply(cx.reply, hash, &mut rng),
    }
    Ok(())
}

/// How many fields are wanted.
struct Count {
    len: usize,
    /// Whether the same field may come again.
    repeats: bool,
    with_values: bool,
}

impl Count {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let count = args.integer(2)?;
        if count == i64::MIN {
            return Err(CommandError::fixed(
                "ERR value is out of range, value must between -9223372036854775807 and \
                 9223372036854775807",
            ));
        }
        let with_values = match args.len() {
            3 => false,
            4 if args.is(3, "withvalues") => true,
            _ => return Err(CommandError::Syntax),
        };
        // Twice as many words must be countable.
        if with_values && count.unsigned_abs() > i64::MAX as u64 / 2 {
            return Err(CommandError::fixed("ERR value is out of range"));
        }
        Ok(Self { len: count.unsigned_abs() as usize, repeats: count < 0, with_values })
    }

    fn reply(&self, reply: &mut Reply, hash: HashRef<'_>, rng: &mut Rng) {
        let len = if self.repeats { self.len } else { self.len.min(hash.len()) };
        let words_per_field =
            if self.with_values && reply.protocol == Protocol::Resp2 { 2 } else { 1 };
        reply.array(len * words_per_field);
        if self.repeats || len == 1 {
            self.reply_drawn(reply, hash, len, rng);
        } else if len == hash.len() {
            hash.iter().for_each(|field| self.reply_field(reply, field));
        } else {
            for_each_distinct(hash, len, rng, |field| self.reply_field(reply, field));
        }
    }

    /// Replies `len` random fields, each drawn from all. Stops when nobody will read what follows: a
    /// client can ask for more than memory holds.
    fn reply_drawn(&self, reply: &mut Reply, hash: HashRef<'_>, len: usize, rng: &mut Rng) {
        // A listpack is walked once instead of once for each draw.
        let packed: Vec<FieldRef<'_>> = match hash.table() {
            None if len > 1 => hash.iter().collect(),
            _ => Vec::new(),
        };
        for _ in 0..len {
            let drawn = match packed.as_slice() {
                [] => hash.sample(|| rng.u64(..)),
                fields => rng.choice(fields).copied(),
            };
            match drawn {
                Some(field) if !reply.output.has_overflowed() => self.reply_field(reply, field),
                _ => return,
            }
        }
    }

    fn reply_field(&self, reply: &mut Reply, field: FieldRef<'_>) {
        if self.with_values && reply.protocol == Protocol::Resp3 {
            reply.array(2);
        }
        reply_element(reply, field.name);
        if self.with_values {
            reply_element(reply, field.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn counts_say_how_many_and_whether_again() {
        let out_of_range = "-ERR value is out of range, value must between \
                            -9223372036854775807 and 9223372036854775807";
        let mut trial = Trial::new();
        trial.run("HSET one a 1");
        trial.run("HSET h a 1 b 2 c 3");
        trial.check(&[
            ("HRANDFIELD one", "$1\r\na"),
            ("HRANDFIELD one 1", "*1\r\n$1\r\na"),
            ("HRANDFIELD one 5", "*1\r\n$1\r\na"),
            ("HRANDFIELD one -2", "*2\r\n$1\r\na\r\n$1\r\na"),
            ("HRANDFIELD one 1 WITHVALUES", "*2\r\n$1\r\na\r\n$1\r\n1"),
            ("HRANDFIELD h 0", "*0"),
            ("HRANDFIELD h 9", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc"),
            ("HRANDFIELD nosuch", "$-1"),
            ("HRANDFIELD nosuch 3", "*0"),
            ("HRANDFIELD h x", "-ERR value is not an integer or out of range"),
            ("HRANDFIELD h 1 nosuch", "-ERR syntax error"),
            ("HRANDFIELD h 1 withvalues x", "-ERR syntax error"),
            ("HRANDFIELD h -9223372036854775808", out_of_range),
            ("HRANDFIELD h 4611686018427387904 WITHVALUES", "-ERR value is out of range"),
            ("HRANDFIELD h -4611686018427387904 WITHVALUES", "-ERR value is out of range"),
        ]);
        assert!(trial.run("HRANDFIELD h 2").starts_with("*2\r\n"));
        assert!(trial.run("HRANDFIELD h -1000").starts_with("*1000\r\n"));
        assert!(trial.run("HRANDFIELD h -1000 WITHVALUES").starts_with("*2000\r\n"));
    }
}
