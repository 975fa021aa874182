//! Reads what metering inserted into the functions of a module.

use std::ops::Range;

use crate::parts::Refusal;

/// The insertions of a module as `src/metering` encodes them, read function by function.
pub struct Insertions<'a> {
    rest: &'a [u8],
}

impl<'a> Insertions<'a> {
    /// Reads from the first function on.
    pub fn new(encoded: &'a [u8]) -> Insertions<'a> {
        Insertions { rest: encoded }
    }

    /// Where the next function's metered code was inserted, as ranges of offsets from the start of the function.
    pub fn next_function(&mut self) -> Result<Vec<Range<usize>>, Refusal> {
        let count = self.number()?;
        let (own_start, start) = (self.number()?, self.number()?);
        let mut inserted = 0;
        let mut ranges = Vec::new();
        for _ in 0..count {
            let (offset, length) = (self.number()?, self.number()?);
            let own = offset.checked_sub(own_start).ok_or(UNEXPECTED)?;
            let begin = start + own + inserted;
            inserted += length;
            ranges.push(begin..begin + length);
        }
        Ok(ranges)
    }

    fn number(&mut self) -> Result<usize, Refusal> {
        let (number, rest) = self.rest.split_first_chunk::<4>().ok_or(UNEXPECTED)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*number) as usize)
    }
}

const UNEXPECTED: Refusal = Refusal::Unsupported("what metering inserted is not known");
