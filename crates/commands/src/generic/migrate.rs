//! `MIGRATE host port key|"" destination-db timeout [COPY] [REPLACE] [AUTH password |
//! AUTH2 username password] [KEYS key [key ...]]`
//!
//! Moves keys to another server: RESTORE there, DEL here for each that the other server has
//! acknowledged. Only the client that asked for it waits: see [`dunlin_migrate`]. Here its keys are
//! in flight until the end: they can be read, and clients that would change them wait.
//!
//! Differs: Redis serves nobody else meanwhile. What waits because of keys in flight is what changes
//! one of them or a whole database (FLUSHALL, SWAPDB), and an EXEC that would. MIGRATE itself is
//! refused in transactions and scripts, which cannot wait, and on replicas, also writable ones: their
//! primary changes keys without asking. Several clients may migrate at once, each over a connection
//! of its own. The transfer goes on when its client goes away; CLIENT UNBLOCK does not end it. If the
//! server becomes a replica, it ends, and no key is removed. Keys are removed when the transfer
//! ends, not one by one; in the background, however large they are.
//!
//! Source: redis.io, MIGRATE; texts and their order checked against a 7.2.6 server.

use dunlin_migrate::{Credentials, Outcome, Request, TransferId};
use dunlin_session::{Awaited, TimeoutReply};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec, getkeys};

use crate::args::Args;
use crate::blocking::Timeout;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("migrate", Group::Generic, -6)
    .summary("Atomically transfers a key from one Redis instance to another.")
    .since("2.6.0")
    .complexity(
        "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the \
         target instance. See the pages of these commands for time complexity. Also an O(N) data \
         transfer between the two instances is performed.",
    )
    .history(&[
        ("3.0.0", "Added the `COPY` and `REPLACE` options."),
        ("3.0.6", "Added the `KEYS` option."),
        ("4.0.7", "Added the `AUTH` option."),
        ("6.0.0", "Added the `AUTH2` option."),
    ])
    .flags(&[Flags::WRITE, Flags::NO_MULTI_HERE])
    .categories(&[Categories::KEYSPACE, Categories::DANGEROUS])
    .keys(&[KeySpec::at(3, MOVED), KeySpec::after("KEYS", -2, SOME_MOVED).to(-1)])
    .find_keys_with(getkeys::migrate)
    .tips(&["nondeterministic_output"])
    .args(ARGUMENTS);

const MOVED: &[KeyFlags] = &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE];
const SOME_MOVED: &[KeyFlags] =
    &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE, KeyFlags::INCOMPLETE];

const ARGUMENTS: &[Arg] = &[
    Arg::string("host"),
    Arg::integer("port"),
    Arg::one_of("key-selector", &[Arg::key("key", 0), Arg::literal("empty-string", "")]),
    Arg::integer("destination-db"),
    Arg::integer("timeout"),
    Arg::literal("copy", "COPY").optional().since("3.0.0"),
    Arg::literal("replace", "REPLACE").optional().since("3.0.0"),
    Arg::one_of(
        "authentication",
        &[
            Arg::string("auth").display("password").token("AUTH").since("4.0.7"),
            Arg::block("auth2", &[Arg::string("username"), Arg::string("password")])
                .token("AUTH2")
                .since("6.0.0"),
        ],
    )
    .optional(),
    Arg::key("keys", 1).display("key").token("KEYS").optional().multiple().since("3.0.6"),
];

/// MIGRATE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

const KEY_AND_KEYS: CommandError = CommandError::fixed(
    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
);
const MAY_NOT_WAIT: CommandError =
    CommandError::fixed("ERR MIGRATE is not allowed inside a transaction or a script");
const ON_REPLICA: CommandError =
    CommandError::fixed("READONLY You can't write against a read only replica.");
const UNCONNECTED: CommandError =
    CommandError::fixed("IOERR error or timeout connecting to the client");
const BROKEN_WRITING: CommandError =
    CommandError::fixed("IOERR error or timeout writing to target instance");
const BROKEN_READING: CommandError =
    CommandError::fixed("IOERR error or timeout reading to target instance");

/// A timeout that is none.
const TIMEOUT_MS_DEFAULT: u64 = 1000;
const US_PER_MS: u64 = 1000;

/// The words behind the timeout.
struct Options<'a> {
    copy: bool,
    replace: bool,
    credentials: Option<Credentials>,
    keys: &'a [&'a [u8]],
}

impl<'a> Options<'a> {
    fn parse(args: Args<'a>) -> Result<Self, CommandError> {
        let words = args.words();
        let mut options = Self {
            copy: false,
            replace: false,
            credentials: None,
            keys: std::slice::from_ref(&words[3]),
        };
        let (mut user, mut password) = (None, None);
        let mut rest = args.cursor(6);
        while let Some(word) = rest.next_word() {
            match word.to_ascii_lowercase().as_slice() {
                b"copy" => options.copy = true,
                b"replace" => options.replace = true,
                b"auth" => password = Some(rest.value()?),
                b"auth2" if rest.remaining() < 2 => return Err(CommandError::Syntax),
                b"auth2" => {
                    user = Some(rest.value()?);
                    password = Some(rest.value()?);
                }
                b"keys" if !words[3].is_empty() => return Err(KEY_AND_KEYS),
                b"keys" => {
                    options.keys = &words[words.len() - rest.remaining()..];
                    break;
                }
                _ => return Err(CommandError::Syntax),
            }
        }
        options.credentials = password.map(|password: &[u8]| Credentials {
            user: user.map(|user: &[u8]| user.into()),
            password: password.into(),
        });
        Ok(options)
    }
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args)?;
    let timeout_ms = u64::try_from(args.integer(5)?).ok().filter(|ms| *ms > 0);
    let target_db = args.integer(4)?;
    let Some(client) = cx.caller.client().filter(|_| cx.may_block()) else {
        return Err(MAY_NOT_WAIT);
    };
    if cx.replication.is_replica() {
        return Err(ON_REPLICA);
    }
    let exists = |key: &&&[u8]| cx.keyspace.get(cx.db, key).is_some();
    let keys: Vec<Box<[u8]>> =
        options.keys.iter().filter(exists).map(|key| Box::from(*key)).collect();
    if keys.is_empty() {
        cx.reply.simple("NOKEY");
        return Ok(());
    }
    let request = Request {
        owner: client.0 as u64,
        host: String::from_utf8_lossy(args.get(1)).into_owned(),
        port: port(args.get(2)),
        target_db,
        db: cx.db,
        keys,
        copy: options.copy,
        replace: options.replace,
        credentials: options.credentials,
        asking: cx.config.cluster.cluster_enabled,
        timeout_us: timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT).saturating_mul(US_PER_MS),
    };
    let TransferId(transfer) = cx.migrations.begin(request, cx.now.monotonic);
    cx.sessions.pause.hold_keys(true);
    let ends_by_itself = Timeout { ms: 0, deadline: None };
    cx.block_for_others(Awaited::Transfer(transfer), ends_by_itself, TimeoutReply::Nothing);
    Ok(())
}

/// What is no port is one to which nobody can connect, as in Redis.
fn port(word: &[u8]) -> Option<u16> {
    std::str::from_utf8(word).ok()?.parse().ok().filter(|port| *port > 0)
}

/// What the client is told when its transfer has ended.
///
/// # Errors
/// Whatever went wrong.
pub fn outcome_of_transfer(outcome: &Outcome) -> CommandResult {
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::Refused(text) => {
            let text = [b"ERR Target instance replied with error: ".as_slice(), text].concat();
            Err(CommandError::Quoting(text))
        }
        Outcome::Unconnected => Err(UNCONNECTED),
        Outcome::Broken { writing: true } => Err(BROKEN_WRITING),
        Outcome::Broken { writing: false } => Err(BROKEN_READING),
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn arguments_are_checked_in_the_order_of_redis() {
        let mut trial = Trial::of_client();
        trial.run("SET k v");
        for (rest, error) in [
            ("k x x bogus", "ERR syntax error"),
            ("k x x AUTH", "ERR syntax error"),
            ("k x x AUTH2 user", "ERR syntax error"),
            (
                "k x x KEYS a",
                "ERR When using MIGRATE KEYS option, the key argument must be set to the empty \
                 string",
            ),
            ("k x 0 COPY", "ERR value is not an integer or out of range"),
            ("k 0 x", "ERR value is not an integer or out of range"),
        ] {
            let command = format!("MIGRATE 127.0.0.1 7000 {rest}");
            assert_eq!(trial.run(&command), format!("-{error}\r\n"), "{rest}");
        }
    }

    #[test]
    fn without_a_key_there_is_nothing_to_do() {
        let mut trial = Trial::of_client();
        trial.check(&[
            ("MIGRATE h 1 nosuch 0 10", "+NOKEY"),
            ("MIGRATE h 1 \"\" 0 10 REPLACE KEYS a b", "+NOKEY"),
            ("MIGRATE h 1 \"\" 0 10 KEYS", "+NOKEY"),
        ]);
        assert!(trial.propagated().is_empty());
    }

    #[test]
    fn the_client_waits_and_its_keys_are_in_flight() {
        let mut trial = Trial::of_client();
        trial.run("SET k v");
        trial.run("SET l v");
        assert_eq!(trial.run("MIGRATE h 1 \"\" 0 10 COPY AUTH2 u KEYS KEYS k nosuch l"), "");
        assert!(trial.migrations.is_in_flight(b"k") && trial.migrations.is_in_flight(b"l"));
        assert!(!trial.migrations.is_in_flight(b"nosuch"));
    }

    #[test]
    fn where_nobody_can_wait_it_is_refused() {
        let mut trial = Trial::new();
        trial.run("SET k v");
        let error = "-ERR MIGRATE is not allowed inside a transaction or a script";
        trial.check(&[("MIGRATE h 1 k 0 10", error)]);
    }
}
