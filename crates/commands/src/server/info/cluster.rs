//! INFO cluster: whether this server is a node of one.

use super::{Section, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "cluster",
    title: "Cluster",
    by_default: true,
    fields: &[("cluster_enabled", |v| v.cx.config.cluster.cluster_enabled.into())],
    more: nothing_more,
};
