//! The compression function of SHA-256 (FIPS 180-4, section 6.2.2), made for Wasm, where it is what an upload costs.
//!
//! The message schedule of a block depends on nothing but the block, so that of four blocks is computed at once, one block a lane of
//! a vector (`schedule`); only the rounds are a chain (`rounds`). A byte takes about 62 Wasm instructions, where the crate `sha2`
//! takes 78, of which the rounds alone are 51: there is not much left to gain.
//!
//! Elsewhere, and for what does not fill four blocks, `sha2` does the work.

#[cfg(target_family = "wasm")]
mod four;

use sha2::digest::generic_array::GenericArray;

/// Bytes of a block.
pub const BLOCK: usize = 64;

/// Takes whole blocks into the eight words of a half-done hash. Bytes that do not fill a block at the end are left out.
pub fn compress(words: &mut [u32; 8], blocks: &[u8]) {
    let rest = in_fours(words, blocks);
    for block in rest.chunks_exact(BLOCK) {
        sha2::compress256(words, &[*GenericArray::from_slice(block)]);
    }
}

#[cfg(target_family = "wasm")]
fn in_fours<'a>(words: &mut [u32; 8], blocks: &'a [u8]) -> &'a [u8] {
    four::compress(words, blocks)
}

/// `sha2` uses what the processor has for SHA-256.
#[cfg(not(target_family = "wasm"))]
fn in_fours<'a>(_words: &mut [u32; 8], blocks: &'a [u8]) -> &'a [u8] {
    blocks
}
