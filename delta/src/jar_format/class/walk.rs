//! Finds the references to constants, and the tables of places in code, in what follows a constant pool.
//!
//! The walk goes through fields, methods and attributes as the JVM specification lays them out
//! (chapter 4). An attribute that does not fit its length is left at the first fault; what was
//! found in it up to there counts, so that every implementation finds the same. No read leaves the
//! attribute it belongs to, and nesting is bounded: the time is linear in the class's size.

use super::tables::{Kind, Table};
use super::{ClassFile, UTF8, code, u16_at};

/// Something that the walk found, by its position in the class file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// A constant's number in two bytes.
    Wide(usize),
    /// A constant's number in one byte, as `ldc` has it.
    Narrow(usize),
    Table(Table),
}

/// Deeper nesting of attributes or annotations is not followed.
const MAX_DEPTH: usize = 24;

/// Calls `visit` for each place, in the order of the file.
pub(super) fn walk(class: &ClassFile<'_>, visit: &mut dyn FnMut(Place)) {
    let mut walker = Walker {
        class,
        end: class.bytes.len(),
        depth: 0,
        code_bytes: 0,
        visit,
    };
    // A fault ends the walk early; what was found counts.
    let _ = walker.class();
}

pub(super) struct Walker<'a> {
    class: &'a ClassFile<'a>,
    /// Where the innermost attribute ends.
    end: usize,
    depth: usize,
    /// The length of the code whose attributes are walked.
    code_bytes: u16,
    visit: &'a mut dyn FnMut(Place),
}

impl Walker<'_> {
    pub(super) fn u8(&self, at: usize) -> Option<u8> {
        self.class.bytes[..self.end].get(at).copied()
    }

    pub(super) fn u16(&self, at: usize) -> Option<usize> {
        u16_at(&self.class.bytes[..self.end], at).map(usize::from)
    }

    pub(super) fn u32(&self, at: usize) -> Option<usize> {
        Some(self.u16(at)? << 16 | self.u16(at + 2)?)
    }

    /// Visits the number at `at`.
    pub(super) fn wide(&mut self, at: usize) -> Option<usize> {
        let number = self.u16(at)?;
        (self.visit)(Place::Wide(at));
        Some(number)
    }

    pub(super) fn narrow(&mut self, at: usize) -> Option<()> {
        self.u8(at)?;
        (self.visit)(Place::Narrow(at));
        Some(())
    }

    fn class(&mut self) -> Option<()> {
        let mut at = self.class.pool_end + 2;
        self.wide(at)?;
        self.wide(at + 2)?;
        at = self.numbers(at + 4)?;
        // Fields, then methods.
        for _ in 0..2 {
            let count = self.u16(at)?;
            at += 2;
            for _ in 0..count {
                self.wide(at + 2)?;
                self.wide(at + 4)?;
                at = self.attributes(at + 6)?;
            }
        }
        self.attributes(at)?;
        Some(())
    }

    /// A count, and as many numbers.
    fn numbers(&mut self, at: usize) -> Option<usize> {
        let count = self.u16(at)?;
        for index in 0..count {
            self.wide(at + 2 + 2 * index)?;
        }
        Some(at + 2 + 2 * count)
    }

    /// A count, and as many rows of `row_bytes` with numbers at `places`.
    fn table(&mut self, at: usize, row_bytes: usize, places: &[usize]) -> Option<usize> {
        let count = self.u16(at)?;
        for row in 0..count {
            for place in places {
                self.wide(at + 2 + row * row_bytes + place)?;
            }
        }
        Some(at + 2 + row_bytes * count)
    }

    fn attributes(&mut self, at: usize) -> Option<usize> {
        let count = self.u16(at)?;
        let mut at = at + 2;
        for _ in 0..count {
            let name = self.wide(at)?;
            let length = self.u32(at + 2)?;
            let start = at + 6;
            let end = start.checked_add(length).filter(|&end| end <= self.end)?;
            if self.depth < MAX_DEPTH {
                let outer = std::mem::replace(&mut self.end, end);
                self.depth += 1;
                let _ = self.attribute(name, start);
                self.depth -= 1;
                self.end = outer;
            }
            at = end;
        }
        Some(at)
    }

    fn attribute(&mut self, name: usize, at: usize) -> Option<()> {
        let constant = self
            .class
            .constants
            .get(name)
            .filter(|constant| constant.tag == UTF8)?;
        let name = &self.class.bytes[constant.start + 3..constant.end];
        match name {
            b"Code" => self.code(at)?,
            b"LineNumberTable" => self.exact_table(Kind::Lines, at, 4)?,
            b"ConstantValue" | b"Signature" | b"SourceFile" | b"NestHost" | b"ModuleMainClass" => {
                self.wide(at)?;
            }
            b"Exceptions" | b"NestMembers" | b"PermittedSubclasses" | b"ModulePackages" => {
                self.numbers(at)?;
            }
            b"InnerClasses" => {
                self.table(at, 8, &[0, 2, 4])?;
            }
            b"EnclosingMethod" => {
                self.wide(at)?;
                self.wide(at + 2)?;
            }
            b"LocalVariableTable" | b"LocalVariableTypeTable" => {
                self.table(at, 10, &[4, 6])?;
                let code_bytes = self.code_bytes;
                self.exact_table(Kind::Variables { code_bytes }, at, 10)?;
            }
            b"MethodParameters" => {
                for index in 0..usize::from(self.u8(at)?) {
                    self.wide(at + 1 + 4 * index)?;
                }
            }
            b"BootstrapMethods" => {
                let mut method = at + 2;
                for _ in 0..self.u16(at)? {
                    self.wide(method)?;
                    method = self.numbers(method + 2)?;
                }
            }
            b"Record" => {
                let mut component = at + 2;
                for _ in 0..self.u16(at)? {
                    self.wide(component)?;
                    self.wide(component + 2)?;
                    component = self.attributes(component + 4)?;
                }
            }
            b"StackMapTable" => self.frames(at)?,
            b"RuntimeVisibleAnnotations" | b"RuntimeInvisibleAnnotations" => {
                self.annotations(at)?;
            }
            b"RuntimeVisibleParameterAnnotations" | b"RuntimeInvisibleParameterAnnotations" => {
                let mut next = at + 1;
                for _ in 0..self.u8(at)? {
                    next = self.annotations(next)?;
                }
            }
            b"AnnotationDefault" => {
                self.element(at)?;
            }
            b"RuntimeVisibleTypeAnnotations" | b"RuntimeInvisibleTypeAnnotations" => {
                let mut next = at + 2;
                for _ in 0..self.u16(at)? {
                    next = self.type_annotation(next)?;
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Visits a table if it fills its attribute.
    fn exact_table(&mut self, kind: Kind, at: usize, row_bytes: usize) -> Option<()> {
        let rows = self.u16(at)?;
        if at + 2 + rows * row_bytes == self.end {
            let position = at + 2;
            (self.visit)(Place::Table(Table {
                kind,
                position,
                rows,
            }));
        }
        Some(())
    }

    /// The `Code` attribute: instructions, exception handlers, attributes.
    fn code(&mut self, at: usize) -> Option<()> {
        let length = self.u32(at + 4)?;
        let start = at + 8;
        let end = start.checked_add(length).filter(|&end| end <= self.end)?;
        // Instructions that are not understood still have handlers and attributes after them.
        let outer = std::mem::replace(&mut self.end, end);
        let _ = code::walk(self, start, end);
        self.end = outer;
        let next = self.table(end, 8, &[6])?;
        let rows = self.u16(end)?;
        (self.visit)(Place::Table(Table {
            kind: Kind::Handlers,
            position: end + 2,
            rows,
        }));
        let outer = std::mem::replace(&mut self.code_bytes, length as u16);
        let walked = self.attributes(next);
        self.code_bytes = outer;
        walked.map(|_| ())
    }

    fn frames(&mut self, at: usize) -> Option<()> {
        let mut next = at + 2;
        for _ in 0..self.u16(at)? {
            let kind = self.u8(next)?;
            next += 1;
            match kind {
                0..=63 => {}
                64..=127 => next = self.verification_type(next)?,
                128..=246 => return None,
                247 => next = self.verification_type(next + 2)?,
                248..=251 => next += 2,
                252..=254 => {
                    next += 2;
                    for _ in 0..kind - 251 {
                        next = self.verification_type(next)?;
                    }
                }
                255 => {
                    next += 2;
                    // Locals, then the stack.
                    for _ in 0..2 {
                        let count = self.u16(next)?;
                        next += 2;
                        for _ in 0..count {
                            next = self.verification_type(next)?;
                        }
                    }
                }
            }
        }
        Some(())
    }

    fn verification_type(&mut self, at: usize) -> Option<usize> {
        match self.u8(at)? {
            7 => {
                self.wide(at + 1)?;
                Some(at + 3)
            }
            8 => Some(at + 3),
            _ => Some(at + 1),
        }
    }

    fn annotations(&mut self, at: usize) -> Option<usize> {
        let mut next = at + 2;
        for _ in 0..self.u16(at)? {
            next = self.annotation(next)?;
        }
        Some(next)
    }

    fn annotation(&mut self, at: usize) -> Option<usize> {
        self.wide(at)?;
        let count = self.u16(at + 2)?;
        let mut next = at + 4;
        for _ in 0..count {
            self.wide(next)?;
            next = self.element(next + 2)?;
        }
        Some(next)
    }

    fn element(&mut self, at: usize) -> Option<usize> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let next = self.element_inside(at);
        self.depth -= 1;
        next
    }

    fn element_inside(&mut self, at: usize) -> Option<usize> {
        match self.u8(at)? {
            b'e' => {
                self.wide(at + 1)?;
                self.wide(at + 3)?;
                Some(at + 5)
            }
            b'@' => self.annotation(at + 1),
            b'[' => {
                let mut next = at + 3;
                for _ in 0..self.u16(at + 1)? {
                    next = self.element(next)?;
                }
                Some(next)
            }
            _ => {
                self.wide(at + 1)?;
                Some(at + 3)
            }
        }
    }

    fn type_annotation(&mut self, at: usize) -> Option<usize> {
        let target_bytes = match self.u8(at)? {
            0x00 | 0x01 | 0x16 => 1,
            0x10..=0x12 | 0x17 | 0x42..=0x46 => 2,
            0x13..=0x15 => 0,
            0x40 | 0x41 => 2 + 6 * self.u16(at + 1)?,
            0x47..=0x4B => 3,
            _ => return None,
        };
        let path = at + 1 + target_bytes;
        let steps = usize::from(self.u8(path)?);
        self.annotation(path + 1 + 2 * steps)
    }
}
