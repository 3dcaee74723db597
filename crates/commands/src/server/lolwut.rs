//! `LOLWUT [VERSION version]`
//!
//! Source: Redis documentation, "LOLWUT".
//!
//! Differs: the picture is ours, and the same for every VERSION.

use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use crate::REDIS_VERSION;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

pub(crate) const SPEC: CommandSpec = CommandSpec::new("lolwut", Group::Server, -1)
    .summary("Displays computer art and the Redis version")
    .since("5.0.0")
    .flags(&[Flags::READONLY, Flags::FAST])
    .args(&[Arg::integer("version").token("VERSION").optional()]);

/// The LOLWUT command.
pub const COMMAND: Command = Command::new(SPEC, run);

/// Size of the picture, in characters.
const WIDTH: usize = 66;
const HEIGHT: usize = 12;

/// Birds in a flock, at most.
const BIRDS_MAX: u64 = 9;

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() >= 3 && args.is(1, "VERSION") {
        args.integer(2)?;
    }
    let picture = shore(cx.now.unix_us.unsigned_abs());
    let text = format!("{picture}\nDunlins at the shore. Redis ver. {REDIS_VERSION}\n");
    cx.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// A flock of dunlins over a shore: another one for each seed.
fn shore(seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut rows = vec![vec![' '; WIDTH]; HEIGHT];
    let water = HEIGHT - 3;
    for row in &mut rows[water..] {
        let shift = random.usize(0..WIDTH);
        for (column, cell) in row.iter_mut().enumerate() {
            *cell = if (column + shift) % 7 < 4 { '~' } else { ' ' };
        }
    }
    for _ in 0..random.u64(3..=BIRDS_MAX) {
        let (row, column) = (random.usize(0..water), random.usize(0..WIDTH - 5));
        let bird = if random.bool() { r"\_v_/" } else { r"--v--" };
        rows[row].splice(column..column + 5, bird.chars());
    }
    let lines = rows.iter().map(|row| row.iter().collect::<String>());
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_has_its_own_flock_within_the_frame() {
        for seed in 0..200 {
            let picture = shore(seed);
            assert_eq!(picture.lines().count(), HEIGHT);
            assert!(picture.lines().all(|line| line.chars().count() <= WIDTH), "{picture}");
            assert!(picture.contains('v') && picture.contains('~'), "{picture}");
        }
        assert_ne!(shore(1), shore(2));
    }
}
