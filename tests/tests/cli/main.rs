//! redis-cli: ours beside the real one on the same server, byte for byte, and what people see on a
//! terminal.

mod arguments;
mod formats;
mod modes;
mod peers;
mod redirections;
mod scripts;
mod session;
mod subscriptions;
mod terminal;
mod tls;
