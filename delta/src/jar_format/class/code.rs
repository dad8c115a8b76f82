//! Instructions: where they refer to constants, and where the next one begins.

use super::walk::Walker;

/// Visits the references of the instructions from `start` to `end`.
pub(super) fn walk(walker: &mut Walker<'_>, start: usize, end: usize) -> Option<()> {
    let mut at = start;
    while at < end {
        at = match walker.u8(at)? {
            // ldc
            18 => {
                walker.narrow(at + 1)?;
                at + 2
            }
            // ldc_w, ldc2_w, fields, invocations, new, anewarray, checkcast, instanceof
            19 | 20 | 178..=184 | 187 | 189 | 192 | 193 => {
                walker.wide(at + 1)?;
                at + 3
            }
            // invokeinterface, invokedynamic
            185 | 186 => {
                walker.wide(at + 1)?;
                at + 5
            }
            // multianewarray
            197 => {
                walker.wide(at + 1)?;
                at + 4
            }
            // bipush, loads and stores, ret, newarray
            16 | 21..=25 | 54..=58 | 169 | 188 => at + 2,
            // sipush, iinc, jumps
            17 | 132 | 153..=168 | 198 | 199 => at + 3,
            // goto_w, jsr_w
            200 | 201 => at + 5,
            // tableswitch
            170 => {
                let operands = aligned(start, at);
                let low = walker.u32(operands + 4)? as u32 as i32;
                let high = walker.u32(operands + 8)? as u32 as i32;
                let count = i64::from(high) - i64::from(low) + 1;
                operands + 12 + 4 * usize::try_from(count).ok()?
            }
            // lookupswitch
            171 => {
                let operands = aligned(start, at);
                operands + 8 + 8 * walker.u32(operands + 4)?
            }
            // wide: iinc has two operands
            196 => match walker.u8(at + 1)? {
                132 => at + 6,
                _ => at + 4,
            },
            _ => at + 1,
        };
    }
    Some(())
}

/// The operands of a switch begin at the next multiple of four from the method's first byte.
fn aligned(start: usize, at: usize) -> usize {
    start + (at - start + 4) / 4 * 4
}
