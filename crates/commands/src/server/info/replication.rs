//! INFO replication: primary or replica, and how far.
//!
//! `master` and `slave` are the words of this section in 7.2, which tools look for.

use super::{Field, Section, Shown, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "replication",
    title: "Replication",
    shown: Shown::ByDefault,
    fields: FIELDS,
    more: nothing_more,
};

const FIELDS: &[Field] = &[
    ("role", |_| "master".into()),
    ("connected_slaves", |_| 0_u64.into()),
    ("master_failover_state", |_| "no-failover".into()),
    ("master_replid", |v| v.process().run_id.clone().into()),
    ("master_replid2", |_| "0".repeat(40).into()),
    ("master_repl_offset", |_| 0_u64.into()),
    ("second_repl_offset", |_| (-1_i64).into()),
    ("repl_backlog_active", |_| false.into()),
    ("repl_backlog_size", |v| v.cx.config.replication.repl_backlog_size.into()),
    ("repl_backlog_first_byte_offset", |_| 0_u64.into()),
    ("repl_backlog_histlen", |_| 0_u64.into()),
];
