//! What a command is: its spec and its code.

use dunlin_spec::{CommandSpec, Flags};

use crate::args::Args;
use crate::context::Context;
use crate::error::CommandResult;

/// How a command runs.
pub type Run = fn(&mut Context<'_>, Args<'_>) -> CommandResult;

/// A command: what it declares and what it does.
#[derive(Debug)]
pub struct Command {
    /// What it declares.
    pub spec: CommandSpec,
    /// What it does. A container of subcommands is run only if it also works on its own.
    pub run: Run,
    /// Its subcommands, in the order COMMAND shows them.
    pub subcommands: &'static [Command],
}

impl Command {
    /// A command without subcommands.
    #[must_use]
    pub const fn new(spec: CommandSpec, run: Run) -> Self {
        Self { spec, run, subcommands: &[] }
    }

    /// A container of subcommands: it does nothing of its own.
    #[must_use]
    pub const fn container(spec: CommandSpec, subcommands: &'static [Command]) -> Self {
        Self { spec, run: run_nothing, subcommands }
    }

    /// Whether lists of commands show it.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        !self.spec.all_flags().contains(Flags::UNLISTED)
    }

    /// What its subcommands declare that lists of commands show, in their order.
    #[must_use]
    pub fn listed_subcommands(&self) -> Vec<&'static CommandSpec> {
        let listed = self.subcommands.iter().filter(|subcommand| subcommand.is_listed());
        listed.map(|subcommand| &subcommand.spec).collect()
    }
}

/// A container without a subcommand never passes its arity check.
fn run_nothing(_: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    unreachable!("the arity of a container asks for a subcommand")
}
