//! Configuration: files, the command line, CONFIG SET and REWRITE, and what is refused.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use dunlin_testkit::server::is_dunlin;
use dunlin_testkit::{DEADLINE, Server, wait_for};

fn value_of(server: &Server, parameter: &str) -> String {
    let reply = server.client().cmd(&format!("CONFIG GET {parameter}")).items();
    assert_eq!(reply.len(), 2, "CONFIG GET {parameter}");
    reply[1].text()
}

/// The repository's own redis.conf.
fn stock_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../redis.conf")
}

#[test]
fn a_bad_line_is_named_with_its_number_and_reason() {
    for (lines, number, line, reason) in [
        ("port abc", 1, "port abc", "argument couldn't be parsed into an integer"),
        ("port 70000", 1, "port 70000", "argument must be between 0 and 65535 inclusive"),
        ("nosuch 1", 1, "nosuch 1", "Bad directive or wrong number of arguments"),
        ("\n# x\nport", 3, "port", "wrong number of arguments"),
        ("port 1 2", 1, "port 1 2", "wrong number of arguments"),
        ("appendonly maybe", 1, "appendonly maybe", "argument must be 'yes' or 'no'"),
        ("maxmemory 1xb", 1, "maxmemory 1xb", "argument must be a memory value"),
        ("save 60", 1, "save 60", "Invalid save parameters"),
        ("dir \"/tmp", 1, "dir \"/tmp", "Unbalanced quotes in configuration line"),
        (
            "appendfsync now",
            1,
            "appendfsync now",
            "argument(s) must be one of the following: everysec, always, no",
        ),
        (
            "client-output-buffer-limit nobody 1 2 3",
            1,
            "client-output-buffer-limit nobody 1 2 3",
            "Invalid client class specified in buffer limit configuration.",
        ),
        (
            "rename-command NOSUCH x",
            1,
            "rename-command NOSUCH x",
            "No such command in rename-command",
        ),
        (
            "rename-command GET SET",
            1,
            "rename-command GET SET",
            "Target command name already exists",
        ),
        (
            "sentinel monitor a b 1 2",
            1,
            "sentinel monitor a b 1 2",
            "sentinel directive while not in sentinel mode",
        ),
    ] {
        let done = Server::builder().without_defaults().config(lines).run();
        assert_eq!(done.end, "exit 1", "{lines}");
        let errors = done.stderr;
        assert!(errors.starts_with("\n*** FATAL CONFIG FILE ERROR (Redis 7.2."), "{errors}");
        let rest = errors.trim_start().split_once('\n').expect("more lines").1;
        assert_eq!(
            rest,
            format!("Reading the configuration file, at line {number}\n>>> '{line}'\n{reason}\n")
        );
    }
}

#[test]
fn a_missing_file_is_named() {
    let done = Server::builder().without_defaults().args(&["/nosuch/redis.conf"]).run();
    assert_eq!(done.end, "exit 1");
    let all = done.stdout + &done.stderr;
    assert!(
        all.contains(
            "Fatal error, can't open config file '/nosuch/redis.conf': No such file or directory"
        ),
        "{all}"
    );
    let done = Server::builder().without_defaults().config("include /nosuch/part.conf").run();
    assert_eq!(done.end, "exit 1");
    let all = done.stdout + &done.stderr;
    assert!(all.contains("can't open config file '/nosuch/part.conf'"), "{all}");
}

#[test]
fn an_unwritable_log_or_directory_is_named() {
    let done = Server::builder().config("logfile /nosuch/dir/log").run();
    assert_eq!(done.end, "exit 1");
    assert!(
        done.stderr.contains("Can't open the log file: No such file or directory"),
        "{}",
        done.stderr
    );
    let done = Server::builder().config("dir /nosuch/dir").run();
    assert_eq!(done.end, "exit 1");
    let all = done.stdout + &done.stderr;
    assert!(all.contains("No such file or directory"), "{all}");
}

#[test]
fn quotes_includes_repetition_and_globs() {
    let builder = Server::builder();
    fs::write(builder.dir().join("one.conf"), "maxmemory 1mb\nhz 20\n").expect("written");
    fs::create_dir(builder.dir().join("parts")).expect("made");
    fs::write(builder.dir().join("parts/a.conf"), "maxmemory-samples 7\n").expect("written");
    fs::write(builder.dir().join("parts/b.conf"), "maxmemory-samples 8\n").expect("written");
    let dir = builder.dir().display().to_string();
    let server = builder
        .config(&format!(
            "hz 15\ninclude {dir}/one.conf\ninclude {dir}/parts/*.conf\ninclude {dir}/none*.conf\n\
             MaxMemory 2mb\nrequirepass \"a \\x62\\tc\"\nproc-title-template 'it\\'s'\n\
             client-output-buffer-limit normal 1mb 2mb 3\n\
             client-output-buffer-limit pubsub 4 5 6\n\
             list-max-ziplist-entries 5\nhash-max-ziplist-entries 77"
        ))
        .start();
    let mut client = server.client();
    assert_eq!(client.show("AUTH \"a b\\tc\""), "OK");
    for (parameter, expected) in [
        ("maxmemory", "2097152"),
        ("hz", "20"),
        ("maxmemory-samples", "8"),
        ("proc-title-template", "it's"),
        ("hash-max-listpack-entries", "77"),
        (
            "client-output-buffer-limit",
            "normal 1048576 2097152 3 slave 268435456 67108864 60 pubsub 4 5 6",
        ),
    ] {
        let reply = client.cmd(&format!("CONFIG GET {parameter}")).items();
        assert_eq!(reply[1].text(), expected, "{parameter}");
    }
}

#[test]
fn file_then_input_then_options_and_the_last_wins() {
    let server = Server::builder()
        .config("hz 11\nmaxmemory-samples 3\ntimeout 100")
        .input("maxmemory-samples 4\ntimeout 200\n")
        .args(&["--timeout", "300", "--save", "60", "1", "--loglevel", "verbose", "-"])
        .start();
    assert_eq!(value_of(&server, "hz"), "11");
    assert_eq!(value_of(&server, "maxmemory-samples"), "4");
    assert_eq!(value_of(&server, "timeout"), "300");
    assert_eq!(value_of(&server, "save"), "60 1");
    assert_eq!(value_of(&server, "loglevel"), "verbose");
}

#[test]
fn options_in_every_form() {
    let server = Server::builder()
        .args(&["--hz 21", "--save", "--maxmemory-policy", "allkeys-lru", "--requirepass", "--x"])
        .start();
    let mut client = server.client();
    assert_eq!(client.show("AUTH --x"), "OK");
    assert_eq!(client.show("CONFIG GET hz"), "[hz, 21]");
    assert_eq!(client.show("CONFIG GET save"), "[save, ]");
    assert_eq!(client.show("CONFIG GET maxmemory-policy"), "[maxmemory-policy, allkeys-lru]");
    let done = Server::builder().args(&["--nosuch", "1"]).run();
    assert_eq!(done.end, "exit 1");
    assert!(done.stderr.contains(">>> 'nosuch \"1\"'"), "{}", done.stderr);
}

#[test]
fn the_stock_file_starts_also_without_its_comments() {
    let text = fs::read_to_string(stock_file()).expect("redis.conf");
    let bare: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty())
        .collect();
    for text in [text.clone(), bare.join("\n")] {
        let builder = Server::builder().without_defaults();
        let port = builder.port().to_string();
        let dir = builder.dir().display().to_string();
        let server = builder.config(&text).args(&["--port", &port, "--dir", &dir]).start();
        assert_eq!(value_of(&server, "port"), port);
        assert_eq!(value_of(&server, "tcp-backlog"), "511");
    }
    for line in [
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
        "appendonly no",
        "appendfilename \"appendonly.aof\"",
        "appendfsync everysec",
        "hz 10",
    ] {
        assert!(bare.contains(&line), "redis.conf has no line '{line}'");
    }
}

#[test]
fn rewrite_keeps_comments_and_order() {
    let server = Server::builder()
        .config("# about memory\nmaxmemory 1mb\n\nhz 10\n# end\nmaxmemory 2mb")
        .start();
    let before = fs::read_to_string(server.config_file()).expect("the file");
    let mut client = server.client();
    assert_eq!(client.show("CONFIG SET maxmemory 100mb timeout 5 requirepass \"a b\""), "OK");
    assert_eq!(client.show("CONFIG REWRITE"), "OK");
    let after = fs::read_to_string(server.config_file()).expect("the file");
    let lines: Vec<&str> = after.lines().collect();
    let at = lines.iter().position(|&line| line == "# about memory").expect("the comment");
    assert_eq!(&lines[at..at + 5], ["# about memory", "maxmemory 100mb", "", "hz 10", "# end"]);
    let made =
        lines.iter().position(|&line| line == "# Generated by CONFIG REWRITE").expect("mark");
    assert!(lines[made..].contains(&"timeout 5"), "{after}");
    assert!(lines[made..].contains(&"requirepass \"a b\""), "{after}");
    assert_eq!(after.matches("\nmaxmemory ").count(), 1, "{after}");
    assert!(before.lines().next() == after.lines().next(), "the first line stays");
    server.wait_for_log("CONFIG REWRITE executed with success.");
    assert_eq!(client.show("CONFIG REWRITE"), "OK");
    let again = fs::read_to_string(server.config_file()).expect("the file");
    assert_eq!(again.trim_end(), after.trim_end(), "it settles");
}

#[test]
fn a_rewritten_file_starts_the_same_server() {
    let mut server = Server::builder().start();
    let mut client = server.client();
    for line in [
        "CONFIG SET maxmemory 123456789 hz 33 save \"60 1 30 2\"",
        "CONFIG SET client-output-buffer-limit \"pubsub 1 2 3\" maxmemory-clients 5%",
        "CONFIG SET notify-keyspace-events KEA proc-title-template \"x {port}\"",
        "CONFIG REWRITE",
    ] {
        assert_eq!(client.show(line), "OK");
    }
    let all = |server: &Server| {
        let reply = server.client().cmd("CONFIG GET [a-ce-z]*").items();
        let mut pairs: Vec<String> =
            reply.chunks(2).map(|pair| format!("{} {}", pair[0], pair[1])).collect();
        pairs.sort();
        pairs
    };
    let before = all(&server);
    server.signal(nix::sys::signal::Signal::SIGKILL);
    server.wait_exit();
    server.start_again();
    assert_eq!(all(&server), before);
}

#[test]
fn rewrite_without_a_file_is_refused() {
    let builder = Server::builder().without_defaults();
    let port = builder.port().to_string();
    let server = builder.args(&["--port", &port, "--save", ""]).start();
    assert_eq!(
        server.client().show("CONFIG REWRITE"),
        "(error) ERR The server is running without a config file"
    );
}

#[test]
fn rewrite_into_a_read_only_directory_changes_nothing() {
    let builder = Server::builder().unprivileged().config("# mine");
    let server = builder.start();
    let folder = server.dir().to_owned();
    let mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode));
    mode(0o555).expect("read-only");
    let before = fs::read(server.config_file()).expect("the file");
    let mut client = server.client();
    assert_eq!(client.show("CONFIG SET hz 50"), "OK");
    let reply = client.show("CONFIG REWRITE");
    mode(0o755).expect("writable again");
    assert_eq!(reply, "(error) ERR Rewriting config file: Permission denied");
    assert_eq!(fs::read(server.config_file()).expect("the file"), before);
    assert_eq!(client.show("PING"), "PONG");
}

#[test]
fn rewrite_through_a_symlink() {
    let builder = Server::builder().without_defaults();
    let (port, dir) = (builder.port(), builder.dir().to_owned());
    fs::create_dir(dir.join("etc")).expect("made");
    let real = dir.join("etc/real.conf");
    fs::write(&real, format!("port {port}\ndir {}\nhz 10\n", dir.display())).expect("written");
    let link = dir.join("link.conf");
    symlink(&real, &link).expect("linked");
    let server = builder.args(&[&link.display().to_string()]).start();
    let mut client = server.client();
    assert_eq!(client.show("CONFIG SET hz 50"), "OK");
    assert_eq!(client.show("CONFIG REWRITE"), "OK");
    let seen = fs::read_to_string(&link).expect("still there");
    assert!(seen.contains("hz 50\n"), "{seen}");
    if is_dunlin() {
        let kind = fs::symlink_metadata(&link).expect("still there").file_type();
        assert!(kind.is_symlink(), "the link has become a file");
        assert_eq!(fs::read_to_string(&real).expect("the target"), seen);
    }
    let left = fs::read_dir(dir.join("etc")).expect("the folder").count();
    assert_eq!(left, 1, "temporary files are left beside the target");
}

#[test]
fn settings_take_effect_at_once() {
    let server = Server::start();
    let mut client = server.client();
    assert_eq!(client.show("CONFIG SET requirepass secret"), "OK");
    assert_eq!(server.client().show("GET k"), "(error) NOAUTH Authentication required.");
    assert_eq!(client.show("CONFIG SET requirepass \"\""), "OK");
    assert_eq!(server.client().show("GET k"), "(nil)");
    assert_eq!(client.show("CONFIG SET proc-title-template \"{title} is mine {port}\""), "OK");
    let title = format!("is mine {}", server.port());
    wait_for("the new title", DEADLINE, || server.process().title().ends_with(&title));
    assert_eq!(client.show("CONFIG SET slowlog-log-slower-than 0"), "OK");
    assert_eq!(client.show("PING"), "PONG");
    assert_ne!(client.show("SLOWLOG LEN"), "0");
}

#[test]
fn a_renamed_command_has_only_its_new_name() {
    let server =
        Server::builder().config("rename-command GET FETCH\nrename-command KEYS \"\"").start();
    let mut client = server.client();
    assert_eq!(client.show("SET k v"), "OK");
    assert_eq!(client.show("FETCH k"), "v");
    for gone in ["GET k", "KEYS *"] {
        assert!(client.show(gone).starts_with("(error) ERR unknown command"), "{gone}");
    }
}
