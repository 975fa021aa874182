//! Space for bytes in stable memory: first come, best fit, freed space is used again.
//!
//! ```text
//! BYTES          page 0      page 1      page 2      page 3      …        16 KiB each
//!                ├ chunk a ──────────────┤├ free ────┤├ chunk b …
//! FREE_BY_START  first page      u32 → pages u32          to join neighbours
//! FREE_BY_SIZE   (pages u32, first page u32) → ()         to find the best fit
//! ```
//!
//! Every page of BYTES is either in exactly one extent of one chunk or in exactly one free extent, and no two free extents touch.
//! A chunk is one extent where possible; where the free space is in pieces it takes several, so memory only grows when nothing is free.

use ic_stable_structures::{BTreeMap, Memory};

/// Bytes of a page: small enough to waste little on a thumbnail, large enough for few extents a chunk.
pub const PAGE: u64 = 16 * 1024;
const PAGES_PER_WASM_PAGE: u64 = 65_536 / PAGE;

/// A run of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First page.
    pub first: u32,
    /// Number of pages.
    pub pages: u32,
}

/// The bytes, and what of them is free.
pub struct Space<M: Memory> {
    bytes: M,
    by_start: BTreeMap<u32, u32, M>,
    by_size: BTreeMap<(u32, u32), (), M>,
}

impl<M: Memory> Space<M> {
    /// Opens the space that these memories hold.
    pub fn open(bytes: M, by_start: M, by_size: M) -> Self {
        Self { bytes, by_start: BTreeMap::init(by_start), by_size: BTreeMap::init(by_size) }
    }

    /// Stores bytes; `None` when stable memory cannot grow, and then nothing changed.
    pub fn store(&mut self, bytes: &[u8]) -> Option<Vec<Extent>> {
        let extents = self.allocate(pages_for(bytes.len()))?;
        let mut rest = bytes;
        for extent in &extents {
            let (part, more) = rest.split_at(rest.len().min(extent.len() as usize));
            self.bytes.write(extent.start(), part);
            rest = more;
        }
        Some(extents)
    }

    /// Reads `into.len()` bytes from an offset within what the extents hold.
    pub fn read(&self, extents: &[Extent], offset: u64, into: &mut [u8]) {
        let (mut skip, mut done) = (offset, 0);
        for extent in extents {
            if skip >= extent.len() {
                skip -= extent.len();
                continue;
            }
            let part = (into.len() - done).min((extent.len() - skip) as usize);
            self.bytes.read(extent.start() + skip, &mut into[done..done + part]);
            (skip, done) = (0, done + part);
        }
    }

    /// Gives extents back.
    pub fn free(&mut self, extents: &[Extent]) {
        extents.iter().for_each(|&extent| self.free_one(extent));
    }

    fn allocate(&mut self, pages: u32) -> Option<Vec<Extent>> {
        if let Some(fit) = self.smallest_of_at_least(pages) {
            return Some(vec![self.take(fit, pages)]);
        }
        let mut taken = Vec::new();
        let mut missing = pages;
        while missing > 0 {
            let next = self.largest().or_else(|| self.grow(missing));
            let Some(extent) = next else {
                self.free(&taken);
                return None;
            };
            let part = self.take(extent, missing.min(extent.pages));
            missing -= part.pages;
            taken.push(part);
        }
        Some(taken)
    }

    fn smallest_of_at_least(&self, pages: u32) -> Option<Extent> {
        let entry = self.by_size.range((pages, 0)..).next()?;
        let &(pages, first) = entry.key();
        Some(Extent { first, pages })
    }

    fn largest(&self) -> Option<Extent> {
        self.by_size.last_key_value().map(|((pages, first), ())| Extent { first, pages })
    }

    /// Adds at least so many free pages at the end.
    fn grow(&mut self, pages: u32) -> Option<Extent> {
        let wasm_pages = u64::from(pages).div_ceil(PAGES_PER_WASM_PAGE);
        let before = u64::try_from(self.bytes.grow(wasm_pages)).ok()?;
        let first = u32::try_from(before * PAGES_PER_WASM_PAGE).ok()?;
        self.free_one(Extent { first, pages: (wasm_pages * PAGES_PER_WASM_PAGE) as u32 });
        self.largest()
    }

    /// Takes the first pages of a free extent; the rest stays free.
    fn take(&mut self, from: Extent, pages: u32) -> Extent {
        self.remove_free(from);
        if pages < from.pages {
            self.insert_free(Extent { first: from.first + pages, pages: from.pages - pages });
        }
        Extent { first: from.first, pages }
    }

    fn free_one(&mut self, mut extent: Extent) {
        if let Some(before) = self.free_before(extent.first).filter(|before| before.end() == extent.first) {
            self.remove_free(before);
            extent = Extent { first: before.first, pages: before.pages + extent.pages };
        }
        if let Some(pages) = self.by_start.get(&extent.end()) {
            self.remove_free(Extent { first: extent.end(), pages });
            extent.pages += pages;
        }
        self.insert_free(extent);
    }

    fn free_before(&self, first: u32) -> Option<Extent> {
        let entry = self.by_start.range(..first).next_back()?;
        Some(Extent { first: *entry.key(), pages: entry.value() })
    }

    fn insert_free(&mut self, extent: Extent) {
        self.by_start.insert(extent.first, extent.pages);
        self.by_size.insert((extent.pages, extent.first), ());
    }

    fn remove_free(&mut self, extent: Extent) {
        self.by_start.remove(&extent.first);
        self.by_size.remove(&(extent.pages, extent.first));
    }
}

impl Extent {
    fn start(self) -> u64 {
        u64::from(self.first) * PAGE
    }

    fn len(self) -> u64 {
        u64::from(self.pages) * PAGE
    }

    fn end(self) -> u32 {
        self.first + self.pages
    }
}

fn pages_for(len: usize) -> u32 {
    (len as u64).div_ceil(PAGE) as u32
}

#[cfg(test)]
mod tests {
    use ic_stable_structures::VectorMemory;
    use proptest::prelude::*;

    use super::*;

    fn space() -> Space<VectorMemory> {
        Space::open(VectorMemory::default(), VectorMemory::default(), VectorMemory::default())
    }

    fn pattern(seed: u8, len: usize) -> Vec<u8> {
        (0..len).map(|at| seed.wrapping_add(at as u8)).collect()
    }

    /// Filling, freeing every other piece and filling again with larger ones a hundred times takes no more memory than once.
    #[test]
    fn space_is_used_again() {
        let mut space = space();
        let mut size = 0;
        for round in 0..100 {
            let mut held: Vec<_> = (0..10).map(|n| space.store(&pattern(n, 100_000)).expect("bug: grows")).collect();
            let odd: Vec<_> = held.iter().skip(1).step_by(2).cloned().collect();
            odd.iter().for_each(|extents| space.free(extents));
            held = held.into_iter().step_by(2).collect();
            let large = space.store(&pattern(9, 500_000)).expect("bug: grows");
            let mut back = vec![0; 500_000];
            space.read(&large, 0, &mut back);
            assert_eq!(back, pattern(9, 500_000));
            space.free(&large);
            held.iter().for_each(|extents| space.free(extents));
            if round == 0 {
                size = space.bytes.size();
            }
            assert_eq!(space.bytes.size(), size, "round {round}");
        }
        assert_eq!(space.by_start.len(), 1, "all free pages are joined");
    }

    proptest! {
        /// Whatever is stored and freed: what is held reads back, and every page is held or free exactly once.
        #[test]
        fn pages_are_never_lost_or_shared(steps in prop::collection::vec((any::<bool>(), 1usize..200_000, any::<u8>()), 1..40)) {
            let mut space = space();
            let mut held: Vec<(Vec<Extent>, Vec<u8>)> = Vec::new();
            for (store, len, seed) in steps {
                if store || held.is_empty() {
                    let bytes = pattern(seed, len);
                    held.push((space.store(&bytes).expect("bug: grows"), bytes));
                } else {
                    let (extents, _) = held.swap_remove(len % held.len());
                    space.free(&extents);
                }
            }
            for (extents, bytes) in &held {
                let mut back = vec![0; bytes.len()];
                space.read(extents, 0, &mut back);
                prop_assert_eq!(&back, bytes);
            }
            let used: u32 = held.iter().flat_map(|(extents, _)| extents).map(|extent| extent.pages).sum();
            let free: u32 = space.by_start.values().sum();
            prop_assert_eq!(u64::from(used + free), space.bytes.size() * PAGES_PER_WASM_PAGE);
            prop_assert_eq!(space.by_start.len(), space.by_size.len());
        }
    }
}
