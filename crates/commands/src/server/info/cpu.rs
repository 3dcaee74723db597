//! INFO cpu: processor time.

use super::view::Value;
use super::{Field, Section, Shown, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "cpu",
    title: "CPU",
    shown: Shown::ByDefault,
    fields: FIELDS,
    more: nothing_more,
};

const FIELDS: &[Field] = &[
    ("used_cpu_sys", |v| seconds(v.cpu().system_us)),
    ("used_cpu_user", |v| seconds(v.cpu().user_us)),
    ("used_cpu_sys_children", |_| seconds(0)),
    ("used_cpu_user_children", |_| seconds(0)),
    ("used_cpu_sys_main_thread", |v| seconds(v.cpu().main_thread_system_us)),
    ("used_cpu_user_main_thread", |v| seconds(v.cpu().main_thread_user_us)),
];

fn seconds(us: u64) -> Value {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000).into()
}
