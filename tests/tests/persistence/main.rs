//! Persistence on real processes: files, what is left after a kill, and other programs' files.

mod crash;
mod damaged;
mod dataset;
mod files;
mod full_disk;
mod interop;
mod loading;
mod shutdown;
mod writers;
