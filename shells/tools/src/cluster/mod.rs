//! `dunlin cluster`: a cluster on this machine, by one command, for those who develop against one.
//!
//! `up` starts a `dunlin server` for each node in the background, in a directory of its own, and makes a
//! cluster of them by CLUSTER commands: each node meets each, which takes one round of greetings
//! where gossip alone would take several. `down` stops these processes and no others. What a
//! directory holds is started again by the next `up`.

mod arguments;
mod connection;
mod down;
mod failure;
mod form;
mod node;
mod report;
mod table;
mod up;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use arguments::Action;
use failure::Failure;

/// Exit code of a command line that nobody understands.
const USAGE: u8 = 2;

/// Runs `dunlin cluster ...`. Nodes are started from `executable`; results go to `out`, progress and
/// what went wrong to `progress`.
pub fn cluster(
    executable: &Path,
    arguments: &[OsString],
    out: &mut dyn Write,
    progress: &mut dyn Write,
) -> ExitCode {
    let done = match arguments::parse(arguments) {
        Ok(Action::Help) => write!(out, "{}", arguments::HELP).map_err(Failure::Output),
        Ok(Action::Up(wish)) => up::up(executable, &wish, out, progress),
        Ok(Action::Down(wish)) => down::down(&wish, out, progress),
        Err(why) => {
            let _ = writeln!(progress, "dunlin cluster: {why}\n\n{}", arguments::HELP);
            return ExitCode::from(USAGE);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If standard error is gone as well, the exit code is all there is.
            let _ = writeln!(progress, "dunlin cluster: {failure}");
            ExitCode::FAILURE
        }
    }
}
