//! Places of small functions, and refusals, natively.

use tracing::{Refusal, trace_module};

/// A module with one function without parameters, whose code is given without its final `end`.
fn module(code: &[u8]) -> Vec<u8> {
    let body = [&[0], code, &[0x0B]].concat();
    let length = u8::try_from(body.len()).expect("the code is short");
    let mut module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0A".to_vec();
    module.extend_from_slice(&[length + 2, 1, length]);
    module.extend_from_slice(&body);
    module
}

/// That nothing was inserted into the only function.
const NOTHING: [u8; 12] = [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];

/// Bytes, functions, blocks and branches of the places of a module that nothing meters.
fn counts(code: &[u8]) -> Vec<u32> {
    let module = module(code);
    let traced = trace_module(&module, &module, &NOTHING, true, false).expect("the module is valid");
    traced.places.chunks(4).take(4).map(|it| u32::from_le_bytes(it.try_into().expect("four bytes"))).collect()
}

#[test]
fn a_straight_function_is_one_block() {
    assert_eq!(counts(&[0x01, 0x01]), [1, 1, 1, 0]); // nop nop
}

#[test]
fn both_arms_of_a_condition_have_bytes() {
    // i32.const 0; if; nop; else; nop; end; nop: the entry, two arms, and what follows
    assert_eq!(counts(&[0x41, 0, 0x04, 0x40, 0x01, 0x05, 0x01, 0x0B, 0x01]), [4, 1, 4, 1]);
}

#[test]
fn code_that_cannot_be_reached_has_no_place() {
    // return; nop; nop
    assert_eq!(counts(&[0x0F, 0x01, 0x01]), [1, 1, 1, 0]);
}

#[test]
fn a_table_has_an_arm_for_each_target_and_the_default() {
    // block; block; i32.const 0; br_table 0 1 0; end; end
    assert_eq!(counts(&[0x02, 0x40, 0x02, 0x40, 0x41, 0, 0x0E, 2, 0, 1, 0, 0x0B, 0x0B])[3], 1);
    assert_eq!(counts(&[0x02, 0x40, 0x02, 0x40, 0x41, 0, 0x0E, 2, 0, 1, 0, 0x0B, 0x0B])[0], 4);
}

#[test]
fn insertions_that_end_too_early_are_refused() {
    let own = module(&[0x01]);
    for length in 0..NOTHING.len() {
        assert!(trace_module(&own, &own, &NOTHING[..length], true, true).is_err(), "{length}");
    }
}

#[test]
fn another_module_is_refused() {
    let (own, other) = (module(&[0x02, 0x40, 0x0B]), module(&[0x01]));
    for (one, two) in [(&own, &other), (&other, &own)] {
        assert!(matches!(trace_module(one, two, &NOTHING, true, true), Err(Refusal::Unsupported(_))));
    }
    assert!(trace_module(b"no module", &own, &NOTHING, true, true).is_err());
}
