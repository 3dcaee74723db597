//! Replies as text.

mod csv;
mod json;
mod raw;
mod standard;

use dunlin_resp::Value;

use crate::options::OutputOptions;

/// How replies are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people, with types.
    Standard,
    /// As they are.
    #[default]
    Raw,
    /// Comma-separated values.
    Csv,
    /// JSON, in which bytes above 0x7f stay as they are.
    Json,
    /// JSON in ASCII, with strings as [`Format::Standard`] quotes them.
    QuotedJson,
}

/// Writes a reply as the options say, with what follows it.
pub(crate) fn write(out: &mut Vec<u8>, value: &Value, options: &OutputOptions) {
    match options.format {
        Format::Standard => standard::write(out, value),
        Format::Raw => {
            raw::write(out, value, &options.element_delimiter);
            out.extend_from_slice(&options.reply_delimiter);
        }
        Format::Csv => {
            csv::write(out, value);
            out.push(b'\n');
        }
        Format::Json => {
            json::write(out, value, json::Strings::Unicode);
            out.push(b'\n');
        }
        Format::QuotedJson => {
            json::write(out, value, json::Strings::Ascii);
            out.push(b'\n');
        }
    }
}

/// Writes a reply that is text for people in any format: INFO and its kin. Nothing follows it.
pub(crate) fn write_text(out: &mut Vec<u8>, value: &Value, options: &OutputOptions) {
    raw::write(out, value, &options.element_delimiter);
}

/// Writes a message of RESP3 that nothing asked for.
pub(crate) fn write_push(out: &mut Vec<u8>, value: &Value, options: &OutputOptions) {
    if options.format == Format::Standard
        && let Value::Push(items) = value
        && let [kind, Value::Array(keys)] = &items[..]
        && kind.bytes().is_some_and(|kind| kind.starts_with(b"invalidate"))
    {
        out.extend_from_slice(b"-> invalidate: ");
        for (index, key) in keys.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"'" } else { b", '" });
            out.extend_from_slice(key.bytes().unwrap_or_default());
            out.push(b'\'');
        }
        out.push(b'\n');
        return;
    }
    write(out, value, options);
}

/// The value that attributes belong to; nothing shows attributes.
fn bare(mut value: &Value) -> &Value {
    while let Value::Attribute(_, of) = value {
        value = of;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn bulk(text: &str) -> Value {
        Value::Bulk(text.into())
    }

    /// One value of every type, with names that tests of all formats share.
    pub(super) fn samples() -> Vec<(&'static str, Value)> {
        let status = |text: &str| Value::Simple(text.into());
        let pair = |a: Value, b: Value| vec![(a, b)];
        vec![
            ("status", status("OK")),
            ("error", Value::Error(b"ERR no \"x\"".to_vec())),
            ("integer", Value::Integer(-5)),
            ("bulk", Value::Bulk(b"a \"b\\\n\x00\xff".to_vec())),
            ("nil", Value::Null),
            ("double", Value::Double(b"3.141".to_vec())),
            ("true", Value::Boolean(true)),
            ("verbatim", Value::Verbatim(*b"txt", b"two\nlines".to_vec())),
            ("big", Value::BigNumber(b"1234567999999999999999999999999".to_vec())),
            ("empty array", Value::Array(vec![])),
            ("empty map", Value::Map(vec![])),
            ("empty set", Value::Set(vec![])),
            ("empty push", Value::Push(vec![])),
            ("array", Value::Array(vec![bulk("a"), Value::Array(vec![Value::Null, bulk("b")])])),
            ("set", Value::Set(vec![Value::Integer(1), bulk("x")])),
            ("map", Value::Map(pair(bulk("k"), Value::Integer(1)))),
            (
                "map of arrays",
                Value::Map(pair(Value::Integer(7), Value::Array(vec![bulk("a"); 2]))),
            ),
            ("push", Value::Push(vec![bulk("p"), Value::Integer(1)])),
            ("attribute", Value::Attribute(pair(bulk("k"), bulk("v")), Box::new(bulk("of")))),
        ]
    }

    /// Compares all samples with what is expected of them, in their order.
    pub(super) fn check(format: Format, expected: &[(&str, &str)]) {
        let options = OutputOptions { format, ..OutputOptions::default() };
        let mut rest = expected.iter();
        for (name, value) in samples() {
            let mut out = Vec::new();
            write(&mut out, &value, &options);
            let shown = out.escape_ascii().to_string();
            assert_eq!(Some(&(name, shown.as_str())), rest.next(), "{format:?}");
        }
    }

    #[test]
    fn invalidated_keys_are_a_line() {
        let keys = |keys: Value| Value::Push(vec![bulk("invalidate"), keys]);
        let mut options = OutputOptions { format: Format::Standard, ..OutputOptions::default() };
        let shown = |value: &Value, options: &OutputOptions| {
            let mut out = Vec::new();
            write_push(&mut out, value, options);
            String::from_utf8(out).expect("text")
        };
        let two = keys(Value::Array(vec![bulk("a"), bulk("b")]));
        assert_eq!(shown(&two, &options), "-> invalidate: 'a', 'b'\n");
        assert_eq!(shown(&keys(Value::Null), &options), "1) \"invalidate\"\n2) (nil)\n");
        options.format = Format::Raw;
        assert_eq!(shown(&two, &options), "invalidate\na\nb\n");
    }
}
