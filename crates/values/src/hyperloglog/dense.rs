//! The dense form: six bits for each register, from the lowest bit of the first byte on.

use super::REGISTERS;

/// Bits of a register.
pub(super) const REGISTER_BITS: usize = 6;

const MASK: u16 = (1 << REGISTER_BITS) - 1;

/// Registers that are unpacked at once, and the bytes they take.
const GROUP: usize = 8;
const GROUP_BYTES: usize = GROUP * REGISTER_BITS / 8;

/// A register.
#[inline]
pub(super) fn get(registers: &[u8], register: usize) -> u8 {
    let (at, shift) = place(register);
    ((word(registers, at) >> shift) & MASK) as u8
}

/// Sets a register.
#[inline]
pub(super) fn set(registers: &mut [u8], register: usize, run: u8) {
    let (at, shift) = place(register);
    let word = word(registers, at) & !(MASK << shift) | u16::from(run) << shift;
    let [low, high] = word.to_le_bytes();
    registers[at] = low;
    if let Some(next) = registers.get_mut(at + 1) {
        *next = high;
    }
}

/// The byte in which a register begins, and the bit.
#[inline]
const fn place(register: usize) -> (usize, usize) {
    let bit = register * REGISTER_BITS;
    (bit / 8, bit % 8)
}

/// The bytes at `at` and behind it; the last register needs no second one.
#[inline]
fn word(registers: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([registers[at], registers.get(at + 1).copied().unwrap_or(0)])
}

/// Writes all registers.
pub(super) fn pack(runs: &[u8; REGISTERS], registers: &mut [u8]) {
    let groups = runs.as_chunks::<GROUP>().0.iter();
    for (group, out) in groups.zip(registers.as_chunks_mut::<GROUP_BYTES>().0) {
        let mut bits = 0;
        for (place, run) in group.iter().enumerate() {
            bits |= u64::from(*run) << (REGISTER_BITS * place);
        }
        *out = *bits.to_le_bytes().first_chunk().expect("six of eight bytes");
    }
}

/// Raises each register in `out` to what it is here.
pub(super) fn merge(registers: &[u8], out: &mut [u8; REGISTERS]) {
    for (word, out) in words(registers).zip(out.as_chunks_mut::<GROUP>().0) {
        *out = larger(word, u64::from_le_bytes(*out)).to_le_bytes();
    }
}

/// The larger of each pair of bytes, which are all below 128: the highest bit of a byte survives the
/// subtraction where nothing had to be borrowed. Left to itself, the compiler compares byte by byte
/// (92,000 instructions for all registers instead of 48,000, callgrind).
#[inline]
const fn larger(a: u64, b: u64) -> u64 {
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    let not_less = ((a | HIGHEST) - b) & HIGHEST;
    let mask = (not_less >> 7) * 0xff;
    a & mask | b & !mask
}

/// Eight registers at a time, a byte for each: 48 bits are spread in three steps, which the compiler
/// does for several words at once.
#[inline]
pub(super) fn words(registers: &[u8]) -> impl Iterator<Item = u64> + '_ {
    registers.as_chunks::<GROUP_BYTES>().0.iter().map(|[a, b, c, d, e, f]| {
        let bits = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, 0, 0]);
        let bits = bits & 0xff_ffff | (bits & 0xffff_ff00_0000) << 8;
        let bits = bits & 0x0fff_0000_0fff | (bits & 0xff_f000_00ff_f000) << 4;
        bits & 0x3f_003f_003f_003f | (bits & 0xfc0_0fc0_0fc0_0fc0) << 2
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_do_not_touch_each_other() {
        let mut packed = vec![0; REGISTERS * REGISTER_BITS / 8];
        let mut model = [0_u8; REGISTERS];
        let mut random = 1_u64;
        for round in 0..3 {
            for (register, model) in model.iter_mut().enumerate() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *model = (random >> 58) as u8;
                set(&mut packed, register, *model);
            }
            for (register, model) in model.iter().enumerate() {
                assert_eq!(get(&packed, register), *model, "{register} in round {round}");
            }
            let mut merged = [0; REGISTERS];
            merge(&packed, &mut merged);
            assert!(merged == model);
            let mut packed_again = vec![0xff; packed.len()];
            pack(&model, &mut packed_again);
            assert!(packed_again == packed);
            let mut merged = [9; REGISTERS];
            merge(&packed, &mut merged);
            assert!(merged.iter().zip(&model).all(|(merged, run)| *merged == (*run).max(9)));
        }
    }
}
