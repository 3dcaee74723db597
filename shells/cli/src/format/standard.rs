//! Replies for people: with their types, numbered where there are several.

use dunlin_resp::Value;
use dunlin_stdx::words::quote;

use super::bare;

/// Writes a value in as many lines as it takes.
pub(super) fn write(out: &mut Vec<u8>, value: &Value) {
    write_indented(out, value, 0);
}

/// Writes a value whose first line goes on behind what is there; the others are indented.
fn write_indented(out: &mut Vec<u8>, value: &Value, indent: usize) {
    match bare(value) {
        Value::Attribute(..) => {}
        Value::Null => out.extend_from_slice(b"(nil)\n"),
        Value::Error(text) => line(out, b"(error) ", text),
        Value::Simple(text) | Value::Verbatim(_, text) => line(out, b"", text),
        Value::Double(text) => line(out, b"(double) ", text),
        Value::BigNumber(text) => line(out, b"(integer) ", text),
        Value::Integer(value) => line(out, b"(integer) ", value.to_string().as_bytes()),
        Value::Boolean(true) => out.extend_from_slice(b"(true)\n"),
        Value::Boolean(false) => out.extend_from_slice(b"(false)\n"),
        Value::Bulk(text) => {
            quote(text, out);
            out.push(b'\n');
        }
        Value::Array(items) if items.is_empty() => out.extend_from_slice(b"(empty array)\n"),
        Value::Set(items) if items.is_empty() => out.extend_from_slice(b"(empty set)\n"),
        Value::Push(items) if items.is_empty() => out.extend_from_slice(b"(empty push)\n"),
        Value::Map(pairs) if pairs.is_empty() => out.extend_from_slice(b"(empty hash)\n"),
        Value::Array(items) | Value::Push(items) => list(out, items, b')', indent),
        Value::Set(items) => list(out, items, b'~', indent),
        Value::Map(pairs) => map(out, pairs, indent),
    }
}

fn line(out: &mut Vec<u8>, start: &[u8], text: &[u8]) {
    out.extend_from_slice(start);
    out.extend_from_slice(text);
    out.push(b'\n');
}

fn list(out: &mut Vec<u8>, items: &[Value], separator: u8, indent: usize) {
    let digits = digits(items.len());
    for (index, item) in items.iter().enumerate() {
        number(out, index, digits, separator, indent);
        write_indented(out, item, indent + digits + 2);
    }
}

fn map(out: &mut Vec<u8>, pairs: &[(Value, Value)], indent: usize) {
    let digits = digits(pairs.len());
    let inner = indent + digits + 2;
    for (index, (key, value)) in pairs.iter().enumerate() {
        number(out, index, digits, b'#', indent);
        write_indented(out, key, inner);
        out.pop();
        out.extend_from_slice(b" => ");
        if is_multiline(value) {
            out.push(b'\n');
            out.resize(out.len() + inner, b' ');
        }
        write_indented(out, value, inner);
    }
}

/// The number of an element; the first shares the line of what it is in.
fn number(out: &mut Vec<u8>, index: usize, digits: usize, separator: u8, indent: usize) {
    if index > 0 {
        out.resize(out.len() + indent, b' ');
    }
    out.extend_from_slice(format!("{:digits$}{} ", index + 1, char::from(separator)).as_bytes());
}

fn digits(count: usize) -> usize {
    count.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Whether a value has several elements, so that it looks better on lines of its own.
fn is_multiline(value: &Value) -> bool {
    match bare(value) {
        Value::Array(items) | Value::Set(items) | Value::Push(items) => match &items[..] {
            [] => false,
            [item] => is_multiline(item),
            _ => true,
        },
        Value::Map(pairs) => match &pairs[..] {
            [] => false,
            [(_, value)] => is_multiline(value),
            _ => true,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{bulk, check};
    use super::*;

    #[test]
    fn every_type() {
        check(
            Format::Standard,
            &[
                ("status", r"OK\n"),
                ("error", r#"(error) ERR no \"x\"\n"#),
                ("integer", r"(integer) -5\n"),
                ("bulk", r#"\"a \\\"b\\\\\\n\\x00\\xff\"\n"#),
                ("nil", r"(nil)\n"),
                ("double", r"(double) 3.141\n"),
                ("true", r"(true)\n"),
                ("verbatim", r"two\nlines\n"),
                ("big", r"(integer) 1234567999999999999999999999999\n"),
                ("empty array", r"(empty array)\n"),
                ("empty map", r"(empty hash)\n"),
                ("empty set", r"(empty set)\n"),
                ("empty push", r"(empty push)\n"),
                ("array", r#"1) \"a\"\n2) 1) (nil)\n   2) \"b\"\n"#),
                ("set", r#"1~ (integer) 1\n2~ \"x\"\n"#),
                ("map", r#"1# \"k\" => (integer) 1\n"#),
                ("map of arrays", r#"1# (integer) 7 => \n   1) \"a\"\n   2) \"a\"\n"#),
                ("push", r#"1) \"p\"\n2) (integer) 1\n"#),
                ("attribute", r#"\"of\"\n"#),
            ],
        );
    }

    #[test]
    fn numbers_are_as_wide_as_the_last() {
        let mut out = Vec::new();
        write(&mut out, &Value::Array(vec![Value::Array(vec![bulk("a"), bulk("b")]); 10]));
        let text = String::from_utf8(out).expect("ASCII");
        assert!(text.starts_with(" 1) 1) \"a\"\n    2) \"b\"\n 2) 1) \"a\"\n"), "{text}");
        assert!(text.ends_with("10) 1) \"a\"\n    2) \"b\"\n"), "{text}");
    }
}
