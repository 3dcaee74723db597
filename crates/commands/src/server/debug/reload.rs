//! DEBUG's subcommands that read the data set back from disk.
//!
//! - `DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE]`: writes the snapshot file and reads it back.
//! - `DEBUG LOADAOF`: brings the append-only file to disk and reads it back.

use dunlin_persistence::{Merge, Wish};

use crate::args::Args;
use crate::context::{Caller, Context};
use crate::error::{CommandError, CommandResult};

pub(super) fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (mut saves, mut flushes, mut merge) = (true, true, Merge::Refuse);
    for at in 2..args.len() {
        if args.is(at, "nosave") {
            saves = false;
        } else if args.is(at, "noflush") {
            flushes = false;
        } else if args.is(at, "merge") {
            merge = Merge::Replace;
        } else {
            return Err(CommandError::fixed(
                "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
            ));
        }
    }
    if saves && !cx.save() {
        return Err(CommandError::fixed("ERR"));
    }
    if flushes {
        (0..cx.keyspace.databases()).for_each(|db| {
            cx.keyspace.flush(db, false);
        });
    }
    if !cx.load_snapshot(merge) {
        return Err(CommandError::fixed(
            "ERR Error trying to load the RDB dump, check server logs.",
        ));
    }
    cx.host.log_notice("DB reloaded by DEBUG RELOAD");
    cx.reply.ok();
    Ok(())
}

/// The engine does it when this command has ended, and replies: the log is replayed as commands.
pub(super) fn load_log(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    if matches!(cx.caller, Caller::Transaction(_)) {
        return Err(CommandError::fixed("ERR DEBUG LOADAOF cannot be part of a transaction"));
    }
    cx.persistence.wish(Wish::LoadLog);
    Ok(())
}
