//! Clients that wait for lists, against a plain model of fair queues: random pushes, moves, removals,
//! transactions, timeouts and departures, in any order.

mod driver;

use std::collections::{BTreeMap, VecDeque};

use driver::Driver;
use dunlin_node::Token;
use proptest::prelude::*;

const CLIENTS: usize = 6;
const KEYS: usize = 4;

/// What a client asks for.
#[derive(Clone, Debug)]
enum Request {
    /// BLPOP or BRPOP of these keys, with a timeout in milliseconds.
    Pop { keys: Vec<usize>, left: bool, timeout_ms: u32 },
    /// BLMOVE from the left of one list to the right of another.
    Move { source: usize, target: usize, timeout_ms: u32 },
    /// RPUSH of some values.
    Push { key: usize, count: usize },
    /// RPUSH of a value to each of these keys, in a transaction, and a DEL of the last one.
    PushAll { keys: Vec<usize>, delete: Option<usize> },
    /// RENAME.
    Rename { from: usize, to: usize },
}

#[derive(Clone, Debug)]
enum Step {
    /// A client that does not wait sends something; one that waits does nothing.
    Send { client: usize, request: Request },
    /// Time passes.
    Pass { ms: u32 },
    /// A client goes and another one comes in its place.
    Leave { client: usize },
    /// CLIENT UNBLOCK.
    Unblock { client: usize },
}

/// What is expected.
#[derive(Default)]
struct Model {
    lists: BTreeMap<usize, VecDeque<u32>>,
    /// Those who wait, in the order in which they began to.
    waiting: Vec<Waiting>,
    now_ms: u64,
    next_value: u32,
    said: BTreeMap<usize, String>,
}

#[derive(Clone)]
struct Waiting {
    client: usize,
    request: Request,
    deadline_ms: Option<u64>,
}

impl Request {
    fn sources(&self) -> Vec<usize> {
        match self {
            Self::Pop { keys, .. } => keys.clone(),
            Self::Move { source, .. } => vec![*source],
            _ => Vec::new(),
        }
    }

    fn timeout_ms(&self) -> u32 {
        match self {
            Self::Pop { timeout_ms, .. } | Self::Move { timeout_ms, .. } => *timeout_ms,
            _ => 0,
        }
    }

    fn words(&self, next_value: &mut u32) -> String {
        let seconds = f64::from(self.timeout_ms()) / 1000.0;
        let mut value = || {
            *next_value += 1;
            next_value.to_string()
        };
        let names = |keys: &[usize]| {
            keys.iter().map(|key| format!("list:{key}")).collect::<Vec<_>>().join(" ")
        };
        match self {
            Self::Pop { keys, left, .. } => {
                let name = if *left { "BLPOP" } else { "BRPOP" };
                format!("{name} {} {seconds}\r\n", names(keys))
            }
            Self::Move { source, target, .. } => {
                format!("BLMOVE list:{source} list:{target} LEFT RIGHT {seconds}\r\n")
            }
            Self::Push { key, count } => {
                let values: Vec<String> = (0..*count).map(|_| value()).collect();
                format!("RPUSH list:{key} {}\r\n", values.join(" "))
            }
            Self::PushAll { keys, delete } => {
                let push = |key: &usize| format!("RPUSH list:{key} {}\r\n", value());
                let pushes: String = keys.iter().map(push).collect();
                let delete = delete.map(|key| format!("DEL list:{key}\r\n")).unwrap_or_default();
                format!("MULTI\r\n{pushes}{delete}EXEC\r\n")
            }
            Self::Rename { from, to } => format!("RENAME list:{from} list:{to}\r\n"),
        }
    }
}

impl Model {
    fn is_waiting(&self, client: usize) -> bool {
        self.waiting.iter().any(|waiting| waiting.client == client)
    }

    fn say(&mut self, client: usize, what: &str) {
        self.said.entry(client).or_default().push_str(what);
    }

    fn push(&mut self, key: usize) -> usize {
        self.next_value += 1;
        let list = self.lists.entry(key).or_default();
        list.push_back(self.next_value);
        list.len()
    }

    fn pop(&mut self, key: usize, left: bool) -> Option<u32> {
        let list = self.lists.get_mut(&key)?;
        let value = if left { list.pop_front() } else { list.pop_back() };
        if list.is_empty() {
            self.lists.remove(&key);
        }
        value
    }

    /// Does what can be done without waiting; tells which keys changed, in order, or that there is
    /// nothing.
    fn run(&mut self, client: usize, request: &Request) -> Option<Vec<usize>> {
        match request {
            Request::Pop { keys, left, .. } => {
                let (key, value) =
                    keys.iter().find_map(|key| Some((*key, self.pop(*key, *left)?)))?;
                let value = value.to_string();
                let reply = format!("*2 $6 list:{key} ${} {value} ", value.len());
                self.say(client, &reply);
                Some(vec![key])
            }
            Request::Move { source, target, .. } => {
                let value = self.pop(*source, true)?;
                self.lists.entry(*target).or_default().push_back(value);
                let value = value.to_string();
                self.say(client, &format!("${} {value} ", value.len()));
                Some(vec![*source, *target])
            }
            Request::Push { key, count } => {
                let len = (0..*count).map(|_| self.push(*key)).last().unwrap_or_default();
                self.say(client, &format!(":{len} "));
                Some(vec![*key])
            }
            Request::PushAll { keys, delete } => {
                let commands = keys.len() + usize::from(delete.is_some());
                let queued = "+QUEUED ".repeat(commands);
                self.say(client, &format!("+OK {queued}*{commands} "));
                for key in keys {
                    let len = self.push(*key);
                    self.say(client, &format!(":{len} "));
                }
                if let Some(key) = delete {
                    let was_there = self.lists.remove(key).is_some();
                    self.say(client, &format!(":{} ", i32::from(was_there)));
                }
                Some(keys.iter().copied().chain(*delete).collect())
            }
            Request::Rename { from, to } => {
                let reply = match self.lists.remove(from) {
                    Some(list) => {
                        self.lists.insert(*to, list);
                        "+OK "
                    }
                    None => "-ERR no such key ",
                };
                self.say(client, reply);
                Some(vec![*from, *to])
            }
        }
    }

    fn send(&mut self, client: usize, request: &Request) {
        let Some(changed) = self.run(client, request) else {
            let ms = u64::from(request.timeout_ms());
            let deadline_ms = (ms > 0).then(|| self.now_ms + ms);
            self.waiting.push(Waiting { client, request: request.clone(), deadline_ms });
            return;
        };
        self.serve(changed);
    }

    fn serve(&mut self, changed: Vec<usize>) {
        let mut ready = VecDeque::new();
        self.note_ready(&mut ready, changed);
        while let Some(key) = ready.pop_front() {
            let candidates: Vec<usize> = self
                .waiting
                .iter()
                .filter(|waiting| waiting.request.sources().contains(&key))
                .map(|waiting| waiting.client)
                .collect();
            for client in candidates {
                if !self.lists.contains_key(&key) {
                    break;
                }
                let at = self.waiting.iter().position(|waiting| waiting.client == client);
                let waiting = self.waiting.remove(at.expect("still waiting"));
                let changed = self.run(client, &waiting.request).expect("the key is there");
                self.note_ready(&mut ready, changed);
            }
        }
    }

    fn note_ready(&self, ready: &mut VecDeque<usize>, changed: Vec<usize>) {
        for key in changed {
            let is_awaited =
                self.waiting.iter().any(|waiting| waiting.request.sources().contains(&key));
            if is_awaited && !ready.contains(&key) {
                ready.push_back(key);
            }
        }
    }

    fn pass(&mut self, ms: u32) {
        self.now_ms += u64::from(ms);
        let now_ms = self.now_ms;
        let is_over = |waiting: &Waiting| waiting.deadline_ms.is_some_and(|at| at <= now_ms);
        let over: Vec<usize> =
            self.waiting.iter().filter(|waiting| is_over(waiting)).map(|w| w.client).collect();
        self.waiting.retain(|waiting| !is_over(waiting));
        for client in over {
            self.say(client, "*-1 ");
        }
    }
}

fn requests() -> impl Strategy<Value = Request> {
    let timeouts = prop_oneof![2 => Just(0u32), 1 => 1..80u32];
    let keys = || prop::collection::vec(0..KEYS, 1..4);
    prop_oneof![
        4 => (keys(), any::<bool>(), timeouts.clone())
            .prop_map(|(keys, left, timeout_ms)| Request::Pop { keys, left, timeout_ms }),
        3 => (0..KEYS, 0..KEYS, timeouts)
            .prop_map(|(source, target, timeout_ms)| Request::Move { source, target, timeout_ms }),
        3 => (0..KEYS, 1..4usize).prop_map(|(key, count)| Request::Push { key, count }),
        2 => (keys(), prop::option::of(0..KEYS))
            .prop_map(|(keys, delete)| Request::PushAll { keys, delete }),
        1 => (0..KEYS, 1..KEYS)
            .prop_map(|(from, by)| Request::Rename { from, to: (from + by) % KEYS }),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..CLIENTS, requests())
            .prop_map(|(client, request)| Step::Send { client, request }),
        2 => (1..40u32).prop_map(|ms| Step::Pass { ms }),
        1 => (0..CLIENTS).prop_map(|client| Step::Leave { client }),
        1 => (0..CLIENTS).prop_map(|client| Step::Unblock { client }),
    ]
}

fn take(driver: &mut Driver, clients: &[Token]) -> BTreeMap<usize, String> {
    driver.carry_out();
    let mut said = BTreeMap::new();
    for (client, &token) in clients.iter().enumerate() {
        let bytes = driver.received(token);
        if !bytes.is_empty() {
            said.insert(client, String::from_utf8_lossy(&bytes).replace("\r\n", " "));
        }
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn waiting_clients_are_served_in_order(steps in prop::collection::vec(steps(), 1..80)) {
        let mut driver = Driver::new();
        let mut model = Model::default();
        let admin = driver.connect();
        let mut clients: Vec<Token> = (0..CLIENTS).map(|_| driver.connect()).collect();
        let mut next_value = 0;
        for step in steps {
            match &step {
                Step::Send { client, .. } if model.is_waiting(*client) => continue,
                Step::Send { client, request } => {
                    let words = request.words(&mut next_value);
                    let reply = driver.send(clients[*client], words.as_bytes());
                    let reply = String::from_utf8_lossy(&reply).replace("\r\n", " ");
                    model.send(*client, request);
                    let mut said = take(&mut driver, &clients);
                    if !reply.is_empty() {
                        let later = said.remove(client).unwrap_or_default();
                        said.insert(*client, reply + &later);
                    }
                    prop_assert_eq!(&said, &std::mem::take(&mut model.said), "{:?}", step);
                }
                Step::Pass { ms } => {
                    driver.advance_ms(i64::from(*ms));
                    driver.turn();
                    model.pass(*ms);
                }
                Step::Leave { client } => {
                    driver.node.handle_end(clients[*client]);
                    clients[*client] = driver.connect();
                    model.waiting.retain(|waiting| waiting.client != *client);
                }
                Step::Unblock { client } => {
                    let session = driver.node.engine_mut().sessions.get(clients[*client]);
                    let id = session.expect("connected").id.0;
                    let reply = driver.call(admin, &format!("CLIENT UNBLOCK {id}"));
                    let was_waiting = model.is_waiting(*client);
                    prop_assert_eq!(reply, format!(":{}\r\n", i32::from(was_waiting)));
                    if was_waiting {
                        model.waiting.retain(|waiting| waiting.client != *client);
                        model.say(*client, "*-1 ");
                    }
                }
            }
            prop_assert_eq!(&take(&mut driver, &clients), &std::mem::take(&mut model.said));
            let blocked = driver.node.engine_mut().sessions.blocked();
            prop_assert_eq!(blocked, model.waiting.len(), "{:?}", step);
            let keys = driver.node.engine_mut().keyspace.database(0).len();
            prop_assert_eq!(keys, model.lists.len(), "{:?}", step);
        }
    }
}
