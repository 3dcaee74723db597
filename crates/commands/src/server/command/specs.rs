//! What COMMAND and its subcommands declare.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

pub(super) const SPEC: CommandSpec = CommandSpec::new("command", Group::Server, -1)
    .summary("Returns detailed information about all commands.")
    .since("2.8.13")
    .complexity("O(N) where N is the total number of Redis commands")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .tips(&["nondeterministic_output_order"]);

pub(super) const COUNT_SPEC: CommandSpec = CommandSpec::new("command|count", Group::Server, 2)
    .summary("Returns a count of commands.")
    .since("2.8.13")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION]);

pub(super) const DOCS_SPEC: CommandSpec = CommandSpec::new("command|docs", Group::Server, -2)
    .summary("Returns documentary information about one, multiple or all commands.")
    .since("7.0.0")
    .complexity("O(N) where N is the number of commands to look up")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::string("command-name").optional().multiple()]);

pub(super) const GETKEYS_SPEC: CommandSpec = CommandSpec::new("command|getkeys", Group::Server, -3)
    .summary("Extracts the key names from an arbitrary command.")
    .since("2.8.13")
    .complexity("O(N) where N is the number of arguments to the command")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .args(&[Arg::string("command"), Arg::string("arg").optional().multiple()]);

pub(super) const GETKEYSANDFLAGS_SPEC: CommandSpec =
    CommandSpec::new("command|getkeysandflags", Group::Server, -3)
        .summary("Extracts the key names and access flags for an arbitrary command.")
        .since("7.0.0")
        .complexity("O(N) where N is the number of arguments to the command")
        .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
        .categories(&[Categories::CONNECTION])
        .args(&[Arg::string("command"), Arg::string("arg").optional().multiple()]);

pub(super) const HELP_SPEC: CommandSpec = CommandSpec::new("command|help", Group::Server, 2)
    .summary("Returns helpful text about the different subcommands.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION]);

pub(super) const INFO_SPEC: CommandSpec = CommandSpec::new("command|info", Group::Server, -2)
    .summary("Returns information about one, multiple or all commands.")
    .since("2.8.13")
    .complexity("O(N) where N is the number of commands to look up")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .tips(&["nondeterministic_output_order"])
    .history(&[("7.0.0", "Allowed to be called with no argument to get info on all commands.")])
    .args(&[Arg::string("command-name").optional().multiple()]);

pub(super) const LIST_SPEC: CommandSpec = CommandSpec::new("command|list", Group::Server, -2)
    .summary("Returns a list of command names.")
    .since("7.0.0")
    .complexity("O(N) where N is the total number of Redis commands")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::one_of(
        "filterby",
        &[
            Arg::string("module-name").token("MODULE"),
            Arg::string("category").token("ACLCAT"),
            Arg::pattern("pattern").token("PATTERN"),
        ],
    )
    .token("FILTERBY")
    .optional()]);
