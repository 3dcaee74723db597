//! What commands change about their connection.

use dunlin_resp::Value;

use super::command::Kind;
use super::{Client, is};
use crate::number::leading_i32;

impl Client {
    /// Follows what a command has changed about the connection.
    pub(super) fn note(&mut self, words: &[Vec<u8>], command: Kind) {
        let failed = self.last_is_error();
        let is_alone = words.len() == 1;
        if is(words, 0, "select") && words.len() == 2 && !failed {
            self.select(leading_i32(&words[1]));
        } else if is(words, 0, "auth") && matches!(words.len(), 2 | 3) {
            self.select_again();
        } else if is(words, 0, "multi") && is_alone && !failed {
            self.in_transaction = true;
            self.db_before_transaction = self.db;
        } else if is(words, 0, "exec") && is_alone && self.in_transaction {
            self.in_transaction = false;
            if failed || self.last_reply == Some(Value::Null) {
                self.select(self.db_before_transaction);
            }
        } else if is(words, 0, "discard") && is_alone && !failed {
            self.in_transaction = false;
            self.select(self.db_before_transaction);
        } else if is(words, 0, "reset") && is_alone && !failed {
            self.in_transaction = false;
            self.subscribed = false;
            self.expects_messages = false;
            self.resp3 = false;
            self.select(0);
        } else if is(words, 0, "hello") {
            match &self.last_reply {
                Some(Value::Map(_)) => self.resp3 = true,
                Some(Value::Array(_)) => self.resp3 = false,
                _ => {}
            }
        } else if command != Kind::Other && !self.subscribed {
            self.expects_messages = false;
        }
    }

    fn select(&mut self, db: i32) {
        self.db = db;
        self.options.server.db = db;
    }

    /// A new user may select what the former could not.
    fn select_again(&mut self) {
        let wanted = self.options.server.db;
        if wanted == self.db {
            return;
        }
        match self.connection.as_mut().map(|connection| connection.select(wanted)) {
            Some(Ok(())) => self.db = wanted,
            Some(Err(error)) => eprintln!("{error}"),
            None => {}
        }
    }
}
