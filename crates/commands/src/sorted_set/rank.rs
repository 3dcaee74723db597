//! What ZRANK and ZREVRANK share.

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

/// Where ranks begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The lowest score has rank 0.
    Lowest,
    /// The highest score has rank 0.
    Highest,
}

/// Replies the rank of a member, with its score if asked for.
pub(super) fn rank(cx: &mut Context<'_>, args: Args<'_>, from: From) -> CommandResult {
    if args.len() > 4 {
        let name = if from == From::Lowest { "zrank" } else { "zrevrank" };
        return Err(CommandError::WrongArity(name.into()));
    }
    let with_score = args.len() == 4;
    if with_score && !args.is(3, "WITHSCORE") {
        return Err(CommandError::Syntax);
    }
    let found = match cx.keyspace.get(cx.db, args.get(1)) {
        None => None,
        Some(entry) => {
            let set = entry.sorted_set().ok_or(CommandError::WrongType)?;
            set.rank(args.get(2)).map(|(rank, score)| match from {
                From::Lowest => (rank, score),
                From::Highest => (set.len() - 1 - rank, score),
            })
        }
    };
    match found {
        Some((rank, score)) if with_score => {
            cx.reply.array(2);
            cx.reply.integer(rank as i64);
            cx.reply.double(score);
        }
        Some((rank, _)) => cx.reply.integer(rank as i64),
        None if with_score => cx.reply.null_array(),
        None => cx.reply.null(),
    }
    Ok(())
}
