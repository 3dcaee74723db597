//! `cargo xtask oracle` and `cargo xtask record`.

use dunlin_testkit::{oracle, server};

use crate::Options;

/// Compares a program with the recorded replies.
pub(crate) fn check(options: &Options) -> Result<(), String> {
    let program = options.binary.clone().unwrap_or_else(server::program);
    let report = oracle::check(&program, &oracle::directory(), options.only.as_deref());
    for failure in &report.failures {
        println!("{failure}");
    }
    let oracle::Report { scripts, replies, agreed, failures } = report;
    println!("{scripts} scripts, {} differ; {agreed} of {replies} steps agree", failures.len());
    if scripts == 0 {
        return Err("no script of that name".to_owned());
    }
    if failures.is_empty() { Ok(()) } else { Err("replies differ from the recorded ones".into()) }
}

/// Records the replies of a real server.
pub(crate) fn record(options: &Options) -> Result<(), String> {
    let program = options.server()?;
    match oracle::record(program, &oracle::directory(), options.only.as_deref()) {
        Ok(written) => {
            println!("{written} vectors written");
            Ok(())
        }
        Err(failures) => Err(failures.join("\n")),
    }
}
