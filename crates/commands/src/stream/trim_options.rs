//! `[NOMKSTREAM] [<MAXLEN|MINID> [=|~] threshold [LIMIT count]]`: what XADD and XTRIM trim.

use dunlin_config::Config;
use dunlin_values::stream::{IdText, Keep, Log, NewId, NodeLimits, StreamId, Trim};

use crate::args::Args;
use crate::context::{Caller, Context};
use crate::error::CommandError;
use crate::stream::id::parse_id;

/// The options in front of XADD's ID, or all of XTRIM's.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrimOptions {
    pub(super) trim: Option<TrimWords>,
    /// `NOMKSTREAM`.
    pub(super) only_existing: bool,
    /// The ID XADD asks for, and its index.
    pub(super) id: Option<(NewId, usize)>,
}

/// How to trim, and which word said how far.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrimWords {
    pub(super) trim: Trim,
    /// Index of the threshold.
    at: usize,
}

/// Which command the options belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Xadd,
    Xtrim,
}

/// How many entries may share a node.
pub(super) const fn node_limits(config: &Config) -> NodeLimits {
    NodeLimits {
        bytes: config.encodings.stream_node_max_bytes,
        entries: config.encodings.stream_node_max_entries,
    }
}

impl TrimOptions {
    /// Reads the options from the third word on.
    ///
    /// # Errors
    /// Several texts of 7.2, [`CommandError::Syntax`], [`CommandError::NotInteger`].
    pub(super) fn parse(
        cx: &Context<'_>,
        args: Args<'_>,
        owner: Owner,
    ) -> Result<Self, CommandError> {
        let mut found = Self { trim: None, only_existing: false, id: None };
        let mut limit: Option<u64> = None;
        let mut words = args.cursor(2);
        while let Some(word) = words.next_word() {
            let has_more = words.remaining() > 0;
            if owner == Owner::Xadd && word == b"*" {
                found.id = Some((NewId::Any, words.position() - 1));
                break;
            } else if word.eq_ignore_ascii_case(b"maxlen") && has_more {
                found.check_first_strategy()?;
                let approximate = skip_operator(args, words.position());
                words = args.cursor(approximate.1);
                let count = not_negative(words.integer()?, "MAXLEN")?;
                found.set(Keep::Newest(count), approximate.0, words.position() - 1);
            } else if word.eq_ignore_ascii_case(b"minid") && has_more {
                found.check_first_strategy()?;
                let approximate = skip_operator(args, words.position());
                words = args.cursor(approximate.1);
                let id = parse_id(words.value()?, 0)?;
                found.set(Keep::From(id), approximate.0, words.position() - 1);
            } else if word.eq_ignore_ascii_case(b"limit") && has_more {
                limit = Some(not_negative(words.integer()?, "LIMIT")?);
            } else if owner == Owner::Xtrim {
                return Err(CommandError::Syntax);
            } else if word.eq_ignore_ascii_case(b"nomkstream") {
                found.only_existing = true;
            } else {
                let id = match StreamId::parse_ms_star(word) {
                    Some(ms) => NewId::Within(ms),
                    None => NewId::Exactly(parse_id(word, 0)?),
                };
                found.id = Some((id, words.position() - 1));
                break;
            }
        }
        found.apply_limit(cx, owner, limit)?;
        Ok(found)
    }

    const fn check_first_strategy(&self) -> Result<(), CommandError> {
        match self.trim {
            None => Ok(()),
            Some(_) => Err(CommandError::fixed(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            )),
        }
    }

    const fn set(&mut self, keep: Keep, approximate: bool, at: usize) {
        self.trim = Some(TrimWords { trim: Trim { keep, approximate, limit: None }, at });
    }

    /// Bounds the work of trimming. A stream that is followed has its thresholds rewritten to what
    /// was done, so no limit holds there.
    fn apply_limit(
        &mut self,
        cx: &Context<'_>,
        owner: Owner,
        limit: Option<u64>,
    ) -> Result<(), CommandError> {
        const NEEDS_APPROXIMATE: CommandError = CommandError::fixed(
            "ERR syntax error, LIMIT cannot be used without the special ~ option",
        );
        let is_followed = cx.caller == Caller::Stream;
        let Some(words) = &mut self.trim else {
            return match (limit, owner) {
                (Some(1..), _) => Err(CommandError::fixed(
                    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
                )),
                (_, Owner::Xtrim) => Err(CommandError::fixed(
                    "ERR syntax error, XTRIM must be called with a trimming strategy",
                )),
                (Some(_), Owner::Xadd) if !is_followed => Err(NEEDS_APPROXIMATE),
                _ => Ok(()),
            };
        };
        if is_followed {
            return Ok(());
        }
        words.trim.limit = match (limit, words.trim.approximate) {
            (Some(_), false) => return Err(NEEDS_APPROXIMATE),
            (Some(limit), true) => (limit > 0).then_some(limit),
            (None, true) => Some(default_limit(cx.config.encodings.stream_node_max_entries)),
            (None, false) => None,
        };
        Ok(())
    }
}

impl TrimWords {
    /// What is propagated instead of an approximate threshold, now that `log` is trimmed: the exact
    /// one that leads to the same.
    pub(super) fn exact(&self, log: &Log) -> Option<ExactTrim> {
        if !self.trim.approximate {
            return None;
        }
        let mut text = IdText::default();
        let threshold = match self.trim.keep {
            Keep::Newest(_) => itoa::Buffer::new().format(log.len()).as_bytes().into(),
            Keep::From(_) => log.oldest_held_id().unwrap_or(StreamId::MAX).format(&mut text).into(),
        };
        Some(ExactTrim { threshold, at: self.at })
    }
}

/// Words that take the place of an approximate trim's.
pub(super) struct ExactTrim {
    threshold: Box<[u8]>,
    at: usize,
}

impl ExactTrim {
    /// Which words stand where.
    pub(super) fn words(&self) -> [(usize, &[u8]); 2] {
        [(self.at - 1, b"="), (self.at, &self.threshold)]
    }
}

/// Most entries that go where the client names no limit: those of a hundred nodes.
fn default_limit(node_entries_max: u64) -> u64 {
    match node_entries_max.saturating_mul(100) {
        0 => 10_000,
        entries => entries.min(1_000_000),
    }
}

/// Whether the word at `index` is `~`, and where the threshold stands.
fn skip_operator(args: Args<'_>, index: usize) -> (bool, usize) {
    match args.words().get(index..) {
        Some([operator @ (b"~" | b"="), _, ..]) => (*operator == b"~", index + 1),
        _ => (false, index),
    }
}

fn not_negative(value: i64, option: &str) -> Result<u64, CommandError> {
    u64::try_from(value)
        .map_err(|_| CommandError::err(format!("The {option} argument must be >= 0.")))
}
