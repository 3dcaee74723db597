//! What is still to be done.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::action::{Action, Line, LinkId, Severity};

/// What is still to be done: messages apart from the rest, because they wait for what has to be saved
/// before them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    actions: VecDeque<Action>,
    messages: VecDeque<(LinkId, Bytes)>,
}

impl Outbox {
    pub(crate) fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(crate) fn send(&mut self, link: LinkId, bytes: Bytes) {
        self.messages.push_back((link, bytes));
    }

    /// Bytes of messages that have not been handed out.
    pub(crate) fn messages_bytes(&self) -> usize {
        self.messages.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    pub(crate) fn log(&mut self, severity: Severity, text: String) {
        self.push(Action::Log(Line { severity, text }));
    }

    pub(crate) fn notice(&mut self, text: String) {
        self.log(Severity::Notice, text);
    }

    pub(crate) fn warning(&mut self, text: String) {
        self.log(Severity::Warning, text);
    }

    pub(crate) fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    pub(crate) fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    pub(crate) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(crate) fn next_message(&mut self) -> Option<(LinkId, Bytes)> {
        self.messages.pop_front()
    }
}
