//! The append-only file: its manifest, and the log of commands.
//!
//! An append-only file is a directory: a *base* that holds the data set as it was once (an RDB file
//! or commands), *incremental* files with the commands since, in order, and a [`Manifest`] that
//! names them. [`Names`] says what each is called. [`LogReader`] finds whole commands in the bytes
//! of a file, wherever they were cut; [`Command`] reads one; [`TimestampWriter`] marks when
//! commands were written.
//!
//! ```
//! use dunlin_aof::{Annotation, Item, LogReader};
//!
//! let bytes = b"#TS:1700000000\r\n*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n*2\r\n$4\r\nIN";
//! let mut reader = LogReader::at(0);
//! let mut rest = &bytes[..];
//! let Ok(Item::Annotation { len_bytes, annotation }) = reader.next(rest) else { panic!() };
//! assert_eq!(annotation, Annotation::Timestamp(1_700_000_000));
//! rest = &rest[len_bytes..];
//! assert_eq!(reader.next(rest), Ok(Item::Commands { len_bytes: 21, count: 1 }));
//! rest = &rest[21..];
//! assert_eq!(reader.next(rest), Ok(Item::Incomplete));
//! // The file ends here: it is good up to the end of its last whole command.
//! assert!(reader.finish(rest).is_err());
//! assert_eq!(reader.ok_up_to(), 37);
//! ```
//!
//! Source: Redis documentation, "Persistence", section on the append-only file; formats and texts
//! compared with 7.0.15 and 7.2.6.

#![forbid(unsafe_code)]

mod annotation;
mod command;
mod log;
mod manifest;
mod names;

pub use annotation::{ANNOTATION_BYTES_MAX, Annotation, StreamPosition, TimestampWriter};
pub use command::{Arguments, Command, Commands};
pub use log::{Item, LogError, LogFault, LogReader};
pub use manifest::{LINE_BYTES_MAX, LogFile, Manifest, ManifestError, ManifestFault, SEQUENCE_MAX};
pub use names::{BaseForm, Names, is_rdb};
