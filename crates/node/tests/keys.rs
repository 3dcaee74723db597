//! Commands on whole keys: what goes on to replicas and the log, and the keyspace against a plain
//! model.

mod driver;

use std::collections::{BTreeMap, BTreeSet};

use driver::{Driver, START_UNIX_MS};
use dunlin_config::Config;
use dunlin_node::Token;
use proptest::prelude::*;

/// A node that is followed, and one client.
struct Followed {
    driver: Driver,
    client: Token,
}

impl Followed {
    fn new() -> Self {
        let mut driver = Driver::new();
        let client = driver.connect();
        driver.node.engine_mut().record_changes(true);
        Self { driver, client }
    }

    /// Runs a command and returns what was propagated, the commands parted by `; `.
    fn propagated(&mut self, command: &str) -> String {
        self.driver.call(self.client, command);
        let bytes = self.driver.node.engine_mut().stream.take();
        let text = String::from_utf8(bytes).expect("text");
        let mut lines = text.split("\r\n");
        let mut commands = Vec::new();
        while let Some(count) = lines.next().and_then(|line| line.strip_prefix('*')) {
            let count: usize = count.parse().expect("a count");
            let words: Vec<&str> = lines.by_ref().skip(1).step_by(2).take(count).collect();
            commands.push(words.join(" "));
        }
        commands.join("; ")
    }
}

/// Each line: a command and what a 7.2.6 server writes to its log for it. The node's clock stands
/// at 1,700,000,000 seconds.
#[test]
fn changes_are_propagated_as_redis_does() {
    let script = [
        ("SET k v", "SELECT 0; SET k v"),
        ("EXPIRE k 100", "PEXPIREAT k 1700000100000"),
        ("expire k 100 nx", ""),
        ("EXPIRE k 200 gt", "PEXPIREAT k 1700000200000 gt"),
        ("EXPIREAT k 33177117420", "PEXPIREAT k 33177117420000"),
        ("expireat k 33177117421 GT", "PEXPIREAT k 33177117421000 GT"),
        ("PEXPIREAT k 33177117422000", "PEXPIREAT k 33177117422000"),
        ("pexpireat k 33177117421000 lt", "pexpireat k 33177117421000 lt"),
        ("PEXPIRE k 100000 LT", "PEXPIREAT k 1700000100000 LT"),
        ("EXPIRE k 100 NX", ""),
        ("PERSIST k", "PERSIST k"),
        ("PERSIST k", ""),
        ("EXPIRE nosuch 10", ""),
        ("EXPIRE k -1", "DEL k"),
        ("SET k v", "SET k v"),
        ("CONFIG SET lazyfree-lazy-expire yes", ""),
        ("PEXPIREAT k 1", "UNLINK k"),
        ("CONFIG SET lazyfree-lazy-expire no", ""),
        ("SET k v", "SET k v"),
        ("SET l w", "SET l w"),
        ("RENAME k k", ""),
        ("RENAME k m", "RENAME k m"),
        ("RENAMENX m l", ""),
        ("RENAMENX m n", "RENAMENX m n"),
        ("COPY n o", "COPY n o"),
        ("COPY n o", ""),
        ("COPY n o REPLACE", "COPY n o REPLACE"),
        ("COPY n o DB 3 REPLACE", "COPY n o DB 3 REPLACE"),
        ("MOVE n 2", "MOVE n 2"),
        ("MOVE nosuch 2", ""),
        ("DEL o nosuch", "DEL o nosuch"),
        ("DEL nosuch", ""),
        ("UNLINK l nosuch", "UNLINK l nosuch"),
        ("UNLINK nosuch", ""),
        ("TOUCH o", ""),
        ("SWAPDB 2 3", "SWAPDB 2 3"),
        ("SWAPDB 1 1", "SWAPDB 1 1"),
        ("SELECT 3", ""),
        ("SET p v PXAT 33177117422000", "SELECT 3; SET p v PXAT 33177117422000"),
        ("del n", "del n"),
        ("SELECT 0", ""),
        ("FLUSHDB", "SELECT 0; FLUSHDB"),
        ("FLUSHALL", "FLUSHALL"),
        ("flushall async", "flushall async"),
        ("FLUSHDB SYNC", "FLUSHDB SYNC"),
    ];
    let mut followed = Followed::new();
    for (command, expected) in script {
        assert_eq!(followed.propagated(command), expected, "{command}");
    }
}

/// A key whose deadline has passed is gone for followers before the command that met it runs.
#[test]
fn an_expired_key_is_propagated_as_removed_when_it_is_met() {
    let script = [
        ("GET e", "DEL e"),
        ("DEL e", "DEL e"),
        ("EXISTS e", "DEL e"),
        ("RENAME f e", "MULTI; DEL e; RENAME f e; EXEC"),
        ("RENAMENX e g", "DEL e"),
        ("SET e w", "MULTI; DEL e; SET e w; EXEC"),
        ("COPY f e", "MULTI; DEL e; COPY f e; EXEC"),
        ("MOVE e 1", "DEL e"),
        ("SCAN 0", "DEL e"),
        ("KEYS *", ""),
    ];
    for (command, expected) in script {
        let mut followed = Followed::new();
        followed.propagated("SET f v");
        followed.propagated("SET e v PX 10");
        followed.driver.advance_ms(10);
        assert_eq!(followed.propagated(command), expected, "{command}");
    }
}

/// What a database should hold: values, each with its deadline.
type Model = BTreeMap<u8, (u32, Option<i64>)>;

#[derive(Clone, Debug)]
enum Step {
    Set(u8, u32),
    SetFor(u8, u32, i64),
    Delete(u8, bool),
    Expire(u8, i64),
    ExpireIfLater(u8, i64),
    Persist(u8),
    Rename(u8, u8, bool),
    Copy(u8, u8, u8, bool),
    Move(u8, u8),
    Swap(u8, u8),
    Flush,
    Select(u8),
    Wait(i64),
    Scan(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let (key, db, ms) = (0..40_u8, 0..3_u8, 1..60_i64);
    prop_oneof![
        8 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Step::Set(key, value)),
        4 => (key.clone(), any::<u32>(), ms.clone())
            .prop_map(|(key, value, ms)| Step::SetFor(key, value, ms)),
        3 => (key.clone(), any::<bool>()).prop_map(|(key, lazily)| Step::Delete(key, lazily)),
        3 => (key.clone(), -5..60_i64).prop_map(|(key, ms)| Step::Expire(key, ms)),
        2 => (key.clone(), -5..60_i64).prop_map(|(key, ms)| Step::ExpireIfLater(key, ms)),
        2 => key.clone().prop_map(Step::Persist),
        3 => (key.clone(), key.clone(), any::<bool>())
            .prop_map(|(from, to, nx)| Step::Rename(from, to, nx)),
        3 => (key.clone(), key.clone(), db.clone(), any::<bool>())
            .prop_map(|(from, to, db, replace)| Step::Copy(from, to, db, replace)),
        2 => (key, db.clone()).prop_map(|(key, db)| Step::Move(key, db)),
        1 => (db.clone(), db.clone()).prop_map(|(first, second)| Step::Swap(first, second)),
        1 => Just(Step::Flush),
        2 => db.prop_map(Step::Select),
        4 => ms.prop_map(Step::Wait),
        2 => (1..30_u16).prop_map(Step::Scan),
    ]
}

/// A node and what it should hold.
struct Checked {
    driver: Driver,
    client: Token,
    now_ms: i64,
    db: u8,
    model: [Model; 3],
}

impl Checked {
    fn new() -> Self {
        let mut driver = Driver::new();
        let client = driver.connect();
        let model = [Model::new(), Model::new(), Model::new()];
        Self { driver, client, now_ms: START_UNIX_MS, db: 0, model }
    }

    fn expect(&mut self, command: &str, reply: impl AsRef<str>) {
        assert_eq!(self.driver.call(self.client, command), reply.as_ref(), "{command}");
    }

    fn here(&mut self) -> &mut Model {
        &mut self.model[usize::from(self.db)]
    }

    fn run(&mut self, step: &Step) {
        let now = self.now_ms;
        match *step {
            Step::Set(key, value) => {
                self.here().insert(key, (value, None));
                self.expect(&format!("SET {key} {value}"), "+OK\r\n");
            }
            Step::SetFor(key, value, ms) => {
                self.here().insert(key, (value, Some(now + ms)));
                self.expect(&format!("SET {key} {value} PX {ms}"), "+OK\r\n");
            }
            Step::Delete(key, lazily) => {
                let count = u8::from(self.here().remove(&key).is_some());
                let name = if lazily { "UNLINK" } else { "DEL" };
                self.expect(&format!("{name} {key}"), format!(":{count}\r\n"));
            }
            Step::Expire(key, ms) => self.expire(key, ms, "", |_| true),
            Step::ExpireIfLater(key, ms) => {
                self.expire(key, ms, " GT", |present| present.is_some_and(|at| now + ms > at));
            }
            Step::Persist(key) => {
                let held = self.here().get_mut(&key);
                let count = u8::from(held.is_some_and(|(_, at)| at.take().is_some()));
                self.expect(&format!("PERSIST {key}"), format!(":{count}\r\n"));
            }
            Step::Rename(from, to, nx) => self.rename(from, to, nx),
            Step::Copy(from, to, db, replace) => self.copy(from, to, db, replace),
            Step::Move(key, db) => {
                let same = db == self.db;
                let taken = self.model[usize::from(db)].contains_key(&key);
                let moved = if same || taken { None } else { self.here().remove(&key) };
                let reply = match moved {
                    _ if same => "-ERR source and destination objects are the same\r\n",
                    Some(_) => ":1\r\n",
                    None => ":0\r\n",
                };
                self.model[usize::from(db)].extend(moved.map(|held| (key, held)));
                self.expect(&format!("MOVE {key} {db}"), reply);
            }
            Step::Swap(first, second) => {
                self.model.swap(usize::from(first), usize::from(second));
                self.expect(&format!("SWAPDB {first} {second}"), "+OK\r\n");
            }
            Step::Flush => {
                self.here().clear();
                self.expect("FLUSHDB", "+OK\r\n");
            }
            Step::Select(db) => {
                self.db = db;
                self.expect(&format!("SELECT {db}"), "+OK\r\n");
            }
            Step::Wait(ms) => {
                self.now_ms += ms;
                self.driver.advance_ms(ms);
                let now = self.now_ms;
                for model in &mut self.model {
                    model.retain(|_, (_, at)| at.is_none_or(|at| at > now));
                }
            }
            Step::Scan(count) => {
                let found = scan_all(&mut self.driver, self.client, usize::from(count));
                let expected: BTreeSet<String> = self.here().keys().map(u8::to_string).collect();
                assert_eq!(found, expected);
            }
        }
    }

    fn expire(&mut self, key: u8, ms: i64, option: &str, allows: impl Fn(Option<i64>) -> bool) {
        let at = self.now_ms + ms;
        let allowed = self.here().get(&key).is_some_and(|(_, present)| allows(*present));
        if allowed && ms <= 0 {
            self.here().remove(&key);
        } else if allowed && let Some((_, deadline)) = self.here().get_mut(&key) {
            *deadline = Some(at);
        }
        let reply = format!(":{}\r\n", u8::from(allowed));
        self.expect(&format!("PEXPIRE {key} {ms}{option}"), reply);
    }

    fn rename(&mut self, from: u8, to: u8, nx: bool) {
        let name = if nx { "RENAMENX" } else { "RENAME" };
        let here = self.here();
        let exists = here.contains_key(&from);
        let moves = exists && from != to && !(nx && here.contains_key(&to));
        if moves && let Some(held) = here.remove(&from) {
            here.insert(to, held);
        }
        let reply = match (exists, nx, moves) {
            (false, ..) => "-ERR no such key\r\n",
            (true, false, _) => "+OK\r\n",
            (true, true, true) => ":1\r\n",
            (true, true, false) => ":0\r\n",
        };
        self.expect(&format!("{name} {from} {to}"), reply);
    }

    fn copy(&mut self, from: u8, to: u8, db: u8, replace: bool) {
        let same = from == to && db == self.db;
        let held = self.here().get(&from).copied();
        let there = &mut self.model[usize::from(db)];
        let copied = held.filter(|_| !same && (replace || !there.contains_key(&to)));
        there.extend(copied.map(|held| (to, held)));
        let reply = match copied {
            _ if same => "-ERR source and destination objects are the same\r\n",
            Some(_) => ":1\r\n",
            None => ":0\r\n",
        };
        let option = if replace { " REPLACE" } else { "" };
        self.expect(&format!("COPY {from} {to} DB {db}{option}"), reply);
    }

    /// Every key of every database is as the model says.
    fn check_all(&mut self) {
        for db in 0..3 {
            self.run(&Step::Select(db));
            let now = self.now_ms;
            let model = self.here().clone();
            for key in 0..40 {
                let (value, ttl) = match model.get(&key) {
                    None => ("$-1\r\n".to_owned(), -2),
                    Some((value, deadline)) => {
                        let text = value.to_string();
                        let ttl = deadline.map_or(-1, |at| at - now);
                        (format!("${}\r\n{text}\r\n", text.len()), ttl)
                    }
                };
                self.expect(&format!("GET {key}"), value);
                self.expect(&format!("PTTL {key}"), format!(":{ttl}\r\n"));
            }
            self.expect("DBSIZE", format!(":{}\r\n", model.len()));
            self.run(&Step::Scan(10));
        }
    }
}

/// One step of SCAN: the next cursor and the keys.
fn scan(driver: &mut Driver, client: Token, cursor: &str, count: usize) -> (String, Vec<String>) {
    let reply = driver.call(client, &format!("SCAN {cursor} COUNT {count}"));
    let mut words = reply.split("\r\n").filter(|line| !line.starts_with(['*', '$']));
    let cursor = words.next().expect("a cursor").to_owned();
    (cursor, words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

fn scan_all(driver: &mut Driver, client: Token, count: usize) -> BTreeSet<String> {
    let (mut cursor, mut found) = ("0".to_owned(), BTreeSet::new());
    loop {
        let (next, keys) = scan(driver, client, &cursor, count);
        found.extend(keys);
        if next == "0" {
            return found;
        }
        cursor = next;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn the_keyspace_is_what_a_plain_map_would_be(
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut checked = Checked::new();
        for step in &steps {
            checked.run(step);
        }
        checked.check_all();
    }

    /// Keys that are there from the first step to the last are found, while others come and go so
    /// that the table grows and shrinks, in one table and in one for each slot.
    #[test]
    fn a_scan_meets_what_stays(
        staying in 1..300_usize,
        waves in prop::collection::vec(0..2000_usize, 1..6),
        count in 1..60_usize,
        in_slots: bool,
    ) {
        let mut config = Config::default();
        config.cluster.cluster_enabled = in_slots;
        let mut driver = Driver::with(config, START_UNIX_MS);
        if in_slots {
            driver.own_all_slots();
        }
        let client = driver.connect();
        for n in 0..staying {
            driver.call(client, &format!("SET stays:{n} 1"));
        }
        let (mut cursor, mut found, mut present) = ("0".to_owned(), BTreeSet::new(), 0);
        let mut waves = waves.iter().cycle();
        let mut steps = 0;
        loop {
            let (next, keys) = scan(&mut driver, client, &cursor, count);
            found.extend(keys);
            cursor = next;
            if cursor == "0" {
                break;
            }
            // Enough steps to see both directions; then the scan may end.
            if steps % 3 == 0 && steps < 60 {
                let wanted = *waves.next().expect("a cycle");
                while present < wanted {
                    driver.call(client, &format!("SET passes:{present} 1"));
                    present += 1;
                }
                while present > wanted {
                    present -= 1;
                    driver.call(client, &format!("DEL passes:{present}"));
                }
            }
            steps += 1;
        }
        let stayed = found.iter().filter(|key| key.starts_with("stays:")).count();
        prop_assert_eq!(stayed, staying);
    }
}
