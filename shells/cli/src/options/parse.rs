//! From words to [`Options`].

use std::mem::discriminant;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use dunlin_client::ServerUri;
use dunlin_stdx::words;
use dunlin_tls::TlsOptions;

use super::{
    ClusterCommand, Debugger, Environment, Eval, Exit, LatencyReport, Mode, Options, Palette,
};
use crate::connection::Wanted;
use crate::format::Format;
use crate::number::{leading_decimal, leading_i32, leading_integer};

/// How long `--pipe` waits for the last reply.
const PIPE_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a command line, without the program's name.
///
/// # Errors
/// Nothing is to run: see [`Exit`].
pub(crate) fn parse(words: &[Vec<u8>], environment: &Environment) -> Result<Options, Exit> {
    let mut parser = Parser::new(words, environment);
    while parser.at < words.len() {
        if !parser.option()? {
            break;
        }
        parser.at += 1;
    }
    parser.finish(environment)
}

struct Parser<'a> {
    words: &'a [Vec<u8>],
    /// The word that is being read.
    at: usize,
    options: Options,
    /// What stood before and after `--cluster` is kept here until the end.
    cluster: ClusterCommand,
    is_cluster: bool,
    modes: Vec<Mode>,
    resp2: bool,
    eval: Option<PathBuf>,
    debug: Option<Debugger>,
    pipe_timeout: Duration,
    palette: Palette,
    no_auth_warning: bool,
    tls: TlsOptions,
}

impl<'a> Parser<'a> {
    fn new(words: &'a [Vec<u8>], environment: &Environment) -> Self {
        let mut options = Options { repeat: 1, ..Options::default() };
        options.scan.count = 10;
        if environment.is_terminal {
            options.output.format = Format::Standard;
            options.output.pushes = true;
        }
        Self {
            words,
            at: 0,
            options,
            cluster: ClusterCommand::default(),
            is_cluster: false,
            modes: Vec::new(),
            resp2: false,
            eval: None,
            debug: None,
            pipe_timeout: PIPE_TIMEOUT,
            palette: Palette::Colours,
            no_auth_warning: false,
            tls: TlsOptions::default(),
        }
    }

    /// Reads the option at hand, with its value; `false` if the command begins here.
    fn option(&mut self) -> Result<bool, Exit> {
        let word = &self.words[self.at];
        let option = String::from_utf8_lossy(word).into_owned();
        let value = self.words.get(self.at + 1);
        if option == "-h" && value.is_none() {
            return Err(Exit::Help);
        }
        if self.flag(&option)? {
            return Ok(true);
        }
        if let Some(value) = value
            && self.value(&option, value)?
        {
            // Lists of words have moved on by themselves.
            self.at += usize::from(option != "--cluster" && option != "--cluster-weight");
            return Ok(true);
        }
        if self.is_cluster && !word.starts_with(b"-") {
            self.late_cluster_arguments();
            return Ok(true);
        }
        if option == "--cluster" {
            return Err(Exit::Usage);
        }
        if word.starts_with(b"-") {
            let text = format!("Unrecognized option or bad number of args for: '{option}'");
            return Err(Exit::Misuse(text));
        }
        Ok(false)
    }

    /// Options without a value.
    fn flag(&mut self, option: &str) -> Result<bool, Exit> {
        let options = &mut self.options;
        match option {
            "--help" => return Err(Exit::Help),
            "-v" | "--version" => return Err(Exit::Version),
            "-x" => options.input.last_from_stdin = true,
            "--no-auth-warning" => self.no_auth_warning = true,
            "--askpass" => options.server.ask_password = true,
            "--raw" => options.output.format = Format::Raw,
            "--no-raw" => options.output.format = Format::Standard,
            "--csv" => options.output.format = Format::Csv,
            "--json" => self.json(Format::Json),
            "--quoted-json" => self.json(Format::QuotedJson),
            "--quoted-input" => options.input.quoted = true,
            "--latency" => self.mode(Mode::Latency(LatencyReport::Current)),
            "--latency-history" => self.mode(Mode::Latency(LatencyReport::History)),
            "--latency-dist" => self.mode(Mode::LatencyDistribution(Palette::Colours)),
            "--mono" => self.palette = Palette::Grey,
            "--slave" | "--replica" => self.mode(Mode::Replica),
            "--stat" => self.mode(Mode::Stat),
            "--scan" => self.mode(Mode::Scan),
            "--pipe" => self.mode(Mode::Pipe(PIPE_TIMEOUT)),
            "--bigkeys" => self.mode(Mode::BigKeys),
            "--memkeys" => self.mode(Mode::MemKeys(None)),
            "--hotkeys" => self.mode(Mode::HotKeys),
            "--ldb" => self.debug(Debugger::Forked),
            "--ldb-sync-mode" => self.debug(Debugger::Sync),
            "-c" => options.follow_redirections = true,
            "-e" => options.output.error_is_failure = true,
            "--verbose" => options.verbose = true,
            "-2" => self.resp2 = true,
            "-3" => options.server.protocol = Wanted::Resp3,
            _ => return Ok(self.cluster.take_flag(option) || self.tls.take_switch(option)),
        }
        Ok(true)
    }

    /// Options with a value.
    fn value(&mut self, option: &str, value: &[u8]) -> Result<bool, Exit> {
        let path = || PathBuf::from(std::ffi::OsString::from_vec(value.to_vec()));
        let text = || String::from_utf8_lossy(value).into_owned();
        let options = &mut self.options;
        match option {
            "-h" => options.server.host = text(),
            "-p" => options.server.port = port(leading_integer(value))?,
            "-s" => options.server.socket = Some(path()),
            "-X" => options.input.tag_from_stdin = Some(value.to_vec()),
            "-r" => options.repeat = leading_integer(value),
            "-i" => options.interval = seconds(leading_decimal(value)),
            "-n" => options.server.db = leading_i32(value),
            "-a" | "--pass" => options.server.password = Some(value.to_vec()),
            "--user" => options.server.user = Some(value.to_vec()),
            "-u" => self.uri(value)?,
            "-d" => options.output.element_delimiter = value.to_vec(),
            "-D" => options.output.reply_delimiter = value.to_vec(),
            "--show-pushes" => self.show_pushes(value),
            "--pattern" => options.scan.pattern = Some(value.to_vec()),
            "--quoted-pattern" => options.scan.pattern = Some(unquoted_pattern(value)?),
            "--count" => options.scan.count = leading_integer(value),
            "--memkeys-samples" => {
                let samples = Some(leading_integer(value)).filter(|&samples| samples > 0);
                self.mode(Mode::MemKeys(samples));
            }
            "--lru-test" => self.mode(Mode::LruTest(leading_integer(value))),
            "--intrinsic-latency" => {
                let duration = Duration::from_secs(leading_integer(value).max(0).unsigned_abs());
                self.mode(Mode::IntrinsicLatency(duration));
            }
            "--rdb" => self.mode(Mode::Rdb(path())),
            "--functions-rdb" => self.mode(Mode::FunctionsRdb(path())),
            "--pipe-timeout" => {
                let timeout = leading_integer(value).max(0).unsigned_abs();
                self.pipe_timeout = Duration::from_secs(timeout);
            }
            "--eval" => self.eval = Some(path()),
            "--test_hint" => self.mode(Mode::Hint(value.to_vec())),
            "--test_hint_file" => self.mode(Mode::HintFile(path())),
            "--cluster" => self.cluster_command()?,
            "--cluster-weight" => self.cluster_weights()?,
            _ => {
                let is_cluster = self.cluster.take_value(option, value);
                return Ok(is_cluster || self.tls.take_value(option, value));
            }
        }
        Ok(true)
    }

    /// JSON tells more types apart in RESP3; a server without it will do.
    fn json(&mut self, format: Format) {
        self.options.output.format = format;
        if self.options.server.protocol == Wanted::Resp2 {
            self.options.server.protocol = Wanted::Resp3IfPossible;
        }
    }

    /// A mode that is given again replaces what it was; a history remains one.
    fn mode(&mut self, mode: Mode) {
        let same = |other: &Mode| discriminant(other) == discriminant(&mode);
        if mode == Mode::Latency(LatencyReport::Current) && self.modes.iter().any(same) {
            return;
        }
        self.modes.retain(|other| !same(other));
        self.modes.push(mode);
    }

    fn debug(&mut self, debugger: Debugger) {
        self.debug = Some(self.debug.filter(|&set| set == Debugger::Sync).unwrap_or(debugger));
        self.options.output.format = Format::Raw;
    }

    fn show_pushes(&mut self, value: &[u8]) {
        match value.first().map(u8::to_ascii_lowercase) {
            Some(b'n') => self.options.output.pushes = false,
            Some(b'y') => self.options.output.pushes = true,
            _ => self.options.warnings.push(format!(
                "Unknown --show-pushes value '{}' (valid: '[y]es', '[n]o')",
                String::from_utf8_lossy(value)
            )),
        }
    }

    fn uri(&mut self, text: &[u8]) -> Result<(), Exit> {
        let uri = ServerUri::parse(text).map_err(|error| Exit::Misuse(error.to_owned()))?;
        let server = &mut self.options.server;
        server.user = uri.user.or_else(|| server.user.take());
        server.password = uri.password.or_else(|| server.password.take());
        if let Some(host) = uri.host {
            server.host = String::from_utf8_lossy(&host).into_owned();
        }
        if let Some(number) = uri.port {
            server.port = port(leading_integer(&number))?;
        }
        if let Some(db) = uri.db.filter(|db| !db.is_empty()) {
            server.db = leading_i32(&db);
        }
        if uri.is_tls {
            self.tls.take_switch("--tls");
        }
        Ok(())
    }

    /// `--cluster <command>` and the words up to the next option.
    fn cluster_command(&mut self) -> Result<(), Exit> {
        if self.is_cluster {
            return Err(Exit::Usage);
        }
        self.is_cluster = true;
        let rest = &self.words[self.at + 1..];
        let len = rest.iter().take_while(|word| !word.starts_with(b"-")).count();
        self.cluster.name = String::from_utf8_lossy(&rest[0]).into_owned();
        self.cluster.arguments = rest[..len].get(1..).unwrap_or_default().to_vec();
        self.at += len.max(1);
        Ok(())
    }

    /// Options may come first: then the first words behind them are the command's.
    fn late_cluster_arguments(&mut self) {
        if self.cluster.arguments.is_empty() {
            let rest = &self.words[self.at..];
            let len = rest.iter().take_while(|word| !word.starts_with(b"-")).count();
            self.cluster.arguments = rest[..len].to_vec();
            self.at += len - 1;
        }
    }

    fn cluster_weights(&mut self) -> Result<(), Exit> {
        if self.cluster.weights.is_some() {
            return Err(Exit::Misuse(
                "WARNING: you cannot use --cluster-weight more than once.\n\
                 You can set more weights by adding them as a space-separated list, ie:\n\
                 --cluster-weight n1=w n2=w"
                    .to_owned(),
            ));
        }
        let rest = &self.words[self.at + 1..];
        let is_weight = |word: &&Vec<u8>| !word.starts_with(b"--") && word.contains(&b'=');
        let weights: Vec<String> = rest
            .iter()
            .take_while(is_weight)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        self.at += weights.len();
        self.cluster.weights = (!weights.is_empty()).then_some(weights);
        Ok(())
    }

    /// What must hold of all options together.
    fn finish(mut self, environment: &Environment) -> Result<Options, Exit> {
        self.check(environment)?;
        let mut options = self.options;
        if !self.no_auth_warning && options.server.password.is_some() {
            options.warnings.push(
                "Warning: Using a password with '-a' or '-u' option on the command line interface \
                 may not be safe."
                    .to_owned(),
            );
        }
        options.server.password = options.server.password.or_else(|| environment.password.clone());
        if self.resp2 {
            options.server.protocol = Wanted::Resp2;
        }
        options.server.tls = self.tls.into_tls();
        options.mode = self.modes.into_iter().min().map(|mode| match mode {
            Mode::Pipe(_) => Mode::Pipe(self.pipe_timeout),
            Mode::LatencyDistribution(_) => Mode::LatencyDistribution(self.palette),
            mode => mode,
        });
        options.eval = self.eval.map(|file| Eval { file, debug: self.debug });
        self.cluster.yes |= environment.cluster_yes;
        options.cluster = self.is_cluster.then_some(self.cluster);
        options.command = self.words[self.at..].to_vec();
        Ok(options)
    }

    fn check(&self, environment: &Environment) -> Result<(), Exit> {
        let options = &self.options;
        let has = |of: fn(&Mode) -> bool| self.modes.iter().any(of);
        let both_rdb = has(|mode| matches!(mode, Mode::Rdb(_)))
            && has(|mode| matches!(mode, Mode::FunctionsRdb(_)));
        let both_stdin = options.input.last_from_stdin && options.input.tag_from_stdin.is_some();
        let wrong = if options.server.socket.is_some() && options.follow_redirections {
            "Options -c and -s are mutually exclusive.".to_owned()
        } else if self.resp2 && options.server.protocol == Wanted::Resp3 {
            "Options -2 and -3 are mutually exclusive.".to_owned()
        } else if self.debug.is_some() && self.eval.is_none() {
            format!(
                "Options --ldb and --ldb-sync-mode require --eval.\n\
                 Try {} --help for more information.",
                environment.title
            )
        } else if both_rdb {
            "Option --functions-rdb and --rdb are mutually exclusive.".to_owned()
        } else if both_stdin {
            "Options -x and -X are mutually exclusive.".to_owned()
        } else {
            return Ok(());
        };
        Err(Exit::Misuse(wrong))
    }
}

fn port(number: i64) -> Result<u16, Exit> {
    u16::try_from(number).map_err(|_| Exit::Misuse("Invalid server port.".to_owned()))
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}

fn unquoted_pattern(value: &[u8]) -> Result<Vec<u8>, Exit> {
    unquoted(value).ok_or_else(|| {
        Exit::Misuse("Invalid quoted string specified for --quoted-pattern.".to_owned())
    })
}

/// The one word that a text in quotes is.
pub(crate) fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut words = words::split(text).ok()?;
    let word = words.pop()?;
    words.is_empty().then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Options, Exit> {
        let environment = Environment { title: "redis-cli".to_owned(), ..Environment::default() };
        parse(&words::split(line.as_bytes()).expect("a line"), &environment)
    }

    fn parsed(line: &str) -> Options {
        parse_line(line).unwrap_or_else(|exit| panic!("{line}: {exit:?}"))
    }

    fn check_misuse(line: &str, text: &str) {
        let exit = parse_line(line).map(|options| options.command);
        assert_eq!(exit, Err(Exit::Misuse(text.to_owned())), "{line}");
    }

    #[test]
    fn options_stop_at_the_command() {
        let options = parsed("-h host -p 7000 -n 3 -r -1 -i 0.5 GET -x --bogus");
        assert_eq!(options.server.target().address.to_string(), "host:7000");
        assert_eq!((options.server.db, options.repeat), (3, -1));
        assert_eq!(options.interval, Duration::from_millis(500));
        assert_eq!(options.command, [&b"GET"[..], b"-x", b"--bogus"]);
        assert!(!options.input.last_from_stdin);
    }

    #[test]
    fn misuse_names_what_was_wrong() {
        check_misuse("--bogus", "Unrecognized option or bad number of args for: '--bogus'");
        check_misuse("-p", "Unrecognized option or bad number of args for: '-p'");
        check_misuse("-p 65536", "Invalid server port.");
        check_misuse("-2 -3", "Options -2 and -3 are mutually exclusive.");
        check_misuse("-c -s /s", "Options -c and -s are mutually exclusive.");
        check_misuse("-x -X t", "Options -x and -X are mutually exclusive.");
        check_misuse("-u http://h", "Invalid URI scheme");
        check_misuse("--sni", "Unrecognized option or bad number of args for: '--sni'");
        check_misuse(
            "--rdb a --functions-rdb b",
            "Option --functions-rdb and --rdb are mutually exclusive.",
        );
        check_misuse(
            "--quoted-pattern '\"a'",
            "Invalid quoted string specified for --quoted-pattern.",
        );
        check_misuse(
            "--ldb",
            "Options --ldb and --ldb-sync-mode require --eval.\n\
             Try redis-cli --help for more information.",
        );
        for (line, exit) in [
            ("GET -h", None),
            ("-h", Some(Exit::Help)),
            ("-c --help", Some(Exit::Help)),
            ("-v", Some(Exit::Version)),
            ("--cluster", Some(Exit::Usage)),
            ("--cluster a --cluster b", Some(Exit::Usage)),
        ] {
            assert_eq!(parse_line(line).err(), exit, "{line}");
        }
    }

    #[test]
    fn tls_is_used_where_it_is_asked_for() {
        let tls = |line: &str| parsed(line).server.tls;
        for line in ["PING", "--insecure --cacert f --key k PING", "-u redis://h", "PING --tls"] {
            assert_eq!(tls(line), None, "{line}");
        }
        let mut options = TlsOptions::default();
        options.take_switch("--tls");
        assert_eq!(tls("--tls PING"), options.clone().into_tls());
        assert_eq!(tls("-u rediss://h PING"), options.clone().into_tls());
        options.take_value("--sni", b"--insecure");
        options.take_value("--cacertdir", b"d");
        assert_eq!(tls("--cacertdir d --sni --insecure --tls -n 1"), options.into_tls());
        let options = parsed("--cluster check h:1 --cacert f --tls");
        assert!(options.server.tls.is_some());
        assert_eq!(options.cluster.expect("a command").arguments, [b"h:1"]);
    }

    #[test]
    fn json_asks_for_resp3_and_takes_less() {
        assert_eq!(parsed("--json").server.protocol, Wanted::Resp3IfPossible);
        assert_eq!(parsed("-3 --json").server.protocol, Wanted::Resp3);
        assert_eq!(parsed("--quoted-json -2").server.protocol, Wanted::Resp2);
        assert_eq!(parsed("--json --csv").output.format, Format::Csv);
    }

    #[test]
    fn passwords_of_the_command_line_come_first() {
        let environment = Environment { password: Some(b"env".to_vec()), ..Environment::default() };
        let with = |line: &str| {
            let words = words::split(line.as_bytes()).expect("a line");
            let options = parse(&words, &environment).expect("options");
            (options.server.password.expect("one"), options.warnings.len())
        };
        assert_eq!(with("PING"), (b"env".to_vec(), 0));
        assert_eq!(with("-a own"), (b"own".to_vec(), 1));
        assert_eq!(with("--no-auth-warning -u redis://uri@h"), (b"uri".to_vec(), 0));
    }

    #[test]
    fn one_mode_runs() {
        assert_eq!(parsed("--scan --bigkeys").mode, Some(Mode::BigKeys));
        assert_eq!(
            parsed("--pipe --pipe-timeout 5").mode,
            Some(Mode::Pipe(Duration::from_secs(5)))
        );
        assert_eq!(parsed("--memkeys-samples 3").mode, Some(Mode::MemKeys(Some(3))));
        let history = Some(Mode::Latency(LatencyReport::History));
        assert_eq!(parsed("--latency --latency-history").mode, history);
        assert_eq!(parsed("--latency-history --latency").mode, history);
        assert_eq!(parsed("--rdb a --rdb b").mode, Some(Mode::Rdb(PathBuf::from("b"))));
        let grey = Some(Mode::LatencyDistribution(Palette::Grey));
        assert_eq!(parsed("--latency-dist --mono").mode, grey);
        let eval = Eval { file: PathBuf::from("f"), debug: Some(Debugger::Sync) };
        assert_eq!(parsed("--ldb-sync-mode --ldb --eval f k").eval, Some(eval));
    }

    #[test]
    fn words_of_the_cluster_manager() {
        let words = |line: &str| {
            let cluster = parsed(line).cluster.expect("a command");
            let arguments: Vec<String> = cluster
                .arguments
                .iter()
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect();
            format!("{} {}", cluster.name, arguments.join(" "))
        };
        assert_eq!(words("--cluster create a:1 b:2 --cluster-replicas 1"), "create a:1 b:2");
        assert_eq!(words("--cluster create --cluster-yes a:1 b:2 -a p c:3"), "create a:1 b:2");
        assert_eq!(words("--cluster help"), "help ");
        let cluster = parsed(
            "--cluster rebalance a:1 --cluster-weight x=1 y=0 --cluster-threshold 1.5 \
             --cluster-use-empty-masters --cluster-yes",
        )
        .cluster
        .expect("a command");
        assert_eq!(cluster.weights, Some(vec!["x=1".to_owned(), "y=0".to_owned()]));
        assert!((cluster.threshold - 1.5).abs() < 1e-9);
        assert!(cluster.use_empty_primaries && cluster.yes && !cluster.simulate);
        assert_eq!((cluster.timeout_ms, cluster.pipeline), (60_000, None));
    }

    #[test]
    fn what_pushes_may_be() {
        assert!(parsed("--show-pushes YES").output.pushes);
        let warnings = parsed("--show-pushes x").warnings;
        assert_eq!(warnings, ["Unknown --show-pushes value 'x' (valid: '[y]es', '[n]o')"]);
    }
}
