//! The server process.
//!
//! [`run`] takes a command line and returns an exit code. In between: `options` (what is asked
//! for), `start` (the order of things, from configuration to "Ready to accept connections"),
//! `service` (the loop's events become calls of the node), `signals`, `log`. Everything of the
//! operating system that a server meets is here, and nothing of what its commands mean.
//!
//! Invariants: the process forks (daemonize) before it has a second thread; only the main thread
//! touches the node; a message reaches the log file in one write, so that lines of two threads
//! never mix.

#![forbid(unsafe_code)]

mod closing;
mod crash;
mod disk;
mod files;
mod freeing;
mod host;
mod limits;
mod listening;
mod log;
mod logo;
pub mod memory;
mod memory_test;
mod nodes_conf;
mod options;
mod pidfile;
mod service;
mod signals;
mod start;
mod supervisor;
mod syslog;
mod system_check;
mod title;
mod tuning;
mod version;
mod workers;

use std::ffi::OsString;
use std::process::ExitCode;

pub use version::{REDIS_VERSION, dunlin_version};

/// How the server was started.
pub struct Program {
    /// The name as typed, for messages and the process title.
    pub title: OsString,
    /// The words behind it.
    pub arguments: Vec<OsString>,
    /// The allocator of this executable.
    pub allocator: &'static dyn memory::Allocator,
}

/// Runs a server, or whatever else the command line asks for.
#[must_use]
pub fn run(program: &Program) -> ExitCode {
    use options::Request;
    let title = program.title.to_string_lossy().into_owned();
    match options::parse(&program.arguments) {
        Request::Version => {
            println!("{}", version::server_line(&program.allocator.name()));
            ExitCode::SUCCESS
        }
        Request::Help => {
            eprint!("{}", options::usage(&title));
            ExitCode::FAILURE
        }
        Request::TestMemory(megabytes) => memory_test::run(&title, megabytes.as_deref()),
        Request::CheckSystem => system_check::report(),
        Request::Serve => start::serve(program),
    }
}
