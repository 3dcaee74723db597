//! From the command line to "Ready to accept connections", and back to the shell.

use std::cell::Cell;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use dunlin_cluster::Cluster;
use dunlin_commands::table::RenameError;
use dunlin_commands::{ProcessFacts, Table};
use dunlin_config::{Arguments, Config, Directive, FatalConfigError, Loaded, Mode, Problem, Text};
use dunlin_node::{Environment, Node};
use dunlin_reactor::{CycleClock, ListenerControl, Reactor, os_error_text};
use dunlin_stdx::time::{Clock, Now};

use crate::Program;
use crate::files::Disk;
use crate::freeing::FreeThread;
use crate::host::ProcessHost;
use crate::limits::{TooFewFiles, raise_open_files};
use crate::listening::{NotListening, listen, listen_bus};
use crate::log::{Log, Role};
use crate::memory::{HelperShares, MemoryGauge};
use crate::nodes_conf::{NodesConf, Unusable};
use crate::pidfile::{self, PidFile};
use crate::service::{Serving, TCP, UNIX, WhenReady};
use crate::signals::{self, StopRequest};
use crate::supervisor::{self, Supervisor};
use crate::title::Title;
use crate::tuning;
use crate::version::{DUNLIN_VERSION, REDIS_VERSION};
use crate::workers::Workers;
use crate::{crash, logo, system_check};

/// The process cannot serve; the reason has been told.
struct Failed;

/// Serves until told to stop.
pub(crate) fn serve(program: &Program) -> ExitCode {
    match try_serve(program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed) => ExitCode::FAILURE,
    }
}

/// Logs what failed to come about.
fn required<T>(result: io::Result<T>, what: &str, log: &Log) -> Result<T, Failed> {
    result.map_err(|error| {
        log.warning(format_args!("{what}: {}", os_error_text(&error)));
        Failed
    })
}

fn try_serve(program: &Program) -> Result<(), Failed> {
    let log = Log::new();
    let (arguments, mut loaded) = read_configuration(program, &log)?;
    let table = command_table(&loaded.renamed_commands).map_err(|error| {
        eprintln!("{error}");
        Failed
    })?;
    log.configure(&loaded.config);
    let supervisor = become_what_is_asked_for(&loaded, &log)?;
    announce(program, &arguments, &loaded, &log);
    let title = prepare_process(program, &arguments, &mut loaded.config, &log)?;
    let config = loaded.config;
    show_logo(&config, &log);
    system_check::warn_about_backlog(config.network.tcp_backlog, &log);

    let clock = CycleClock::new();
    let mut reactor = required(Reactor::new(clock.clone()), "Creating the event loop", &log)?;
    let listeners = reactor.listeners();
    listen(&config, &listeners, &log).map_err(|NotListening| Failed)?;
    let seed = required(random_seed(), "Reading /dev/urandom", &log)?;
    let (nodes_conf, cluster) = if config.cluster.cluster_enabled {
        // Another seed than the node's: a node's id is not to be that of its history.
        let seed = required(random_seed(), "Reading /dev/urandom", &log)?;
        let (conf, cluster) = join_cluster(&config, seed, clock.now(), &listeners, &log)?;
        (Some(conf), Some(cluster))
    } else {
        (None, None)
    };
    let is_daemon = config.process.daemonize && supervisor == Supervisor::None;
    let pid_file = pid_file_path(&config, is_daemon);
    let pid_file = pid_file.map(|path| PidFile::write(path.as_path(), &log));
    let oom_score = tuning::settle(&config, &log);
    let stop_request = StopRequest::default();
    let signals = signals::listen(log.clone(), reactor.waker(), stop_request.clone());
    required(signals, "Setting up signals", &log)?;
    let shares = HelperShares::default();
    let freer = FreeThread::start(program.allocator, &shares);
    let freer = required(freer, "Starting a thread", &log)?;
    let stops = Rc::new(Cell::new(false));
    let host = ProcessHost {
        log: log.clone(),
        memory: MemoryGauge::new(program.allocator, shares.clone()),
        facts: required(facts(program, &arguments, supervisor), "Reading /dev/urandom", &log)?,
        listeners: listeners.clone(),
        title,
        oom_score,
        nodes_conf,
        stops: Rc::clone(&stops),
    };
    let workers = Workers::new(reactor.waker(), program.allocator, shares);
    let environment = Environment {
        clock: Box::new(clock.clone()),
        seed,
        freer: Box::new(freer),
        host: Box::new(host),
        backend: Box::new(workers),
        cluster,
    };
    let node = Node::new(config, table, environment);
    let ready = when_ready(&listeners, supervisor);
    let mut serving = Serving::new(node, log.clone(), stop_request, stops, ready);
    log.notice("Server initialized");
    serving.load(clock.now());
    required(reactor.run(&mut serving), "Waiting for events", &log)?;
    supervisor.stopping();
    leave(pid_file, &listeners, &log);
    serving.node.engine_mut().keyspace.abandon();
    Ok(())
}

/// Opens what a node of a cluster has beside other servers: its own file, and the port of the bus.
fn join_cluster(
    config: &Config,
    seed: u64,
    now: Now,
    listeners: &ListenerControl,
    log: &Log,
) -> Result<(NodesConf, Box<Cluster>), Failed> {
    let name = &config.cluster.cluster_config_file;
    let (conf, text) = NodesConf::open(name, log).map_err(|Unusable| Failed)?;
    let cluster = dunlin_commands::cluster::start(config, Some(&text), seed, now);
    let cluster = cluster.map_err(|error| {
        let name = conf.name();
        log.warning(format_args!(
            "Unrecoverable error: corrupted cluster config file \"{name}\": {error}."
        ));
        Failed
    })?;
    if text.is_empty() {
        log.notice(format_args!("No cluster configuration found, I'm {}", cluster.myself().id()));
    } else {
        log.notice(format_args!("Node configuration loaded, I'm {}", cluster.myself().id()));
    }
    listen_bus(config, listeners, log).map_err(|NotListening| Failed)?;
    Ok((conf, cluster))
}

/// What to tell when the data set is there.
fn when_ready(listeners: &ListenerControl, supervisor: Supervisor) -> WhenReady {
    let kinds = [(TCP, "tcp"), (UNIX, "unix")];
    let kinds: Vec<&str> =
        kinds.iter().filter(|(tag, _)| listeners.count(*tag) > 0).map(|(_, kind)| *kind).collect();
    Box::new(move |log| {
        for kind in kinds {
            log.notice(format_args!("Ready to accept connections {kind}"));
        }
        supervisor.ready();
    })
}

/// Makes this process one that can serve: title, crash report, open files.
fn prepare_process(
    program: &Program,
    arguments: &Arguments,
    config: &mut Config,
    log: &Log,
) -> Result<Option<Title>, Failed> {
    let title = config.process.set_proc_title.then(|| {
        let config_file = arguments.config_file.as_ref().map(Text::to_string);
        Title::claim(&program.title.to_string_lossy(), config_file)
    });
    let title = title.flatten();
    crash::prepare(log);
    log.set_role(Role::Primary);
    let network = &mut config.network;
    network.maxclients =
        raise_open_files(network.maxclients, log).map_err(|TooFewFiles(why)| {
            log.warning(why);
            Failed
        })?;
    log.notice(format_args!("monotonic clock: {}", clock_name()));
    if let Some(title) = &title {
        title.show(config);
    }
    Ok(title)
}

/// Takes away what would outlive the process.
fn leave(pid_file: Option<PidFile>, listeners: &ListenerControl, log: &Log) {
    if let Some(pid_file) = pid_file {
        pid_file.remove(log);
    }
    if listeners.unix_path().is_some() {
        log.notice("Removing the unix socket file.");
    }
    listeners.close_all();
    log.warning("Redis is now ready to exit, bye bye...");
}

/// Reads file, standard input and options.
fn read_configuration(program: &Program, log: &Log) -> Result<(Arguments, Loaded), Failed> {
    use std::os::unix::ffi::OsStrExt;
    let words: Vec<&[u8]> = program.arguments.iter().map(|word| word.as_bytes()).collect();
    if Arguments::asks_for_sentinel(&words) {
        log.warning("Sentinel mode is not part of this build yet. Exiting...");
        return Err(Failed);
    }
    let mut arguments = Arguments::parse(&words);
    // Absolute, because `dir` changes what relative paths mean.
    arguments.config_file = arguments.config_file.as_ref().map(absolute);
    let stdin = arguments.reads_stdin.then(|| {
        log.notice("Reading config from stdin");
        let mut text = Vec::new();
        // What arrived before an error counts, as with a file that was cut.
        let _ = std::io::stdin().lock().read_to_end(&mut text);
        Text::from(text)
    });
    let loaded = dunlin_config::load(&arguments.sources(stdin), Mode::Server, &Disk);
    match loaded {
        Ok(mut loaded) => {
            // Without a `dir` line it is where the process was started, by its full name.
            let dir = &mut loaded.config.persistence.dir;
            *dir = absolute(dir);
            Ok((arguments, loaded))
        }
        Err(error) => {
            if error.is_log_message() {
                log.warning(&error);
            } else {
                eprintln!("{error}");
            }
            Err(Failed)
        }
    }
}

/// All commands, under the names that `rename-command` lines give them.
fn command_table(renamed: &[Directive]) -> Result<Table, FatalConfigError> {
    let mut table = Table::new();
    for line in renamed {
        let [_, old, new] = line.words.as_slice() else { continue };
        table.rename(old, new).map_err(|error| {
            let problem = match error {
                RenameError::NoSuchCommand => Problem::NoSuchCommand,
                RenameError::NameTaken => Problem::CommandNameTaken,
            };
            FatalConfigError::at(&line.origin, problem)
        })?;
    }
    Ok(table)
}

fn absolute(path: &Text) -> Text {
    use std::os::unix::ffi::OsStringExt;
    // Collecting the parts drops a slash at the end.
    let absolute = std::path::absolute(path.as_path()).map(|path| path.components().collect());
    absolute
        .map_or_else(|_| path.clone(), |path: PathBuf| Text::from(path.into_os_string().into_vec()))
}

/// Finds the supervisor, and goes into the background where none is in charge.
fn become_what_is_asked_for(loaded: &Loaded, log: &Log) -> Result<Supervisor, Failed> {
    let process = &loaded.config.process;
    system_check::warn_about_memory(log);
    let supervisor = supervisor::find(process.supervised, log);
    if process.daemonize && supervisor == Supervisor::None {
        // The working directory stays; input and output go to /dev/null.
        nix::unistd::daemon(true, false).map_err(|errno| {
            log.warning(format_args!("Going into the background: {}", errno.desc()));
            Failed
        })?;
        log.refresh_pid();
    }
    Ok(supervisor)
}

/// The first lines of the log.
fn announce(program: &Program, arguments: &Arguments, loaded: &Loaded, log: &Log) {
    let (bits, pid) = (usize::BITS, std::process::id());
    log.notice("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
    log.notice(format_args!(
        "Redis version={REDIS_VERSION}, bits={bits}, commit=00000000, modified=0, pid={pid}, just \
         started"
    ));
    log.notice(format_args!("dunlin version={DUNLIN_VERSION}"));
    if program.arguments.is_empty() {
        let title = program.title.to_string_lossy();
        log.warning(format_args!(
            "Warning: no config file specified, using the default config. In order to specify a \
             config file use {title} /path/to/redis.conf"
        ));
    } else {
        log.notice("Configuration loaded");
    }
    if let Some(file) = &arguments.config_file {
        log.verbose(format_args!("Configuration file: {file}"));
    }
    for warning in &loaded.warnings {
        log.warning(warning);
    }
    let maxmemory = loaded.config.memory.maxmemory;
    if maxmemory > 0 && maxmemory < 1024 * 1024 {
        log.warning(format_args!(
            "WARNING: You specified a maxmemory value that is less than 1MB (current value is \
             {maxmemory} bytes). Are you sure this is what you really want?"
        ));
    }
}

/// What INFO tells of this process.
fn facts(
    program: &Program,
    arguments: &Arguments,
    supervisor: Supervisor,
) -> std::io::Result<ProcessFacts> {
    let system = nix::sys::utsname::uname().map_or_else(
        |_| std::env::consts::OS.to_owned(),
        |uname| {
            [uname.sysname(), uname.release(), uname.machine()]
                .map(|part| part.to_string_lossy().into_owned())
                .join(" ")
        },
    );
    let typed = std::path::Path::new(&program.title);
    // A program found by the search path stands elsewhere than its name says.
    let executable = std::path::absolute(typed).ok().filter(|path| path.exists());
    let executable = executable.or_else(|| std::env::current_exe().ok()).unwrap_or_default();
    Ok(ProcessFacts {
        pid: std::process::id(),
        system,
        executable: executable.display().to_string(),
        config_file: arguments.config_file.as_ref().map(|file| file.as_path().to_owned()),
        allocator: program.allocator.name(),
        multiplexing_api: dunlin_reactor::multiplexing_api(),
        supervisor: supervisor.name(),
        monotonic_clock: clock_name().to_owned(),
        run_id: random_run_id()?,
    })
}

/// Forty hexadecimal digits that no other start has.
fn random_run_id() -> std::io::Result<String> {
    let words: [u64; 3] = [random_seed()?, random_seed()?, random_seed()?];
    let digits: String = words.iter().map(|word| format!("{word:016x}")).collect();
    Ok(digits[..40].to_owned())
}

const fn clock_name() -> &'static str {
    "POSIX clock_gettime"
}

/// Where the pid file goes, if there is to be one.
fn pid_file_path(config: &Config, is_daemon: bool) -> Option<Text> {
    let path = &config.process.pidfile;
    match (path.is_empty(), is_daemon) {
        (false, _) => Some(path.clone()),
        (true, true) => Some(Text::from(pidfile::DEFAULT)),
        (true, false) => None,
    }
}

/// Shows the logo on a terminal or when asked to, one line otherwise.
fn show_logo(config: &Config, log: &Log) {
    let mode = if config.cluster.cluster_enabled { "cluster" } else { "standalone" };
    let logging = &config.logging;
    let on_terminal =
        logging.logfile.is_empty() && !logging.syslog_enabled && std::io::stdout().is_terminal();
    let port = config.network.port;
    if config.process.always_show_logo || on_terminal {
        log.raw(&logo::logo(mode, port, std::process::id()));
    } else {
        log.notice(format_args!("Running mode={mode}, port={port}."));
    }
}

/// A seed that nobody outside can guess: it keeps colliding keys from being prepared.
fn random_seed() -> io::Result<u64> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemons_always_have_a_pid_file() {
        let mut config = Config::default();
        assert_eq!(pid_file_path(&config, false), None);
        assert_eq!(pid_file_path(&config, true), Some(Text::from("/var/run/redis.pid")));
        config.process.pidfile = Text::from("/tmp/x.pid");
        assert_eq!(pid_file_path(&config, false), Some(Text::from("/tmp/x.pid")));
    }

    #[test]
    fn relative_config_files_keep_their_place() {
        let here = std::env::current_dir().expect("directory");
        let expected = format!("{}/a.conf", here.display());
        assert_eq!(absolute(&Text::from("a.conf")), Text::from(expected.as_str()));
        assert_eq!(absolute(&Text::from("/a.conf")), Text::from("/a.conf"));
    }

    #[test]
    fn commands_are_renamed_as_the_configuration_says() {
        let table = |words: &str| {
            let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
            let arguments = Arguments::parse(&words);
            let loaded = dunlin_config::load(&arguments.sources(None), Mode::Server, &Disk);
            command_table(&loaded.expect("valid lines").renamed_commands)
        };
        let renamed = table("--rename-command GET Fetch").expect("renamed");
        assert!(renamed.get(b"get").is_none() && renamed.get(b"FETCH").is_some());
        let refused = |words| table(words).expect_err("refused").problem;
        assert_eq!(refused("--rename-command NOSUCH x"), Problem::NoSuchCommand);
        assert_eq!(refused("--rename-command get set"), Problem::CommandNameTaken);
    }
}
