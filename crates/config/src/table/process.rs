//! Rows: the process and its place in the operating system.

use super::{INT_MAX, group, integer};
use crate::Text;
use crate::parameter::Kind;
use crate::value::{OomScoreAdj, OomScores, ShutdownOptions, Supervised};

group! {
    /// The process and its place in the operating system.
    process: Process {
        /// Whether to run in the background.
        "daemonize" => daemonize: bool = "no", Kind::Flag, IMMUTABLE;

        /// Which supervisor hears that the server is ready.
        "supervised" => supervised: Supervised = "no", Kind::Choice(Supervised::NAMES), IMMUTABLE;

        /// File that holds the process id while the server runs; empty for none (a daemon then
        /// uses /var/run/redis.pid).
        "pidfile" => pidfile: Text = "\"\"", Kind::Optional, IMMUTABLE;

        /// Whether the process shows what it is in the list of processes.
        "set-proc-title" => set_proc_title: bool = "yes", Kind::Flag, IMMUTABLE;

        /// What the process shows there; variables: {title} {listen-addr} {server-mode} {port}
        /// {tls-port} {unixsocket} {config-file}.
        "proc-title-template" => proc_title_template: Text =
            "\"{title} {listen-addr} {server-mode}\"", Kind::TitleTemplate;

        /// Whether the start-up logo is logged even when the output is no terminal.
        "always-show-logo" => always_show_logo: bool = "no", Kind::Flag, IMMUTABLE;

        /// How often per second periodic work runs, 1 to 500; values outside are moved there.
        "hz" => hz: u32 = "10", integer(0, INT_MAX);

        /// Whether that frequency rises with the number of clients.
        "dynamic-hz" => dynamic_hz: bool = "yes", Kind::Flag;

        /// CPUs of the command and I/O threads, such as 0-3,8; empty for all.
        "server_cpulist" => server_cpulist: Text = "\"\"", Kind::Optional, IMMUTABLE;

        /// CPUs of the background threads; empty for all.
        "bio_cpulist" => bio_cpulist: Text = "\"\"", Kind::Optional, IMMUTABLE;

        /// CPUs of the rewrite of the append-only file; empty for all.
        "aof_rewrite_cpulist" => aof_rewrite_cpulist: Text = "\"\"", Kind::Optional, IMMUTABLE;

        /// CPUs of snapshot writing; empty for all.
        "bgsave_cpulist" => bgsave_cpulist: Text = "\"\"", Kind::Optional, IMMUTABLE;

        /// Seconds that a shutdown waits for replicas to catch up.
        "shutdown-timeout" => shutdown_timeout: u32 = "10", integer(0, INT_MAX);

        /// What SIGINT does: default, or save or nosave, now, force.
        "shutdown-on-sigint" => shutdown_on_sigint: ShutdownOptions = "default",
            Kind::Words("default | [save | nosave] [now] [force]"), MULTI;

        /// What SIGTERM does: default, or save or nosave, now, force.
        "shutdown-on-sigterm" => shutdown_on_sigterm: ShutdownOptions = "default",
            Kind::Words("default | [save | nosave] [now] [force]"), MULTI;

        /// Whether the kernel's out-of-memory score is set, and how.
        "oom-score-adj" => oom_score_adj: OomScoreAdj = "no", Kind::Choice(OomScoreAdj::NAMES);

        /// Scores of a primary, a replica and a background child, -2000 to 2000, not falling.
        "oom-score-adj-values" => oom_score_adj_values: OomScores = "0 200 800",
            Kind::Words("primary replica child"), MULTI;

        /// Whether transparent huge pages are switched off for this process.
        "disable-thp" => disable_thp: bool = "yes", Kind::Flag, IMMUTABLE;

        /// Names of start-up warnings that do not stop the process.
        "ignore-warnings" => ignore_warnings: Text = "\"\"", Kind::Text;

        /// Locale in which SORT ALPHA compares; empty for that of the environment.
        "locale-collate" => locale_collate: Text = "\"\"", Kind::Text;

        /// How many databases SELECT can choose from; 1 in cluster mode.
        "databases" => databases: u32 = "16", integer(1, INT_MAX), IMMUTABLE;

        /// Milliseconds after which a running script answers BUSY to other clients; 0 never.
        "busy-reply-threshold" | "lua-time-limit" => busy_reply_threshold: u64 = "5000",
            integer(0, super::LONG_MAX);
    }
}
