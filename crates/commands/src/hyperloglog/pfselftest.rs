//! `PFSELFTEST`
//!
//! Tests registers and estimates with random elements. Takes a second or so, in which nothing else
//! happens.
//!
//! Source: Redis documentation, PFSELFTEST.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};
use dunlin_values::hyperloglog::{self, Form, HyperLogLog, Observation};
use fastrand::Rng;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hyperloglog::sparse_bytes_max;

const SPEC: CommandSpec = CommandSpec::new("pfselftest", Group::HyperLogLog, 1)
    .summary("An internal command for testing HyperLogLog values.")
    .since("2.8.9")
    .complexity("N/A")
    .system()
    .flags(&[Flags::ADMIN])
    .categories(&[Categories::HYPERLOGLOG]);

/// PFSELFTEST's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Rounds of writing and reading all registers.
const ROUNDS: usize = 1000;

/// Elements counted in the end.
const ELEMENTS: u64 = 10_000_000;

/// Standard error of an estimate, 1.04 / sqrt(16384).
const RELATIVE_ERROR: f64 = 1.04 / 128.0;

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let mut rng = Rng::with_seed(cx.keyspace.random());
    test_registers(&mut rng, ROUNDS)?;
    test_estimates(rng.u64(..), ELEMENTS, sparse_bytes_max(cx))?;
    cx.reply.ok();
    Ok(())
}

/// Registers are raised to random values, and must then be those.
fn test_registers(rng: &mut Rng, rounds: usize) -> CommandResult {
    for _ in 0..rounds {
        let mut bytes = new_dense();
        let mut model = vec![0; hyperloglog::REGISTERS];
        for (register, model) in model.iter_mut().enumerate() {
            *model = rng.u8(..64);
            hyperloglog::add_dense(&mut bytes, Observation { register, run: *model });
        }
        let mut held = hyperloglog::Registers::default();
        let merged = HyperLogLog::parse(&bytes).map(|value| value.merge_into(&mut held));
        if merged != Some(Ok(())) || held.as_slice() != model.as_slice() {
            return Err(CommandError::fixed("ERR TESTFAILED registers differ"));
        }
    }
    Ok(())
}

/// A dense and a sparse value see the same elements: they must agree, and be nearly right.
fn test_estimates(seed: u64, elements: u64, sparse_bytes_max: usize) -> CommandResult {
    let (mut dense, mut sparse) = (new_dense(), hyperloglog::new_sparse());
    let mut checkpoint = 1;
    for number in 1..=elements {
        let observed = Observation::of(&(number ^ seed).to_le_bytes());
        hyperloglog::add_dense(&mut dense, observed);
        if form(&sparse) == Some(Form::Dense) {
            hyperloglog::add_dense(&mut sparse, observed);
        } else if hyperloglog::add(&mut sparse, observed, sparse_bytes_max).is_err() {
            return Err(CommandError::fixed("ERR TESTFAILED corrupt"));
        }
        if number == checkpoint {
            check(&dense, &sparse, checkpoint, sparse_bytes_max)?;
            checkpoint *= 10;
        }
    }
    Ok(())
}

fn check(dense: &[u8], sparse: &[u8], number: u64, sparse_bytes_max: usize) -> CommandResult {
    if number < sparse_bytes_max as u64 / 2 && form(sparse) != Some(Form::Sparse) {
        return Err(CommandError::fixed("ERR TESTFAILED sparse encoding not used"));
    }
    let [dense, sparse] =
        [dense, sparse].map(|bytes| HyperLogLog::parse(bytes).map(HyperLogLog::count));
    let Some(Ok(count)) = dense else {
        return Err(CommandError::fixed("ERR TESTFAILED corrupt"));
    };
    if dense != sparse {
        return Err(CommandError::fixed("ERR TESTFAILED dense/sparse disagree"));
    }
    let allowed = match number {
        // Two of ten elements share a register now and then.
        10 => 1,
        number => (RELATIVE_ERROR * 6.0 * number as f64).ceil() as u64,
    };
    let error = count.abs_diff(number);
    if error > allowed {
        return Err(CommandError::err(format!(
            "TESTFAILED Too big error. card:{number} abserr:{error}"
        )));
    }
    Ok(())
}

fn new_dense() -> Vec<u8> {
    let mut bytes = hyperloglog::new_sparse();
    hyperloglog::make_dense(&mut bytes).expect("a new value is whole");
    bytes
}

fn form(bytes: &[u8]) -> Option<Form> {
    HyperLogLog::parse(bytes).map(HyperLogLog::form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_test_passes() {
        let mut rng = Rng::with_seed(5);
        assert_eq!(test_registers(&mut rng, 3), Ok(()));
        for seed in [1, 77, 0xdead_beef] {
            assert_eq!(test_estimates(seed, 100_000, 3000), Ok(()));
        }
    }
}
