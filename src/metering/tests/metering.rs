//! Weights and rewritten modules, natively.

use metering::{COUNTER, GRANT, Memory, PORTION, REST, SINCE, meter, weight};
use wasmparser::{Operator, Parser, Payload};

/// A module with one function, whose code is given without its final `end`.
fn module(code: &[u8]) -> Vec<u8> {
    let body = [&[0], code, &[0x0B]].concat();
    let length = u8::try_from(body.len()).expect("the code is short");
    let mut module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0A".to_vec();
    module.extend_from_slice(&[length + 2, 1, length]);
    module.extend_from_slice(&body);
    module
}

/// The instructions of the first function after rewriting, without those that are executed only for another portion.
fn operators(module: &[u8]) -> Vec<Operator<'static>> {
    let rewritten = Vec::leak(meter(module).expect("the module is valid").module);
    for payload in Parser::new(0).parse_all(rewritten) {
        if let Payload::CodeSectionEntry(body) = payload.expect("the output is a module") {
            let operators = body.get_operators_reader().expect("operators").into_iter();
            let portion = |operator: &Operator<'_>| matches!(operator, Operator::I64Const { value } if *value == PORTION);
            return operators.map(|operator| operator.expect("an operator")).filter(|operator| !portion(operator)).collect();
        }
    }
    panic!("the output has no function");
}

/// The constants that the code of the first function subtracts from the counter.
fn charges(module: &[u8]) -> Vec<i64> {
    let charge = |pair: &[Operator<'static>]| match pair {
        [Operator::I64Const { value }, Operator::I64Sub] => Some(*value),
        _ => None,
    };
    operators(module).windows(2).filter_map(charge).collect()
}

/// The charges that are written to the global variable at once.
fn writes(module: &[u8]) -> Vec<i64> {
    let operators = operators(module);
    let charge = |found: &[Operator<'static>]| match found {
        [Operator::I64Const { value }, Operator::I64Sub, Operator::LocalTee { .. }, Operator::GlobalSet { .. }] => Some(*value),
        _ => None,
    };
    operators.windows(4).filter_map(charge).collect()
}

#[test]
fn accesses_of_wide_memories_weigh_more() {
    let memarg = wasmparser::MemArg { align: 0, max_align: 0, offset: 0, memory: 0 };
    assert_eq!(weight(&Operator::I32Load { memarg }, Memory::Bits32), 1);
    assert_eq!(weight(&Operator::I32Load { memarg }, Memory::Bits64), 2);
    assert_eq!(weight(&Operator::I64Const { value: 1 }, Memory::Bits64), 1);
}

#[test]
fn weights_differ_by_instruction() {
    let weights = [
        (Operator::End, 0),
        (Operator::Nop, 1),
        (Operator::I32DivS, 10),
        (Operator::F64Sqrt, 8),
        (Operator::F32Max, 18),
        (Operator::I64TruncF64U, 20),
        (Operator::F64x2Div, 12),
        (Operator::RefFunc { function_index: 0 }, 130),
        (Operator::Call { function_index: 0 }, 5),
        (Operator::MemoryCopy { dst_mem: 0, src_mem: 0 }, 100),
    ];
    for (operator, expected) in weights {
        assert_eq!(weight(&operator, Memory::Bits32), expected, "{operator:?}");
    }
}

#[test]
fn an_empty_function_costs_one() {
    assert_eq!(charges(&module(&[])), [1]);
}

#[test]
fn blocks_are_charged_where_they_begin() {
    // i32.const 1, if, nop, else, nop, nop, end, nop
    assert_eq!(charges(&module(&[0x41, 1, 0x04, 0x40, 1, 0x05, 1, 1, 0x0B, 1])), [4, 1, 2, 1]);
    // loop, i32.const 0, br_if 0, end: the end begins a block that costs nothing
    assert_eq!(charges(&module(&[0x03, 0x40, 0x41, 0, 0x0D, 0, 0x0B])), [1, 3]);
}

#[test]
fn the_global_variable_is_written_where_code_may_be_left() {
    // block, i32.const 0, br_if 0, nop, end, i32.const 0, i32.load, drop: the last block may trap
    assert_eq!(writes(&module(&[0x02, 0x40, 0x41, 0, 0x0D, 0, 1, 0x0B, 0x41, 0, 0x28, 0, 0, 0x1A])), [3]);
    // i32.const 0, br_if 0, nop: the branch leaves the function
    assert_eq!(writes(&module(&[0x41, 0, 0x0D, 0, 1])), [4, 1]);
    // i32.const 0, i32.div_u in a loop
    assert_eq!(writes(&module(&[0x03, 0x40, 0x41, 0, 0x41, 0, 0x6E, 0x1A, 0x0B])), [13]);
}

#[test]
fn copies_of_a_constant_size_are_charged_by_it() {
    // three i32.const, memory.fill
    assert_eq!(charges(&module(&[0x41, 0, 0x41, 0, 0x41, 32, 0xFC, 11, 0])), [104, 32]);
    // the size of a constant that is not just before it is charged as any other
    let behind_nop = [0x41, 0, 0x41, 0, 0x41, 32, 1, 0xFC, 11, 0];
    assert_eq!(charges(&module(&behind_nop)), [105]);
}

#[test]
fn names_that_the_host_uses_are_exported() {
    let rewritten = meter(&module(&[])).expect("the module is valid").module;
    for name in [COUNTER, REST, SINCE, GRANT].map(str::as_bytes) {
        assert!(rewritten.windows(name.len()).any(|window| window == name));
    }
}

#[test]
fn what_is_no_module_is_refused() {
    assert!(meter(b"").is_err());
    assert!(meter(b"\0asm\x0d\0\x01\0").is_err());
    let whole = module(&[1, 1, 1]);
    for length in 9..whole.len() {
        assert!(meter(&whole[..length]).is_err() || length < 18, "{length}");
    }
}
