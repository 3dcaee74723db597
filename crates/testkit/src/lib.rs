//! Fixtures of the end-to-end tests: real processes, a client of their own, recorded answers.
//!
//! A test that starts a server reads like this:
//!
//! ```no_run
//! use dunlin_testkit::Server;
//!
//! let server = Server::builder().config("maxmemory 1mb").start();
//! let mut client = server.client();
//! assert_eq!(client.show("SET greeting hello"), "OK");
//! assert_eq!(client.show("GET greeting"), "hello");
//! // Dropping `server` kills the process and removes its directory.
//! ```
//!
//! - [`Server`] is one process with its own directory, port and log file.
//!   The program is `$DUNLIN_BIN` or the newest `dunlin` of the target directory;
//!   it is started under the name `redis-server`, so a real Redis fits in its place
//!   and the same test shows compatibility.
//! - [`Cluster`] is several of them that form a cluster, of one program or of several.
//! - [`Client`] is a blocking RESP2/RESP3 client that shares no code with the server,
//!   so that a mistake in our codec cannot hide itself.
//! - [`certificates`] makes certificates for servers and clients with TLS.
//! - [`wait_for`] waits for a condition with a deadline; tests never sleep for a fixed time.
//! - [`process`] reads what the operating system shows of a process.
//! - [`oracle`] plays command scripts and compares the replies with recorded ones.
//!
//! Failures panic with a sentence that says what was expected: this crate is only
//! a dev-dependency, and a broken fixture should stop the test at once.

#![forbid(unsafe_code)]

pub mod certificates;
pub mod client;
pub mod cluster;
pub mod oracle;
mod order;
pub mod port;
pub mod process;
pub mod server;
pub mod value;
pub mod wait;
pub mod words;

pub use client::Client;
pub use cluster::Cluster;
pub use order::assert_in_order;
pub use server::{Finished, Server, ServerBuilder};
pub use value::Value;
pub use wait::{DEADLINE, wait_for, wait_some};
