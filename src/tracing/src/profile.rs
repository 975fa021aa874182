//! The functions `enter` and `leave`, which keep a tree of calls in a memory of their own.
//!
//! ```text
//! address  bytes  header
//!       0      4  address of the node that executes
//!       4      4  address of the first free node
//!       8      8  the instructions that were left when some were last attributed
//!      16      4  calls that are entered and have no node, because the memory is full
//!      20      4  end of the memory
//!      24      8  how many calls had no node
//!
//!  offset  bytes  node, the first at address 64
//!       0      4  index of the function
//!       4      4  address of the calling node
//!       8      4  address of the first callee's node, the one that was entered last
//!      12      4  address of the next node of the same caller
//!      16      8  instructions of the function itself
//!      24      8  calls
//! ```
//!
//! The host sets the header before each message. A message that traps leaves calls open; nothing has to close them.

use wasm_encoder::{BlockType, Function, MemArg, ValType};

/// Bytes of a node.
const NODE: i32 = 32;

struct Assembler {
    function: Function,
    memory: u32,
    counter: u32,
}

impl Assembler {
    fn new(locals: &[(u32, ValType)], memory: u32, counter: u32) -> Assembler {
        Assembler { function: Function::new(locals.iter().copied()), memory, counter }
    }

    fn at(&self, offset: u64) -> MemArg {
        MemArg { offset, align: 2, memory_index: self.memory }
    }

    fn at_wide(&self, offset: u64) -> MemArg {
        MemArg { offset, align: 3, memory_index: self.memory }
    }

    /// Attributes the instructions since the last call to the current node, and puts its address into `node`.
    fn attribute(&mut self, node: u32, now: u32) {
        let (narrow, last, own) = (self.at(0), self.at_wide(8), self.at_wide(16));
        let counter = self.counter;
        let mut code = self.function.instructions();
        code.i32_const(0).i32_load(narrow).local_tee(node);
        code.local_get(node).i64_load(own);
        code.i32_const(0).i64_load(last).i64_add();
        // Left are those that were granted, and behind it those that were not granted yet.
        code.global_get(counter).global_get(counter + 1).i64_add().local_tee(now).i64_sub().i64_store(own);
        code.i32_const(0).local_get(now).i64_store(last);
    }

    fn content(mut self) -> Vec<u8> {
        self.function.instructions().end();
        self.function.into_raw_body()
    }
}

/// The content of `enter`, whose parameter is the index of a function.
pub fn enter(memory: u32, counter: u32) -> Vec<u8> {
    let (function, current, node, before, now) = (0, 1, 2, 3, 4);
    let mut it = Assembler::new(&[(3, ValType::I32), (1, ValType::I64)], memory, counter);
    it.attribute(current, now);
    let (own, calls) = (it.at(0), it.at_wide(24));
    let (free, skipped, end, lost) = (it.at(4), it.at(16), it.at(20), it.at_wide(24));
    let (caller, first, next) = (it.at(4), it.at(8), it.at(12));
    let mut code = it.function.instructions();
    // A call below one without a node has none either.
    code.i32_const(0).i32_load(skipped).if_(BlockType::Empty);
    code.i32_const(0).i32_const(0).i32_load(skipped).i32_const(1).i32_add().i32_store(skipped).return_().end();
    code.local_get(current).i32_load(first).local_set(node);
    code.block(BlockType::Empty).block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(node).i32_eqz().br_if(1);
    code.local_get(node).i32_load(own).local_get(function).i32_eq().br_if(2);
    code.local_get(node).local_set(before).local_get(node).i32_load(next).local_set(node).br(0).end().end();
    // There is no node yet: take the next free one.
    code.i32_const(0).i32_load(free).local_tee(node).i32_const(NODE).i32_add();
    code.i32_const(0).i32_load(end).i32_gt_u().if_(BlockType::Empty);
    code.i32_const(0).i32_const(1).i32_store(skipped);
    code.i32_const(0).i32_const(0).i64_load(lost).i64_const(1).i64_add().i64_store(lost).return_().end();
    code.i32_const(0).local_get(node).i32_const(NODE).i32_add().i32_store(free);
    code.local_get(node).local_get(function).i32_store(own);
    code.local_get(node).local_get(current).i32_store(caller);
    code.local_get(node).local_get(current).i32_load(first).i32_store(next);
    code.local_get(current).local_get(node).i32_store(first);
    code.i32_const(0).local_set(before).end();
    // A node that is found behind others is moved to the front: the same call often follows.
    code.local_get(before).if_(BlockType::Empty);
    code.local_get(before).local_get(node).i32_load(next).i32_store(next);
    code.local_get(node).local_get(current).i32_load(first).i32_store(next);
    code.local_get(current).local_get(node).i32_store(first).end();
    code.local_get(node).local_get(node).i64_load(calls).i64_const(1).i64_add().i64_store(calls);
    code.i32_const(0).local_get(node).i32_store(own);
    it.content()
}

/// The content of `leave`.
pub fn leave(memory: u32, counter: u32) -> Vec<u8> {
    let (current, now) = (0, 1);
    let mut it = Assembler::new(&[(1, ValType::I32), (1, ValType::I64)], memory, counter);
    it.attribute(current, now);
    let (own, caller, skipped) = (it.at(0), it.at(4), it.at(16));
    let mut code = it.function.instructions();
    code.i32_const(0).i32_load(skipped).if_(BlockType::Empty);
    code.i32_const(0).i32_const(0).i32_load(skipped).i32_const(1).i32_sub().i32_store(skipped).return_().end();
    code.i32_const(0).local_get(current).i32_load(caller).i32_store(own);
    it.content()
}
