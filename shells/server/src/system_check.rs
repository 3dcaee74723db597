//! What of this machine would let a server run better. Nothing here stops it.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::log::Log;

const OVERCOMMIT: &str = "/proc/sys/vm/overcommit_memory";
const HUGE_PAGES: &str = "/sys/kernel/mm/transparent_hugepage/enabled";
const SOMAXCONN: &str = "/proc/sys/net/core/somaxconn";
const CLOCK: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// A clock read slower than this costs a noticeable part of a request.
const SLOW_CLOCK_NS: u128 = 500;

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Ok,
    /// Not to be told on this system.
    Skipped,
    Warning(String),
}

/// `--check-system`: prints every check; exit code 1 if one warns.
pub(crate) fn report() -> ExitCode {
    let checks = [
        ("slow-clocksource", clock_speed()),
        ("xen-clocksource", read(CLOCK).map_or(Outcome::Skipped, |clock| xen_clock(&clock))),
        ("overcommit", read(OVERCOMMIT).map_or(Outcome::Skipped, |value| overcommit(&value))),
        ("THP", read(HUGE_PAGES).map_or(Outcome::Skipped, |_| Outcome::Ok)),
    ];
    let mut code = ExitCode::SUCCESS;
    for (name, outcome) in checks {
        match outcome {
            Outcome::Ok => println!("[{name}]...OK"),
            Outcome::Skipped => println!("[{name}]...skipped"),
            Outcome::Warning(text) => {
                println!("[{name}]...WARNING:\n{text}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// Logs at start what would help: memory overcommit.
pub(crate) fn warn_about_memory(log: &Log) {
    if let Some(Outcome::Warning(text)) = read(OVERCOMMIT).map(|value| overcommit(&value)) {
        log.warning(format_args!("WARNING {text}"));
    }
}

/// Logs at start when the configured accept queue is longer than the system allows.
pub(crate) fn warn_about_backlog(backlog: i32, log: &Log) {
    let limit = read(SOMAXCONN).and_then(|value| value.parse::<i32>().ok());
    if let Some(limit) = limit.filter(|&limit| limit > 0 && limit < backlog) {
        log.warning(format_args!(
            "WARNING: The TCP backlog setting of {backlog} cannot be enforced because {SOMAXCONN} \
             is set to the lower value of {limit}."
        ));
    }
}

/// Whether huge pages are used for every process that does not refuse them.
pub(crate) fn huge_pages_are_always_on() -> bool {
    read(HUGE_PAGES).is_some_and(|value| value.contains("[always]"))
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn overcommit(value: &str) -> Outcome {
    if value == "1" {
        return Outcome::Ok;
    }
    Outcome::Warning(format!(
        "Memory overcommit is not enabled (vm.overcommit_memory = {value}). dunlin never forks, \
         so saving and replication do not depend on it; but under low memory the system may \
         refuse an allocation that would fit. To allow it, add 'vm.overcommit_memory = 1' to \
         /etc/sysctl.conf and run the command 'sysctl vm.overcommit_memory=1'."
    ))
}

fn xen_clock(clock: &str) -> Outcome {
    if clock != "xen" {
        return Outcome::Ok;
    }
    Outcome::Warning(
        "The system uses the 'xen' clocksource, which may be slow. See the outcome of \
         [slow-clocksource]."
            .to_owned(),
    )
}

/// Reads the clock for 10 ms and looks at the average.
fn clock_speed() -> Outcome {
    let start = Instant::now();
    let mut reads = 0_u128;
    while start.elapsed() < Duration::from_millis(10) {
        reads += 1;
    }
    let each_ns = start.elapsed().as_nanos() / reads.max(1);
    if each_ns < SLOW_CLOCK_NS {
        return Outcome::Ok;
    }
    Outcome::Warning(format!(
        "Reading the system clock takes {each_ns} ns, which degrades performance. Current \
         clocksource: {}. If 'tsc' is available, run the command 'echo tsc > {CLOCK}' as root.",
        read(CLOCK).unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_system_are_judged() {
        assert_eq!(overcommit("1"), Outcome::Ok);
        assert!(matches!(overcommit("0"), Outcome::Warning(text) if text.contains("= 0)")));
        assert_eq!(xen_clock("tsc"), Outcome::Ok);
        assert!(matches!(xen_clock("xen"), Outcome::Warning(_)));
    }
}
