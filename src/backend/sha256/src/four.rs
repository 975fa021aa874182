//! Four blocks at a time, one a lane of a vector.
//!
//! The shifts are nested (`x >> 18 ^ x >> 7 ^ x >> 3` is `((x >> 11 ^ x) >> 4 ^ x) >> 3`) because vectors have no rotation, and a
//! nested shift takes fewer instructions than one more shift.

use core::arch::wasm32::{
    i8x16_shuffle, i32x4_add as add, i32x4_shl, i32x4_shuffle, u32x4, u32x4_extract_lane, u32x4_shr, v128, v128_xor as xor,
};

use super::BLOCK;

/// For each of the 64 rounds the word of the schedule plus the constant of the round, of each of four blocks.
type Schedule = [[u32; 4]; 64];

/// Writes something down 64 times: the compiler would keep loops, whose counting costs more than the code takes room.
macro_rules! each_round {
    ($do:ident) => {
        each_round!($do 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
        each_round!($do 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
    };
    ($do:ident $($t:literal)*) => { $($do!($t);)* };
}

/// Takes as many groups of four blocks as there are; returns the bytes that are left.
pub fn compress<'a>(words: &mut [u32; 8], blocks: &'a [u8]) -> &'a [u8] {
    let (groups, rest) = blocks.as_chunks::<{ 4 * BLOCK }>();
    let mut schedule = [[0; 4]; 64];
    for group in groups {
        fill(&mut schedule, group);
        for lane in 0..4 {
            *words = rounds(*words, &schedule, lane);
        }
    }
    rest
}

/// Computes the message schedules of four blocks: FIPS 180-4, section 6.2.2, step 1.
#[target_feature(enable = "simd128")]
fn fill(out: &mut Schedule, group: &[u8; 4 * BLOCK]) {
    let [w0, w1, w2, w3] = quarter(group, 0);
    let [w4, w5, w6, w7] = quarter(group, 16);
    let [w8, w9, w10, w11] = quarter(group, 32);
    let [w12, w13, w14, w15] = quarter(group, 48);
    let mut w = [w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15];
    macro_rules! step {
        ($t:expr) => {
            if $t >= 16 {
                let sum = add(small_sigma_1(w[($t + 14) % 16]), w[($t + 9) % 16]);
                w[$t % 16] = add(add(sum, small_sigma_0(w[($t + 1) % 16])), w[$t % 16]);
            }
            store(&mut out[$t], w[$t % 16], K[$t]);
        };
    }
    each_round!(step);
}

/// Four words of each block.
#[target_feature(enable = "simd128")]
fn quarter(group: &[u8; 4 * BLOCK], at: usize) -> [v128; 4] {
    transposed(load(group, at), load(group, BLOCK + at), load(group, 2 * BLOCK + at), load(group, 3 * BLOCK + at))
}

/// Sixteen bytes as they stand in memory.
#[target_feature(enable = "simd128")]
fn load(group: &[u8; 4 * BLOCK], at: usize) -> v128 {
    let word = |at: usize| u32::from_le_bytes([group[at], group[at + 1], group[at + 2], group[at + 3]]);
    u32x4(word(at), word(at + 4), word(at + 8), word(at + 12))
}

#[target_feature(enable = "simd128")]
fn store(out: &mut [u32; 4], word: v128, constant: u32) {
    let sum = add(word, u32x4(constant, constant, constant, constant));
    *out =
        [u32x4_extract_lane::<0>(sum), u32x4_extract_lane::<1>(sum), u32x4_extract_lane::<2>(sum), u32x4_extract_lane::<3>(sum)];
}

/// From four words of each block to one word of all blocks, four times; the bytes of each word are reversed on the way.
#[target_feature(enable = "simd128")]
fn transposed(a: v128, b: v128, c: v128, d: v128) -> [v128; 4] {
    let (ab_low, ab_high) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
    let (cd_low, cd_high) = (i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
    [first(ab_low, cd_low), second(ab_low, cd_low), first(ab_high, cd_high), second(ab_high, cd_high)]
}

#[target_feature(enable = "simd128")]
fn first(ab: v128, cd: v128) -> v128 {
    i8x16_shuffle::<3, 2, 1, 0, 7, 6, 5, 4, 19, 18, 17, 16, 23, 22, 21, 20>(ab, cd)
}

#[target_feature(enable = "simd128")]
fn second(ab: v128, cd: v128) -> v128 {
    i8x16_shuffle::<11, 10, 9, 8, 15, 14, 13, 12, 27, 26, 25, 24, 31, 30, 29, 28>(ab, cd)
}

/// Rotations right by 7 and 18, and a shift by 3.
#[target_feature(enable = "simd128")]
fn small_sigma_0(x: v128) -> v128 {
    let right = u32x4_shr(xor(u32x4_shr(xor(u32x4_shr(x, 11), x), 4), x), 3);
    xor(right, i32x4_shl(xor(i32x4_shl(x, 11), x), 14))
}

/// Rotations right by 17 and 19, and a shift by 10.
#[target_feature(enable = "simd128")]
fn small_sigma_1(x: v128) -> v128 {
    let right = u32x4_shr(xor(u32x4_shr(xor(u32x4_shr(x, 2), x), 7), x), 10);
    xor(right, i32x4_shl(xor(i32x4_shl(x, 2), x), 13))
}

/// The 64 rounds of one block: FIPS 180-4, section 6.2.2, steps 2 to 4.
fn rounds(words: [u32; 8], schedule: &Schedule, lane: usize) -> [u32; 8] {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = words;
    let mut b_xor_c = b ^ c;
    macro_rules! round {
        ($t:expr) => {
            let t1 = h.wrapping_add(schedule[$t][lane]).wrapping_add(big_sigma_1(e)).wrapping_add((f ^ g) & e ^ g);
            let a_xor_b = a ^ b;
            let t2 = big_sigma_0(a).wrapping_add(a_xor_b & b_xor_c ^ b);
            (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
            b_xor_c = a_xor_b;
        };
    }
    each_round!(round);
    let _ = b_xor_c;
    let mut sums = [a, b, c, d, e, f, g, h];
    sums.iter_mut().zip(words).for_each(|(sum, word)| *sum = sum.wrapping_add(word));
    sums
}

/// Rotations right by 2, 13 and 22.
fn big_sigma_0(a: u32) -> u32 {
    ((a.rotate_right(9) ^ a).rotate_right(11) ^ a).rotate_right(2)
}

/// Rotations right by 6, 11 and 25.
fn big_sigma_1(e: u32) -> u32 {
    ((e.rotate_right(14) ^ e).rotate_right(5) ^ e).rotate_right(6)
}

/// The constants of the rounds: FIPS 180-4, section 4.2.2.
#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];
