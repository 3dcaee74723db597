//! Searching around a place: which cells to read, and what of them lies inside.

use super::cell::{Bounds, Cell, Toward};
use super::{EARTH_RADIUS_M, Position, RADIANS, STEPS_MAX, great_circle_m, haversine};

/// Half the circumference of the earth on a Mercator map, in metres.
const MERCATOR_MAX_M: f64 = 20_037_726.37;

/// Beyond this many metres no place is ruled out without computing its distance: rounding has more
/// weight the closer two places are to opposite ends of the earth.
const ESTIMATED_MAX_M: f64 = 9_000_000.0;

/// How far, relatively, an estimate may be off; rounding is off by some 1e-15.
const MARGIN: f64 = 1e-9;

/// The form of the area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// All places up to this far away.
    Circle {
        /// In the unit of the search.
        radius: f64,
    },
    /// All places up to half of these to either side.
    Rectangle {
        /// From west to east, in the unit of the search.
        width: f64,
        /// From south to north, in the unit of the search.
        height: f64,
    },
}

/// Whether the caller wants to know how far away places are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distances {
    /// Of each place.
    Wanted,
    /// Only which places lie inside; distances may be zero.
    Unwanted,
}

/// An area around a place.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    centre: Position,
    /// Cosine of the centre's latitude.
    cosine: f64,
    shape: Shape,
    /// Metres in the unit of the search.
    unit_m: f64,
    distances: Distances,
    /// No place farther north or south than this many degrees lies inside, nor one farther east or
    /// west.
    reach: Option<(f64, f64)>,
    /// For a circle: haversines that are clearly inside, and from where on they are outside.
    haversines: (f64, f64),
}

impl Search {
    /// A search around `centre`; lengths are in units of `unit_m` metres.
    #[must_use]
    pub fn new(centre: Position, shape: Shape, unit_m: f64, distances: Distances) -> Self {
        let cosine = (centre.latitude * RADIANS).cos();
        let haversines = (-1.0, f64::MAX);
        let mut search = Self { centre, cosine, shape, unit_m, distances, reach: None, haversines };
        let corner_m = search.radius_m();
        if corner_m < ESTIMATED_MAX_M {
            search.estimate();
        }
        search
    }

    /// Places far outside are ruled out with two comparisons instead of four trigonometric functions.
    fn estimate(&mut self) {
        let latitude = self.centre.latitude * RADIANS;
        let (north, sine, cosine) = match self.shape {
            Shape::Circle { radius } => {
                let angle = radius * self.unit_m / EARTH_RADIUS_M;
                let haversine = (angle / 2.0).sin().powi(2);
                self.haversines = (haversine * (1.0 - MARGIN), haversine * (1.0 + MARGIN));
                // The meridian that touches the circle.
                (angle, angle.sin(), self.cosine)
            }
            Shape::Rectangle { width, height } => {
                let north = height * self.unit_m / 2.0 / EARTH_RADIUS_M;
                let angle = width * self.unit_m / 2.0 / EARTH_RADIUS_M;
                // Half of it, because a parallel is no great circle; at the end where it is shorter.
                (north, (angle / 2.0).sin(), (latitude.abs() + north).cos())
            }
        };
        let east = if sine < cosine { (sine / cosine).asin() } else { f64::INFINITY };
        let east = if matches!(self.shape, Shape::Circle { .. }) { east } else { 2.0 * east };
        let degrees = |angle: f64| angle * (1.0 + MARGIN) / RADIANS + MARGIN;
        self.reach = Some((degrees(north), degrees(east)));
    }

    /// How far the farthest place inside is, in metres.
    fn radius_m(&self) -> f64 {
        let radius = match self.shape {
            Shape::Circle { radius } => radius,
            Shape::Rectangle { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt()
            }
        };
        radius * self.unit_m
    }

    /// How far a place is, in metres, if it lies inside.
    #[must_use]
    #[inline]
    pub fn distance_inside_m(&self, place: Position) -> Option<f64> {
        if let Some((north, east)) = self.reach {
            let apart = (place.longitude - self.centre.longitude).abs();
            if (place.latitude - self.centre.latitude).abs() > north
                || apart.min(360.0 - apart) > east
            {
                return None;
            }
        }
        match self.shape {
            Shape::Circle { radius } => self.distance_in_circle_m(place, radius * self.unit_m),
            Shape::Rectangle { width, height } => {
                self.distance_in_rectangle_m(place, width * self.unit_m, height * self.unit_m)
            }
        }
    }

    fn distance_in_circle_m(&self, place: Position, radius_m: f64) -> Option<f64> {
        let (from, to) = (self.centre, place);
        let half_east = ((to.longitude * RADIANS - from.longitude * RADIANS) / 2.0).sin();
        let distance = if half_east == 0.0 {
            from.distance_north_m(to)
        } else {
            let half_north = ((to.latitude * RADIANS - from.latitude * RADIANS) / 2.0).sin();
            let cosines = self.cosine * (to.latitude * RADIANS).cos();
            let haversine = haversine(half_north, cosines, half_east);
            if haversine > self.haversines.1 {
                return None;
            }
            if haversine < self.haversines.0 && self.distances == Distances::Unwanted {
                return Some(0.0);
            }
            great_circle_m(haversine)
        };
        // What is not a number is not farther, as in Redis.
        let is_farther = distance > radius_m;
        (!is_farther).then_some(distance)
    }

    fn distance_in_rectangle_m(&self, place: Position, width_m: f64, height_m: f64) -> Option<f64> {
        if place.distance_north_m(self.centre) > height_m / 2.0 {
            return None;
        }
        let beside = Position { longitude: self.centre.longitude, latitude: place.latitude };
        if place.distance_m(beside) > width_m / 2.0 {
            return None;
        }
        Some(match self.distances {
            Distances::Wanted => self.centre.distance_m(place),
            Distances::Unwanted => 0.0,
        })
    }

    /// Ranges of scores that hold every member inside the area, and others: from the first score up
    /// to, and without, the second. In the order in which Redis reads them.
    pub fn score_ranges(&self) -> impl Iterator<Item = (f64, f64)> {
        let mut previous = None;
        self.cells().into_iter().enumerate().filter_map(move |(index, cell)| {
            let cell = cell?;
            // Around the poles, or where cells are half a world, neighbours are the same.
            if previous == Some(cell) {
                return None;
            }
            if index > 0 {
                previous = Some(cell);
            }
            let (first, behind) = cell.scores();
            Some((first as f64, behind as f64))
        })
    }

    /// The cell of the centre and those of its neighbours that are needed.
    fn cells(&self) -> [Option<Cell>; 9] {
        let bounds = self.bounds();
        let mut steps = steps_for(self.radius_m(), self.centre.latitude);
        if steps > 1 && !neighbours_cover(Cell::of(self.centre, steps), bounds) {
            steps -= 1;
        }
        let cell = Cell::of(self.centre, steps);
        let here = cell.bounds();
        // With two cells from pole to pole, every neighbour may be needed.
        let is_needed = |east, north| {
            steps < 2
                || !((north == Toward::Less && here.south < bounds.south)
                    || (north == Toward::More && here.north > bounds.north)
                    || (east == Toward::Less && here.west < bounds.west)
                    || (east == Toward::More && here.east > bounds.east))
        };
        [
            (Toward::Same, Toward::Same),
            (Toward::Same, Toward::More),
            (Toward::Same, Toward::Less),
            (Toward::More, Toward::Same),
            (Toward::Less, Toward::Same),
            (Toward::More, Toward::More),
            (Toward::Less, Toward::More),
            (Toward::More, Toward::Less),
            (Toward::Less, Toward::Less),
        ]
        .map(|(east, north)| is_needed(east, north).then(|| cell.beside(east, north)))
    }

    /// The area as a rectangle of degrees. East and west are taken on the side of the area that lies
    /// away from the equator, where a degree is shorter.
    fn bounds(&self) -> Bounds {
        let (width, height) = match self.shape {
            Shape::Circle { radius } => (radius, radius),
            Shape::Rectangle { width, height } => (width / 2.0, height / 2.0),
        };
        let Position { longitude, latitude } = self.centre;
        let north = self.unit_m * height / EARTH_RADIUS_M / RADIANS;
        let side = if latitude < 0.0 { latitude - north } else { latitude + north };
        let east = self.unit_m * width / EARTH_RADIUS_M / (side * RADIANS).cos() / RADIANS;
        Bounds {
            west: longitude - east,
            east: longitude + east,
            south: latitude - north,
            north: latitude + north,
        }
    }
}

/// Whether the cells on all four sides reach as far as the area does.
fn neighbours_cover(cell: Cell, bounds: Bounds) -> bool {
    let north = cell.beside(Toward::Same, Toward::More).bounds().north;
    let south = cell.beside(Toward::Same, Toward::Less).bounds().south;
    let east = cell.beside(Toward::More, Toward::Same).bounds().east;
    let west = cell.beside(Toward::Less, Toward::Same).bounds().west;
    let falls_short =
        north < bounds.north || south > bounds.south || east < bounds.east || west > bounds.west;
    !falls_short
}

/// How fine the cells may be so that nine of them cover a circle; coarser towards the poles, where
/// cells are narrow.
fn steps_for(radius_m: f64, latitude: f64) -> u32 {
    if radius_m == 0.0 {
        return STEPS_MAX;
    }
    let (mut reach, mut steps) = (radius_m, -1_i32);
    while reach < MERCATOR_MAX_M {
        reach *= 2.0;
        steps += 1;
    }
    if latitude.abs() > 66.0 {
        steps -= 1;
        if latitude.abs() > 80.0 {
            steps -= 1;
        }
    }
    steps.clamp(1, STEPS_MAX as i32).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shape() -> impl Strategy<Value = Shape> {
        let length = || prop_oneof![0.0..1e3, 1e3..1e5, 1e5..1e7, Just(0.0)];
        prop_oneof![
            length().prop_map(|radius| Shape::Circle { radius }),
            (length(), length()).prop_map(|(width, height)| Shape::Rectangle { width, height }),
        ]
    }

    /// The definition, without any estimate.
    fn is_inside(centre: Position, shape: Shape, place: Position) -> bool {
        let is_farther = match shape {
            Shape::Circle { radius } => centre.distance_m(place) > radius,
            Shape::Rectangle { width, height } => {
                let beside = Position { longitude: centre.longitude, latitude: place.latitude };
                place.distance_north_m(centre) > height / 2.0
                    || place.distance_m(beside) > width / 2.0
            }
        };
        !is_farther
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn estimates_never_change_what_is_inside(
            shape in shape(),
            centre in (-180.0..180.0, -85.0..85.0),
            offset in (-1.2..1.2, -1.2..1.2),
        ) {
            let centre = Position { longitude: centre.0, latitude: centre.1 };
            let (width, height) = match shape {
                Shape::Circle { radius } => (radius, radius),
                Shape::Rectangle { width, height } => (width / 2.0, height / 2.0),
            };
            // Near the edge, on either side of it.
            let north: f64 = offset.1 * height / EARTH_RADIUS_M / RADIANS;
            let latitude = (centre.latitude + north).clamp(-85.0, 85.0);
            let degree = (latitude * RADIANS).cos();
            let east: f64 = offset.0 * width / EARTH_RADIUS_M / degree / RADIANS;
            let longitude = centre.longitude + east.clamp(-360.0, 360.0);
            let longitude = longitude - 360.0 * (longitude / 360.0).round();
            let place = Position { longitude, latitude };
            for distances in [Distances::Wanted, Distances::Unwanted] {
                let found = Search::new(centre, shape, 1.0, distances).distance_inside_m(place);
                prop_assert_eq!(found.is_some(), is_inside(centre, shape, place));
                if distances == Distances::Wanted && let Some(distance) = found {
                    prop_assert!(distance == centre.distance_m(place));
                }
            }
        }

        /// Where no area reaches the edge of the grid, nine cells hold all that is inside.
        #[test]
        fn cells_hold_what_is_inside(
            radius in 0.0..500_000.0,
            centre in (-150.0..150.0, -75.0..75.0),
            offset in (-1.0..1.0, -1.0..1.0),
        ) {
            let centre = Position { longitude: centre.0, latitude: centre.1 };
            let north: f64 = offset.1 * radius / EARTH_RADIUS_M / RADIANS;
            let latitude: f64 = centre.latitude + north;
            let east = offset.0 * radius / EARTH_RADIUS_M / (latitude * RADIANS).cos() / RADIANS;
            let place = Position { longitude: centre.longitude + east, latitude };
            let score = place.score() as f64;
            let place = Position::of_score(score);
            let search = Search::new(centre, Shape::Circle { radius }, 1.0, Distances::Wanted);
            if search.distance_inside_m(place).is_some() {
                let mut ranges = search.score_ranges();
                prop_assert!(ranges.any(|(first, behind)| (first..behind).contains(&score)));
            }
        }
    }
}
