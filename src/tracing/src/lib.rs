//! Rewrites the metered module of a canister so that it records what it executes: coverage, and a profile.
//!
//! This crate becomes a WebAssembly module without imports. The host calls `buffer(length)` and writes there, one behind
//! the other: the canister's own module, the one that `src/metering` made of it, and what that inserted.
//! `trace(own, metered, what)` takes the lengths of the first two. It returns a status; the new module is then at `address()`, `length()` bytes long, and the
//! places that the coverage is about at `places_address()`, `places_length()` bytes. On failure the reason is at
//! `address()`.
//!
//! What this crate inserts is not counted as instructions of the canister, because the counting code is there already.

use std::sync::{LazyLock, Mutex, MutexGuard};

mod body;
mod insertions;
mod module;
mod parts;
mod places;
mod profile;

pub use module::{Traced, trace_module};
pub use parts::Refusal;

/// The module was rewritten.
pub const DONE: u32 = 0;
/// The bytes are no modules of which the second is the first with code that counts.
pub const REFUSED: u32 = 1;

/// Record which functions, blocks and branches execute.
pub const COVERAGE: u32 = 1;
/// Record which function executes how many instructions, called by which.
pub const PROFILE: u32 = 2;

static INPUT: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);
static OUTPUT: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);
static PLACES: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

fn locked(content: &'static LazyLock<Mutex<Vec<u8>>>) -> MutexGuard<'static, Vec<u8>> {
    content.lock().expect("bug: a module has one thread")
}

/// Makes room for `length` bytes of modules and returns the address, which holds until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(length: usize) -> *mut u8 {
    let mut input = locked(&INPUT);
    input.clear();
    input.resize(length, 0);
    input.as_mut_ptr()
}

/// Rewrites the modules in the buffer, which have `own` and `metered` bytes; `what` is `COVERAGE`, `PROFILE` or both.
#[unsafe(no_mangle)]
pub extern "C" fn trace(own: usize, metered: usize, what: u32) -> u32 {
    let input = locked(&INPUT);
    let (first, rest) = input.split_at(own.min(input.len()));
    let (second, insertions) = rest.split_at(metered.min(rest.len()));
    match trace_module(first, second, insertions, what & COVERAGE != 0, what & PROFILE != 0) {
        Ok(traced) => {
            *locked(&OUTPUT) = traced.module;
            *locked(&PLACES) = traced.places;
            DONE
        }
        Err(reason) => {
            *locked(&OUTPUT) = reason.to_string().into_bytes();
            REFUSED
        }
    }
}

/// Where the module is, or the reason why there is none.
#[unsafe(no_mangle)]
pub extern "C" fn address() -> *const u8 {
    locked(&OUTPUT).as_ptr()
}

/// How many bytes are at `address`.
#[unsafe(no_mangle)]
pub extern "C" fn length() -> usize {
    locked(&OUTPUT).len()
}

/// Where the places are.
#[unsafe(no_mangle)]
pub extern "C" fn places_address() -> *const u8 {
    locked(&PLACES).as_ptr()
}

/// How many bytes the places have.
#[unsafe(no_mangle)]
pub extern "C" fn places_length() -> usize {
    locked(&PLACES).len()
}
