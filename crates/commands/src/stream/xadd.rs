//! `XADD key [NOMKSTREAM] [<MAXLEN|MINID> [=|~] threshold [LIMIT count]] <*|id> field value [field value ...]`
//!
//! Adds an entry, then removes old ones if asked to; replies the ID of the new one. Propagated with
//! that ID, and with an exact threshold instead of an approximate one.
//!
//! Source: Redis documentation, XADD.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::NewValue;
use dunlin_values::stream::{IdText, NewId, NodeLimits, Refusal, Stream, StreamId};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::stream::stream_of;
use crate::stream::trim_options::{ExactTrim, Owner, TrimOptions, TrimWords, node_limits};

const SPEC: CommandSpec = CommandSpec::new("xadd", Group::Stream, -5)
    .summary("Appends a new message to a stream. Creates the key if it doesn't exist.")
    .since("5.0.0")
    .complexity(
        "O(1) when adding a new entry, O(N) when trimming where N being the number of entries \
         evicted.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])
        .notes("UPDATE instead of INSERT because of the optional trimming feature")])
    .tips(&["nondeterministic_output"])
    .history(&[
        (
            "6.2.0",
            "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option.",
        ),
        ("7.0.0", "Added support for the `<ms>-*` explicit ID form."),
    ])
    .args(&[
        Arg::key("key", 0),
        Arg::literal("nomkstream", "NOMKSTREAM").optional().since("6.2.0"),
        Arg::block(
            "trim",
            &[
                Arg::one_of(
                    "strategy",
                    &[
                        Arg::literal("maxlen", "MAXLEN"),
                        Arg::literal("minid", "MINID").since("6.2.0"),
                    ],
                ),
                Arg::one_of(
                    "operator",
                    &[Arg::literal("equal", "="), Arg::literal("approximately", "~")],
                )
                .optional(),
                Arg::string("threshold"),
                Arg::integer("count").token("LIMIT").optional().since("6.2.0"),
            ],
        )
        .optional(),
        Arg::one_of("id-selector", &[Arg::literal("auto-id", "*"), Arg::string("id")]),
        Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple(),
    ]);

/// XADD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.get(1);
    let options = TrimOptions::parse(cx, args, Owner::Xadd)?;
    let wrong_arity = || CommandError::WrongArity("xadd".into());
    let (wanted, id_at) = options.id.ok_or_else(wrong_arity)?;
    let pairs = &args.words()[id_at + 1..];
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return Err(wrong_arity());
    }
    if wanted == NewId::Exactly(StreamId::MIN) {
        return Err(CommandError::fixed("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let now_ms = u64::try_from(cx.now.unix_ms().0).unwrap_or(0);
    let (limits, trim) = (node_limits(cx.config), options.trim);
    let added = match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(_) if options.only_existing => {
            cx.reply.null();
            return Ok(());
        }
        Slot::Vacant(slot) => {
            let mut stream = Stream::default();
            let id = stream.log.next_id(wanted, now_ms).map_err(refused)?;
            let added = add(&mut stream, id, pairs, limits, trim)?;
            slot.insert(NewValue::from(stream), None);
            added
        }
        Slot::Occupied(mut slot) => {
            let id = stream_of(&slot)?.log.next_id(wanted, now_ms).map_err(refused)?;
            let stream = slot.value_mut().into_stream().ok_or(CommandError::WrongType)?;
            add(stream, id, pairs, limits, trim)?
        }
    };
    cx.changed(KeyEventClass::STREAM, "xadd", key);
    if added.trimmed > 0 {
        cx.notify(KeyEventClass::STREAM, "xtrim", cx.db, key);
    }
    let mut text = IdText::default();
    let text = added.id.format(&mut text);
    cx.reply.bulk(text);
    match added.exact_trim {
        Some(exact) => {
            let [operator, threshold] = exact.words();
            cx.effects.rewrite_some(args.words(), &[operator, threshold, (id_at, text)]);
        }
        None if matches!(wanted, NewId::Exactly(_)) => {}
        None => cx.effects.rewrite_some(args.words(), &[(id_at, text)]),
    }
    Ok(())
}

/// What was done.
struct Added {
    id: StreamId,
    trimmed: u64,
    exact_trim: Option<ExactTrim>,
}

fn add(
    stream: &mut Stream,
    id: StreamId,
    pairs: &[&[u8]],
    limits: NodeLimits,
    trim: Option<TrimWords>,
) -> Result<Added, CommandError> {
    stream.log.add(id, pairs, limits).map_err(refused)?;
    let trimmed = trim.map_or(0, |words| stream.log.trim(&words.trim));
    let exact_trim = trim.and_then(|words| words.exact(&stream.log));
    Ok(Added { id, trimmed, exact_trim })
}

const fn refused(refusal: Refusal) -> CommandError {
    CommandError::fixed(match refusal {
        Refusal::Exhausted => {
            "ERR The stream has exhausted the last possible ID, unable to add more items"
        }
        Refusal::NotBehindLast => {
            "ERR The ID specified in XADD is equal or smaller than the target stream top item"
        }
        Refusal::TooLarge => "ERR Elements are too large to be stored",
    })
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn ids_are_given() {
        let mut trial = Trial::of_client();
        trial.at_ms(1000);
        trial.check(&[
            ("XADD s * f v", "$6\r\n1000-0"),
            ("XADD s * f v", "$6\r\n1000-1"),
            ("XADD s 1000-* f v", "$6\r\n1000-2"),
            ("XADD s 2000-7 f v", "$6\r\n2000-7"),
            ("XADD s * f v", "$6\r\n2000-8"),
            ("XADD none NOMKSTREAM * f v", "$-1"),
            ("XLEN s", ":5"),
        ]);
        assert_eq!(
            trial.propagated(),
            [
                "XADD s 1000-0 f v",
                "XADD s 1000-1 f v",
                "XADD s 1000-2 f v",
                "XADD s 2000-7 f v",
                "XADD s 2000-8 f v"
            ]
        );
        assert_eq!(trial.events(), ["xadd s"; 5]);
    }

    #[test]
    fn approximate_trims_are_propagated_as_exact_ones() {
        let mut trial = Trial::of_client();
        trial.run("CONFIG SET stream-node-max-entries 2");
        for _ in 0..5 {
            trial.run("XADD s * f v");
        }
        trial.forget();
        trial.run("XADD s MAXLEN ~ 1 LIMIT 3 * f v");
        trial.run("XADD s MINID ~ 1000-5 * f v");
        trial.run("XADD s MAXLEN = 1 3000-1 f v");
        assert_eq!(
            trial.propagated(),
            [
                "XADD s MAXLEN = 4 LIMIT 3 1000-5 f v",
                "XADD s MINID = 1000-4 1000-6 f v",
                "XADD s MAXLEN = 1 3000-1 f v"
            ]
        );
        let events = ["xadd s", "xtrim s", "xadd s", "xtrim s", "xadd s", "xtrim s"];
        assert_eq!(trial.events(), events);
    }

    #[test]
    fn a_stream_that_is_followed_may_say_limit_of_an_exact_trim() {
        let mut trial = Trial::new();
        trial.check(&[
            ("XADD s MAXLEN = 1 LIMIT 5 1-1 f v", "$3\r\n1-1"),
            ("XADD s MAXLEN = 1 LIMIT 5 1-2 f v", "$3\r\n1-2"),
            ("XLEN s", ":1"),
        ]);
    }
}
