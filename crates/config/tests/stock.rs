//! The redis.conf at the root of the repository.

use dunlin_config::{Config, Loaded, MemoryFiles, Mode, Parameter, Source, Text, load};

const STOCK: &str = include_str!("../../../redis.conf");

fn loaded(text: &str) -> Loaded {
    load(&[Source::Stdin(Text::from(text))], Mode::Server, &MemoryFiles::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Lines that installers and `sed` recipes of guides look for.
#[test]
fn lines_that_recipes_replace_are_there() {
    for line in [
        "bind 127.0.0.1 -::1",
        "# protected-mode yes",
        "port 6379",
        "tcp-backlog 511",
        "timeout 0",
        "tcp-keepalive 300",
        "daemonize no",
        "pidfile /var/run/redis_6379.pid",
        "loglevel notice",
        "logfile \"\"",
        "databases 16",
        "always-show-logo no",
        "set-proc-title yes",
        "dbfilename dump.rdb",
        "dir ./",
        "replica-serve-stale-data yes",
        "replica-read-only yes",
        "appendonly no",
        "appendfilename \"appendonly.aof\"",
        "appendfsync everysec",
        "hash-max-listpack-entries 512",
        "list-max-listpack-size -2",
        "zset-max-listpack-value 64",
        "client-output-buffer-limit normal 0 0 0",
        "client-output-buffer-limit replica 256mb 64mb 60",
        "client-output-buffer-limit pubsub 32mb 8mb 60",
        "hz 10",
        "# save 3600 1 300 100 60 10000",
        "# replicaof <masterip> <masterport>",
        "# requirepass foobared",
        "# masterauth <master-password>",
        "# maxmemory <bytes>",
        "# cluster-enabled yes",
        "# cluster-config-file nodes-6379.conf",
        "# cluster-node-timeout 15000",
    ] {
        assert_eq!(STOCK.lines().filter(|known| *known == line).count(), 1, "{line}");
    }
}

/// With or without its comments the file gives the defaults, except where it listens.
#[test]
fn the_file_holds_defaults() {
    let directives: Vec<&str> = STOCK.lines().filter(|line| !line.starts_with('#')).collect();
    for text in [STOCK.to_owned(), directives.join("\n")] {
        let loaded = loaded(&text);
        let defaults = Config::default();
        let differing: Vec<&str> = Parameter::all()
            .map(|parameter| parameter.name)
            .filter(|name| loaded.config.get(name.as_bytes()) != defaults.get(name.as_bytes()))
            .collect();
        assert_eq!(differing, ["bind", "protected-mode", "pidfile"]);
    }
}

/// A sample that loses its `#` must load.
#[test]
fn commented_samples_are_valid() {
    let sample = |line: &'static str| {
        let text = line.strip_prefix("# ")?;
        let name = text.split(' ').next()?;
        let is_parameter = Parameter::find(name.as_bytes()).is_some_and(|row| row.name == name);
        (is_parameter && !text.contains('<')).then_some(text)
    };
    let samples: Vec<&str> = STOCK.lines().filter_map(sample).collect();
    assert!(samples.len() > 90, "{}", samples.len());
    for text in samples {
        loaded(text);
    }
}

/// Every parameter that is shown is mentioned, as a directive or a sample.
#[test]
fn no_parameter_is_forgotten() {
    let mentioned = |name: &str| {
        STOCK.lines().any(|line| {
            let line = line.strip_prefix("# ").unwrap_or(line);
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' '))
        })
    };
    let forgotten: Vec<&str> = Parameter::all()
        .filter(|parameter| !parameter.class.contains(dunlin_config::Class::HIDDEN))
        .map(|parameter| parameter.name)
        .filter(|name| !mentioned(name))
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
