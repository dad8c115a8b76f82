//! Numbers of constants as places in lists of recent ones.

use super::{Group, Use};
use crate::jar_format::streams::{StreamReader, StreamWriter};

/// How far back a list goes. Beyond, the distance within the group is as short; and no class, however
/// made, takes long.
const MAX_RECENT: usize = 1024;

/// The number 0, which names no constant.
const NONE: u64 = 0;
/// Not in the list: the distance to the group's last one of that kind follows.
const NEW: u64 = 1;
/// The last one of the list; further back is more.
const LAST: u64 = 2;

/// What a class's constants were used for so far.
#[derive(Debug)]
pub(super) struct Memory {
    /// Of each group the numbers of its constants, ascending.
    groups: [Vec<u16>; Group::ALL.len()],
    /// Of each use the ranks within the group, the most recent last.
    recent: [Vec<u16>; Use::COUNT],
    /// Of each group the rank that comes next if nothing is left out.
    next: [i64; Group::ALL.len()],
}

impl Memory {
    /// `tags` has the tag of each number, 0 for those that are no constant.
    pub(super) fn new(tags: &[u8]) -> Memory {
        let group = |group: Group| {
            let numbers = tags.iter().enumerate();
            let of_group = numbers.filter(|(_, tag)| group.has(**tag));
            of_group.map(|(number, _)| number as u16).collect()
        };
        Memory {
            groups: Group::ALL.map(group),
            recent: std::array::from_fn(|_| Vec::new()),
            next: [0; Group::ALL.len()],
        }
    }

    /// After the pool the groups begin anew; what was used in the pool is not used so again.
    pub(super) fn end_pool(&mut self) {
        self.next = [0; Group::ALL.len()];
    }

    /// `None` if the number is of no constant that such a use may name.
    pub(super) fn write(&mut self, of: Use, number: u16, out: &mut StreamWriter) -> Option<()> {
        if number == 0 {
            out.number(of.stream(), NONE);
            return Some(());
        }
        let group = of.group() as usize;
        let rank = self.groups[group].binary_search(&number).ok()?;
        let recent = &mut self.recent[of as usize];
        match recent.iter().rposition(|&other| usize::from(other) == rank) {
            Some(place) => {
                out.number(of.stream(), LAST + (recent.len() - 1 - place) as u64);
                recent.remove(place);
            }
            None => {
                out.number(of.stream(), NEW);
                out.signed(of.new_stream(), rank as i64 - self.next[group]);
                self.next[group] = rank as i64 + 1;
            }
        }
        self.remember(of, rank as u16);
        Some(())
    }

    /// Undoes [`Memory::write`].
    pub(super) fn read(&mut self, of: Use, streams: &mut StreamReader) -> Option<u16> {
        let group = of.group() as usize;
        let recent = &mut self.recent[of as usize];
        let rank = match streams.number(of.stream()).ok()? {
            NONE => return Some(0),
            NEW => {
                let distance = streams.signed(of.new_stream()).ok()?;
                let rank = u16::try_from(self.next[group].checked_add(distance)?).ok()?;
                self.next[group] = i64::from(rank) + 1;
                rank
            }
            place => {
                let back = usize::try_from(place - LAST).ok()?;
                let place = recent.len().checked_sub(1)?.checked_sub(back)?;
                recent.remove(place)
            }
        };
        let number = *self.groups[group].get(usize::from(rank))?;
        self.remember(of, rank);
        Some(number)
    }

    fn remember(&mut self, of: Use, rank: u16) {
        let recent = &mut self.recent[of as usize];
        if recent.len() == MAX_RECENT {
            recent.remove(0);
        }
        recent.push(rank);
    }
}
