//! `CONFIG subcommand ...`
//!
//! - `CONFIG GET parameter [parameter ...]`
//! - `CONFIG HELP`
//! - `CONFIG RESETSTAT`
//! - `CONFIG REWRITE`
//! - `CONFIG SET parameter value [parameter value ...]`

use dunlin_config::{LogLevel, ProtectedAction, RewriteState, SetContext, SetError};
use dunlin_persistence::Wish;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::help::reply_help;
use crate::parameters::{self, Target};

pub(crate) const SPEC: CommandSpec = CommandSpec::new("config", Group::Server, -2)
    .summary("A container for server configuration commands.")
    .since("2.0.0")
    .complexity("Depends on subcommand.");

pub(crate) const GET_SPEC: CommandSpec = CommandSpec::new("config|get", Group::Server, -3)
    .summary("Returns the effective values of configuration parameters.")
    .since("2.0.0")
    .complexity("O(N) when N is the number of configuration parameters provided")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .history(&[("7.0.0", "Added the ability to pass multiple pattern parameters in one call")])
    .args(&[Arg::string("parameter").multiple()]);

pub(crate) const HELP_SPEC: CommandSpec = CommandSpec::new("config|help", Group::Server, 2)
    .summary("Returns helpful text about the different subcommands.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE]);

pub(crate) const RESETSTAT_SPEC: CommandSpec =
    CommandSpec::new("config|resetstat", Group::Server, 2)
        .summary("Resets the server's statistics.")
        .since("2.0.0")
        .complexity("O(1)")
        .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]);

pub(crate) const REWRITE_SPEC: CommandSpec = CommandSpec::new("config|rewrite", Group::Server, 2)
    .summary("Persists the effective configuration to file.")
    .since("2.8.0")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]);

pub(crate) const SET_SPEC: CommandSpec = CommandSpec::new("config|set", Group::Server, -4)
    .summary("Sets configuration parameters in-flight.")
    .since("2.0.0")
    .complexity("O(N) when N is the number of configuration parameters provided")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .history(&[("7.0.0", "Added the ability to set multiple parameters in one call.")])
    .args(&[Arg::block("data", &[Arg::string("parameter"), Arg::string("value")]).multiple()]);

/// The CONFIG container.
pub const COMMAND: Command = Command::container(
    SPEC,
    &[
        Command::new(GET_SPEC, get),
        Command::new(HELP_SPEC, help),
        Command::new(RESETSTAT_SPEC, resetstat),
        Command::new(REWRITE_SPEC, rewrite),
        Command::new(SET_SPEC, set),
    ],
);

fn get(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let found = cx.config.matching(&args.words()[2..]);
    cx.reply.map(found.len());
    for (name, value) in found {
        cx.reply.bulk(&name);
        cx.reply.bulk(&value);
    }
    Ok(())
}

fn help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    const LINES: &[&str] = &[
        "GET <pattern>",
        "    Return parameters matching the glob-like <pattern> and their values.",
        "SET <directive> <value>",
        "    Set the configuration <directive> to <value>.",
        "RESETSTAT",
        "    Reset statistics reported by the INFO command.",
        "REWRITE",
        "    Rewrite the configuration file.",
    ];
    reply_help(cx.reply, "CONFIG", LINES);
    Ok(())
}

fn resetstat(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.metrics.reset();
    cx.keyspace.reset_stats();
    cx.replication.reset_counts();
    cx.reply.ok();
    Ok(())
}

fn rewrite(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    write_file(cx, &RewriteState::default())
}

/// DEBUG CONFIG-REWRITE-FORCE-ALL: the same with all parameters that have their defaults.
pub(crate) fn rewrite_all(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    write_file(cx, &RewriteState { with_defaults: true, ..RewriteState::default() })
}

fn write_file(cx: &mut Context<'_>, state: &RewriteState<'_>) -> CommandResult {
    const NO_FILE: CommandError =
        CommandError::fixed("ERR The server is running without a config file");
    let outcome = match cx.host.read_config_file() {
        Ok(None) => return Err(NO_FILE),
        Ok(Some(old)) => {
            let content = cx.config.rewrite(&old, state);
            cx.host.replace_config_file(&content)
        }
        Err(reason) => Err(reason),
    };
    if let Err(reason) = outcome {
        cx.host.log(LogLevel::Warning, &format!("CONFIG REWRITE failed: {reason}"));
        return Err(CommandError::err(format!("Rewriting config file: {reason}")));
    }
    cx.host.log_notice("CONFIG REWRITE executed with success.");
    cx.reply.ok();
    Ok(())
}

fn set(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let words = &args.words()[2..];
    if !words.len().is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    let pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let context = SetContext {
        protected_allowed: may_set_protected(cx),
        loading: cx.persistence.load().is_some(),
    };
    let changes = cx.config.set(&pairs, &context).map_err(|error| refused(&error))?;
    if let Err(refusal) = cx.host.apply_config(cx.config, &changes) {
        cx.config.revert(changes);
        let name = refusal.parameter;
        let line = format!(
            "Failed applying new configuration. Possibly related to new {name} setting. Restoring \
             previous settings."
        );
        cx.host.log(LogLevel::Warning, &line);
        return Err(refused(&SetError::NotApplied { name, reason: refusal.reason }));
    }
    if changes.includes("appendonly") && !follow_appendonly(cx) {
        let _ = cx.host.apply_config(changes.previous(), &changes);
        cx.config.revert(changes);
        let reason = "Unable to turn on AOF. Check server logs.".to_owned();
        return Err(refused(&SetError::NotApplied { name: "appendonly", reason }));
    }
    if changes.includes("dir")
        && let Some(dir) = cx.host.working_directory()
    {
        cx.config.persistence.dir = dir.into_os_string().into_encoded_bytes().into();
    }
    let mut target =
        Target { config: cx.config, keyspace: cx.keyspace, effects: cx.effects, host: cx.host };
    parameters::apply(&changes, &mut target);
    if let Some(cluster) = &mut cx.cluster {
        cluster.set_config(cx.now, crate::cluster::parameters(cx.config));
    }
    cx.reply.ok();
    Ok(())
}

/// Switches the append-only file on or off; whether that went well.
fn follow_appendonly(cx: &mut Context<'_>) -> bool {
    if !cx.config.persistence.appendonly {
        cx.persistence.wish(Wish::StopLog);
        return true;
    }
    let can_start = cx.persistence.can_start_log(cx.config);
    if can_start {
        cx.persistence.wish(Wish::StartLog);
    }
    can_start
}

fn refused(error: &SetError) -> CommandError {
    CommandError::Text(error.to_string().into())
}

/// `enable-protected-configs`: nobody, everybody, or clients of this machine.
fn may_set_protected(cx: &mut Context<'_>) -> bool {
    match cx.config.security.enable_protected_configs {
        ProtectedAction::No => false,
        ProtectedAction::Yes => true,
        ProtectedAction::Local => cx.session().is_some_and(|session| session.peer.is_local),
    }
}
