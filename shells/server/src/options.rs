//! What the command line asks for.

use std::ffi::OsString;

/// Asked for by the first word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Version,
    Help,
    /// The amount, if one was given.
    TestMemory(Option<String>),
    CheckSystem,
    /// A server, with all words as configuration.
    Serve,
}

/// Reads the words behind the program's name.
pub(crate) fn parse(arguments: &[OsString]) -> Request {
    let Some(first) = arguments.first() else { return Request::Serve };
    match first.to_string_lossy().as_ref() {
        "-v" | "--version" => Request::Version,
        "-h" | "--help" => Request::Help,
        "--test-memory" => {
            let amount = (arguments.len() == 2).then(|| arguments[1].to_string_lossy());
            Request::TestMemory(amount.map(std::borrow::Cow::into_owned))
        }
        "--check-system" => Request::CheckSystem,
        _ => Request::Serve,
    }
}

/// The text of `--help`.
pub(crate) fn usage(program: &str) -> String {
    format!(
        "\
Usage: {program} [/path/to/redis.conf] [options] [-]
       {program} - (read config from stdin)
       {program} -v or --version
       {program} -h or --help
       {program} --test-memory <megabytes>
       {program} --check-system

Examples:
       {program} (run the server with default conf)
       echo 'maxmemory 128mb' | {program} -
       {program} /etc/redis/6379.conf
       {program} --port 7777
       {program} /etc/myredis.conf --loglevel verbose
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: &Request) {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        assert_eq!(parse(&words), *expected, "{words:?}");
    }

    #[test]
    fn first_words() {
        check(&[], &Request::Serve);
        check(&["-v"], &Request::Version);
        check(&["--version"], &Request::Version);
        check(&["-h"], &Request::Help);
        check(&["--test-memory", "10"], &Request::TestMemory(Some("10".into())));
        check(&["--test-memory"], &Request::TestMemory(None));
        check(&["--check-system"], &Request::CheckSystem);
        check(&["-"], &Request::Serve);
        check(&["a.conf", "--version"], &Request::Serve);
        check(&["--port", "1"], &Request::Serve);
    }

    #[test]
    fn usage_names_the_program() {
        assert!(usage("./redis-server").starts_with("Usage: ./redis-server [/path/to/redis.conf]"));
    }
}
