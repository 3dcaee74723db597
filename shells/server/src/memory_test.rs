//! `--test-memory`: writes patterns through an amount of memory and reads them back.

use std::process::ExitCode;

/// Megabytes that are tested at most: more than any machine has, less than what overflows.
const MEGABYTES_MAX: usize = 1 << 24;

/// Words per megabyte.
const WORDS_PER_MB: usize = (1 << 20) / size_of::<u64>();

/// Runs the test.
pub(crate) fn run(program: &str, megabytes: Option<&str>) -> ExitCode {
    let Some(megabytes) = megabytes else {
        eprintln!("Please specify the amount of memory to test in megabytes.");
        eprintln!("Example: {program} --test-memory 4096\n");
        return ExitCode::FAILURE;
    };
    let amount = megabytes.parse().ok().filter(|mb| (1..=MEGABYTES_MAX).contains(mb));
    let Some(amount) = amount else {
        eprintln!("'{megabytes}' is not an amount of memory in megabytes (1 to {MEGABYTES_MAX}).");
        return ExitCode::FAILURE;
    };
    let mut words: Vec<u64> = Vec::new();
    if words.try_reserve_exact(amount * WORDS_PER_MB).is_err() {
        eprintln!("Unable to allocate {amount} megabytes: Cannot allocate memory");
        return ExitCode::FAILURE;
    }
    words.resize(amount * WORDS_PER_MB, 0);
    for (name, pattern) in PATTERNS {
        print!("{name}... ");
        let _ = std::io::Write::flush(&mut std::io::stdout());
        if let Some(place) = faulty_word(&mut words, *pattern) {
            println!("FAILED at byte {}", place * size_of::<u64>());
            println!("*** MEMORY ERROR DETECTED. Replace or reseat the memory of this machine.");
            return ExitCode::FAILURE;
        }
        println!("OK");
    }
    println!("\nYour memory passed this test.");
    println!("Please if you are still in doubt use a tool that runs without an operating system,");
    println!("such as memtest86+, which reaches the memory that this process cannot.");
    ExitCode::SUCCESS
}

/// What a word at an index should hold.
type Pattern = fn(usize) -> u64;

static PATTERNS: &[(&str, Pattern)] = &[
    ("Addressing", |index| index as u64),
    ("Inverted addressing", |index| !(index as u64)),
    ("All zeros", |_| 0),
    ("All ones", |_| u64::MAX),
    (
        "Checkerboard",
        |index| if index % 2 == 0 { 0x5555_5555_5555_5555 } else { !0x5555_5555_5555_5555 },
    ),
    ("Scattered bits", |index| (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)),
];

/// Fills the memory with a pattern, reads it back, and returns the first word that differs.
fn faulty_word(words: &mut [u64], pattern: Pattern) -> Option<usize> {
    for (index, word) in words.iter_mut().enumerate() {
        *word = pattern(index);
    }
    // Keeps the compiler from knowing what was written.
    let words = std::hint::black_box(words);
    words.iter().enumerate().position(|(index, word)| *word != pattern(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_memory_passes() {
        let mut words = vec![0; 4096];
        for (name, pattern) in PATTERNS {
            assert_eq!(faulty_word(&mut words, *pattern), None, "{name}");
        }
    }
}
