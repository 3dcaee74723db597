//! Moving slots: several at once between two nodes, and between several pairs of nodes.
//!
//! Slots of one pair move in windows. All moves of a window take their steps together, so that a
//! step costs one exchange for the whole window. What is said appears in the order of the plan,
//! whatever ends first.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use dunlin_manager::{MoveOptions, MoveResult, Note, Party, Peer, Request, SlotMove};

use super::members::{Members, connect, replied_with_error};
use super::teller::Teller;
use super::{Failed, Host, Manager, Outcome};
use crate::connection::Connection;

/// Slots of one pair that are open at once, at first: nodes write their configuration to disk at most
/// steps, once for a whole window.
const WINDOW: usize = 4;
/// More would make clients wait: a step of a window is one pipeline at the source, and slots that come
/// together are heard of together. With 8, a live client's p99.9 is about what it is when Redis's
/// manager moves one slot at a time; with 32 its p99 is half as long again, for half as many more keys per
/// second (bench/RESULTS.md, "The cluster manager").
const WINDOW_MAX: usize = 8;
/// A window that takes less is followed by a greater one, one that takes more than twice as long by a
/// smaller one: this is about how long Ctrl-C may take, and how long clients may meet an open slot.
const WINDOW_TIME: Duration = Duration::from_millis(250);
/// Pairs that work at once.
const PAIRS_MAX: usize = 8;

/// How long to wait before a target that cannot serve is asked again.
const STALLED_FOR: Duration = Duration::from_millis(50);

/// Slots that go from one node of the view to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) source: usize,
    pub(super) target: usize,
    pub(super) slots: Vec<u16>,
}

/// What is said about slots that move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// A line for each slot with a dot for each key.
    Lines,
    /// A line for each pair, and a mark for each slot.
    Marks,
}

/// How much of a slot moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Keys and ownership.
    Whole,
    /// Keys.
    KeysOnly,
}

/// The connections of one pair.
struct Links<'a> {
    source: &'a mut Connection,
    target: &'a mut Connection,
    others: Vec<&'a mut Connection>,
}

impl Links<'_> {
    fn of(&mut self, party: Party) -> &mut Connection {
        match party {
            Party::Source => self.source,
            Party::Target => self.target,
            Party::Other(other) => self.others[other],
        }
    }
}

/// Moves one slot, and tells in a line.
pub(super) fn move_one(
    manager: &Manager<'_>,
    members: &mut Members,
    slot: u16,
    pair: (usize, usize),
    way: Way,
) -> Outcome {
    let done = move_in_step(manager, members, &[slot], pair, way)?;
    done.iter().try_for_each(|done| tell(manager, members, pair, done))
}

/// Moves slots of one pair whose moves were broken off; [`tell`] tells of each.
pub(super) fn move_together(
    manager: &Manager<'_>,
    members: &mut Members,
    slots: &[u16],
    pair: (usize, usize),
) -> Result<Vec<Done>, Failed> {
    move_in_step(manager, members, slots, pair, Way::Whole)
}

/// A slot whose move has ended.
pub(super) struct Done {
    pub(super) slot: u16,
    pub(super) keys: usize,
    /// How many keys had moved when each was said.
    pub(super) notes: Vec<(usize, Note)>,
    pub(super) result: MoveResult,
}

impl Done {
    fn of(one: &mut SlotMove<'_>) -> Option<Self> {
        let result = one.result()?.clone();
        Some(Self { slot: one.slot(), keys: one.moved(), notes: one.take_notes(), result })
    }
}

fn move_in_step(
    manager: &Manager<'_>,
    members: &mut Members,
    slots: &[u16],
    (source, target): (usize, usize),
    way: Way,
) -> Result<Vec<Done>, Failed> {
    let (from, to) = (peer(members, source), peer(members, target));
    let primaries = others(members, source, target);
    let mut options = manager.move_options(primaries.len(), members.are_dunlins());
    options.is_cold = way == Way::KeysOnly;
    let mut moves: Vec<SlotMove<'_>> =
        slots.iter().map(|slot| SlotMove::new(*slot, &from, &to, &options)).collect();
    let mut links: Vec<Option<&mut Connection>> = members.links().iter_mut().map(Some).collect();
    let mut take = |node: usize| links[node].take().ok_or(Failed);
    let mut links = Links {
        source: take(source)?,
        target: take(target)?,
        others: primaries.iter().map(|node| take(*node)).collect::<Result<_, _>>()?,
    };
    drive(&mut moves, &mut links, &mut |_| {});
    let done: Vec<Done> = moves.iter_mut().filter_map(Done::of).collect();
    for done in done.iter().filter(|done| done.result == MoveResult::Done && way == Way::Whole) {
        members.view.nodes[source].slots.remove(done.slot);
        members.view.nodes[target].slots.insert(done.slot);
    }
    Ok(done)
}

/// A line about a slot that moved, and why it did not if it did not.
pub(super) fn tell(
    manager: &Manager<'_>,
    members: &Members,
    (source, target): (usize, usize),
    done: &Done,
) -> Outcome {
    line(manager, members, (source, target), done);
    match &done.result {
        MoveResult::Failed { party, text, is_told } => {
            if manager.console.is_trib() {
                manager.console.error(&format!("[ERR] Calling MIGRATE: {text}"));
                return Err(Failed);
            }
            let node = if *party == Party::Target { target } else { source };
            if !is_told {
                replied_with_error(manager, &members.address(node), text);
            }
            Err(Failed)
        }
        MoveResult::Done => Ok(()),
    }
}

/// `Moving slot 5 from a:1 to b:2: ` with a dot for each key, and between them what was met on the way.
pub(super) fn line(
    manager: &Manager<'_>,
    members: &Members,
    (source, target): (usize, usize),
    done: &Done,
) {
    let (source, target) = (members.address(source), members.address(target));
    let (console, slot) = (&manager.console, done.slot);
    console.write(&format!("Moving slot {slot} from {source} to {target}: "));
    let mut dots = 0;
    for (keys, note) in &done.notes {
        console.write(&".".repeat(keys - dots));
        console.say(note.tone, &note.text);
        dots = *keys;
    }
    console.write(&format!("{}\n", ".".repeat(done.keys - dots)));
}

/// Carries out jobs, several at once.
///
/// # Errors
/// A slot could not be moved, or Ctrl-C was pressed; what is open then is told.
pub(super) fn move_slots(
    manager: &Manager<'_>,
    members: &Members,
    jobs: &[Job],
    telling: Telling,
) -> Outcome {
    let stop = Arc::new(AtomicBool::new(false));
    listen_to_interrupts(&stop);
    let (events, arrived) = channel();
    let next = Mutex::new(0..jobs.len());
    thread::scope(|scope| {
        for _ in 0..jobs.len().min(PAIRS_MAX) {
            let (events, next, stop) = (events.clone(), &next, &stop);
            scope.spawn(move || {
                while let Some(job) = next.lock().ok().and_then(|mut next| next.next()) {
                    work(manager, members, job, &jobs[job], stop, &events);
                }
            });
        }
        drop(events);
        Teller::new(manager, members, jobs, telling, &stop).run(&arrived)
    })
}

/// The first Ctrl-C lets the slots that are open move to their end; the second ends the program.
fn listen_to_interrupts(stop: &Arc<AtomicBool>) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM] {
        // Without them Ctrl-C ends the program at once, and `fix` goes on where it stopped.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(stop));
        let _ = signal_hook::flag::register(signal, Arc::clone(stop));
    }
}

/// What a pair tells.
pub(super) enum Event {
    /// Keys have moved.
    Keys(usize),
    /// A slot has moved, or not.
    Slot(usize, Done),
    /// A job has ended.
    End(usize),
}

/// Carries out one job.
fn work(
    manager: &Manager<'_>,
    members: &Members,
    number: usize,
    job: &Job,
    stop: &AtomicBool,
    events: &Sender<Event>,
) {
    // Who listens no more has failed already.
    let tell = |event: Event| {
        let _ = events.send(event);
    };
    match open(manager, members, job) {
        Ok((mut links, options)) => {
            let (from, to) = (peer(members, job.source), peer(members, job.target));
            let mut links = links.as_links();
            let (mut left, mut window) = (&job.slots[..], WINDOW);
            while !left.is_empty() && !stop.load(Ordering::Relaxed) {
                let (slots, rest) = left.split_at(window.min(left.len()));
                let start = Instant::now();
                let mut moves: Vec<SlotMove<'_>> =
                    slots.iter().map(|slot| SlotMove::new(*slot, &from, &to, &options)).collect();
                drive(&mut moves, &mut links, &mut |keys| tell(Event::Keys(keys)));
                for one in &mut moves {
                    let Some(done) = Done::of(one) else { continue };
                    if done.result != MoveResult::Done {
                        stop.store(true, Ordering::Relaxed);
                    }
                    tell(Event::Slot(number, done));
                }
                left = rest;
                window = next_window(window, start.elapsed());
            }
        }
        Err(Failed) => stop.store(true, Ordering::Relaxed),
    }
    tell(Event::End(number));
}

/// How many slots are next, after so many have taken so long.
fn next_window(window: usize, elapsed: Duration) -> usize {
    if elapsed < WINDOW_TIME {
        (window * 2).min(WINDOW_MAX)
    } else if elapsed > 2 * WINDOW_TIME {
        (window / 2).max(1)
    } else {
        window
    }
}

/// Connections that a pair has for itself.
struct OwnLinks {
    source: Connection,
    target: Connection,
    others: Vec<Connection>,
}

impl OwnLinks {
    fn as_links(&mut self) -> Links<'_> {
        let others = self.others.iter_mut().collect();
        Links { source: &mut self.source, target: &mut self.target, others }
    }
}

fn open(
    manager: &Manager<'_>,
    members: &Members,
    job: &Job,
) -> Result<(OwnLinks, MoveOptions), Failed> {
    let open = |node: usize| connect(manager, &members.host(node));
    let (source, target) = (open(job.source)?, open(job.target)?);
    let others = others(members, job.source, job.target);
    let options = manager.move_options(others.len(), members.are_dunlins());
    let others = others.into_iter().map(open).collect::<Result<_, _>>()?;
    Ok((OwnLinks { source, target, others }, options))
}

/// The primaries beside two.
fn others(members: &Members, source: usize, target: usize) -> Vec<usize> {
    members.view.primaries().filter(|node| *node != source && *node != target).collect()
}

fn peer(members: &Members, node: usize) -> Peer {
    let Host { host, port } = members.host(node);
    Peer { id: members.view.nodes[node].id, host, port }
}

/// Takes moves to their ends: what they ask is sent together, then all replies are read.
fn drive(moves: &mut [SlotMove<'_>], links: &mut Links<'_>, on_keys: &mut dyn FnMut(usize)) {
    loop {
        let mut asked: Vec<(usize, Request)> = moves
            .iter()
            .enumerate()
            .filter_map(|(index, one)| Some((index, one.request()?)))
            .collect();
        if asked.is_empty() {
            return;
        }
        asked.sort_by_key(|(_, request)| request.to);
        for group in asked.chunk_by(|(_, left), (_, right)| left.to == right.to) {
            let link = links.of(group[0].1.to);
            for (_, request) in group {
                stop_at_step();
                let words: Vec<&[u8]> = request.words.iter().map(Vec::as_slice).collect();
                link.queue(&words);
            }
            // A link that is broken says so again when it is read.
            let _ = link.flush();
        }
        for (index, request) in &asked {
            let one = &mut moves[*index];
            let before = one.moved();
            match links.of(request.to).receive() {
                Ok(reply) => one.answer(reply),
                Err(broken) => one.lost(&broken.to_string()),
            }
            if one.moved() > before {
                on_keys(one.moved() - before);
            }
        }
        if moves.iter().any(SlotMove::is_stalled) {
            thread::sleep(STALLED_FOR);
        }
    }
}

/// For tests: stops the process, as SIGSTOP does, before it asks for the step whose number is in
/// `DUNLIN_MANAGER_STOP_AT`. Only in builds with debug assertions: what is installed never stops.
fn stop_at_step() {
    if !cfg!(debug_assertions) {
        return;
    }
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    static STOP_AT: OnceLock<Option<usize>> = OnceLock::new();
    let stop_at = STOP_AT.get_or_init(|| {
        std::env::var("DUNLIN_MANAGER_STOP_AT").ok().and_then(|number| number.parse().ok())
    });
    if let Some(number) = stop_at
        && STEPS.fetch_add(1, Ordering::Relaxed) == *number
    {
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_the_time_they_take() {
        let ms = Duration::from_millis;
        assert_eq!(next_window(4, ms(10)), 8);
        assert_eq!(next_window(8, ms(10)), WINDOW_MAX);
        assert_eq!(next_window(8, ms(300)), 8);
        assert_eq!(next_window(8, ms(600)), 4);
        assert_eq!(next_window(1, ms(60_000)), 1);
    }
}
