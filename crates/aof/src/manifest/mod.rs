//! The manifest: which files make the append-only file, in which order.
//!
//! One line per file, `file <name> seq <number> type <b|h|i>`: the base, then *history* (files that
//! a rewrite has replaced and that can be removed), then the incremental files in order. A name with
//! blanks, quotes or unprintable bytes is quoted as in a configuration file.
//!
//! The operations only change the value. Whoever holds it writes it to disk, in an order that
//! survives a crash.

mod error;
mod parse;

pub use error::{ManifestError, ManifestFault};
pub use parse::LINE_BYTES_MAX;

use crate::names::{BaseForm, Names};
use dunlin_stdx::words;

/// The highest sequence number taken from a file, so that counting on from it never overflows.
pub const SEQUENCE_MAX: i64 = 1 << 62;

/// One file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its name within the directory: no path.
    pub name: Vec<u8>,
    /// Its number; base and incremental files are counted apart.
    pub sequence: i64,
}

/// What makes the append-only file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    base: Option<LogFile>,
    history: Vec<LogFile>,
    incremental: Vec<LogFile>,
    base_sequence: i64,
    incremental_sequence: i64,
}

impl Manifest {
    /// Reads a manifest file.
    ///
    /// # Errors
    /// The first line that breaks a rule; see [`ManifestFault`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        parse::parse(bytes)
    }

    /// The file with the data set as it was when the incremental files began.
    #[must_use]
    pub const fn base(&self) -> Option<&LogFile> {
        self.base.as_ref()
    }

    /// The files with the commands since, in order. The last one grows.
    #[must_use]
    pub fn incremental(&self) -> &[LogFile] {
        &self.incremental
    }

    /// Files that are no longer needed, the latest first.
    #[must_use]
    pub fn history(&self) -> &[LogFile] {
        &self.history
    }

    /// Whether it names neither a base nor an incremental file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.incremental.is_empty()
    }

    /// Makes a new name the base; the base before becomes history.
    pub fn next_base(&mut self, names: &Names, form: BaseForm) -> &LogFile {
        self.base_sequence += 1;
        let file =
            LogFile { name: names.base(self.base_sequence, form), sequence: self.base_sequence };
        self.history.splice(..0, self.base.take());
        self.base.insert(file)
    }

    /// Adds a new name behind the incremental files.
    pub fn next_incremental(&mut self, names: &Names) -> &LogFile {
        self.incremental_sequence += 1;
        let sequence = self.incremental_sequence;
        self.incremental.push(LogFile { name: names.incremental(sequence), sequence });
        &self.incremental[self.incremental.len() - 1]
    }

    /// Makes history of all incremental files but the last: the base holds what is in them.
    pub fn retire_incremental(&mut self) {
        let retired = self.incremental.len().saturating_sub(1);
        self.history.splice(..0, self.incremental.drain(..retired));
    }

    /// Makes history of all incremental files: nothing follows the base.
    pub fn retire_all_incremental(&mut self) {
        self.history.splice(..0, self.incremental.drain(..));
    }

    /// Takes the one file of an old version as the base, under its own name.
    pub fn adopt_old_style(&mut self, names: &Names) {
        self.base_sequence = 1;
        self.base = Some(LogFile { name: names.old_style().to_vec(), sequence: 1 });
    }

    /// Whether all it names is the file of an old version.
    #[must_use]
    pub fn is_old_style_only(&self, names: &Names) -> bool {
        let is_old_style = |base: &LogFile| base.name == names.old_style();
        self.incremental.is_empty() && self.base.as_ref().is_some_and(is_old_style)
    }

    /// Forgets the files that are no longer needed.
    pub fn forget_history(&mut self) {
        self.history.clear();
    }

    /// Counts on from numbers that are in use already, so that their files are not written over.
    pub fn skip_to(&mut self, base_sequence: i64, incremental_sequence: i64) {
        self.base_sequence = self.base_sequence.max(base_sequence.min(SEQUENCE_MAX));
        self.incremental_sequence =
            self.incremental_sequence.max(incremental_sequence.min(SEQUENCE_MAX));
    }

    /// The text of the file.
    #[must_use]
    pub fn format(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let base = self.base.iter().map(|file| (file, 'b'));
        let history = self.history.iter().map(|file| (file, 'h'));
        let incremental = self.incremental.iter().map(|file| (file, 'i'));
        for (file, kind) in base.chain(history).chain(incremental) {
            out.extend_from_slice(b"file ");
            write_name(&file.name, &mut out);
            out.extend_from_slice(format!(" seq {} type {kind}\n", file.sequence).as_bytes());
        }
        out
    }
}

fn write_name(name: &[u8], out: &mut Vec<u8>) {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"');
    // Redis writes a name with a single quote as it is and then refuses to start; quoting it is
    // understood by everybody.
    if !name.is_empty() && name.iter().all(|byte| is_plain(byte) && *byte != b'\'') {
        out.extend_from_slice(name);
    } else {
        words::quote(name, out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        Names::new(b"appendonly.aof")
    }

    fn text(manifest: &Manifest) -> String {
        String::from_utf8(manifest.format()).expect("text")
    }

    #[test]
    fn a_life_of_rewrites() {
        let mut manifest = Manifest::default();
        assert!(manifest.is_empty());
        manifest.next_base(&names(), BaseForm::Rdb);
        manifest.next_incremental(&names());
        manifest.next_incremental(&names());
        manifest.next_base(&names(), BaseForm::Commands);
        manifest.retire_incremental();
        assert_eq!(
            text(&manifest),
            "file appendonly.aof.2.base.aof seq 2 type b\n\
             file appendonly.aof.1.incr.aof seq 1 type h\n\
             file appendonly.aof.1.base.rdb seq 1 type h\n\
             file appendonly.aof.2.incr.aof seq 2 type i\n"
        );
        assert_eq!(Manifest::parse(&manifest.format()), Ok(manifest.clone()));
        manifest.forget_history();
        assert_eq!(
            text(&manifest),
            "file appendonly.aof.2.base.aof seq 2 type b\n\
             file appendonly.aof.2.incr.aof seq 2 type i\n"
        );
    }

    #[test]
    fn an_old_file_is_a_base_under_its_own_name() {
        let mut manifest = Manifest::default();
        manifest.adopt_old_style(&names());
        assert_eq!(text(&manifest), "file appendonly.aof seq 1 type b\n");
        assert!(manifest.is_old_style_only(&names()));
        manifest.next_base(&names(), BaseForm::Rdb);
        assert_eq!(
            text(&manifest),
            "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof seq 1 type h\n"
        );
        assert!(!manifest.is_old_style_only(&names()));
    }

    #[test]
    fn used_numbers_are_skipped() {
        let mut manifest = Manifest::default();
        manifest.skip_to(4, 9);
        manifest.next_base(&names(), BaseForm::Rdb);
        manifest.next_incremental(&names());
        assert_eq!(manifest.base().map(|file| file.sequence), Some(5));
        assert_eq!(manifest.incremental()[0].sequence, 10);
    }

    #[test]
    fn unusual_names_are_quoted() {
        let names = Names::new(b"my log\n\"\xff.aof");
        let mut manifest = Manifest::default();
        manifest.next_incremental(&names);
        let expected = "file \"my log\\n\\\"\\xff.aof.1.incr.aof\" seq 1 type i\n";
        assert_eq!(text(&manifest), expected);
        assert_eq!(Manifest::parse(&manifest.format()), Ok(manifest));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            name in prop::collection::vec(any::<u8>().prop_filter("no path", |byte| !b"/\\\0".contains(byte)), 1..40),
            steps in prop::collection::vec(0..5u8, 0..20),
        ) {
            let names = Names::new(&name);
            let mut manifest = Manifest::default();
            manifest.next_incremental(&names);
            for step in steps {
                match step {
                    0 => { manifest.next_base(&names, BaseForm::Rdb); }
                    1 => { manifest.next_base(&names, BaseForm::Commands); }
                    2 => { manifest.next_incremental(&names); }
                    3 => manifest.retire_incremental(),
                    _ => manifest.forget_history(),
                }
            }
            let again = Manifest::parse(&manifest.format()).expect("our own manifest");
            prop_assert_eq!(again.format(), manifest.format());
            prop_assert_eq!(again.incremental(), manifest.incremental());
        }
    }
}
