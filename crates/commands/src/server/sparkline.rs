//! Graphs of characters, as LATENCY GRAPH shows them.
//!
//! A point is a column: `|` up to its height, then `_`, `o` or `#` for the third of the row that it
//! reaches. Labels stand below, written downwards.

/// What the top of a column looks like, by how much of its row it fills.
const TOPS: [char; 3] = ['_', 'o', '#'];

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// Its height, in any unit.
    pub(super) value: u64,
    /// What stands below it.
    pub(super) label: String,
}

/// Draws the points, `columns` of them side by side and `rows` high; more points continue in
/// another graph below.
pub(super) fn render(points: &[Point], columns: usize, rows: usize) -> String {
    let low = points.iter().map(|point| point.value).min().unwrap_or(0);
    let high = points.iter().map(|point| point.value).max().unwrap_or(0);
    let span = (high - low).max(1);
    let steps = TOPS.len() * rows;
    let graphs = points.chunks(columns).map(|points| {
        let heights: Vec<usize> =
            points.iter().map(|point| step(point.value - low, span, steps)).collect();
        draw(&heights, rows) + &draw_labels(points)
    });
    graphs.collect::<Vec<String>>().join("\n")
}

/// In which of `steps` steps a height lies.
fn step(height: u64, span: u64, steps: usize) -> usize {
    let step = u128::from(height) * steps as u128 / u128::from(span);
    usize::try_from(step).unwrap_or(usize::MAX).min(steps - 1)
}

fn draw(heights: &[usize], rows: usize) -> String {
    let mut text = String::new();
    for row in (0..rows).rev() {
        let floor = row * TOPS.len();
        let cell = |&height: &usize| match height.checked_sub(floor) {
            None => ' ',
            Some(above) => TOPS.get(above).copied().unwrap_or('|'),
        };
        text.extend(heights.iter().map(cell));
        text.push('\n');
    }
    text
}

/// An empty line, then the labels, downwards.
fn draw_labels(points: &[Point]) -> String {
    let longest = points.iter().map(|point| point.label.len()).max().unwrap_or(0);
    if longest == 0 {
        return String::new();
    }
    let mut text = " ".repeat(points.len()) + "\n";
    for line in 0..longest {
        let cell = |point: &Point| point.label.chars().nth(line).unwrap_or(' ');
        text.extend(points.iter().map(cell));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[u64]) -> Vec<Point> {
        values.iter().map(|&value| Point { value, label: format!("{value}s") }).collect()
    }

    #[test]
    fn columns_are_as_high_as_their_values() {
        let drawn = render(&points(&[0, 3, 6, 12]), 80, 4);
        assert_eq!(drawn, "   #\n  _|\n _||\n_|||\n    \n0361\nsss2\n   s\n");
    }

    #[test]
    fn equal_points_lie_on_the_ground() {
        assert_eq!(render(&points(&[7, 7]), 80, 2), "  \n__\n  \n77\nss\n");
    }

    #[test]
    fn a_long_row_is_continued_below() {
        let drawn = render(&points(&[1, 2, 3]), 2, 1);
        assert_eq!(drawn, "_o\n  \n12\nss\n\n#\n \n3\ns\n");
        assert_eq!(render(&[], 2, 1), "");
    }
}
