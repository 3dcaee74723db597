//! The log over a small disk in memory.

mod crash;
mod disk;
mod files;
mod job;
