//! `CLIENT KILL ip:port` and
//! `CLIENT KILL [ID client-id] [TYPE type] [USER username] [ADDR ip:port] [LADDR ip:port]
//! [SKIPME <YES | NO>] ...`
//!
//! The old form answers OK or an error and may end the caller itself; the new form answers how
//! many it ended, and spares the caller unless told otherwise. The caller gets its reply first.
//!
//! Source: redis.io, CLIENT KILL.

use dunlin_session::{ClientClass, ClientFilter, ClientId, Closing, DEFAULT_USER, Token};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};
use dunlin_stdx::number::parse_i64;

use super::list::client_class;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const KILL_SPEC: CommandSpec = CommandSpec::new("client|kill", Group::Connection, -3)
    .summary("Terminates open connections.")
    .since("2.4.0")
    .complexity("O(N) where N is the number of client connections")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .history(&[
        ("2.8.12", "Added new filter format."),
        ("2.8.12", "`ID` option."),
        ("3.2.0", "Added `master` type in for `TYPE` option."),
        (
            "5.0.0",
            "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward \
             compatibility.",
        ),
        ("6.2.0", "`LADDR` option."),
    ])
    .args(&[Arg::one_of(
        "filter",
        &[
            Arg::string("old-format").display("ip:port").deprecated_since("2.8.12"),
            Arg::one_of(
                "new-format",
                &[
                    Arg::integer("client-id").token("ID").optional().since("2.8.12"),
                    Arg::one_of(
                        "client-type",
                        &[
                            Arg::literal("normal", "NORMAL"),
                            Arg::literal("master", "MASTER").since("3.2.0"),
                            Arg::literal("slave", "SLAVE"),
                            Arg::literal("replica", "REPLICA").since("5.0.0"),
                            Arg::literal("pubsub", "PUBSUB"),
                        ],
                    )
                    .token("TYPE")
                    .optional()
                    .since("2.8.12"),
                    Arg::string("username").token("USER").optional(),
                    Arg::string("addr").token("ADDR").display("ip:port").optional(),
                    Arg::string("laddr")
                        .token("LADDR")
                        .display("ip:port")
                        .optional()
                        .since("6.2.0"),
                    Arg::one_of("skipme", &[Arg::literal("yes", "YES"), Arg::literal("no", "NO")])
                        .token("SKIPME")
                        .optional(),
                ],
            )
            .multiple(),
        ],
    )]);

pub(super) const KILL: Command = Command::new(KILL_SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() == 3 {
        let filter = ClientFilter { address: Some(args.get(2)), ..ClientFilter::default() };
        if kill(cx, &filter) == 0 {
            return Err(CommandError::fixed("ERR No such client"));
        }
        cx.reply.ok();
        return Ok(());
    }
    let (mut filter, skip_me) = parse(args)?;
    if skip_me {
        filter.except = cx.session().map(|session| session.id);
    }
    let killed = kill(cx, &filter);
    cx.reply.integer(killed as i64);
    Ok(())
}

/// Whom the options name, and whether the caller is spared.
fn parse(args: Args<'_>) -> Result<(ClientFilter<'_>, bool), CommandError> {
    let mut filter = ClientFilter::default();
    let mut skip_me = true;
    let mut words = args.cursor(2);
    while let Some(option) = words.next_word() {
        let value = words.value()?;
        match option.to_ascii_lowercase().as_slice() {
            b"id" => filter.id = Some(client_id(value)?),
            b"type" => filter.class = Some(client_class(value)?),
            b"addr" => filter.address = Some(value),
            b"laddr" => filter.local_address = Some(value),
            b"user" if value == DEFAULT_USER.as_bytes() => filter.user = Some(value),
            b"user" => {
                let user = String::from_utf8_lossy(value);
                return Err(CommandError::err(format!("No such user '{user}'")));
            }
            b"skipme" if value.eq_ignore_ascii_case(b"yes") => skip_me = true,
            b"skipme" if value.eq_ignore_ascii_case(b"no") => skip_me = false,
            _ => return Err(CommandError::Syntax),
        }
    }
    Ok((filter, skip_me))
}

fn client_id(word: &[u8]) -> Result<ClientId, CommandError> {
    let id = parse_i64(word).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
    id.map(ClientId).ok_or(CommandError::fixed("ERR client-id should be greater than 0"))
}

/// Ends the clients that match; returns how many there were.
fn kill(cx: &mut Context<'_>, filter: &ClientFilter<'_>) -> usize {
    let matching: Vec<Token> = cx
        .sessions
        .iter()
        .filter(|(_, session)| session.closing != Closing::Now && filter.matches(session))
        .map(|(token, _)| token)
        .collect();
    for &token in &matching {
        let is_caller = cx.caller.client() == Some(token);
        let class = cx.sessions.get(token).map(|session| session.class());
        if let Some(link) =
            cx.replication.link.as_mut().filter(|_| class == Some(ClientClass::Primary))
        {
            link.killed(cx.now.monotonic);
        }
        let how = if is_caller { Closing::AfterReply } else { Closing::Now };
        cx.sessions.close(token, how);
    }
    matching.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<&str, &str>) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let parsed = parse(Args::new(&words));
        let shown = parsed.map(|(filter, skip_me)| {
            format!("{:?} {:?} {skip_me}", filter.id.map(|id| id.0), filter.class)
        });
        let shown = shown.map_err(|error| error.text().into_owned());
        assert_eq!(shown.as_deref().map_err(String::as_str), expected, "{line}");
    }

    #[test]
    fn filters_add_up() {
        check("client kill id 5 type normal", Ok("Some(5) Some(Normal) true"));
        check("client kill SKIPME no SkipMe YES id 3", Ok("Some(3) None true"));
        check("client kill skipme no addr x", Ok("None None false"));
        check("client kill user default laddr x", Ok("None None true"));
        check("client kill user me", Err("ERR No such user 'me'"));
        check("client kill id 0", Err("ERR client-id should be greater than 0"));
        check("client kill type foo", Err("ERR Unknown client type 'foo'"));
        check("client kill id 5 type", Err("ERR syntax error"));
        check("client kill skipme maybe", Err("ERR syntax error"));
    }
}
