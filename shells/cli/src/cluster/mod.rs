//! The cluster manager: `--cluster`.

use std::process::ExitCode;

use crate::options::{ClusterCommand, Options};

/// Runs a command of the manager.
pub(crate) fn run(command: &ClusterCommand, _options: &Options) -> ExitCode {
    eprintln!("--cluster {}: not part of this build yet", command.name);
    ExitCode::FAILURE
}
