//! Every type of reply in every format, beside the real client.

use dunlin_testkit::{Client, Server};

use crate::peers::{check_same, check_same_with};

/// Keys that commands are about.
const DATA: &[&str] = &[
    "FLUSHALL",
    "SET s hello",
    "SET n 10",
    "SET empty ''",
    r#"SET bin "a\x00b\xff\n\t\"\\'\a\b\r\f""#,
    "SET utf Grüße",
    "SETEX volatile 100000 x",
    "RPUSH l a b c",
    "RPUSH l12 1 2 3 4 5 6 7 8 9 10 11 12",
    "RPUSH 'key with blanks' x",
    "SADD one m",
    "SADD ints 1 2 3",
    "HSET h f v",
    r#"HSET hb "\x01" "\xf0""#,
    "ZADD z 1 a 2.5 b inf c",
    "XADD x 1-1 a 1",
    "XADD x 2-1 b 2 c 3",
    "XGROUP CREATE x g 0",
    "XREADGROUP GROUP g c COUNT 1 STREAMS x >",
    "GEOADD geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
    "PFADD hll a b c",
    "SETBIT bits 7 1",
];

/// Commands that change nothing, so that both clients find the same.
const READS: &str = r#"
PING
PING hello
ECHO "two words"
ECHO "line\r\nfeed"
ECHO ''
GET s
GET n
GET nothing
GET empty
GET bin
GET utf
GET l
GET
NOSUCHCOMMAND a b
STRLEN s
STRLEN nothing
GETRANGE s 1 3
MGET s nothing n
MGET nothing
EXISTS s nothing n
TYPE s
TYPE nothing
TYPE x
TTL s
TTL nothing
PTTL nothing
PERSIST s
EXPIRETIME volatiles
OBJECT ENCODING s
OBJECT ENCODING n
OBJECT ENCODING l
OBJECT ENCODING nothing
OBJECT REFCOUNT s
OBJECT HELP
LRANGE l 0 -1
LRANGE l 5 9
LRANGE l12 0 -1
LRANGE nothing 0 -1
LRANGE s 0 -1
LLEN l
LINDEX l 0
LINDEX l 9
LPOS l b
LPOS l b COUNT 0
LPOS l z COUNT 0
LPOS l z
SMEMBERS one
SMEMBERS nothing
SMEMBERS ints
SISMEMBER one m
SMISMEMBER one m z
SCARD one
SRANDMEMBER one
SRANDMEMBER nothing
SRANDMEMBER nothing 2
SINTERCARD 2 one ints
HGETALL h
HGETALL nothing
HGETALL hb
HGET h f
HGET h g
HMGET h f g
HKEYS h
HVALS hb
HLEN h
HEXISTS h f
HRANDFIELD h 1 WITHVALUES
HSCAN h 0
ZRANGE z 0 -1
ZRANGE z 0 -1 WITHSCORES
ZRANGE z 0 0 WITHSCORES
ZRANGEBYSCORE z (1 +inf WITHSCORES LIMIT 0 1
ZSCORE z a
ZSCORE z c
ZSCORE z nothing
ZMSCORE z a nothing
ZRANK z a
ZRANK z nothing
ZCARD z
ZCOUNT z 0 2
ZLEXCOUNT z - +
ZRANDMEMBER nothing
ZSCAN z 0
XLEN x
XRANGE x - +
XRANGE x 9 +
XRANGE nothing - +
XREVRANGE x + - COUNT 1
XREAD COUNT 1 STREAMS x 0
XREAD COUNT 1 STREAMS x $
XREAD COUNT 2 STREAMS x nothing 0 0
XINFO STREAM x
XINFO GROUPS x
XPENDING x g
XPENDING nothing g
GEOPOS geo Palermo nothing
GEODIST geo Palermo Catania km
GEODIST geo Palermo nothing
GEOHASH geo Palermo nothing
GEOSEARCH geo FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHCOORD WITHDIST
PFCOUNT hll
BITCOUNT bits
BITPOS bits 1
BITFIELD_RO bits GET u8 0
GETBIT bits 7
DUMP n
SCAN 0 MATCH s COUNT 1000
KEYS h*
KEYS zz*
DBSIZE
SELECT 1
SELECT 99
CONFIG GET maxmemory
CONFIG GET maxmem*
CONFIG GET nosuch
CONFIG SET nosuch 1
CONFIG
CONFIG NOSUCH
CLIENT GETNAME
CLIENT NOSUCH
CLIENT NO-EVICT x
COMMAND COUNT
COMMAND INFO get
COMMAND INFO nosuch
COMMAND INFO get config
COMMAND DOCS get
COMMAND DOCS lpop config|get
COMMAND GETKEYS MSET a 1 b 2
COMMAND GETKEYSANDFLAGS SET a 1
COMMAND LIST FILTERBY PATTERN xr*
MEMORY DOCTOR
MEMORY USAGE nothing
LATENCY LATEST
LATENCY DOCTOR
LATENCY HISTORY command
SLOWLOG LEN
SLOWLOG HELP
WAIT 0 0
LASTSAVE x
ROLE
AUTH x y
AUTH a b c
HELLO 9
HELLO x
RESET
MULTI
EXEC
DISCARD
WATCH s
UNWATCH
PUBSUB CHANNELS
PUBSUB NUMSUB a b
PUBSUB NUMPAT
PUBLISH nobody hello
CLUSTER INFO
CLUSTER KEYSLOT s
CLUSTER SLOTS
READONLY
DEBUG PROTOCOL string
DEBUG PROTOCOL integer
DEBUG PROTOCOL double
DEBUG PROTOCOL null
DEBUG PROTOCOL array
DEBUG PROTOCOL set
DEBUG PROTOCOL map
DEBUG PROTOCOL verbatim
DEBUG PROTOCOL true
DEBUG PROTOCOL false
DEBUG STRINGMATCH-LEN 10 a
OBJECT FREQ s
LCS s s
LCS s s IDX
SORT l ALPHA DESC
SORT_RO ints
SUBSTR s 0 1
"#;

/// Commands that change something: the data are made anew before each run.
const WRITES: &str = r#"
SET new value
SET s other GET
SET s other NX
SET nothing other XX GET
SETNX s x
GETSET s y
GETDEL s
APPEND s !
INCR n
INCR s
INCRBYFLOAT n 0.25
MSET a 1 b 2
MSETNX a 1 s 2
EXPIRE s 100
RENAME s t
RENAME nothing t
COPY s t
DEL s n nothing
UNLINK s
LPUSH l x y
LPUSHX nothing x
RPOP l
RPOP l 2
RPOP nothing 2
RPOPLPUSH l other
LMPOP 2 nothing l LEFT COUNT 2
LMPOP 1 nothing LEFT
BLPOP l 1
BLPOP nothing 0.01
LINSERT l BEFORE b x
LSET l 9 x
LREM l 0 a
SADD one x y m
SPOP one
SPOP nothing 3
SMOVE one ints m
HSET h f 2 g 3
HDEL h f
HINCRBY h n 5
HINCRBYFLOAT h n 1.5
ZADD z 3 d
ZADD z INCR 2 a
ZADD z NX INCR 2 a
ZINCRBY z 1.5 a
ZPOPMIN z
ZPOPMAX z 2
BZPOPMIN z 1
BZMPOP 1 1 z MIN COUNT 2
ZREM z a
XADD x 5-5 k v
XADD x 1-1 k v
XDEL x 1-1
XTRIM x MAXLEN 1
XREADGROUP GROUP g c STREAMS x >
XREADGROUP GROUP g c STREAMS x 0
XACK x g 1-1
XAUTOCLAIM x g d 0 0
XCLAIM x g d 0 1-1
PFADD hll z
BITFIELD bits SET u8 0 255 GET u8 0
BITOP NOT dest bits
FLUSHDB
SWAPDB 0 1
MOVE s 1
RESTORE t 0 bad
OBJECT
"#;

/// How replies are asked for.
const FORMATS: &[&[&str]] = &[
    &[],
    &["--no-raw"],
    &["--csv"],
    &["--json"],
    &["--quoted-json"],
    &["-2", "--json"],
    &["-3"],
    &["-3", "--no-raw"],
    &["-3", "--csv"],
    &["-3", "--quoted-json"],
    &["-e"],
    &["-e", "--csv", "-3"],
    &["-d", "|", "-D", "<end>"],
];

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty())
}

fn load(client: &mut Client) {
    for line in DATA {
        client.cmd(line);
    }
}

/// The client splits as its session does.
fn words(line: &str) -> Vec<String> {
    let words = dunlin_testkit::words::split(line).expect("a line");
    // What no argument can hold is left to sessions.
    words.into_iter().map(|word| String::from_utf8(word).expect("UTF-8")).collect()
}

#[test]
fn replies_to_reads_in_every_format() {
    let server = Server::start();
    load(&mut server.client());
    let port = server.port().to_string();
    assert!(lines(READS).count() + lines(WRITES).count() >= 200);
    for line in lines(READS) {
        for format in FORMATS {
            let words = words(line);
            let mut args = vec!["-p", &port];
            args.extend(format.iter().copied());
            args.extend(words.iter().map(String::as_str));
            check_same(&args, b"");
        }
    }
}

#[test]
fn replies_to_writes_in_every_format() {
    let server = Server::start();
    let mut client = server.client();
    let port = server.port().to_string();
    for line in lines(WRITES) {
        for format in [&[][..], &["--no-raw"], &["--json"], &["-3", "--no-raw"]] {
            let words = words(line);
            let mut args = vec!["-p", &port];
            args.extend(format);
            args.extend(words.iter().map(String::as_str));
            let with = |mut command: std::process::Command, client: &mut Client| {
                load(client);
                command.args(&args);
                crate::peers::run(command, b"")
            };
            let theirs = with(crate::peers::theirs(), &mut client);
            let ours = with(crate::peers::ours(), &mut client);
            assert_eq!(ours, theirs, "{args:?}");
        }
    }
}

/// As a session sees them: all commands through one connection, from a pipe.
#[test]
fn replies_in_a_session_in_every_format() {
    let server = Server::start();
    load(&mut server.client());
    let port = server.port().to_string();
    // Other things happen to a connection that leaves RESP2 by a command.
    let script: String = lines(READS).flat_map(|line| [line, "\n"]).collect();
    for format in FORMATS {
        let args = [&["-p", &port], *format].concat();
        let said = check_same(&args, script.as_bytes());
        assert!(said.stdout.len() > 5_000, "{args:?}");
    }
    for format in [&[][..], &["-3"]] {
        let args = [&["-p", &port], format].concat();
        let said = check_same_with(&args, script.as_bytes(), &[("FAKETTY", "1")]);
        assert!(said.text().contains("(integer) 3\n"));
    }
}

/// Messages that nothing asked for, in RESP3.
#[test]
fn pushes_are_shown_on_request() {
    let server = Server::start();
    let port = server.port().to_string();
    let script =
        b"CLIENT TRACKING ON\nGET a\nSET a 1\nPING\nGET b\nFLUSHALL\nDEBUG PROTOCOL push\n\
        PING\n";
    for format in [&[][..], &["--no-raw"], &["--csv"], &["--json"]] {
        for shown in ["yes", "no"] {
            let args = [&["-p", &port, "-3", "--show-pushes", shown], format].concat();
            let said = check_same(&args, script);
            assert_eq!(said.text().contains("invalidate"), shown == "yes", "{args:?}");
        }
    }
}

/// The real client gives up at a big number; ours shows it.
#[test]
fn big_numbers_are_shown() {
    let server = Server::start();
    let port = server.port().to_string();
    let number = "1234567999999999999999999999999999999";
    let shown = |format: &str| {
        let args = ["-p", &port, "-3", format, "DEBUG", "PROTOCOL", "bignum"];
        crate::peers::run_ours(&args, b"").text()
    };
    for format in ["--raw", "--csv", "--json"] {
        assert_eq!(shown(format), format!("{number}\n"));
    }
    assert_eq!(shown("--no-raw"), format!("(integer) {number}\n"));
}
