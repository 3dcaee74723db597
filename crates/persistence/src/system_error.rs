//! What the system calls an error.

use std::io;

/// The system's words without the number that Rust adds.
pub(crate) fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) if error.raw_os_error().is_some() => text[..end].to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_left_out() {
        assert_eq!(system_text(&io::Error::from_raw_os_error(28)), "No space left on device");
        assert_eq!(system_text(&io::Error::other("gone")), "gone");
    }
}
