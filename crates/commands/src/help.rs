//! The HELP subcommand of containers.

use dunlin_resp::Reply;

/// Writes what `NAME HELP` answers: a heading, the lines of the container, and HELP itself.
pub(crate) fn reply_help(reply: &mut Reply, name: &str, lines: &[&str]) {
    let heading = format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    reply.array(lines.len() + 3);
    reply.simple(&heading);
    for line in lines.iter().chain(&["HELP", "    Print this help."]) {
        reply.simple(line);
    }
}
