//! Reading a manifest.
//!
//! Differs: a name that is empty, `.` or `..`, and a number above [`SEQUENCE_MAX`], are refused;
//! Redis takes them and fails later.

use dunlin_stdx::words;

use super::error::{ManifestError, ManifestFault};
use super::{LogFile, Manifest, SEQUENCE_MAX};

/// The longest line, its end included.
pub const LINE_BYTES_MAX: usize = 1024;

pub(super) fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let mut manifest = Manifest::default();
    let mut rest = bytes;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let window = &rest[..rest.len().min(LINE_BYTES_MAX)];
        let end = window.iter().position(|byte| *byte == b'\n');
        let (line, behind) = rest.split_at(end.map_or(window.len(), |end| end + 1));
        rest = behind;
        if line[0] == b'#' {
            continue;
        }
        // A zero byte ends a line for Redis, so one that holds it has no end.
        if end.is_none() || line.contains(&0) {
            return Err(ManifestError { fault: ManifestFault::LineTooLong, line: None });
        }
        let line = trim(line);
        add(&mut manifest, line)
            .map_err(|fault| ManifestError { fault, line: Some((number, line.to_vec())) })?;
    }
    if number == 0 {
        return Err(ManifestError { fault: ManifestFault::Empty, line: None });
    }
    Ok(manifest)
}

fn trim(line: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let Some(start) = line.iter().position(is_text) else { return &[] };
    let end = line.iter().rposition(is_text).unwrap_or(start);
    &line[start..=end]
}

/// Takes in one line.
fn add(manifest: &mut Manifest, line: &[u8]) -> Result<(), ManifestFault> {
    let (file, kind) = read_line(line)?;
    match kind {
        b'b' if manifest.base.is_some() => return Err(ManifestFault::DuplicateBase),
        b'b' => {
            manifest.base_sequence = file.sequence;
            manifest.base = Some(file);
        }
        b'h' => manifest.history.push(file),
        b'i' if file.sequence <= manifest.incremental_sequence => {
            return Err(ManifestFault::NotMonotonic);
        }
        b'i' => {
            manifest.incremental_sequence = file.sequence;
            manifest.incremental.push(file);
        }
        _ => return Err(ManifestFault::UnknownType),
    }
    Ok(())
}

fn read_line(line: &[u8]) -> Result<(LogFile, u8), ManifestFault> {
    let words = words::split(line).map_err(|_| ManifestFault::Format)?;
    if words.len() < 6 || words.len() % 2 != 0 {
        return Err(ManifestFault::Format);
    }
    let (mut name, mut sequence, mut kind) = (None, 0, None);
    for pair in words.chunks_exact(2) {
        let (key, value) = (&pair[0], &pair[1]);
        if key.eq_ignore_ascii_case(b"file") {
            name = Some(read_name(value)?);
        } else if key.eq_ignore_ascii_case(b"seq") {
            sequence = read_sequence(value);
        } else if key.eq_ignore_ascii_case(b"type") {
            kind = value.first().copied();
        }
        // Other keys are for later versions.
    }
    match (name, kind) {
        (Some(name), Some(kind)) if sequence != 0 && sequence <= SEQUENCE_MAX => {
            Ok((LogFile { name, sequence }, kind))
        }
        _ => Err(ManifestFault::Format),
    }
}

fn read_name(word: &[u8]) -> Result<Vec<u8>, ManifestFault> {
    match word {
        b"" => Err(ManifestFault::Format),
        b"." | b".." => Err(ManifestFault::Path),
        name if name.contains(&0) => Err(ManifestFault::Format),
        name if name.iter().any(|byte| matches!(byte, b'/' | b'\\')) => Err(ManifestFault::Path),
        name => Ok(name.to_vec()),
    }
}

/// The number that a word begins with, as C's `atoll` reads it; 0 if there is none.
fn read_sequence(word: &[u8]) -> i64 {
    let (is_negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let magnitude = digits
        .fold(0i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    if is_negative { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> (ManifestFault, Option<(usize, String)>) {
        let error = parse(text.as_bytes()).expect_err(text);
        let show =
            |(number, line): (usize, Vec<u8>)| (number, String::from_utf8(line).expect("text"));
        (error.fault, error.line.map(show))
    }

    #[test]
    fn what_redis_writes() {
        let text = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                    file appendonly.aof.1.incr.aof seq 1 type h\n\
                    file appendonly.aof.2.incr.aof seq 2 type i\n";
        let manifest = parse(text.as_bytes()).expect("good");
        assert_eq!(
            manifest.base().map(|file| &file.name[..]),
            Some(&b"appendonly.aof.2.base.rdb"[..])
        );
        assert_eq!(manifest.history().len(), 1);
        assert_eq!(manifest.incremental().len(), 1);
        assert_eq!(manifest.format(), text.as_bytes());
    }

    #[test]
    fn what_redis_takes() {
        for text in [
            "# nothing but a comment\n",
            "FILE a SEQ 1 TYPE b\n",
            "type base seq 1x file a\r\n",
            "file a seq 1 type i size 12 note \"a b\"\n",
            "  file \"a b\" seq +3 type i  \n# comment\nfile c seq 4 type i\n",
            "file b seq -1 type b\n",
            "file b seq 7 type h\nfile c seq 1 type i\nfile a seq 2 type b\n",
        ] {
            assert!(parse(text.as_bytes()).is_ok(), "{text:?}");
        }
        let long = format!("#{}\nfile a seq 1 type b\n", "x".repeat(LINE_BYTES_MAX - 2));
        assert!(parse(long.as_bytes()).is_ok());
    }

    #[test]
    fn each_rule() {
        use ManifestFault::*;
        assert_eq!(refused(""), (Empty, None));
        assert_eq!(refused("file a seq 1 type b"), (LineTooLong, None));
        let long = format!("file a seq 1 type b {} 1\n", "x".repeat(LINE_BYTES_MAX));
        assert_eq!(refused(&long), (LineTooLong, None));
        assert_eq!(refused("file a seq 1\0 type b\n"), (LineTooLong, None));
        let at = |number, line: &str| Some((number, line.to_owned()));
        assert_eq!(refused("\n"), (Format, at(1, "")));
        assert_eq!(refused("# one\n \t\r\n"), (Format, at(2, "")));
        for line in [
            "file a seq 1",
            "file a seq 1 type b more",
            "file a seq 1 type 'b",
            "file a seq 0 type b",
            "file a seq x type b",
            "file a seq 1 kind b",
            "name a seq 1 type b",
            "file a number 1 type b",
            "file a seq 1 type \"\"",
            "file \"\" seq 1 type b",
            "file \"a\\x00b\" seq 1 type b",
            "file a seq 9223372036854775807 type i",
        ] {
            assert_eq!(refused(&format!(" {line}\t\r\n")), (Format, at(1, line)), "{line}");
        }
        for name in ["/etc/passwd", "../a", "a/b", "a\\b", "..", "."] {
            let line = format!("file {name} seq 1 type b");
            assert_eq!(refused(&format!("{line}\n")), (Path, at(1, &line)));
        }
        let two = "file a seq 1 type b\nfile b seq 2 type b\n";
        assert_eq!(refused(two), (DuplicateBase, at(2, "file b seq 2 type b")));
        for (first, second) in [(2, 1), (1, 1)] {
            let text = format!("file a seq {first} type i\nfile b seq {second} type i\n");
            let line = format!("file b seq {second} type i");
            assert_eq!(refused(&text), (NotMonotonic, at(2, &line)), "swapped or doubled");
        }
        assert_eq!(
            refused("file a seq -1 type i\n"),
            (NotMonotonic, at(1, "file a seq -1 type i"))
        );
        assert_eq!(refused("file a seq 1 type x\n"), (UnknownType, at(1, "file a seq 1 type x")));
    }

    #[test]
    fn log_lines_are_those_of_redis() {
        let error = parse(b"file a seq 1 type b\nfile b seq 1 type b\n").expect_err("two bases");
        assert_eq!(
            error.log_lines(),
            [
                "*** FATAL AOF MANIFEST FILE ERROR ***",
                "Reading the manifest file, at line 2",
                ">>> 'file b seq 1 type b'",
                "Found duplicate base file information",
            ]
        );
        let error = parse(b"").expect_err("empty");
        assert_eq!(error.log_lines().len(), 2);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(prop::sample::select(&b"file seq type bhi 019-+#\"'\\x\n\r\0\xff/"[..]), 0..80)) {
            let _ = parse(&bytes);
        }
    }
}
