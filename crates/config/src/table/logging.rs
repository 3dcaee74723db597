//! Rows: the log, and what is recorded about slow commands and events.

use super::{LONG_MAX, group, integer};
use crate::Text;
use crate::parameter::Kind;
use crate::value::{KeyspaceEvents, LogLevel, Percentiles, SyslogFacility};

group! {
    /// The log, and what is recorded about slow commands and events.
    logging: Logging {
        /// The least important messages that are still logged.
        "loglevel" => loglevel: LogLevel = "notice", Kind::Choice(LogLevel::NAMES);

        /// File to log to; empty for standard output.
        "logfile" => logfile: Text = "\"\"", Kind::Text, IMMUTABLE;

        /// Whether to log to syslog too.
        "syslog-enabled" => syslog_enabled: bool = "no", Kind::Flag, IMMUTABLE;

        /// Name of this server in syslog.
        "syslog-ident" => syslog_ident: Text = "redis", Kind::Text, IMMUTABLE;

        /// Facility of the syslog messages.
        "syslog-facility" => syslog_facility: SyslogFacility = "local0",
            Kind::Choice(SyslogFacility::NAMES), IMMUTABLE;

        /// Whether a crash leaves a report in the log.
        "crash-log-enabled" => crash_log_enabled: bool = "yes", Kind::Flag;

        /// Whether that report includes a quick test of memory.
        "crash-memcheck-enabled" => crash_memcheck_enabled: bool = "yes", Kind::Flag;

        /// Microseconds from which a command enters the slow log; 0 for every command, -1 for none.
        "slowlog-log-slower-than" => slowlog_log_slower_than: i64 = "10000",
            integer(-1, LONG_MAX);

        /// How many commands the slow log remembers.
        "slowlog-max-len" => slowlog_max_len: u64 = "128", integer(0, LONG_MAX);

        /// Milliseconds from which LATENCY records an event; 0 records none.
        "latency-monitor-threshold" => latency_monitor_threshold: u64 = "0",
            integer(0, LONG_MAX);

        /// Whether the latency of each command is counted.
        "latency-tracking" => latency_tracking: bool = "yes", Kind::Flag;

        /// Percentiles of that latency which INFO shows, 0 to 100.
        "latency-tracking-info-percentiles" => latency_tracking_info_percentiles: Percentiles =
            "50 99 99.9", Kind::Words("percentile ..."), MULTI;

        /// Classes of keyspace events that are published, one letter each: K E, and g $ l s h z
        /// x e t d n m or A.
        "notify-keyspace-events" => notify_keyspace_events: KeyspaceEvents = "\"\"",
            Kind::Words("letters of KEg$lshzxetdmnA");
    }
}
