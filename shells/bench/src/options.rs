//! The command line.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use dunlin_client::ServerUri;
use dunlin_tls::{Tls, TlsOptions};

use crate::{suite, usage};

/// More threads than any machine is good for.
const THREADS_MAX: usize = 500;
const DATA_BYTES_MAX: i64 = 1 << 30;
const DIGITS_DEFAULT: u8 = 3;
const DIGITS_MAX: i64 = 4;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Run(Box<Options>),
    Help,
    Version,
}

/// Why the command line is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// An unknown option, or one whose value is missing.
    Usage(OsString),
    /// A value that is none.
    Value(String),
}

/// The server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) socket: Option<PathBuf>,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) password: Option<Vec<u8>>,
    /// The number of `SELECT`, as given.
    pub(crate) db: i64,
    /// `--tls` and what belongs to it.
    pub(crate) tls: Option<Tls>,
}

/// How it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) clients: usize,
    pub(crate) requests: u64,
    /// How many requests are sent at once.
    pub(crate) depth: usize,
    pub(crate) keeps_alive: bool,
    pub(crate) threads: usize,
    /// `-r`: how many numbers `__rand_int__` may become.
    pub(crate) keyspace: Option<u64>,
    pub(crate) data_bytes: usize,
    /// Significant digits of latencies.
    pub(crate) digits: u8,
    pub(crate) is_resp3: bool,
    pub(crate) is_tracking: bool,
    pub(crate) seed: Option<u64>,
}

/// How results are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) quiet: bool,
    pub(crate) csv: bool,
}

/// The command line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) target: Target,
    pub(crate) load: Load,
    pub(crate) output: Output,
    pub(crate) is_cluster: bool,
    pub(crate) is_loop: bool,
    pub(crate) is_idle: bool,
    /// `-x`
    pub(crate) is_last_from_stdin: bool,
    /// `-t`, in lower case.
    pub(crate) tests: Option<String>,
    /// A command instead of the tests.
    pub(crate) command: Vec<OsString>,
    /// What is to be said before the run.
    pub(crate) warnings: Vec<String>,
    /// Read so far; at the end it becomes a part of `target`.
    tls: TlsOptions,
}

impl Options {
    fn new() -> Self {
        let host = "127.0.0.1".to_owned();
        Self {
            target: Target {
                host,
                port: 6379,
                socket: None,
                user: None,
                password: None,
                db: 0,
                tls: None,
            },
            load: Load {
                clients: 50,
                requests: 100_000,
                depth: 1,
                keeps_alive: true,
                threads: 0,
                keyspace: None,
                data_bytes: 3,
                digits: DIGITS_DEFAULT,
                is_resp3: false,
                is_tracking: false,
                seed: None,
            },
            output: Output::default(),
            is_cluster: false,
            is_loop: false,
            is_idle: false,
            is_last_from_stdin: false,
            tests: None,
            command: Vec::new(),
            warnings: Vec::new(),
            tls: TlsOptions::default(),
        }
    }

    /// The command's words as bytes.
    pub(crate) fn command_words(&self) -> Vec<Vec<u8>> {
        self.command.iter().map(|word| word.as_bytes().to_vec()).collect()
    }
}

/// Reads the words behind the program's name.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn parse(words: &[OsString]) -> Result<Parsed, Invalid> {
    let mut options = Options::new();
    let mut rest = words;
    while let Some((word, behind)) = rest.split_first() {
        let name = word.to_str().unwrap_or("-?");
        match name {
            "--help" => return Ok(Parsed::Help),
            "-v" | "--version" => return Ok(Parsed::Version),
            _ if options.set_switch(name) => rest = behind,
            _ if !word.as_bytes().starts_with(b"-") => break,
            _ => {
                let value = behind.first().ok_or_else(|| Invalid::Usage(word.clone()))?;
                if !options.set_value(name, value)? {
                    return Err(Invalid::Usage(word.clone()));
                }
                rest = &behind[1..];
            }
        }
    }
    options.command = rest.to_vec();
    options.target.tls = std::mem::take(&mut options.tls).into_tls();
    if let Some(tests) = options.tests.as_deref().filter(|_| options.command.is_empty()) {
        let unknown = suite::unknown_names(tests);
        options
            .warnings
            .extend(unknown.iter().map(|name| format!("WARNING: No test is called '{name}'.")));
    }
    Ok(Parsed::Run(Box::new(options)))
}

impl Options {
    /// Takes an option without a value; whether it is one.
    fn set_switch(&mut self, name: &str) -> bool {
        match name {
            "-q" => self.output.quiet = true,
            "--csv" => self.output.csv = true,
            "-l" => self.is_loop = true,
            "-I" => self.is_idle = true,
            "-x" => self.is_last_from_stdin = true,
            "-3" => self.load.is_resp3 = true,
            "--cluster" => self.is_cluster = true,
            "--enable-tracking" => self.load.is_tracking = true,
            "-e" => self.warnings.push(usage::ERROR_OPTION_WARNING.to_owned()),
            _ => return self.tls.take_switch(name),
        }
        true
    }

    /// Takes an option with its value; whether there is such an option.
    fn set_value(&mut self, name: &str, value: &OsStr) -> Result<bool, Invalid> {
        match name {
            "-h" => self.target.host = value.to_string_lossy().into_owned(),
            "-p" => self.target.port = port(number(name, value)?)?,
            "-s" => self.target.socket = Some(value.into()),
            "-a" => self.target.password = Some(value.as_bytes().to_vec()),
            "--user" => self.target.user = Some(value.as_bytes().to_vec()),
            "-u" => self.set_uri(value)?,
            "-c" => self.load.clients = at_least_one(name, number(name, value)?)? as usize,
            "-n" => self.load.requests = at_least_one(name, number(name, value)?)?,
            "-k" => self.load.keeps_alive = number(name, value)? != 0,
            "-d" => {
                let bytes = number(name, value)?.clamp(1, DATA_BYTES_MAX);
                self.load.data_bytes = usize::try_from(bytes).unwrap_or(1);
            }
            "-P" => self.load.depth = usize::try_from(number(name, value)?).unwrap_or(0).max(1),
            "-r" => self.load.keyspace = Some(u64::try_from(number(name, value)?).unwrap_or(0)),
            "--seed" => self.load.seed = Some(number(name, value)?.cast_unsigned()),
            "-t" => self.tests = Some(value.to_string_lossy().to_ascii_lowercase()),
            "--dbnum" => self.target.db = number(name, value)?,
            "--precision" => {
                let digits = number(name, value)?.min(DIGITS_MAX);
                self.load.digits = u8::try_from(digits).unwrap_or(DIGITS_DEFAULT);
            }
            "--threads" => self.set_threads(number(name, value)?),
            _ => return Ok(self.tls.take_value(name, value.as_bytes())),
        }
        Ok(true)
    }

    fn set_threads(&mut self, threads: i64) {
        self.load.threads = usize::try_from(threads).unwrap_or(0);
        if self.load.threads > THREADS_MAX {
            self.load.threads = THREADS_MAX;
            let warning = format!("WARNING: Too many threads, limiting threads to {THREADS_MAX}.");
            self.warnings.push(warning);
        }
    }

    fn set_uri(&mut self, value: &OsStr) -> Result<(), Invalid> {
        let invalid = |why: &str| Invalid::Value(why.to_owned());
        let uri = ServerUri::parse(value.as_bytes()).map_err(invalid)?;
        if uri.is_tls {
            self.tls.take_switch("--tls");
        }
        let target = &mut self.target;
        if let Some(host) = uri.host {
            target.host = String::from_utf8_lossy(&host).into_owned();
        }
        if let Some(text) = uri.port {
            target.port = port(number("-u", &OsString::from_vec(text))?)?;
        }
        target.user = uri.user.or(target.user.take());
        target.password = uri.password.or(target.password.take());
        if let Some(db) = uri.db {
            target.db = number("-u", &OsString::from_vec(db))?;
        }
        Ok(())
    }
}

fn number(name: &str, value: &OsStr) -> Result<i64, Invalid> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    let why = || Invalid::Value(format!("{name} needs a number, not '{}'", value.display()));
    number.ok_or_else(why)
}

fn at_least_one(name: &str, value: i64) -> Result<u64, Invalid> {
    let value = u64::try_from(value).ok().filter(|&value| value > 0);
    value.ok_or_else(|| Invalid::Value(format!("{name} must be at least 1")))
}

fn port(number: i64) -> Result<u16, Invalid> {
    u16::try_from(number).map_err(|_| Invalid::Value("Invalid server port.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Parsed, Invalid> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[track_caller]
    fn options(line: &str) -> Options {
        match parsed(line) {
            Ok(Parsed::Run(options)) => *options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn defaults() {
        let defaults = options("");
        assert_eq!(defaults, Options::new());
        assert_eq!((defaults.load.clients, defaults.load.requests), (50, 100_000));
    }

    #[test]
    fn every_option() {
        let line = "-h h -p 1 -s /s -a pw --user u -c 2 -n 3 -k 0 -d 4 -P 5 -r 6 --seed 7 -t SET,Get \
                    --dbnum 8 --precision 2 --threads 9 -q --csv -l -I -x -3 --cluster \
                    --enable-tracking";
        let target = Target {
            host: "h".to_owned(),
            port: 1,
            socket: Some("/s".into()),
            user: Some(b"u".to_vec()),
            password: Some(b"pw".to_vec()),
            db: 8,
            tls: None,
        };
        let load = Load {
            clients: 2,
            requests: 3,
            depth: 5,
            keeps_alive: false,
            threads: 9,
            keyspace: Some(6),
            data_bytes: 4,
            digits: 2,
            is_resp3: true,
            is_tracking: true,
            seed: Some(7),
        };
        let expected = Options {
            target,
            load,
            output: Output { quiet: true, csv: true },
            is_cluster: true,
            is_loop: true,
            is_idle: true,
            is_last_from_stdin: true,
            tests: Some("set,get".to_owned()),
            command: Vec::new(),
            warnings: Vec::new(),
            tls: TlsOptions::default(),
        };
        assert_eq!(options(line), expected);
    }

    #[test]
    fn a_command_ends_the_options() {
        let options = options("-q set -q x");
        assert_eq!(options.command, ["set", "-q", "x"]);
        assert!(options.output.quiet);
    }

    #[test]
    fn values_are_brought_into_range() {
        let options = options("-d 0 -P -1 -r -5 --precision 9 --threads 1000");
        assert_eq!((options.load.data_bytes, options.load.depth), (1, 1));
        assert_eq!((options.load.keyspace, options.load.digits), (Some(0), 4));
        assert_eq!(options.load.threads, 500);
        assert_eq!(options.warnings, ["WARNING: Too many threads, limiting threads to 500."]);
        assert_eq!(self::options("--precision -1").load.digits, 3);
        assert_eq!(self::options("--threads -1").load.threads, 0);
    }

    #[test]
    fn warnings() {
        assert_eq!(options("-e").warnings, [usage::ERROR_OPTION_WARNING]);
        assert_eq!(options("-t foo,SET").warnings, ["WARNING: No test is called 'foo'."]);
        assert!(options("-t foo ping").warnings.is_empty());
    }

    #[test]
    fn uris() {
        let target = options("-u redis://u:p@h:7/3").target;
        assert_eq!((target.host.as_str(), target.port, target.db), ("h", 7, 3));
        assert_eq!(target.user.as_deref(), Some(&b"u"[..]));
        assert_eq!(target.password.as_deref(), Some(&b"p"[..]));
        let target = options("-a x -h other -u redis://:9999").target;
        assert_eq!((target.host.as_str(), target.port), ("", 9999));
        assert_eq!(target.password.as_deref(), Some(&b"x"[..]));
    }

    #[test]
    fn tls_is_used_where_it_is_asked_for() {
        assert_eq!(options("--insecure --cacert f -u redis://h").target.tls, None);
        let mut tls = TlsOptions::default();
        tls.take_switch("--tls");
        assert_eq!(options("--tls").target.tls, tls.clone().into_tls());
        assert_eq!(options("-u rediss://h:7").target.tls, tls.clone().into_tls());
        tls.take_value("--sni", b"-q");
        tls.take_value("--key", b"k");
        let options = options("--key k --sni -q --tls get --cert x");
        assert_eq!(options.target.tls, tls.into_tls());
        assert!(!options.output.quiet);
    }

    #[test]
    fn what_is_refused() {
        for word in ["-Z", "--nope", "-c", "-t", "--seed", "--cacert", "-"] {
            assert_eq!(parsed(word), Err(Invalid::Usage(word.into())), "{word}");
        }
        for (line, why) in [
            ("-c x", "-c needs a number, not 'x'"),
            ("-n 0", "-n must be at least 1"),
            ("-c -1", "-c must be at least 1"),
            ("-p 65536", "Invalid server port."),
            ("-u http://h", "Invalid URI scheme"),
            ("-u redis://h:x", "-u needs a number, not 'x'"),
        ] {
            assert_eq!(parsed(line), Err(Invalid::Value(why.to_owned())), "{line}");
        }
        assert_eq!(parsed("-q --help"), Ok(Parsed::Help));
        assert_eq!(parsed("-v"), Ok(Parsed::Version));
    }
}
