//! INFO modules: there are none.

use super::{Section, Shown, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "modules",
    title: "Modules",
    shown: Shown::ByDefault,
    fields: &[],
    more: nothing_more,
};
