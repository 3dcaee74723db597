//! COMMAND, COMMAND INFO and COMMAND DOCS.

use dunlin_resp::Reply;
use dunlin_spec::describe::{self, Sink};

use crate::args::Args;
use crate::context::Context;
use crate::error::CommandResult;
use crate::table::Registered;

/// Writes a description as a reply.
struct ReplySink<'a>(&'a mut Reply);

impl Sink for ReplySink<'_> {
    fn array(&mut self, len: usize) {
        self.0.array(len);
    }

    fn set(&mut self, len: usize) {
        self.0.set(len);
    }

    fn map(&mut self, len: usize) {
        self.0.map(len);
    }

    fn text(&mut self, text: &str) {
        self.0.bulk(text.as_bytes());
    }

    fn word(&mut self, word: &str) {
        self.0.simple(word);
    }

    fn integer(&mut self, value: i64) {
        self.0.integer(value);
    }
}

/// COMMAND: every command in full.
pub(super) fn info_of_all(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.reply.array(cx.table.named().count());
    for (_, registered) in cx.table.named() {
        write_info(cx.reply, registered);
    }
    Ok(())
}

fn write_info(reply: &mut Reply, registered: Registered) {
    let spec = &registered.command.spec;
    describe::info(spec, &registered.command.listed_subcommands(), &mut ReplySink(reply));
}

/// COMMAND INFO: a null stands for a name that is no command.
pub(super) fn info(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let names = &args.words()[2..];
    if names.is_empty() {
        return info_of_all(cx, args);
    }
    cx.reply.array(names.len());
    for name in names {
        match cx.table.by_full_name(name) {
            Some(registered) => write_info(cx.reply, registered),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

/// COMMAND DOCS: names that are no commands are left out.
pub(super) fn docs(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let names = &args.words()[2..];
    let described: Vec<Registered> = if names.is_empty() {
        cx.table.named().map(|(_, registered)| registered).collect()
    } else {
        names.iter().filter_map(|name| cx.table.by_full_name(name)).collect()
    };
    cx.reply.map(described.len());
    for registered in described {
        let spec = &registered.command.spec;
        cx.reply.bulk(spec.name().as_bytes());
        let subcommands = registered.command.listed_subcommands();
        describe::docs(spec, &subcommands, &mut ReplySink(cx.reply));
    }
    Ok(())
}
