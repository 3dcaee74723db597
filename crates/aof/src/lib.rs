//! The append-only file: its manifest, and the log of commands.
//!
//! Source: Redis documentation, "Persistence", section on the append-only file.

#![forbid(unsafe_code)]
