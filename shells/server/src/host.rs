//! What commands may ask of the process.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use dunlin_commands::{CpuTimes, Crash, Host, MemoryFigures, NotApplied, ProcessFacts};
use dunlin_config::{Changes, Config, LogLevel};
use dunlin_reactor::{ListenerControl, os_error_text};
use dunlin_stdx::time::UnixMs;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::limits;
use crate::listening::{NotListening, listen_tcp};
use crate::log::{Log, Role};
use crate::memory::MemoryGauge;
use crate::nodes_conf::NodesConf;
use crate::title::Title;
use crate::tuning::OomScore;

/// The process, as commands see it.
pub(crate) struct ProcessHost {
    pub(crate) log: Log,
    pub(crate) memory: MemoryGauge,
    pub(crate) facts: ProcessFacts,
    pub(crate) listeners: ListenerControl,
    pub(crate) title: Option<Title>,
    pub(crate) oom_score: OomScore,
    /// What the node of a cluster keeps.
    pub(crate) nodes_conf: Option<NodesConf>,
    /// Set to let the loop end.
    pub(crate) stops: Rc<Cell<bool>>,
}

impl Host for ProcessHost {
    fn log(&mut self, level: LogLevel, line: &str) {
        self.log.write(level, &line);
    }

    fn used_memory_bytes(&self) -> u64 {
        self.memory.used_bytes()
    }

    fn memory(&self) -> MemoryFigures {
        let stats = self.memory.allocator().stats();
        MemoryFigures {
            resident_set_bytes: resident_set_bytes(),
            system_bytes: system_bytes(),
            allocated_bytes: stats.allocated_bytes,
            active_bytes: stats.active_bytes,
            resident_bytes: stats.resident_bytes,
            retained_bytes: stats.retained_bytes,
        }
    }

    fn allocator_report(&self) -> String {
        self.memory.allocator().report()
    }

    fn purge_memory(&mut self) {
        self.memory.allocator().purge();
    }

    fn process(&self) -> ProcessFacts {
        self.facts.clone()
    }

    fn cpu_times(&self) -> CpuTimes {
        let times = |usage: nix::Result<Usage>| {
            usage.map_or((0, 0), |u| (time_us(u.user_time()), time_us(u.system_time())))
        };
        let (user_us, system_us) = times(getrusage(UsageWho::RUSAGE_SELF));
        let (main_thread_user_us, main_thread_system_us) = times(thread_usage());
        CpuTimes { user_us, system_us, main_thread_user_us, main_thread_system_us }
    }

    fn apply_config(&mut self, config: &Config, changes: &Changes) -> Result<(), NotApplied> {
        let names = || changes.iter().map(|change| change.parameter.name);
        for (done, name) in names().enumerate() {
            if let Err(reason) = self.follow(name, config) {
                for name in names().take(done) {
                    // The old values were in force a moment ago.
                    let _ = self.follow(name, changes.previous());
                }
                return Err(NotApplied { parameter: name, reason });
            }
        }
        Ok(())
    }

    fn working_directory(&self) -> Option<PathBuf> {
        std::env::current_dir().ok()
    }

    fn read_config_file(&self) -> Result<Option<Vec<u8>>, String> {
        let Some(path) = &self.facts.config_file else { return Ok(None) };
        match fs::read(path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Vec::new())),
            Err(error) => Err(os_error_text(&error)),
        }
    }

    fn replace_config_file(&mut self, content: &[u8]) -> Result<(), String> {
        let Some(path) = &self.facts.config_file else { return Ok(()) };
        replace_file(path, content).map_err(|error| os_error_text(&error))
    }

    fn save_nodes_conf(&mut self, text: &str, fsync: bool) -> Result<(), String> {
        match &mut self.nodes_conf {
            Some(conf) => conf.save(text, fsync),
            None => Ok(()),
        }
    }

    fn role_changed(&mut self, is_replica: bool) {
        self.log.set_role(if is_replica { Role::Replica } else { Role::Primary });
    }

    fn stop(&mut self) {
        self.stops.set(true);
    }

    fn sleep(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn crash(&mut self, how: Crash, now: UnixMs) {
        match how {
            Crash::SegmentationFault => {
                // Without the signal there is nothing left to try.
                let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSEGV);
            }
            Crash::Panic => panic!("DEBUG PANIC called at Unix time {}", now.seconds()),
            Crash::Assertion => {
                self.log.warning("=== ASSERTION FAILED ===");
                self.log.warning("==> debug.rs 'what DEBUG ASSERT asserts' is not true");
                std::process::abort();
            }
            Crash::OutOfMemory => {
                self.log.warning("Out Of Memory allocating 9223372036854775807 bytes!");
                std::process::abort();
            }
        }
    }
}

impl ProcessHost {
    /// Makes the process follow one parameter.
    fn follow(&mut self, name: &str, config: &Config) -> Result<(), String> {
        match name {
            "loglevel" => self.log.set_level(config.logging.loglevel),
            "proc-title-template" => self.show_title(config),
            "port" => self.listen(config, "Unable to listen on this port. Check server logs.")?,
            "bind" => self.listen(config, "Failed to bind to specified addresses.")?,
            "dir" => std::env::set_current_dir(config.persistence.dir.as_path())
                .map_err(|error| os_error_text(&error))?,
            "maxclients" => fit_clients(config.network.maxclients, &self.log)?,
            "oom-score-adj" | "oom-score-adj-values" => {
                self.oom_score.apply(config, false).map_err(|error| {
                    self.log.warning(format_args!(
                        "Unable to write oom_score_adj: {}",
                        os_error_text(&error)
                    ));
                    "Failed to set current oom_score_adj. Check server logs.".to_owned()
                })?;
            }
            // Everything else is read from the configuration where it counts.
            _ => {}
        }
        Ok(())
    }

    fn listen(&self, config: &Config, refusal: &str) -> Result<(), String> {
        listen_tcp(config, &self.listeners, &self.log)
            .map_err(|NotListening| refusal.to_owned())?;
        self.show_title(config);
        Ok(())
    }

    fn show_title(&self, config: &Config) {
        if let Some(title) = &self.title {
            title.show(config);
        }
    }
}

/// Raises the limit of open files for more clients, or says how many would fit.
fn fit_clients(maxclients: u32, log: &Log) -> Result<(), String> {
    match limits::raise_open_files(maxclients, log) {
        Ok(possible) if possible >= maxclients => Ok(()),
        Ok(possible) => Err(format!(
            "The operating system is not able to handle the specified number of clients, try \
             with {possible}"
        )),
        Err(limits::TooFewFiles(reason)) => Err(reason),
    }
}

fn time_us(time: TimeVal) -> u64 {
    u64::try_from(time.num_microseconds()).unwrap_or(0)
}

#[cfg(target_os = "linux")]
fn thread_usage() -> nix::Result<Usage> {
    getrusage(UsageWho::RUSAGE_THREAD)
}

#[cfg(not(target_os = "linux"))]
fn thread_usage() -> nix::Result<Usage> {
    getrusage(UsageWho::RUSAGE_SELF)
}

/// Resident set of this process; 0 where the system does not tell.
///
/// Source: proc(5), `/proc/pid/statm`, second field, in pages.
fn resident_set_bytes() -> u64 {
    let Ok(text) = fs::read_to_string("/proc/self/statm") else { return 0 };
    let pages = text.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
}

/// Physical memory of the machine; 0 where the system does not tell.
#[cfg(target_os = "linux")]
fn system_bytes() -> u64 {
    use nix::unistd::SysconfVar;
    sysconf(SysconfVar::_PHYS_PAGES) * sysconf(SysconfVar::PAGE_SIZE)
}

/// Physical memory of the machine: not asked for here.
#[cfg(not(target_os = "linux"))]
fn system_bytes() -> u64 {
    0
}

fn sysconf(variable: nix::unistd::SysconfVar) -> u64 {
    let value = nix::unistd::sysconf(variable).ok().flatten();
    value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0)
}

/// Replaces a file in one step: at any moment, and after a crash, it has its old or its new
/// content. A symbolic link stays, and what it points to is replaced.
fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    /// Mode of a file that did not exist.
    const MODE: u32 = 0o644;
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = fs::metadata(&path).map_or(MODE, |metadata| metadata.permissions().mode());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!("-{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.set_permissions(fs::Permissions::from_mode(mode & 0o7777))?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
        return written;
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_behind_links() {
        let dir = tempfile::tempdir().expect("dir");
        let (real, link) = (dir.path().join("real.conf"), dir.path().join("link.conf"));
        fs::write(&real, "old").expect("write");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).expect("mode");
        std::os::unix::fs::symlink(&real, &link).expect("symlink");
        replace_file(&link, b"new").expect("replace");
        assert!(link.is_symlink());
        assert_eq!(fs::read(&real).expect("read"), b"new");
        assert_eq!(fs::metadata(&real).expect("metadata").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 2);
        let missing = dir.path().join("no/such.conf");
        assert_eq!(
            os_error_text(&replace_file(&missing, b"x").expect_err("no directory")),
            "No such file or directory"
        );
    }

    #[test]
    fn the_system_tells_about_memory() {
        assert!(resident_set_bytes() > 100_000);
        assert!(system_bytes() > resident_set_bytes());
    }
}
