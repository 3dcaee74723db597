//! The command line of redis-trib: subcommand, options, arguments, in this order.

use crate::cluster::Arity;
use crate::number::{leading_decimal, leading_integer};
use crate::options::ClusterCommand;

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flag,
    Value,
    /// A value without which the subcommand does not run.
    Required,
}

/// A subcommand, in the order of the help.
pub(super) struct Subcommand {
    pub(super) name: &'static str,
    pub(super) arguments: &'static str,
    arity: Arity,
    pub(super) options: &'static [(&'static str, Kind)],
}

const fn subcommand(
    name: &'static str,
    arguments: &'static str,
    arity: Arity,
    options: &'static [(&'static str, Kind)],
) -> Subcommand {
    Subcommand { name, arguments, arity, options }
}

use Arity::{AtLeast, Exactly};
use Kind::{Flag, Required, Value};

pub(super) static SUBCOMMANDS: [Subcommand; 12] = [
    subcommand("create", "host1:port1 ... hostN:portN", AtLeast(1), &[("replicas", Value)]),
    subcommand("check", "host:port", Exactly(1), &[]),
    subcommand("info", "host:port", Exactly(1), &[]),
    subcommand("fix", "host:port", Exactly(1), &[("timeout", Value)]),
    subcommand(
        "reshard",
        "host:port",
        Exactly(1),
        &[
            ("from", Value),
            ("to", Value),
            ("slots", Value),
            ("yes", Flag),
            ("timeout", Value),
            ("pipeline", Value),
        ],
    ),
    subcommand(
        "rebalance",
        "host:port",
        AtLeast(1),
        &[
            ("weight", Value),
            ("auto-weights", Flag),
            ("use-empty-masters", Flag),
            ("timeout", Value),
            ("simulate", Flag),
            ("pipeline", Value),
            ("threshold", Value),
        ],
    ),
    subcommand(
        "add-node",
        "new_host:new_port existing_host:existing_port",
        Exactly(2),
        &[("slave", Flag), ("master-id", Value)],
    ),
    subcommand("del-node", "host:port node_id", Exactly(2), &[]),
    subcommand("set-timeout", "host:port milliseconds", Exactly(2), &[]),
    subcommand("call", "host:port command arg arg .. arg", AtLeast(2), &[]),
    subcommand(
        "import",
        "host:port",
        Exactly(1),
        &[("from", Required), ("copy", Flag), ("replace", Flag)],
    ),
    subcommand("help", "(show this help)", Exactly(0), &[]),
];

/// What a command line asks for.
#[derive(Debug, PartialEq)]
pub(super) struct Parsed {
    pub(super) command: ClusterCommand,
    pub(super) is_verbose: bool,
}

/// Reads the command line, whose first word is the subcommand `name` in any case.
///
/// # Errors
/// What is wrong, in redis-trib's words.
pub(super) fn parse(name: &str, words: &[Vec<u8>]) -> Result<Parsed, String> {
    let Some(subcommand) = SUBCOMMANDS.iter().find(|subcommand| subcommand.name == name) else {
        let word = String::from_utf8_lossy(&words[0]);
        return Err(format!("Unknown redis-trib subcommand '{word}'"));
    };
    let mut command = ClusterCommand { name: name.to_owned(), ..ClusterCommand::default() };
    let mut is_verbose = false;
    let mut at = 1;
    while let Some(option) = words.get(at).and_then(|word| word.strip_prefix(b"--")) {
        let option = String::from_utf8_lossy(option).into_owned();
        at += 1;
        match subcommand.options.iter().find(|(known, _)| *known == option) {
            Some((_, Flag)) => take_flag(&mut command, &option),
            Some((_, Value | Required)) => {
                let value = words.get(at).map(Vec::as_slice);
                let value = value.ok_or_else(|| format!("Option '--{option}' needs a value"))?;
                take_value(&mut command, &option, value);
                at += 1;
            }
            None if option == "verbose" => is_verbose = true,
            None if option == "dry-run" => command.dry_run = true,
            None => return Err(format!("Unknown option '{option}' for command '{name}'")),
        }
    }
    if name == "import" && command.from.is_none() {
        return Err("Option '--from' is required for subcommand 'import'".to_owned());
    }
    command.arguments = words[at..].to_vec();
    if !subcommand.arity.allows(command.arguments.len()) {
        return Err("[ERR] Wrong number of arguments for specified sub command".to_owned());
    }
    Ok(Parsed { command, is_verbose })
}

fn take_flag(command: &mut ClusterCommand, option: &str) {
    match option {
        "yes" => command.yes = true,
        "use-empty-masters" => command.use_empty_primaries = true,
        "simulate" => command.simulate = true,
        "slave" => command.as_replica = true,
        "copy" => command.copy = true,
        "replace" => command.replace = true,
        // `auto-weights` never had an effect.
        _ => {}
    }
}

fn take_value(command: &mut ClusterCommand, option: &str, value: &[u8]) {
    let text = String::from_utf8_lossy(value).into_owned();
    match option {
        "replicas" => command.replicas = leading_integer(value),
        "timeout" => command.timeout_ms = leading_integer(value),
        "from" => command.from = Some(text),
        "to" => command.to = Some(text),
        "slots" => command.slots = leading_integer(value),
        "pipeline" => command.pipeline = Some(leading_integer(value)),
        "threshold" => command.threshold = leading_decimal(value),
        "master-id" => command.primary_id = Some(text),
        "weight" => command.weights.get_or_insert_default().push(text),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Parsed, String> {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        parse(&line.split(' ').next().unwrap_or_default().to_ascii_lowercase(), &words)
    }

    #[test]
    fn options_come_first() {
        let line = "reshard --from a --to b --slots 7 --yes --timeout 5 --pipeline 3 h:1";
        let command = parsed(line).expect("a command").command;
        assert_eq!((command.from.as_deref(), command.to.as_deref()), (Some("a"), Some("b")));
        assert_eq!((command.slots, command.yes), (7, true));
        assert_eq!((command.timeout_ms, command.pipeline), (5, Some(3)));
        let line = "rebalance --weight a=1 --weight b=2 --auto-weights --verbose h:1";
        let parsed_line = parsed(line).expect("a command");
        assert!(parsed_line.is_verbose);
        assert_eq!(parsed_line.command.weights.expect("weights"), ["a=1", "b=2"]);
        let command = parsed("CREATE --replicas 1 h:1 h:2").expect("a command").command;
        assert_eq!((command.replicas, command.arguments.len()), (1, 2));
        let command = parsed("call h:1 config get --x").expect("a command").command;
        assert_eq!(command.arguments.len(), 4);
    }

    #[test]
    fn what_is_refused() {
        for (line, text) in [
            ("nope h:1", "Unknown redis-trib subcommand 'nope'"),
            ("check --x h:1", "Unknown option 'x' for command 'check'"),
            ("check", "[ERR] Wrong number of arguments for specified sub command"),
            ("check h:1 --x", "[ERR] Wrong number of arguments for specified sub command"),
            ("import h:1", "Option '--from' is required for subcommand 'import'"),
            ("create --replicas", "Option '--replicas' needs a value"),
        ] {
            assert_eq!(parsed(line), Err(text.to_owned()), "{line}");
        }
        assert!(parsed("help").is_ok());
    }
}
