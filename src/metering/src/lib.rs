//! Rewrites the module of a canister so that it counts its instructions as the Internet Computer does.
//!
//! This crate becomes a WebAssembly module without imports. The host calls `buffer(length)`, writes a module there,
//! calls `rewrite`, and reads `length()` bytes at `address()`: the rewritten module, or the reason why there is none.
//! The host validates the module before: what is not valid may be rewritten to something that is.

use std::sync::{LazyLock, Mutex, MutexGuard};

mod blocks;
mod code;
mod complexity;
mod module;
mod weights;

pub use code::PORTION;
pub use module::{COUNTER, GRANT, Metered, REST, SINCE, meter};
pub use weights::{Memory, weight};

/// The module was rewritten.
pub const DONE: u32 = 0;
/// The bytes are no module, or one that uses what canisters may not.
pub const MALFORMED: u32 = 1;
/// The module has a function that is too complex.
pub const TOO_COMPLEX: u32 = 2;

static INPUT: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);
static OUTPUT: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);
static INSERTIONS: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

fn locked(content: &'static LazyLock<Mutex<Vec<u8>>>) -> MutexGuard<'static, Vec<u8>> {
    content.lock().expect("bug: a module has one thread")
}

/// Makes room for a module of `length` bytes and returns the address, which holds until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(length: usize) -> *mut u8 {
    let mut input = locked(&INPUT);
    input.clear();
    input.resize(length, 0);
    input.as_mut_ptr()
}

/// Rewrites the module in the buffer.
#[unsafe(no_mangle)]
pub extern "C" fn rewrite() -> u32 {
    let (status, output, insertions) = match meter(&locked(&INPUT)) {
        Ok(metered) => (DONE, metered.module, metered.insertions),
        Err(reason) => (reason.status(), reason.to_string().into_bytes(), Vec::new()),
    };
    *locked(&OUTPUT) = output;
    *locked(&INSERTIONS) = insertions;
    status
}

/// Where the result of `rewrite` is.
#[unsafe(no_mangle)]
pub extern "C" fn address() -> *const u8 {
    locked(&OUTPUT).as_ptr()
}

/// How many bytes the result of `rewrite` has.
#[unsafe(no_mangle)]
pub extern "C" fn length() -> usize {
    locked(&OUTPUT).len()
}

/// Where the insertions of `rewrite` are.
#[unsafe(no_mangle)]
pub extern "C" fn insertions_address() -> *const u8 {
    locked(&INSERTIONS).as_ptr()
}

/// How many bytes the insertions have.
#[unsafe(no_mangle)]
pub extern "C" fn insertions_length() -> usize {
    locked(&INSERTIONS).len()
}
