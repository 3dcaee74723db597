//! `dunlin install-service`: a server as a service of this machine.
//!
//! It asks what `install_server.sh` of Redis asks, in the same words, and leaves the same files: a
//! configuration made from a template, an init script `/etc/init.d/redis_PORT`, a data directory.
//! Where systemd runs there is a unit `redis_PORT` as well, which the init script starts, so that
//! both ways to start the service start the same one. `--root DIR` puts all files below a directory
//! and starts nothing.
//!
//! Source: observed dialogue of the script of Redis 3.2 to 7.2; systemd.service(5), sd_booted(3).

mod answers;
mod files;
mod register;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use answers::{Answers, Dialogue};
use register::{Commands, System};

use crate::command_line::options_or_end;

/// What `--help` prints.
const HELP: &str = "\
Usage: dunlin install-service [--root DIR] [--template FILE]

Asks for port, files and programs, writes a configuration and an init script (and a unit for
systemd), and starts the service. These variables answer the questions: REDIS_PORT,
REDIS_CONFIG_FILE, REDIS_LOG_FILE, REDIS_DATA_DIR, REDIS_EXECUTABLE.

  --root DIR       put the files below DIR, for a package; start nothing
  --template FILE  the configuration to start from (default: a built-in one)
";

/// The configuration that is taken without `--template`.
const TEMPLATE: &str = include_str!("../../../../redis.conf");

/// Why there is no service.
#[derive(Debug)]
enum Stop {
    NotRoot,
    NoExecutable,
    NoTemplate,
    /// A step failed: `Could not ...`.
    Failed(String),
    /// Standard output is gone.
    Output(io::Error),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot => f.write_str("You must run this script as root. Sorry!"),
            Self::NoExecutable => f.write_str(
                "Mmmmm...  it seems like you don't have a redis executable. Did you run make \
                 install yet?",
            ),
            Self::NoTemplate => f.write_str(
                "Mmmmm... the default config is missing. Did you switch to the utils directory?",
            ),
            Self::Failed(what) => write!(f, "ERROR: {what}. Aborting!"),
            Self::Output(error) => write!(f, "ERROR: {error}. Aborting!"),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    root: Option<PathBuf>,
    template: Option<PathBuf>,
}

/// Runs `dunlin install-service ...`.
pub fn install_service(arguments: &[OsString]) -> ExitCode {
    let options = match options_or_end("install-service", HELP, parse(arguments)) {
        Ok(options) => options,
        Err(end) => return end,
    };
    let stdin = io::stdin();
    let is_terminal = stdin.is_terminal();
    let mut out = io::stdout();
    // Questions are only shown to somebody who types the answers.
    let mut prompts: Box<dyn Write> =
        if is_terminal { Box::new(io::stderr()) } else { Box::new(io::sink()) };
    match install(&options, &mut stdin.lock(), &mut out, &mut prompts) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            // As the script does: what went wrong is told where the rest was told.
            let _ = writeln!(out, "{stop}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the options; `None` asks for help.
fn parse(words: &[OsString]) -> Result<Option<Options>, String> {
    let (mut options, mut words) = (Options::default(), words.iter());
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{} needs a value", word.display()));
        match word.to_str() {
            Some("--root") => options.root = Some(value()?.into()),
            Some("--template") => options.template = Some(value()?.into()),
            Some("--help" | "-h") => return Ok(None),
            _ => return Err(format!("there is no option '{}'", word.display())),
        }
    }
    Ok(Some(options))
}

fn install(
    options: &Options,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    prompts: &mut dyn Write,
) -> Result<(), Stop> {
    writeln!(
        out,
        "Welcome to the redis service installer\n\
         This script will help you easily set up a running redis server\n"
    )?;
    if options.root.is_none() && !nix::unistd::geteuid().is_root() {
        return Err(Stop::NotRoot);
    }
    let environment = |name: &str| std::env::var(name).ok();
    let mut dialogue = Dialogue {
        input: &mut *input,
        out: &mut *out,
        prompts: &mut *prompts,
        environment: &environment,
        find: &on_path,
        is_executable: &is_executable,
    };
    let answers = dialogue.ask()?;
    let place = Place { root: options.root.as_deref() };
    write_files(&answers, options, &place, out)?;
    if options.root.is_none() {
        register::register(&mut System, answers.port, out)?;
        let script = place.init_script(answers.port).display().to_string();
        if !System.run(&script, &["start"]) {
            return Err(Stop::Failed("Failed starting service...".to_owned()));
        }
    }
    writeln!(out, "Installation successful!")?;
    Ok(())
}

/// Where files go.
struct Place<'a> {
    root: Option<&'a Path>,
}

impl Place<'_> {
    fn at(&self, path: &str) -> PathBuf {
        match self.root {
            Some(root) => root.join(path.trim_start_matches('/')),
            None => path.into(),
        }
    }

    fn init_script(&self, port: u16) -> PathBuf {
        self.at(&format!("/etc/init.d/redis_{port}"))
    }

    fn unit(&self, port: u16) -> PathBuf {
        self.at(&format!("/etc/systemd/system/redis_{port}.service"))
    }

    /// Whether a unit is of use; in a package it is.
    fn wants_unit(&self) -> bool {
        self.root.is_some() || register::is_systemd_running()
    }
}

/// Makes the directories and writes configuration, init script and unit.
fn write_files(
    answers: &Answers,
    options: &Options,
    place: &Place<'_>,
    out: &mut dyn Write,
) -> Result<(), Stop> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |_: io::Error| Stop::Failed(what)
    };
    let (config, log) = (place.at(&answers.config_file), place.at(&answers.log_file));
    for (directory, what) in [
        (config.parent().unwrap_or(Path::new(".")), "redis config directory"),
        (log.parent().unwrap_or(Path::new(".")), "redis log dir"),
        (&place.at(&answers.data_dir), "redis data directory"),
    ] {
        let made = std::fs::create_dir_all(directory);
        made.map_err(failed(&format!("Could not create {what}")))?;
    }
    let text = files::configuration(&template(options)?, answers);
    let what = format!("Could not write redis config file {}", answers.config_file);
    std::fs::write(&config, text).map_err(failed(&what))?;
    let (temporary, script) =
        (PathBuf::from(format!("/tmp/{}.conf", answers.port)), place.init_script(answers.port));
    let copied = copy_script(&files::init_script(answers), &temporary, &script);
    let what = format!("Could not copy redis init script to  {}", script.display());
    copied.map_err(failed(&what))?;
    writeln!(out, "Copied {} => {}", temporary.display(), script.display())?;
    if place.wants_unit() {
        let unit = place.unit(answers.port);
        let what = format!("Could not write unit {}", unit.display());
        let written =
            create_parent(&unit).and_then(|()| std::fs::write(&unit, files::unit(answers)));
        written.map_err(failed(&what))?;
        writeln!(out, "Created {}", unit.display())?;
    }
    Ok(())
}

fn template(options: &Options) -> Result<String, Stop> {
    match &options.template {
        Some(path) => std::fs::read_to_string(path).map_err(|_| Stop::NoTemplate),
        None => Ok(TEMPLATE.to_owned()),
    }
}

fn create_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}

/// Writes the script by way of a temporary file, as is told. The name is known to everybody, so the
/// file is only taken if it is new: no link of somebody else is followed.
fn copy_script(text: &str, temporary: &Path, script: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    create_parent(script)?;
    match std::fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::File::create_new(temporary)?;
    file.write_all(text.as_bytes())?;
    std::fs::copy(temporary, script)?;
    std::fs::remove_file(temporary)?;
    std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755))
}

/// The file of a program on the path.
fn on_path(name: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let files = std::env::split_paths(&path).map(|directory| directory.join(name));
    let found = files.into_iter().find(|file| is_executable(file.as_os_str()));
    found.map(|file| file.display().to_string())
}

fn is_executable(path: &OsStr) -> bool {
    let path = Path::new(path);
    path.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Options>, String> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options() {
        assert_eq!(parsed(""), Ok(Some(Options::default())));
        let options = Options { root: Some("/r".into()), template: Some("t".into()) };
        assert_eq!(parsed("--root /r --template t"), Ok(Some(options)));
        assert_eq!(parsed("--help"), Ok(None));
        assert_eq!(parsed("--root"), Err("--root needs a value".to_owned()));
        assert_eq!(parsed("x"), Err("there is no option 'x'".to_owned()));
    }

    #[test]
    fn a_link_of_somebody_else_is_not_followed() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("precious"), "data").expect("written");
        std::os::unix::fs::symlink(at("precious"), at("temporary")).expect("linked");
        copy_script("text", &at("temporary"), &at("etc/script")).expect("copied");
        assert_eq!(std::fs::read_to_string(at("precious")).expect("read"), "data");
        assert_eq!(std::fs::read_to_string(at("etc/script")).expect("read"), "text");
        assert!(!at("temporary").exists());
        assert!(is_executable(at("etc/script").as_os_str()));
        assert!(!is_executable(at("precious").as_os_str()));
    }
}
