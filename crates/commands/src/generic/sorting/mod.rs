//! What SORT and SORT_RO have in common.

mod pattern;
mod query;
mod rows;

use std::ops::Range;

use dunlin_values::StringRef;
use dunlin_values::list::{End, ListBuilder};

use self::pattern::Pattern;
pub(super) use self::query::Access;
use self::query::{Comparison, Query};
use self::rows::{Rows, Texts, Ties, Weights, number};
use crate::args::Args;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::list::list_limits;
use crate::string::reply_string;

const NO_NUMBER: CommandError =
    CommandError::fixed("ERR One or more scores can't be converted into double");

/// SORT and SORT_RO.
pub(super) fn sort(cx: &mut Context<'_>, args: Args<'_>, access: Access) -> CommandResult {
    let mut query = Query::read(args, access, cx.config.cluster.cluster_enabled)?;
    let Gathered { rows, window, ties } = gather(cx, args.get(1), &mut query)?;
    let chosen = if query.unsorted {
        rows.rows().skip(window.start).take(window.len()).collect()
    } else {
        let weights = weigh(cx, &rows, &query)?;
        rows.sorted(&weights, ties, query.descending, window)
    };
    match query.store {
        None => reply(cx, &rows, &chosen, &query.get),
        Some(key) => store(cx, key, &rows, &chosen, &query.get),
    }
    Ok(())
}

/// The elements of a collection.
struct Gathered {
    rows: Rows,
    /// Which of them are replied, in the order that was asked for.
    window: Range<usize>,
    ties: Ties,
}

/// Copies the elements: all of them, or, where they keep their order, those that are replied.
fn gather(
    cx: &mut Context<'_>,
    key: &[u8],
    query: &mut Query<'_>,
) -> Result<Gathered, CommandError> {
    let (mut rows, mut ties) = (Rows::default(), Ties::AsHeld);
    let Some(entry) = cx.keyspace.get(cx.db, key) else {
        return Ok(Gathered { rows, window: 0..0, ties });
    };
    let len;
    if let Some(list) = entry.list() {
        len = list.len();
        if query.unsorted {
            let window = query.window(len);
            let (first, towards) = match query.descending {
                false => (window.start, End::Back),
                true => (len.saturating_sub(window.start + 1), End::Front),
            };
            list.visit_range(first, window.len(), towards, |element| rows.push(element));
            return Ok(Gathered { window: 0..rows.len(), rows, ties });
        }
        list.for_each(|element| rows.push(element));
    } else if let Some(set) = entry.set() {
        len = set.len();
        if query.unsorted && query.store.is_some() {
            // In the order in which a set is held nobody could repeat the command.
            (query.unsorted, query.comparison, query.by) = (false, Comparison::Texts, None);
        }
        ties = Ties::ByElement;
        set.iter().for_each(|member| rows.push(member.into()));
    } else if let Some(set) = entry.sorted_set() {
        len = set.len();
        if query.unsorted {
            let Range { start, end } = query.window(len);
            let members = match query.descending {
                false => set.range(start..end),
                true => set.range_backwards(len - end..len - start),
            };
            members.for_each(|(member, _)| rows.push(member.into()));
            return Ok(Gathered { window: 0..rows.len(), rows, ties });
        }
        set.iter().for_each(|(member, _)| rows.push(member.into()));
    } else {
        return Err(CommandError::WrongType);
    }
    Ok(Gathered { rows, window: query.window(len), ties })
}

/// What the rows are compared by.
///
/// # Errors
/// That a weight is no number.
fn weigh(cx: &mut Context<'_>, rows: &Rows, query: &Query<'_>) -> Result<Weights, CommandError> {
    // What is stored must not depend on the locale, so it is compared byte by byte.
    let as_in_c = query.store.is_none();
    let Some(by) = query.by else {
        return Ok(match query.comparison {
            Comparison::Texts if as_in_c => Weights::Elements,
            Comparison::Texts => Weights::ElementBytes,
            Comparison::Numbers => Weights::Numbers(
                rows.rows()
                    .map(|row| number(StringRef::Bytes(rows.get(row))).ok_or(NO_NUMBER))
                    .collect::<Result<_, _>>()?,
            ),
        });
    };
    match query.comparison {
        Comparison::Texts => {
            let mut texts = Texts::new(as_in_c);
            for row in rows.rows() {
                let found =
                    by.value(cx.keyspace, cx.db, rows.get(row), |text| texts.push(Some(text)));
                if found.is_none() {
                    texts.push(None);
                }
            }
            Ok(Weights::Texts(texts))
        }
        Comparison::Numbers => {
            let mut weight = |row| match by.value(cx.keyspace, cx.db, rows.get(row), number) {
                None => Ok(0.0),
                Some(weight) => weight.ok_or(NO_NUMBER),
            };
            Ok(Weights::Numbers(rows.rows().map(&mut weight).collect::<Result<_, _>>()?))
        }
    }
}

fn reply(cx: &mut Context<'_>, rows: &Rows, chosen: &[u32], get: &[Pattern<'_>]) {
    cx.reply.array(chosen.len() * get.len().max(1));
    rows.visit(chosen, |element| {
        if get.is_empty() {
            cx.reply.bulk(element);
        }
        for pattern in get {
            let replied =
                pattern.value(cx.keyspace, cx.db, element, |value| reply_string(cx.reply, value));
            if replied.is_none() {
                cx.reply.null();
            }
        }
    });
}

fn store(cx: &mut Context<'_>, key: &[u8], rows: &Rows, chosen: &[u32], get: &[Pattern<'_>]) {
    let mut list = ListBuilder::new(list_limits(cx));
    rows.visit(chosen, |element| {
        if get.is_empty() {
            list.push(StringRef::Bytes(element));
        }
        for pattern in get {
            let found = pattern.value(cx.keyspace, cx.db, element, |value| list.push(value));
            if found.is_none() {
                list.push(StringRef::Bytes(b""));
            }
        }
    });
    let len = list.len();
    if len > 0 {
        list.finish().put(|value| cx.keyspace.slot(cx.db, key).set(value, None));
        cx.effects.changed(len as u64);
        cx.notify(KeyEventClass::LIST, "sortstore", cx.db, key);
    } else if cx.keyspace.delete(cx.db, key, cx.config.memory.lazyfree_lazy_server_del) {
        cx.changed(KeyEventClass::GENERIC, "del", key);
    }
    cx.reply.integer(len as i64);
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn what_is_stored_is_told_and_repeated() {
        let mut trial = Trial::new();
        trial.check(&[
            ("RPUSH l 3 1 2", ":3"),
            ("SET d x EX 100", "+OK"),
            ("SORT l", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3"),
            ("SORT_RO l LIMIT 0 1 DESC", "*1\r\n$1\r\n3"),
            ("SORT l STORE d", ":3"),
            ("TTL d", ":-1"),
            ("SORT l LIMIT 3 1 STORE d", ":0"),
            ("SORT l LIMIT 3 1 STORE d", ":0"),
            ("SORT_RO l STORE d", "-ERR syntax error"),
        ]);
        assert_eq!(trial.events()[3..], ["sortstore d", "del d"]);
        assert_eq!(trial.propagated()[2..], ["SORT l STORE d", "SORT l LIMIT 3 1 STORE d"],);
    }

    #[test]
    fn other_nodes_are_not_asked_for_weights() {
        let mut trial = Trial::new();
        trial.config.cluster.cluster_enabled = true;
        trial.check(&[
            ("SORT l BY w_*", "-ERR BY option of SORT denied in Cluster mode."),
            ("SORT l GET #", "-ERR GET option of SORT denied in Cluster mode."),
            ("SORT l BY nosort", "*0"),
        ]);
    }
}
