//! Commands with arguments that nobody means: every one is answered or refused, nothing breaks, and
//! the stream of changes stays complete.

mod driver;
mod pair;

use dunlin_config::Config;
use dunlin_keyspace::Keyspace;
use dunlin_rdb::{Checksum, Version, dump};
use dunlin_spec::{Arg, Group};
use dunlin_testkit::value::{Decoded, decode};
use fastrand::Rng;
use pair::{Pair, request};

const CALLS_PER_SEED: usize = 1500;

/// Words of use to somebody who looks for a way to break things. Counts between a thousand and
/// 2^62 are left out: some commands rightly answer them with as many elements.
const WORDS: &[&[u8]] = &[
    b"",
    b"0",
    b"1",
    b"-1",
    b"2",
    b"-2",
    b"3",
    b"10",
    b"-100",
    b"1000",
    b"00",
    b"+1",
    b" 1",
    b"1 ",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"4611686018427387904",
    b"18446744073709551615",
    b"18446744073709551616",
    b"nan",
    b"inf",
    b"+inf",
    b"-inf",
    b"(inf",
    b"(1",
    b"(",
    b"[",
    b"[a",
    b"(a",
    b"+",
    b"-",
    b"1e400",
    b"-1e-400",
    b"0.1",
    b"-0",
    b"0x10",
    b"1e2",
    b"*",
    b"$",
    b">",
    b"<",
    b"=",
    b"~",
    b"0-0",
    b"0-1",
    b"5-*",
    b"*-5",
    b"18446744073709551615-18446744073709551615",
    b"1-18446744073709551616",
    b"a",
    b"b",
    b"c",
    b"\0\xff",
    b"\r\n",
    b"key:*",
    b"key:*->f",
    b"#",
    b"u8",
    b"i64",
    b"u64",
    b"#1",
    b"180",
    b"85.06",
    b"-180.0001",
    b"km",
    b"*->*",
];

/// Words that are options of some command.
fn tokens(args: &[Arg], out: &mut Vec<Vec<u8>>) {
    for arg in args {
        out.extend(arg.token_text().map(Vec::from));
        tokens(arg.args(), out);
    }
}

struct Words<'a> {
    rng: &'a mut Rng,
    tokens: &'a [Vec<u8>],
    payloads: &'a [Vec<u8>],
}

/// What DUMP replies for the keys that there are.
fn payloads(keyspace: &Keyspace) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    keyspace.database(0).for_each(|entry| payloads.push(dump(entry, Version::V11)));
    payloads
}

impl Words<'_> {
    fn word(&mut self) -> Vec<u8> {
        match self.rng.u8(..10) {
            0..=2 => format!("key:{}", self.rng.u8(..12)).into_bytes(),
            3..=4 => self.rng.choice(self.tokens).cloned().unwrap_or_default(),
            5 => vec![self.rng.u8(..); self.rng.usize(..5000)],
            6 => self.payload(),
            _ => self.rng.choice(WORDS).expect("words").to_vec(),
        }
    }

    /// A payload of RESTORE in which a byte may be another one, with a checksum that agrees.
    fn payload(&mut self) -> Vec<u8> {
        let mut payload = self.rng.choice(self.payloads).cloned().unwrap_or_default();
        if self.rng.bool()
            && let Some((value, checksum)) = payload.split_last_chunk_mut::<8>()
        {
            let at = self.rng.usize(..value.len());
            value[at] = self.rng.u8(..);
            *checksum = Checksum::of(value).to_le_bytes();
        }
        payload
    }
}

/// Keys of every type, so that there is something to break.
fn fill(pair: &mut Pair, client: dunlin_node::Token) {
    for command in [
        "SET key:0 10",
        "RPUSH key:1 a b c 1 2 3",
        "SADD key:2 1 2 3",
        "SADD key:3 a b c",
        "HSET key:4 a 1 b 2",
        "ZADD key:5 1 a 2 b 3 c",
        "XADD key:6 5-1 a b",
        "XGROUP CREATE key:6 a 0",
        "PFADD key:7 a b c",
        "GEOADD key:8 13.36 38.11 a",
        "SETRANGE key:9 300 x",
    ] {
        pair.primary.call(client, command);
    }
}

#[test]
fn every_command_survives_any_arguments() {
    for seed in 0..12 {
        let mut config = Config::default();
        // Small enough that values up to the limit are quick to digest.
        config.network.proto_max_bulk_len = 1 << 20;
        let mut pair = Pair::new(config, 0, seed);
        let mut client = pair.primary.connect();
        let mut commands = Vec::new();
        for registered in pair.primary.node.engine_mut().table().all() {
            let spec = &registered.command.spec;
            let is_data = !matches!(
                spec.group(),
                Group::Server
                    | Group::Connection
                    | Group::Cluster
                    | Group::Scripting
                    | Group::Sentinel
                    | Group::PubSub
            );
            // PFSELFTEST takes seconds and no arguments.
            let is_quick = spec.name() != "pfselftest";
            if is_data && is_quick && registered.command.subcommands.is_empty() {
                let mut words = Vec::new();
                tokens(spec.arguments(), &mut words);
                commands.push((spec.name(), spec.arity(), words));
            }
        }
        let mut rng = Rng::with_seed(seed);
        let mut payloads_now = Vec::new();
        for number in 0..CALLS_PER_SEED {
            if number % 100 == 0 {
                fill(&mut pair, client);
                payloads_now = payloads(pair.primary.keyspace());
            }
            pair.advance_ms(1);
            let (name, arity, tokens) = rng.choice(&commands).expect("commands").clone();
            let mut words: Vec<Vec<u8>> = name.split('|').map(Vec::from).collect();
            let least = usize::from(arity.unsigned_abs()).saturating_sub(words.len());
            let more = if arity < 0 { rng.usize(..7) } else { 0 };
            let mut source = Words { rng: &mut rng, tokens: &tokens, payloads: &payloads_now };
            words.extend((0..least + more).map(|_| source.word()));
            let reply = pair.primary.send(client, &request(&words));
            let shown = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
            if reply.is_empty() {
                // It waits for a key: somebody else goes on.
                pair.primary.node.handle_end(client);
                client = pair.primary.connect();
            } else {
                let Decoded::Whole(_, len) = decode(&reply) else { panic!("a reply to {shown}") };
                assert_eq!(len, reply.len(), "one reply to {shown}");
            }
            while pair.primary.node.next_action().is_some() {}
            if number % 20 == 0 {
                pair.assert_equal(&shown);
            }
        }
        pair.assert_equal("all calls");
    }
}
