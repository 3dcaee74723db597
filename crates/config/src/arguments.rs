//! The command line of the server as configuration text.

use dunlin_stdx::words;

use crate::{Source, Text};

/// What a command line asks for, besides options such as `--version` that start no server.
///
/// `--port 7777 --replicaof host 6379`: each word that begins with `--` starts a line, the words
/// up to the next one are its values. A value may begin with `--` only directly after its name.
/// A first word without a leading `-` is the configuration file. `-` as first or last word asks
/// for configuration on standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The configuration file.
    pub config_file: Option<Text>,
    /// Whether standard input holds configuration.
    pub reads_stdin: bool,
    /// The options as lines of a configuration file.
    pub options: Text,
}

impl Arguments {
    /// Reads the words behind the program's name.
    pub fn parse(args: &[impl AsRef<[u8]>]) -> Arguments {
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        let mut parsed = Arguments::default();
        let mut first = 0;
        if let Some(file) = args.first().filter(|file| !file.starts_with(b"-")) {
            parsed.config_file = Some(Text::from(*file));
            first = 1;
        }
        let mut text = Vec::new();
        let mut may_start = true;
        for (place, arg) in args.iter().enumerate().skip(first) {
            let is_last = place + 1 == args.len();
            if *arg == b"-" && (place == 0 || is_last) {
                parsed.reads_stdin = true;
            } else if let (Some(line), true) = (arg.strip_prefix(b"--"), may_start) {
                if !text.is_empty() {
                    text.push(b'\n');
                }
                text.extend_from_slice(line);
                text.push(b' ');
                let next = args.get(place + 1).copied();
                may_start = ends_line(arg, next, &mut text);
            } else {
                words::quote(arg, &mut text);
                text.push(b' ');
                may_start = true;
            }
        }
        parsed.options = Text::from(text);
        parsed
    }

    /// The sources in their order of effect: file, standard input, options. `stdin` is what
    /// standard input held, if it was asked for.
    pub fn sources(&self, stdin: Option<Text>) -> Vec<Source> {
        let file = self.config_file.clone().map(Source::File);
        let options = (!self.options.is_empty()).then(|| Source::Arguments(self.options.clone()));
        [file, stdin.map(Source::Stdin), options].into_iter().flatten().collect()
    }

    /// Whether an option `--sentinel` asks for sentinel mode.
    pub fn asks_for_sentinel(args: &[impl AsRef<[u8]>]) -> bool {
        args.iter().any(|arg| arg.as_ref() == b"--sentinel")
    }
}

/// Whether the word behind the option `arg` may start a new line: the option holds its value
/// (`"--port 6380"`), or is one that may stand alone. `--save` alone stands for `--save ""`.
fn ends_line(arg: &[u8], next: Option<&[u8]>, text: &mut Vec<u8>) -> bool {
    if words::split(arg).is_ok_and(|words| words.len() != 1) {
        return true;
    }
    let stands_alone = next.is_none_or(|next| next.starts_with(b"--"));
    if stands_alone && arg.eq_ignore_ascii_case(b"--save") {
        text.extend_from_slice(b"\"\"");
        return true;
    }
    stands_alone && arg.eq_ignore_ascii_case(b"--sentinel")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str], options: &str) {
        let parsed = Arguments::parse(args);
        assert_eq!(parsed.options, options, "{args:?}");
    }

    #[test]
    fn words_up_to_the_next_option_are_its_values() {
        check(&[], "");
        check(&["--port", "7777"], "port \"7777\" ");
        check(
            &["--port", "7777", "--replicaof", "a", "1"],
            "port \"7777\" \nreplicaof \"a\" \"1\" ",
        );
        check(&["--port 6380", "--hz", "5"], "port 6380 \nhz \"5\" ");
        check(&["--requirepass", "--secret", "--hz", "5"], "requirepass \"--secret\" \nhz \"5\" ");
        check(&["--logfile", ""], "logfile \"\" ");
        check(&["--a", "x y", "q\"\\"], "a \"x y\" \"q\\\"\\\\\" ");
    }

    #[test]
    fn save_and_sentinel_may_stand_alone() {
        check(&["--save", "--port", "1"], "save \"\"\nport \"1\" ");
        check(&["--port", "1", "--save"], "port \"1\" \nsave \"\"");
        check(&["--sentinel", "--port", "1"], "sentinel \nport \"1\" ");
        check(&["--port", "1", "--sentinel"], "port \"1\" \nsentinel ");
        check(&["--save", "60", "1"], "save \"60\" \"1\" ");
    }

    #[test]
    fn first_word_is_the_file_and_a_lone_dash_is_stdin() {
        let parsed = Arguments::parse(&["a.conf", "--port", "1", "-"]);
        assert_eq!(parsed.config_file, Some(Text::from("a.conf")));
        assert!(parsed.reads_stdin);
        assert!(Arguments::parse(&["-", "--port", "1"]).reads_stdin);
        let middle = Arguments::parse(&["a.conf", "--logfile", "-", "--port", "1"]);
        assert!(!middle.reads_stdin);
        let order = Arguments::parse(&["a.conf", "--port", "1", "-"]).sources(Some("hz 1".into()));
        assert!(matches!(order[..], [Source::File(_), Source::Stdin(_), Source::Arguments(_)]));
    }

    #[test]
    fn sentinel_is_asked_for_anywhere() {
        assert!(Arguments::asks_for_sentinel(&["a.conf", "--sentinel"]));
        assert!(!Arguments::asks_for_sentinel(&["a.conf", "--port", "1"]));
    }
}
