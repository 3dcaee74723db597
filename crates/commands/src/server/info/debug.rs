//! INFO debug: the event loop in more detail.

use super::{Field, Section, Shown, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "debug",
    title: "Debug",
    shown: Shown::ByName,
    fields: FIELDS,
    more: nothing_more,
};

const FIELDS: &[Field] = &[
    ("eventloop_duration_aof_sum", |_| 0_u64.into()),
    ("eventloop_duration_cron_sum", |v| (v.cx.metrics.counters.cron_ns / 1000).into()),
    ("eventloop_duration_max", |v| v.cx.metrics.counters.loop_us_max.into()),
    ("eventloop_cmd_per_cycle_max", |v| v.cx.metrics.counters.turn_commands_max.into()),
];
