//! Replies as comma-separated values: what is nested becomes flat.

use dunlin_resp::Value;
use dunlin_stdx::words::quote;

use super::bare;

/// Writes a value, without the end of the line.
pub(super) fn write(out: &mut Vec<u8>, value: &Value) {
    match bare(value) {
        Value::Attribute(..) => {}
        Value::Null => out.extend_from_slice(b"NULL"),
        Value::Error(text) => {
            out.extend_from_slice(b"ERROR,");
            quote(text, out);
        }
        Value::Simple(text) | Value::Bulk(text) | Value::Verbatim(_, text) => quote(text, out),
        Value::Double(text) | Value::BigNumber(text) => out.extend_from_slice(text),
        Value::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => list(out, items.iter()),
        Value::Map(pairs) => list(out, pairs.iter().flat_map(|(key, value)| [key, value])),
    }
}

fn list<'a>(out: &mut Vec<u8>, items: impl Iterator<Item = &'a Value>) {
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::check};

    #[test]
    fn every_type() {
        check(
            Format::Csv,
            &[
                ("status", r#"\"OK\"\n"#),
                ("error", r#"ERROR,\"ERR no \\\"x\\\"\"\n"#),
                ("integer", r"-5\n"),
                ("bulk", r#"\"a \\\"b\\\\\\n\\x00\\xff\"\n"#),
                ("nil", r"NULL\n"),
                ("double", r"3.141\n"),
                ("true", r"true\n"),
                ("verbatim", r#"\"two\\nlines\"\n"#),
                ("big", r"1234567999999999999999999999999\n"),
                ("empty array", r"\n"),
                ("empty map", r"\n"),
                ("empty set", r"\n"),
                ("empty push", r"\n"),
                ("array", r#"\"a\",NULL,\"b\"\n"#),
                ("set", r#"1,\"x\"\n"#),
                ("map", r#"\"k\",1\n"#),
                ("map of arrays", r#"7,\"a\",\"a\"\n"#),
                ("push", r#"\"p\",1\n"#),
                ("attribute", r#"\"of\"\n"#),
            ],
        );
    }
}
