//! The process's place in the operating system: huge pages, out-of-memory score, CPUs.

use std::io;

use dunlin_config::{Config, OomScoreAdj};
use dunlin_reactor::os_error_text;

use crate::log::Log;
use crate::system_check;

const OOM_SCORE: &str = "/proc/self/oom_score_adj";

/// Takes the place in the system that the configuration asks for; what cannot be had is logged.
pub(crate) fn settle(config: &Config, log: &Log) -> OomScore {
    disable_huge_pages(config, log);
    let mut oom_score = OomScore::new();
    oom_score.apply_or_warn(config, false, log);
    if let Err(reason) = set_cpu_affinity(&config.process.server_cpulist.to_str_lossy()) {
        log.warning(format_args!("Unable to set server_cpulist: {reason}"));
    }
    oom_score
}

/// Switches transparent huge pages off for this process, if that is wanted and they are on.
#[cfg(target_os = "linux")]
fn disable_huge_pages(config: &Config, log: &Log) {
    if !config.process.disable_thp || !system_check::huge_pages_are_always_on() {
        return;
    }
    if let Err(errno) = nix::sys::prctl::set_thp_disable(true) {
        log.warning(format_args!(
            "WARNING Transparent Huge Pages (THP) are enabled in this kernel and could not be \
             switched off for this process ({}). Memory may be used less tightly. To switch them \
             off, run the command 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled' as \
             root, or set 'disable-thp no' to use them.",
            errno.desc()
        ));
    }
}

/// Switches transparent huge pages off for this process: other systems have none.
#[cfg(not(target_os = "linux"))]
fn disable_huge_pages(_: &Config, _: &Log) {
    let _ = system_check::huge_pages_are_always_on;
}

/// Sets the out-of-memory score of the process.
pub(crate) struct OomScore {
    /// The score that the process was started with.
    at_start: i32,
    is_set: bool,
}

impl OomScore {
    pub(crate) fn new() -> Self {
        let at_start = std::fs::read_to_string(OOM_SCORE)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        Self { at_start, is_set: false }
    }

    /// Applies `oom-score-adj` for a process of this role.
    ///
    /// # Errors
    /// The system does not let the score be set.
    pub(crate) fn apply(&mut self, config: &Config, is_replica: bool) -> io::Result<()> {
        let values = &config.process.oom_score_adj_values;
        let value = if is_replica { values.replica } else { values.primary };
        let score = match config.process.oom_score_adj {
            OomScoreAdj::No if !self.is_set => return Ok(()),
            OomScoreAdj::No => self.at_start,
            OomScoreAdj::Relative => self.at_start.saturating_add(value),
            OomScoreAdj::Absolute => value,
        };
        std::fs::write(OOM_SCORE, score.clamp(-1000, 1000).to_string())?;
        self.is_set = config.process.oom_score_adj != OomScoreAdj::No;
        Ok(())
    }

    /// Like [`OomScore::apply`], with failure in the log.
    pub(crate) fn apply_or_warn(&mut self, config: &Config, is_replica: bool, log: &Log) {
        if let Err(error) = self.apply(config, is_replica) {
            log.warning(format_args!("Unable to write oom_score_adj: {}", os_error_text(&error)));
        }
    }
}

/// Binds this thread, and those it starts later, to the CPUs of a list.
#[cfg(target_os = "linux")]
fn set_cpu_affinity(list: &str) -> Result<(), String> {
    use nix::sched::{CpuSet, sched_setaffinity};
    if list.is_empty() {
        return Ok(());
    }
    let cpus = parse_cpu_list(list).ok_or_else(|| "not a list of CPUs".to_owned())?;
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(cpu).map_err(|errno| errno.desc().to_owned())?;
    }
    sched_setaffinity(nix::unistd::Pid::from_raw(0), &set).map_err(|errno| errno.desc().to_owned())
}

/// Binds this thread to the CPUs of a list: not possible here.
#[cfg(not(target_os = "linux"))]
fn set_cpu_affinity(_: &str) -> Result<(), String> {
    Ok(())
}

/// The CPUs of a list such as `0,2-3` or `0-7:2` (every second one).
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn parse_cpu_list(list: &str) -> Option<Vec<usize>> {
    /// More CPUs than any list names.
    const CPUS_MAX: usize = 4096;
    let mut cpus = Vec::new();
    for part in list.split(',') {
        let (range, step) = part.split_once(':').unwrap_or((part, "1"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.trim().parse::<usize>().ok().filter(|&n| n < CPUS_MAX);
        let step = number(step).filter(|&step| step > 0)?;
        cpus.extend((number(first)?..=number(last)?).step_by(step));
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists() {
        assert_eq!(parse_cpu_list("0"), Some(vec![0]));
        assert_eq!(parse_cpu_list("0,2-4"), Some(vec![0, 2, 3, 4]));
        assert_eq!(parse_cpu_list("0-7:2, 9"), Some(vec![0, 2, 4, 6, 9]));
        for bad in ["a", "1-", "", "0-3:0", "99999"] {
            assert_eq!(parse_cpu_list(bad), None, "{bad}");
        }
    }
}
