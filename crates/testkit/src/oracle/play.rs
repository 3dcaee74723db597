//! Plays a script against a server and writes down what came back.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::script::{Action, Compare, Script, Step, connection_named};
use crate::client::{Client, Reply, request};
use crate::server::{Server, ServerBuilder};
use crate::value::Value;
use crate::words::escape;

/// How long a reply may take: nothing in a script waits.
const REPLY_DEADLINE: Duration = Duration::from_secs(5);

/// The protocol a script is played in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// What a connection speaks at first.
    Resp2,
    /// After `HELLO 3`, which is sent on every connection and not part of the script.
    Resp3,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Resp2 => "RESP2",
            Protocol::Resp3 => "RESP3",
        })
    }
}

/// What came of each step: the reply as escaped text, or `None` where none is awaited.
pub type Outcomes = Vec<Option<String>>;

/// Provides servers: one that scripts share, and one of its own for each that asks.
pub struct Stage {
    program: PathBuf,
    shared: Option<Server>,
}

impl Stage {
    /// A stage for servers of this program.
    pub fn new(program: &Path) -> Stage {
        Stage { program: program.to_owned(), shared: None }
    }

    /// Plays a script on an empty server.
    ///
    /// # Errors
    /// When the server cannot be emptied or reached; one sentence.
    pub fn play(&mut self, script: &Script, protocol: Protocol) -> Result<Outcomes, String> {
        if script.own_server {
            let server = ServerBuilder::new(&self.program).config(&script.config.join("\n"));
            let outcomes = play(script, &server.start(), protocol);
            return outcomes.map_err(|error| format!("  {error}\n"));
        }
        let server = match self.shared.take().filter(|server| empty(server).is_ok()) {
            Some(server) => server,
            None => ServerBuilder::new(&self.program).start(),
        };
        let outcomes = play(script, &server, protocol);
        self.shared = Some(server);
        outcomes.map_err(|error| format!("  {error}\n"))
    }
}

/// Removes what an earlier script left behind.
fn empty(server: &Server) -> io::Result<()> {
    let mut client = Client::try_connect(server.address())?;
    client.set_timeout(REPLY_DEADLINE)?;
    for command in ["FLUSHALL", "CONFIG RESETSTAT", "SLOWLOG RESET"] {
        let reply = client.try_cmd(command)?;
        if reply.is_error() {
            return Err(io::Error::other(format!("{command}: {reply}")));
        }
    }
    Ok(())
}

fn play(script: &Script, server: &Server, protocol: Protocol) -> io::Result<Outcomes> {
    let mut clients: BTreeMap<&str, Client> = BTreeMap::new();
    let mut ids: BTreeMap<&str, i64> = BTreeMap::new();
    let uses_ids = script.steps.iter().any(|step| matches!(step.action, Action::Call(_)));
    let mut outcomes = Vec::with_capacity(script.steps.len());
    let mut observer = None;
    for step in &script.steps {
        if step.action == Action::Close {
            clients.remove(step.client.as_str());
            outcomes.push(None);
            continue;
        }
        if !clients.contains_key(step.client.as_str()) {
            let mut client = connect(server, protocol)?;
            if uses_ids {
                ids.insert(&step.client, client.try_cmd("CLIENT ID")?.integer());
            }
            clients.insert(&step.client, client);
        }
        let client = clients.get_mut(step.client.as_str()).expect("inserted above");
        if let Action::Block(bytes) = &step.action {
            let observer = match &mut observer {
                Some(observer) => observer,
                none => none.insert(connect(server, Protocol::Resp2)?),
            };
            outcomes.push(block(client, bytes, observer)?);
            continue;
        }
        let Action::Call(words) = &step.action else {
            outcomes.push(take(client, step));
            continue;
        };
        let words: Vec<Vec<u8>> = words.iter().map(|word| named(word, &ids)).collect();
        let action = Action::Exchange(request(&words));
        outcomes.push(take(client, &Step { action, ..step.clone() }));
    }
    Ok(outcomes)
}

/// Sends a command that makes its client wait. That it does not is an outcome.
fn block(client: &mut Client, bytes: &[u8], observer: &mut Client) -> io::Result<Option<String>> {
    let before = blocked_clients(observer)?;
    let _ = client.send(bytes);
    let start = Instant::now();
    while blocked_clients(observer)? <= before {
        if start.elapsed() > REPLY_DEADLINE {
            return Ok(Some("(does not block)".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(None)
}

fn blocked_clients(observer: &mut Client) -> io::Result<u64> {
    let reply = observer.try_cmd("INFO clients")?.to_string();
    let field = reply.split("blocked_clients:").nth(1).unwrap_or_default();
    let digits: String = field.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().map_err(|_| io::Error::other("INFO names no blocked clients"))
}

/// A word of a request, or the number of the connection that it stands for.
fn named(word: &[u8], ids: &BTreeMap<&str, i64>) -> Vec<u8> {
    let id = connection_named(word).and_then(|name| ids.get(name));
    id.map_or_else(|| word.to_vec(), |id| id.to_string().into_bytes())
}

fn connect(server: &Server, protocol: Protocol) -> io::Result<Client> {
    let mut client = Client::try_connect(server.address())?;
    client.set_timeout(REPLY_DEADLINE)?;
    if protocol == Protocol::Resp3 {
        let reply = client.try_cmd("HELLO 3")?;
        if reply.is_error() {
            return Err(io::Error::other(format!("HELLO 3: {reply}")));
        }
    }
    Ok(client)
}

/// Takes one step. A broken connection is an outcome as well, so that it shows in its place.
fn take(client: &mut Client, step: &Step) -> Option<String> {
    match &step.action {
        Action::Exchange(bytes) => {
            // A server that has closed may refuse the bytes; reading tells what happened.
            let _ = client.send(bytes);
            Some(read(client, step.compare))
        }
        Action::Send(bytes) => {
            let _ = client.send(bytes);
            None
        }
        Action::Read => Some(read(client, step.compare)),
        Action::ExpectClose => Some(match client.read_to_close() {
            Ok(rest) => format!("{}(closed)", escape(&rest)),
            Err(_) => "(still open)".to_owned(),
        }),
        Action::Close | Action::Block(_) | Action::Call(_) => None,
    }
}

fn read(client: &mut Client, compare: Compare) -> String {
    match client.read_reply() {
        Ok(reply) => compared(reply, compare),
        Err(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => "(closed)".to_owned(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "(no reply)".to_owned(),
            _ => format!("({error})"),
        },
    }
}

/// The part of a reply that is to be compared, as text.
fn compared(reply: Reply, compare: Compare) -> String {
    let Reply { value, raw } = reply;
    let value = match compare {
        Compare::Exact => return escape(&raw),
        Compare::Unordered => sorted(value),
        Compare::UnorderedDeep => deeply_sorted(value),
        Compare::UnorderedPairs => sorted_pairs(value),
        Compare::Shape => shape(value),
        Compare::Kind => return format!("{}...", escape(&raw[..1])),
        Compare::FieldNames => field_names(value),
        Compare::About(expected, tolerance) => match value {
            Value::Integer(n) if n.abs_diff(expected) <= tolerance.unsigned_abs() => {
                Value::Integer(expected)
            }
            other => other,
        },
    };
    escape(&value.encode())
}

fn sorted(value: Value) -> Value {
    fn sort<T: Ord>(mut items: Vec<T>) -> Vec<T> {
        items.sort();
        items
    }
    match value {
        Value::Array(items) => Value::Array(sort(items)),
        Value::Set(items) => Value::Set(sort(items)),
        Value::Map(pairs) => Value::Map(sort(pairs)),
        other => other,
    }
}

fn deeply_sorted(value: Value) -> Value {
    let all = |items: Vec<Value>| items.into_iter().map(deeply_sorted).collect();
    sorted(match value {
        Value::Array(items) => Value::Array(all(items)),
        Value::Set(items) => Value::Set(all(items)),
        Value::Map(pairs) => {
            Value::Map(pairs.into_iter().map(|(key, value)| (key, deeply_sorted(value))).collect())
        }
        other => other,
    })
}

fn sorted_pairs(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut pairs: Vec<&[Value]> = items.chunks(2).collect();
            pairs.sort();
            Value::Array(pairs.concat())
        }
        other => sorted(other),
    }
}

fn shape(value: Value) -> Value {
    let shapes = |items: Vec<Value>| items.into_iter().map(shape).collect();
    let pair_shapes = |pairs: Vec<(Value, Value)>| {
        pairs.into_iter().map(|(key, value)| (key, shape(value))).collect()
    };
    match value {
        Value::Integer(_) => Value::Integer(0),
        Value::Bulk(_) => Value::Bulk(b"?".to_vec()),
        Value::Verbatim(_) => Value::Verbatim(b"txt:?".to_vec()),
        Value::Double(_) => Value::Double(b"?".to_vec()),
        Value::Error(text) => {
            Value::Error(text.split(|&byte| byte == b' ').next().unwrap_or_default().to_vec())
        }
        Value::Array(items) => Value::Array(shapes(items)),
        Value::Set(items) => Value::Set(shapes(items)),
        Value::Push(items) => Value::Push(shapes(items)),
        Value::Map(pairs) => Value::Map(pair_shapes(pairs)),
        Value::Attribute(pairs, value) => {
            Value::Attribute(pair_shapes(pairs), Box::new(shape(*value)))
        }
        other => other,
    }
}

/// Keeps the names of `name=value` fields, separated by blanks and line ends.
fn field_names(value: Value) -> Value {
    let strip = |text: Vec<u8>| {
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = text.split('\n').map(|line| {
            let names = line.split(' ').map(|field| match field.split_once('=') {
                Some((name, _)) => format!("{name}="),
                None => field.to_owned(),
            });
            names.collect::<Vec<_>>().join(" ")
        });
        lines.collect::<Vec<_>>().join("\n").into_bytes()
    };
    match value {
        Value::Bulk(text) => Value::Bulk(strip(text)),
        Value::Verbatim(text) => Value::Verbatim(strip(text)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Decoded, decode};

    fn check(compare: Compare, raw: &str, expected: &str) {
        let raw = raw.as_bytes().to_vec();
        let Decoded::Whole(value, _) = decode(&raw) else { panic!("not a reply") };
        assert_eq!(compared(Reply { value, raw }, compare), expected);
    }

    #[test]
    fn compares_as_the_directive_says() {
        check(Compare::Exact, "+OK\r\n", "+OK\\r\\n");
        check(Compare::Unordered, "*2\r\n+b\r\n+a\r\n", "*2\\r\\n+a\\r\\n+b\\r\\n");
        check(
            Compare::UnorderedDeep,
            "*2\r\n+c\r\n*2\r\n+b\r\n+a\r\n",
            "*2\\r\\n+c\\r\\n*2\\r\\n+a\\r\\n+b\\r\\n",
        );
        check(
            Compare::UnorderedPairs,
            "*4\r\n+b\r\n:1\r\n+a\r\n:2\r\n",
            "*4\\r\\n+a\\r\\n:2\\r\\n+b\\r\\n:1\\r\\n",
        );
        check(Compare::Shape, "*2\r\n:7\r\n$2\r\nhi\r\n", "*2\\r\\n:0\\r\\n$1\\r\\n?\\r\\n");
        check(Compare::Kind, "*1\r\n:7\r\n", "*...");
        check(Compare::FieldNames, "$7\r\na=1 b=2\r\n", "$5\\r\\na= b=\\r\\n");
        check(Compare::About(10, 2), ":8\r\n", ":10\\r\\n");
        check(Compare::About(10, 2), ":7\r\n", ":7\\r\\n");
    }
}
