//! Which scripts are debugged, and how a session ends.

use super::{Client, Shown, is, print_bytes};
use crate::format::Format;
use crate::options::Debugger;

impl Client {
    /// SCRIPT DEBUG is about the EVALs that follow.
    pub(super) fn note_debugging(&mut self, words: &[Vec<u8>]) {
        if words.len() == 3 && is(words, 0, "script") && is(words, 1, "debug") {
            self.armed = if is(words, 2, "yes") {
                Some(Debugger::Forked)
            } else {
                is(words, 2, "sync").then_some(Debugger::Sync)
            };
        }
        if is(words, 0, "eval") && self.armed.is_some() {
            self.debugging = self.armed;
            self.options.output.format = Format::Raw;
        }
    }

    /// Shows the reply of a script whose debugging has just ended; whether there is one.
    pub(crate) fn finish_debugging(&mut self) -> bool {
        let Some(debugger) = self.ended.take() else { return false };
        let _ = self.read_reply(Shown::AsReply);
        let changes = match debugger {
            Debugger::Forked => " -- dataset changes rolled back",
            Debugger::Sync => "",
        };
        print_bytes(format!("\n(Lua debugging session ended{changes})\n\n").as_bytes());
        true
    }

    /// Whether there is a script to debug again.
    pub(crate) fn restart_debugging(&mut self) -> bool {
        let Some(eval) = &self.options.eval else { return false };
        self.debugging = Some(eval.debug.unwrap_or(Debugger::Forked));
        self.options.output.format = Format::Raw;
        true
    }
}
