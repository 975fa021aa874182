//! Writes the code of a function anew, with what records its execution.
//!
//! The metered code is walked together with the delimiters of the canister's own code. What metering inserted is copied as
//! it is.
//!
//! For a profile the whole code is put into a block between a call of `enter` and one of `leave`. A branch to the end
//! of the function then goes to the end of that block, so only `return` has to become a branch.

use std::ops::Range;

use wasmparser::{FunctionBody, OperatorsReader};

use crate::parts::{Refusal, Signature};
use crate::places::{Before, Delimiter, Kind, kind_of};

const BLOCK: u8 = 0x02;
const END: u8 = 0x0B;
const BR: u8 = 0x0C;
const CALL: u8 = 0x10;
const SELECT: u8 = 0x1B;
const LOCAL_GET: u8 = 0x20;
const LOCAL_TEE: u8 = 0x22;
const I32_STORE8: u8 = 0x3A;
const I32_CONST: u8 = 0x41;
const I32_EQZ: u8 = 0x45;
const I32_LT_U: u8 = 0x49;
const I32: u8 = 0x7F;
/// Alignment 1, and that the index of a memory follows.
const ALIGNED_IN_MEMORY: u8 = 0x40;

/// The indices that inserted code refers to.
#[derive(Clone, Copy, Debug)]
pub struct Recorders {
    /// The memory of the coverage.
    pub coverage: Option<u32>,
    /// The functions `enter` and `leave`.
    pub profile: Option<(u32, u32)>,
}

/// A function to be written.
pub struct Function<'a> {
    /// Its index.
    pub index: u32,
    /// Its metered code.
    pub body: &'a FunctionBody<'a>,
    /// Its type.
    pub signature: &'a Signature,
    /// The byte that is set when it is entered.
    pub entry: u32,
    /// The delimiters of its own code.
    pub delimiters: &'a [Delimiter],
    /// The encoded type of the block around its code.
    pub block: &'a [u8],
    /// Where in `body` is what metering inserted, in order: ranges of offsets from its start.
    pub inserted: &'a [Range<usize>],
}

struct Writer<'a, 'o> {
    module: &'a [u8],
    copied: usize,
    out: &'o mut Vec<u8>,
    recorders: Recorders,
    scratch: u32,
}

/// Appends the new content of a function.
pub fn write(module: &[u8], function: &Function<'_>, recorders: Recorders, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let needs_scratch = recorders.coverage.is_some() && function.delimiters.iter().any(|it| it.before != Before::Nothing);
    let scratch = locals(module, function, needs_scratch, out)?;
    let mut operators = function.body.get_operators_reader()?;
    let mut writer = Writer { module, copied: operators.original_position(), out, recorders, scratch };
    if let Some((enter, _)) = recorders.profile {
        number(I32_CONST, function.index, writer.out);
        instruction(CALL, enter, writer.out);
        writer.out.push(BLOCK);
        writer.out.extend_from_slice(function.block);
    }
    writer.mark(Some(function.entry));
    writer.code(&mut operators, function)?;
    Ok(())
}

/// Copies the declarations of local variables, with one more where it is needed; returns its index.
fn locals(module: &[u8], function: &Function<'_>, more: bool, out: &mut Vec<u8>) -> Result<u32, Refusal> {
    let mut reader = function.body.get_locals_reader()?;
    let count = reader.get_count();
    let start = reader.original_position();
    let mut index = function.signature.params;
    for _ in 0..count {
        index = index.saturating_add(reader.read()?.0);
    }
    unsigned((count + u32::from(more)).into(), out);
    out.extend_from_slice(&module[start..reader.original_position()]);
    if more {
        out.extend_from_slice(&[1, I32]);
    }
    Ok(index)
}

impl Writer<'_, '_> {
    fn code(&mut self, operators: &mut OperatorsReader<'_>, function: &Function<'_>) -> Result<(), Refusal> {
        let (mut expected, mut inserted) = (function.delimiters.iter(), function.inserted.iter().peekable());
        let start = function.body.range().start;
        let mut depth = 0_u32;
        while !operators.eof() {
            let offset = operators.original_position();
            let operator = operators.read()?;
            while inserted.next_if(|range| start + range.end <= offset).is_some() {}
            if inserted.peek().is_some_and(|range| start + range.start <= offset) {
                continue;
            }
            let Some(kind) = kind_of(&operator) else { continue };
            let delimiter = expected.next().filter(|it| it.kind == kind);
            let delimiter = delimiter.ok_or(Refusal::Unsupported("the metered code is not that of the module"))?;
            self.flush(offset);
            self.before(delimiter.before);
            self.leave_early(kind, depth, operators.original_position());
            match kind {
                Kind::Block | Kind::Loop | Kind::If => depth += 1,
                Kind::End if depth == 0 => self.leave(),
                Kind::End => depth -= 1,
                _ => {}
            }
            self.flush(operators.original_position());
            self.mark(delimiter.after);
        }
        if expected.next().is_some() {
            return Err(Refusal::Unsupported("the metered code is shorter than that of the module"));
        }
        Ok(())
    }

    fn flush(&mut self, end: usize) {
        if self.copied < end {
            self.out.extend_from_slice(&self.module[self.copied..end]);
            self.copied = end;
        }
    }

    /// Where the function's code ends: closes the block around it.
    fn leave(&mut self) {
        if let Some((_, leave)) = self.recorders.profile {
            self.out.push(END);
            instruction(CALL, leave, self.out);
        }
    }

    /// Where the function is left before its end.
    fn leave_early(&mut self, kind: Kind, depth: u32, next: usize) {
        let Some((_, leave)) = self.recorders.profile else { return };
        match kind {
            Kind::Return => {
                instruction(BR, depth, self.out);
                self.copied = next;
            }
            Kind::TailCall => instruction(CALL, leave, self.out),
            _ => {}
        }
    }

    fn mark(&mut self, byte: Option<u32>) {
        if let (Some(memory), Some(byte)) = (self.recorders.coverage, byte) {
            number(I32_CONST, 0, self.out);
            self.store(memory, byte);
        }
    }

    /// Sets the byte at an address on the stack, plus `offset`.
    fn store(&mut self, memory: u32, offset: u32) {
        number(I32_CONST, 1, self.out);
        self.out.extend_from_slice(&[I32_STORE8, ALIGNED_IN_MEMORY]);
        unsigned(memory.into(), self.out);
        unsigned(offset.into(), self.out);
    }

    fn before(&mut self, before: Before) {
        let Some(memory) = self.recorders.coverage else { return };
        match before {
            Before::Nothing => return,
            Before::Condition(byte) => {
                instruction(LOCAL_TEE, self.scratch, self.out);
                self.out.push(I32_EQZ);
                self.store(memory, byte);
            }
            Before::Index(byte, targets) => {
                instruction(LOCAL_TEE, self.scratch, self.out);
                number(I32_CONST, targets, self.out);
                instruction(LOCAL_GET, self.scratch, self.out);
                number(I32_CONST, targets, self.out);
                self.out.extend_from_slice(&[I32_LT_U, SELECT]);
                self.store(memory, byte);
            }
        }
        instruction(LOCAL_GET, self.scratch, self.out);
    }
}

fn instruction(code: u8, index: u32, out: &mut Vec<u8>) {
    out.push(code);
    unsigned(index.into(), out);
}

fn number(code: u8, value: u32, out: &mut Vec<u8>) {
    out.push(code);
    signed(i64::from(value.cast_signed()), out);
}

/// Appends a number in unsigned LEB128.
pub fn unsigned(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a number in signed LEB128.
fn signed(mut value: i64, out: &mut Vec<u8>) {
    loop {
        let byte = (value & 0x7F) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
