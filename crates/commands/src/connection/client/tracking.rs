//! Client-side caching: `CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix ...]
//! [BCAST] [OPTIN] [OPTOUT] [NOLOOP]`, `CLIENT CACHING <YES | NO>`, `CLIENT GETREDIR`,
//! `CLIENT TRACKINGINFO`.
//!
//! Source: redis.io, "Client-side caching in Redis"; CLIENT TRACKING, CLIENT CACHING,
//! CLIENT GETREDIR, CLIENT TRACKINGINFO. Order of the checks as a 7.2.6 server has it.
//!
//! Differs: where two of several prefixes overlap, 7.2.6 answers an error, and if the first prefix
//! is not among them goes on to switch tracking on and answers OK as well. Here an error is all.

use dunlin_session::{ClientId, ClientTracking, TrackingMode, TrackingOptions};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};
use dunlin_stdx::number::parse_i64;

use super::super::{NO_CONNECTION, connection};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const CACHING_SPEC: CommandSpec = CommandSpec::new("client|caching", Group::Connection, 3)
    .summary("Instructs the server whether to track the keys in the next request.")
    .since("6.0.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .args(&[Arg::one_of("mode", &[Arg::literal("yes", "YES"), Arg::literal("no", "NO")])]);

const GETREDIR_SPEC: CommandSpec = CommandSpec::new("client|getredir", Group::Connection, 2)
    .summary(
        "Returns the client ID to which the connection's tracking notifications are redirected.",
    )
    .since("6.0.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION]);

const TRACKING_SPEC: CommandSpec = CommandSpec::new("client|tracking", Group::Connection, -3)
    .summary("Controls server-assisted client-side caching for the connection.")
    .since("6.0.0")
    .complexity("O(1). Some options may introduce additional complexity.")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .args(&[
        Arg::one_of("status", &[Arg::literal("on", "ON"), Arg::literal("off", "OFF")]),
        Arg::integer("client-id").token("REDIRECT").optional(),
        Arg::string("prefix").token("PREFIX").optional().multiple_token(),
        Arg::literal("bcast", "BCAST").optional(),
        Arg::literal("optin", "OPTIN").optional(),
        Arg::literal("optout", "OPTOUT").optional(),
        Arg::literal("noloop", "NOLOOP").optional(),
    ]);

const TRACKINGINFO_SPEC: CommandSpec =
    CommandSpec::new("client|trackinginfo", Group::Connection, 2)
        .summary(
            "Returns information about server-assisted client-side caching for the connection.",
        )
        .since("6.2.0")
        .complexity("O(1)")
        .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
        .categories(&[Categories::CONNECTION]);

pub(super) const CACHING: Command = Command::new(CACHING_SPEC, run_caching);
pub(super) const GETREDIR: Command = Command::new(GETREDIR_SPEC, run_getredir);
pub(super) const TRACKING: Command = Command::new(TRACKING_SPEC, run_tracking);
pub(super) const TRACKINGINFO: Command = Command::new(TRACKINGINFO_SPEC, run_trackinginfo);

const NOT_TRACKING: CommandError = CommandError::fixed(
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
     OPTOUT mode enabled",
);
const NOT_OPTIN: CommandError = CommandError::fixed(
    "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
);
const NOT_OPTOUT: CommandError = CommandError::fixed(
    "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
);
const SECOND_REDIRECT: CommandError =
    CommandError::fixed("ERR A client can only redirect to a single other client");
const NO_SUCH_CLIENT: CommandError =
    CommandError::fixed("ERR The client ID you want redirect to does not exist");
const PREFIX_WITHOUT_BCAST: CommandError =
    CommandError::fixed("ERR PREFIX option requires BCAST mode to be enabled");
const BCAST_SWITCHED: CommandError = CommandError::fixed(
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then \
     re-enabling it with a different mode.",
);
const BCAST_WITH_CHOICE: CommandError =
    CommandError::fixed("ERR OPTIN and OPTOUT are not compatible with BCAST");
const BOTH_CHOICES: CommandError =
    CommandError::fixed("ERR You can't specify both OPTIN mode and OPTOUT mode");
const CHOICE_SWITCHED: CommandError = CommandError::fixed(
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then \
     re-enabling it with a different mode.",
);

/// The options of CLIENT TRACKING.
#[derive(Default)]
struct Request<'a> {
    redirect: Option<ClientId>,
    bcast: bool,
    optin: bool,
    optout: bool,
    no_loop: bool,
    prefixes: Vec<&'a [u8]>,
}

fn parse<'a>(cx: &Context<'_>, args: Args<'a>) -> Result<Request<'a>, CommandError> {
    let mut request = Request::default();
    let mut words = args.cursor(3);
    while let Some(option) = words.next_word() {
        match option.to_ascii_lowercase().as_slice() {
            b"redirect" if words.remaining() > 0 => {
                if request.redirect.is_some() {
                    return Err(SECOND_REDIRECT);
                }
                let id = parse_i64(words.value()?).ok_or(CommandError::NotInteger)?;
                let id = u64::try_from(id).map(ClientId).map_err(|_| NO_SUCH_CLIENT)?;
                let _ = cx.sessions.token_of(id).ok_or(NO_SUCH_CLIENT)?;
                request.redirect = Some(id);
            }
            b"prefix" if words.remaining() > 0 => request.prefixes.push(words.value()?),
            b"bcast" => request.bcast = true,
            b"optin" => request.optin = true,
            b"optout" => request.optout = true,
            b"noloop" => request.no_loop = true,
            _ => return Err(CommandError::Syntax),
        }
    }
    Ok(request)
}

impl Request<'_> {
    /// Whether the options fit each other, and what the client has asked for before.
    fn check(&self, before: Option<&ClientTracking>) -> Result<(), CommandError> {
        let mode = before.map(|own| own.options.mode);
        if !self.bcast && !self.prefixes.is_empty() {
            return Err(PREFIX_WITHOUT_BCAST);
        }
        if mode.is_some_and(|mode| (mode == TrackingMode::Broadcast) != self.bcast) {
            return Err(BCAST_SWITCHED);
        }
        if self.bcast && (self.optin || self.optout) {
            return Err(BCAST_WITH_CHOICE);
        }
        if self.optin && self.optout {
            return Err(BOTH_CHOICES);
        }
        if (self.optin && mode == Some(TrackingMode::OptOut))
            || (self.optout && mode == Some(TrackingMode::OptIn))
        {
            return Err(CHOICE_SWITCHED);
        }
        self.check_prefixes(before)
    }

    /// No key may have two of a client's prefixes.
    fn check_prefixes(&self, before: Option<&ClientTracking>) -> Result<(), CommandError> {
        for (index, prefix) in self.prefixes.iter().enumerate() {
            if let Some(own) = before.and_then(|before| before.overlapping(prefix)) {
                return Err(overlap(prefix, "an existing", own));
            }
            let mut others = self.prefixes[index + 1..].iter();
            let overlaps = |other: &&&[u8]| other.starts_with(prefix) || prefix.starts_with(other);
            if let Some(other) = others.find(overlaps) {
                return Err(overlap(prefix, "another provided", other));
            }
        }
        Ok(())
    }

    fn options(&self) -> TrackingOptions {
        let mode = match self {
            Self { bcast: true, .. } => TrackingMode::Broadcast,
            Self { optin: true, .. } => TrackingMode::OptIn,
            Self { optout: true, .. } => TrackingMode::OptOut,
            _ => TrackingMode::Default,
        };
        TrackingOptions { mode, redirect: self.redirect, no_loop: self.no_loop }
    }
}

fn overlap(prefix: &[u8], which: &str, other: &[u8]) -> CommandError {
    let up_to_zero =
        |text: &[u8]| text.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
    let text = [
        b"ERR Prefix '".as_slice(),
        &up_to_zero(prefix),
        b"' overlaps with ",
        which.as_bytes(),
        b" prefix '",
        &up_to_zero(other),
        b"'. Prefixes for a single client must not overlap.",
    ];
    CommandError::Quoting(text.concat())
}

fn run_tracking(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let token = connection(cx.caller)?;
    let request = parse(cx, args)?;
    match args.get(2).to_ascii_lowercase().as_slice() {
        b"on" => {
            let session = cx.sessions.get(token).ok_or(NO_CONNECTION)?;
            request.check(session.tracking.as_deref())?;
            cx.sessions.start_tracking(token, request.options(), &request.prefixes);
            cx.keyspace.record_touched(true);
        }
        b"off" => cx.sessions.stop_tracking(token),
        _ => return Err(CommandError::Syntax),
    }
    cx.reply.ok();
    Ok(())
}

fn run_caching(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let session = cx.session().ok_or(NO_CONNECTION)?;
    let own = session.tracking.as_mut().ok_or(NOT_TRACKING)?;
    match args.get(2).to_ascii_lowercase().as_slice() {
        b"yes" if own.options.mode == TrackingMode::OptIn => own.caching = true,
        b"yes" => return Err(NOT_OPTIN),
        b"no" if own.options.mode == TrackingMode::OptOut => own.caching = true,
        b"no" => return Err(NOT_OPTOUT),
        _ => return Err(CommandError::Syntax),
    }
    cx.reply.ok();
    Ok(())
}

fn run_getredir(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let session = cx.session().ok_or(NO_CONNECTION)?;
    let redirection = session.redirection();
    cx.reply.integer(redirection);
    Ok(())
}

fn run_trackinginfo(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let session = cx.sessions.get(connection(cx.caller)?).ok_or(NO_CONNECTION)?;
    let own = session.tracking.as_deref();
    let flags = own.map_or_else(|| vec!["off"], flags);
    let reply = &mut *cx.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    for flag in flags {
        reply.bulk(flag.as_bytes());
    }
    reply.bulk(b"redirect");
    reply.integer(session.redirection());
    reply.bulk(b"prefixes");
    reply.array(own.map_or(0, |own| own.prefixes().len()));
    for prefix in own.into_iter().flat_map(ClientTracking::prefixes) {
        reply.bulk(prefix);
    }
    Ok(())
}

fn flags(own: &ClientTracking) -> Vec<&'static str> {
    let mut flags = vec!["on"];
    flags.extend(match own.options.mode {
        TrackingMode::Default => None,
        TrackingMode::OptIn => Some("optin"),
        TrackingMode::OptOut => Some("optout"),
        TrackingMode::Broadcast => Some("bcast"),
    });
    flags.extend(match own.options.mode {
        TrackingMode::OptIn if own.caching => Some("caching-yes"),
        TrackingMode::OptOut if own.caching => Some("caching-no"),
        _ => None,
    });
    flags.extend(own.options.no_loop.then_some("noloop"));
    flags.extend(own.is_broken.then_some("broken_redirect"));
    flags
}
