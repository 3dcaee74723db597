//! Thousands of INCRBYFLOAT sums, recorded from a real server.
//!
//! One line each: `start increment reply`, separated by blanks; the reply is the sum as the
//! server printed it, or `!` and its error. The inputs come from a generator with a fixed
//! seed (`cargo xtask vectors`) and stand in the file, so the test needs no generator.

use std::io;
use std::path::Path;

use crate::client::{Client, request};
use crate::server::Server;
use crate::value::Value;

/// A sum to compute: both operands in the spelling to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// What the key holds at first.
    pub start: String,
    /// What is added.
    pub increment: String,
}

/// Requests sent before the replies are read: far below any buffer's size.
const BATCH: usize = 200;

/// Lets the server compute every sum and returns its answers.
///
/// # Errors
/// When the connection fails.
pub fn compute(server: &Server, sums: &[Sum]) -> io::Result<Vec<String>> {
    let mut client = Client::try_connect(server.address())?;
    let mut answers = Vec::with_capacity(sums.len());
    for batch in sums.chunks(BATCH) {
        let mut requests = Vec::new();
        for sum in batch {
            requests.extend(request(&["SET", "sum", &sum.start]));
            requests.extend(request(&["INCRBYFLOAT", "sum", &sum.increment]));
        }
        client.send(&requests)?;
        for _ in batch {
            client.read_reply()?;
            answers.push(match client.read_reply()?.value {
                Value::Error(text) => format!("!{}", String::from_utf8_lossy(&text)),
                other => other.to_string(),
            });
        }
    }
    Ok(answers)
}

/// Writes sums with their answers.
pub fn render(sums: &[Sum], answers: &[String]) -> String {
    let line =
        |(sum, answer): (&Sum, &String)| format!("{} {} {answer}\n", sum.start, sum.increment);
    sums.iter().zip(answers).map(line).collect()
}

/// Reads what [`render`] wrote.
///
/// # Errors
/// The path, and the line that is malformed.
pub fn load(path: &Path) -> Result<(Vec<Sum>, Vec<String>), String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut sums = Vec::new();
    let mut answers = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut parts = line.splitn(3, ' ').map(str::to_owned);
        let (Some(start), Some(increment), Some(answer)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("{}: line {} is malformed", path.display(), index + 1));
        };
        sums.push(Sum { start, increment });
        answers.push(answer);
    }
    Ok((sums, answers))
}
