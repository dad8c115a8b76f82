//! The way through a class: pool, fields, methods, attributes (JVM specification, chapter 4).

use super::{Passage, Use};
use crate::jar_format::class::{
    DYNAMIC, HEAD_BYTES, INVOKE_DYNAMIC, METHOD_HANDLE, reference_places,
};
use crate::jar_format::streams::Stream;

/// Deeper nesting of attributes or annotations is not followed.
const MAX_DEPTH: usize = 24;

/// How the references of a constant are used, in the order of its bytes.
pub(super) fn pool_uses(tag: u8) -> &'static [Use] {
    match tag {
        9..=11 => &[Use::PoolOwner, Use::PoolNameAndType],
        12 => &[Use::PoolName, Use::PoolType],
        METHOD_HANDLE => &[Use::PoolMember],
        DYNAMIC | INVOKE_DYNAMIC => &[Use::PoolNameAndType],
        tag if reference_places(tag).is_empty() => &[],
        _ => &[Use::PoolText],
    }
}

/// Passes magic and version.
pub(super) fn head(passage: &mut impl Passage) -> Option<()> {
    passage.bytes(Stream::FreshRest, HEAD_BYTES)
}

/// Passes everything after the pool.
pub(super) fn body(passage: &mut impl Passage) -> Option<()> {
    let mut walker = Walker {
        passage,
        depth: 0,
        line: 0,
        code_bytes: 0,
    };
    walker.class()
}

struct Walker<'a, P> {
    passage: &'a mut P,
    depth: usize,
    /// The last line of the last row of a line number table.
    line: u16,
    /// The length of the code whose attributes are walked.
    code_bytes: u16,
}

impl<P: Passage> Walker<'_, P> {
    fn rest(&mut self, count: usize) -> Option<()> {
        self.passage.bytes(Stream::FreshRest, count)
    }

    fn count(&mut self) -> Option<u16> {
        self.passage.number(Stream::FreshRest)
    }

    fn constant(&mut self, of: Use) -> Option<u16> {
        self.passage.constant(of, 2)
    }

    /// A count, and as many constants.
    fn constants(&mut self, of: Use) -> Option<()> {
        for _ in 0..self.count()? {
            self.constant(of)?;
        }
        Some(())
    }

    fn class(&mut self) -> Option<()> {
        self.rest(2)?;
        self.constant(Use::Class)?;
        self.constant(Use::Class)?;
        self.constants(Use::Class)?;
        // Fields, then methods.
        for _ in 0..2 {
            for _ in 0..self.count()? {
                self.rest(2)?;
                self.constant(Use::MemberName)?;
                self.constant(Use::MemberType)?;
                self.attributes()?;
            }
        }
        self.attributes()
    }

    fn attributes(&mut self) -> Option<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        for _ in 0..self.count()? {
            let name = self.constant(Use::AttributeName)?;
            let length = self.passage.wide_number(Stream::FreshRest)? as usize;
            let end = self.passage.position().checked_add(length)?;
            self.attribute(name, end)?;
            if self.passage.position() != end {
                return None;
            }
        }
        self.depth -= 1;
        Some(())
    }

    fn attribute(&mut self, name: u16, end: usize) -> Option<()> {
        match self.passage.text(name).unwrap_or_default() {
            b"Code" => self.code(),
            b"LineNumberTable" => self.lines(),
            b"LocalVariableTable" | b"LocalVariableTypeTable" => self.variables(),
            b"StackMapTable" => self.frames(),
            b"ConstantValue" => self.constant(Use::FieldConstant).map(drop),
            b"Signature" | b"SourceFile" => self.constant(Use::Text).map(drop),
            b"NestHost" => self.constant(Use::Class).map(drop),
            b"NestMembers" | b"PermittedSubclasses" => self.constants(Use::Class),
            b"Exceptions" => self.constants(Use::Exception),
            b"InnerClasses" => {
                for _ in 0..self.count()? {
                    self.constant(Use::InnerClass)?;
                    self.constant(Use::InnerClass)?;
                    self.constant(Use::InnerName)?;
                    self.rest(2)?;
                }
                Some(())
            }
            b"EnclosingMethod" => {
                self.constant(Use::Class)?;
                self.constant(Use::EnclosingMethod).map(drop)
            }
            b"MethodParameters" => {
                for _ in 0..self.passage.byte(Stream::FreshRest)? {
                    self.constant(Use::Text)?;
                    self.rest(2)?;
                }
                Some(())
            }
            b"BootstrapMethods" => {
                for _ in 0..self.count()? {
                    self.constant(Use::BootstrapMethod)?;
                    self.constants(Use::BootstrapArgument)?;
                }
                Some(())
            }
            b"Record" => {
                for _ in 0..self.count()? {
                    self.constant(Use::MemberName)?;
                    self.constant(Use::MemberType)?;
                    self.attributes()?;
                }
                Some(())
            }
            b"RuntimeVisibleAnnotations" | b"RuntimeInvisibleAnnotations" => self.annotations(),
            b"RuntimeVisibleParameterAnnotations" | b"RuntimeInvisibleParameterAnnotations" => {
                for _ in 0..self.passage.byte(Stream::FreshRest)? {
                    self.annotations()?;
                }
                Some(())
            }
            b"AnnotationDefault" => self.element(),
            _ => self.rest(end - self.passage.position()),
        }
    }

    fn code(&mut self) -> Option<()> {
        self.rest(4)?;
        let length = self.passage.wide_number(Stream::FreshRest)?;
        self.instructions(length as usize)?;
        for _ in 0..self.count()? {
            self.rest(6)?;
            self.constant(Use::Exception)?;
        }
        let outer = std::mem::replace(&mut self.code_bytes, length as u16);
        self.attributes()?;
        self.code_bytes = outer;
        Some(())
    }

    fn instructions(&mut self, length: usize) -> Option<()> {
        let start = self.passage.position();
        let end = start.checked_add(length)?;
        while self.passage.position() < end {
            match self.passage.byte(Stream::FreshCode)? {
                // ldc
                18 => self.passage.constant(Use::CodeConstant, 1).map(drop)?,
                // ldc_w, ldc2_w
                19 => self.constant(Use::CodeConstant).map(drop)?,
                20 => self.constant(Use::CodeWide).map(drop)?,
                // getstatic, putstatic, getfield, putfield
                178..=181 => self.constant(Use::CodeField).map(drop)?,
                // invokevirtual, invokespecial, invokestatic
                182..=184 => self.constant(Use::CodeMethod).map(drop)?,
                // invokeinterface, invokedynamic
                185 => self.constant_and(Use::CodeMethod, 2)?,
                186 => self.constant_and(Use::CodeDynamic, 2)?,
                // new, anewarray, checkcast, instanceof, multianewarray
                187 | 189 | 192 | 193 => self.constant(Use::CodeClass).map(drop)?,
                197 => self.constant_and(Use::CodeClass, 1)?,
                // bipush, loads and stores, ret, newarray
                16 | 21..=25 | 54..=58 | 169 | 188 => self.operands(1)?,
                // sipush, iinc, jumps
                17 | 132 | 153..=168 | 198 | 199 => self.operands(2)?,
                // goto_w, jsr_w
                200 | 201 => self.operands(4)?,
                // tableswitch, lookupswitch: aligned to four from the method's first instruction.
                switch @ (170 | 171) => {
                    let done = self.passage.position() - start;
                    self.operands(done.next_multiple_of(4) - done + 4)?;
                    let low = self.passage.wide_number(Stream::FreshCode)?;
                    let rows = match switch {
                        170 => {
                            let high = self.passage.wide_number(Stream::FreshCode)?;
                            i64::from(high as i32) - i64::from(low as i32) + 1
                        }
                        _ => i64::from(low) * 2,
                    };
                    let left = end.checked_sub(self.passage.position())?;
                    let rows = usize::try_from(rows)
                        .ok()
                        .filter(|&rows| rows <= left / 4)?;
                    self.operands(4 * rows)?;
                }
                // wide: iinc has two operands
                196 => match self.passage.byte(Stream::FreshCode)? {
                    132 => self.operands(4)?,
                    _ => self.operands(2)?,
                },
                _ => {}
            }
        }
        (self.passage.position() == end).then_some(())
    }

    fn constant_and(&mut self, of: Use, operands: usize) -> Option<()> {
        self.constant(of)?;
        self.operands(operands)
    }

    fn operands(&mut self, count: usize) -> Option<()> {
        self.passage.bytes(Stream::FreshCode, count)
    }

    fn lines(&mut self) -> Option<()> {
        let mut pc = 0;
        for _ in 0..self.count()? {
            pc = self.passage.difference(Stream::FreshLinePcs, pc)?;
            self.line = self.passage.difference(Stream::FreshLines, self.line)?;
        }
        Some(())
    }

    fn variables(&mut self) -> Option<()> {
        let mut start = 0;
        for _ in 0..self.count()? {
            start = self.passage.difference(Stream::FreshVariables, start)?;
            // Most live to the end of the code.
            let to_the_end = self.code_bytes.wrapping_sub(start);
            self.passage
                .difference(Stream::FreshVariables, to_the_end)?;
            self.constant(Use::VariableName)?;
            self.constant(Use::VariableType)?;
            self.rest(2)?;
        }
        Some(())
    }

    fn frames(&mut self) -> Option<()> {
        for _ in 0..self.count()? {
            match self.passage.byte(Stream::FreshFrames)? {
                0..=63 => {}
                64..=127 => self.verification_type()?,
                128..=246 => return None,
                247 => {
                    self.passage.bytes(Stream::FreshFrames, 2)?;
                    self.verification_type()?;
                }
                248..=251 => self.passage.bytes(Stream::FreshFrames, 2)?,
                kind @ 252..=254 => {
                    self.passage.bytes(Stream::FreshFrames, 2)?;
                    for _ in 0..kind - 251 {
                        self.verification_type()?;
                    }
                }
                255 => {
                    self.passage.bytes(Stream::FreshFrames, 2)?;
                    // Locals, then the stack.
                    for _ in 0..2 {
                        for _ in 0..self.passage.number(Stream::FreshFrames)? {
                            self.verification_type()?;
                        }
                    }
                }
            }
        }
        Some(())
    }

    fn verification_type(&mut self) -> Option<()> {
        match self.passage.byte(Stream::FreshFrames)? {
            7 => self.constant(Use::FrameClass).map(drop),
            8 => self.passage.bytes(Stream::FreshFrames, 2),
            _ => Some(()),
        }
    }

    fn annotations(&mut self) -> Option<()> {
        for _ in 0..self.count()? {
            self.annotation()?;
        }
        Some(())
    }

    fn annotation(&mut self) -> Option<()> {
        self.constant(Use::AnnotationText)?;
        for _ in 0..self.count()? {
            self.constant(Use::AnnotationText)?;
            self.element()?;
        }
        Some(())
    }

    fn element(&mut self) -> Option<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        match self.passage.byte(Stream::FreshRest)? {
            b'e' => {
                self.constant(Use::AnnotationText)?;
                self.constant(Use::AnnotationText)?;
            }
            b's' | b'c' => self.constant(Use::AnnotationText).map(drop)?,
            b'@' => self.annotation()?,
            b'[' => {
                for _ in 0..self.count()? {
                    self.element()?;
                }
            }
            _ => self.constant(Use::AnnotationConstant).map(drop)?,
        }
        self.depth -= 1;
        Some(())
    }
}
