//! Puts the sections of the rewritten module together.
//!
//! New are, each at the end so that no index changes: global variables for the instructions that are left, a function
//! that grants more, its type, the exports of these, and a memory in which the host counts interrupts; besides, local
//! variables of functions, and hints for the compiler which branches are unlikely. All else is copied as it is.

use std::fmt;
use std::ops::Range;

use wasmparser::{BinaryReaderError, CodeSectionReader, CompositeInnerType, Encoding, Parser, Payload, RecGroup, TypeRef};

use crate::blocks::{Finder, Widths};
use crate::code::{Indices, Writer, grant_function, unsigned};
use crate::complexity::MOST;
use crate::weights::Memory;
use crate::{MALFORMED, TOO_COMPLEX};

/// The export with the number of instructions that are left of what was granted.
pub const COUNTER: &str = "ic-harness instructions";
/// The export with the number of those that were not granted yet, a multiple of the portion.
pub const REST: &str = "ic-harness rest";
/// The export with the count of interrupts when the message began.
pub const SINCE: &str = "ic-harness since";
/// The export with the function that takes the counter when that is below zero, and returns one that is not, or traps.
pub const GRANT: &str = "ic-harness grant";

const TYPE: usize = 1;
const FUNCTION: usize = 3;
const MEMORY: usize = 5;
const GLOBAL: usize = 6;
const EXPORT: usize = 7;
const CODE: usize = 10;
/// The order of the sections in a module, by number.
const ORDER: [usize; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];
const KIND_FUNCTION: u8 = 0;
const KIND_GLOBAL: u8 = 3;
/// The type of the function that grants: from i64 to i64.
const GRANT_TYPE: [u8; 5] = [0x60, 1, 0x7E, 1, 0x7E];
/// The type of the memory with the count of interrupts: one page.
const INTERRUPTS_MEMORY: [u8; 3] = [1, 1, 1];
/// The type of our variables, changeable i64, and their value at first, 0.
const VARIABLE: [u8; 5] = [0x7E, 1, 0x42, 0, 0x0B];
/// The custom section that says before the code which branches are unlikely.
const HINTS: &str = "metadata.code.branch_hint";
const UNLIKELY: [u8; 2] = [1, 0];

/// Why a module cannot be rewritten.
#[derive(Debug)]
pub enum Refusal {
    /// It is not a module in binary format.
    Malformed(BinaryReaderError),
    /// It is one, but not of a kind that canisters are.
    Unsupported(&'static str),
    /// The function with this index, of those that are not imported, has more than the greatest complexity.
    Complex { index: u32, complexity: u64 },
}

impl Refusal {
    /// The status that says which kind of refusal it is.
    pub fn status(&self) -> u32 {
        if matches!(self, Refusal::Complex { .. }) { TOO_COMPLEX } else { MALFORMED }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed(error) => write!(out, "{} (at offset {})", error.message(), error.offset()),
            Refusal::Unsupported(what) => out.write_str(what),
            Refusal::Complex { index, complexity } => write!(
                out,
                "Wasm module contains a function at index {index} with complexity {complexity} which exceeds the maximum \
                 complexity allowed {MOST}."
            ),
        }
    }
}

impl From<BinaryReaderError> for Refusal {
    fn from(error: BinaryReaderError) -> Self {
        Refusal::Malformed(error)
    }
}

/// The parts of a module that rewriting needs.
#[derive(Default)]
struct Parts {
    sections: [Option<Range<usize>>; 13],
    custom: Vec<Range<usize>>,
    imported_functions: u32,
    imported_globals: u32,
    memories: u32,
    /// How many parameters the functions of each type have.
    parameters: Vec<u32>,
    /// The type of each function.
    functions: Vec<u32>,
    globals: u32,
    exports: u32,
    wide_memory: bool,
    wide_table: bool,
}

impl Parts {
    /// How many parameters the function with an index has that is not imported.
    fn parameters_of(&self, index: u32) -> Result<u32, Refusal> {
        let kind = self.functions.get((index - self.imported_functions) as usize);
        let parameters = kind.and_then(|kind| self.parameters.get(*kind as usize));
        parameters.copied().ok_or(Refusal::Unsupported("a function without a type"))
    }
}

/// A module with code that counts.
pub struct Metered {
    /// The module.
    pub module: Vec<u8>,
    /// What was inserted, as numbers of 32 bits, the least byte first. For each function that the module defines: how
    /// many insertions there are, then those of `Writer::insertions`.
    pub insertions: Vec<u8>,
}

/// Returns the module with code that counts instructions. It must be valid.
pub fn meter(module: &[u8]) -> Result<Metered, Refusal> {
    let parts = read(module)?;
    let indices = Indices {
        counter: parts.imported_globals + parts.globals,
        grant: parts.imported_functions + count(&parts.functions),
        interrupts: parts.memories,
    };
    let kind = count(&parts.parameters);
    let exports = [
        export(COUNTER, KIND_GLOBAL, indices.counter),
        export(REST, KIND_GLOBAL, indices.counter + 1),
        export(SINCE, KIND_GLOBAL, indices.counter + 2),
        export(GRANT, KIND_FUNCTION, indices.grant),
    ];
    let mut insertions = Vec::new();
    let (code, hints) = code(module, &parts, indices, &mut insertions)?;
    let mut out = Vec::with_capacity(module.len() * 2);
    out.extend_from_slice(&module[..8]);
    for number in ORDER {
        let content = match number {
            TYPE => appended(module, &parts, number, kind, &[&GRANT_TYPE]),
            FUNCTION => appended(module, &parts, number, count(&parts.functions), &[&leb(kind)]),
            MEMORY => appended(module, &parts, number, parts.memories, &[&INTERRUPTS_MEMORY]),
            GLOBAL => appended(module, &parts, number, parts.globals, &[VARIABLE.as_slice(); 3]),
            EXPORT => appended(module, &parts, number, parts.exports, &exports.each_ref().map(Vec::as_slice)),
            CODE => {
                section(0, &hints, &mut out);
                section(number as u8, &code, &mut out);
                continue;
            }
            _ => match &parts.sections[number] {
                Some(range) => module[range.clone()].to_vec(),
                None => continue,
            },
        };
        section(number as u8, &content, &mut out);
    }
    for range in &parts.custom {
        section(0, &module[range.clone()], &mut out);
    }
    Ok(Metered { module: out, insertions })
}

fn read(module: &[u8]) -> Result<Parts, Refusal> {
    let mut parts = Parts::default();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match &payload {
            Payload::Version { encoding: Encoding::Component, .. } => {
                return Err(Refusal::Unsupported("a component is not a module"));
            }
            Payload::TypeSection(reader) => {
                for group in reader.clone() {
                    parts.parameters.push(parameters(&group?)?);
                }
            }
            Payload::ImportSection(reader) => imports(&mut parts, reader.clone())?,
            Payload::FunctionSection(reader) => {
                for function in reader.clone() {
                    parts.functions.push(function?);
                }
            }
            Payload::GlobalSection(reader) => parts.globals = reader.count(),
            Payload::ExportSection(reader) => parts.exports = reader.count(),
            Payload::MemorySection(reader) => {
                parts.memories = reader.count();
                for memory in reader.clone() {
                    parts.wide_memory |= memory?.memory64;
                }
            }
            Payload::TableSection(reader) => {
                for table in reader.clone() {
                    parts.wide_table |= table?.ty.table64;
                }
            }
            _ => {}
        }
        if let Some((number, range)) = payload.as_section() {
            match number {
                0 => parts.custom.push(range),
                1..=12 if parts.sections[usize::from(number)].is_none() => {
                    parts.sections[usize::from(number)] = Some(range);
                }
                _ => return Err(Refusal::Unsupported("an unknown or repeated section")),
            }
        }
    }
    Ok(parts)
}

/// How many parameters the type of a function has.
fn parameters(group: &RecGroup) -> Result<u32, Refusal> {
    let mut types = group.types();
    match (types.next().map(|kind| &kind.composite_type.inner), types.next()) {
        (Some(CompositeInnerType::Func(function)), None) => {
            u32::try_from(function.params().len()).map_err(|_| Refusal::Unsupported("too many parameters"))
        }
        _ => Err(Refusal::Unsupported("a type that is not a single function's")),
    }
}

fn imports(parts: &mut Parts, reader: wasmparser::ImportSectionReader<'_>) -> Result<(), Refusal> {
    for import in reader.into_imports() {
        match import?.ty {
            TypeRef::Func(_) => parts.imported_functions += 1,
            TypeRef::Global(_) => parts.imported_globals += 1,
            _ => return Err(Refusal::Unsupported("an import that is neither function nor global")),
        }
    }
    Ok(())
}

/// The content of a section with more entries than its `count`.
fn appended(module: &[u8], parts: &Parts, number: usize, count: u32, entries: &[&[u8]]) -> Vec<u8> {
    let mut content = leb(count + entries.len() as u32);
    if let Some(range) = &parts.sections[number] {
        content.extend_from_slice(past_count(&module[range.clone()]));
    }
    content.extend(entries.iter().copied().flatten());
    content
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("bug: the items were read from a section that counts them by an u32")
}

fn past_count(content: &[u8]) -> &[u8] {
    let length = content.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    &content[length..]
}

/// The content of the code section, and of the section with the hints; appends what was inserted.
fn code(module: &[u8], parts: &Parts, indices: Indices, insertions: &mut Vec<u8>) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let memory = if parts.wide_memory { Memory::Bits64 } else { Memory::Bits32 };
    let widths = Widths { memory, table: parts.wide_table };
    let functions = count(&parts.functions);
    let (mut content, mut hints) = (leb(functions + 1), text(HINTS));
    unsigned(functions.into(), &mut hints);
    if let Some(range) = &parts.sections[CODE] {
        content.reserve(range.len() * 2);
        let reader = wasmparser::BinaryReader::new(&module[range.clone()], range.start);
        let (mut finder, mut writer) = (Finder::default(), Writer::new(indices));
        for (index, function) in (parts.imported_functions..).zip(CodeSectionReader::new(reader)?) {
            let function = function?;
            finder.find(module, &function, widths)?;
            if finder.complexity > MOST {
                return Err(Refusal::Complex { index: index - parts.imported_functions, complexity: finder.complexity });
            }
            writer.write(module, &function, &finder.points, parts.parameters_of(index)?)?;
            unsigned(writer.body.len() as u64, &mut content);
            content.extend_from_slice(&writer.body);
            hint(index, &writer.unlikely, &mut hints);
            insertions.extend(((writer.insertions.len() as u32 - 2) / 2).to_le_bytes());
            insertions.extend(writer.insertions.iter().flat_map(|number| number.to_le_bytes()));
        }
    }
    let grant = grant_function(indices);
    unsigned(grant.len() as u64, &mut content);
    content.extend_from_slice(&grant);
    Ok((content, hints))
}

fn hint(function: u32, unlikely: &[usize], out: &mut Vec<u8>) {
    unsigned(function.into(), out);
    unsigned(unlikely.len() as u64, out);
    for offset in unlikely {
        unsigned(*offset as u64, out);
        out.extend_from_slice(&UNLIKELY);
    }
}

fn export(name: &str, kind: u8, index: u32) -> Vec<u8> {
    let mut entry = text(name);
    entry.push(kind);
    unsigned(index.into(), &mut entry);
    entry
}

fn text(content: &str) -> Vec<u8> {
    let mut out = leb(content.len() as u32);
    out.extend_from_slice(content.as_bytes());
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
