//! Whether elements are distinct, in bounded time also where somebody would like it not to be.

use std::cmp::Ordering;

use super::element::Element;
use super::view::{Listpack, Place};
use crate::hasher::MemberHasher;

/// Up to so many elements each is compared with each: some hundred comparisons.
const COMPARED_MAX: usize = 16;

/// Tells whether elements of listpacks are distinct; keeps its memory from one to the next.
#[derive(Debug, Default)]
pub struct Distinct {
    /// The elements, for sorting: what they are ordered by first, and where they are.
    order: Vec<(u64, Place)>,
}

impl Distinct {
    /// Without memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { order: Vec::new() }
    }

    /// The first element that is there before among every `stride`-th one. The listpack is one that
    /// was checked and is normal ([`super::survey`]). O(n log n).
    #[must_use]
    pub fn repeated(&mut self, list: Listpack<'_>, stride: usize) -> Option<Place> {
        self.order.clear();
        // Equal elements have equal hashes, and nothing more is asked of them: elements whose
        // hashes collide are told apart by their bytes while sorting.
        let hasher = MemberHasher::new(0);
        let small = list.iter().step_by(stride).nth(COMPARED_MAX).is_none();
        let hash = |element: Element<'_>| match element {
            _ if small => 0,
            Element::Int(number) => number.cast_unsigned(),
            Element::Text(text) => hasher.hash(text),
        };
        let keys = list.iter().step_by(stride).map(|(place, element)| (hash(element), place));
        self.order.extend(keys);
        if small {
            return self.repeated_of_few(list);
        }
        let compare = |(a, place): &(u64, Place), (b, other): &(u64, Place)| {
            a.cmp(b).then_with(|| order_of(list.get(*place), list.get(*other)))
        };
        self.order.sort_unstable_by(compare);
        let mut pairs = self.order.windows(2);
        pairs.find(|pair| compare(&pair[0], &pair[1]).is_eq()).map(|pair| pair[0].1.max(pair[1].1))
    }

    fn repeated_of_few(&self, list: Listpack<'_>) -> Option<Place> {
        let mut elements = [Element::Int(0); COMPARED_MAX];
        for (number, (_, place)) in self.order.iter().enumerate() {
            let element = list.get(*place);
            if elements[..number].contains(&element) {
                return Some(*place);
            }
            elements[number] = element;
        }
        None
    }
}

fn order_of(a: Element<'_>, b: Element<'_>) -> Ordering {
    match (a, b) {
        (Element::Int(a), Element::Int(b)) => a.cmp(&b),
        (Element::Text(a), Element::Text(b)) => a.cmp(b),
        (Element::Int(_), Element::Text(_)) => Ordering::Less,
        (Element::Text(_), Element::Int(_)) => Ordering::Greater,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listpack::{Appender, EMPTY};

    fn repeated(elements: &[Element<'_>], stride: usize) -> Option<usize> {
        let mut bytes = EMPTY.to_vec();
        let mut to = Appender::new(&mut bytes);
        elements.iter().for_each(|element| to.push(*element));
        to.finish();
        let list = Listpack::new(&bytes);
        let place = Distinct::default().repeated(list, stride)?;
        list.iter().position(|(at, _)| at == place)
    }

    #[test]
    fn repetition_is_found_in_few_and_in_many() {
        for count in [0, 1, 5, 16, 17, 40, 3000] {
            let texts: Vec<String> = (0..count).map(|n| format!("x{n}")).collect();
            let mut elements: Vec<Element<'_>> = Vec::new();
            for (number, text) in texts.iter().enumerate() {
                elements.push(Element::Int(number as i64 - 3));
                elements.push(Element::Text(text.as_bytes()));
            }
            assert_eq!(repeated(&elements, 1), None);
            if count > 1 {
                elements.push(Element::Text(b"x1"));
                assert_eq!(repeated(&elements, 1), Some(2 * count));
                elements[2 * count] = Element::Int(-2);
                assert_eq!(repeated(&elements, 1), Some(2 * count));
                assert_eq!(repeated(&elements, 2), Some(2 * count));
                elements.insert(0, Element::Int(7));
                assert_eq!(repeated(&elements, 2), None);
            }
        }
    }
}
