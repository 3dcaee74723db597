//! A command of the command line: it runs, then the program ends.

use std::io::{self, Read};
use std::process::ExitCode;

use crate::client::{Client, Failed};
use crate::options::{InputOptions, unquoted};

/// Runs the command of the options.
pub(crate) fn run(mut client: Client) -> ExitCode {
    // The first attempt to run the command says why there is no connection.
    let _ = client.connect(crate::client::Report::Nothing);
    let words = std::mem::take(&mut client.options.command);
    let words = match arguments(words, &client.options.input) {
        Ok(words) => words,
        Err(code) => return code,
    };
    let repeat = client.options.repeat;
    let result = client.issue(&words, repeat).and_then(|()| client.print_messages());
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Told) => ExitCode::FAILURE,
    }
}

/// The words with what `-x`, `-X` and `--quoted-input` say applied.
fn arguments(words: Vec<Vec<u8>>, input: &InputOptions) -> Result<Vec<Vec<u8>>, ExitCode> {
    let mut words = words;
    if input.quoted {
        let unquoted: Option<Vec<Vec<u8>>> = words.iter().map(|word| unquoted(word)).collect();
        words = unquoted.ok_or_else(|| {
            println!("Invalid quoted string");
            ExitCode::FAILURE
        })?;
    }
    with_standard_input(words, input)
}

/// The words with what `-x` and `-X` say applied.
pub(crate) fn with_standard_input(
    mut words: Vec<Vec<u8>>,
    input: &InputOptions,
) -> Result<Vec<Vec<u8>>, ExitCode> {
    if input.last_from_stdin {
        words.push(standard_input()?);
    } else if let Some(tag) = &input.tag_from_stdin {
        match words.iter_mut().find(|word| *word == tag) {
            Some(word) => *word = standard_input()?,
            None => {
                eprintln!("Using -X option but stdin tag not match.");
                return Err(ExitCode::FAILURE);
            }
        }
    }
    Ok(words)
}

fn standard_input() -> Result<Vec<u8>, ExitCode> {
    let mut bytes = Vec::new();
    match io::stdin().lock().read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => {
            eprintln!("Reading from standard input: {error}");
            Err(ExitCode::FAILURE)
        }
    }
}
