//! HyperLogLog: how many different elements a multiset has, in at most 12 KB.
//!
//! A value is a string with a header, so that it moves between servers as any string does:
//!
//! ```text
//! "HYLL" | form u8: 0 dense, 1 sparse | 0 0 0 | count u64le, highest bit: out of date | registers
//! ```
//!
//! There are [`REGISTERS`] registers; each keeps the longest run of zeros that it has seen, plus
//! one. An element's hash chooses the register with its lower 14 bits and the run with the others.
//! The dense form (`dense`) has six bits for each register, the sparse one (`sparse`) runs of
//! equal registers; it becomes dense when it outgrows `hll-sparse-max-bytes` or a register exceeds
//! what it can say.
//!
//! The bytes, the hash and the estimate are those of Redis, so that values can be exchanged.
//! Bytes of any content are harmless: what does not add up is [`Corrupt`].
//!
//! Source: Redis documentation, PFADD; Flajolet et al., "HyperLogLog"; Otmar Ertl, "New cardinality
//! estimation algorithms for HyperLogLog sketches", arXiv:1702.01284.

mod dense;
mod estimate;
mod hash;
mod sparse;

pub use hash::{Observation, murmur};

/// Number of registers.
pub const REGISTERS: usize = 1 << hash::INDEX_BITS;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 16;

/// Length of a dense value in bytes.
pub const DENSE_LEN: usize = HEADER_LEN + REGISTERS * dense::REGISTER_BITS / 8;

const MAGIC: &[u8; 4] = b"HYLL";
const FORM_AT: usize = 4;
const COUNT_AT: usize = 8;
/// The byte of the count whose highest bit says that the count is out of date.
const OUT_OF_DATE_AT: usize = 15;
const OUT_OF_DATE: u8 = 0x80;

/// How registers are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Six bits for each.
    Dense,
    /// Runs of equal ones.
    Sparse,
}

impl Form {
    /// The name PFDEBUG ENCODING replies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Sparse => "sparse",
        }
    }
}

/// The registers of a sparse value do not add up to [`REGISTERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// All registers, a byte for each: what several values are merged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers(Box<[u8; REGISTERS]>);

impl Default for Registers {
    fn default() -> Self {
        Self(Box::new([0; REGISTERS]))
    }
}

impl Registers {
    /// Each register by its number.
    #[must_use]
    pub const fn as_slice(&self) -> &[u8; REGISTERS] {
        &self.0
    }

    /// The estimate of how many different elements these registers have seen.
    #[must_use]
    pub fn count(&self) -> u64 {
        let words = self.0.as_chunks().0.iter().map(|runs| u64::from_le_bytes(*runs));
        estimate::count(&estimate::histogram(words))
    }
}

/// A value, for reading.
#[derive(Clone, Copy, Debug)]
pub struct HyperLogLog<'a> {
    bytes: &'a [u8],
    form: Form,
}

impl<'a> HyperLogLog<'a> {
    /// The value in the bytes of a string, if its header is one.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < HEADER_LEN || !bytes.starts_with(MAGIC) {
            return None;
        }
        match bytes[FORM_AT] {
            0 if bytes.len() == DENSE_LEN => Some(Self { bytes, form: Form::Dense }),
            1 => Some(Self { bytes, form: Form::Sparse }),
            _ => None,
        }
    }

    /// How the registers are held.
    #[must_use]
    pub const fn form(self) -> Form {
        self.form
    }

    /// The count in the header, unless it is out of date.
    #[must_use]
    pub fn cached_count(self) -> Option<u64> {
        let count = self.bytes[COUNT_AT..HEADER_LEN].try_into().map(u64::from_le_bytes).ok()?;
        (self.bytes[OUT_OF_DATE_AT] & OUT_OF_DATE == 0).then_some(count)
    }

    /// The estimate of how many different elements were added. O(registers)
    ///
    /// # Errors
    /// [`Corrupt`].
    pub fn count(self) -> Result<u64, Corrupt> {
        let histogram = match self.form {
            Form::Dense => estimate::histogram(dense::words(self.registers())),
            Form::Sparse => sparse::histogram(self.registers())?,
        };
        Ok(estimate::count(&histogram))
    }

    /// Raises each of `registers` to what it is here.
    ///
    /// # Errors
    /// [`Corrupt`]; some registers may have been raised.
    pub fn merge_into(self, registers: &mut Registers) -> Result<(), Corrupt> {
        match self.form {
            Form::Dense => {
                dense::merge(self.registers(), &mut registers.0);
                Ok(())
            }
            Form::Sparse => sparse::merge(self.registers(), &mut registers.0),
        }
    }

    /// Whether adding what was observed would change a register.
    ///
    /// # Errors
    /// [`Corrupt`], if the register cannot be found.
    pub fn would_change(self, observed: Observation) -> Result<bool, Corrupt> {
        let held = match self.form {
            Form::Dense => dense::get(self.registers(), observed.register),
            Form::Sparse => sparse::get(self.registers(), observed.register).ok_or(Corrupt)?,
        };
        Ok(held < observed.run)
    }

    /// The runs of a sparse value as PFDEBUG DECODE shows them; `None` for a dense one.
    #[must_use]
    pub fn describe_runs(self) -> Option<String> {
        (self.form == Form::Sparse).then(|| sparse::describe(self.registers()))
    }

    fn registers(self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..]
    }
}

/// A new value: sparse, every register zero, count zero.
#[must_use]
pub fn new_sparse() -> Vec<u8> {
    let mut bytes = vec![0; HEADER_LEN];
    bytes[..MAGIC.len()].copy_from_slice(MAGIC);
    bytes[FORM_AT] = 1;
    sparse::push_zeros(&mut bytes, REGISTERS);
    bytes
}

/// Adds what was observed to a value; tells whether a register changed, and says then that the count
/// is out of date. A sparse value becomes dense when it would be longer than `sparse_bytes_max`.
///
/// # Errors
/// [`Corrupt`]; nothing was changed.
///
/// # Panics
/// If `bytes` is not a value: [`HyperLogLog::parse`] comes first.
pub fn add(
    bytes: &mut Vec<u8>,
    observed: Observation,
    sparse_bytes_max: usize,
) -> Result<bool, Corrupt> {
    let value = HyperLogLog::parse(bytes).expect("a value");
    if !value.would_change(observed)? {
        return Ok(false);
    }
    if value.form() == Form::Sparse && !sparse::set(bytes, observed, sparse_bytes_max)? {
        make_dense(bytes)?;
    }
    if bytes[FORM_AT] == 0 {
        dense::set(&mut bytes[HEADER_LEN..], observed.register, observed.run);
    }
    mark_out_of_date(bytes);
    Ok(true)
}

/// Adds what was observed to a dense value in place; tells whether a register changed.
pub fn add_dense(bytes: &mut [u8], observed: Observation) -> bool {
    let registers = &mut bytes[HEADER_LEN..];
    let changes = dense::get(registers, observed.register) < observed.run;
    if changes {
        dense::set(registers, observed.register, observed.run);
        mark_out_of_date(bytes);
    }
    changes
}

/// Makes a sparse value dense.
///
/// # Errors
/// [`Corrupt`]; nothing was changed.
pub fn make_dense(bytes: &mut Vec<u8>) -> Result<(), Corrupt> {
    let mut registers = Registers::default();
    sparse::merge(&bytes[HEADER_LEN..], &mut registers.0)?;
    bytes.truncate(HEADER_LEN);
    bytes.resize(DENSE_LEN, 0);
    bytes[FORM_AT] = 0;
    dense::pack(&registers.0, &mut bytes[HEADER_LEN..]);
    Ok(())
}

/// Raises the registers of a value to those in `registers`, which are nowhere lower, and says that
/// the count is out of date. A sparse value becomes dense as in [`add`].
///
/// # Errors
/// [`Corrupt`]; some registers may have been raised.
pub fn raise(
    bytes: &mut Vec<u8>,
    registers: &Registers,
    sparse_bytes_max: usize,
) -> Result<(), Corrupt> {
    for (register, run) in registers.0.iter().enumerate().filter(|(_, run)| **run > 0) {
        if bytes[FORM_AT] == 0 {
            dense::pack(&registers.0, &mut bytes[HEADER_LEN..]);
            break;
        }
        add(bytes, Observation { register, run: *run }, sparse_bytes_max)?;
    }
    mark_out_of_date(bytes);
    Ok(())
}

/// Says that the count in the header is out of date.
pub fn mark_out_of_date(bytes: &mut [u8]) {
    bytes[OUT_OF_DATE_AT] |= OUT_OF_DATE;
}

/// Writes a count into the header.
pub fn cache_count(bytes: &mut [u8], count: u64) {
    bytes[COUNT_AT..HEADER_LEN].copy_from_slice(&count.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(elements: impl Iterator<Item = Vec<u8>>, sparse_bytes_max: usize) -> Vec<u8> {
        let mut bytes = new_sparse();
        for element in elements {
            add(&mut bytes, Observation::of(&element), sparse_bytes_max).expect("whole");
        }
        bytes
    }

    fn registers(bytes: &[u8]) -> Registers {
        let mut registers = Registers::default();
        HyperLogLog::parse(bytes).expect("a value").merge_into(&mut registers).expect("whole");
        registers
    }

    #[test]
    fn a_new_value_is_two_bytes_of_zeros() {
        let bytes = new_sparse();
        assert_eq!(bytes, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
        let value = HyperLogLog::parse(&bytes).expect("a value");
        assert_eq!(
            (value.form(), value.cached_count(), value.count()),
            (Form::Sparse, Some(0), Ok(0))
        );
    }

    #[test]
    fn what_is_no_value_is_refused() {
        let check = |bytes: &[u8]| assert!(HyperLogLog::parse(bytes).is_none());
        check(b"");
        check(b"HYLL\x01\0\0\0\0\0\0\0\0\0\0");
        check(b"HYLX\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
        check(b"HYLL\x02\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
        check(b"HYLL\x00\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    }

    #[test]
    fn estimates_stay_within_a_few_standard_errors() {
        let mut bytes = new_sparse();
        let mut next = 0_u64;
        for checkpoint in [1, 10, 100, 1000, 10_000, 100_000, 300_000] {
            while next < checkpoint {
                add(&mut bytes, Observation::of(&next.to_le_bytes()), 3000).expect("whole");
                next += 1;
            }
            let value = HyperLogLog::parse(&bytes).expect("a value");
            let count = value.count().expect("whole") as f64;
            let error = (count - checkpoint as f64).abs() / checkpoint as f64;
            assert!(error < 0.05, "{count} instead of {checkpoint}");
            assert_eq!(count as u64, registers(&bytes).count());
            assert_eq!(value.form() == Form::Sparse, checkpoint <= 1000);
        }
    }

    proptest! {
        #[test]
        fn both_forms_hold_the_same_registers(
            elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 1..600),
            sparse_bytes_max in 16_usize..2000,
        ) {
            let mut model = Registers::default();
            for element in &elements {
                let observed = Observation::of(element);
                let register = &mut model.0[observed.register];
                *register = observed.run.max(*register);
            }
            let mut dense = new_sparse();
            make_dense(&mut dense).expect("whole");
            for element in &elements {
                add_dense(&mut dense, Observation::of(element));
            }
            let sparse = of(elements.iter().cloned(), usize::MAX);
            let bounded = of(elements.iter().cloned(), sparse_bytes_max);
            for bytes in [&dense, &sparse, &bounded] {
                prop_assert_eq!(&registers(bytes), &model);
                let value = HyperLogLog::parse(bytes).expect("a value");
                prop_assert_eq!(value.count(), Ok(model.count()));
                prop_assert_eq!(value.cached_count(), None);
            }
            let form = HyperLogLog::parse(&bounded).expect("a value").form();
            prop_assert!(form == Form::Dense || bounded.len() <= sparse_bytes_max);
            let mut converted = sparse.clone();
            make_dense(&mut converted).expect("whole");
            prop_assert_eq!(&converted[HEADER_LEN..], &dense[HEADER_LEN..]);
        }

        #[test]
        fn hostile_bytes_are_harmless(
            body in prop::collection::vec(any::<u8>(), 0..200),
            element in any::<u64>(),
            sparse_bytes_max in 0_usize..400,
        ) {
            let mut bytes = new_sparse();
            bytes.truncate(HEADER_LEN);
            bytes.extend_from_slice(&body);
            let value = HyperLogLog::parse(&bytes).expect("a value");
            let _ = value.count();
            let _ = value.describe_runs();
            let _ = value.merge_into(&mut Registers::default());
            let observed = Observation::of(&element.to_le_bytes());
            let before = bytes.clone();
            if add(&mut bytes, observed, sparse_bytes_max).is_err() {
                prop_assert_eq!(before, bytes);
            }
        }
    }
}
