//! INFO replication: primary or replica, and how far.
//!
//! `master` and `slave` are the words of this section in 7.2, which tools look for.

use dunlin_replication::{Failover, LinkState, PrimaryLink};
use dunlin_stdx::time::Monotonic;

use super::view::View;
use super::{Field, Section, Shown, put};

pub(super) const SECTION: Section = Section {
    name: "replication",
    title: "Replication",
    shown: Shown::ByDefault,
    fields: FIELDS,
    more,
};

const FIELDS: &[Field] = &[("role", |v| match v.cx.primary() {
    Some(_) => "slave".into(),
    None => "master".into(),
})];

/// The fields that follow from the role, then those of the replicas, then those of the history.
fn more(view: &View<'_, '_>, text: &mut Vec<u8>) {
    if let Some(primary) = view.cx.primary() {
        of_link(view, primary, text);
    }
    of_replicas(view, text);
    of_history(view, text);
}

fn seconds_since(view: &View<'_, '_>, at: Monotonic) -> u64 {
    view.cx.now.monotonic.since_us(at) / 1_000_000
}

fn of_link(
    view: &View<'_, '_>,
    (host, port, link): (&str, u16, Option<&PrimaryLink>),
    text: &mut Vec<u8>,
) {
    let (cx, replication) = (view.cx, &*view.cx.replication);
    let config = &cx.config.replication;
    put(text, format_args!("master_host:{host}"));
    put(text, format_args!("master_port:{port}"));
    let up = link.filter(|link| link.is_up());
    let status = if up.is_some() { "up" } else { "down" };
    put(text, format_args!("master_link_status:{status}"));
    let silent = up.map_or(-1, |link| seconds_since(view, link.last_io()) as i64);
    put(text, format_args!("master_last_io_seconds_ago:{silent}"));
    let transferred = link.and_then(PrimaryLink::transferred);
    let is_syncing = link.is_some_and(|link| link.state() == LinkState::Sync);
    put(text, format_args!("master_sync_in_progress:{}", u8::from(is_syncing)));
    let offset = replication.history.offset();
    put(text, format_args!("slave_read_repl_offset:{}", offset + replication.unapplied_bytes));
    put(text, format_args!("slave_repl_offset:{offset}"));
    if let Some((read, total)) = transferred {
        let percent = if total == 0 { 0.0 } else { read as f64 * 100.0 / total as f64 };
        put(text, format_args!("master_sync_total_bytes:{total}"));
        put(text, format_args!("master_sync_read_bytes:{read}"));
        put(text, format_args!("master_sync_left_bytes:{}", total as i64 - read as i64));
        put(text, format_args!("master_sync_perc:{percent:.2}"));
        let silent = link.map_or(0, |link| seconds_since(view, link.last_io()));
        put(text, format_args!("master_sync_last_io_seconds_ago:{silent}"));
    }
    if up.is_none() {
        let down_since = link.and_then(PrimaryLink::down_since);
        let down = down_since.map_or(-1, |since| seconds_since(view, since) as i64);
        put(text, format_args!("master_link_down_since_seconds:{down}"));
    }
    put(text, format_args!("slave_priority:{}", config.replica_priority));
    put(text, format_args!("slave_read_only:{}", u8::from(config.replica_read_only)));
    put(text, format_args!("replica_announced:{}", u8::from(config.replica_announced)));
}

fn of_replicas(view: &View<'_, '_>, text: &mut Vec<u8>) {
    let (replicas, now) = (&view.cx.replication.replicas, view.cx.now.monotonic);
    let config = &view.cx.config.replication;
    put(text, format_args!("connected_slaves:{}", replicas.len()));
    if config.min_replicas_to_write > 0 && config.min_replicas_max_lag > 0 {
        let good = replicas.count_good(config.min_replicas_max_lag, now);
        put(text, format_args!("min_slaves_good_slaves:{good}"));
    }
    for (number, replica) in replicas.iter().enumerate() {
        let lag = match replica.state.is_online() {
            true => replica.lag_seconds(now),
            false => 0,
        };
        put(
            text,
            format_args!(
                "slave{number}:ip={},port={},state={},offset={},lag={lag}",
                replica.address(),
                replica.announcement.port,
                replica.state.name(),
                replica.acknowledged,
            ),
        );
    }
}

fn of_history(view: &View<'_, '_>, text: &mut Vec<u8>) {
    let replication = &*view.cx.replication;
    let history = &replication.history;
    let failover = Failover::state_name(replication.failover.as_ref());
    put(text, format_args!("master_failover_state:{failover}"));
    put(text, format_args!("master_replid:{}", history.replid()));
    put(text, format_args!("master_replid2:{}", history.second_replid()));
    put(text, format_args!("master_repl_offset:{}", history.offset()));
    put(text, format_args!("second_repl_offset:{}", history.second_offset()));
    let backlog = replication.backlog.as_ref();
    put(text, format_args!("repl_backlog_active:{}", u8::from(backlog.is_some())));
    let size = view.cx.config.replication.repl_backlog_size;
    put(text, format_args!("repl_backlog_size:{size}"));
    let first = backlog.map_or(0, dunlin_replication::Backlog::first);
    put(text, format_args!("repl_backlog_first_byte_offset:{first}"));
    let len = backlog.map_or(0, dunlin_replication::Backlog::len);
    put(text, format_args!("repl_backlog_histlen:{len}"));
}
