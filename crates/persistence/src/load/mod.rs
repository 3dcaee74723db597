//! Loading what was kept: which files, in which order, by which rules.

mod plan;

pub use plan::{FileRole, LoadFile, LoadPlan};
