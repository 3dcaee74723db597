//! Transfers against a target in memory.

use dunlin_stdx::time::Monotonic;

use crate::*;

const SECOND_US: u64 = 1_000_000;

/// Transfers, the links they have asked for, and the time.
#[derive(Default)]
struct Trial {
    migrations: Migrations,
    now: Monotonic,
}

fn request(keys: &[&str]) -> Request {
    Request {
        owner: 7,
        host: "target".into(),
        port: Some(7000),
        target_db: 0,
        db: 0,
        keys: keys.iter().map(|key| key.as_bytes().into()).collect(),
        copy: false,
        replace: false,
        credentials: None,
        asking: false,
        timeout_us: SECOND_US,
    }
}

/// Words as a client sends them.
fn words(words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    let all: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{all}", words.len())
}

impl Trial {
    /// Makes the payload "P" of every key that is asked for, and lists what is to be done.
    fn run(&mut self) -> Vec<String> {
        while let Some(Job::Key { id, .. }) = self.migrations.next_job(self.now) {
            self.migrations.restore(id, 0, b"P");
        }
        self.actions()
    }

    fn actions(&mut self) -> Vec<String> {
        let mut list = Vec::new();
        while let Some(action) = self.migrations.next_action() {
            list.push(match action {
                Action::Connect { link, host, port } => format!("{} to {host}:{port}", link.0),
                Action::Send { link, bytes } => {
                    format!("{} {}", link.0, String::from_utf8_lossy(&bytes))
                }
                Action::Close { link } => format!("{} close", link.0),
            });
        }
        list
    }

    fn begin(&mut self, request: Request) -> TransferId {
        self.migrations.begin(request, self.now)
    }

    /// As if link 1 had been opened for a transfer of these keys; all of them are sent.
    fn sent(keys: &[&str]) -> Self {
        let mut trial = Self::default();
        trial.begin(request(keys));
        assert_eq!(trial.run(), ["1 to target:7000"]);
        trial.migrations.connected(LinkId(1), trial.now);
        trial.run();
        trial.migrations.drained(LinkId(1), trial.now);
        trial
    }

    fn hears(&mut self, link: u64, text: &str) {
        self.migrations.received(LinkId(link), text.as_bytes(), self.now);
    }

    /// The transfer that has ended: its acknowledged places and how it ended.
    fn ended(&mut self) -> Option<(Vec<usize>, Outcome)> {
        let ended = self.migrations.next_ended()?;
        self.migrations.release(&ended);
        Some((ended.acknowledged, ended.outcome))
    }
}

fn refused(text: &str) -> Outcome {
    Outcome::Refused(text.as_bytes().into())
}

#[test]
fn many_keys_leave_with_one_write_and_are_acknowledged_one_by_one() {
    let mut trial = Trial::default();
    trial.begin(request(&["a", "b"]));
    assert_eq!(trial.run(), ["1 to target:7000"]);
    assert!(trial.migrations.is_in_flight(b"b"));
    trial.migrations.connected(LinkId(1), trial.now);
    let sent = [words("SELECT 0"), words("RESTORE a 0 P"), words("RESTORE b 0 P")].concat();
    assert_eq!(trial.run(), [format!("1 {sent}")]);
    trial.migrations.drained(LinkId(1), trial.now);
    trial.hears(1, "+OK\r\n+OK\r\n+O");
    assert_eq!(trial.ended(), None);
    trial.hears(1, "K\r\n");
    assert_eq!(trial.ended(), Some((vec![0, 1], Outcome::Done)));
    assert!(!trial.migrations.is_any_in_flight());
    assert!(trial.migrations.take_released());
}

#[test]
fn a_kept_connection_knows_its_database() {
    let mut trial = Trial::sent(&["a"]);
    trial.hears(1, "+OK\r\n+OK\r\n");
    assert!(trial.ended().is_some());
    trial.begin(Request { replace: true, asking: true, ..request(&["b"]) });
    assert_eq!(trial.run(), [format!("1 {}", words("RESTORE-ASKING b 0 P REPLACE"))]);
    trial.migrations.drained(LinkId(1), trial.now);
    trial.hears(1, "-BUSYKEY there\r\n");
    assert_eq!(trial.ended(), Some((vec![], refused("BUSYKEY there"))));
    // Behind an error nobody relies on it.
    trial.begin(Request { target_db: 0, ..request(&["c"]) });
    let sent = [words("SELECT 0"), words("RESTORE c 0 P")].concat();
    assert_eq!(trial.run(), [format!("1 {sent}")]);
    assert_eq!(trial.migrations.links(), 1);
}

#[test]
fn keys_behind_a_refused_one_are_acknowledged_and_the_first_error_counts() {
    let mut trial = Trial::sent(&["a", "b", "c", "d"]);
    trial.hears(1, "+OK\r\n+OK\r\n-BUSYKEY b\r\n+OK\r\n-OOM d\r\n");
    assert_eq!(trial.ended(), Some((vec![0, 2], refused("BUSYKEY b"))));
}

#[test]
fn nothing_is_acknowledged_without_the_right_user_and_database() {
    let credentials =
        Credentials { user: Some(b"joe".as_slice().into()), password: b"pw".as_slice().into() };
    for (answers, outcome) in [
        ("-WRONGPASS no\r\n+OK\r\n+OK\r\n", refused("WRONGPASS no")),
        ("+OK\r\n-ERR DB index\r\n+OK\r\n", refused("ERR DB index")),
        ("-ERR first\r\n-ERR second\r\n-ERR third\r\n", refused("ERR first")),
    ] {
        let mut trial = Trial::default();
        let credentials = Some(credentials.clone());
        trial.begin(Request { credentials, target_db: 9, ..request(&["a"]) });
        trial.run();
        trial.migrations.connected(LinkId(1), trial.now);
        let sent = [words("AUTH joe pw"), words("SELECT 9"), words("RESTORE a 0 P")].concat();
        assert_eq!(trial.run(), [format!("1 {sent}")]);
        trial.migrations.drained(LinkId(1), trial.now);
        trial.hears(1, answers);
        assert_eq!(trial.ended(), Some((vec![], outcome)));
    }
}

#[test]
fn a_connection_that_breaks_unanswered_is_replaced_once() {
    let mut trial = Trial::sent(&["a", "b"]);
    trial.hears(1, "+OK\r\n");
    trial.migrations.closed(LinkId(1), trial.now);
    assert_eq!(trial.run(), ["2 to target:7000"]);
    assert!(trial.migrations.is_in_flight(b"a"));
    trial.migrations.connected(LinkId(2), trial.now);
    let sent = [words("SELECT 0"), words("RESTORE a 0 P"), words("RESTORE b 0 P")].concat();
    assert_eq!(trial.run(), [format!("2 {sent}")]);
    trial.migrations.drained(LinkId(2), trial.now);
    trial.migrations.closed(LinkId(2), trial.now);
    assert_eq!(trial.ended(), Some((vec![], Outcome::Broken { writing: false })));
    assert_eq!(trial.migrations.links(), 0);
}

#[test]
fn what_was_acknowledged_before_the_connection_broke_counts() {
    let mut trial = Trial::sent(&["a", "b"]);
    trial.hears(1, "+OK\r\n+OK\r\n");
    trial.migrations.closed(LinkId(1), trial.now);
    assert_eq!(trial.ended(), Some((vec![0], Outcome::Broken { writing: false })));
    // An error of the target says more than the end of its connection.
    let mut trial = Trial::sent(&["a", "b"]);
    trial.hears(1, "+OK\r\n-BUSYKEY a\r\n");
    trial.migrations.closed(LinkId(1), trial.now);
    assert_eq!(trial.ended(), Some((vec![], refused("BUSYKEY a"))));
}

#[test]
fn without_a_connection_there_is_no_transfer() {
    let mut trial = Trial::default();
    trial.begin(request(&["a"]));
    trial.migrations.connect_failed(LinkId(1));
    assert_eq!(trial.ended(), Some((vec![], Outcome::Unconnected)));
    trial.begin(Request { port: None, ..request(&["a"]) });
    assert_eq!(trial.ended(), Some((vec![], Outcome::Unconnected)));
    assert!(!trial.migrations.is_any_in_flight());
}

#[test]
fn each_step_has_the_whole_time() {
    let mut trial = Trial::default();
    trial.begin(request(&["a", "b"]));
    trial.now = Monotonic(900_000);
    trial.migrations.connected(LinkId(1), trial.now);
    trial.run();
    trial.now = Monotonic(1_800_000);
    trial.migrations.time_out(trial.now);
    trial.migrations.drained(LinkId(1), trial.now);
    trial.now = Monotonic(2_700_000);
    trial.hears(1, "+OK\r\n+OK\r\n");
    assert_eq!(trial.migrations.next_deadline(), Some(Monotonic(3_700_000)));
    trial.migrations.time_out(Monotonic(3_699_999));
    assert_eq!(trial.ended(), None);
    trial.migrations.time_out(Monotonic(3_700_000));
    assert_eq!(trial.actions(), ["1 close"]);
    assert_eq!(trial.ended(), Some((vec![0], Outcome::Broken { writing: false })));
    assert_eq!(trial.migrations.next_deadline(), None);
}

#[test]
fn a_target_that_takes_nothing_is_given_up_without_another_try() {
    let mut trial = Trial::default();
    trial.begin(request(&["a"]));
    trial.migrations.time_out(Monotonic(SECOND_US));
    assert_eq!(trial.ended(), Some((vec![], Outcome::Unconnected)));
    trial.begin(request(&["a"]));
    trial.migrations.connected(LinkId(2), trial.now);
    trial.run();
    trial.migrations.time_out(Monotonic(SECOND_US));
    assert_eq!(trial.ended(), Some((vec![], Outcome::Broken { writing: true })));
    assert_eq!(trial.actions(), ["2 close"]);
}

#[test]
fn no_more_payloads_are_made_than_the_connection_takes() {
    let keys: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut trial = Trial::default();
    trial.begin(request(&keys));
    trial.migrations.connected(LinkId(1), trial.now);
    let payload = vec![b'P'; SEND_BYTES / 4 + 1];
    let mut sends = Vec::new();
    while trial.ended().is_none() {
        let mut made = 0;
        while let Some(Job::Key { id, .. }) = trial.migrations.next_job(trial.now) {
            trial.migrations.restore(id, 0, &payload);
            made += 1;
        }
        sends.push(made);
        trial.actions();
        trial.migrations.drained(LinkId(1), trial.now);
        if trial.migrations.has_job() {
            continue;
        }
        trial.hears(1, &"+OK\r\n".repeat(11));
    }
    assert_eq!(sends, [4, 4, 2]);
}

#[test]
fn a_large_payload_goes_out_in_pieces() {
    let mut trial = Trial::default();
    trial.begin(Request { replace: true, ..request(&["big", "small"]) });
    trial.actions();
    trial.migrations.connected(LinkId(1), trial.now);
    let Some(Job::Key { id, .. }) = trial.migrations.next_job(trial.now) else { panic!("no job") };
    trial.migrations.begin_large(id, 5, 6);
    for piece in ["abc", "def"] {
        let job = trial.migrations.next_job(trial.now);
        assert_eq!(job, Some(Job::Piece { id, db: 0, key: b"big" }));
        trial.migrations.piece(id, |out| out.extend_from_slice(piece.as_bytes()));
    }
    let sent = [
        words("SELECT 0"),
        words("RESTORE big 5 abcdef REPLACE"),
        words("RESTORE small 0 P REPLACE"),
    ];
    assert_eq!(trial.run(), [format!("1 {}", sent.concat())]);
}

#[test]
fn a_payload_that_is_not_as_long_as_announced_ends_the_transfer() {
    let mut trial = Trial::default();
    let id = trial.begin(request(&["big"]));
    trial.migrations.connected(LinkId(1), trial.now);
    trial.migrations.next_job(trial.now);
    trial.migrations.begin_large(id, 0, 2);
    trial.migrations.piece(id, |out| out.extend_from_slice(b"abc"));
    assert_eq!(trial.ended(), Some((vec![], Outcome::Broken { writing: true })));
    assert_eq!(trial.actions(), ["1 to target:7000", "1 close"]);
}

#[test]
fn an_error_in_the_middle_of_a_payload_is_told() {
    let mut trial = Trial::default();
    let id = trial.begin(request(&["big"]));
    trial.migrations.connected(LinkId(1), trial.now);
    trial.migrations.next_job(trial.now);
    trial.migrations.begin_large(id, 0, 1 << 30);
    trial.hears(1, "+OK\r\n-ERR Protocol error: invalid bulk length\r\n");
    let outcome = refused("ERR Protocol error: invalid bulk length");
    assert_eq!(trial.ended(), Some((vec![], outcome)));
    assert_eq!(trial.migrations.links(), 0);
}

#[test]
fn what_is_no_status_is_no_acknowledgement() {
    for noise in [":1\r\n", "$2\r\nOK\r\n", "\r\n"] {
        let mut trial = Trial::sent(&["a"]);
        trial.hears(1, &format!("+OK\r\n{noise}"));
        let acknowledged = trial.ended().map_or(vec![], |(acknowledged, _)| acknowledged);
        assert_eq!(acknowledged, [0; 0], "{noise:?}");
    }
}

#[test]
fn keys_that_are_gone_are_skipped() {
    let mut trial = Trial::default();
    let id = trial.begin(request(&["a", "b"]));
    trial.migrations.connected(LinkId(1), trial.now);
    trial.migrations.next_job(trial.now);
    trial.migrations.skip(id);
    let sent = [words("SELECT 0"), words("RESTORE b 0 P")].concat();
    assert_eq!(trial.run(), ["1 to target:7000".to_owned(), format!("1 {sent}")]);
    trial.migrations.drained(LinkId(1), trial.now);
    trial.hears(1, "+OK\r\n+OK\r\n");
    assert_eq!(trial.ended(), Some((vec![1], Outcome::Done)));
}

#[test]
fn copied_keys_are_free_when_they_are_sent() {
    let mut trial = Trial::default();
    trial.begin(Request { copy: true, ..request(&["a"]) });
    trial.migrations.connected(LinkId(1), trial.now);
    assert!(trial.migrations.is_in_flight(b"a"));
    trial.run();
    assert!(trial.migrations.take_released());
    assert!(!trial.migrations.is_in_flight(b"a"));
    // Another transfer may move them: they are its keys then.
    trial.begin(request(&["a"]));
    trial.migrations.drained(LinkId(1), trial.now);
    trial.hears(1, "+OK\r\n+OK\r\n");
    let ended = trial.migrations.next_ended().unwrap();
    assert_eq!((ended.acknowledged.len(), ended.moved().count()), (1, 0));
    trial.migrations.release(&ended);
    assert!(trial.migrations.is_in_flight(b"a"));
}

#[test]
fn two_transfers_to_one_target_have_two_connections_and_one_is_kept() {
    let mut trial = Trial::sent(&["a"]);
    trial.begin(request(&["b"]));
    assert_eq!(trial.run(), ["2 to target:7000"]);
    trial.migrations.connected(LinkId(2), trial.now);
    trial.run();
    trial.migrations.drained(LinkId(2), trial.now);
    trial.hears(2, "+OK\r\n+OK\r\n");
    trial.hears(1, "+OK\r\n+OK\r\n");
    assert_eq!(trial.actions(), ["1 close"]);
    assert_eq!(trial.migrations.links(), 1);
}

#[test]
fn a_connection_that_speaks_unasked_or_ends_is_forgotten() {
    let mut trial = Trial::sent(&["a"]);
    trial.hears(1, "+OK\r\n+OK\r\n");
    trial.hears(1, "+OK\r\n");
    assert_eq!(trial.actions(), ["1 close"]);
    let mut trial = Trial::sent(&["a"]);
    trial.hears(1, "+OK\r\n+OK\r\n");
    trial.migrations.closed(LinkId(1), trial.now);
    assert!(trial.ended().is_some());
    assert!(trial.migrations.is_empty());
}

#[test]
fn sixty_four_connections_are_kept_for_ten_seconds() {
    let mut trial = Trial::default();
    for n in 1..=70_u64 {
        trial.now = Monotonic(n);
        trial.begin(Request { port: Some(7000 + n as u16), ..request(&["a"]) });
        trial.migrations.connected(LinkId(n), trial.now);
        trial.run();
        trial.migrations.drained(LinkId(n), trial.now);
        trial.hears(n, "+OK\r\n+OK\r\n");
        assert_eq!(trial.ended(), Some((vec![0], Outcome::Done)));
    }
    assert_eq!(trial.migrations.links(), LINKS_MAX);
    trial.migrations.close_idle(Monotonic(IDLE_US + 60));
    assert_eq!(trial.migrations.links(), 11);
    trial.migrations.close_idle(Monotonic(IDLE_US + 71));
    assert!(trial.migrations.links() == 0 && trial.actions().len() == 64);
}

#[test]
fn what_is_abandoned_holds_nothing() {
    let mut trial = Trial::sent(&["a"]);
    trial.begin(request(&["b"]));
    trial.run();
    trial.hears(1, "+OK\r\n+OK\r\n");
    trial.migrations.abandon_all();
    assert_eq!(trial.actions(), ["2 close"]);
    assert!(trial.ended().is_none() && !trial.migrations.is_any_in_flight());
    trial.migrations.time_out(Monotonic(1 << 60));
    trial.migrations.connected(LinkId(2), trial.now);
    assert!(trial.run().is_empty());
}

#[test]
fn time_that_is_needed_here_is_not_the_targets() {
    let mut trial = Trial::default();
    let id = trial.begin(request(&["big"]));
    trial.migrations.connected(LinkId(1), trial.now);
    trial.migrations.next_job(trial.now);
    trial.migrations.begin_large(id, 0, 10);
    trial.migrations.time_out(Monotonic(SECOND_US));
    assert!(trial.ended().is_none() && trial.migrations.has_job());
    assert_eq!(trial.migrations.next_deadline(), Some(Monotonic(2 * SECOND_US)));
}
