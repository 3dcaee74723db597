//! Secrets among the words of a command, which the slow log and monitors must not show.
//!
//! Source: compared with a 7.2.6 server.
//!
//! Differs: words behind an AUTH that lacks one are hidden too; 7.2 shows them.

use std::borrow::Cow;

use dunlin_config::Parameter;
use dunlin_spec::CommandSpec;

/// What is shown instead of a secret.
const REDACTED: &[u8] = b"(redacted)";

/// The words of a command, with `(redacted)` where a secret was.
pub(crate) fn without_secrets<'a>(
    spec: &CommandSpec,
    words: &'a [&'a [u8]],
) -> Cow<'a, [&'a [u8]]> {
    let mut words = Cow::Borrowed(words);
    match spec.name() {
        "auth" | "acl|setuser" | "acl|deluser" => hide_from(&mut words, own_words(spec)),
        "acl|getuser" => hide(&mut words, 2),
        "config|set" => hide_parameters(&mut words),
        "hello" => hide_after_auth(&mut words, 2, 2),
        "migrate" => hide_migrate(&mut words),
        _ => {}
    }
    words
}

/// Words that name the command itself.
fn own_words(spec: &CommandSpec) -> usize {
    if spec.container().is_some() { 2 } else { 1 }
}

fn hide(words: &mut Cow<'_, [&[u8]]>, index: usize) {
    if index < words.len() {
        words.to_mut()[index] = REDACTED;
    }
}

fn hide_from(words: &mut Cow<'_, [&[u8]]>, from: usize) {
    for index in from..words.len() {
        hide(words, index);
    }
}

/// CONFIG SET: values of parameters that hold passwords.
fn hide_parameters(words: &mut Cow<'_, [&[u8]]>) {
    for index in (2..words.len()).step_by(2) {
        if Parameter::find(words[index]).is_some_and(Parameter::is_sensitive) {
            hide(words, index + 1);
        }
    }
}

/// `AUTH`, in any case, at `from` or behind: the `count` words after it.
fn hide_after_auth(words: &mut Cow<'_, [&[u8]]>, from: usize, count: usize) {
    let found = words.iter().skip(from).position(|word| word.eq_ignore_ascii_case(b"AUTH"));
    if let Some(offset) = found {
        for step in 1..=count {
            hide(words, from + offset + step);
        }
    }
}

/// MIGRATE: the password behind AUTH, or the user and password behind AUTH2.
fn hide_migrate(words: &mut Cow<'_, [&[u8]]>) {
    const OPTIONS: usize = 6;
    let found = words.iter().skip(OPTIONS).position(|word| word.eq_ignore_ascii_case(b"AUTH2"));
    match found {
        Some(offset) => {
            hide(words, OPTIONS + offset + 1);
            hide(words, OPTIONS + offset + 2);
        }
        None => hide_after_auth(words, OPTIONS, 1),
    }
}

#[cfg(test)]
mod tests {
    use dunlin_spec::Group;

    use super::*;

    fn check(name: &'static str, line: &str, expected: &str) {
        let spec = CommandSpec::new(name, Group::Server, -1);
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let shown = without_secrets(&spec, &words).join(&b' ');
        assert_eq!(String::from_utf8_lossy(&shown), expected);
    }

    #[test]
    fn secrets_are_not_shown() {
        check("get", "get auth", "get auth");
        check("auth", "auth user pass", "auth (redacted) (redacted)");
        check(
            "acl|setuser",
            "acl setuser u +get >p",
            "acl setuser (redacted) (redacted) (redacted)",
        );
        check(
            "config|set",
            "config set port 1 RequirePass x masterauth",
            "config set port 1 RequirePass (redacted) masterauth",
        );
        check("config|set", "config set masterauth x", "config set masterauth (redacted)");
        check(
            "hello",
            "HELLO 3 auth me p SETNAME x",
            "HELLO 3 auth (redacted) (redacted) SETNAME x",
        );
        check("hello", "hello 3 AUTH me", "hello 3 AUTH (redacted)");
        check("migrate", "migrate h 1 k 0 9 AUTH p", "migrate h 1 k 0 9 AUTH (redacted)");
        check(
            "migrate",
            "migrate h 1 k 0 9 COPY AUTH2 u p KEYS auth",
            "migrate h 1 k 0 9 COPY AUTH2 (redacted) (redacted) KEYS auth",
        );
    }
}
