//! The one executable.
//!
//! Which program it is depends on the name it was started by (`redis-server`, ... see
//! [`programs`]), else on the first argument.

mod allocator;
mod programs;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use allocator::Jemalloc;
use dunlin_server::Program;
use programs::{PROGRAMS, Run};

#[global_allocator]
static GLOBAL: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_else(|| "dunlin".into());
    let arguments: Vec<OsString> = words.collect();
    let base = Path::new(&name).file_name().unwrap_or(&name).to_string_lossy().into_owned();
    match programs::by_file_name(&base) {
        Some(program) => start(program.run, name, arguments),
        None => subcommand(name, arguments),
    }
}

/// `dunlin <subcommand> ...`
fn subcommand(name: OsString, mut arguments: Vec<OsString>) -> ExitCode {
    if arguments.is_empty() {
        print!("{}", programs::help());
        return ExitCode::SUCCESS;
    }
    let word = arguments.remove(0);
    match word.to_string_lossy().as_ref() {
        "-V" | "-v" | "--version" | "version" => {
            println!("{}", dunlin_server::dunlin_version());
            ExitCode::SUCCESS
        }
        "-h" | "--help" | "help" => {
            print!("{}", programs::help());
            ExitCode::SUCCESS
        }
        other => match PROGRAMS.iter().find(|program| program.subcommand == other) {
            Some(program) => {
                let mut title = name;
                title.push(" ");
                title.push(other);
                start(program.run, title, arguments)
            }
            None => {
                eprintln!("dunlin: {}", programs::unknown(other));
                ExitCode::FAILURE
            }
        },
    }
}

fn start(run: Run, title: OsString, arguments: Vec<OsString>) -> ExitCode {
    match run {
        Run::Server => dunlin_server::run(&Program { title, arguments, allocator: &Jemalloc }),
        Run::Client => {
            dunlin_cli::run(&title.to_string_lossy(), arguments, dunlin_server::REDIS_VERSION)
        }
        Run::Trib => dunlin_cli::run_trib(arguments),
        Run::Link => link(&arguments),
        Run::Cluster => cluster(&arguments),
        Run::Bench => dunlin_bench::bench(&arguments, dunlin_server::REDIS_VERSION),
        Run::CheckAof => dunlin_tools::check_aof(
            &title.to_string_lossy(),
            &arguments,
            &mut io::stdin().lock(),
            &mut io::BufWriter::new(io::stdout().lock()),
        ),
        Run::CheckRdb => dunlin_tools::check_rdb(&title, &arguments, dunlin_server::REDIS_VERSION),
        Run::Doctor => dunlin_tools::doctor(&arguments),
        Run::InstallService => dunlin_tools::install_service(&arguments),
        Run::Absent => {
            let title = title.to_string_lossy();
            eprintln!("{title}: not part of this build yet");
            ExitCode::FAILURE
        }
    }
}

/// `dunlin link DIR`
fn link(arguments: &[OsString]) -> ExitCode {
    let [directory] = arguments else {
        eprintln!("usage: dunlin link DIR");
        return ExitCode::FAILURE;
    };
    let Some(executable) = own_file() else { return ExitCode::FAILURE };
    let directory = Path::new(directory);
    let linked = dunlin_tools::link(&executable, directory, &programs::file_names());
    let scripts = || dunlin_tools::write_scripts(&executable, directory);
    match linked.and_then(|paths| scripts().map(|scripts| [paths, scripts].concat())) {
        Ok(paths) => {
            paths.iter().for_each(|path| println!("{}", path.display()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("dunlin: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `dunlin cluster ...`
fn cluster(arguments: &[OsString]) -> ExitCode {
    let Some(executable) = own_file() else { return ExitCode::FAILURE };
    dunlin_tools::cluster(&executable, arguments, &mut io::stdout(), &mut io::stderr())
}

/// The file of this executable; says so where it cannot be found.
fn own_file() -> Option<PathBuf> {
    let found = std::env::current_exe().and_then(std::fs::canonicalize);
    found.inspect_err(|error| eprintln!("dunlin: cannot find my own file: {error}")).ok()
}
