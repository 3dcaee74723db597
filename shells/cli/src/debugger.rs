//! The debugger of Lua scripts, which runs in the server: what it says, in colours.

use dunlin_resp::Value;

use crate::terminal::has_colours;

/// Writes what the debugger says, line by line, and gives whether the session has ended with it.
pub(crate) fn write(out: &mut Vec<u8>, value: &Value) -> bool {
    let ended = write_lines(out, value);
    out.push(b'\n');
    ended
}

fn write_lines(out: &mut Vec<u8>, value: &Value) -> bool {
    match value {
        Value::Simple(text) if text.starts_with(b"<endsession>") => true,
        Value::Simple(text) => {
            write_line(out, text);
            false
        }
        Value::Error(text) => {
            out.extend_from_slice(text);
            out.push(b'\n');
            false
        }
        Value::Array(items) => {
            let mut ended = false;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b'\n');
                }
                ended |= write_lines(out, item);
            }
            ended
        }
        other => {
            out.extend_from_slice(other.bytes().unwrap_or_default());
            false
        }
    }
}

fn write_line(out: &mut Vec<u8>, text: &[u8]) {
    if !has_colours() {
        out.extend_from_slice(text);
        return;
    }
    let (bold, colour) = style(text);
    out.extend_from_slice(format!("\x1b[{};{colour};49m", i32::from(bold)).as_bytes());
    out.extend_from_slice(text);
    out.extend_from_slice(b"\x1b[0m");
}

/// Bold or not, and the number of the colour, by what a line is about.
fn style(text: &[u8]) -> (bool, u8) {
    const WHITE: u8 = 37;
    if text.len() > 4 && text[3].is_ascii_digit() {
        // A line of the script: the one that runs next, or one that stops the script.
        if text[1] == b'>' {
            return (false, 33);
        }
        if text[2] == b'#' {
            return (true, WHITE);
        }
    }
    let tags: [(&[u8], bool, u8); 7] = [
        (b"<value>", false, 35),
        (b"<retval>", false, 35),
        (b"<hint>", true, WHITE),
        (b"<error>", false, 31),
        (b"<reply>", false, 36),
        (b"<redis>", false, 32),
        (b"<debug>", true, WHITE),
    ];
    let found = tags.iter().find(|(tag, ..)| memchr::memmem::find(text, tag).is_some());
    found.map_or((false, WHITE), |(_, bold, colour)| (*bold, *colour))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_coloured_by_what_they_are() {
        for (line, expected) in [
            ("-> 12  return 1", (false, 33)),
            ("  #12  return 1", (true, 37)),
            ("   12  return 1", (false, 37)),
            ("<value> 1", (false, 35)),
            ("<error> no", (false, 31)),
            ("* Stopped", (false, 37)),
        ] {
            assert_eq!(style(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn the_end_of_a_session_is_seen() {
        let line = |text: &str| Value::Simple(text.into());
        let mut out = Vec::new();
        assert!(!write(&mut out, &Value::Array(vec![line("a"), line("b")])));
        assert!(write(&mut out, &Value::Array(vec![line("<endsession>")])));
        assert!(!write(&mut out, &Value::Error(b"ERR".to_vec())));
    }
}
