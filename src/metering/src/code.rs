//! Writes the code that charges the counter.

use wasmparser::{BinaryReaderError, FunctionBody};

use crate::blocks::{Block, Charge, Point};

const UNREACHABLE: u8 = 0x00;
const IF: u8 = 0x04;
const END: u8 = 0x0B;
const CALL: u8 = 0x10;
const SELECT: u8 = 0x1B;
const LOCAL_GET: u8 = 0x20;
const LOCAL_SET: u8 = 0x21;
const LOCAL_TEE: u8 = 0x22;
const GLOBAL_GET: u8 = 0x23;
const GLOBAL_SET: u8 = 0x24;
const I32_CONST: u8 = 0x41;
const I64_LOAD: u8 = 0x29;
/// The flags of an access that names its memory, for addresses that are multiples of eight.
const IN_MEMORY: u8 = 0x43;
const I64_CONST: u8 = 0x42;
const I64_NE: u8 = 0x52;
const I64_LT_S: u8 = 0x53;
const I64_LE_S: u8 = 0x57;
const I32_OR: u8 = 0x72;
const I64_ADD: u8 = 0x7C;
const I64_REM_S: u8 = 0x81;
const I64_SUB: u8 = 0x7D;
const I32_WRAP_I64: u8 = 0xA7;
const I64_EXTEND_I32_U: u8 = 0xAD;
const I64: u8 = 0x7E;
const EMPTY: u8 = 0x40;

/// Bytes or elements that may be copied without a check.
const SMALL: u32 = 1024;
/// Instructions that code executes before it looks whether there was an interrupt: some thousandths of a second.
pub const PORTION: i64 = 10_000_000;

/// The indices that charges refer to.
#[derive(Clone, Copy, Debug)]
pub struct Indices {
    /// Of the global variable with the counter.
    pub counter: u32,
    /// Of the function that is called when the counter is below zero.
    pub grant: u32,
    /// Of the memory in which the host counts interrupts.
    pub interrupts: u32,
}

impl Indices {
    /// Of the global variable with the instructions that were not granted yet, a multiple of `PORTION`.
    fn rest(self) -> u32 {
        self.counter + 1
    }

    /// Of the global variable with the count of interrupts when the message began.
    fn since(self) -> u32 {
        self.counter + 2
    }

    /// Ends the message when the i64 on top of the stack is below zero, or when there was an interrupt. The lowest number
    /// as the counter says that the code trapped for that.
    fn write_end(self, out: &mut Vec<u8>) {
        constant(0, out);
        out.extend_from_slice(&[I64_LT_S, I32_CONST, 0, I64_LOAD, IN_MEMORY]);
        unsigned(self.interrupts.into(), out);
        out.push(0);
        indexed(GLOBAL_GET, self.since(), out);
        out.extend_from_slice(&[I64_NE, I32_OR, IF, EMPTY]);
        constant(i64::MIN, out);
        indexed(GLOBAL_SET, self.counter, out);
        constant(0, out);
        indexed(GLOBAL_SET, self.rest(), out);
        out.extend_from_slice(&[UNREACHABLE, END]);
    }
}

/// Writes the functions of a module with their charges, one after the other.
#[derive(Debug)]
pub struct Writer {
    indices: Indices,
    /// The last function that was written, from its local variables on.
    pub body: Vec<u8>,
    /// The offsets in `body` of branches that are hardly ever taken.
    pub unlikely: Vec<usize>,
    /// What was inserted into the last function. The offset of its first instruction in the module's function and in
    /// `body`; then pairs of an offset in the module's function and how many bytes were inserted there, in their order.
    pub insertions: Vec<u32>,
    /// The index of the local variable with the counter.
    left: u32,
    /// The index of the local variable for the operand of a copy.
    operand: u32,
}

impl Writer {
    /// A writer for the functions of one module.
    pub fn new(indices: Indices) -> Writer {
        Writer { indices, body: Vec::new(), unlikely: Vec::new(), insertions: Vec::new(), left: 0, operand: 0 }
    }

    /// Writes a function of `module` that has so many `parameters`.
    pub fn write(
        &mut self,
        module: &[u8],
        function: &FunctionBody<'_>,
        points: &[Point],
        parameters: u32,
    ) -> Result<(), BinaryReaderError> {
        self.body.clear();
        self.unlikely.clear();
        self.insertions.clear();
        let start = function.range().start;
        let mut copied = self.write_locals(module, function, points, parameters)?;
        self.insertions.extend([copied - start, self.body.len()].map(narrow));
        for point in points {
            self.body.extend_from_slice(&module[copied..point.offset]);
            copied = point.offset;
            let before = self.body.len();
            match point.charge {
                Charge::Block(block) => self.write_block(block),
                Charge::Constant(size) => self.write_constant(size),
                Charge::Operand { wide } => self.write_operand(wide),
                Charge::Reload => {
                    self.indexed(GLOBAL_GET, self.indices.counter);
                    self.indexed(LOCAL_SET, self.left);
                }
            }
            self.insertions.extend([copied - start, self.body.len() - before].map(narrow));
        }
        self.body.extend_from_slice(&module[copied..function.range().end]);
        Ok(())
    }

    /// Writes the declarations of local variables, with ours behind them; returns the offset of the first instruction.
    fn write_locals(
        &mut self,
        module: &[u8],
        function: &FunctionBody<'_>,
        points: &[Point],
        parameters: u32,
    ) -> Result<usize, BinaryReaderError> {
        let mut locals = function.get_locals_reader()?;
        let (groups, declared) = (locals.get_count(), locals.original_position());
        self.left = parameters;
        for _ in 0..groups {
            self.left = self.left.saturating_add(locals.read()?.0);
        }
        self.operand = self.left.saturating_add(1);
        let operands = points.iter().any(|point| matches!(point.charge, Charge::Operand { .. }));
        unsigned(u64::from(groups) + 1, &mut self.body);
        self.body.extend_from_slice(&module[declared..locals.original_position()]);
        self.body.extend_from_slice(&[1 + u8::from(operands), I64]);
        Ok(locals.original_position())
    }

    fn write_block(&mut self, block: Block) {
        if block.first {
            self.indexed(GLOBAL_GET, self.indices.counter);
        } else if block.weight > 0 || block.written {
            self.indexed(LOCAL_GET, self.left);
        }
        if block.weight > 0 {
            self.constant(block.weight.cast_signed());
            self.body.push(I64_SUB);
            self.indexed(if block.written { LOCAL_TEE } else { LOCAL_SET }, self.left);
        }
        if block.written {
            self.indexed(GLOBAL_SET, self.indices.counter);
        }
        if block.checked {
            self.indexed(LOCAL_GET, self.left);
            self.write_check(!block.first);
        }
    }

    /// Grants more instructions when the i64 on top of the stack is below zero. In loops by code of its own: a call, even
    /// one that is hardly ever made, would cost the registers that the loop keeps its variables in.
    fn write_check(&mut self, in_loop: bool) {
        self.constant(0);
        self.body.push(I64_LT_S);
        self.unlikely.push(self.body.len());
        self.body.extend_from_slice(&[IF, EMPTY]);
        if in_loop {
            self.write_portion();
        } else {
            self.indexed(LOCAL_GET, self.left);
            self.indexed(CALL, self.indices.grant);
            self.indexed(LOCAL_SET, self.left);
        }
        self.body.push(END);
    }

    /// Moves one portion from the rest to the counter.
    fn write_portion(&mut self) {
        self.indexed(GLOBAL_GET, self.indices.rest());
        self.constant(PORTION);
        self.body.push(I64_SUB);
        self.indexed(GLOBAL_SET, self.indices.rest());
        self.indexed(LOCAL_GET, self.left);
        self.constant(PORTION);
        self.body.push(I64_ADD);
        self.indexed(LOCAL_TEE, self.left);
        self.indexed(GLOBAL_SET, self.indices.counter);
        self.indexed(GLOBAL_GET, self.indices.rest());
        self.indices.write_end(&mut self.body);
    }

    /// The constant stays on the stack just before its use: the engine has faster code for small copies of known size.
    /// These are not worth a check of their own.
    fn write_constant(&mut self, size: u32) {
        self.indexed(LOCAL_GET, self.left);
        self.constant(size.into());
        self.body.push(I64_SUB);
        self.indexed(LOCAL_TEE, self.left);
        self.indexed(GLOBAL_SET, self.indices.counter);
        if size > SMALL {
            self.indexed(LOCAL_GET, self.left);
            self.write_check(false);
        }
    }

    /// An operand of 64 bits is unsigned: above the highest i64, and where the subtraction underflows, the counter
    /// would grow. There it becomes the lowest number, which no grant makes up for.
    fn write_operand(&mut self, wide: bool) {
        if !wide {
            self.body.push(I64_EXTEND_I32_U);
        }
        self.indexed(LOCAL_SET, self.operand);
        self.indexed(LOCAL_GET, self.left);
        self.indexed(LOCAL_GET, self.operand);
        self.body.push(I64_SUB);
        if wide {
            self.indexed(LOCAL_TEE, self.left);
            self.constant(i64::MIN);
            self.indexed(LOCAL_GET, self.left);
            self.indexed(GLOBAL_GET, self.indices.counter);
            self.body.extend_from_slice(&[I64_LE_S, SELECT]);
        }
        self.indexed(LOCAL_TEE, self.left);
        self.indexed(GLOBAL_SET, self.indices.counter);
        self.indexed(LOCAL_GET, self.left);
        self.write_check(false);
        self.indexed(LOCAL_GET, self.operand);
        if !wide {
            self.body.push(I32_WRAP_I64);
        }
    }

    fn constant(&mut self, value: i64) {
        constant(value, &mut self.body);
    }

    fn indexed(&mut self, instruction: u8, index: u32) {
        indexed(instruction, index, &mut self.body);
    }
}

/// The body of the function that takes the counter, below zero, and returns what it is after as many portions as needed.
pub fn grant_function(indices: Indices) -> Vec<u8> {
    let mut body = vec![0];
    indexed(LOCAL_GET, 0, &mut body);
    indexed(GLOBAL_GET, indices.rest(), &mut body);
    body.push(I64_ADD);
    indexed(LOCAL_TEE, 0, &mut body);
    indices.write_end(&mut body);
    indexed(LOCAL_GET, 0, &mut body);
    constant(PORTION, &mut body);
    body.push(I64_REM_S);
    indexed(GLOBAL_SET, indices.counter, &mut body);
    indexed(LOCAL_GET, 0, &mut body);
    indexed(GLOBAL_GET, indices.counter, &mut body);
    body.push(I64_SUB);
    indexed(GLOBAL_SET, indices.rest(), &mut body);
    indexed(GLOBAL_GET, indices.counter, &mut body);
    body.push(END);
    body
}

fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).expect("bug: a module in a memory of 32 bits has a function that is longer")
}

fn constant(value: i64, out: &mut Vec<u8>) {
    out.push(I64_CONST);
    signed(value, out);
}

fn indexed(instruction: u8, index: u32, out: &mut Vec<u8>) {
    out.push(instruction);
    unsigned(index.into(), out);
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
pub fn signed(mut value: i64, out: &mut Vec<u8>) {
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
