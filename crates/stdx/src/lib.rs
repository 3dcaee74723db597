//! What std and the chosen libraries lack.
//!
//! Small, dependency-light pieces that every other crate may use: instants that are passed in
//! instead of read ([`time`]), glob patterns ([`glob`]), numbers as Redis reads and prints them
//! ([`number`], [`long_double`]), amounts of memory ([`byte_size`]), lines split into quoted words
//! ([`words`]), LZF compression ([`lzf`]). Nothing here knows a protocol, a command or a socket.

#![forbid(unsafe_code)]

pub mod byte_size;
pub mod glob;
mod grisu;
pub mod long_double;
pub mod lzf;
pub mod number;
pub mod time;
pub mod words;
