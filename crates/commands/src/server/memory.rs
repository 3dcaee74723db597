//! `MEMORY subcommand ...`
//!
//! - `MEMORY DOCTOR`
//! - `MEMORY HELP`
//! - `MEMORY MALLOC-STATS`
//! - `MEMORY PURGE`
//! - `MEMORY STATS`
//! - `MEMORY USAGE key [SAMPLES count]`
//!
//! Source: Redis documentation, "MEMORY"; texts and shapes of a 7.2.6 server.
//!
//! Differs: USAGE is exact for the entry and adds an average key's share of the tables; SAMPLES
//! changes nothing.

use dunlin_resp::Reply;
use dunlin_spec::{Arg, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::memory_doctor;
use super::memory_overview::MemoryOverview;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::help::reply_help;

pub(crate) const SPEC: CommandSpec = CommandSpec::new("memory", Group::Server, -2)
    .summary("A container for memory diagnostics commands.")
    .since("4.0.0")
    .complexity("Depends on subcommand.");

pub(crate) const DOCTOR_SPEC: CommandSpec = CommandSpec::new("memory|doctor", Group::Server, 2)
    .summary("Outputs a memory problems report.")
    .since("4.0.0")
    .complexity("O(1)")
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]);

pub(crate) const HELP_SPEC: CommandSpec = CommandSpec::new("memory|help", Group::Server, 2)
    .summary("Returns helpful text about the different subcommands.")
    .since("4.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE]);

pub(crate) const MALLOC_STATS_SPEC: CommandSpec =
    CommandSpec::new("memory|malloc-stats", Group::Server, 2)
        .summary("Returns the allocator statistics.")
        .since("4.0.0")
        .complexity("Depends on how much memory is allocated, could be slow")
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]);

pub(crate) const PURGE_SPEC: CommandSpec = CommandSpec::new("memory|purge", Group::Server, 2)
    .summary("Asks the allocator to release memory.")
    .since("4.0.0")
    .complexity("Depends on how much memory is allocated, could be slow")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]);

pub(crate) const STATS_SPEC: CommandSpec = CommandSpec::new("memory|stats", Group::Server, 2)
    .summary("Returns details about memory usage.")
    .since("4.0.0")
    .complexity("O(1)")
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]);

pub(crate) const USAGE_SPEC: CommandSpec = CommandSpec::new("memory|usage", Group::Server, -3)
    .summary("Estimates the memory usage of a key.")
    .since("4.0.0")
    .complexity("O(N) where N is the number of samples.")
    .flags(&[Flags::READONLY])
    .keys(&[KeySpec::at(2, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0), Arg::integer("count").token("SAMPLES").optional()]);

/// The MEMORY container.
pub const COMMAND: Command = Command::container(
    SPEC,
    &[
        Command::new(DOCTOR_SPEC, doctor),
        Command::new(HELP_SPEC, help),
        Command::new(MALLOC_STATS_SPEC, malloc_stats),
        Command::new(PURGE_SPEC, purge),
        Command::new(STATS_SPEC, stats),
        Command::new(USAGE_SPEC, usage),
    ],
);

fn doctor(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let overview = MemoryOverview::now(cx);
    let report = memory_doctor::report(&overview, cx.sessions.len(), &cx.host.process().allocator);
    cx.reply.verbatim(*b"txt", report.as_bytes());
    Ok(())
}

fn help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    const LINES: &[&str] = &[
        "DOCTOR",
        "    Return memory problems reports.",
        "MALLOC-STATS",
        "    Return internal statistics report from the memory allocator.",
        "PURGE",
        "    Attempt to purge dirty pages for reclamation by the allocator.",
        "STATS",
        "    Return information about the memory usage of the server.",
        "USAGE <key> [SAMPLES <count>]",
        "    Return memory in bytes used by <key> and its value. Nested values are",
        "    sampled up to <count> times (default: 5, 0 means sample all).",
    ];
    reply_help(cx.reply, "MEMORY", LINES);
    Ok(())
}

fn malloc_stats(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let mut report = cx.host.allocator_report();
    if report.is_empty() {
        report = "Stats not supported for the current allocator".to_owned();
    }
    cx.reply.verbatim(*b"txt", report.as_bytes());
    Ok(())
}

fn purge(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.host.purge_memory();
    cx.reply.ok();
    Ok(())
}

/// A figure of MEMORY STATS.
enum Figure {
    Count(u64),
    Signed(i64),
    Ratio(f64),
}

/// A name in MEMORY STATS, and how its figure is found.
type Row = (&'static str, fn(&MemoryOverview) -> Figure);

/// The figures before those of the databases.
const FIGURES_BEFORE: &[Row] = &[
    ("peak.allocated", |m| Figure::Count(m.peak)),
    ("total.allocated", |m| Figure::Count(m.used)),
    ("startup.allocated", |m| Figure::Count(m.startup)),
    ("replication.backlog", |_| Figure::Count(0)),
    ("clients.slaves", |_| Figure::Count(0)),
    ("clients.normal", |m| Figure::Count(m.clients)),
    ("cluster.links", |m| Figure::Count(m.cluster_links)),
    ("aof.buffer", |_| Figure::Count(0)),
    ("lua.caches", |_| Figure::Count(0)),
    ("functions.caches", |_| Figure::Count(0)),
];

/// The figures behind those of the databases.
const FIGURES_AFTER: &[Row] = &[
    ("overhead.total", |m| Figure::Count(m.overhead())),
    ("keys.count", |m| Figure::Count(m.keys)),
    ("keys.bytes-per-key", |m| Figure::Count(m.bytes_per_key())),
    ("dataset.bytes", |m| Figure::Count(m.dataset())),
    ("dataset.percentage", |m| Figure::Ratio(m.dataset_percent())),
    ("peak.percentage", |m| Figure::Ratio(m.peak_percent())),
    ("allocator.allocated", |m| Figure::Count(m.figures.allocated_bytes)),
    ("allocator.active", |m| Figure::Count(m.figures.active_bytes)),
    ("allocator.resident", |m| Figure::Count(m.figures.resident_bytes)),
    ("allocator-fragmentation.ratio", |m| Figure::Ratio(m.allocator_fragmentation().ratio)),
    ("allocator-fragmentation.bytes", |m| Figure::Signed(m.allocator_fragmentation().bytes)),
    ("allocator-rss.ratio", |m| Figure::Ratio(m.allocator_resident().ratio)),
    ("allocator-rss.bytes", |m| Figure::Signed(m.allocator_resident().bytes)),
    ("rss-overhead.ratio", |m| Figure::Ratio(m.resident_overhead().ratio)),
    ("rss-overhead.bytes", |m| Figure::Signed(m.resident_overhead().bytes)),
    ("fragmentation", |m| Figure::Ratio(m.fragmentation().ratio)),
    ("fragmentation.bytes", |m| Figure::Signed(m.fragmentation().bytes)),
];

fn stats(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let overview = MemoryOverview::now(cx);
    let pairs = FIGURES_BEFORE.len() + overview.databases.len() + FIGURES_AFTER.len();
    cx.reply.map(pairs);
    write_figures(cx.reply, FIGURES_BEFORE, &overview);
    for database in &overview.databases {
        cx.reply.bulk(format!("db.{}", database.db).as_bytes());
        cx.reply.map(3);
        let tables = database.tables.cast_signed();
        for (name, bytes) in [("main", tables), ("expires", 0), ("slot-to-keys", 0)] {
            cx.reply.bulk(format!("overhead.hashtable.{name}").as_bytes());
            cx.reply.integer(bytes);
        }
    }
    write_figures(cx.reply, FIGURES_AFTER, &overview);
    Ok(())
}

fn write_figures(reply: &mut Reply, figures: &[Row], overview: &MemoryOverview) {
    for (name, figure) in figures {
        reply.bulk(name.as_bytes());
        match figure(overview) {
            Figure::Count(count) => reply.integer(count.cast_signed()),
            Figure::Signed(number) => reply.integer(number),
            Figure::Ratio(ratio) => reply.double(ratio),
        }
    }
}

/// The exact size of the entry and its value, and an average key's share of the tables.
fn usage(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut options = args.cursor(3);
    while let Some(option) = options.next_word() {
        if !option.eq_ignore_ascii_case(b"SAMPLES") {
            return Err(CommandError::Syntax);
        }
        if options.integer()? < 0 {
            return Err(CommandError::Syntax);
        }
    }
    match cx.keyspace.peek(cx.db, args.get(2)).map(|entry| entry.heap_bytes()) {
        None => cx.reply.null(),
        Some(bytes) => {
            let database = cx.keyspace.database(cx.db);
            let share = database.table_bytes() / database.len().max(1);
            cx.reply.integer((bytes + share) as i64);
        }
    }
    Ok(())
}
