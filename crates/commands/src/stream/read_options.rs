//! `[GROUP group consumer] [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id
//! [id ...]`: what XREAD and XREADGROUP read.

use dunlin_stdx::time::Now;

use crate::args::Args;
use crate::blocking::Timeout;
use crate::error::CommandError;

/// Which command the options belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Xread,
    Xreadgroup,
}

/// What is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadOptions<'a> {
    /// Most entries of each stream.
    pub(super) limit: Option<u64>,
    /// How long to wait for entries.
    pub(super) timeout: Option<Timeout>,
    /// Group and consumer.
    pub(super) group: Option<(&'a [u8], &'a [u8])>,
    /// The group does not remember who got the entries.
    pub(super) noack: bool,
    pub(super) keys: &'a [&'a [u8]],
    /// For each key, the ID behind which entries are read.
    pub(super) ids: &'a [&'a [u8]],
}

impl<'a> ReadOptions<'a> {
    /// Reads the options.
    ///
    /// # Errors
    /// Several texts of 7.2, [`CommandError::Syntax`], [`CommandError::NotInteger`], those of
    /// [`Timeout::milliseconds`].
    pub(super) fn parse(args: Args<'a>, reader: Reader, now: Now) -> Result<Self, CommandError> {
        let mut found =
            Self { limit: None, timeout: None, group: None, noack: false, keys: &[], ids: &[] };
        let mut words = args.cursor(1);
        let mut has_streams = false;
        while let Some(word) = words.next_word() {
            let left = words.remaining();
            if word.eq_ignore_ascii_case(b"block") && left > 0 {
                found.timeout = Some(Timeout::milliseconds(words.value()?, now)?);
            } else if word.eq_ignore_ascii_case(b"count") && left > 0 {
                // 0 and less stand for no limit.
                found.limit = u64::try_from(words.integer()?).ok().filter(|limit| *limit > 0);
            } else if word.eq_ignore_ascii_case(b"streams") && left > 0 {
                let (keys, ids) = args.words()[words.position()..].split_at(left / 2);
                if keys.len() != ids.len() {
                    return Err(unbalanced(reader));
                }
                (found.keys, found.ids, has_streams) = (keys, ids, true);
                break;
            } else if word.eq_ignore_ascii_case(b"group") && left >= 2 {
                check_reads_group(reader, "GROUP")?;
                found.group = Some((words.value()?, words.value()?));
            } else if word.eq_ignore_ascii_case(b"noack") {
                check_reads_group(reader, "NOACK")?;
                found.noack = true;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        if !has_streams {
            return Err(CommandError::Syntax);
        }
        if reader == Reader::Xreadgroup && found.group.is_none() {
            return Err(CommandError::fixed("ERR Missing GROUP option for XREADGROUP"));
        }
        Ok(found)
    }
}

fn unbalanced(reader: Reader) -> CommandError {
    let (name, symbol) = match reader {
        Reader::Xread => ("xread", '$'),
        Reader::Xreadgroup => ("xreadgroup", '>'),
    };
    CommandError::err(format!(
        "Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' must be \
         specified."
    ))
}

fn check_reads_group(reader: Reader, option: &str) -> Result<(), CommandError> {
    match reader {
        Reader::Xreadgroup => Ok(()),
        Reader::Xread => Err(CommandError::err(format!(
            "The {option} option is only supported by XREADGROUP. You called XREAD instead."
        ))),
    }
}
