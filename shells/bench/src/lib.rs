//! `redis-benchmark`: load on a server or a cluster, and what it took.
//!
//! [`bench()`] reads the command line, asks the server for its configuration (`host`, `cluster`),
//! runs one test after another (`suite`) and prints what `report` makes of each. A test is a
//! `request::Pipeline`: the bytes of its requests, whose random parts are overwritten in place
//! before each write. `load` keeps a number of connections busy with it and only counts the
//! replies.
//!
//! Options, texts and their order are those of redis-benchmark 7.2. What differs: a number that is
//! none is refused, a server with which there is no TLS ends the run instead of keeping it waiting for
//! ever, throughput counts microseconds where theirs counts milliseconds (a test that is over at once is
//! not infinitely fast), and threads end when the last reply is there, not up to 250 ms later.
//!
//! It never knows what a command does.

#![forbid(unsafe_code)]

mod cluster;
mod connection;
mod failure;
mod host;
mod latency;
mod load;
mod options;
mod report;
mod request;
mod suite;
mod tag;
mod usage;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cluster::Cluster;
use connection::Endpoint;
use failure::Failure;
use host::HostConfig;
use load::{Outcome, Plan, Progress, Targets};
use options::{Options, Parsed};

/// Runs `redis-benchmark ...` (`dunlin bench ...`); `version` is what `--version` prints.
pub fn bench(arguments: &[OsString], version: &str) -> ExitCode {
    match options::parse(arguments) {
        Ok(Parsed::Run(options)) => match run(*options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("{failure}");
                ExitCode::FAILURE
            }
        },
        Ok(Parsed::Help) => {
            print(usage::USAGE);
            ExitCode::SUCCESS
        }
        Ok(Parsed::Version) => {
            print(&format!("redis-benchmark {version}\n"));
            ExitCode::SUCCESS
        }
        Err(options::Invalid::Usage(word)) => {
            let word = word.display();
            print(&format!("Invalid option \"{word}\" or option argument missing\n\n"));
            print(usage::USAGE);
            ExitCode::FAILURE
        }
        Err(options::Invalid::Value(why)) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Prints; where standard output is gone, the load goes on as with redis-benchmark.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn run(mut options: Options) -> Result<(), Failure> {
    ignore_hangups();
    options.warnings.iter().for_each(|warning| eprintln!("{warning}"));
    let endpoint = Endpoint::new(&options.target);
    let (targets, settings) = if options.is_cluster {
        let cluster = Cluster::fetch(&endpoint, &options.target)?;
        print(&cluster.introduction());
        let settings = cluster.fetch_configs(&options.target)?;
        print("\n");
        if options.load.threads == 0 {
            options.load.threads = cluster.nodes().len();
        }
        (Targets::Cluster(cluster), report::Settings::Cluster(settings))
    } else {
        let (config, peer) = HostConfig::fetch(&endpoint, &options.target)?;
        if config.is_none() {
            eprintln!("WARNING: Could not fetch server CONFIG");
        }
        (Targets::Server(peer), report::Settings::Server(config))
    };
    if !options.load.keeps_alive {
        eprintln!("{}", usage::KEEPALIVE_WARNING);
    }
    if !options.command.is_empty() && options.tests.is_some() {
        eprintln!("WARNING: Option -t is ignored.");
    }
    raise_file_limit(options.load.clients);
    let bench = Bench { plan: Plan::new(&options, &targets), targets, settings, options };
    if bench.options.is_idle {
        return bench.idle();
    }
    if bench.options.output.csv {
        print(report::CSV_HEADER);
    }
    if bench.options.command.is_empty() { bench.suite() } else { bench.command() }
}

/// What all tests have in common.
struct Bench {
    options: Options,
    plan: Plan,
    targets: Targets,
    settings: report::Settings,
}

impl Bench {
    fn idle(&self) -> Result<(), Failure> {
        let clients = self.options.load.clients;
        print(&format!(
            "Creating {clients} idle connections and waiting forever (Ctrl+C when done)\n"
        ));
        load::idle(&self.plan, &self.targets, &mut self.progress())
    }

    /// The tests of `-t`, or all.
    fn suite(&self) -> Result<(), Failure> {
        let mut data = suite::Data::new();
        let mut progress = self.progress();
        let tests = self.options.tests.as_deref();
        loop {
            let data = data.next(self.options.load.data_bytes);
            for test in
                suite::tests(&data, self.options.load.keyspace.is_some(), self.targets.tag())
            {
                if test.is_selected(tests) {
                    let bytes = self.options.load.data_bytes;
                    self.test(test.title, &test.request, bytes, &mut progress)?;
                }
            }
            if !self.options.output.csv {
                print("\n");
            }
            if !self.options.is_loop {
                return Ok(());
            }
        }
    }

    /// The command on the command line.
    fn command(&self) -> Result<(), Failure> {
        let title: Vec<_> =
            self.options.command.iter().map(|word| word.to_string_lossy()).collect();
        let title = title.join(" ");
        let mut words: Vec<Vec<u8>> = self.options.command_words();
        if self.options.is_last_from_stdin {
            let mut last = Vec::new();
            io::stdin().lock().read_to_end(&mut last).map_err(Failure::input)?;
            words.push(last);
        }
        let request = suite::request(&words);
        let mut progress = self.progress();
        loop {
            self.test(&title, &request, request.len(), &mut progress)?;
            if !self.options.is_loop {
                return Ok(());
            }
        }
    }

    fn test(
        &self,
        title: &str,
        request: &[u8],
        data_bytes: usize,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        progress.begin(title);
        let outcome: Outcome = load::run(&self.plan, &self.targets, request, progress)?;
        let facts = report::Facts {
            title,
            data_bytes,
            load: &self.options.load,
            settings: &self.settings,
            outcome: &outcome,
        };
        let text = match (self.options.output.csv, self.options.output.quiet) {
            (true, _) => report::csv(&facts),
            (false, true) => progress.cleared() + &report::line(&facts),
            (false, false) => progress.cleared() + &report::full(&facts),
        };
        print(&text);
        Ok(())
    }

    fn progress(&self) -> Progress {
        Progress::new(!self.options.output.csv)
    }
}

/// A terminal that goes away does not end a long run, as with redis-benchmark.
fn ignore_hangups() {
    // The flag is never looked at: setting it is all that the signal does. Without the handler a
    // hangup ends the process, which is no reason not to begin.
    let flag = Arc::new(AtomicBool::new(false));
    let _ = signal_hook::flag::register(nix::sys::signal::Signal::SIGHUP as i32, flag);
}

/// Lets the process have as many connections as were asked for, if the hard limit allows.
fn raise_file_limit(clients: usize) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    /// Standard streams, event loops and their wakers.
    const OTHER_FILES: u64 = 2_048;
    let wanted = clients as u64 + OTHER_FILES;
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < wanted
    {
        // Where it is not allowed the connection that is one too many tells.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard);
    }
}
