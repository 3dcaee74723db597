//! What a command may ask of the server beyond keyspace, clients and parameters.

use std::path::PathBuf;
use std::time::Duration;

use dunlin_config::{Changes, Config, LogLevel};
use dunlin_stdx::time::UnixMs;

/// The process around a node, and what it knows of itself.
///
/// Each method is one narrow question or wish. Except for the log, the answers given here are
/// those of a node without a process: in tests and in the simulator.
pub trait Host {
    /// Writes a line to the server's log.
    fn log(&mut self, level: LogLevel, line: &str);

    /// Writes a line to the server's log at level notice.
    fn log_notice(&mut self, line: &str) {
        self.log(LogLevel::Notice, line);
    }

    /// Bytes that the program holds: exact, and cheap enough for every write.
    fn used_memory_bytes(&self) -> u64 {
        0
    }

    /// All figures about memory. Costs microseconds.
    fn memory(&self) -> MemoryFigures {
        MemoryFigures::default()
    }

    /// The allocator's own report, for people (MEMORY MALLOC-STATS); empty if it has none.
    fn allocator_report(&self) -> String {
        String::new()
    }

    /// Gives unused memory back to the system (MEMORY PURGE).
    fn purge_memory(&mut self) {}

    /// What does not change while the process runs.
    fn process(&self) -> ProcessFacts {
        ProcessFacts::default()
    }

    /// CPU time used so far.
    fn cpu_times(&self) -> CpuTimes {
        CpuTimes::default()
    }

    /// Makes the process follow parameters that changed: listens elsewhere, changes directory,
    /// log level, title and so on.
    ///
    /// # Errors
    /// The first change that the system refuses; all others are taken back, and `config` is to be
    /// reverted by the caller.
    fn apply_config(&mut self, config: &Config, changes: &Changes) -> Result<(), NotApplied> {
        let _ = (config, changes);
        Ok(())
    }

    /// The process's working directory, which `dir` shows; `None` without a process.
    fn working_directory(&self) -> Option<PathBuf> {
        None
    }

    /// The content of the configuration file (CONFIG REWRITE); `None` if the server runs without
    /// one, empty if it is gone.
    ///
    /// # Errors
    /// The system's words.
    fn read_config_file(&self) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    /// Replaces the configuration file in one step.
    ///
    /// # Errors
    /// The system's words; the file is as it was.
    fn replace_config_file(&mut self, content: &[u8]) -> Result<(), String> {
        let _ = content;
        Ok(())
    }

    /// Replaces nodes.conf in one step, and brings it to disk if `fsync`.
    ///
    /// # Errors
    /// A line for the log; the file is as it was.
    fn save_nodes_conf(&mut self, text: &str, fsync: bool) -> Result<(), String> {
        let _ = (text, fsync);
        Ok(())
    }

    /// The server follows a primary from now on, or nobody: the log says so in each line.
    fn role_changed(&mut self, is_replica: bool) {
        let _ = is_replica;
    }

    /// Ends the process once this turn's replies are written.
    fn stop(&mut self) {}

    /// Keeps the command thread from working for a while (DEBUG SLEEP).
    fn sleep(&mut self, duration: Duration) {
        let _ = duration;
    }

    /// Ends the process as a fault would (DEBUG SEGFAULT and others); returns only where there is
    /// none.
    fn crash(&mut self, how: Crash, now: UnixMs) {
        let _ = (how, now);
    }
}

/// A fault of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// An access to memory that is not there.
    SegmentationFault,
    /// The program found itself in a state that it does not know.
    Panic,
    /// A condition that must hold does not.
    Assertion,
    /// An allocation that cannot be served.
    OutOfMemory,
}

/// A parameter whose new value the system refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotApplied {
    /// Name of the parameter.
    pub parameter: &'static str,
    /// The reason, as CONFIG SET reports it.
    pub reason: String,
}

/// Memory as allocator and system see it, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryFigures {
    /// Resident set of the process.
    pub resident_set_bytes: u64,
    /// Physical memory of the machine.
    pub system_bytes: u64,
    /// Handed out by the allocator.
    pub allocated_bytes: u64,
    /// In the allocator's pages that hold such memory.
    pub active_bytes: u64,
    /// In the allocator's physical pages.
    pub resident_bytes: u64,
    /// Given back to the system, address space kept.
    pub retained_bytes: u64,
}

/// What INFO tells of the process itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessFacts {
    /// Process id.
    pub pid: u32,
    /// System, release and machine, as in `Linux 6.1.0 x86_64`.
    pub system: String,
    /// Path of the program.
    pub executable: String,
    /// The configuration file, if there is one.
    pub config_file: Option<PathBuf>,
    /// Name and version of the allocator.
    pub allocator: String,
    /// The system's readiness interface: `epoll`, `kqueue`.
    pub multiplexing_api: &'static str,
    /// Where the monotonic clock is read.
    pub monotonic_clock: String,
    /// Forty hexadecimal digits, new at each start.
    pub run_id: String,
    /// The supervisor in charge: `no`, `upstart`, `systemd`.
    pub supervisor: &'static str,
}

/// CPU time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTimes {
    /// In user mode, all threads.
    pub user_us: u64,
    /// In the kernel, all threads.
    pub system_us: u64,
    /// In user mode, the command thread alone.
    pub main_thread_user_us: u64,
    /// In the kernel, the command thread alone.
    pub main_thread_system_us: u64,
}
