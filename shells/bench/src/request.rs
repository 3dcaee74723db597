//! The bytes of requests, and the parts of them that change.

use memchr::memmem;

use crate::tag::{self, Tag};

/// What is overwritten by random digits where `-r` is given.
pub(crate) const RANDOM: &[u8] = b"__rand_int__";
/// One more than the largest number of twelve digits.
const KEYSPACE_MAX: u64 = 1_000_000_000_000;

/// Requests that are sent at once. Random numbers and tags are overwritten in place: nothing is
/// allocated or copied for a request.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    bytes: Vec<u8>,
    random: Vec<usize>,
    tags: Vec<usize>,
    keyspace: u64,
}

impl Pipeline {
    /// So many times this request. With a keyspace its random parts change, and its tags if it
    /// is for a cluster.
    pub(crate) fn new(
        request: &[u8],
        depth: usize,
        keyspace: Option<u64>,
        is_tagged: bool,
    ) -> Self {
        let bytes = request.repeat(depth);
        let places = |what| memmem::find_iter(&bytes, what).collect();
        let random = keyspace.map_or_else(Vec::new, |_| places(RANDOM));
        let tags = if is_tagged { places(tag::PLACEHOLDER) } else { Vec::new() };
        let keyspace = keyspace.unwrap_or(0).min(KEYSPACE_MAX);
        Self { bytes, random, tags, keyspace }
    }

    /// What is to be sent.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether its keys follow the node that it is sent to.
    pub(crate) fn has_tags(&self) -> bool {
        !self.tags.is_empty()
    }

    /// Puts new random numbers in.
    pub(crate) fn randomize(&mut self, random: &mut fastrand::Rng) {
        for &at in &self.random {
            let number = if self.keyspace == 0 { 0 } else { random.u64(..self.keyspace) };
            write_digits(&mut self.bytes[at..at + RANDOM.len()], number);
        }
    }

    /// Lets all keys lie in a slot of this tag.
    pub(crate) fn set_tag(&mut self, tag: Tag) {
        for &at in &self.tags {
            self.bytes[at + 1..at + 1 + tag.len()].copy_from_slice(&tag);
        }
    }
}

/// Fills the place with the number, zeros in front.
fn write_digits(place: &mut [u8], mut number: u64) {
    for digits in place.rchunks_exact_mut(2) {
        let pair = (number % 100) as u8;
        number /= 100;
        digits.copy_from_slice(&[b'0' + pair / 10, b'0' + pair % 10]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pipeline: &Pipeline) -> &str {
        str::from_utf8(pipeline.bytes()).expect("text")
    }

    #[test]
    fn digits() {
        let mut place = *b"__rand_int__";
        for (number, expected) in
            [(0, b"000000000000"), (7, b"000000000007"), (KEYSPACE_MAX - 1, b"999999999999")]
        {
            write_digits(&mut place, number);
            assert_eq!(&place, expected);
        }
    }

    #[test]
    fn every_random_part_changes_and_nothing_else() {
        let request = b"a __rand_int__ __rand_int__b ";
        let mut pipeline = Pipeline::new(request, 3, Some(1_000), false);
        let mut random = fastrand::Rng::with_seed(1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            pipeline.randomize(&mut random);
            assert_eq!(pipeline.bytes().len(), request.len() * 3);
            for part in pipeline.bytes().chunks(request.len()) {
                let part = str::from_utf8(part).expect("text");
                let words: Vec<&str> = part.split(' ').collect();
                assert_eq!((words[0], words[3]), ("a", ""));
                for digits in [words[1], words[2].strip_suffix('b').expect("b")] {
                    assert_eq!(digits.len(), 12);
                    seen.insert(digits.parse::<u64>().expect("digits"));
                }
            }
        }
        // 6,000 draws: each number is missed with probability 0.0025.
        assert!(seen.len() > 950 && seen.iter().all(|&number| number < 1_000), "{}", seen.len());
    }

    #[test]
    fn the_same_seed_gives_the_same_requests() {
        let requests = |seed| {
            let mut pipeline = Pipeline::new(b"__rand_int__,", 9, Some(u64::MAX), false);
            pipeline.randomize(&mut fastrand::Rng::with_seed(seed));
            text(&pipeline).to_owned()
        };
        assert_eq!(requests(7), requests(7));
        assert_ne!(requests(7), requests(8));
    }

    #[test]
    fn what_was_not_asked_for_stays() {
        let mut pipeline = Pipeline::new(b"{tag} __rand_int__", 1, None, false);
        pipeline.randomize(&mut fastrand::Rng::with_seed(1));
        pipeline.set_tag(*b"abc");
        assert_eq!(text(&pipeline), "{tag} __rand_int__");
        assert!(!pipeline.has_tags());
        let mut pipeline = Pipeline::new(b"__rand_int__ __rand_in", 1, Some(0), true);
        pipeline.randomize(&mut fastrand::Rng::with_seed(1));
        assert_eq!(text(&pipeline), "000000000000 __rand_in");
    }

    #[test]
    fn tags() {
        let mut pipeline = Pipeline::new(b"k{tag} {tag}{ta}", 2, None, true);
        assert!(pipeline.has_tags());
        pipeline.set_tag(*b"0aZ");
        assert_eq!(text(&pipeline), "k{0aZ} {0aZ}{ta}k{0aZ} {0aZ}{ta}");
    }
}
