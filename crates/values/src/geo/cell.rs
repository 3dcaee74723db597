//! Cells of the grid.

use super::{LATITUDE_MAX, LONGITUDE_MAX, Position, STEPS_MAX};

/// A cell: `steps` bits of either coordinate, interleaved, longitude first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    bits: u64,
    steps: u32,
}

/// From where to where a cell reaches, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) south: f64,
    pub(super) north: f64,
}

const LATITUDES: u64 = 0x5555_5555_5555_5555;
const LONGITUDES: u64 = !LATITUDES;

impl Cell {
    /// The cell of a position, `steps` bits fine.
    pub(super) fn of(position: Position, steps: u32) -> Self {
        let latitude = (position.latitude + LATITUDE_MAX) / (LATITUDE_MAX + LATITUDE_MAX);
        let longitude = (position.longitude + LONGITUDE_MAX) / (LONGITUDE_MAX + LONGITUDE_MAX);
        Self { bits: interleaved(latitude, longitude, steps), steps }
    }

    /// The finest cell that a score stands for. Scores that no position has are read as Redis reads
    /// them, as the bits of an unsigned integer.
    #[inline]
    pub(super) fn of_score(score: f64) -> Self {
        const HALF: f64 = (1_u64 << 63) as f64;
        // What x86-64 makes of the conversion: below 2^63 as a signed integer, above it the rest.
        let bits = if score < HALF {
            (score as i64).cast_unsigned()
        } else {
            let rest = score - HALF;
            let rest = if rest < HALF { rest as u64 } else { 1 << 63 };
            rest ^ 1 << 63
        };
        Self { bits, steps: STEPS_MAX }
    }

    /// The first score in the cell, and the first one behind it.
    pub(super) const fn scores(self) -> (u64, u64) {
        let shift = 2 * (STEPS_MAX - self.steps);
        (self.bits << shift, (self.bits + 1) << shift)
    }

    pub(super) fn bounds(self) -> Bounds {
        let (latitude, longitude) = (squeezed(self.bits), squeezed(self.bits >> 1));
        let degrees = |number: u32, max: f64| {
            -max + f64::from(number) / (1_u64 << self.steps) as f64 * (max + max)
        };
        Bounds {
            west: degrees(longitude, LONGITUDE_MAX),
            east: degrees(longitude.wrapping_add(1), LONGITUDE_MAX),
            south: degrees(latitude, LATITUDE_MAX),
            north: degrees(latitude.wrapping_add(1), LATITUDE_MAX),
        }
    }

    /// The position in the middle.
    #[inline]
    pub(super) fn middle(self) -> Position {
        let Bounds { west, east, south, north } = self.bounds();
        Position {
            longitude: f64::midpoint(west, east).clamp(-LONGITUDE_MAX, LONGITUDE_MAX),
            latitude: f64::midpoint(south, north).clamp(-LATITUDE_MAX, LATITUDE_MAX),
        }
    }

    /// The cell next to this one, once around the world.
    pub(super) const fn beside(self, east: Toward, north: Toward) -> Self {
        let used = u64::MAX >> (64 - 2 * self.steps);
        let bits =
            moved(self.bits, LONGITUDES, used, east) | moved(self.bits, LATITUDES, used, north);
        Self { bits, steps: self.steps }
    }
}

/// In which direction a neighbour lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Toward {
    /// To the east or north.
    More,
    /// To the west or south.
    Less,
    /// Here.
    Same,
}

/// The bits of one coordinate, `mask`, one up or down; a carry jumps over the other's bits.
const fn moved(bits: u64, mask: u64, used: u64, toward: Toward) -> u64 {
    let (own, other) = (bits & mask & used, !mask & used);
    let moved = match toward {
        // A coordinate at the very end of its range has one bit more, and keeps it here.
        Toward::Same => return bits & mask,
        Toward::More => (own | other).wrapping_add(1),
        Toward::Less => own.wrapping_sub(mask & mask.wrapping_neg() & used),
    };
    moved & mask & used
}

/// Interleaves two fractions as integers of `steps` bits, the latitude's in the even places.
pub(super) fn interleaved(latitude: f64, longitude: f64, steps: u32) -> u64 {
    let scale = (1_u64 << steps) as f64;
    spread((latitude * scale) as u32) | spread((longitude * scale) as u32) << 1
}

/// Moves bit n to place 2n.
///
/// Source: Sean Anderson, "Bit Twiddling Hacks", interleave bits by binary magic numbers.
const fn spread(number: u32) -> u64 {
    let mut bits = number as u64;
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & LATITUDES
}

/// Moves the bit in place 2n back to n.
const fn squeezed(bits: u64) -> u32 {
    let mut bits = bits & LATITUDES;
    bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    bits = (bits | bits >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits >> 4) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits >> 8) & 0x0000_ffff_0000_ffff;
    (bits | bits >> 16) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_are_interleaved_and_back(latitude in any::<u32>(), longitude in any::<u32>()) {
            let bits = spread(latitude) | spread(longitude) << 1;
            prop_assert_eq!((squeezed(bits), squeezed(bits >> 1)), (latitude, longitude));
        }

        #[test]
        fn neighbours_are_one_apart_and_wrap(bits in any::<u64>(), steps in 1_u32..=26) {
            let cell = Cell { bits: bits & (u64::MAX >> (64 - 2 * steps)), steps };
            let modulus = 1_u64 << steps;
            let apart = |number: u32, toward| match toward {
                Toward::More => (u64::from(number) + 1) % modulus,
                Toward::Less => (u64::from(number) + modulus - 1) % modulus,
                Toward::Same => u64::from(number),
            };
            for east in [Toward::More, Toward::Less, Toward::Same] {
                for north in [Toward::More, Toward::Less, Toward::Same] {
                    let beside = cell.beside(east, north);
                    let expected =
                        (apart(squeezed(cell.bits), north), apart(squeezed(cell.bits >> 1), east));
                    let got = (squeezed(beside.bits), squeezed(beside.bits >> 1));
                    prop_assert_eq!((u64::from(got.0), u64::from(got.1)), expected);
                }
            }
        }
    }
}
