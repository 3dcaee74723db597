//! The RDB format: how keys, whole data sets and DUMP payloads are written as bytes, and read back.
//!
//! Source: RDB format, as documented for Redis 2.4 to 7.2 and checked against real servers.

#![forbid(unsafe_code)]
