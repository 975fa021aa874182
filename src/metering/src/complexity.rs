//! How complex a function is: what the network weighs so that no function takes the compiler too long.
//!
//! The weights are those of DFINITY's replica; branches and blocks weigh most, because compilers take more than linear
//! time for many of them.

use wasmparser::Operator;

/// The greatest complexity that a function may have.
pub const MOST: u64 = 1_000_000;

/// The complexity of an instruction; that of a function is the sum.
pub fn complexity(operator: &Operator<'_>) -> u64 {
    use Operator::*;
    match operator {
        Block { .. } | Loop { .. } | If { .. } | Br { .. } | BrIf { .. } | BrTable { .. } => 50,
        Call { .. } | CallIndirect { .. } | MemoryGrow { .. } => 50,
        TableGet { .. } => 14,
        RefFunc { .. } => 8,
        RefIsNull => 6,
        F32Neg | F32Abs | F64Neg | F64Abs | MemoryCopy { .. } => 4,
        I32TruncF32S | I32TruncF32U | I32TruncF64S | I32TruncF64U | I64ExtendI32S | I64ExtendI32U => 5,
        I64TruncF32S | I64TruncF32U | I64TruncF64S | I64TruncF64U | F32DemoteF64 => 5,
        F32ConvertI32S | F32ConvertI32U | F32ConvertI64S | F32ConvertI64U => 5,
        F64ConvertI32S | F64ConvertI32U | F64ConvertI64S | F64ConvertI64U => 5,
        F32Copysign | F64Copysign | F64Eq | MemoryFill { .. } => 3,
        I32RemU | I32RemS | I64RemU | I64RemS | I32DivU | I32DivS | I64DivU | I64DivS => 3,
        I32Load { .. } | I64Load { .. } | F32Load { .. } | F64Load { .. } => 3,
        I32Load8S { .. } | I32Load8U { .. } | I32Load16S { .. } | I32Load16U { .. } => 3,
        I64Load8S { .. } | I64Load8U { .. } | I64Load16S { .. } | I64Load16U { .. } => 3,
        I64Load32S { .. } | I64Load32U { .. } => 3,
        I32TruncSatF32S | I32TruncSatF32U | I32TruncSatF64S | I32TruncSatF64U => 3,
        I64TruncSatF32S | I64TruncSatF32U | I64TruncSatF64S | I64TruncSatF64U => 3,
        GlobalGet { .. } | I32Popcnt | I64Popcnt | Select | MemorySize { .. } => 2,
        I32Store { .. } | I32Store16 { .. } | I32Store8 { .. } | F32Store { .. } | F64Store { .. } => 2,
        I64Store { .. } | I64Store32 { .. } | I64Store16 { .. } | I64Store8 { .. } => 2,
        I32Eqz | I32Eq | I32Ne | I32LtS | I32LtU | I32GtS | I32GtU | I32LeS | I32LeU | I32GeS | I32GeU => 2,
        I64Eqz | I64Eq | I64Ne | I64LtS | I64LtU | I64GtS | I64GtU | I64LeS | I64LeU | I64GeS | I64GeU => 2,
        F32Eq | F32Ne | F32Lt | F32Gt | F32Le | F32Ge | F64Ne | F64Lt | F64Gt | F64Le | F64Ge => 2,
        F32Ceil | F64Ceil | F32Floor | F64Floor | F32Sqrt | F64Sqrt | F32Trunc | F64Trunc => 2,
        I32ReinterpretF32 | I64ReinterpretF64 | F32ReinterpretI32 | F64ReinterpretI64 => 2,
        I32WrapI64 | I32Extend8S | I32Extend16S | I64Extend8S | I64Extend16S | I64Extend32S | F64PromoteF32 => 2,
        _ => 1,
    }
}
