//! Puts the sections of the rewritten module together.
//!
//! New are, each at the end so that no index changes: the memories of coverage and profile, and the functions `enter`
//! and `leave` with their types. The memories are made and read by the host, so they are not exported.

use crate::body::{Function, Recorders, unsigned, write};
use crate::insertions::Insertions;
use crate::parts::{CODE, Parts, Refusal};
use crate::places::{Places, find};
use crate::profile::{enter, leave};

const TYPE: usize = 1;
const FUNCTION: usize = 3;
const MEMORY: usize = 5;
/// The order of the sections in a module, by number.
const ORDER: [usize; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];
const PAGE: u32 = 1 << 16;
/// Pages of the memory with the tree of calls: 8 MiB.
const TREE_PAGES: u32 = 128;
/// The types of `enter` and `leave`.
const ENTER_TYPE: [u8; 4] = [0x60, 1, 0x7F, 0];
const LEAVE_TYPE: [u8; 3] = [0x60, 0, 0];
const NO_RESULT: u8 = 0x40;
/// The start of a custom section that is about offsets in functions, which change.
const HINTS: &[u8] = b"\x19metadata.code.branch_hint";

/// What rewriting returns.
pub struct Traced {
    /// The module.
    pub module: Vec<u8>,
    /// The places of the coverage, encoded as `Places::encoded` has it.
    pub places: Vec<u8>,
}

/// Entries that are added to a section.
#[derive(Default)]
struct Added {
    count: u32,
    content: Vec<u8>,
}

impl Added {
    fn push(&mut self, entry: &[u8]) {
        self.count += 1;
        self.content.extend_from_slice(entry);
    }
}

/// Returns the `metered` module with code that records what executes; `own` is the module before metering, `insertions`
/// is what metering inserted.
pub fn trace_module(own: &[u8], metered: &[u8], insertions: &[u8], coverage: bool, profile: bool) -> Result<Traced, Refusal> {
    let (before, parts) = (Parts::read(own)?, Parts::read(metered)?);
    if before.imported_functions != parts.imported_functions || before.functions.len() > parts.functions.len() {
        return Err(Refusal::Unsupported("the metered module has other functions"));
    }
    let functions = parts.imported_functions + parts.functions.len() as u32;
    let recorders =
        Recorders { coverage: coverage.then_some(parts.memories), profile: profile.then_some((functions, functions + 1)) };
    let mut types = Added::default();
    let mut places = Places::default();
    let mut insertions = Insertions::new(insertions);
    let mut code = code((own, &before), (metered, &parts), recorders, &mut insertions, &mut types, &mut places)?;
    let mut new_functions = Added::default();
    let mut memories = Added::default();
    if coverage {
        memories.push(&memory(places.bytes.div_ceil(PAGE).max(1)));
    }
    if profile {
        memories.push(&memory(TREE_PAGES));
        for kind in [&ENTER_TYPE[..], &LEAVE_TYPE[..]] {
            new_functions.push(&leb(parts.types.len() as u32 + types.count));
            types.push(kind);
        }
    }
    let mut out = Vec::with_capacity(metered.len() * 2);
    out.extend_from_slice(&metered[..8]);
    for number in ORDER {
        let range = parts.sections[number].clone();
        let content = match number {
            TYPE => appended(range.map(|it| &metered[it]), parts.types.len() as u32, &types),
            FUNCTION => appended(range.map(|it| &metered[it]), parts.functions.len() as u32, &new_functions),
            MEMORY => appended(range.map(|it| &metered[it]), parts.memories, &memories),
            CODE => std::mem::take(&mut code),
            _ => match range {
                Some(range) => metered[range].to_vec(),
                None => continue,
            },
        };
        section(number as u8, &content, &mut out);
    }
    for range in &parts.custom {
        if !metered[range.clone()].starts_with(HINTS) {
            section(0, &metered[range.clone()], &mut out);
        }
    }
    Ok(Traced { module: out, places: places.encoded() })
}

/// The new content of the code section; adds types of blocks, and the places.
fn code(
    (own, before): (&[u8], &Parts),
    (metered, parts): (&[u8], &Parts),
    recorders: Recorders,
    insertions: &mut Insertions<'_>,
    types: &mut Added,
    places: &mut Places,
) -> Result<Vec<u8>, Refusal> {
    let own_bodies = before.bodies(own)?;
    let base = before.sections[CODE].as_ref().map_or(0, |range| range.start);
    let mut known = Vec::new();
    let more = if recorders.profile.is_some() { 2 } else { 0 };
    let mut content = leb(parts.functions.len() as u32 + more);
    let mut text = Vec::new();
    for (number, body) in parts.bodies(metered)?.iter().enumerate() {
        text.clear();
        if let Some(own_body) = own_bodies.get(number) {
            let index = parts.imported_functions + number as u32;
            let delimiters = find(own_body, index, base, places)?;
            let signature = parts.signature(number)?;
            let block = block_type(&signature.results, parts.types.len() as u32, types, &mut known);
            let entry = places.functions[number];
            let inserted = insertions.next_function()?;
            let (delimiters, block, inserted) = (&delimiters, &block, &inserted);
            let function = Function { index, body, signature, entry, delimiters, block, inserted };
            write(metered, &function, recorders, &mut text)?;
        } else {
            text.extend_from_slice(&metered[body.range()]);
        }
        unsigned(text.len() as u64, &mut content);
        content.extend_from_slice(&text);
    }
    if recorders.profile.is_some() {
        // Metering adds its counter behind the canister's own global variables.
        let memory = parts.memories + u32::from(recorders.coverage.is_some());
        for helper in [enter(memory, before.globals), leave(memory, before.globals)] {
            unsigned(helper.len() as u64, &mut content);
            content.extend_from_slice(&helper);
        }
    }
    Ok(content)
}

/// The encoded type of a block without parameters and with these results; several results need a type of their own.
fn block_type(results: &[Vec<u8>], first: u32, types: &mut Added, known: &mut Vec<(Vec<Vec<u8>>, u32)>) -> Vec<u8> {
    match results {
        [] => vec![NO_RESULT],
        [one] => one.clone(),
        many => {
            if let Some((_, index)) = known.iter().find(|(them, _)| them == many) {
                return index_type(*index);
            }
            let index = first + types.count;
            let mut entry = vec![0x60, 0];
            unsigned(many.len() as u64, &mut entry);
            entry.extend(many.iter().flatten());
            types.push(&entry);
            known.push((many.to_vec(), index));
            index_type(index)
        }
    }
}

/// The index of a type where a block's type is expected: a signed number.
fn index_type(index: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = index;
    loop {
        let byte = (rest & 0x7F) as u8;
        rest >>= 7;
        if rest == 0 && byte & 0x40 == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

fn memory(pages: u32) -> Vec<u8> {
    let mut entry = vec![1];
    unsigned(pages.into(), &mut entry);
    unsigned(pages.into(), &mut entry);
    entry
}

/// The content of a section that has `count` entries and those that are `added`.
fn appended(content: Option<&[u8]>, count: u32, added: &Added) -> Vec<u8> {
    let mut out = leb(count + added.count);
    if let Some(content) = content {
        let length = content.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        out.extend_from_slice(&content[length..]);
    }
    out.extend_from_slice(&added.content);
    out
}

fn section(number: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(number);
    unsigned(content.len() as u64, out);
    out.extend_from_slice(content);
}

fn leb(value: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(5);
    unsigned(value.into(), &mut out);
    out
}
