//! The server's log: standard output or a file, and syslog.

use std::fmt::{self, Display};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

use dunlin_config::{Config, LogLevel};
use dunlin_reactor::{LocalTime, local_time};

use crate::syslog::Syslog;

/// Who speaks, as the letter behind the process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Role {
    /// A process that is not (yet) the server: before it is set up, or a child.
    Starting = b'C',
    Primary = b'M',
    Replica = b'S',
}

/// The log. Clones write to the same place.
#[derive(Clone)]
pub(crate) struct Log(Arc<Shared>);

struct Shared {
    role: AtomicU8,
    pid: AtomicU32,
    settings: RwLock<Settings>,
}

struct Settings {
    level: LogLevel,
    /// `None` for standard output.
    file: Option<PathBuf>,
    syslog: Option<Syslog>,
}

const fn importance(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 0,
        LogLevel::Verbose => 1,
        LogLevel::Notice => 2,
        LogLevel::Warning => 3,
        LogLevel::Nothing => 4,
    }
}

const fn mark(level: LogLevel) -> char {
    match level {
        LogLevel::Debug => '.',
        LogLevel::Verbose => '-',
        LogLevel::Notice => '*',
        LogLevel::Warning | LogLevel::Nothing => '#',
    }
}

pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `20 Nov 2026 10:54:10.471`
struct Stamp(LocalTime, u32);

impl Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(time, millisecond) = self;
        let month = MONTHS.get(usize::from(time.month).wrapping_sub(1)).unwrap_or(&"???");
        let LocalTime { year, day, hour, minute, second, .. } = time;
        write!(f, "{day:02} {month} {year} {hour:02}:{minute:02}:{second:02}.{millisecond:03}")
    }
}

fn format_line(pid: u32, role: char, stamp: &Stamp, level: LogLevel, message: &str) -> String {
    format!("{pid}:{role} {stamp} {} {message}\n", mark(level))
}

impl Log {
    /// A log to standard output at level notice.
    pub(crate) fn new() -> Self {
        let settings = Settings { level: LogLevel::Notice, file: None, syslog: None };
        Self(Arc::new(Shared {
            role: AtomicU8::new(Role::Starting as u8),
            pid: AtomicU32::new(std::process::id()),
            settings: RwLock::new(settings),
        }))
    }

    /// Takes level and place from the configuration.
    pub(crate) fn configure(&self, config: &Config) {
        let logging = &config.logging;
        let mut settings = self.settings_mut();
        settings.level = logging.loglevel;
        let path = logging.logfile.as_path();
        // Absolute, because `dir` may change while the server runs.
        let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        settings.file = (!logging.logfile.is_empty()).then(absolute);
        settings.syslog = logging
            .syslog_enabled
            .then(|| Syslog::new(&logging.syslog_ident.to_str_lossy(), logging.syslog_facility));
    }

    /// Changes the level alone, as CONFIG SET loglevel does.
    pub(crate) fn set_level(&self, level: LogLevel) {
        self.settings_mut().level = level;
    }

    pub(crate) fn set_role(&self, role: Role) {
        self.0.role.store(role as u8, Ordering::Relaxed);
    }

    /// After a fork: this process has another id.
    pub(crate) fn refresh_pid(&self) {
        self.0.pid.store(std::process::id(), Ordering::Relaxed);
    }

    /// The file that is logged to, `None` for standard output.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.settings().file.clone()
    }

    pub(crate) fn verbose(&self, message: impl Display) {
        self.write(LogLevel::Verbose, &message);
    }

    pub(crate) fn notice(&self, message: impl Display) {
        self.write(LogLevel::Notice, &message);
    }

    pub(crate) fn warning(&self, message: impl Display) {
        self.write(LogLevel::Warning, &message);
    }

    /// Logs at a level that is known at run time only.
    pub(crate) fn write(&self, level: LogLevel, message: &dyn Display) {
        let settings = self.settings();
        if importance(level) < importance(settings.level) {
            return;
        }
        let message = message.to_string();
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let since_epoch = since_epoch.unwrap_or_default();
        let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(0);
        let stamp = Stamp(local_time(seconds), since_epoch.subsec_millis());
        let role = char::from(self.0.role.load(Ordering::Relaxed));
        let pid = self.0.pid.load(Ordering::Relaxed);
        settings.emit(&format_line(pid, role, &stamp, level, &message));
        if let Some(syslog) = &settings.syslog {
            syslog.send(level, pid, &stamp.0, &message);
        }
    }

    /// Text without time and level, such as the logo; it counts as a notice.
    pub(crate) fn raw(&self, text: &str) {
        let settings = self.settings();
        if importance(settings.level) <= importance(LogLevel::Notice) {
            settings.emit(text);
        }
    }

    /// A line of the signal thread, which has its own form: `<pid>:signal-handler (<unix time>)`.
    pub(crate) fn signal(&self, message: &str) {
        let settings = self.settings();
        if importance(settings.level) > importance(LogLevel::Warning) {
            return;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = now.unwrap_or_default().as_secs();
        let pid = self.0.pid.load(Ordering::Relaxed);
        settings.emit(&format!("{pid}:signal-handler ({seconds}) {message}\n"));
    }

    fn settings(&self) -> std::sync::RwLockReadGuard<'_, Settings> {
        self.0.settings.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn settings_mut(&self) -> std::sync::RwLockWriteGuard<'_, Settings> {
        self.0.settings.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Settings {
    /// Writes in one piece. The file is opened each time, so that it can be renamed away by
    /// whoever rotates logs. There is nowhere to report that a log cannot be written.
    fn emit(&self, text: &str) {
        let _ = match &self.file {
            None => {
                let mut out = std::io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
            Some(path) => OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .and_then(|mut file| file.write_all(text.as_bytes())),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_usual_form() {
        let time = LocalTime { year: 2026, month: 11, day: 5, hour: 1, minute: 2, second: 3 };
        let line = format_line(77, 'M', &Stamp(time, 9), LogLevel::Notice, "Server initialized");
        assert_eq!(line, "77:M 05 Nov 2026 01:02:03.009 * Server initialized\n");
        assert_eq!(
            [LogLevel::Debug, LogLevel::Verbose, LogLevel::Warning].map(mark),
            ['.', '-', '#']
        );
    }

    #[test]
    fn files_can_be_rotated_and_levels_hold() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("server.log");
        let mut config = Config::default();
        config.logging.logfile = path.to_str().expect("utf-8").into();
        let log = Log::new();
        log.configure(&config);
        log.notice("first");
        log.verbose("not shown");
        std::fs::rename(&path, dir.path().join("server.log.1")).expect("rename");
        log.set_level(LogLevel::Debug);
        log.write(LogLevel::Debug, &"second");
        log.set_level(LogLevel::Nothing);
        log.warning("not shown");
        log.raw("not shown");
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("read");
        assert!(read("server.log.1").ends_with(" * first\n"));
        assert!(read("server.log").ends_with(" . second\n"));
        assert_eq!(read("server.log").lines().count(), 1);
    }
}
