//! Replies as they are.

use dunlin_resp::Value;

use super::bare;

/// Writes a value, with `delimiter` between its elements.
pub(super) fn write(out: &mut Vec<u8>, value: &Value, delimiter: &[u8]) {
    match bare(value) {
        Value::Null | Value::Attribute(..) => {}
        Value::Error(text) => {
            out.extend_from_slice(text);
            out.push(b'\n');
        }
        Value::Simple(text)
        | Value::Bulk(text)
        | Value::Verbatim(_, text)
        | Value::Double(text)
        | Value::BigNumber(text) => out.extend_from_slice(text),
        Value::Boolean(value) => {
            out.extend_from_slice(if *value { b"(true)" } else { b"(false)" });
        }
        Value::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(delimiter);
                }
                write(out, item, delimiter);
            }
        }
        Value::Map(pairs) => {
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(delimiter);
                }
                write(out, key, delimiter);
                out.push(b' ');
                write(out, value, delimiter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::check};

    #[test]
    fn every_type() {
        check(
            Format::Raw,
            &[
                ("status", "OK\\n"),
                ("error", "ERR no \\\"x\\\"\\n\\n"),
                ("integer", "-5\\n"),
                ("bulk", "a \\\"b\\\\\\n\\x00\\xff\\n"),
                ("nil", "\\n"),
                ("double", "3.141\\n"),
                ("true", "(true)\\n"),
                ("verbatim", "two\\nlines\\n"),
                ("big", "1234567999999999999999999999999\\n"),
                ("empty array", "\\n"),
                ("empty map", "\\n"),
                ("empty set", "\\n"),
                ("empty push", "\\n"),
                ("array", "a\\n\\nb\\n"),
                ("set", "1\\nx\\n"),
                ("map", "k 1\\n"),
                ("map of arrays", "7 a\\na\\n"),
                ("push", "p\\n1\\n"),
                ("attribute", "of\\n"),
            ],
        );
    }
}
