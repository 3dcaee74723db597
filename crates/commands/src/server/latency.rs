//! `LATENCY subcommand ...`
//!
//! - `LATENCY DOCTOR`
//! - `LATENCY GRAPH event`
//! - `LATENCY HELP`
//! - `LATENCY HISTOGRAM [command [command ...]]`
//! - `LATENCY HISTORY event`
//! - `LATENCY LATEST`
//! - `LATENCY RESET [event [event ...]]`
//!
//! Source: Redis documentation, "LATENCY"; texts and shapes of a 7.2.6 server.

use dunlin_metrics::{EventHistory, Histogram, LatencySample};
use dunlin_resp::Reply;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use super::latency_doctor;
use super::sparkline::{self, Point};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::help::reply_help;
use crate::table::Registered;

pub(crate) const SPEC: CommandSpec = CommandSpec::new("latency", Group::Server, -2)
    .summary("A container for latency diagnostics commands.")
    .since("2.8.13")
    .complexity("Depends on subcommand.");

pub(crate) const DOCTOR_SPEC: CommandSpec = CommandSpec::new("latency|doctor", Group::Server, 2)
    .summary("Returns a human-readable latency analysis report.")
    .since("2.8.13")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"]);

pub(crate) const GRAPH_SPEC: CommandSpec = CommandSpec::new("latency|graph", Group::Server, 3)
    .summary("Returns a latency graph for an event.")
    .since("2.8.13")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
    .args(&[Arg::string("event")]);

pub(crate) const HELP_SPEC: CommandSpec = CommandSpec::new("latency|help", Group::Server, 2)
    .summary("Returns helpful text about the different subcommands.")
    .since("2.8.13")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE]);

pub(crate) const HISTOGRAM_SPEC: CommandSpec =
    CommandSpec::new("latency|histogram", Group::Server, -2)
        .summary("Returns the cumulative distribution of latencies of a subset or all commands.")
        .since("7.0.0")
        .complexity(
            "O(N) where N is the number of commands with latency information being retrieved.",
        )
        .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .args(&[Arg::string("command").optional().multiple()]);

pub(crate) const HISTORY_SPEC: CommandSpec = CommandSpec::new("latency|history", Group::Server, 3)
    .summary("Returns timestamp-latency samples for an event.")
    .since("2.8.13")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
    .args(&[Arg::string("event")]);

pub(crate) const LATEST_SPEC: CommandSpec = CommandSpec::new("latency|latest", Group::Server, 2)
    .summary("Returns the latest latency samples for all events.")
    .since("2.8.13")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"]);

pub(crate) const RESET_SPEC: CommandSpec = CommandSpec::new("latency|reset", Group::Server, -2)
    .summary("Resets the latency data for one or more events.")
    .since("2.8.13")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .tips(&["request_policy:all_nodes", "response_policy:agg_sum"])
    .args(&[Arg::string("event").optional().multiple()]);

/// The LATENCY container.
pub const COMMAND: Command = Command::container(
    SPEC,
    &[
        Command::new(DOCTOR_SPEC, doctor),
        Command::new(GRAPH_SPEC, graph),
        Command::new(HELP_SPEC, help),
        Command::new(HISTOGRAM_SPEC, histogram),
        Command::new(HISTORY_SPEC, history),
        Command::new(LATEST_SPEC, latest),
        Command::new(RESET_SPEC, reset),
    ],
);

/// Width of LATENCY GRAPH.
const GRAPH_COLUMNS: usize = 80;

/// Height of LATENCY GRAPH, without its labels.
const GRAPH_ROWS: usize = 4;

fn doctor(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let now = cx.now.unix_ms().seconds();
    let report = latency_doctor::report(&cx.metrics.latency, cx.config, now);
    cx.reply.verbatim(*b"txt", report.as_bytes());
    Ok(())
}

fn graph(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(event) = cx.metrics.latency.event(args.get(2)) else {
        let name = String::from_utf8_lossy(args.get(2));
        return Err(CommandError::err(format!("No samples available for event '{name}'")));
    };
    let text = render(event, cx.now.unix_ms().seconds());
    cx.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// The heading and graph of an event, seen from `now` (seconds since the Unix epoch).
fn render(event: &EventHistory, now: i64) -> String {
    let points: Vec<Point> = event
        .samples()
        .map(|sample| Point { value: sample.ms, label: age(now - sample.unix_seconds) })
        .collect();
    let high = points.iter().map(|point| point.value).max().unwrap_or(0);
    let low = points.iter().map(|point| point.value).min().unwrap_or(0);
    let (name, worst) = (event.name(), event.max_ms());
    let rule = "-".repeat(GRAPH_COLUMNS);
    let graph = sparkline::render(&points, GRAPH_COLUMNS, GRAPH_ROWS);
    format!("{name} - high {high} ms, low {low} ms (all time high {worst} ms)\n{rule}\n{graph}")
}

/// How long ago, in the largest unit that fits.
fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        86_400.. => format!("{}d", seconds / 86_400),
    }
}

fn help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    const LINES: &[&str] = &[
        "DOCTOR",
        "    Return a human readable latency analysis report.",
        "GRAPH <event>",
        "    Return an ASCII latency graph for the <event> class.",
        "HISTORY <event>",
        "    Return time-latency samples for the <event> class.",
        "LATEST",
        "    Return the latest latency samples for all events.",
        "RESET [<event> ...]",
        "    Reset latency data of one or more <event> classes.",
        "    (default: reset all data for all event classes)",
        "HISTOGRAM [COMMAND ...]",
        "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
        "    If no commands are specified then all histograms are replied.",
    ];
    reply_help(cx.reply, "LATENCY", LINES);
    Ok(())
}

fn histogram(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let map = cx.reply.deferred_map();
    let mut commands = 0;
    let mut write = |registered: Registered| {
        let stats = &cx.metrics.commands[usize::from(registered.number.0)];
        if !stats.latency.is_empty() {
            cx.reply.bulk(registered.command.spec.name().as_bytes());
            write_histogram(cx.reply, &stats.latency);
            commands += 1;
        }
    };
    if args.len() == 2 {
        cx.table.all().iter().copied().for_each(&mut write);
    }
    for name in &args.words()[2..] {
        if let Some(registered) = cx.table.by_full_name(name) {
            write(registered);
            cx.table.subcommands(registered).iter().copied().for_each(&mut write);
        }
    }
    cx.reply.set_map(map, commands);
    Ok(())
}

fn write_histogram(reply: &mut Reply, histogram: &Histogram) {
    let steps = histogram.cumulative();
    reply.map(2);
    reply.bulk(b"calls");
    reply.integer(histogram.total().cast_signed());
    reply.bulk(b"histogram_usec");
    reply.map(steps.len());
    for (ns, count) in steps {
        reply.integer((ns / 1000).cast_signed());
        reply.integer(count.cast_signed());
    }
}

fn history(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let event = cx.metrics.latency.event(args.get(2));
    let samples: Vec<LatencySample> = event.into_iter().flat_map(EventHistory::samples).collect();
    cx.reply.array(samples.len());
    for sample in samples {
        cx.reply.array(2);
        cx.reply.integer(sample.unix_seconds);
        cx.reply.integer(sample.ms.cast_signed());
    }
    Ok(())
}

fn latest(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let events = cx.metrics.latency.events();
    let seen = events.iter().filter_map(|event| Some((event, event.latest()?)));
    cx.reply.array(seen.clone().count());
    for (event, last) in seen {
        cx.reply.array(4);
        cx.reply.bulk(event.name().as_bytes());
        cx.reply.integer(last.unix_seconds);
        cx.reply.integer(last.ms.cast_signed());
        cx.reply.integer(event.max_ms().cast_signed());
    }
    Ok(())
}

fn reset(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let latency = &mut cx.metrics.latency;
    let events = match &args.words()[2..] {
        [] => latency.reset_all(),
        names => names.iter().filter(|name| latency.reset(name)).count(),
    };
    cx.reply.integer(events as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use dunlin_metrics::LatencyMonitor;

    use super::*;

    #[test]
    fn a_graph_shows_its_event_and_how_old_the_spikes_are() {
        let mut monitor = LatencyMonitor::default();
        monitor.record("command", 100_000, 5);
        monitor.record("command", 186_390, 10);
        let text = render(&monitor.events()[0], 186_400);
        let expected = "command - high 10 ms, low 5 ms (all time high 10 ms)\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("11\nd0\n s\n"), "{text}");
    }

    #[test]
    fn ages_are_told_in_the_largest_unit() {
        let ages = [0, 59, 60, 3599, 3600, 86_399, 86_400].map(age);
        assert_eq!(ages, ["0s", "59s", "1m", "59m", "1h", "23h", "1d"]);
    }
}
