//! DEBUG's subcommands that show listpacks and lists of them.

use dunlin_config::LogLevel;
use dunlin_values::list::{ListRef, Quicklist};
use dunlin_values::listpack::Listpack;
use dunlin_values::{Encoding, Entry, IntText};

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

/// DEBUG LISTPACK. The log stands in for the terminal, which a server rarely has.
pub(super) fn listpack(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let entry = cx.keyspace.inspect_quietly(cx.db, args.get(2)).ok_or(CommandError::NoSuchKey)?;
    let listpack = entry
        .packed()
        .filter(|_| entry.encoding() == Encoding::Listpack)
        .map(|(_, bytes)| Listpack::new(bytes))
        .ok_or(CommandError::fixed("ERR Not a listpack encoded object."))?;
    let mut log = |line: &str| cx.host.log(LogLevel::Notice, line);
    log(&format!(
        "{{total bytes {}}} {{num entries {}}}",
        listpack.as_bytes().len(),
        listpack.len()
    ));
    for (number, (_, element)) in listpack.iter().enumerate() {
        let mut digits = IntText::default();
        log(&format!("{{index {number}}} {}", element.as_bytes(&mut digits).escape_ascii()));
    }
    cx.reply.simple("Listpack structure printed on stdout");
    Ok(())
}

/// DEBUG QUICKLIST.
pub(super) fn quicklist(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let entry = cx.keyspace.inspect_quietly(cx.db, args.get(2)).ok_or(CommandError::NoSuchKey)?;
    let Some(ListRef::Quick(quicklist)) = entry.list() else {
        return Err(CommandError::fixed("ERR Not a quicklist encoded object."));
    };
    let mut log = |line: &str| cx.host.log(LogLevel::Notice, line);
    log(&format!("{{count {}}} {{nodes {}}}", quicklist.len(), quicklist.nodes()));
    for (number, (count, bytes)) in quicklist.node_sizes().enumerate() {
        log(&format!("{{quicklist node {number}}} {{count {count}}} {{bytes {bytes}}}"));
    }
    cx.reply.simple("Quicklist structure printed on stdout");
    Ok(())
}

/// What DEBUG OBJECT says of a list beyond what it says of any value.
pub(super) fn describe(entry: &Entry) -> String {
    let Some(ListRef::Quick(quicklist)) = entry.list() else { return String::new() };
    format!(
        " ql_nodes:{} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:{} \
         ql_uncompressed_size:{}",
        quicklist.nodes(),
        quicklist.len() as f64 / quicklist.nodes() as f64,
        quicklist.max_listpack_size(),
        u8::from(quicklist.is_compressed()),
        uncompressed_bytes(quicklist),
    )
}

fn uncompressed_bytes(quicklist: &Quicklist) -> usize {
    quicklist.node_sizes().map(|(_, bytes)| bytes).sum()
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_shape_of_a_list_is_shown() {
        let mut trial = Trial::new();
        trial.check(&[
            ("RPUSH l a b c", ":3"),
            ("DEBUG LISTPACK l", "+Listpack structure printed on stdout"),
            ("DEBUG QUICKLIST l", "-ERR Not a quicklist encoded object."),
            ("SET s x", "+OK"),
            ("DEBUG LISTPACK s", "-ERR Not a listpack encoded object."),
        ]);
        assert!(!trial.run("DEBUG OBJECT l").contains("ql_"));
        trial.config.encodings.list_max_listpack_size = 2;
        trial.check(&[
            ("RPUSH l d", ":4"),
            ("DEBUG LISTPACK l", "-ERR Not a listpack encoded object."),
            ("DEBUG QUICKLIST l 1", "+Quicklist structure printed on stdout"),
        ]);
        let shown = trial.run("DEBUG OBJECT l");
        let fields = " ql_nodes:2 ql_avg_node:2.00 ql_listpack_max:2 ql_compressed:0 \
                      ql_uncompressed_size:26\r\n";
        assert!(shown.ends_with(fields), "{shown}");
    }
}
