//! INFO commandstats and latencystats: how often each command ran, and how long it took.

use dunlin_metrics::CommandStats;

use super::view::View;
use super::{Section, Shown, put};

pub(super) const STATISTICS: Section = Section {
    name: "commandstats",
    title: "Commandstats",
    shown: Shown::OnRequest,
    fields: &[],
    more: statistics,
};

pub(super) const LATENCIES: Section = Section {
    name: "latencystats",
    title: "Latencystats",
    shown: Shown::OnRequest,
    fields: &[],
    more: latencies,
};

/// The commands with their names, in the order of the table.
fn commands<'a>(view: &'a View<'_, '_>) -> impl Iterator<Item = (&'static str, &'a CommandStats)> {
    let names = view.cx.table.all().iter().map(|registered| registered.command.spec.name());
    names.zip(&view.cx.metrics.commands)
}

fn statistics(view: &View<'_, '_>, text: &mut Vec<u8>) {
    for (name, stats) in commands(view).filter(|(_, stats)| stats.is_used()) {
        let &CommandStats { calls, rejected, failed, .. } = stats;
        let us = stats.us();
        let us_per_call = stats.ns as f64 / 1000.0 / calls.max(1) as f64;
        put(
            text,
            format_args!(
                "cmdstat_{name}:calls={calls},usec={us},usec_per_call={us_per_call:.2},\
                 rejected_calls={rejected},failed_calls={failed}"
            ),
        );
    }
}

fn latencies(view: &View<'_, '_>, text: &mut Vec<u8>) {
    let logging = &view.cx.config.logging;
    if !logging.latency_tracking {
        return;
    }
    let percentiles = &logging.latency_tracking_info_percentiles.0;
    for (name, stats) in commands(view).filter(|(_, stats)| !stats.latency.is_empty()) {
        let shown = percentiles.iter().map(|&percentile| {
            let us = stats.latency.percentile(percentile) as f64 / 1000.0;
            format!("p{percentile}={us:.3}")
        });
        let shown = shown.collect::<Vec<String>>().join(",");
        put(text, format_args!("latency_percentiles_usec_{name}:{shown}"));
    }
}
