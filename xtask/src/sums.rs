//! `cargo xtask vectors`: random INCRBYFLOAT sums.
//!
//! Redis adds in 80-bit long double and prints 17 digits after the point without trailing
//! zeros, so `0.1 + 0.2` is `0.3`. The operands are spread over the places where a double
//! or another rounding would show: short decimals, many digits, large and tiny exponents,
//! near cancellation, integers around 2^53 and 2^63.

use dunlin_testkit::oracle::{self, sums};
use dunlin_testkit::server::ServerBuilder;

use crate::Options;

/// Enough that a difference of one in a thousand cannot stay hidden.
const COUNT: usize = 10_000;
/// Any number; it only has to stay the same.
const SEED: u64 = 7_2_0_1;

/// Lets a real server compute the sums and writes them down.
pub(crate) fn record(options: &Options) -> Result<(), String> {
    let server = ServerBuilder::new(options.server()?).start();
    let mut random = fastrand::Rng::with_seed(SEED);
    let sums: Vec<_> = (0..COUNT).map(|_| sum(&mut random)).collect();
    let answers = sums::compute(&server, &sums).map_err(|error| error.to_string())?;
    let path = oracle::directory().join("string/incrbyfloat.sums");
    std::fs::write(&path, sums::render(&sums, &answers))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{COUNT} sums written");
    Ok(())
}

fn sum(random: &mut fastrand::Rng) -> sums::Sum {
    let start = operand(random);
    let increment = match random.u8(..8) {
        // Nearly cancels: the same number with another sign and last digit.
        0 => match start.strip_prefix('-') {
            Some(positive) => {
                format!("{positive}{}", if positive.contains('.') { "1" } else { "" })
            }
            None => format!("-{start}"),
        },
        _ => operand(random),
    };
    sums::Sum { start, increment }
}

fn operand(random: &mut fastrand::Rng) -> String {
    let sign = if random.bool() { "-" } else { "" };
    let digits = |random: &mut fastrand::Rng, count: usize| -> String {
        (0..count).map(|_| char::from(b'0' + random.u8(..10))).collect()
    };
    match random.u8(..9) {
        0 => format!("{sign}{}", random.u16(..)),
        1 => format!("{sign}{}.{}", random.u8(..100), random.u8(..10)),
        2 => format!("{sign}{}.{:02}", random.u16(..1000), random.u8(..100)),
        3 => format!("{sign}{}", random.u64(..1 << 53)),
        4 => format!("{sign}{}", i64::MAX.unsigned_abs() - u64::from(random.u8(..5))),
        5 => {
            let count = random.usize(1..18);
            format!("{sign}0.{}", digits(random, count))
        }
        6 => {
            let count = random.usize(1..17);
            format!("{sign}{}.{}", random.u32(..), digits(random, count))
        }
        7 => format!("{sign}{}.{}e{}", random.u8(..10), random.u32(..), random.i8(-20..30)),
        _ => format!("{sign}{}e{}", random.u8(1..10), random.i16(-30..60)),
    }
}
