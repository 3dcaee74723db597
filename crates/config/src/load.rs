//! Reading configuration text: files, standard input, command line.

use dunlin_stdx::words;

use crate::error::{FatalConfigError, Origin, Problem};
use crate::loaded::{Directive, Loaded, Mode, Source, Warning};
use crate::parameter::{Class, Parameter, find_name};
use crate::value::Words;
use crate::{FileSource, Invalid, Text};

/// Files may include each other this deep: more is a circle.
const INCLUDE_DEPTH_MAX: usize = 32;

/// Names of old releases that are skipped with their one value.
const IGNORED: [&[u8]; 3] =
    [b"list-max-ziplist-entries", b"list-max-ziplist-value", b"lua-replicate-commands"];

/// Reads a configuration.
///
/// # Errors
/// The first problem. Nothing is kept of what was read before.
pub fn load(
    sources: &[Source],
    mode: Mode,
    files: &dyn FileSource,
) -> Result<Loaded, FatalConfigError> {
    let mut loader = Loader { loaded: Loaded::default(), mode, files };
    if mode == Mode::Sentinel {
        loader.loaded.config.network.port = 26379;
        loader.loaded.config.network.protected_mode = false;
    }
    let text = loader.joined(sources)?;
    loader.text(&text, None, 0)?;
    loader.finish();
    Ok(loader.loaded)
}

struct Loader<'a> {
    loaded: Loaded,
    mode: Mode,
    files: &'a dyn FileSource,
}

impl Loader<'_> {
    /// All sources as one text, so that lines are numbered as Redis does: options of the command
    /// line stand after an empty line.
    fn joined(&self, sources: &[Source]) -> Result<Vec<u8>, FatalConfigError> {
        let mut text = Vec::new();
        for source in sources {
            match source {
                Source::File(path) => {
                    for (_, content) in self.read(path)? {
                        text.extend_from_slice(&content);
                    }
                }
                Source::Stdin(content) => {
                    if !text.is_empty() && !text.ends_with(b"\n") {
                        text.push(b'\n');
                    }
                    text.extend_from_slice(content);
                }
                Source::Arguments(content) => {
                    text.push(b'\n');
                    text.extend_from_slice(content);
                }
            }
        }
        Ok(text)
    }

    /// The file at `path`, or the files that match it.
    fn read(&self, path: &Text) -> Result<Vec<(Text, Vec<u8>)>, FatalConfigError> {
        let is_pattern = path.iter().any(|byte| b"*?[".contains(byte));
        let paths = if is_pattern { self.files.matching(path) } else { vec![path.clone()] };
        paths
            .into_iter()
            .map(|path| match self.files.read(&path) {
                Ok(content) => Ok((path, content)),
                Err(reason) => {
                    let problem = Problem::CannotOpen { path, reason };
                    Err(FatalConfigError { origin: None, problem })
                }
            })
            .collect()
    }

    fn text(
        &mut self,
        text: &[u8],
        included: Option<&Text>,
        depth: usize,
    ) -> Result<(), FatalConfigError> {
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            let origin =
                Origin { included: included.cloned(), line: index + 1, text: Text::from(line) };
            self.line(&origin, depth)?;
        }
        self.check_whole().map_err(|problem| FatalConfigError { origin: None, problem })
    }

    fn line(&mut self, origin: &Origin, depth: usize) -> Result<(), FatalConfigError> {
        let fail = |problem| FatalConfigError::at(origin, problem);
        let split = words::split(&origin.text).map_err(|_| fail(Problem::UnbalancedQuotes))?;
        let words: Vec<&[u8]> = split.iter().map(Vec::as_slice).collect();
        let Some((name, values)) = words.split_first() else { return Ok(()) };
        if let Some(named) = find_name(name) {
            return self.assign(named.parameter, values).map_err(fail);
        }
        if let ([path], true) = (values, name.eq_ignore_ascii_case(b"include")) {
            if depth == INCLUDE_DEPTH_MAX {
                return Err(fail(Problem::IncludedTooDeep));
            }
            return self.include(&Text::from(*path), depth + 1);
        }
        self.keep(name, &words, origin).map_err(fail)
    }

    fn assign(&mut self, parameter: &'static Parameter, values: &[&[u8]]) -> Result<(), Problem> {
        if parameter.class.contains(Class::MULTI) {
            // `--save "60 1"`: several words in one argument.
            if let [one] = values
                && !one.is_empty()
            {
                let again = words::split(one).map_err(|_| Problem::UnbalancedQuotes)?;
                let again: Vec<&[u8]> = again.iter().map(Vec::as_slice).collect();
                return self.assign_words(parameter, &again);
            }
        } else if values.len() != 1 {
            return Err(Problem::Invalid(Invalid::ArgumentCount));
        }
        self.assign_words(parameter, values)
    }

    fn assign_words(
        &mut self,
        parameter: &'static Parameter,
        values: &[&[u8]],
    ) -> Result<(), Problem> {
        let adds = !self.loaded.explicit.insert(parameter.name);
        let words = Words { words: values, adds };
        let config = &mut self.loaded.config;
        (parameter.assign)(config, parameter, words).map_err(Problem::Invalid)?;
        if parameter.name == "dir" {
            let dir = self.files.enter(&config.persistence.dir);
            let refused = |reason| Problem::Invalid(Invalid::System(reason));
            config.persistence.dir = dir.map_err(refused)?;
        }
        Ok(())
    }

    fn include(&mut self, path: &Text, depth: usize) -> Result<(), FatalConfigError> {
        for (path, content) in self.read(path)? {
            self.text(&content, Some(&path), depth)?;
        }
        Ok(())
    }

    /// Directives that are no parameters.
    fn keep(&mut self, name: &[u8], words: &[&[u8]], origin: &Origin) -> Result<(), Problem> {
        let name = name.to_ascii_lowercase();
        let directive = || {
            let mut words: Vec<Text> = words.iter().map(|word| Text::from(*word)).collect();
            words[0] = Text::from(name.as_slice());
            Directive { words, origin: origin.clone() }
        };
        match (name.as_slice(), words.len()) {
            (ignored, 2) if IGNORED.contains(&ignored) => {}
            (b"rename-command", 3) => self.loaded.renamed_commands.push(directive()),
            (b"user", 2..) => self.loaded.users.push(directive()),
            (b"loadmodule", 2..) => self.loaded.modules.push(directive()),
            (module, count) if module.contains(&b'.') => {
                if count < 2 {
                    return Err(Problem::ModuleValueMissing);
                }
                let value = Text::from(words[1..].join(&b" "[..]));
                let values = &mut self.loaded.module_values;
                values.retain(|(known, _)| **known != *module);
                values.push((Text::from(module), value));
            }
            // What `--sentinel` on the command line leaves: the mode is decided before.
            (b"sentinel", 1) => {}
            (b"sentinel", _) if self.mode == Mode::Sentinel => {
                self.loaded.sentinel.push(directive());
            }
            (b"sentinel", _) => return Err(Problem::NotSentinel),
            _ => return Err(Problem::BadDirective),
        }
        Ok(())
    }

    /// Checks at the end of each file, as Redis does.
    fn check_whole(&self) -> Result<(), Problem> {
        let config = &self.loaded.config;
        if !config.logging.logfile.is_empty() {
            self.files.check_log(&config.logging.logfile).map_err(Problem::LogFile)?;
        }
        if config.cluster.cluster_enabled && config.replication.replicaof.0.is_some() {
            return Err(Problem::ReplicaOfInCluster);
        }
        Ok(())
    }

    /// Rules that look at several parameters.
    fn finish(&mut self) {
        let Loaded { config, explicit, warnings, .. } = &mut self.loaded;
        config.protected_mode_chosen = explicit.contains("protected-mode");
        config.clamp();
        if self.mode == Mode::Server && explicit.contains("bind") && !config.protected_mode_chosen {
            config.network.protected_mode = false;
            warnings.push(Warning::ProtectedModeOff);
        }
        let databases = &mut config.process.databases;
        if config.cluster.cluster_enabled && *databases > 1 {
            warnings.push(Warning::OneDatabaseInCluster(*databases));
            *databases = 1;
        }
        if !config.process.oom_score_adj_values.rises() {
            warnings.push(Warning::OomScoresFall);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryFiles;

    fn files() -> MemoryFiles {
        MemoryFiles::new(&[
            ("/etc/more.conf", "port 1\nhz 20\n"),
            ("/etc/bad.conf", "\nport abc"),
            ("/etc/circle.conf", "include /etc/circle.conf"),
            ("/etc/d/a.conf", "port 2"),
            ("/etc/d/b.conf", "port 3"),
        ])
    }

    fn loaded(text: &str) -> Result<Loaded, FatalConfigError> {
        load(&[Source::Stdin(Text::from(text))], Mode::Server, &files())
    }

    /// The message for a configuration that does not load, without header and place.
    fn message(text: &str) -> String {
        loaded(text).map(|_| "fine".to_owned()).unwrap_or_else(|error| error.problem.to_string())
    }

    #[test]
    fn lines_that_do_not_load_get_the_text_of_redis() {
        for (line, expected) in [
            ("bogus", "Bad directive or wrong number of arguments"),
            ("include a b", "Bad directive or wrong number of arguments"),
            ("user", "Bad directive or wrong number of arguments"),
            ("loadmodule", "Bad directive or wrong number of arguments"),
            ("port", "wrong number of arguments"),
            ("port 1 2", "wrong number of arguments"),
            ("replicaof a", "wrong number of arguments"),
            ("oom-score-adj-values 1 2", "wrong number of arguments"),
            ("port abc", "argument couldn't be parsed into an integer"),
            ("port +5", "argument couldn't be parsed into an integer"),
            ("port 05", "argument couldn't be parsed into an integer"),
            ("port \"\"", "argument couldn't be parsed into an integer"),
            ("timeout 99999999999999999999", "argument couldn't be parsed into an integer"),
            ("tls-port 70000", "argument must be between 0 and 65535 inclusive"),
            ("hz -1", "argument must be between 0 and 2147483647 inclusive"),
            ("maxclients -1", "argument must be between 1 and 4294967295 inclusive"),
            ("slowlog-max-len -1", "argument must be between 0 and 9223372036854775807 inclusive"),
            ("unixsocketperm 9", "argument couldn't be parsed as an octal number"),
            ("unixsocketperm 1000", "argument must be between 0 and 777 inclusive"),
            ("maxmemory 1.5gb", "argument must be a memory value"),
            ("maxmemory -1", "argument must be a memory value"),
            ("maxmemory-clients -1", "argument must be a memory or percent value"),
            ("maxmemory-clients %", "argument must be a memory or percent value"),
            ("maxmemory-clients 101%", "percentage argument must be less or equal to 100"),
            (
                "proto-max-bulk-len 5",
                "argument must be between 1048576 and 9223372036854775807 inclusive",
            ),
            ("protected-mode maybe", "argument must be 'yes' or 'no'"),
            (
                "appendfsync sometimes",
                "argument(s) must be one of the following: everysec, always, no",
            ),
            (
                "oom-score-adj foo",
                "argument(s) must be one of the following: no, yes, relative, absolute",
            ),
            (
                "shutdown-on-sigint a",
                "argument(s) must be one of the following: default, save, nosave, now, force",
            ),
            (
                "shutdown-on-sigint save nosave",
                "shutdown options SAVE and NOSAVE can't be used simultaneously",
            ),
            ("save 1", "Invalid save parameters"),
            ("save 0 1", "Invalid save parameters"),
            ("save 1 x", "Invalid save parameters"),
            (
                "client-output-buffer-limit normal 1 2",
                "Wrong number of arguments in buffer limit configuration.",
            ),
            (
                "client-output-buffer-limit master 1 2 3",
                "Invalid client class specified in buffer limit configuration.",
            ),
            (
                "client-output-buffer-limit normal x 2 3",
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            ),
            ("notify-keyspace-events Q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
            (
                "latency-tracking-info-percentiles x",
                "Invalid latency-tracking-info-percentiles parameters",
            ),
            (
                "latency-tracking-info-percentiles 100.1",
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
            ),
            (
                "oom-score-adj-values 1 2 9999",
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
            ),
            ("dbfilename a/b", "dbfilename can't be a path, just a filename"),
            ("appendfilename \"\"", "appendfilename can't be empty"),
            ("appenddirname a/b", "appenddirname can't be a path, just a dirname"),
            ("replicaof a x", "Invalid master port"),
            ("replicaof a 65536", "Invalid master port"),
            (
                "cluster-announce-hostname a_b",
                "Hostnames may only contain alphanumeric characters, hyphens or dots",
            ),
            (
                "cluster-announce-human-nodename a!",
                "Announced human node name contained invalid character",
            ),
            (
                "proc-title-template {nope}",
                "template format is invalid or contains unknown variables",
            ),
            (
                "bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
                "Too many bind addresses specified.",
            ),
            ("port \"1", "Unbalanced quotes in configuration line"),
            ("port \"1\"2", "Unbalanced quotes in configuration line"),
            ("foo.bar", "Module config specified without value"),
            ("sentinel monitor a b 1 2", "sentinel directive while not in sentinel mode"),
            ("logfile /missing/x", "Can't open the log file: No such file or directory"),
            ("dir /missing", "No such file or directory"),
            (
                "include /missing",
                "Fatal error, can't open config file '/missing': No such file or directory",
            ),
            ("include /etc/circle.conf", "Too many levels of include"),
            (
                "cluster-enabled yes\nreplicaof a 1",
                "replicaof directive not allowed in cluster mode",
            ),
        ] {
            assert_eq!(message(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_that_load() {
        for line in [
            "",
            "  # comment",
            "PORT 7",
            " port 7 \r",
            "port \"7\"",
            "maxmemory \"\"",
            "maxmemory 1GB",
            "bind",
            "save",
            "replicaof no one",
            "lua-replicate-commands yes",
            "list-max-ziplist-value 64",
            "sentinel",
            "include /missing/*.conf",
            "user default on nopass",
            "a.b c",
            "client-output-buffer-limit normal 0 0 0 slave 1mb 1mb 0",
        ] {
            assert_eq!(message(line), "fine", "{line}");
        }
    }

    #[test]
    fn error_block_names_line_and_text() {
        let error = loaded("\n  port abc  \n").unwrap_err();
        let block = "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nReading the configuration \
                     file, at line 2\n>>> 'port abc'\nargument couldn't be parsed into an integer";
        assert_eq!(error.to_string(), block);
        let error = loaded("logfile /missing/x").unwrap_err();
        let block = "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nCan't open the log file: No \
                     such file or directory";
        assert_eq!(error.to_string(), block);
        let error = loaded("port 1\ninclude /etc/bad.conf").unwrap_err();
        assert!(error.to_string().contains("at line 2\n>>> 'port abc'\n"));
        assert!(error.to_string().ends_with("\n(in the included file '/etc/bad.conf')"));
    }

    #[test]
    fn command_line_stands_after_an_empty_line() {
        let sources = [
            Source::File(Text::from("/etc/more.conf")),
            Source::Arguments(Text::from("hz 5\nport abc")),
        ];
        let error = load(&sources, Mode::Server, &files()).unwrap_err();
        assert_eq!(error.origin.map(|origin| origin.line), Some(5));
    }

    /// What CONFIG GET shows for `name` after `text`.
    fn check(text: &str, name: &str, expected: &str) {
        let loaded = loaded(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let value = loaded.config.get(name.as_bytes()).expect("a parameter");
        assert_eq!(String::from_utf8_lossy(&value), expected, "{text}");
    }

    #[test]
    fn later_lines_win_and_some_add_up() {
        check("port 1\nport 2", "port", "2");
        check("save 1 2\nsave 3 4", "save", "1 2 3 4");
        check("save 1 2\nsave \"\"\nsave 3 4", "save", "3 4");
        check("save \"\"", "save", "");
        check("save \"60 1\"", "save", "60 1");
        check("bind \"a b\"", "bind", "a b");
        check("bind \"\"", "bind", "");
        check(
            "client-output-buffer-limit replica 1 2 3\nclient-output-buffer-limit normal 4 5 6",
            "client-output-buffer-limit",
            "normal 4 5 6 slave 1 2 3 pubsub 33554432 8388608 60",
        );
        check("slave-read-only no", "replica-read-only", "no");
        check("hz 0", "hz", "1");
        check("hz 9999", "hz", "500");
        check("oom-score-adj relative", "oom-score-adj", "yes");
        check("shutdown-on-sigint force nosave", "shutdown-on-sigint", "nosave force");
        check("notify-keyspace-events g$lshzxetdKE", "notify-keyspace-events", "AKE");
        check("maxmemory-clients 5%", "maxmemory-clients", "5%");
        check("unixsocketperm 700", "unixsocketperm", "700");
        check(
            "latency-tracking-info-percentiles 99.95 50.0",
            "latency-tracking-info-percentiles",
            "99.95 50",
        );
        check("replicaof h 1\nreplicaof NO ONE", "replicaof", "");
    }

    #[test]
    fn includes_take_effect_where_they_stand() {
        check("port 9\ninclude /etc/more.conf", "port", "1");
        check("include /etc/more.conf\nport 9", "port", "9");
        check("include /etc/d/*.conf", "port", "3");
    }

    #[test]
    fn bind_alone_switches_protected_mode_off() {
        check("port 1", "protected-mode", "yes");
        check("bind 10.0.0.1", "protected-mode", "no");
        check("bind 10.0.0.1\nprotected-mode yes", "protected-mode", "yes");
        check("protected-mode yes\nbind 10.0.0.1", "protected-mode", "yes");
        let loaded = loaded("bind 10.0.0.1").expect("loads");
        assert_eq!(loaded.warnings, [Warning::ProtectedModeOff]);
        assert!(loaded.explicit.contains("bind"));
    }

    #[test]
    fn directives_of_others_are_kept() {
        let loaded = loaded(
            "rename-command FLUSHALL \"\"\nuser a on\nuser b off\nloadmodule /m.so 1 2\nm.x 1 2\n\
             m.x 3\n",
        )
        .expect("loads");
        assert_eq!(loaded.renamed_commands[0].words, ["rename-command", "FLUSHALL", ""]);
        assert_eq!(loaded.users.len(), 2);
        assert_eq!(loaded.users[1].origin.line, 3);
        assert_eq!(loaded.modules[0].words, ["loadmodule", "/m.so", "1", "2"]);
        assert_eq!(loaded.module_values, [(Text::from("m.x"), Text::from("3"))]);
    }

    #[test]
    fn cluster_mode_has_one_database() {
        let loaded = loaded("cluster-enabled yes").expect("loads");
        assert_eq!(loaded.config.process.databases, 1);
        assert_eq!(
            loaded.warnings[0].to_string(),
            "WARNING: Changing databases number from 16 to 1 since we are in cluster mode"
        );
    }

    #[test]
    fn sentinel_mode_has_its_own_port_and_lines() {
        let text = Text::from("sentinel monitor m h 1 2\nsentinel myid x\n");
        let loaded = load(&[Source::Stdin(text)], Mode::Sentinel, &files()).expect("loads");
        assert_eq!(loaded.config.network.port, 26379);
        assert!(!loaded.config.network.protected_mode);
        assert_eq!(loaded.sentinel.len(), 2);
    }
}
