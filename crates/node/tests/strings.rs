//! Strings and bitmaps: what goes on to replicas and the log, how values are held, and large ones.

mod driver;

use driver::Driver;
use dunlin_node::Token;
use dunlin_values::StringRef;
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
        let mut followed = Self { driver, client };
        followed.call("SET started 1");
        followed.propagated();
        followed
    }

    fn call(&mut self, command: &str) -> String {
        self.driver.call(self.client, command)
    }

    /// What was propagated since the last call: the words of each command between blanks.
    fn propagated(&mut self) -> Vec<String> {
        let bytes = self.driver.node.engine_mut().stream.take();
        let text = String::from_utf8(bytes).expect("text");
        let mut lines = text.split("\r\n");
        let mut commands = Vec::new();
        while let Some(count) = lines.next().and_then(|line| line.strip_prefix('*')) {
            let count: usize = count.parse().expect("a count");
            let words: Vec<&str> = lines.by_ref().skip(1).step_by(2).take(count).collect();
            commands.push(words.join(" "));
        }
        commands
    }

    /// How a key is held, as OBJECT ENCODING names it.
    fn encoding(&mut self, key: &str) -> &'static str {
        let entry = self.driver.node.engine_mut().keyspace.peek(0, key.as_bytes());
        entry.map_or("none", |entry| entry.encoding().name())
    }
}

/// Each line: a command and what a 7.2.6 server writes to its log for it. The node's clock stands
/// at 1,700,000,000 seconds.
#[test]
fn changes_are_propagated_as_redis_does() {
    let script = [
        ("SET k v", "SET k v"),
        ("set k v ex 100", "SET k v PXAT 1700000100000"),
        ("SET k v PX 100000 NX", ""),
        ("SET k2 v PX 100000 NX", "SET k2 v PXAT 1700000100000"),
        ("SET k v EXAT 33177117420 GET", "SET k v PXAT 33177117420000"),
        ("SET k v PXAT 33177117420123", "SET k v PXAT 33177117420123"),
        ("SET k v PXAT 33177117420123 GET XX", "SET k v PXAT 33177117420123 GET XX"),
        ("SET k v KEEPTTL GET", "SET k v KEEPTTL"),
        ("SET k w get XX Get", "SET k w XX"),
        ("SET k w NX GET", ""),
        ("SET k v NX", ""),
        ("SET k v EX 0", ""),
        ("SETNX k v", ""),
        ("SETNX n v", "SETNX n v"),
        ("SETEX k 100 v", "SET k v PXAT 1700000100000"),
        ("PSETEX k 100000 12", "SET k 12 PXAT 1700000100000"),
        ("getset k w", "SET k w"),
        ("GETEX k", ""),
        ("GETEX k EX 100", "PEXPIREAT k 1700000100000"),
        ("GETEX k PXAT 33177117420123", "PEXPIREAT k 33177117420123"),
        ("GETEX k PERSIST", "PERSIST k"),
        ("GETEX k PERSIST", ""),
        ("GETEX k EXAT 1", "DEL k"),
        ("GETEX k EX 100", ""),
        ("SET k v", "SET k v"),
        ("GETDEL k", "DEL k"),
        ("GETDEL k", ""),
        ("APPEND k ab", "APPEND k ab"),
        ("APPEND k \"\"", "APPEND k "),
        ("SETRANGE k 1 x", "SETRANGE k 1 x"),
        ("SETRANGE k 1 \"\"", ""),
        ("SETRANGE nosuch 1 \"\"", ""),
        ("MSET a 1 b 2", "MSET a 1 b 2"),
        ("MSETNX a 1 c 2", ""),
        ("MSETNX c 1 d 2 c 3", "MSETNX c 1 d 2 c 3"),
        ("incr a", "incr a"),
        ("DECRBY a 5", "DECRBY a 5"),
        ("INCRBYFLOAT a 0.5", "SET a -2.5 KEEPTTL"),
        ("INCRBYFLOAT a x", ""),
        ("INCR a", ""),
        ("SETBIT bits 9 1", "SETBIT bits 9 1"),
        ("SETBIT bits 9 1", ""),
        ("SETBIT bits 9 0", "SETBIT bits 9 0"),
        ("SETBIT bits2 9 0", "SETBIT bits2 9 0"),
        ("BITOP AND dest bits bits2", "BITOP AND dest bits bits2"),
        ("BITOP AND dest nosuch nosuch2", "BITOP AND dest nosuch nosuch2"),
        ("BITOP AND dest nosuch nosuch2", ""),
        ("BITFIELD f SET u8 0 1 INCRBY u8 0 1", "BITFIELD f SET u8 0 1 INCRBY u8 0 1"),
        ("BITFIELD f SET u8 0 2", ""),
        ("BITFIELD f GET u8 0", ""),
        ("BITFIELD f OVERFLOW FAIL SET u8 0 256", ""),
        ("BITFIELD f SET u8 0 3 SET u8 0 3", "BITFIELD f SET u8 0 3 SET u8 0 3"),
    ];
    let mut node = Followed::new();
    for (command, expected) in script {
        node.call(command);
        assert_eq!(node.propagated().join("; "), expected, "{command}");
    }
}

/// Unlike Redis 7.2: a copy of the data must not be shorter.
#[test]
fn a_bitfield_that_only_grew_is_propagated() {
    let mut node = Followed::new();
    let grow = "BITFIELD f OVERFLOW FAIL SET u8 8 256";
    assert_eq!(node.call(grow), "*1\r\n$-1\r\n");
    assert_eq!(node.propagated(), [grow]);
    assert_eq!(node.call("STRLEN f"), ":2\r\n");
    node.call(grow);
    assert!(node.propagated().is_empty());
}

#[test]
fn a_deletion_that_frees_elsewhere_is_propagated_as_unlink() {
    let mut node = Followed::new();
    node.driver.node.engine_mut().config.memory.lazyfree_lazy_expire = true;
    node.call("SET k v");
    node.propagated();
    assert_eq!(node.call("GETEX k PXAT 1"), "$1\r\nv\r\n");
    assert_eq!(node.propagated(), ["UNLINK k"]);
}

#[test]
fn deadlines_stay_or_go_as_commands_say() {
    let mut node = Followed::new();
    let mut check = |commands: &[&str], survives: bool| {
        node.call("SET k 1 PX 100");
        for command in commands {
            node.call(command);
        }
        node.driver.advance_ms(100);
        let alive = node.call("GET k") != "$-1\r\n";
        assert_eq!(alive, survives, "{commands:?}");
    };
    check(&[], false);
    check(&["INCR k"], false);
    check(&["INCRBYFLOAT k 1.5"], false);
    check(&["APPEND k 1"], false);
    check(&["SETRANGE k 0 1"], false);
    check(&["SETBIT k 1 1"], false);
    check(&["SET k 2 KEEPTTL"], false);
    check(&["BITFIELD k SET u8 100 1"], false);
    check(&["SET k 2"], true);
    check(&["GETSET k 2"], true);
    check(&["MSET k 2"], true);
    check(&["BITOP NOT k k"], true);
    check(&["GETEX k PERSIST"], true);
    check(&["GETEX k PX 101"], true);
    check(&["SETNX k 2"], false);
    check(&["SET k 2 XX PX 101"], true);
}

#[test]
fn values_are_held_as_object_encoding_tells() {
    let mut node = Followed::new();
    let mut check = |commands: &[&str], expected: &str| {
        node.call("GETDEL k");
        for command in commands {
            node.call(command);
        }
        assert_eq!(node.encoding("k"), expected, "{commands:?}");
    };
    check(&["SET k 12"], "int");
    check(&["SET k 012"], "embstr");
    check(&["SETNX k 12"], "int");
    check(&["SETEX k 10 12"], "int");
    check(&["GETSET k 12"], "int");
    check(&["MSET k 12"], "int");
    check(&["APPEND k 12"], "int");
    check(&["APPEND k 12", "APPEND k \"\""], "raw");
    check(&["SET k x", "APPEND k y"], "raw");
    check(&["SET k 12", "INCR k"], "int");
    check(&["SETRANGE k 0 12", "INCR k"], "int");
    check(&["SET k 12", "INCRBYFLOAT k 1"], "embstr");
    check(&["SETRANGE k 0 12"], "raw");
    check(&["SET k 12", "SETRANGE k 0 \"\""], "int");
    check(&["SETBIT k 3 1"], "raw");
    check(&["SET k 12", "SETBIT k 0 0"], "raw");
    check(&["SET k 12", "GETBIT k 0"], "int");
    check(&["SET k 12", "BITFIELD k SET u8 0 49"], "raw");
    check(&["SET k 12", "BITFIELD k GET u8 0"], "int");
    check(&["SET k 12", "BITOP OR k k"], "raw");
}

#[test]
fn offsets_beyond_the_limit_cost_nothing() {
    let mut node = Followed::new();
    let too_long = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
    let no_offset = "-ERR bit offset is not an integer or out of range\r\n";
    for (command, expected) in [
        ("SETRANGE k 536870911 ab", too_long),
        ("SETRANGE k 9223372036854775807 a", too_long),
        ("SETRANGE k -1 a", "-ERR offset is out of range\r\n"),
        ("SETBIT k 4294967296 1", no_offset),
        ("BITFIELD k SET u8 4294967296 1", no_offset),
        ("BITFIELD k SET u8 #536870912 1", no_offset),
        ("GETBIT k 4294967296", no_offset),
    ] {
        assert_eq!(node.call(command), expected, "{command}");
        assert_eq!(node.encoding("k"), "none", "{command}");
    }
    node.driver.node.engine_mut().config.network.proto_max_bulk_len = 1024 * 1024;
    assert_eq!(node.call("SETRANGE k 1048575 x"), ":1048576\r\n");
    assert_eq!(node.call("APPEND k y"), too_long);
    assert_eq!(node.call("SETBIT k 8388607 1"), ":0\r\n");
    assert_eq!(node.call("SETBIT k 8388608 1"), no_offset);
    assert_eq!(node.call("STRLEN k"), ":1048576\r\n");
}

#[test]
fn large_values_are_kept_and_replied_without_copies() {
    let mut node = Followed::new();
    let value = vec![b'v'; 1_000_000];
    let set = [b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n".as_slice(), &value, b"\r\n"].concat();
    assert_eq!(node.driver.send(node.client, &set), b"+OK\r\n");
    let output_of = |node: &mut Followed, command: &str| {
        let input = node.driver.node.input(node.client).expect("room");
        input.extend_from_slice(command.as_bytes());
        node.driver.node.handle_input(node.client, command.len());
        node.driver.node.run();
        let output = node.driver.node.output(node.client).expect("a session");
        let own = output.memory_bytes();
        (output.len(), own, node.driver.received(node.client))
    };
    let (len, _, reply) = output_of(&mut node, "MGET k k\r\n");
    assert_eq!(len, 4 + 2 * (1_000_000 + "$1000000\r\n\r\n".len()));
    assert!(reply.ends_with(b"vvv\r\n"));
    let (_, _, reply) = output_of(&mut node, "GETRANGE k 100 -101\r\n");
    assert_eq!(reply.len(), "$999800\r\n\r\n".len() + 999_800);
    assert_eq!(node.call("APPEND k !"), ":1000001\r\n");
    assert_eq!(node.call("GETRANGE k -2 -1"), "$2\r\nv!\r\n");
    assert_eq!(node.call("BITCOUNT k"), format!(":{}\r\n", 1_000_000 * 5 + 2));
}

proptest! {
    /// SETRANGE and APPEND against a vector of bytes.
    #[test]
    fn edits_behave_as_on_a_vector(
        steps in prop::collection::vec((0..5000usize, "[a-z0-9]{0,40}", any::<bool>()), 1..12)
    ) {
        let mut node = Followed::new();
        let mut model: Vec<u8> = Vec::new();
        for (offset, text, append) in steps {
            if append {
                node.call(&format!("APPEND k \"{text}\""));
                model.extend_from_slice(text.as_bytes());
            } else {
                node.call(&format!("SETRANGE k {offset} \"{text}\""));
                if !text.is_empty() {
                    let end = offset + text.len();
                    let len = model.len().max(end);
                    model.resize(len, 0);
                    model[offset..end].copy_from_slice(text.as_bytes());
                }
            }
            let expected = format!("${}\r\n{}\r\n", model.len(), String::from_utf8_lossy(&model));
            prop_assert_eq!(node.call("GETRANGE k 0 -1"), expected);
        }
    }
}

/// Nobody but the key holds a large value once its SET has run, so deleting the key frees it.
#[test]
fn a_large_argument_is_let_go_of_when_its_request_has_run() {
    let mut node = Followed::new();
    let value = vec![b'v'; 1_000_000];
    let set = [b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n".as_slice(), &value, b"\r\n"].concat();
    assert_eq!(node.driver.send(node.client, &set), b"+OK\r\n");
    let engine = node.driver.node.engine_mut();
    let entry = engine.keyspace.get(0, b"k").expect("just set");
    let Some(StringRef::Shared(bytes)) = entry.string() else { panic!("a shared string") };
    assert!(bytes.is_unique());
}
