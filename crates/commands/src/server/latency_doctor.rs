//! LATENCY DOCTOR: what was slow, and what helps.
//!
//! The texts are those of 7.2, which people search the web for. Those about `fork` are left out:
//! there is none here.

use std::fmt::Write;

use dunlin_config::Config;
use dunlin_metrics::{EventHistory, LatencyMonitor};

const DISABLED: &str = "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n";

const NOTHING_SEEN: &str = "Dave, no latency spike was observed during the lifetime of this Redis instance, not in the slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n";

const SEEN: &str = "Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, do you Dave?\n\n";

const NO_ADVICE: &str = "\nWhile there are latency events logged, I'm not able to suggest any easy fix. Please use the Redis community to get some help, providing this report in your help request.\n";

const ADVICE: &str = "\nI have a few advices for you:\n\n";

/// Something that may help, in the order in which advice is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Advice {
    EnableSlowLog,
    TuneSlowLog,
    InspectSlowLog,
    Scheduler,
    LocalDisk,
    Ssd,
    DataWriteback,
    DiskContention,
    NoAppendFsync,
    RelaxFsync,
    WriteLoad,
    HigherHz,
    LargeObjects,
    MassEviction,
}

/// The report on what the monitor has seen; `now` is in seconds since the Unix epoch.
pub(super) fn report(monitor: &LatencyMonitor, config: &Config, now: i64) -> String {
    let events = monitor.events();
    if events.is_empty() {
        let disabled = config.logging.latency_monitor_threshold == 0;
        return if disabled { DISABLED } else { NOTHING_SEEN }.to_owned();
    }
    let mut text = SEEN.to_owned();
    let mut advice = Vec::new();
    for (index, event) in events.iter().enumerate() {
        describe(&mut text, index + 1, event, now);
        advice.extend(advice_on(event.name(), config));
    }
    if advice.is_empty() {
        return text + NO_ADVICE;
    }
    advice.sort_unstable();
    advice.dedup();
    text.push_str(ADVICE);
    for advice in advice {
        text.push_str(&words(advice, config));
    }
    text
}

fn describe(text: &mut String, number: usize, event: &EventHistory, now: i64) {
    let summary = event.summary(now);
    let period = summary.period_seconds as f64 / summary.samples.max(1) as f64;
    let line = writeln!(
        text,
        "{number}. {}: {} latency spikes (average {}ms, mean deviation {}ms, period {period:.2} sec). Worst all time event {}ms.",
        event.name(),
        summary.samples,
        summary.mean_ms,
        summary.deviation_ms,
        event.max_ms(),
    );
    line.expect("a String takes any text");
}

/// What may help against spikes of an event.
fn advice_on(event: &str, config: &Config) -> Vec<Advice> {
    use Advice::*;
    match event {
        "command" => {
            let mut advice = vec![InspectSlowLog, LargeObjects];
            advice.extend(advice_on_slow_log(config));
            advice
        }
        "fast-command" => vec![Scheduler],
        "aof-write-pending-fsync" => vec![LocalDisk, DiskContention, Ssd, DataWriteback],
        "aof-write-active-child" => vec![NoAppendFsync, DataWriteback, Ssd],
        "aof-write-alone" => vec![LocalDisk, DataWriteback, Ssd],
        "aof-fsync-always" => vec![RelaxFsync],
        "aof-fstat" | "rdb-unlink-temp-file" => vec![DiskContention, LocalDisk],
        "aof-rewrite-diff-write" | "aof-rename" => vec![WriteLoad, DataWriteback, Ssd, LocalDisk],
        "expire-cycle" if config.process.hz < 100 => vec![HigherHz, LargeObjects],
        "expire-cycle" | "eviction-del" => vec![LargeObjects],
        "eviction-cycle" => vec![MassEviction],
        _ => Vec::new(),
    }
}

/// Whether the slow log shows the commands whose latency the monitor records.
fn advice_on_slow_log(config: &Config) -> Option<Advice> {
    let threshold_ms = config.logging.latency_monitor_threshold;
    match u64::try_from(config.logging.slowlog_log_slower_than) {
        Err(_) => Some(Advice::EnableSlowLog),
        Ok(us) if us / 1000 > threshold_ms => Some(Advice::TuneSlowLog),
        Ok(_) => None,
    }
}

fn words(advice: Advice, config: &Config) -> String {
    let threshold_us = config.logging.latency_monitor_threshold.saturating_mul(1000);
    match advice {
        Advice::EnableSlowLog => format!("- There are latency issues with potentially slow commands you are using. Try to enable the Slow Log Redis feature using the command 'CONFIG SET slowlog-log-slower-than {threshold_us}'. If the Slow log is disabled Redis is not able to log slow commands execution for you.\n"),
        Advice::TuneSlowLog => format!("- Your current Slow Log configuration only logs events that are slower than your configured latency monitor threshold. Please use 'CONFIG SET slowlog-log-slower-than {threshold_us}'.\n"),
        Advice::InspectSlowLog => "- Check your Slow Log to understand what are the commands you are running which are too slow to execute. Please check https://redis.io/commands/slowlog for more information.\n".to_owned(),
        Advice::Scheduler => concat!(
            "- The system is slow to execute Redis code paths not containing system calls. This usually means the system does not provide Redis CPU time to run for long periods. You should try to:\n",
            "  1) Lower the system load.\n",
            "  2) Use a computer / VM just for Redis if you are running other software in the same system.\n",
            "  3) Check if you have a \"noisy neighbour\" problem.\n",
            "  4) Check with 'redis-cli --intrinsic-latency 100' what is the intrinsic latency in your system.\n",
            "  5) Check if the problem is allocator-related by recompiling Redis with MALLOC=libc, if you are using Jemalloc. However this may create fragmentation problems.\n",
        ).to_owned(),
        Advice::LocalDisk => "- It is strongly advised to use local disks for persistence, especially if you are using AOF. Remote disks provided by platform-as-a-service providers are known to be slow.\n".to_owned(),
        Advice::Ssd => "- SSD disks are able to reduce fsync latency, and total time needed for snapshotting and AOF log rewriting (resulting in smaller memory usage). With extremely high write load SSD disks can be a good option. However Redis should perform reasonably with high load using normal disks. Use this advice as a last resort.\n".to_owned(),
        Advice::DataWriteback => "- Mounting ext3/4 filesystems with data=writeback can provide a performance boost compared to data=ordered, however this mode of operation provides less guarantees, and sometimes it can happen that after a hard crash the AOF file will have a half-written command at the end and will require to be repaired before Redis restarts.\n".to_owned(),
        Advice::DiskContention => "- Try to lower the disk contention. This is often caused by other disk intensive processes running in the same computer (including other Redis instances).\n".to_owned(),
        Advice::NoAppendFsync => "- Assuming from the point of view of data safety this is viable in your environment, you could try to enable the 'no-appendfsync-on-rewrite' option, so that fsync will not be performed while there is a child rewriting the AOF file or producing an RDB file (the moment where there is high disk contention).\n".to_owned(),
        Advice::RelaxFsync => "- Your fsync policy is set to 'always'. It is very hard to get good performances with such a setup, if possible try to relax the fsync policy to 'onesec'.\n".to_owned(),
        Advice::WriteLoad => "- Latency during the AOF atomic rename operation or when the final difference is flushed to the AOF file at the end of the rewrite, sometimes is caused by very high write load, causing the AOF buffer to get very large. If possible try to send less commands to accomplish the same work, or use Lua scripts to group multiple operations into a single EVALSHA call.\n".to_owned(),
        Advice::HigherHz => "- In order to make the Redis keys expiring process more incremental, try to set the 'hz' configuration parameter to 100 using 'CONFIG SET hz 100'.\n".to_owned(),
        Advice::LargeObjects => "- Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you have very large objects that are often deleted, expired, or evicted, try to fragment those objects into multiple smaller objects.\n".to_owned(),
        Advice::MassEviction => "- Sudden changes to the 'maxmemory' setting via 'CONFIG SET', or allocation of large objects via sets or sorted sets intersections, STORE option of SORT, Redis Cluster large keys migrations (RESTORE command), may create sudden memory pressure forcing the server to block trying to evict keys. \n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(events: &[&'static str], slower_than: i64, threshold_ms: u64, expected: &[&str]) {
        let mut config = Config::default();
        config.logging.slowlog_log_slower_than = slower_than;
        config.logging.latency_monitor_threshold = threshold_ms;
        let mut monitor = LatencyMonitor::default();
        for event in events {
            monitor.record(event, 100, 30);
        }
        let text = report(&monitor, &config, 120);
        let mut rest = text.as_str();
        for part in expected {
            let at = rest.find(part).unwrap_or_else(|| panic!("no {part:?} in {rest}"));
            rest = &rest[at + part.len()..];
        }
    }

    #[test]
    fn the_report_follows_what_was_seen() {
        check(&[], 10_000, 0, &["I'm sorry, Dave"]);
        check(&[], 10_000, 1, &["no latency spike was observed"]);
        check(
            &["while-blocked-cron"],
            10_000,
            1,
            &[
                "1. while-blocked-cron: 1 latency spikes (average 30ms, mean deviation 0ms, period 20.00 sec). Worst all time event 30ms.\n",
                "not able to suggest",
            ],
        );
        let tune = "'CONFIG SET slowlog-log-slower-than 5000'";
        check(&["command"], 10_000, 5, &[tune, "Check your Slow Log", "large objects"]);
        check(&["command"], -1, 5, &["Try to enable the Slow Log", tune]);
        check(&["fast-command", "command"], 1, 5, &["1. fast-", "2. comm", "Check", "5) Check"]);
    }
}
