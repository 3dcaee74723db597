//! JSON for programs that read what the tools say.

/// A string.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control < ' ' => out += &format!("\\u{:04x}", u32::from(control)),
            other => out.push(other),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    #[test]
    fn strings() {
        assert_eq!(super::string("a\n\"\\é"), "\"a\\u000a\\\"\\\\é\"");
    }
}
