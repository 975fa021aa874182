//! Takes a module apart: the sections, and the counts and types that rewriting needs.

use std::fmt;
use std::ops::Range;

use wasmparser::{
    BinaryReader, BinaryReaderError, CodeSectionReader, CompositeInnerType, FunctionBody, Parser, Payload, TypeRef,
};

/// The number of the code section.
pub const CODE: usize = 10;

/// Why a module cannot be rewritten.
#[derive(Debug)]
pub enum Refusal {
    /// It is not a module in binary format.
    Malformed(BinaryReaderError),
    /// It is one, but not of the kind that is expected.
    Unsupported(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed(error) => write!(out, "{} (at offset {})", error.message(), error.offset()),
            Refusal::Unsupported(what) => out.write_str(what),
        }
    }
}

impl From<BinaryReaderError> for Refusal {
    fn from(error: BinaryReaderError) -> Self {
        Refusal::Malformed(error)
    }
}

/// A function type: how many parameters, and the results as bytes of the binary format.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// The number of parameters.
    pub params: u32,
    /// The encoded types of the results, one entry each.
    pub results: Vec<Vec<u8>>,
}

/// A module taken apart.
#[derive(Default)]
pub struct Parts {
    /// The content of each section by number, as a range of the module.
    pub sections: [Option<Range<usize>>; 13],
    /// The custom sections.
    pub custom: Vec<Range<usize>>,
    /// The types in order.
    pub types: Vec<Signature>,
    /// The type of each defined function.
    pub functions: Vec<u32>,
    /// How many functions are imported.
    pub imported_functions: u32,
    /// How many global variables there are, imported ones included.
    pub globals: u32,
    /// How many memories there are.
    pub memories: u32,
}

impl Parts {
    /// Reads all but the code. The module must be valid.
    pub fn read(module: &[u8]) -> Result<Parts, Refusal> {
        let mut parts = Parts::default();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            parts.count(&payload)?;
            if let Some((number, range)) = payload.as_section() {
                match number {
                    0 => parts.custom.push(range),
                    1..=12 if parts.sections[usize::from(number)].is_none() => parts.sections[usize::from(number)] = Some(range),
                    _ => return Err(Refusal::Unsupported("an unknown or repeated section")),
                }
            }
        }
        Ok(parts)
    }

    fn count(&mut self, payload: &Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::TypeSection(reader) => {
                for group in reader.clone() {
                    for kind in group?.types() {
                        self.types.push(signature(&kind.composite_type.inner)?);
                    }
                }
                if self.types.len() != reader.count() as usize {
                    return Err(Refusal::Unsupported("recursive types"));
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.clone().into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) => self.imported_functions += 1,
                        TypeRef::Global(_) => self.globals += 1,
                        _ => return Err(Refusal::Unsupported("an import that is neither function nor global")),
                    }
                }
            }
            Payload::FunctionSection(reader) => self.functions = reader.clone().into_iter().collect::<Result<_, _>>()?,
            Payload::GlobalSection(reader) => self.globals += reader.count(),
            Payload::MemorySection(reader) => self.memories = reader.count(),
            _ => {}
        }
        Ok(())
    }

    /// The functions of the code section.
    pub fn bodies<'a>(&self, module: &'a [u8]) -> Result<Vec<FunctionBody<'a>>, Refusal> {
        match &self.sections[CODE] {
            Some(range) => {
                let reader = CodeSectionReader::new(BinaryReader::new(&module[range.clone()], range.start))?;
                Ok(reader.into_iter().collect::<Result<_, _>>()?)
            }
            None => Ok(Vec::new()),
        }
    }

    /// The type of a defined function. Fails for a number that the module does not have.
    pub fn signature(&self, function: usize) -> Result<&Signature, Refusal> {
        let kind = self.functions.get(function).and_then(|kind| self.types.get(*kind as usize));
        kind.ok_or(Refusal::Unsupported("a function without a type"))
    }
}

fn signature(kind: &CompositeInnerType) -> Result<Signature, Refusal> {
    let CompositeInnerType::Func(kind) = kind else {
        return Err(Refusal::Unsupported("a type that is no function"));
    };
    let results = kind.results().iter().map(|one| encoded(*one)).collect::<Result<_, _>>()?;
    Ok(Signature { params: kind.params().len() as u32, results })
}

fn encoded(kind: wasmparser::ValType) -> Result<Vec<u8>, Refusal> {
    use wasmparser::ValType::*;
    Ok(match kind {
        I32 => vec![0x7F],
        I64 => vec![0x7E],
        F32 => vec![0x7D],
        F64 => vec![0x7C],
        V128 => vec![0x7B],
        Ref(wasmparser::RefType::FUNCREF) => vec![0x70],
        Ref(wasmparser::RefType::EXTERNREF) => vec![0x6F],
        Ref(_) => return Err(Refusal::Unsupported("a reference type of another proposal")),
    })
}
