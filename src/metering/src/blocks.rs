//! Divides the instructions of a function into blocks, and finds where the counter is charged.
//!
//! A block is charged as a whole where it begins. Blocks that may run again and again without passing a function's
//! start or a loop's head do not exist, so it is enough to look there whether the instructions are used up. What
//! copying and filling costs depends on an operand and is charged just before such an instruction.
//!
//! A function keeps the counter in a local variable. The global variable is written wherever something may read it: at
//! the start of each block that may trap, call, or leave the function. So it is exact at every trap and in every call.

use wasmparser::{BinaryReaderError, FunctionBody, Operator};

use crate::complexity::complexity;
use crate::weights::{Memory, weight};

/// What is inserted at a point.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Charge {
    /// The weight of the block that begins.
    Block(Block),
    /// A constant on top of the stack.
    Constant(u32),
    /// The operand on top of the stack, an i32 or, where `wide`, an i64.
    Operand {
        /// Whether the operand has 64 bits.
        wide: bool,
    },
    /// Reads the counter after a call, which has charged it.
    Reload,
}

/// How a block is charged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Block {
    /// The sum of the weights of its instructions.
    pub weight: u64,
    /// Whether it is the function's first: the local variable has no value yet.
    pub first: bool,
    /// Whether the counter is checked: at the start of functions and loops.
    pub checked: bool,
    /// Whether the global variable is written.
    pub written: bool,
}

/// An offset, from the start of the module, before which a charge is inserted.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// The offset in bytes.
    pub offset: usize,
    /// What is inserted.
    pub charge: Charge,
}

/// What the charges of a function depend on besides its code.
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    /// The index type of the memory.
    pub memory: Memory,
    /// Whether tables are indexed by 64 bits.
    pub table: bool,
}

/// Finds the points of functions, one after the other.
#[derive(Debug, Default)]
pub struct Finder {
    /// The points of the last function, in the order of their offsets.
    pub points: Vec<Point>,
    /// How complex the last function is.
    pub complexity: u64,
    /// The index in `points` of the block that is being read.
    current: usize,
    /// How many blocks, loops and ifs the code is inside of.
    depth: u32,
    loops: bool,
    /// The constant that the last instruction left on the stack.
    constant: Option<u32>,
    /// Whether the global variable has been written within the block, by the charge of an operand.
    settled: bool,
}

impl Finder {
    /// Finds the points of a function of `module`.
    pub fn find(&mut self, module: &[u8], body: &FunctionBody<'_>, widths: Widths) -> Result<(), BinaryReaderError> {
        *self = Finder { points: std::mem::take(&mut self.points), ..Finder::default() };
        self.points.clear();
        let mut operators = body.get_operators_reader()?;
        // A call of an empty function costs one too.
        let first = Block { weight: 1, first: true, checked: true, written: false };
        self.open(operators.original_position(), first);
        while !operators.is_end_then_eof() {
            let offset = operators.original_position();
            let operator = operators.read()?;
            self.complexity += complexity(&operator);
            let charge = operand(&operator, widths).map(|wide| self.by_operand(wide));
            let observed = is_observed(module[offset]) | self.leaves(&operator)?;
            let settled = self.settled;
            let block = self.block();
            block.weight += weight(&operator, widths.memory);
            block.written |= observed && !settled;
            let behind = operators.original_position();
            if let Some(charge) = charge {
                self.points.push(Point { offset, charge });
            } else if matches!(operator, Operator::Call { .. } | Operator::CallIndirect { .. }) {
                self.points.push(Point { offset: behind, charge: Charge::Reload });
            } else if ends_block(&operator) {
                let checked = matches!(operator, Operator::Loop { .. });
                self.loops |= checked;
                self.open(behind, Block { checked, ..Block::default() });
            }
            self.constant = constant(&operator);
        }
        self.complexity += complexity(&operators.read()?);
        operators.finish()?;
        self.block().written |= !self.settled;
        self.drop_needless();
        Ok(())
    }

    fn open(&mut self, offset: usize, block: Block) {
        self.settled = false;
        self.current = self.points.len();
        self.points.push(Point { offset, charge: Charge::Block(block) });
    }

    /// How an operand is charged; the global variable is up to date afterwards.
    fn by_operand(&mut self, wide: bool) -> Charge {
        match self.constant {
            Some(size) => {
                self.settled = true;
                Charge::Constant(size)
            }
            None => {
                self.settled |= !wide; // which compares with what the global variable was before
                Charge::Operand { wide }
            }
        }
    }

    fn block(&mut self) -> &mut Block {
        match &mut self.points[self.current].charge {
            Charge::Block(block) => block,
            _ => unreachable!("bug: `current` is the index of a block"),
        }
    }

    /// Follows the nesting; returns whether the instruction may leave the function by a branch.
    fn leaves(&mut self, operator: &Operator<'_>) -> Result<bool, BinaryReaderError> {
        use Operator::*;
        match operator {
            Block { .. } | Loop { .. } | If { .. } => self.depth += 1,
            End => self.depth = self.depth.saturating_sub(1),
            Br { relative_depth } | BrIf { relative_depth } => return Ok(*relative_depth >= self.depth),
            BrTable { targets } => {
                let mut leaves = targets.default() >= self.depth;
                for target in targets.targets() {
                    leaves |= target? >= self.depth;
                }
                return Ok(leaves);
            }
            _ => {}
        }
        Ok(false)
    }

    /// Drops what has no effect: blocks without weight, and reading the counter where it is not charged afterwards.
    fn drop_needless(&mut self) {
        let unwritten = |point: &Point| matches!(point.charge, Charge::Block(block) if block.weight > 0 && !block.written);
        let behind = self.points.iter().any(unwritten);
        self.points.retain(|point| match point.charge {
            Charge::Block(block) => block.weight > 0 || block.checked || (block.written && behind),
            _ => true,
        });
        if !self.loops {
            while matches!(self.points.last(), Some(Point { charge: Charge::Reload, .. })) {
                self.points.pop();
            }
        }
    }
}

/// Whether the instruction with this first byte may trap, call, or return. Those with a prefix count as such.
fn is_observed(opcode: u8) -> bool {
    !matches!(
        opcode,
        0x01..=0x05 // nop, block, loop, if, else
            | 0x0B..=0x0E // end and branches
            | 0x1A..=0x1C // drop and select
            | 0x20..=0x24 // local and global variables
            | 0x3F // memory.size
            | 0x41..=0x6C // constants, comparisons, integers of 32 bits up to their division
            | 0x71..=0x7E // integers of 64 bits up to their division
            | 0x83..=0xA7 // floating-point numbers, i32.wrap_i64
            | 0xAC..=0xAD // i64.extend_i32
            | 0xB2..=0xC4 // conversions to floating-point numbers, reinterpretations, extensions of signs
            | 0xD0..=0xD2 // references
    )
}

/// The constant that the instruction puts on the stack, if it is no more than an i32 can be.
fn constant(operator: &Operator<'_>) -> Option<u32> {
    match operator {
        Operator::I32Const { value } => Some(value.cast_unsigned()),
        Operator::I64Const { value } => u32::try_from(*value).ok(),
        _ => None,
    }
}

/// The width of an operand on top of the stack by which the instruction is charged.
fn operand(operator: &Operator<'_>, widths: Widths) -> Option<bool> {
    use Operator::*;
    match operator {
        MemoryFill { .. } | MemoryCopy { .. } => Some(widths.memory == Memory::Bits64),
        TableFill { .. } | TableCopy { .. } => Some(widths.table),
        MemoryInit { .. } | TableInit { .. } => Some(false),
        _ => None,
    }
}

fn ends_block(operator: &Operator<'_>) -> bool {
    use Operator::*;
    matches!(
        operator,
        Loop { .. }
            | If { .. }
            | Else
            | End
            | Br { .. }
            | BrIf { .. }
            | BrTable { .. }
            | Return
            | Unreachable
            | ReturnCall { .. }
            | ReturnCallIndirect { .. }
    )
}
