//! `--test_hint` and `--test_hint_file`: hints without a terminal to show them.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use dunlin_stdx::words;

use crate::client::Client;

/// Prints the hint for a line.
pub(super) fn one(client: &mut Client, line: &[u8]) -> ExitCode {
    let hint = client.load_help().hint(&String::from_utf8_lossy(line));
    println!("{}", hint.unwrap_or_default());
    ExitCode::SUCCESS
}

/// Compares the hints for the lines of a file with those that stand behind them there; spaces at the
/// end do not count.
pub(super) fn file(client: &mut Client, path: &Path) -> ExitCode {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("Can't open file '{}': {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let help = client.load_help();
    let (mut passed, mut failed) = (0u64, 0u64);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words = words::split(line.as_bytes()).unwrap_or_default();
        let text = |index: usize| words.get(index).map(|word| String::from_utf8_lossy(word));
        let Some(input) = text(0) else { continue };
        let Some(expected) = text(1) else {
            eprintln!("Missing expected hint for input '{input}'");
            return ExitCode::FAILURE;
        };
        let hint = help.hint(&input);
        if client.options.verbose {
            let hint = hint.as_deref().unwrap_or_default();
            println!("Input: '{input}', Expected: '{expected}', Hint: '{hint}'");
        }
        let hint = hint.map(|hint| hint.trim_end_matches(' ').to_owned());
        if hint.as_deref() == Some(expected.as_ref()) {
            passed += 1;
        } else {
            let hint = hint.unwrap_or_else(|| "(null)".to_owned());
            eprintln!("Test case '{input}' FAILED: expected '{expected}', got '{hint}'");
            failed += 1;
        }
    }
    let result = if failed == 0 { "SUCCESS" } else { "FAILURE" };
    println!("{result}: {passed}/{} passed", passed + failed);
    ExitCode::from(u8::try_from(failed).unwrap_or(u8::MAX))
}
