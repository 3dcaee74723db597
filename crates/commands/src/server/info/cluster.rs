//! INFO cluster: whether this server is a node of one.

use super::{Section, Shown, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "cluster",
    title: "Cluster",
    shown: Shown::ByDefault,
    fields: &[("cluster_enabled", |v| v.cx.config.cluster.cluster_enabled.into())],
    more: nothing_more,
};
