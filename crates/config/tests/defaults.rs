//! Names, defaults and classes against what Redis 7.2 answers to CONFIG GET *.

use dunlin_config::{Class, Config, Parameter};

/// One line per name: the name, a blank, the value. `dir` is left out (it is where the recorded
/// server ran); `port` is the default's.
const RECORDED: &str = include_str!("recorded/config_get_7.2.txt");

#[test]
fn names_and_defaults_are_those_of_redis() {
    let shown = Config::default().matching(&[b"*"]);
    let lines: Vec<String> = shown
        .iter()
        .map(|(name, value)| {
            format!("{} {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        })
        .filter(|line| !line.starts_with("dir "))
        .collect();
    let mut recorded: Vec<&str> = RECORDED.lines().collect();
    recorded.sort_unstable_by_key(|line| line.split(' ').next());
    assert_eq!(lines, recorded);
}

#[test]
fn hidden_parameters_are_known() {
    let hidden: Vec<&str> = Parameter::all()
        .filter(|parameter| parameter.class.contains(Class::HIDDEN))
        .map(|parameter| parameter.name)
        .collect();
    assert_eq!(
        hidden,
        [
            "rdb-version",
            "snapshot-buffer-limit",
            "snapshot-spill-limit",
            "snapshot-overflow",
            "snapshot-min-rate",
            "repl-backlog-max-size",
            "repl-spill-limit",
            "cluster-seeds",
            "use-exit-on-panic",
            "aof-disable-auto-gc",
            "req-res-logfile",
            "client-default-resp",
            "rdb-key-save-delay",
            "key-load-delay",
            "watchdog-period",
            "cluster-ping-interval",
            "loading-process-events-interval-bytes",
        ]
    );
}
