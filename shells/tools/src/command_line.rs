//! How a tool's command line begins: help, and what nobody understands.

use std::process::ExitCode;

/// Exit code of a command line that nobody understands.
const USAGE: u8 = 2;

/// The options of a tool as it has read them: `None` asks for help, an error says what is wrong. The
/// last two are answered here.
///
/// # Errors
/// The tool ends with this code.
pub(crate) fn options_or_end<T>(
    tool: &str,
    help: &str,
    parsed: Result<Option<T>, String>,
) -> Result<T, ExitCode> {
    match parsed {
        Ok(Some(options)) => Ok(options),
        Ok(None) => {
            print!("{help}");
            Err(ExitCode::SUCCESS)
        }
        Err(why) => {
            eprintln!("dunlin {tool}: {why}\n\n{help}");
            Err(ExitCode::from(USAGE))
        }
    }
}
