//! `help`

use super::{Manager, Outcome};

const WHERE: &str = "<host:port> or <host> <port> - separated by either colon or space";

/// Subcommands, their arguments and their options, in the order of the list.
const SUBCOMMANDS: [(&str, &str, &[&str]); 13] = [
    ("create", "host1:port1 ... hostN:portN", &["replicas <arg>"]),
    ("check", WHERE, &["search-multiple-owners"]),
    ("info", WHERE, &[]),
    ("fix", WHERE, &["search-multiple-owners", "fix-with-unreachable-masters"]),
    (
        "reshard",
        WHERE,
        &[
            "from <arg>",
            "to <arg>",
            "slots <arg>",
            "yes",
            "timeout <arg>",
            "pipeline <arg>",
            "replace",
        ],
    ),
    (
        "rebalance",
        WHERE,
        &[
            "weight <node1=w1...nodeN=wN>",
            "use-empty-masters",
            "timeout <arg>",
            "simulate",
            "pipeline <arg>",
            "threshold <arg>",
            "replace",
        ],
    ),
    ("add-node", "new_host:new_port existing_host:existing_port", &["slave", "master-id <arg>"]),
    ("del-node", "host:port node_id", &[]),
    ("call", "host:port command arg arg .. arg", &["only-masters", "only-replicas"]),
    ("set-timeout", "host:port milliseconds", &[]),
    (
        "import",
        "host:port",
        &["from <arg>", "from-user <arg>", "from-pass <arg>", "from-askpass", "copy", "replace"],
    ),
    ("backup", "host:port backup_directory", &[]),
    ("help", "", &[]),
];

/// `help`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    manager.console.write(&text());
    Ok(())
}

fn text() -> String {
    let mut text = String::from("Cluster Manager Commands:\n");
    for (name, arguments, options) in SUBCOMMANDS {
        text += &format!("  {name:<15}{arguments}\n");
        for option in options {
            text += &format!("{:17}--cluster-{option}\n", "");
        }
    }
    text += "\nFor check, fix, reshard, del-node, set-timeout, info, rebalance, call, import, backup \
             you can specify the host and port of any working node in the cluster.\n\n\
             Cluster Manager Options:\n";
    text + "  --cluster-yes  Automatic yes to cluster commands prompts\n\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_is_listed() {
        for (name, _, _) in SUBCOMMANDS {
            assert!(super::super::subcommand(name).is_some(), "{name}");
        }
        assert!(text().contains("\n  create         host1:port1 ... hostN:portN\n                 --cluster-replicas <arg>\n"));
    }
}
