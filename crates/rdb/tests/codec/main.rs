//! Files and payloads, written and read: one test program, so that all share how entries are made.

mod check;
mod entries;
mod hostile;
mod old_versions;
mod patient;
mod pieces;

mod round_trip;
