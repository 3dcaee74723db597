//! Clients whose command waits: who is served when, what ends a wait, and what becomes of the
//! requests behind it.
//!
//! The commands here are made for the purpose, so that a key holds one value and the first to come
//! takes it: `TAKE key [key ...] timeout` and `PASS source target timeout`.

mod driver;

use driver::{Driver, START_UNIX_MS};
use dunlin_commands::blocking::{Awaited, Timeout};
use dunlin_commands::{Args, Command, CommandError, CommandResult, Context, Table};
use dunlin_config::Config;
use dunlin_node::{Action, Token};
use dunlin_spec::{CommandSpec, Flags, Group};
use dunlin_values::{IntText, NewValue, ValueType};

const STRING: Awaited = Awaited::Value(ValueType::String);
const STRING_OR_LOSS: Awaited = Awaited::ValueOrLoss(ValueType::String);

const fn spec(name: &'static str, arity: i16) -> CommandSpec {
    CommandSpec::new(name, Group::Generic, arity).flags(&[Flags::WRITE, Flags::BLOCKING])
}

const COMMANDS: &[Command] = &[
    Command::new(spec("take", -3), take),
    Command::new(spec("pass", 4), pass),
    Command::new(spec("expect", 3), expect),
];

fn pop(cx: &mut Context<'_>, key: &[u8]) -> Option<Vec<u8>> {
    let value = cx.keyspace.get(cx.db, key)?.string()?.as_bytes(&mut IntText::default()).to_vec();
    cx.keyspace.delete(cx.db, key, false);
    cx.effects.changed(1);
    cx.effects.rewrite(&[b"DEL", key]);
    Some(value)
}

fn take(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let [_, keys @ .., timeout] = args.words() else { return Err(CommandError::Syntax) };
    let timeout = Timeout::seconds(timeout, cx.now)?;
    for key in keys {
        if let Some(value) = pop(cx, key) {
            cx.reply.bulk(&value);
            return Ok(());
        }
    }
    if cx.may_block() {
        cx.block_on(keys.iter().copied(), STRING, timeout);
    } else {
        cx.reply.null_array();
    }
    Ok(())
}

fn pass(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let timeout = Timeout::seconds(args.get(3), cx.now)?;
    let Some(value) = pop(cx, args.get(1)) else {
        cx.block_on([args.get(1)], STRING, timeout);
        return Ok(());
    };
    let slot = cx.keyspace.slot(cx.db, args.get(2));
    slot.set(NewValue::string(&value), None);
    cx.effects.changed(1);
    cx.effects.rewrite(&[b"SET", args.get(2), &value]);
    cx.reply.bulk(&value);
    Ok(())
}

/// Says whether the key is there, and waits as long as it holds the value `old`.
fn expect(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let timeout = Timeout::milliseconds(args.get(2), cx.now)?;
    let held = cx.keyspace.get(cx.db, args.get(1)).map(|entry| entry.string().is_some());
    match held {
        Some(true) if cx.may_block() => cx.block_on([args.get(1)], STRING_OR_LOSS, timeout),
        Some(_) => cx.reply.simple("HELD"),
        None => cx.reply.simple("GONE"),
    }
    Ok(())
}

fn driver() -> Driver {
    let mut groups = vec![COMMANDS];
    groups.extend_from_slice(Table::groups());
    Driver::with_table(Config::default(), Table::of(&groups), START_UNIX_MS)
}

fn clients<const N: usize>(driver: &mut Driver) -> [Token; N] {
    [(); N].map(|()| driver.connect())
}

/// All that was said to each of the clients.
fn heard(driver: &mut Driver, clients: &[Token]) -> Vec<String> {
    clients.iter().map(|&client| text(driver, client)).collect()
}

fn text(driver: &mut Driver, client: Token) -> String {
    driver.carry_out();
    String::from_utf8_lossy(&driver.received(client)).replace("\r\n", " ")
}

fn info(driver: &mut Driver, client: Token, field: &str) -> String {
    let info = driver.call(client, "INFO everything");
    let line = info.lines().find(|line| line.starts_with(&format!("{field}:")));
    line.unwrap_or("").trim_end().to_owned()
}

#[test]
fn first_come_first_served() {
    let mut driver = driver();
    let [a, b, c, writer] = clients(&mut driver);
    for client in [b, a, c] {
        assert_eq!(driver.call(client, "TAKE x y 0"), "");
    }
    assert_eq!(driver.call(writer, "SET y 1"), "+OK\r\n");
    assert_eq!(heard(&mut driver, &[a, b, c]), ["", "$1 1 ", ""]);
    driver.send(writer, b"SET x 2\r\nSET y 3\r\nSET x 4\r\n");
    assert_eq!(heard(&mut driver, &[a, b, c]), ["$1 2 ", "", "$1 3 "]);
    assert_eq!(driver.call(writer, "GET x"), "$1\r\n4\r\n");
}

#[test]
fn a_client_is_served_before_the_next_command_of_another() {
    let mut driver = driver();
    let [a, writer] = clients(&mut driver);
    driver.call(a, "TAKE x 0");
    let replies = driver.send(writer, b"SET x 1\r\nGET x\r\nSET x 2\r\nGET x\r\n");
    assert_eq!(replies, b"+OK\r\n$-1\r\n+OK\r\n$1\r\n2\r\n");
    assert_eq!(text(&mut driver, a), "$1 1 ");
}

#[test]
fn a_served_command_may_serve_others() {
    let mut driver = driver();
    let [a, b, c, writer] = clients(&mut driver);
    driver.call(c, "TAKE z 0");
    driver.call(b, "PASS y z 0");
    driver.call(a, "PASS x y 0");
    driver.call(writer, "SET x 7");
    assert_eq!(heard(&mut driver, &[a, b, c]), ["$1 7 ", "$1 7 ", "$1 7 "]);
    assert_eq!(driver.call(writer, "DBSIZE"), ":0\r\n");
}

#[test]
fn a_circle_of_clients_comes_to_rest() {
    let mut driver = driver();
    let [a, b, writer] = clients(&mut driver);
    driver.call(a, "PASS x y 0");
    driver.call(b, "PASS y x 0");
    driver.call(writer, "SET x 7");
    assert_eq!(heard(&mut driver, &[a, b]), ["$1 7 ", "$1 7 "]);
    assert_eq!(driver.call(writer, "GET x"), "$1\r\n7\r\n");
}

#[test]
fn any_command_may_make_a_key_ready() {
    for (setup, command) in [
        ("SET other 1", "RENAME other x"),
        ("SET other 1", "COPY other x"),
        ("SELECT 1", "SWAPDB 0 1"),
        ("SELECT 1", "MOVE x 0"),
        ("PING", "APPEND x 1"),
        ("PING", "SETRANGE x 0 1"),
        ("PING", "INCR x"),
    ] {
        let mut driver = driver();
        let [a, writer] = clients(&mut driver);
        driver.call(a, "TAKE x 0");
        driver.call(writer, setup);
        if setup.starts_with("SELECT") {
            driver.call(writer, "SET x 1");
        }
        assert_eq!(text(&mut driver, a), "");
        driver.call(writer, command);
        assert_eq!(text(&mut driver, a), "$1 1 ", "{command}");
    }
}

#[test]
fn other_databases_and_reads_end_no_wait() {
    let mut driver = driver();
    let [a, writer] = clients(&mut driver);
    driver.call(a, "TAKE x 0");
    driver.send(writer, b"GET x\r\nSELECT 3\r\nSET x 1\r\nSELECT 0\r\nDEL x\r\n");
    assert_eq!(text(&mut driver, a), "");
    assert_eq!(info(&mut driver, writer, "blocked_clients"), "blocked_clients:1");
    assert_eq!(info(&mut driver, writer, "total_blocking_keys"), "total_blocking_keys:1");
}

#[test]
fn the_loss_of_a_key_ends_a_wait_that_rests_on_it() {
    for command in ["DEL x", "FLUSHALL", "RENAME x z", "SWAPDB 0 1", "PEXPIRE x 0"] {
        let mut driver = driver();
        let [a, b, writer] = clients(&mut driver);
        driver.call(writer, "SET x 1");
        driver.call(a, "EXPECT x 0");
        driver.call(b, "TAKE y 0");
        driver.call(writer, command);
        assert_eq!(heard(&mut driver, &[a, b]), ["+GONE ", ""], "{command}");
    }
    let mut driver = driver();
    let [a, writer] = clients(&mut driver);
    driver.call(writer, "SET x 1 PX 50");
    driver.call(a, "EXPECT x 0");
    driver.advance_ms(100);
    driver.turn();
    assert_eq!(text(&mut driver, a), "+GONE ");
    driver.call(writer, "SET x 1 PX 50");
    driver.call(a, "EXPECT x 0");
    driver.advance_ms(60);
    driver.call(writer, "GET x");
    assert_eq!(text(&mut driver, a), "+GONE ");
}

#[test]
fn time_runs_out_once_for_each_and_not_early() {
    let mut driver = driver();
    let [a, b, c] = clients(&mut driver);
    driver.call(a, "TAKE x 0.2");
    driver.advance_ms(10);
    driver.send(b, b"HELLO 3\r\nTAKE x 0.05\r\n");
    driver.received(b);
    driver.call(c, "WAIT 1 100");
    driver.turn();
    assert!(driver.ms_until_due() <= 50);
    driver.advance_ms(49);
    driver.turn();
    assert_eq!(heard(&mut driver, &[a, b, c]), ["", "", ""]);
    driver.advance_ms(1);
    driver.turn();
    assert_eq!(heard(&mut driver, &[a, b, c]), ["", "_ ", ""]);
    driver.advance_ms(1000);
    driver.turn();
    assert_eq!(heard(&mut driver, &[a, b, c]), ["*-1 ", "", ":0 "]);
    driver.turn();
    assert_eq!(heard(&mut driver, &[a, b, c]), ["", "", ""]);
    assert!(info(&mut driver, a, "cmdstat_take").contains("calls=2,"));
    assert!(info(&mut driver, a, "cmdstat_wait").contains("calls=1,"));
}

#[test]
fn a_deadline_is_kept_when_the_command_runs_again_in_vain() {
    let mut driver = driver();
    let [a, writer] = clients(&mut driver);
    driver.call(writer, "SET x 1");
    driver.call(a, "EXPECT x 100");
    for _ in 0..9 {
        driver.advance_ms(10);
        driver.turn();
        driver.call(writer, "APPEND x 1");
        assert_eq!(text(&mut driver, a), "");
    }
    driver.advance_ms(10);
    driver.turn();
    assert_eq!(text(&mut driver, a), "*-1 ");
    assert!(info(&mut driver, a, "cmdstat_expect").contains("calls=1,"));
}

#[test]
fn requests_behind_a_blocked_one_wait_and_keep_their_order() {
    let mut driver = driver();
    let [a, writer] = clients(&mut driver);
    driver.send(a, b"ECHO 1\r\nTAKE x 0\r\nECHO 2\r\nTAKE x 0\r\nECHO 3\r\n");
    driver.send(a, b"ECHO 4\r\nECH");
    driver.send(a, b"O 5\r\n");
    driver.carry_out();
    driver.call(writer, "SET x first");
    assert_eq!(text(&mut driver, a), "$5 first $1 2 ");
    driver.call(writer, "SET x second");
    assert_eq!(text(&mut driver, a), "$6 second $1 3 $1 4 $1 5 ");
    assert_eq!(driver.call(a, "ECHO 6"), "$1\r\n6\r\n");
}

#[test]
fn those_served_together_go_on_in_the_same_order() {
    let mut driver = driver();
    let [a, b, c, writer] = clients(&mut driver);
    for (client, name) in [(b, "b"), (c, "c"), (a, "a")] {
        driver.send(client, format!("BLPOP list 0\r\nRPUSH log {name}\r\n").as_bytes());
    }
    driver.call(writer, "RPUSH list 1 2 3");
    driver.carry_out();
    let log = driver.call(writer, "LRANGE log 0 -1").replace("\r\n", " ");
    assert_eq!(log, "*3 $1 b $1 c $1 a ");
}

#[test]
fn a_pause_that_begins_with_the_push_holds_the_served() {
    let mut driver = driver();
    let [a, admin] = clients(&mut driver);
    driver.call(a, "BLPOP list 0");
    driver.send(admin, b"MULTI\r\nRPUSH list 1\r\nCLIENT PAUSE 1000 WRITE\r\nEXEC\r\n");
    assert_eq!(text(&mut driver, a), "");
    assert_eq!(driver.call(admin, "LLEN list"), ":1\r\n");
    assert_eq!(info(&mut driver, admin, "blocked_clients"), "blocked_clients:1");
    driver.advance_ms(1000);
    driver.turn();
    assert_eq!(text(&mut driver, a), "*2 $4 list $1 1 ");
}

#[test]
fn large_arguments_arrive_behind_a_blocked_request() {
    let mut driver = driver();
    let [a, writer] = clients(&mut driver);
    let value = "v".repeat(200_000);
    let bytes =
        format!("TAKE x 0\r\n*3\r\n$3\r\nSET\r\n$1\r\ny\r\n$200000\r\n{value}\r\nECHO z\r\n");
    for piece in bytes.as_bytes().chunks(50_001) {
        driver.send(a, piece);
    }
    driver.call(writer, "SET x 1");
    assert_eq!(text(&mut driver, a), "$1 1 +OK $1 z ");
    assert_eq!(driver.call(writer, "STRLEN y"), ":200000\r\n");
}

#[test]
fn input_behind_a_blocked_request_is_bounded() {
    let mut driver = driver();
    driver.node.engine_mut().config.network.client_query_buffer_limit = 1_000_000;
    let [a, writer] = clients(&mut driver);
    driver.call(a, "TAKE x 0");
    for _ in 0..200 {
        driver.send(a, &[b'z'; 10_000]);
    }
    assert_eq!(driver.carry_out(), [Action::Close(a)]);
    driver.call(writer, "SET x 1");
    assert_eq!(driver.call(writer, "GET x"), "$1\r\n1\r\n");
}

#[test]
fn who_is_gone_takes_nothing() {
    let mut driver = driver();
    let [a, b, c, writer] = clients(&mut driver);
    for client in [a, b, c] {
        driver.call(client, "TAKE x 0.5");
    }
    driver.node.handle_end(a);
    let id = driver.node.engine_mut().sessions.get(b).expect("open").id.0;
    driver.send(writer, format!("CLIENT KILL ID {id}\r\nSET x 1\r\n").as_bytes());
    assert_eq!(driver.carry_out(), [Action::Close(b)]);
    assert_eq!(text(&mut driver, c), "$1 1 ");
    driver.advance_ms(1000);
    driver.turn();
    assert_eq!(text(&mut driver, c), "");
}

#[test]
fn a_client_is_unblocked_by_number() {
    let mut driver = driver();
    let [a, b, admin] = clients(&mut driver);
    for client in [a, b] {
        driver.call(client, "TAKE x 0");
    }
    driver.send(a, b"ECHO behind\r\n");
    let unblock = |driver: &mut Driver, client: Token, how: &str| {
        let id = driver.node.engine_mut().sessions.get(client).expect("open").id.0;
        driver.call(admin, &format!("CLIENT UNBLOCK {id} {how}"))
    };
    assert_eq!(unblock(&mut driver, a, ""), ":1\r\n");
    assert_eq!(unblock(&mut driver, a, ""), ":0\r\n");
    assert_eq!(unblock(&mut driver, b, "ERROR"), ":1\r\n");
    assert_eq!(unblock(&mut driver, admin, "TIMEOUT"), ":0\r\n");
    assert_eq!(text(&mut driver, a), "*-1 $6 behind ");
    assert_eq!(text(&mut driver, b), "-UNBLOCKED client unblocked via CLIENT UNBLOCK ");
    let stats = info(&mut driver, admin, "cmdstat_take");
    assert!(stats.contains("calls=2,") && stats.contains("failed_calls=1"), "{stats}");
    assert_eq!(info(&mut driver, admin, "errorstat_UNBLOCKED"), "errorstat_UNBLOCKED:count=1");
}

#[test]
fn replies_that_nobody_wants_stay_away() {
    let mut driver = driver();
    let [a, writer] = clients(&mut driver);
    driver.send(a, b"CLIENT REPLY SKIP\r\nTAKE x 0\r\nECHO 1\r\n");
    driver.call(writer, "SET x 1");
    assert_eq!(text(&mut driver, a), "$1 1 ");
    driver.send(a, b"CLIENT REPLY SKIP\r\nTAKE x 0.01\r\nECHO 2\r\n");
    driver.advance_ms(20);
    driver.turn();
    assert_eq!(text(&mut driver, a), "$1 2 ");
}

#[test]
fn a_pause_holds_the_served_but_not_the_timed_out() {
    let mut driver = driver();
    let [a, b, admin] = clients(&mut driver);
    driver.call(a, "TAKE x 0.05");
    driver.call(b, "TAKE x 0");
    driver.call(admin, "CLIENT PAUSE 1000 ALL");
    driver.advance_ms(60);
    driver.turn();
    assert_eq!(heard(&mut driver, &[a, b]), ["*-1 ", ""]);
    driver.advance_ms(1000);
    driver.turn();
    driver.carry_out();
    assert_eq!(driver.call(admin, "SET x 1"), "+OK\r\n");
    assert_eq!(text(&mut driver, b), "$1 1 ");
}

#[test]
fn a_blocked_client_is_listed_as_such_and_holds_little() {
    let mut driver = driver();
    let [a, admin] = clients(&mut driver);
    driver.call(a, "TAKE x 0");
    let list = driver.call(admin, "CLIENT LIST");
    let line = list.lines().find(|line| line.contains("cmd=take")).expect("listed");
    assert!(line.contains(" flags=b "), "{line}");
    assert!(line.contains(" events=r "), "{line}");
    let session = driver.node.engine_mut().sessions.get(a).expect("open");
    assert!(session.input.capacity() < 100);
    assert!(session.usage(None).total < 1500, "{:?}", session.usage(None));
}

/// What followers are told, as words.
fn propagated(driver: &mut Driver) -> String {
    let bytes = driver.node.engine_mut().stream.take();
    let text = String::from_utf8_lossy(&bytes);
    let is_word = |line: &&str| !line.starts_with(['*', '$']) && !line.is_empty();
    text.split("\r\n").filter(is_word).collect::<Vec<_>>().join(" ")
}

#[test]
fn followers_see_who_was_served_in_order() {
    let mut driver = driver();
    driver.node.engine_mut().record_changes(true);
    let [a, b, writer] = clients(&mut driver);
    driver.call(a, "BLMOVE src dst LEFT RIGHT 0");
    driver.call(b, "BLMOVE dst src RIGHT LEFT 0");
    driver.send(writer, b"SET x 1\r\nLPUSH src e\r\nSET y 1\r\n");
    let expected = "SELECT 0 SET x 1 LPUSH src e LMOVE src dst LEFT RIGHT \
                    LMOVE dst src RIGHT LEFT SET y 1";
    assert_eq!(propagated(&mut driver).to_uppercase(), expected.to_uppercase());
    driver.call(a, "BLPOP k 0");
    driver.send(writer, b"MULTI\r\nRPUSH k 1 2\r\nSET x 2\r\nEXEC\r\n");
    assert_eq!(propagated(&mut driver), "MULTI RPUSH k 1 2 SET x 2 EXEC LPOP k");
}

#[test]
fn a_key_whose_time_has_come_serves_nobody() {
    let mut driver = driver();
    driver.node.engine_mut().record_changes(true);
    let engine = driver.node.engine_mut();
    engine.keyspace.set_active_expiry(false);
    let [a, writer] = clients(&mut driver);
    driver.send(writer, b"SELECT 1\r\nRPUSH k e\r\nPEXPIRE k 100\r\n");
    driver.send(a, b"SELECT 9\r\nBRPOP k 0\r\n");
    driver.received(a);
    driver.advance_ms(101);
    propagated(&mut driver);
    driver.call(writer, "SWAPDB 1 9");
    assert_eq!(text(&mut driver, a), "");
    assert_eq!(propagated(&mut driver), "SWAPDB 1 9");
    driver.send(writer, b"SELECT 9\r\nEXISTS k\r\n");
    assert_eq!(propagated(&mut driver), "SELECT 9 DEL k");
}

#[test]
fn a_monitor_sees_a_command_once() {
    let mut driver = driver();
    let [a, writer, monitor] = clients(&mut driver);
    driver.call(monitor, "MONITOR");
    driver.call(a, "TAKE x 0");
    driver.call(writer, "SET x 1");
    let seen = text(&mut driver, monitor);
    assert_eq!(seen.matches("\"TAKE\"").count(), 1, "{seen}");
    assert!(seen.find("TAKE") < seen.find("SET"));
}
