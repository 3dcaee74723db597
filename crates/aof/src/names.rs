//! What the files are called.

/// The form of a base file, and with it the end of its name.
///
/// Readers do not go by the name: see [`is_rdb`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseForm {
    /// A snapshot (`aof-use-rdb-preamble yes`).
    Rdb,
    /// Commands that make the data set.
    Commands,
}

impl BaseForm {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Rdb => "rdb",
            Self::Commands => "aof",
        }
    }
}

/// Whether a file that begins with `head` (5 bytes are enough) is to be read as RDB, whatever it is
/// called.
#[must_use]
pub fn is_rdb(head: &[u8]) -> bool {
    head.starts_with(b"REDIS")
}

/// The names that follow from `appendfilename`. All are names within `appenddirname`, except
/// [`Names::old_style`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    file_name: Vec<u8>,
}

impl Names {
    /// The names under this `appendfilename`.
    #[must_use]
    pub fn new(file_name: &[u8]) -> Self {
        Self { file_name: file_name.to_vec() }
    }

    /// `appendonly.aof.manifest`
    #[must_use]
    pub fn manifest(&self) -> Vec<u8> {
        [&self.file_name, &b".manifest"[..]].concat()
    }

    /// `temp-appendonly.aof.manifest`: the manifest while it is being written.
    #[must_use]
    pub fn temporary_manifest(&self) -> Vec<u8> {
        [&b"temp-"[..], &self.file_name, b".manifest"].concat()
    }

    /// `temp-appendonly.aof.incr`: what is written while the first base is being made.
    #[must_use]
    pub fn temporary_incremental(&self) -> Vec<u8> {
        [&b"temp-"[..], &self.file_name, b".incr"].concat()
    }

    /// `appendonly.aof.1.base.rdb`
    #[must_use]
    pub fn base(&self, sequence: i64, form: BaseForm) -> Vec<u8> {
        self.numbered(sequence, "base", form.suffix())
    }

    /// `appendonly.aof.1.incr.aof`
    #[must_use]
    pub fn incremental(&self, sequence: i64) -> Vec<u8> {
        self.numbered(sequence, "incr", "aof")
    }

    /// `appendonly.aof`: the one file of Redis up to 6.2. It lies in `dir` itself before it is
    /// moved, and is a base under this very name afterwards.
    #[must_use]
    pub fn old_style(&self) -> &[u8] {
        &self.file_name
    }

    fn numbered(&self, sequence: i64, part: &str, suffix: &str) -> Vec<u8> {
        let mut name = self.file_name.clone();
        name.extend_from_slice(format!(".{sequence}.{part}.{suffix}").as_bytes());
        name
    }

    /// The sequence number in the name of a base file of either form.
    #[must_use]
    pub fn base_sequence(&self, name: &[u8]) -> Option<i64> {
        self.sequence(name, ".base.rdb").or_else(|| self.sequence(name, ".base.aof"))
    }

    /// The sequence number in the name of an incremental file.
    #[must_use]
    pub fn incremental_sequence(&self, name: &[u8]) -> Option<i64> {
        self.sequence(name, ".incr.aof")
    }

    fn sequence(&self, name: &[u8], end: &str) -> Option<i64> {
        let rest = name.strip_prefix(&self.file_name[..])?.strip_prefix(b".")?;
        dunlin_stdx::number::parse_i64(rest.strip_suffix(end.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_redis() {
        let names = Names::new(b"appendonly.aof");
        let text = |name: Vec<u8>| String::from_utf8(name).expect("text");
        assert_eq!(text(names.manifest()), "appendonly.aof.manifest");
        assert_eq!(text(names.temporary_manifest()), "temp-appendonly.aof.manifest");
        assert_eq!(text(names.temporary_incremental()), "temp-appendonly.aof.incr");
        assert_eq!(text(names.base(7, BaseForm::Rdb)), "appendonly.aof.7.base.rdb");
        assert_eq!(text(names.base(1, BaseForm::Commands)), "appendonly.aof.1.base.aof");
        assert_eq!(text(names.incremental(12)), "appendonly.aof.12.incr.aof");
        assert_eq!(names.old_style(), b"appendonly.aof");
    }

    #[test]
    fn numbers_are_read_from_names() {
        let names = Names::new(b"a.aof");
        assert_eq!(names.base_sequence(b"a.aof.7.base.rdb"), Some(7));
        assert_eq!(names.base_sequence(b"a.aof.8.base.aof"), Some(8));
        assert_eq!(names.incremental_sequence(b"a.aof.12.incr.aof"), Some(12));
        for other in
            ["a.aof", "a.aof.manifest", "a.aof.x.incr.aof", "b.aof.1.incr.aof", "a.aof.1.base.rdb"]
        {
            assert_eq!(names.incremental_sequence(other.as_bytes()), None, "{other}");
        }
    }
}
