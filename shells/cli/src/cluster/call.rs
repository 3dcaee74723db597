//! `call`: one command on all nodes.

use dunlin_resp::Value;

use super::members::Members;
use super::{Manager, Outcome};
use crate::options::OutputOptions;

/// `call host:port command ...`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let mut members = Members::load(manager, &manager.host_at(0)?)?;
    let mut words = manager.command.arguments[1..].to_vec();
    if manager.console.is_trib() {
        words[0].make_ascii_uppercase();
    }
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let shown: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
    // Only the first word has the colour.
    match manager.console.is_trib() {
        true => manager.console.info(&format!(">>> Calling {}", shown.join(" "))),
        false => {
            let line = manager.console.coloured(dunlin_manager::Tone::Info, ">>> Calling");
            let head = line.replacen('\n', "", 1);
            manager.console.write(&format!("{head} {}\n", shown.join(" ")));
        }
    }
    for index in 0..members.view.nodes.len() {
        let is_replica = members.view.nodes[index].primary.is_some();
        let skipped =
            if is_replica { manager.command.only_primaries } else { manager.command.only_replicas };
        if skipped {
            continue;
        }
        let address = members.address(index);
        match members.link(index).ask(&words) {
            Ok(value) => {
                let mut text = format!("{address}: ").into_bytes();
                if manager.console.is_trib() {
                    write_as_ruby(&mut text, &value);
                } else {
                    crate::format::write_text(&mut text, &value, &OutputOptions::default());
                }
                text.push(b'\n');
                manager.console.write_bytes(&text);
            }
            Err(_) => manager.console.plain(&format!("{address}: Failed!")),
        }
    }
    Ok(())
}

/// A reply as Ruby prints it: strings as they are, elements of arrays as they are written in Ruby.
fn write_as_ruby(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => {}
        Value::Simple(text) | Value::Bulk(text) | Value::Error(text) => out.extend(text),
        value => write_inspected(out, value),
    }
}

fn write_inspected(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend(b"nil"),
        Value::Integer(number) => out.extend(number.to_string().as_bytes()),
        Value::Array(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.extend(b", ");
                }
                write_inspected(out, value);
            }
            out.push(b']');
        }
        Value::Error(text) => {
            out.extend(b"#<Redis::CommandError: ");
            out.extend(text);
            out.push(b'>');
        }
        value => {
            out.push(b'"');
            for byte in value.bytes().unwrap_or_default() {
                match byte {
                    b'"' | b'\\' => out.extend([b'\\', *byte]),
                    b'\n' => out.extend(b"\\n"),
                    b'\r' => out.extend(b"\\r"),
                    b'\t' => out.extend(b"\\t"),
                    0x1b => out.extend(b"\\e"),
                    0..0x20 => out.extend(format!("\\u{byte:04X}").as_bytes()),
                    0x7f => out.extend(b"\\x7F"),
                    byte => out.push(*byte),
                }
            }
            out.push(b'"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_as_ruby_prints_them() {
        let bulk = |text: &str| Value::Bulk(text.into());
        let shown = |value: Value| {
            let mut out = Vec::new();
            write_as_ruby(&mut out, &value);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(shown(bulk("a \"b\"\n")), "a \"b\"\n");
        assert_eq!((shown(Value::Null), shown(Value::Integer(7))), (String::new(), "7".to_owned()));
        let inner = Value::Array(vec![Value::Null, bulk("c\u{1}\r\n")]);
        let list = Value::Array(vec![bulk("dir"), bulk("a\"\\"), Value::Integer(-1), inner]);
        assert_eq!(shown(list), r#"["dir", "a\"\\", -1, [nil, "c\u0001\r\n"]]"#);
        assert_eq!(shown(Value::Array(vec![])), "[]");
    }
}
