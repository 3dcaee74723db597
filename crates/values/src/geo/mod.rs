//! Positions on the earth as scores of a sorted set, and searching among them.
//!
//! A position is the cell of a grid over longitude and latitude ([`Cell`]): the bits of both
//! coordinates, interleaved, 26 of each. Cells that share leading bits lie together, so the members
//! in a coarser cell are a range of scores, and a search reads at most nine such ranges ([`Search`]).
//! Scores, distances and the cells that are read are those of Redis, so that values and replies are
//! the same to the last digit.
//!
//! Source: Redis documentation, GEOADD; Wikipedia, "Geohash" and "Haversine formula".

mod cell;
mod search;

pub use cell::Cell;
pub use search::{Distances, Search, Shape};

/// Bits of each coordinate in a score.
const STEPS_MAX: u32 = 26;

/// Degrees east or west of Greenwich.
const LONGITUDE_MAX: f64 = 180.0;

/// Degrees north or south: as far as a Mercator map in a square reaches.
const LATITUDE_MAX: f64 = 85.051_128_78;

/// The earth as a sphere, in metres.
const EARTH_RADIUS_M: f64 = 6_372_797.560_856;

/// Radians in a degree.
const RADIANS: f64 = std::f64::consts::PI / 180.0;

/// A place on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// East of Greenwich; negative is west.
    pub longitude: f64,
    /// North of the equator; negative is south.
    pub latitude: f64,
}

impl Position {
    /// A place, if it can be indexed: the poles cannot.
    #[must_use]
    pub fn new(longitude: f64, latitude: f64) -> Option<Self> {
        let is_valid = (-LONGITUDE_MAX..=LONGITUDE_MAX).contains(&longitude)
            && (-LATITUDE_MAX..=LATITUDE_MAX).contains(&latitude);
        is_valid.then_some(Self { longitude, latitude })
    }

    /// The middle of the cell that a score stands for. Any score stands for one.
    #[must_use]
    #[inline]
    pub fn of_score(score: f64) -> Self {
        Cell::of_score(score).middle()
    }

    /// The score: 52 bits.
    #[must_use]
    pub fn score(self) -> u64 {
        Cell::of(self, STEPS_MAX).scores().0
    }

    /// The standard geohash in eleven letters. The grid of scores leaves the poles out, that of
    /// geohashes does not, so it is computed anew; 52 bits are enough for ten letters and two bits,
    /// and the last letter is always 0.
    #[must_use]
    pub fn geohash(self) -> [u8; 11] {
        const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let bits = cell::interleaved(
            (self.latitude + 90.0) / 180.0,
            (self.longitude + 180.0) / 360.0,
            STEPS_MAX,
        );
        let mut text = [LETTERS[0]; 11];
        for (place, letter) in text[..10].iter_mut().enumerate() {
            *letter = LETTERS[(bits >> (52 - 5 * (place + 1)) & 0x1f) as usize];
        }
        text
    }

    /// The way to `other` in metres, along a great circle.
    #[must_use]
    pub fn distance_m(self, other: Self) -> f64 {
        let half_east = ((other.longitude * RADIANS - self.longitude * RADIANS) / 2.0).sin();
        if half_east == 0.0 {
            return self.distance_north_m(other);
        }
        let (latitude, other_latitude) = (self.latitude * RADIANS, other.latitude * RADIANS);
        let half_north = ((other_latitude - latitude) / 2.0).sin();
        let cosines = latitude.cos() * other_latitude.cos();
        great_circle_m(haversine(half_north, cosines, half_east))
    }

    /// How far `other` is to the north or south, in metres.
    fn distance_north_m(self, other: Self) -> f64 {
        EARTH_RADIUS_M * (other.latitude * RADIANS - self.latitude * RADIANS).abs()
    }
}

/// The haversine of the angle between two places: from the sine of half the difference of their
/// latitudes, the product of the latitudes' cosines, and the sine of half the difference of their
/// longitudes.
#[inline]
fn haversine(half_north: f64, cosines: f64, half_east: f64) -> f64 {
    half_north * half_north + cosines * half_east * half_east
}

/// The way that belongs to a haversine. Not a number for the farthest places, where rounding may
/// take the haversine beyond one; Redis has the same.
fn great_circle_m(haversine: f64) -> f64 {
    2.0 * EARTH_RADIUS_M * haversine.sqrt().asin()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scores_and_geohashes_are_those_of_redis() {
        let palermo = Position::new(13.361_389, 38.115_556).expect("valid");
        let catania = Position::new(15.087_269, 37.502_669).expect("valid");
        assert_eq!(palermo.score(), 3_479_099_956_230_698);
        assert_eq!(catania.score(), 3_479_447_370_796_909);
        let [palermo, catania] = [palermo, catania].map(|at| Position::of_score(at.score() as f64));
        assert_eq!(format!("{:.17}", palermo.longitude), "13.36138933897018433");
        assert_eq!(format!("{:.17}", palermo.latitude), "38.11555639549629859");
        assert_eq!((&palermo.geohash(), &catania.geohash()), (b"sqc8b49rny0", b"sqdtr74hyu0"));
        assert_eq!(format!("{:.4}", palermo.distance_m(catania)), "166274.1516");
    }

    #[test]
    fn places_that_cannot_be_indexed_are_refused() {
        assert!(Position::new(180.0, LATITUDE_MAX).is_some());
        assert!(Position::new(180.1, 0.0).is_none());
        assert!(Position::new(0.0, -85.06).is_none());
        assert!(Position::new(f64::NAN, 0.0).is_none());
    }

    proptest! {
        #[test]
        fn a_position_comes_back_from_its_score(
            longitude in -180.0..=180.0,
            latitude in -LATITUDE_MAX..=LATITUDE_MAX,
        ) {
            let position = Position { longitude, latitude };
            let back = Position::of_score(position.score() as f64);
            prop_assert!((back.longitude - longitude).abs() < 1e-5);
            prop_assert!((back.latitude - latitude).abs() < 1e-5);
            prop_assert!(position.distance_m(back) < 1.0);
        }

        #[test]
        fn any_score_is_some_position(bits in any::<u64>()) {
            let position = Position::of_score(f64::from_bits(bits));
            prop_assert!(Position::new(position.longitude, position.latitude).is_some());
        }
    }
}
