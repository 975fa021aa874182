//! Finds the places whose execution is recorded: functions, blocks, and the arms of branches.
//!
//! Every place has a byte in a memory of its own, which is set when the place executes. A block is straight code
//! between two places where execution can diverge or meet. Where the byte of an arm already says that a block
//! executed, the block has no byte of its own. Blocks that cannot be reached are left out.

use wasmparser::{BinaryReaderError, FunctionBody, Operator};

/// An instruction that delimits blocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `block`
    Block,
    /// `loop`
    Loop,
    /// `if`
    If,
    /// `else`
    Else,
    /// `end`
    End,
    /// `br`
    Br,
    /// `br_if`
    BrIf,
    /// `br_table`
    BrTable,
    /// `return`
    Return,
    /// `return_call` and `return_call_indirect`
    TailCall,
    /// `unreachable`
    Unreachable,
}

/// What is recorded just before a delimiter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// Which way a condition goes: this byte when it holds, the next one when not.
    Condition(u32),
    /// Which target an index selects: the byte of the first, and the number of targets besides the default.
    Index(u32, u32),
}

/// One delimiter of a function, and what is recorded there.
#[derive(Clone, Copy, Debug)]
pub struct Delimiter {
    /// Which instruction it is.
    pub kind: Kind,
    /// What is recorded before it.
    pub before: Before,
    /// The byte that is set behind it.
    pub after: Option<u32>,
}

/// The places of a module; offsets count from the start of the code section's content.
#[derive(Default)]
pub struct Places {
    /// How many bytes they need.
    pub bytes: u32,
    /// The byte of each function.
    pub functions: Vec<u32>,
    /// Function, start, end, byte.
    pub blocks: Vec<[u32; 4]>,
    /// Function, offset, first byte, number of arms.
    pub branches: Vec<[u32; 4]>,
}

impl Places {
    fn take(&mut self, count: u32) -> u32 {
        let first = self.bytes;
        self.bytes += count;
        first
    }

    /// All places as numbers of 32 bits: bytes, functions, blocks, branches, and their content.
    pub fn encoded(&self) -> Vec<u8> {
        let head = [self.bytes, self.functions.len() as u32, self.blocks.len() as u32, self.branches.len() as u32];
        let numbers =
            head.iter().chain(&self.functions).chain(self.blocks.iter().flatten()).chain(self.branches.iter().flatten());
        numbers.flat_map(|number| number.to_le_bytes()).collect()
    }
}

struct Frame {
    kind: Kind,
    entered: bool,
    /// Its end is reached by a branch, or from the first arm.
    joined: bool,
    otherwise: Option<u32>,
}

struct Block {
    start: usize,
    byte: Option<u32>,
    /// The delimiter that it begins behind.
    opener: usize,
}

struct Finder<'p> {
    places: &'p mut Places,
    function: u32,
    frames: Vec<Frame>,
    delimiters: Vec<Delimiter>,
    block: Option<Block>,
    base: usize,
}

/// Finds the places of a function and adds them; returns its delimiters. `base` is where the code section begins.
pub fn find(
    body: &FunctionBody<'_>,
    function: u32,
    base: usize,
    places: &mut Places,
) -> Result<Vec<Delimiter>, BinaryReaderError> {
    let mut operators = body.get_operators_reader()?;
    let entry = places.take(1);
    places.functions.push(entry);
    let start = operators.original_position();
    let mut finder = Finder {
        places,
        function,
        frames: vec![Frame { kind: Kind::Block, entered: true, joined: false, otherwise: None }],
        delimiters: Vec::new(),
        block: Some(Block { start, byte: Some(entry), opener: 0 }),
        base,
    };
    while !operators.eof() {
        let offset = operators.original_position();
        let operator = operators.read()?;
        match kind_of(&operator) {
            Some(kind) => finder.delimit(kind, &operator, offset, operators.original_position()),
            None => finder.need_byte(),
        }
    }
    Ok(finder.delimiters)
}

impl Finder<'_> {
    /// Gives the open block a byte: there is something in it.
    fn need_byte(&mut self) {
        if let Some(block) = &mut self.block
            && block.byte.is_none()
        {
            let byte = self.places.take(1);
            block.byte = Some(byte);
            self.delimiters[block.opener].after = Some(byte);
        }
    }

    fn close(&mut self, end: usize) {
        if let Some(Block { start, byte: Some(byte), .. }) = self.block.take()
            && start < end
        {
            self.places.blocks.push([self.function, (start - self.base) as u32, (end - self.base) as u32, byte]);
        }
    }

    fn open(&mut self, start: usize, byte: Option<u32>) {
        self.block = Some(Block { start, byte, opener: self.delimiters.len() - 1 });
    }

    fn branch(&mut self, depth: u32) {
        let index = self.frames.len().checked_sub(1 + depth as usize);
        if let Some(frame) = index.and_then(|index| self.frames.get_mut(index)) {
            frame.joined |= frame.kind != Kind::Loop;
        }
    }

    fn arms(&mut self, offset: usize, count: u32) -> u32 {
        let first = self.places.take(count);
        self.places.branches.push([self.function, (offset - self.base) as u32, first, count]);
        first
    }

    fn delimit(&mut self, kind: Kind, operator: &Operator<'_>, offset: usize, next: usize) {
        if !matches!(kind, Kind::Block | Kind::Else | Kind::End) {
            self.need_byte();
        }
        let live = self.block.is_some();
        self.delimiters.push(Delimiter { kind, before: Before::Nothing, after: None });
        match kind {
            Kind::Block | Kind::Loop => self.frames.push(Frame { kind, entered: live, joined: false, otherwise: None }),
            Kind::If => self.open_if(live, offset, next),
            Kind::Else => self.otherwise(live, offset, next),
            Kind::End => self.end(live, offset, next),
            Kind::BrIf if live => self.branch_if(operator, offset, next),
            Kind::BrTable if live => self.table(operator, offset, next),
            Kind::Br if live => {
                if let Operator::Br { relative_depth } = operator {
                    self.branch(*relative_depth);
                }
                self.close(next);
            }
            _ => self.close(next),
        }
    }

    fn before(&mut self, before: Before) {
        if let Some(last) = self.delimiters.last_mut() {
            last.before = before;
        }
    }

    fn open_if(&mut self, live: bool, offset: usize, next: usize) {
        let first = live.then(|| self.arms(offset, 2));
        self.frames.push(Frame { kind: Kind::If, entered: live, joined: false, otherwise: first.map(|byte| byte + 1) });
        if let Some(first) = first {
            self.before(Before::Condition(first));
            self.close(next);
            self.open(next, Some(first));
        }
    }

    fn otherwise(&mut self, live: bool, offset: usize, next: usize) {
        self.close(offset);
        let Some(frame) = self.frames.last_mut() else { return };
        frame.joined |= live;
        frame.kind = Kind::Else;
        if let Some(byte) = frame.otherwise {
            self.open(next, Some(byte));
        }
    }

    fn end(&mut self, live: bool, offset: usize, next: usize) {
        let Some(frame) = self.frames.pop() else { return };
        if live && !frame.joined && matches!(frame.kind, Kind::Block | Kind::Loop) && !self.frames.is_empty() {
            return; // one way leads in, and one out: the block goes on
        }
        self.close(offset);
        let skipped = frame.kind == Kind::If;
        if frame.entered && (live || frame.joined || skipped) && !self.frames.is_empty() {
            self.open(next, None);
        }
    }

    fn branch_if(&mut self, operator: &Operator<'_>, offset: usize, next: usize) {
        if let Operator::BrIf { relative_depth } = operator {
            self.branch(*relative_depth);
        }
        let first = self.arms(offset, 2);
        self.before(Before::Condition(first));
        self.close(next);
        self.open(next, Some(first + 1));
    }

    fn table(&mut self, operator: &Operator<'_>, offset: usize, next: usize) {
        let Operator::BrTable { targets } = operator else { return };
        for target in targets.targets().flatten().chain([targets.default()]) {
            self.branch(target);
        }
        let first = self.arms(offset, targets.len() + 1);
        self.before(Before::Index(first, targets.len()));
        self.close(next);
    }
}

/// Which delimiter an instruction is.
pub fn kind_of(operator: &Operator<'_>) -> Option<Kind> {
    use Operator::*;
    Some(match operator {
        Block { .. } => Kind::Block,
        Loop { .. } => Kind::Loop,
        If { .. } => Kind::If,
        Else => Kind::Else,
        End => Kind::End,
        Br { .. } => Kind::Br,
        BrIf { .. } => Kind::BrIf,
        BrTable { .. } => Kind::BrTable,
        Return => Kind::Return,
        ReturnCall { .. } | ReturnCallIndirect { .. } => Kind::TailCall,
        Unreachable => Kind::Unreachable,
        _ => return None,
    })
}
