//! What runs instead of a command: one mode a file.

mod big_keys;
mod hint;
mod hot_keys;
mod intrinsic_latency;
mod latency;
mod latency_distribution;
mod lru_test;
mod pipe;
mod power_law;
mod rdb;
mod replica;
mod scan;
mod stat;
mod sync;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;

use crate::client::{Client, Report};
use crate::connection::{Broken, Connection};
use crate::options::{Mode, Options};

pub(crate) use rdb::fetch;
pub(crate) use replica::follow_stream;

/// Why a mode has ended early.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The reason, for standard error.
    Because(String),
    /// Nobody reads the output any more.
    Unread,
}

impl From<Broken> for Stopped {
    fn from(_: Broken) -> Self {
        Self::Because("\nI/O error".to_owned())
    }
}

/// Standard output is the only file that is used without saying its name.
impl From<io::Error> for Stopped {
    fn from(_: io::Error) -> Self {
        Self::Unread
    }
}

impl Stopped {
    fn because(reason: impl fmt::Display) -> Self {
        Self::Because(reason.to_string())
    }
}

/// Runs a mode with the options of the client, until it ends.
pub(crate) fn run(mode: Mode, mut client: Client) -> ExitCode {
    match &mode {
        Mode::IntrinsicLatency(duration) => return ended(intrinsic_latency::run(*duration)),
        Mode::Hint(line) => return hint::one(&mut client, line),
        Mode::HintFile(path) => return hint::file(&mut client, path),
        _ => {}
    }
    if client.connect(Report::Failure).is_err() {
        return ExitCode::FAILURE;
    }
    let Some(connection) = client.connection.take() else { return ExitCode::FAILURE };
    let options = &client.options;
    ended(match mode {
        Mode::Latency(report) => latency::run(connection, options, report),
        Mode::LatencyDistribution(palette) => {
            latency_distribution::run(connection, options, palette)
        }
        Mode::Rdb(file) => rdb::run(connection, &file, rdb::Content::Everything),
        Mode::FunctionsRdb(file) => rdb::run(connection, &file, rdb::Content::Functions),
        Mode::Pipe(timeout) => return pipe::run(connection, timeout),
        Mode::BigKeys => big_keys::run(connection, options, big_keys::Measure::Elements),
        Mode::MemKeys(samples) => {
            big_keys::run(connection, options, big_keys::Measure::Memory(samples))
        }
        Mode::HotKeys => hot_keys::run(connection, options),
        Mode::Stat => stat::run(connection, options),
        Mode::Scan => scan::run(connection, options),
        Mode::LruTest(keys) => lru_test::run(connection, keys),
        Mode::Replica => {
            client.connection = Some(connection);
            replica::run(&mut client)
        }
        Mode::Hint(_) | Mode::HintFile(_) | Mode::IntrinsicLatency(_) => Ok(()),
    })
}

fn ended(result: Result<(), Stopped>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stopped::Because(reason)) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
        Err(Stopped::Unread) => ExitCode::FAILURE,
    }
}

/// Ctrl-C ends a mode in good order: what was found so far is told.
struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    fn new() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        // Without it Ctrl-C ends the program at once.
        let _ = signal_hook::flag::register(SIGINT, Arc::clone(&flag));
        Self(flag)
    }

    fn is_pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Standard output with a buffer that is emptied when someone is looking.
struct Output {
    out: io::BufWriter<io::Stdout>,
    is_terminal: bool,
}

impl Output {
    fn new() -> Self {
        let out = io::BufWriter::with_capacity(64 * 1024, io::stdout());
        Self { out, is_terminal: io::stdout().is_terminal() }
    }

    /// A pause follows: a person should not have to wait for what is there.
    fn show(&mut self) -> io::Result<()> {
        if self.is_terminal { self.out.flush() } else { Ok(()) }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A connection that is made anew when it breaks, as often as it takes: for what runs for ever.
struct Lasting<'a> {
    connection: Connection,
    options: &'a Options,
}

impl<'a> Lasting<'a> {
    fn new(connection: Connection, options: &'a Options) -> Self {
        Self { connection, options }
    }

    /// Asks until there is a reply.
    fn ask(&mut self, words: &[&[u8]]) -> Result<dunlin_resp::Value, Stopped> {
        let mut attempts = 0u64;
        loop {
            match self.connection.ask(words) {
                Ok(value) => {
                    if attempts > 0 {
                        self.tell("\r\x1b[0K")?;
                    }
                    return Ok(value);
                }
                Err(broken @ Broken::NoReply(_)) => {
                    return Err(Stopped::because(format!("Error: {broken}")));
                }
                Err(_) => {}
            }
            loop {
                attempts += 1;
                self.tell(&format!("\r\x1b[0KReconnecting... {attempts}\r"))?;
                let opened = Connection::open(&self.options.server.target());
                std::thread::sleep(std::time::Duration::from_secs(1));
                if let Ok(connection) = opened {
                    self.connection = connection;
                    break;
                }
            }
        }
    }

    fn tell(&self, text: &str) -> Result<(), Stopped> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}
