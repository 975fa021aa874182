//! A set of chunk indexes as sorted, disjoint, non-adjacent half-open ranges.

use candid::{CandidType, Deserialize};

use crate::stored::{Reader, Stored};

/// Which chunks have arrived. In index order this is one range, whatever the number of chunks.
#[derive(CandidType, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u32, u32)>);

impl Stored for Ranges {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Stored::take(from).map(Self)
    }
}

impl Ranges {
    /// Whether the set has this index.
    pub fn contains(&self, index: u32) -> bool {
        let after = self.0.partition_point(|&(start, _)| start <= index);
        after > 0 && index < self.0[after - 1].1
    }

    /// Adds an index; false when it was there.
    pub fn insert(&mut self, index: u32) -> bool {
        if self.contains(index) {
            return false;
        }
        let after = self.0.partition_point(|&(start, _)| start <= index);
        let joins_left = after > 0 && self.0[after - 1].1 == index;
        let joins_right = after < self.0.len() && self.0[after].0 == index + 1;
        match (joins_left, joins_right) {
            (true, true) => {
                self.0[after - 1].1 = self.0[after].1;
                self.0.remove(after);
            }
            (true, false) => self.0[after - 1].1 = index + 1,
            (false, true) => self.0[after].0 = index,
            (false, false) => self.0.insert(after, (index, index + 1)),
        }
        true
    }

    /// The ranges, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.0.iter().copied()
    }

    /// How many indexes the set has.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// What is missing of `0..end`, as ranges.
    pub fn missing(&self, end: u32) -> Vec<(u32, u32)> {
        let mut gaps = Vec::new();
        let mut next = 0;
        for &(start, stop) in &self.0 {
            if next < start {
                gaps.push((next, start.min(end)));
            }
            next = stop;
        }
        if next < end {
            gaps.push((next, end));
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Ranges behave like a set of numbers, whatever the order of arrival.
        #[test]
        fn behaves_like_a_set(indexes in prop::collection::vec(0u32..40, 0..80)) {
            let mut ranges = Ranges::default();
            let mut model = BTreeSet::new();
            for index in indexes {
                prop_assert_eq!(ranges.insert(index), model.insert(index));
            }
            prop_assert_eq!(ranges.count() as usize, model.len());
            let missing: Vec<u32> = ranges.missing(40).iter().flat_map(|&(a, b)| a..b).collect();
            let expected: Vec<u32> = (0..40).filter(|n| !model.contains(n)).collect();
            prop_assert_eq!(missing, expected);
            let bounds: Vec<_> = ranges.iter().collect();
            prop_assert!(bounds.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
