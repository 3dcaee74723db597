//! The publish/subscribe commands.

use crate::command::Command;

mod psubscribe;
mod publish;
#[expect(clippy::module_inception, reason = "a file bears its command's name")]
mod pubsub;
mod punsubscribe;
mod spublish;
mod ssubscribe;
mod subscribe;
mod subscription;
mod sunsubscribe;
mod unsubscribe;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[
    psubscribe::COMMAND,
    publish::COMMAND,
    pubsub::COMMAND,
    punsubscribe::COMMAND,
    spublish::COMMAND,
    ssubscribe::COMMAND,
    subscribe::COMMAND,
    sunsubscribe::COMMAND,
    unsubscribe::COMMAND,
];
