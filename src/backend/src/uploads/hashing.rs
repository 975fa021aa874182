//! A SHA-256 that can be put away half-done.
//!
//! The crate `sha256` (in this crate's folder) gives the compression function; the state between two chunks (eight words, what does
//! not fill a block yet, the length) is kept here, so that its stored form is ours and does not change with a library.

use candid::{CandidType, Deserialize};
use sha256::BLOCK;

use crate::codec::Digest;
use crate::stored::layout;

/// Initial words: FIPS 180-4, section 5.3.3.
const START: [u32; 8] = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A half-done SHA-256.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct RollingHash {
    words: [u32; 8],
    #[serde(with = "serde_bytes")]
    tail: Vec<u8>,
    len: u64,
}

layout!(RollingHash { words, tail, len });

impl Default for RollingHash {
    fn default() -> Self {
        Self { words: START, tail: Vec::new(), len: 0 }
    }
}

impl RollingHash {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len() as u64;
        if !self.tail.is_empty() {
            let (head, rest) = bytes.split_at(bytes.len().min(BLOCK - self.tail.len()));
            self.tail.extend_from_slice(head);
            bytes = rest;
            if self.tail.len() < BLOCK {
                return;
            }
            let block = std::mem::take(&mut self.tail);
            self.compress(&block);
        }
        let whole = bytes.len() / BLOCK * BLOCK;
        self.compress(&bytes[..whole]);
        self.tail.extend_from_slice(&bytes[whole..]);
    }

    /// The digest of everything taken so far; more can still be taken afterwards.
    pub fn digest(&self) -> Digest {
        let mut last = self.clone();
        let mut padding = vec![0x80];
        padding.resize(1 + (BLOCK * 2 - 9 - self.tail.len()) % BLOCK, 0);
        padding.extend((self.len * 8).to_be_bytes());
        last.update(&padding);
        let mut digest = [0; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(last.words) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }

    fn compress(&mut self, blocks: &[u8]) {
        sha256::compress(&mut self.words, blocks);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::sha256;

    proptest! {
        /// However the bytes are cut, the digest is that of the whole, also after being stored in between.
        #[test]
        fn agrees_with_sha2(bytes in prop::collection::vec(any::<u8>(), 0..700), cuts in prop::collection::vec(0usize..700, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            cuts.push(bytes.len());
            let (mut hash, mut at) = (RollingHash::default(), 0);
            for cut in cuts {
                hash.update(&bytes[at..cut]);
                hash = crate::stored::from_bytes(&crate::stored::to_bytes(&hash)).expect("bug: round trip");
                at = cut;
            }
            prop_assert_eq!(hash.digest(), sha256(&bytes));
        }
    }
}
