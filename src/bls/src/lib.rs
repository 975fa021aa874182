//! BLS12-381 as a WebAssembly module without imports, for Pythons that have no native library for it.
//!
//! Arguments and results pass through one buffer in linear memory. The host calls `buffer(length)`, writes its
//! arguments there one after another, calls a function, and reads the result from the start of the buffer. Lengths
//! are bytes. Points are compressed (48 bytes in G1, 96 in G2), scalars are 32 bytes, big-endian and below the order
//! of the groups. The functions panic only if the host breaks these rules; bytes that are no point of the group are
//! an answer (`MALFORMED`), not a panic.

use std::sync::{LazyLock, Mutex, MutexGuard};

mod curve;

/// The operation succeeded: its result is in the buffer, or the signature is valid.
pub const DONE: u32 = 0;
/// A point is not in compressed form, not on the curve, or not in the subgroup of prime order.
pub const MALFORMED: u32 = 1;
/// The signature is a point of G1, but not the signature of this message by this key.
pub const WRONG: u32 = 2;

static BUFFER: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

fn locked() -> MutexGuard<'static, Vec<u8>> {
    BUFFER.lock().expect("bug: a module has one thread")
}

/// The longest result, which the buffer has room for whatever the arguments are.
const LONGEST: usize = 96;

/// Makes room for `length` bytes and for any result, and returns the address, which holds until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(length: usize) -> *mut u8 {
    let mut buffer = locked();
    buffer.clear();
    buffer.shrink_to(1 << 16);
    buffer.resize(length.max(LONGEST), 0);
    buffer.as_mut_ptr()
}

/// Replaces a scalar by that multiple of the generator of G2.
#[unsafe(no_mangle)]
pub extern "C" fn public_key() -> u32 {
    let mut buffer = locked();
    let key = curve::public_key(&bytes_at(&buffer, 0));
    buffer[..96].copy_from_slice(&key);
    DONE
}

/// Replaces message and domain separation tag (`tag_length` bytes at the end) by a point of G1.
#[unsafe(no_mangle)]
pub extern "C" fn hash_to_g1(length: usize, tag_length: usize) -> u32 {
    let mut buffer = locked();
    let (message, tag) = buffer[..length].split_at(length - tag_length);
    let point = curve::hash_to_g1(message, tag);
    buffer[..48].copy_from_slice(&point);
    DONE
}

/// Replaces a scalar, message and domain separation tag (`tag_length` bytes at the end) by the signature.
#[unsafe(no_mangle)]
pub extern "C" fn sign(length: usize, tag_length: usize) -> u32 {
    let mut buffer = locked();
    let (message, tag) = buffer[32..length].split_at(length - tag_length - 32);
    let signature = curve::sign(&bytes_at(&buffer, 0), message, tag);
    buffer[..48].copy_from_slice(&signature);
    DONE
}

/// Verifies: the buffer has a public key, a signature, the message, and the tag (`tag_length` bytes at the end).
#[unsafe(no_mangle)]
pub extern "C" fn verify(length: usize, tag_length: usize) -> u32 {
    let buffer = locked();
    let (message, tag) = buffer[144..length].split_at(length - tag_length - 144);
    match curve::verify(&bytes_at(&buffer, 0), &bytes_at(&buffer, 96), message, tag) {
        Some(true) => DONE,
        Some(false) => WRONG,
        None => MALFORMED,
    }
}

/// Replaces `count` terms, each a point of G1 and a scalar, by the sum of their products.
#[unsafe(no_mangle)]
pub extern "C" fn sum_in_g1(count: usize) -> u32 {
    let mut buffer = locked();
    let terms = buffer[..count * 80].chunks_exact(80).map(|term| (bytes_at(term, 0), bytes_at(term, 48)));
    match curve::sum_in_g1(terms) {
        Some(point) => {
            buffer[..48].copy_from_slice(&point);
            DONE
        }
        None => MALFORMED,
    }
}

fn bytes_at<const LENGTH: usize>(buffer: &[u8], start: usize) -> [u8; LENGTH] {
    buffer[start..start + LENGTH].try_into().expect("bug: the slice has this length")
}
