//! Commands on strings.

use dunlin_resp::Reply;
use dunlin_values::{INLINE_MAX, NewValue, StringRef};

use crate::args::Args;
use crate::table::Command;

mod get;
mod set;

/// The group's part of the command table.
pub const COMMANDS: &[Command] = &[get::COMMAND, set::COMMAND];

/// Replies a string as it is held; a large one is shared, not copied.
fn reply_string(reply: &mut Reply, string: StringRef<'_>) {
    match string {
        StringRef::Int(number) => reply.bulk_integer(number),
        StringRef::Bytes(bytes) => reply.bulk(bytes),
        StringRef::Shared(bytes) => reply.bulk_shared(bytes),
    }
}

/// The word at `index` as a value: shared if it arrived as a large argument, else copied.
fn new_string<'a>(args: Args<'a>, index: usize) -> NewValue<'a> {
    match args.shared(index) {
        Some(bytes) if bytes.len() > INLINE_MAX => NewValue::shared(bytes.clone()),
        _ => NewValue::string(args.get(index)),
    }
}
