//! `--latency-dist`: how long PING takes, as a spectrum of colours.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use super::latency::PAUSE;
use super::{Lasting, Output, Stopped};
use crate::connection::Connection;
use crate::options::{Options, Palette};

/// A line comes so often, unless `-i` says otherwise.
const SPAN: Duration = Duration::from_secs(1);
/// The legend is repeated after so many lines.
const LINES_PER_LEGEND: u64 = 20;

/// The upper ends of the classes in microseconds, with their symbols.
const CLASSES: [(u64, char); 30] = [
    (10, '.'),
    (125, '-'),
    (250, '*'),
    (500, '#'),
    (1_000, '1'),
    (2_000, '2'),
    (3_000, '3'),
    (4_000, '4'),
    (5_000, '5'),
    (6_000, '6'),
    (7_000, '7'),
    (8_000, '8'),
    (9_000, '9'),
    (10_000, 'A'),
    (20_000, 'B'),
    (30_000, 'C'),
    (40_000, 'D'),
    (50_000, 'E'),
    (100_000, 'F'),
    (200_000, 'G'),
    (300_000, 'H'),
    (400_000, 'I'),
    (500_000, 'J'),
    (1_000_000, 'K'),
    (2_000_000, 'L'),
    (4_000_000, 'M'),
    (8_000_000, 'N'),
    (16_000_000, 'O'),
    (30_000_000, 'P'),
    (60_000_000, 'Q'),
];
/// Above all classes.
const BEYOND: char = '?';

/// Colours of a terminal of 256, from none to all of the samples.
const fn colours(palette: Palette) -> &'static [u8] {
    match palette {
        Palette::Colours => &[
            0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 144, 143, 142, 184, 226, 214, 208, 202,
            196,
        ],
        Palette::Grey => &[0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 249, 251, 253],
    }
}

/// Draws for ever.
pub(super) fn run(
    connection: Connection,
    options: &Options,
    palette: Palette,
) -> Result<(), Stopped> {
    let mut server = Lasting::new(connection, options);
    let mut out = Output::new();
    let span = if options.interval.is_zero() { SPAN } else { options.interval };
    let mut counts = [0u64; CLASSES.len() + 1];
    let mut begin = Instant::now();
    let mut lines = 0u64;
    loop {
        let start = Instant::now();
        server.ask(&[b"PING"])?;
        counts[class(start.elapsed())] += 1;
        if begin.elapsed() > span {
            if lines.is_multiple_of(LINES_PER_LEGEND) {
                out.write_all(legend(palette).as_bytes())?;
            }
            lines += 1;
            out.write_all(spectrum(&counts, palette).as_bytes())?;
            out.flush()?;
            counts.fill(0);
            begin = Instant::now();
        }
        thread::sleep(PAUSE);
    }
}

fn class(latency: Duration) -> usize {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    CLASSES.partition_point(|(most, _)| *most < micros)
}

/// A line of symbols, the brighter the more of all samples are in their class.
fn spectrum(counts: &[u64; CLASSES.len() + 1], palette: Palette) -> String {
    let colours = colours(palette);
    let total: u64 = counts.iter().sum();
    let mut line = String::from("\x1b[38;5;0m");
    let symbols = CLASSES.iter().map(|(_, symbol)| *symbol).chain([BEYOND]);
    for (count, symbol) in counts.iter().zip(symbols) {
        let share = *count as f64 / total.max(1) as f64;
        let index = (share * (colours.len() - 1) as f64).ceil() as usize;
        line += &format!("\x1b[48;5;{}m{symbol}", colours[index.min(colours.len() - 1)]);
    }
    line + "\x1b[0m\n"
}

fn legend(palette: Palette) -> String {
    let blocks: String =
        colours(palette).iter().map(|colour| format!("\x1b[48;5;{colour}m ")).collect();
    format!(
        "---------------------------------------------\n\
         . - * #          .01 .125 .25 .5 milliseconds\n\
         1,2,3,...,9      from 1 to 9     milliseconds\n\
         A,B,C,D,E        10,20,30,40,50  milliseconds\n\
         F,G,H,I,J        .1,.2,.3,.4,.5       seconds\n\
         K,L,M,N,O,P,Q,?  1,2,4,8,16,30,60,>60 seconds\n\
         From 0 to 100%: {blocks}\x1b[0m\n\
         ---------------------------------------------\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_fall_into_their_class() {
        for (micros, symbol) in [(0, '.'), (10, '.'), (11, '-'), (1_000, '1'), (60_000_000, 'Q')] {
            assert_eq!(CLASSES[class(Duration::from_micros(micros))].1, symbol, "{micros}");
        }
        assert_eq!(class(Duration::from_secs(61)), CLASSES.len());
    }

    #[test]
    fn the_more_samples_the_brighter() {
        let mut counts = [0; CLASSES.len() + 1];
        (counts[0], counts[2]) = (1, 3);
        let line = spectrum(&counts, Palette::Grey);
        assert!(line.starts_with("\x1b[38;5;0m\x1b[48;5;235m.\x1b[48;5;0m-\x1b[48;5;247m*"));
        assert!(line.ends_with("\x1b[48;5;0m?\x1b[0m\n"));
        assert_eq!(legend(Palette::Colours).lines().count(), 8);
    }
}
