//! INFO modules: there are none.

use super::{Section, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "modules",
    title: "Modules",
    by_default: true,
    fields: &[],
    more: nothing_more,
};
