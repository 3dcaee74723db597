//! Hints: the arguments that may follow what was typed.
//!
//! The typed words are matched against the arguments, then what was not matched is written down.
//! Optional arguments that stand next to each other may be typed in any order; what was begun is
//! shown first and without its brackets. Where a word fits nowhere there is no hint.

use super::argument::{Argument, Kind};

/// How much of an argument was typed.
#[derive(Clone, Debug, Default)]
struct Typed {
    /// Words that it took, 0 if it was not begun.
    words: usize,
    /// Its token is among them.
    token: bool,
    /// Its value is among them.
    value: bool,
    /// Nothing of it is missing.
    whole: bool,
    parts: Vec<Typed>,
}

impl Typed {
    fn nothing_of(argument: &Argument) -> Self {
        let parts = argument.parts.iter().map(Self::nothing_of).collect();
        Self { parts, ..Self::default() }
    }

    fn nothing_of_all(arguments: &[Argument]) -> Vec<Self> {
        arguments.iter().map(Self::nothing_of).collect()
    }
}

/// The text of hints.
pub(crate) struct Hints;

impl Hints {
    /// All arguments of a command.
    pub(super) fn of(arguments: &[Argument]) -> String {
        Self::behind(arguments, &[])
    }

    /// What may follow `words` behind the name of a command.
    pub(super) fn behind(arguments: &[Argument], words: &[Vec<u8>]) -> String {
        let mut typed = Typed::nothing_of_all(arguments);
        let mut text = String::new();
        if match_sequence(arguments, &mut typed, words) == words.len() {
            write_sequence(&mut text, arguments, &typed, " ");
        }
        text
    }
}

/// Matches words against arguments in order, and gives how many words were taken; 0 if one that must
/// be there fits nowhere.
fn match_sequence(arguments: &[Argument], typed: &mut [Typed], words: &[Vec<u8>]) -> usize {
    let (mut taken, mut index) = (0, 0);
    while taken < words.len() && index < arguments.len() {
        let rest = &words[taken..];
        let optional = optional_run(&arguments[index..]);
        if optional > 0 {
            let end = index + optional;
            taken += match_optional(&arguments[index..end], &mut typed[index..end], rest);
            index = end;
            continue;
        }
        match match_argument(&arguments[index], &mut typed[index], rest) {
            0 => return 0,
            words => taken += words,
        }
        index += 1;
    }
    taken
}

/// How many arguments at the beginning are optional.
fn optional_run(arguments: &[Argument]) -> usize {
    arguments.iter().take_while(|argument| argument.optional).count()
}

/// Matches as many words as possible against optional arguments, in any order.
fn match_optional(arguments: &[Argument], typed: &mut [Typed], words: &[Vec<u8>]) -> usize {
    let mut taken = 0;
    let mut last: Option<usize> = None;
    while taken < words.len() {
        let fits = |index: usize, typed: &mut [Typed]| {
            if typed[index].words > 0 {
                return None;
            }
            let words = match_argument(&arguments[index], &mut typed[index], &words[taken..]);
            (words > 0).then_some((index, words))
        };
        let found = (0..arguments.len()).find_map(|index| fits(index, typed));
        let Some((index, words)) = found else { break };
        // The next one has begun, so nothing more of this one will come.
        if let Some(last) = last {
            typed[last].whole = true;
        }
        last = Some(index);
        taken += words;
    }
    taken
}

/// Matches words against an argument as often as it may come.
fn match_argument(argument: &Argument, typed: &mut Typed, words: &[Vec<u8>]) -> usize {
    let mut taken = match_once(argument, typed, words);
    if !argument.repeats {
        return taken;
    }
    while typed.whole && taken < words.len() {
        *typed = Typed::nothing_of(argument);
        let rest = &words[taken..];
        taken += if argument.token.is_some() && !argument.token_repeats {
            let words = match_value(argument, typed, rest);
            typed.token = typed.words > 0;
            words
        } else {
            match_once(argument, typed, rest)
        };
    }
    // Another one may always follow.
    typed.whole = false;
    taken
}

/// Matches words against an argument that comes once: its token, then its value.
fn match_once(argument: &Argument, typed: &mut Typed, words: &[Vec<u8>]) -> usize {
    let mut rest = words;
    if let Some(token) = &argument.token {
        let Some((word, behind)) = words.split_first() else { return 0 };
        if !word.eq_ignore_ascii_case(token.as_bytes()) {
            return 0;
        }
        typed.token = true;
        typed.words = 1;
        if argument.kind == Kind::Token {
            typed.whole = true;
            return 1;
        }
        if behind.is_empty() {
            return 1;
        }
        rest = behind;
    }
    if match_value(argument, typed, rest) == 0 { 0 } else { typed.words }
}

/// Matches words against what stands behind the token.
fn match_value(argument: &Argument, typed: &mut Typed, words: &[Vec<u8>]) -> usize {
    match argument.kind {
        Kind::Block => {
            typed.words += match_sequence(&argument.parts, &mut typed.parts, words);
            typed.whole = typed.parts.iter().all(|part| part.whole);
        }
        Kind::OneOf => {
            for (part, typed_part) in argument.parts.iter().zip(&mut typed.parts) {
                if match_argument(part, typed_part, words) > 0 {
                    typed.words += typed_part.words;
                    typed.whole = typed_part.whole;
                    break;
                }
            }
        }
        Kind::Word | Kind::Integer | Kind::Double | Kind::Token => {
            let word = words.first().map_or(&b""[..], Vec::as_slice);
            let fits = match argument.kind {
                Kind::Integer => begins_with_number(word, false),
                Kind::Double => begins_with_number(word, true),
                _ => true,
            };
            typed.value = fits;
            if fits {
                typed.words += 1;
                typed.whole = true;
            } else {
                typed.words = 0;
            }
        }
    }
    typed.words
}

/// As `scanf` reads numbers; an empty word may still become one.
fn begins_with_number(word: &[u8], may_have_point: bool) -> bool {
    let word = word.trim_ascii_start();
    let digits = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")).unwrap_or(word);
    let digits = match digits {
        [b'.', rest @ ..] if may_have_point => rest,
        digits => digits,
    };
    let lower = digits.to_ascii_lowercase();
    let is_special = may_have_point && (lower.starts_with(b"inf") || lower.starts_with(b"nan"));
    word.is_empty() || is_special || digits.first().is_some_and(u8::is_ascii_digit)
}

/// Writes what is missing of arguments in order.
fn write_sequence(out: &mut String, arguments: &[Argument], typed: &[Typed], separator: &str) {
    let mut index = 0;
    // A separator follows what has written something, and only if something may follow that.
    let mut written = out.len();
    let mut separate = |out: &mut String, index: usize| {
        if out.len() > written && index + 1 < arguments.len() {
            out.push_str(separator);
            written = out.len();
        }
    };
    while index < arguments.len() {
        let optional = optional_run(&arguments[index..]);
        if optional == 0 {
            write_argument(out, &arguments[index], &typed[index]);
            separate(out, index);
            index += 1;
            continue;
        }
        let end = index + optional;
        let mut begun = None;
        for at in index..end {
            if typed[at].words > 0 && !typed[at].whole {
                write_argument(out, &arguments[at], &typed[at]);
                separate(out, index);
                begun = Some(at);
            }
        }
        // Once a later argument was typed, these cannot come any more.
        if end == arguments.len() || typed[end].words == 0 {
            for at in (index..end).filter(|at| begun != Some(*at)) {
                write_argument(out, &arguments[at], &typed[at]);
                separate(out, at);
            }
        }
        index = end;
    }
}

/// Writes what is missing of an argument.
fn write_argument(out: &mut String, argument: &Argument, typed: &Typed) {
    if typed.whole {
        return;
    }
    if argument.optional && typed.words == 0 {
        out.push('[');
    }
    if !typed.token {
        write_token(out, argument);
    }
    match argument.kind {
        Kind::OneOf if typed.words > 0 => {
            let parts = argument.parts.iter().zip(&typed.parts);
            for (part, typed) in parts.filter(|(_, typed)| typed.words > 0) {
                write_argument(out, part, typed);
            }
        }
        Kind::OneOf => write_sequence(out, &argument.parts, &typed.parts, "|"),
        Kind::Block => write_sequence(out, &argument.parts, &typed.parts, " "),
        Kind::Token => {}
        _ if typed.value => {}
        _ => out.push_str(shown(&argument.name)),
    }
    if argument.repeats {
        write_repetition(out, argument);
    }
    // Redis's client closes the bracket of one that repeats also when it did not open it.
    if argument.optional && (typed.words == 0 || argument.repeats) {
        out.push(']');
    }
}

/// `[key value ...]`: nothing of another repetition was typed.
fn write_repetition(out: &mut String, argument: &Argument) {
    out.push_str(if out.is_empty() { "[" } else { " [" });
    if argument.token_repeats {
        write_token(out, argument);
    }
    let typed = Typed::nothing_of_all(&argument.parts);
    match argument.kind {
        Kind::OneOf => write_sequence(out, &argument.parts, &typed, "|"),
        Kind::Block => write_sequence(out, &argument.parts, &typed, " "),
        Kind::Token => {}
        _ => out.push_str(shown(&argument.name)),
    }
    out.push_str(" ...]");
}

fn write_token(out: &mut String, argument: &Argument) {
    if let Some(token) = &argument.token {
        out.push_str(shown(token));
        if argument.kind != Kind::Token {
            out.push(' ');
        }
    }
}

/// What is empty has to be shown somehow.
fn shown(name: &str) -> &str {
    if name.is_empty() { "\"\"" } else { name }
}

#[cfg(test)]
mod tests {
    use super::super::Help;

    #[test]
    fn what_may_follow() {
        let help = Help::builtin();
        for (line, hint) in [
            ("GET ", "key"),
            ("get k", "key"),
            ("get k ", ""),
            ("LPOP k ", "[count]"),
            ("LPOP k x ", ""),
            ("MSET k v ", "[key value ...]"),
            ("mset k v k2 ", "value [key value ...]"),
            ("SCAN 0 COUNT ", "count [MATCH pattern] [TYPE type]"),
            ("SCAN 0 count 5 match ", "pattern [TYPE type]"),
            ("ZADD k ", "[NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]"),
            ("ZADD k NX ", "[GT|LT] [CH] [INCR] score member [score member ...]"),
            ("ZADD k 1.5 ", "member [score member ...]"),
            ("CONFIG SET maxmemory ", "value [parameter value ...]"),
            ("BITFIELD_RO k GET ", "encoding offset [GET encoding offset ...]]"),
        ] {
            let shown = help.hint(line).map(|hint| hint.trim_end().to_owned());
            assert_eq!(shown.as_deref(), Some(hint), "{line}");
        }
        for line in ["", "GET", "bogus x ", "GET \"x"] {
            assert_eq!(help.hint(line), None, "{line}");
        }
    }
}
