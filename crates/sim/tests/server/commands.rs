//! Random commands on a few keys of every type.

use fastrand::Rng;

/// Far ahead of any simulated time: 2100.
const DEADLINE_MS: i64 = 4_102_444_800_000;

/// A request: these words.
pub(crate) fn request(words: &[String]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

/// The words of a line.
pub(crate) fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Forms of commands: `K` is a key of the family whose letter follows, `#` a number, `F` a field.
const FORMS: &[&str] = &[
    "SET Ks #",
    "APPEND Ks #",
    "INCR Kn",
    "INCRBY Kn #",
    "SETRANGE Ks 40 #",
    "GETDEL Ks",
    "SET Ks # PXAT @",
    "SETBIT Kb # 1",
    "PFADD Kp F F",
    "RPUSH Kl F F #",
    "LPUSH Kl #",
    "LPOP Kl",
    "LREM Kl 1 F",
    "LTRIM Kl 0 50",
    "LINSERT Kl BEFORE F #",
    "RPOPLPUSH Kl Kl",
    "SADD Ki # # #",
    "SADD Kt F F",
    "SREM Kt F",
    "SPOP Kt",
    "SINTERSTORE Kt Kt Ki",
    "HSET Kh F # F #",
    "HDEL Kh F",
    "HINCRBY Kh F #",
    "HPEXPIREAT Kh @ FIELDS 1 F",
    "ZADD Kz # F # F",
    "ZINCRBY Kz # F",
    "ZREM Kz F",
    "ZPOPMIN Kz",
    "GEOADD Kg 13.36 38.11 F",
    "XADD Kx MAXLEN 30 * f #",
    "XTRIM Kx MAXLEN 5",
    "XGROUP CREATE Kx g 0 MKSTREAM",
    "XREADGROUP GROUP g c COUNT 2 STREAMS Kx >",
    "XADD Kx * F F",
    "DEL Ks",
    "DEL Kl Kh",
    "UNLINK Kz",
    "RENAME Ks Kl",
    "RENAME Kz Kh",
    "COPY Kh Kt REPLACE",
    "MOVE Ks 1",
    "PEXPIREAT Kh @",
    "PERSIST Kh",
    "GET Ks",
    "LRANGE Kl 0 -1",
    "HGETALL Kh",
];

/// Seldom ones: structural changes.
const RARE: &[&str] = &["FLUSHDB", "FLUSHALL", "SWAPDB 0 1", "SELECT 1", "SELECT 0"];

/// A random command.
pub(crate) fn random(random: &mut Rng) -> Vec<String> {
    if random.u8(..60) == 0 {
        return words(random.choice(RARE).expect("some"));
    }
    if random.u8(..80) == 0 {
        return grow(random);
    }
    let form = random.choice(FORMS).expect("some");
    form.split(' ').map(|word| fill(word, random)).collect()
}

fn fill(word: &str, random: &mut Rng) -> String {
    match word {
        "#" => random.u16(..1000).to_string(),
        "F" => format!("field:{}", random.u8(..30)),
        "@" => (DEADLINE_MS + i64::from(random.u16(..))).to_string(),
        _ => match word.strip_prefix('K').filter(|family| family.len() == 1) {
            Some(family) => format!("{family}{}", random.u8(..3)),
            None => word.to_owned(),
        },
    }
}

/// Makes a value large.
fn grow(random: &mut Rng) -> Vec<String> {
    let commands = [("RPUSH", "l", 1), ("SADD", "t", 1), ("HSET", "h", 2), ("ZADD", "z", 2)];
    let (command, family, per_element) = *random.choice(&commands).expect("some");
    let mut words = vec![command.to_owned(), format!("{family}{}", random.u8(..3))];
    for n in 0..random.u32(100..300) {
        if per_element == 2 && command == "ZADD" {
            words.push(n.to_string());
        }
        words.push(format!("element:{n}"));
        if command == "HSET" {
            words.push("x".repeat(random.usize(..20)));
        }
    }
    words
}
