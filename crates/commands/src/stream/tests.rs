//! What the stream commands propagate and tell, as a 7.2.6 server did with `appendonly yes`, where
//! the time of all commands was 1000 here.

use crate::trial::Trial;

const COMMANDS: &[&str] = &[
    "XADD s * f v",
    "XADD s 9999999999999-* f v",
    "XADD s 9999999999999-5 f v",
    "XADD s MAXLEN ~ 2 LIMIT 3 * f v",
    "XADD s MINID ~ 9999999999999-5 * f v",
    "XADD s MAXLEN ~ 100 9999999999999-50 f v",
    "XADD s MAXLEN 3 9999999999999-51 f v",
    "XTRIM s MAXLEN ~ 1",
    "XTRIM s MAXLEN ~ 1",
    "XTRIM s MINID ~ 9999999999999-51",
    "XTRIM s MAXLEN 1",
    "XTRIM s MAXLEN ~ 0",
    "XADD s MINID ~ 9999999999999-99 9999999999999-60 f v",
    "XTRIM s MINID ~ 9999999999999-99 LIMIT 5",
    "XTRIM s MINID 9999999999999-99",
    "XADD s 9999999999999-70 f v",
    "XADD s 9999999999999-71 f v",
    "XADD s 9999999999999-72 f v",
    "XDEL s 9999999999999-70 9999999999999-71 1-1",
    "XDEL s 1-1",
    "XGROUP CREATE s g 0",
    "XGROUP CREATE m g 0 MKSTREAM",
    "XGROUP SETID s g 0",
    "XGROUP CREATECONSUMER s g c1",
    "XREADGROUP GROUP g c1 COUNT 1 STREAMS s >",
    "XREADGROUP GROUP g c2 STREAMS s >",
    "XREADGROUP GROUP g c3 NOACK STREAMS s >",
    "XADD s 9999999999999-80 f v",
    "XADD s 9999999999999-81 f v",
    "XADD s 9999999999999-82 f v",
    "XREADGROUP GROUP g c3 NOACK COUNT 1 STREAMS s >",
    "XREADGROUP GROUP g c4 NOACK COUNT 1 STREAMS s >",
    "XREADGROUP GROUP g c1 STREAMS s m > >",
    "XREADGROUP GROUP g c1 STREAMS s 0",
    "XCLAIM s g c5 0 9999999999999-80 TIME 1000 RETRYCOUNT 5",
    "XCLAIM s g c5 0 9999999999999-82 TIME 1000 RETRYCOUNT 5",
    "XCLAIM s g c6 0 9999999999999-82 TIME 1000 RETRYCOUNT 5 JUSTID LASTID 9999999999999-90",
    "XCLAIM s g c7 0 1-1 LASTID 9999999999999-91",
    "XCLAIM s g c7 0 1-1 LASTID 9999999999999-91",
    "XCLAIM s g c8 0 9999999999999-80 FORCE JUSTID TIME 5 LASTID 9999999999999-99",
    "XDEL s 9999999999999-82",
    "XCLAIM s g c8 0 9999999999999-82",
    "XAUTOCLAIM s g c9 0 0",
    "XDEL s 9999999999999-80",
    "XAUTOCLAIM s g c9 0 0",
    "XREADGROUP GROUP g c1 STREAMS s 0",
    "XACK s g 9999999999999-72",
    "XACK s g 9999999999999-72",
    "XGROUP DELCONSUMER s g c9",
    "XGROUP DELCONSUMER s g c99",
    "XGROUP DESTROY s g",
    "XGROUP DESTROY s g",
    "XSETID s 9999999999999-100",
];

const PROPAGATED: &[&str] = &[
    "XADD s 1000-0 f v",
    "XADD s 9999999999999-0 f v",
    "XADD s 9999999999999-5 f v",
    "XADD s MAXLEN = 2 LIMIT 3 9999999999999-6 f v",
    "XADD s MINID = 9999999999999-5 9999999999999-7 f v",
    "XADD s MAXLEN = 4 9999999999999-50 f v",
    "XADD s MAXLEN 3 9999999999999-51 f v",
    "XTRIM s MAXLEN = 1",
    "XTRIM s MAXLEN = 0",
    "XADD s MINID = 18446744073709551615-18446744073709551615 9999999999999-60 f v",
    "XADD s 9999999999999-70 f v",
    "XADD s 9999999999999-71 f v",
    "XADD s 9999999999999-72 f v",
    "XDEL s 9999999999999-70 9999999999999-71 1-1",
    "XGROUP CREATE s g 0",
    "XGROUP CREATE m g 0 MKSTREAM",
    "XGROUP SETID s g 0",
    "XGROUP CREATECONSUMER s g c1",
    "XCLAIM s g c1 0 9999999999999-72 TIME 1000 RETRYCOUNT 1 FORCE JUSTID LASTID 9999999999999-72",
    "XGROUP CREATECONSUMER s g c3",
    "XADD s 9999999999999-80 f v",
    "XADD s 9999999999999-81 f v",
    "XADD s 9999999999999-82 f v",
    "XGROUP SETID s g 9999999999999-80 ENTRIESREAD 12",
    "XGROUP CREATECONSUMER s g c4",
    "XGROUP SETID s g 9999999999999-81 ENTRIESREAD 13",
    "XCLAIM s g c1 0 9999999999999-82 TIME 1000 RETRYCOUNT 1 FORCE JUSTID LASTID 9999999999999-82",
    "XCLAIM s g c5 0 9999999999999-82 TIME 1000 RETRYCOUNT 5 FORCE JUSTID LASTID 9999999999999-82",
    "XCLAIM s g c6 0 9999999999999-82 TIME 1000 RETRYCOUNT 5 FORCE JUSTID LASTID 9999999999999-90",
    "XGROUP SETID s g 9999999999999-91 ENTRIESREAD 14",
    "XCLAIM s g c8 0 9999999999999-80 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 9999999999999-99",
    "XDEL s 9999999999999-82",
    "XCLAIM s g c6 0 9999999999999-82 TIME 1000 RETRYCOUNT 5 FORCE JUSTID LASTID 9999999999999-99",
    "XCLAIM s g c9 0 9999999999999-72 TIME 1000 RETRYCOUNT 3 FORCE JUSTID LASTID 9999999999999-99",
    "XCLAIM s g c9 0 9999999999999-80 TIME 1000 RETRYCOUNT 2 FORCE JUSTID LASTID 9999999999999-99",
    "XDEL s 9999999999999-80",
    "XCLAIM s g c9 0 9999999999999-72 TIME 1000 RETRYCOUNT 4 FORCE JUSTID LASTID 9999999999999-99",
    "XCLAIM s g c9 0 9999999999999-80 TIME 1000 RETRYCOUNT 2 FORCE JUSTID LASTID 9999999999999-99",
    "XACK s g 9999999999999-72",
    "XGROUP DELCONSUMER s g c9",
    "XGROUP DESTROY s g",
    "XSETID s 9999999999999-100",
];

const EVENTS: &[&str] = &[
    "xadd s",
    "xadd s",
    "xadd s",
    "xadd s",
    "xtrim s",
    "xadd s",
    "xadd s",
    "xadd s",
    "xtrim s",
    "xtrim s",
    "xtrim s",
    "xadd s",
    "xtrim s",
    "xadd s",
    "xadd s",
    "xadd s",
    "xdel s",
    "xgroup-create s",
    "xgroup-create m",
    "xgroup-setid s",
    "xgroup-createconsumer s",
    "xgroup-createconsumer s",
    "xgroup-createconsumer s",
    "xadd s",
    "xadd s",
    "xadd s",
    "xgroup-createconsumer s",
    "xgroup-createconsumer m",
    "xgroup-createconsumer s",
    "xgroup-createconsumer s",
    "xgroup-createconsumer s",
    "xgroup-createconsumer s",
    "xdel s",
    "xgroup-createconsumer s",
    "xdel s",
    "xgroup-delconsumer s",
    "xgroup-destroy s",
    "xsetid s",
];

#[test]
fn effects_are_those_of_redis() {
    let mut trial = Trial::of_client();
    trial.at_ms(1000);
    trial.run("CONFIG SET stream-node-max-entries 2");
    for command in COMMANDS {
        let reply = trial.run(command);
        assert!(!reply.starts_with('-'), "{command}: {reply}");
    }
    assert_eq!(trial.propagated(), PROPAGATED);
    let events: Vec<String> = trial.events();
    let events: Vec<&str> =
        events.iter().map(String::as_str).filter(|event| !event.starts_with("new ")).collect();
    assert_eq!(events, EVENTS);
}

/// Applying what was propagated leads to the same groups; how often an entry was given out again
/// from a consumer's own history is not propagated.
#[test]
fn effects_lead_to_the_same_groups() {
    let (mut primary, mut follower) = (Trial::of_client(), Trial::new());
    for trial in [&mut primary, &mut follower] {
        trial.at_ms(1000);
        trial.run("CONFIG SET stream-node-max-entries 2");
        trial.forget();
    }
    for command in COMMANDS {
        primary.run(command);
        for command in primary.propagated() {
            let reply = follower.run(&command);
            assert!(!reply.starts_with('-'), "{command}: {reply}");
        }
        for question in ["XRANGE s - +", "XPENDING s g", "XINFO STREAM s"] {
            assert_eq!(primary.run(question), follower.run(question), "{question} after {command}");
        }
    }
}
