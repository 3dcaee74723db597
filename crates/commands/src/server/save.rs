//! `SAVE`
//!
//! Writes the whole data set to the snapshot file while everybody waits.
//!
//! Source: Redis documentation, SAVE; texts checked against a 7.2.6 server.

use dunlin_persistence::Merge;
use dunlin_spec::{CommandSpec, Flags, Group};

use super::bgsave::ALREADY_SAVING;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("save", Group::Server, 1)
    .summary("Synchronously saves the database(s) to disk.")
    .since("1.0.0")
    .complexity("O(N) where N is the total number of keys in all databases")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::NO_ASYNC_LOADING, Flags::NO_MULTI]);

/// SAVE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// What is said of a file that could not be written; the log says more.
pub(super) const FAILED: CommandError = CommandError::fixed("ERR");

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    if cx.persistence.is_saving() {
        return Err(ALREADY_SAVING);
    }
    if !cx.save() {
        return Err(FAILED);
    }
    cx.reply.ok();
    Ok(())
}

impl Context<'_> {
    /// Writes the snapshot file; whether that went well.
    pub(crate) fn save(&mut self) -> bool {
        self.note_position();
        let saved = self.persistence.save(self.keyspace, self.config, self.now);
        if saved {
            self.metrics.counters.changes_since_save = 0;
        }
        self.write_journal();
        saved
    }

    /// Reads the snapshot file into the keyspace; whether that went well.
    pub(crate) fn load_snapshot(&mut self, merge: Merge) -> bool {
        let loaded = self.persistence.load_snapshot(self.keyspace, self.config, merge, self.now);
        self.write_journal();
        loaded
    }

    /// Writes to the log what persistence has to say.
    pub(crate) fn write_journal(&mut self) {
        for (level, line) in self.persistence.take_journal() {
            self.host.log(level, &line);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn without_a_disk_nothing_is_saved() {
        let mut trial = Trial::new();
        trial.run("SET k v");
        trial.check(&[("SAVE", "-ERR"), ("BGSAVE", "-ERR"), ("LASTSAVE", ":0")]);
    }
}
