//! Properties: rewriting keeps the configuration, quoting is undone by reading, nothing panics.

use dunlin_config::{
    Arguments, Config, Kind, Loaded, MemoryFiles, Mode, Parameter, RewriteState, SetContext,
    Source, Text, load,
};
use proptest::prelude::*;

fn read(text: &[u8]) -> Option<Loaded> {
    load(&[Source::Stdin(Text::from(text))], Mode::Server, &MemoryFiles::default()).ok()
}

/// Values that `parameter` is likely to take.
fn value_of(parameter: &'static Parameter) -> BoxedStrategy<String> {
    let number = |min: i128, max: i128| {
        prop_oneof![min..=max, Just(min), Just(max)].prop_map(|number| number.to_string()).boxed()
    };
    match parameter.kind {
        Kind::Flag => prop_oneof![Just("yes".to_owned()), Just("no".to_owned())].boxed(),
        Kind::Integer { min, max } => number(min, max),
        Kind::Bytes { min, max } => prop_oneof![
            number(min, max),
            (1..20_u32, prop::sample::select(vec!["gb", "m", "KB"]))
                .prop_map(|(size, unit)| format!("{size}{unit}")),
        ]
        .boxed(),
        Kind::BytesOrPercent => prop_oneof![Just("7%".to_owned()), number(0, 1 << 40)].boxed(),
        Kind::Octal { max } => (0..=max).prop_map(|number| format!("{number:o}")).boxed(),
        Kind::Choice(names) => prop::sample::select(names).prop_map(str::to_owned).boxed(),
        Kind::Words(_) => words_of(parameter.name),
        Kind::Hostname | Kind::NodeName | Kind::BaseName { .. } => "[a-z.-]{1,9}".boxed(),
        Kind::TitleTemplate => prop_oneof![Just("{title} x".to_owned()), "[a-z '\"]{1,9}"].boxed(),
        Kind::Text | Kind::Optional | Kind::Directory => "[ -~\\n\\té\\x00]{0,12}".boxed(),
    }
}

fn words_of(name: &str) -> BoxedStrategy<String> {
    let samples: &[&str] = match name {
        "bind" => &["127.0.0.1 -::1", "* -::*", "\"\"", "a"],
        "client-output-buffer-limit" => &["normal 1 2kb 3", "slave 0 0 0 pubsub 1gb 2 3"],
        "shutdown-on-sigint" | "shutdown-on-sigterm" => &["default", "save now", "nosave force"],
        "oom-score-adj-values" => &["0 200 800", "-3 0 9"],
        "latency-tracking-info-percentiles" => &["\"\"", "50", "0.1 99.123456789 100"],
        "notify-keyspace-events" => &["\"\"", "KEA", "Kg$", "AmnE"],
        "save" => &["\"\"", "1 2 3 4", "60 0"],
        "replicaof" => &["no one", "host 6379", "::1 0"],
        name => panic!("values for {name}"),
    };
    prop::sample::select(samples).prop_map(str::to_owned).boxed()
}

/// A line `name value`; words with a syntax of their own stand unquoted.
fn line() -> impl Strategy<Value = String> {
    let parameters: Vec<&'static Parameter> = Parameter::all().collect();
    prop::sample::select(parameters).prop_flat_map(|parameter| {
        let name = prop_oneof![Just(parameter.name), Just(parameter.alias.unwrap_or("hz"))];
        let name =
            if parameter.alias.is_some() { name.boxed() } else { Just(parameter.name).boxed() };
        (name, value_of(parameter)).prop_map(move |(name, value)| {
            if matches!(parameter.kind, Kind::Words(_)) {
                return format!("{name} {value}");
            }
            let mut quoted = Vec::new();
            dunlin_stdx::words::quote(value.as_bytes(), &mut quoted);
            format!("{name} {}", String::from_utf8_lossy(&quoted))
        })
    })
}

fn file() -> impl Strategy<Value = String> {
    let other = prop_oneof![
        Just(String::new()),
        "# [a-z]{0,9}",
        Just("lua-replicate-commands yes".to_owned()),
    ];
    let lines = prop::collection::vec(prop_oneof![6 => line().boxed(), 1 => other.boxed()], 0..20);
    (lines, any::<bool>()).prop_map(|(lines, ends)| lines.join("\n") + if ends { "\n" } else { "" })
}

proptest! {
    #[test]
    fn a_rewritten_file_reads_the_same(text in file()) {
        let Some(before) = read(text.as_bytes()) else { return Ok(()) };
        let state = RewriteState::default();
        let new = before.config.rewrite(text.as_bytes(), &state);
        let after = read(&new);
        prop_assert!(after.is_some(), "{}", String::from_utf8_lossy(&new));
        let after = after.expect("checked").config;
        for parameter in Parameter::all() {
            let name = parameter.name.as_bytes();
            prop_assert_eq!(after.get(name), before.config.get(name), "{}", parameter.name);
        }
        // As in Redis, the first line break at the end becomes an empty line on the next turn.
        let once_more = after.rewrite(&new, &state);
        prop_assert_eq!(once_more.trim_ascii_end(), new.trim_ascii_end());
    }

    #[test]
    fn what_is_shown_can_be_set(text in file()) {
        let Some(loaded) = read(text.as_bytes()) else { return Ok(()) };
        let config = loaded.config;
        let mut other = Config::default();
        let context = SetContext { protected_allowed: true, ..SetContext::default() };
        for (name, value) in config.matching(&[b"*"]) {
            let set = other.set(&[(&name, &value)], &context);
            if let Ok(changes) = set {
                prop_assert_eq!(other.get(&name), Some(value));
                other.revert(changes);
            }
        }
        prop_assert_eq!(other, Config::default());
    }

    #[test]
    fn every_byte_comes_through_a_file(password in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut config = Config::default();
        config.set(&[(b"requirepass", &password)], &SetContext::default()).expect("any bytes");
        let file = config.rewrite(b"", &RewriteState::default());
        let read = read(&file).expect("reads back");
        prop_assert_eq!(&*read.config.security.requirepass, password.as_slice());
    }

    #[test]
    fn any_arguments_read_back(value in "[^-].{0,20}") {
        let parsed = Arguments::parse(&["--requirepass", &value]);
        let files = MemoryFiles::default();
        let loaded = load(&parsed.sources(None), Mode::Server, &files).expect("loads");
        prop_assert_eq!(loaded.config.security.requirepass.to_vec(), value.into_bytes());
    }

    #[test]
    fn garbage_never_panics(
        text in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "([a-z-]{1,12}( |\"|')?[ -~]{0,9}\\n){0,9}".prop_map(String::into_bytes),
        ],
        words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..6),
    ) {
        if let Some(loaded) = read(&text) {
            loaded.config.rewrite(&text, &RewriteState::default());
        }
        Config::default().rewrite(&text, &RewriteState::default());
        Arguments::parse(&words);
        let patterns: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        Config::default().matching(&patterns);
        let mut config = Config::default();
        for parameter in Parameter::all() {
            for word in &patterns {
                let _ = config.set(&[(parameter.name.as_bytes(), word)], &SetContext::default());
            }
        }
    }
}
