//! INFO errorstats: error replies by their code.

use super::view::View;
use super::{Section, Shown, put, safe};

pub(super) const SECTION: Section = Section {
    name: "errorstats",
    title: "Errorstats",
    shown: Shown::ByDefault,
    fields: &[],
    more: codes,
};

fn codes(view: &View<'_, '_>, text: &mut Vec<u8>) {
    for (code, count) in view.cx.metrics.errors.iter() {
        text.extend_from_slice(b"errorstat_");
        text.extend_from_slice(&safe(code));
        put(text, format_args!(":count={count}"));
    }
}
