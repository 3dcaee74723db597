//! Replies as JSON.

use dunlin_resp::Value;
use dunlin_stdx::words::quote;

use super::bare;

/// How strings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strings {
    /// Bytes above 0x7f stay as they are.
    Unicode,
    /// What is not printable ASCII stands as an escape for people, itself escaped for JSON.
    Ascii,
}

/// Writes a value, without the end of the line.
pub(super) fn write(out: &mut Vec<u8>, value: &Value, strings: Strings) {
    match bare(value) {
        Value::Attribute(..) => {}
        Value::Null => out.extend_from_slice(b"null"),
        Value::Error(text) => {
            out.extend_from_slice(b"error:");
            string(out, text, strings);
        }
        Value::Simple(text) | Value::Bulk(text) | Value::Verbatim(_, text) => {
            string(out, text, strings);
        }
        Value::Double(text) | Value::BigNumber(text) => out.extend_from_slice(text),
        Value::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, item, strings);
            }
            out.push(b']');
        }
        Value::Map(pairs) => {
            out.push(b'{');
            for (index, (name, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                key(out, name, strings);
                out.push(b':');
                write(out, value, strings);
            }
            out.push(b'}');
        }
    }
}

/// Keys must be strings in JSON; others become their own text.
fn key(out: &mut Vec<u8>, key: &Value, strings: Strings) {
    let is_string = matches!(
        bare(key),
        Value::Error(_) | Value::Simple(_) | Value::Bulk(_) | Value::Verbatim(..)
    );
    if is_string {
        write(out, key, strings);
    } else {
        out.push(b'"');
        write(out, key, strings);
        out.push(b'"');
    }
}

fn string(out: &mut Vec<u8>, text: &[u8], strings: Strings) {
    match strings {
        Strings::Unicode => unicode_string(out, text),
        Strings::Ascii => {
            let mut quoted = Vec::new();
            quote(text, &mut quoted);
            for byte in quoted {
                if byte == b'\\' {
                    out.push(b'\\');
                }
                out.push(byte);
            }
        }
    }
}

fn unicode_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::check};

    #[test]
    fn every_type() {
        let both = |error: &'static str, bulk: &'static str, verbatim: &'static str| {
            [
                ("status", r#"\"OK\"\n"#),
                ("error", error),
                ("integer", r"-5\n"),
                ("bulk", bulk),
                ("nil", r"null\n"),
                ("double", r"3.141\n"),
                ("true", r"true\n"),
                ("verbatim", verbatim),
                ("big", r"1234567999999999999999999999999\n"),
                ("empty array", r"[]\n"),
                ("empty map", r"{}\n"),
                ("empty set", r"[]\n"),
                ("empty push", r"[]\n"),
                ("array", r#"[\"a\",[null,\"b\"]]\n"#),
                ("set", r#"[1,\"x\"]\n"#),
                ("map", r#"{\"k\":1}\n"#),
                ("map of arrays", r#"{\"7\":[\"a\",\"a\"]}\n"#),
                ("push", r#"[\"p\",1]\n"#),
                ("attribute", r#"\"of\"\n"#),
            ]
        };
        let unicode = both(
            r#"error:\"ERR no \\\"x\\\"\"\n"#,
            r#"\"a \\\"b\\\\\\n\\u0000\xff\"\n"#,
            r#"\"two\\nlines\"\n"#,
        );
        check(Format::Json, &unicode);
        let ascii = both(
            r#"error:\"ERR no \\\\\"x\\\\\"\"\n"#,
            r#"\"a \\\\\"b\\\\\\\\\\\\n\\\\x00\\\\xff\"\n"#,
            r#"\"two\\\\nlines\"\n"#,
        );
        check(Format::QuotedJson, &ascii);
    }
}
