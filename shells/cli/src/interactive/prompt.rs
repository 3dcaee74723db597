//! What stands before a line.

use crate::client::Client;

/// The prompt of the next line.
pub(super) fn prompt(client: &Client) -> String {
    if client.debugging.is_some() {
        return "lua debugger> ".to_owned();
    }
    if client.connection.is_none() {
        return "not connected> ".to_owned();
    }
    let server = &client.options.server;
    let mut text = match &server.socket {
        Some(path) => format!("redis {}", path.display()),
        None if server.host.contains(':') => format!("[{}]:{}", server.host, server.port),
        None => format!("{}:{}", server.host, server.port),
    };
    if client.db != 0 {
        text += &format!("[{}]", client.db);
    }
    if client.in_transaction {
        text += "(TX)";
    }
    if client.subscribed {
        text += "(subscribed mode)";
    }
    text + "> "
}
