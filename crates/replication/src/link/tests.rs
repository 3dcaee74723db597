//! The link, fed by hand: handshakes in any pieces, both forms of a snapshot, answers that end it.

use super::*;

const NOW: Monotonic = Monotonic(1_000_000);

fn replid(digit: u8) -> ReplId {
    ReplId::parse(&[digit; 40]).expect("forty digits")
}

fn introduction(position: Option<(ReplId, u64)>) -> Introduction {
    Introduction {
        credentials: None,
        port: 7002,
        address: None,
        position,
        asks_for_failover: false,
        loads_from_stream: false,
    }
}

fn begin(introduction: Introduction) -> PrimaryLink {
    let mut link = PrimaryLink::new("127.0.0.1".to_owned(), 7001);
    link.connecting(NOW);
    assert_eq!(link.connected(introduction, NOW), b"*1\r\n$4\r\nPING\r\n");
    link
}

/// Feeds bytes in pieces; returns all that follows but waits and empty answers.
fn feed(link: &mut PrimaryLink, bytes: &[u8], piece: usize) -> Vec<LinkStep> {
    let (mut steps, mut at, mut end) = (Vec::new(), 0, 0);
    loop {
        let (taken, step) = link.receive(&bytes[at..end], NOW);
        at += taken;
        match step {
            LinkStep::Wait if end == bytes.len() => return steps,
            LinkStep::Wait => end = bytes.len().min(end + piece),
            LinkStep::Send(bytes) if bytes.is_empty() => {}
            LinkStep::Stream => {
                steps.push(LinkStep::Stream);
                return steps;
            }
            step => {
                let ends = matches!(step, LinkStep::Fault(_));
                steps.push(step);
                if ends {
                    return steps;
                }
            }
        }
    }
}

fn sent(step: Option<&LinkStep>) -> String {
    match step {
        Some(LinkStep::Send(bytes)) => String::from_utf8_lossy(bytes).replace("\r\n", " "),
        other => panic!("something to send, not {other:?}"),
    }
}

fn asked_for_stream(introduction: Introduction) -> PrimaryLink {
    let mut link = begin(introduction);
    let steps = feed(&mut link, b"+PONG\r\n+OK\r\n+OK\r\n", usize::MAX);
    assert!(sent(steps.last()).contains("PSYNC"), "{steps:?}");
    link
}

fn text_of(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[test]
fn a_handshake_in_any_pieces() {
    for piece in [1, 3, 1000] {
        let own = Introduction {
            credentials: Some(Credentials { user: b"u".to_vec(), password: b"p".to_vec() }),
            address: Some("10.0.0.9".into()),
            ..introduction(Some((replid(b'a'), 51)))
        };
        let mut link = begin(own);
        let steps = feed(&mut link, b"-NOAUTH Authentication required.\r\n", piece);
        assert_eq!(
            sent(steps.first()),
            "*3 $4 AUTH $1 u $1 p *3 $8 REPLCONF $14 listening-port $4 7002 \
             *3 $8 REPLCONF $10 ip-address $8 10.0.0.9 \
             *7 $8 REPLCONF $4 capa $3 eof $4 capa $6 psync2 $4 capa $22 dunlin-field-deadlines "
        );
        let steps = feed(&mut link, b"+OK\r\n+OK\r\n-ERR what\r\n+OK\r\n", piece);
        let psync = format!("*3 $5 PSYNC $40 {} $2 51 ", replid(b'a'));
        assert_eq!((steps.len(), sent(steps.first())), (1, psync));
        assert_eq!(link.state(), LinkState::Handshake);
        let steps = feed(&mut link, b"\n\n+CONTINUE\r\n*1\r\n", piece);
        assert_eq!(steps, [LinkStep::Continue(None), LinkStep::Stream]);
        assert!(link.is_up());
        let lines = link.take_lines();
        let critical = "(Non critical) Master does not understand REPLCONF ip-address: -ERR what";
        assert!(text_of(&lines).contains(&critical), "{lines:?}");
    }
}

#[test]
fn a_snapshot_with_a_mark_and_one_with_a_length() {
    let mark = [b'x'; 40];
    let bodies = [
        [b"\n\n$EOF:".as_slice(), &mark, b"\r\nREDIS", &mark].concat(),
        b"\n$5\r\nREDIS*1\r\n".to_vec(),
    ];
    for (body, len, rest) in [(&bodies[0], None, false), (&bodies[1], Some(5), true)] {
        for piece in [1, 7, 1000] {
            let mut link = asked_for_stream(introduction(None));
            let answer = [b"+FULLRESYNC ".as_slice(), &[b'b'; 40], b" 77\r\n", body].concat();
            let mut steps = feed(&mut link, &answer, piece).into_iter();
            assert_eq!(steps.next(), Some(LinkStep::FullSync(Some((replid(b'b'), 77)))));
            assert_eq!(steps.next(), Some(LinkStep::SnapshotBegins(len)));
            let mut snapshot = Vec::new();
            for step in steps.by_ref() {
                match step {
                    LinkStep::Snapshot(bytes) => snapshot.extend(bytes),
                    step => {
                        assert_eq!(step, LinkStep::SnapshotEnds);
                        break;
                    }
                }
            }
            assert_eq!(snapshot, b"REDIS");
            assert!(link.is_loading() && link.state() == LinkState::Sync);
            link.loaded(NOW);
            let more = if rest { b"*1\r\n".as_slice() } else { b"" };
            assert_eq!(feed(&mut link, more, 99) == [LinkStep::Stream], rest);
        }
    }
}

#[test]
fn answers_that_end_the_attempt() {
    let cases: [(&[u8], &str); 6] = [
        (b"-NOMASTERLINK Can't SYNC\r\n", "Master is currently unable to PSYNC"),
        (b"-LOADING\r\n", "Master is currently unable to PSYNC"),
        (b"+FULLRESYNC abc 1\r\n", "Master replied with wrong +FULLRESYNC syntax"),
        (b"+FULLRESYNC\r\n", "Master replied with wrong +FULLRESYNC syntax"),
        (b"+CONTINUE xyz\r\n", "Master replied with a wrong replication id"),
        (&[b'a'; 2000], "the primary's line has no end"),
    ];
    for (answer, expected) in cases {
        let mut link = asked_for_stream(introduction(Some((replid(b'a'), 1))));
        match feed(&mut link, answer, usize::MAX).pop() {
            Some(LinkStep::Fault(fault)) => {
                assert!(fault.to_string().starts_with(expected), "{fault}");
            }
            other => panic!("a fault, not {other:?}"),
        }
    }
    let mut link = begin(introduction(None));
    let steps = feed(&mut link, b"-MISCONF no\r\n", 5);
    let told = "Error reply to PING from master: '-MISCONF no'".to_owned();
    assert_eq!(steps, [LinkStep::Fault(LinkFault::Broken(told))]);
    let mut link = asked_for_stream(introduction(None));
    assert!(matches!(feed(&mut link, b"+CONTINUE\r\n", 99)[..], [LinkStep::Fault(_)]));
}

#[test]
fn an_old_primary_is_asked_with_sync() {
    let mut link = asked_for_stream(introduction(None));
    let steps = feed(&mut link, b"-ERR unknown command 'PSYNC'\r\n", 99);
    assert_eq!(sent(steps.first()), "SYNC ");
    let steps = feed(&mut link, b"$0\r\n", 99);
    assert_eq!(
        steps,
        [LinkStep::SnapshotBegins(Some(0)), LinkStep::SnapshotEnds],
        "an empty snapshot is for the loader to refuse"
    );
    let mut link = asked_for_stream(introduction(None));
    feed(&mut link, b"-ERR x\r\n", 99);
    assert!(matches!(feed(&mut link, b"$-1\r\n", 99)[..], [LinkStep::Fault(_)]));
}

#[test]
fn silence_ends_every_stage_but_loading() {
    let late = NOW.plus_us(61_000_000);
    let mut link = begin(introduction(Some((replid(b'a'), 1))));
    assert_eq!(link.check_silence(60, NOW.plus_us(60_000_000)), None);
    assert!(link.check_silence(60, late).is_some());
    feed(&mut link, b"+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n", 99);
    let fault = link.check_silence(60, late).map(|fault| fault.to_string());
    assert_eq!(fault.as_deref(), Some("MASTER timeout: no data nor PING received..."));
    link.lost(None, late);
    assert_eq!((link.check_silence(60, late), link.down_since()), (None, Some(late)));
    assert!(link.wants_connection(late), "a lost link is made again at once");
    link.connecting(late);
    link.lost(Some("Connection refused"), late);
    assert!(!link.wants_connection(late) && link.wants_connection(late.plus_us(1_000_000)));
}

/// CLIENT KILL in a transaction that then takes long.
#[test]
fn a_link_is_down_from_when_it_was_killed() {
    let late = NOW.plus_us(20_000_000);
    let mut link = begin(introduction(Some((replid(b'a'), 1))));
    feed(&mut link, b"+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n", 99);
    link.killed(NOW);
    link.lost(None, late);
    assert_eq!(link.down_since(), Some(NOW));
    link.connecting(late);
    link.connected(introduction(Some((replid(b'a'), 1))), late);
    feed(&mut link, b"+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n", 99);
    link.lost(None, late);
    assert_eq!(link.down_since(), Some(late), "that was the time before");
}
