//! The difference between two byte strings as additions, insertions and seeks, after bsdiff.
//!
//! Each operation adds differences to a stretch of the old bytes, which need not be equal but only
//! similar, and then inserts new bytes. Matches are found in a suffix array of the old bytes.

/// One operation: `add` old bytes from `position` on, each with a difference, then `insert` new
/// ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) add: usize,
    pub(super) insert: usize,
    pub(super) position: usize,
}

/// Finds the operations that make `new` of `old`.
///
/// A match must beat the current alignment by `slack` bytes to be followed. bsdiff has 8; with
/// columns apart and well compressed, 4 gives 2 % smaller patches.
pub(super) fn difference(old: &[u8], new: &[u8], slack: usize) -> Vec<Operation> {
    if old.is_empty() || new.is_empty() {
        let insert = new.len();
        return Vec::from_iter((insert > 0).then_some(Operation {
            add: 0,
            insert,
            position: 0,
        }));
    }
    Matcher {
        old,
        new,
        slack: slack as i64,
        suffixes: Suffixes::new(old),
        operations: Vec::new(),
        last: Aligned {
            scan: 0,
            position: 0,
        },
    }
    .run()
}

/// Turns additions shorter than `min_bytes` into insertions; nothing at all remains where no
/// addition is long.
pub(super) fn only_long_additions(operations: &[Operation], min_bytes: usize) -> Vec<Operation> {
    let mut kept: Vec<Operation> = Vec::new();
    for operation in operations {
        match kept.last_mut() {
            Some(last) if operation.add < min_bytes => {
                last.insert += operation.add + operation.insert
            }
            None if operation.add < min_bytes => kept.push(Operation {
                add: 0,
                insert: operation.add + operation.insert,
                position: 0,
            }),
            _ => kept.push(*operation),
        }
    }
    match kept.iter().any(|operation| operation.add > 0) {
        true => kept,
        false => Vec::new(),
    }
}

/// A place in the new bytes and the one in the old bytes that it is compared with.
#[derive(Debug, Clone, Copy)]
struct Aligned {
    scan: i64,
    position: i64,
}

impl Aligned {
    fn offset(self) -> i64 {
        self.position - self.scan
    }
}

struct Matcher<'a> {
    old: &'a [u8],
    new: &'a [u8],
    slack: i64,
    suffixes: Suffixes<'a>,
    operations: Vec<Operation>,
    last: Aligned,
}

impl Matcher<'_> {
    fn run(mut self) -> Vec<Operation> {
        let end = self.new.len() as i64;
        let (mut scan, mut length) = (0, 0);
        // Where the last match left off: how the current alignment fares is counted against it.
        let mut offset = 0;
        while scan < end {
            let mut score = 0;
            scan += length;
            let mut scored = scan;
            let mut position = 0;
            while scan < end {
                let found = self.suffixes.longest(&self.new[scan as usize..]);
                (position, length) = (found.0 as i64, found.1 as i64);
                while scored < scan + length {
                    score += i64::from(self.agree(scored + offset, scored));
                    scored += 1;
                }
                if (length == score && length != 0) || length > score + self.slack {
                    break;
                }
                score -= i64::from(self.agree(scan + offset, scan));
                scan += 1;
            }
            if length != score || scan == end {
                self.close(Aligned { scan, position });
                offset = position - scan;
            }
        }
        self.operations
    }

    /// Ends the operation since the last match, where the match at `next` begins.
    fn close(&mut self, next: Aligned) {
        let mut forward = self.extend_forward(next.scan);
        let mut backward = match next.scan < self.new.len() as i64 {
            true => self.extend_backward(next),
            false => 0,
        };
        let overlap = (self.last.scan + forward) - (next.scan - backward);
        if overlap > 0 {
            let keep = self.split(next, forward, backward, overlap);
            forward += keep - overlap;
            backward -= keep;
        }
        let insert = (next.scan - backward) - (self.last.scan + forward);
        self.operations.push(Operation {
            add: forward as usize,
            insert: insert as usize,
            position: self.last.position as usize,
        });
        self.last = Aligned {
            scan: next.scan - backward,
            position: next.position - backward,
        };
    }

    /// How far the last match goes on with more than half of the bytes equal.
    fn extend_forward(&self, until: i64) -> i64 {
        let (mut equal, mut best_equal, mut best) = (0, 0, 0);
        let room = (until - self.last.scan).min(self.old.len() as i64 - self.last.position);
        for length in 1..=room {
            let scan = self.last.scan + length - 1;
            equal += i64::from(self.agree(scan + self.last.offset(), scan));
            if equal * 2 - length > best_equal * 2 - best {
                (best_equal, best) = (equal, length);
            }
        }
        best
    }

    /// How far the next match reaches back with more than half of the bytes equal.
    fn extend_backward(&self, next: Aligned) -> i64 {
        let (mut equal, mut best_equal, mut best) = (0, 0, 0);
        for length in 1..=(next.scan - self.last.scan).min(next.position) {
            equal += i64::from(self.agree(next.position - length, next.scan - length));
            if equal * 2 - length > best_equal * 2 - best {
                (best_equal, best) = (equal, length);
            }
        }
        best
    }

    /// How many of the overlapping bytes stay with the last match.
    fn split(&self, next: Aligned, forward: i64, backward: i64, overlap: i64) -> i64 {
        let (mut score, mut best_score, mut best) = (0, 0, 0);
        for index in 0..overlap {
            let last = self.last.scan + forward - overlap + index;
            score += i64::from(self.agree(last + self.last.offset(), last));
            let other = next.scan - backward + index;
            score -= i64::from(self.agree(other + next.offset(), other));
            if score > best_score {
                (best_score, best) = (score, index + 1);
            }
        }
        best
    }

    fn agree(&self, position: i64, scan: i64) -> bool {
        usize::try_from(position)
            .is_ok_and(|position| self.old.get(position) == Some(&self.new[scan as usize]))
    }
}

struct Suffixes<'a> {
    text: &'a [u8],
    sorted: Vec<i32>,
}

impl<'a> Suffixes<'a> {
    fn new(text: &'a [u8]) -> Suffixes<'a> {
        // The sorter wants two bytes or more.
        let sorted = match text.len() {
            0 => Vec::new(),
            1 => vec![0],
            _ => divsufsort::sort(text).into_parts().1,
        };
        Suffixes { text, sorted }
    }

    /// Where the longest prefix of `wanted` is, and how long that is.
    fn longest(&self, wanted: &[u8]) -> (usize, usize) {
        let (mut low, mut high) = (0, self.sorted.len());
        // How much is known to be equal at either end, and so in between.
        let (mut low_equal, mut high_equal) = (0, 0);
        let (mut low_best, mut high_best) = ((0, 0), (0, 0));
        while low < high {
            let middle = low.midpoint(high);
            let position = self.sorted[middle] as usize;
            let suffix = &self.text[position..];
            let known = low_equal.min(high_equal);
            let equal = known + common_prefix(&suffix[known..], &wanted[known..]);
            if equal == wanted.len() {
                return (position, equal);
            }
            if equal == suffix.len() || suffix[equal] < wanted[equal] {
                low = middle + 1;
                low_equal = equal;
                low_best = (position, equal);
            } else {
                high = middle;
                high_equal = equal;
                high_best = (position, equal);
            }
        }
        // The neighbours were both compared last on their side.
        match high_best.1 > low_best.1 {
            true => high_best,
            false => low_best,
        }
    }
}

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    let mut length = 0;
    for (left, right) in left.chunks_exact(8).zip(right.chunks_exact(8)) {
        if left != right {
            break;
        }
        length += 8;
    }
    length
        + left[length..]
            .iter()
            .zip(&right[length..])
            .take_while(|(left, right)| left == right)
            .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rebuild(old: &[u8], new: &[u8], operations: &[Operation]) -> Vec<u8> {
        let mut out = Vec::new();
        for operation in operations {
            for index in 0..operation.add {
                let difference = new[out.len()].wrapping_sub(old[operation.position + index]);
                out.push(old[operation.position + index].wrapping_add(difference));
            }
            let start = out.len();
            out.extend_from_slice(&new[start..start + operation.insert]);
        }
        out
    }

    #[test]
    fn any_two_strings_have_a_difference() {
        let text =
            b"the quick brown fox jumps over the lazy dog, twice and then some more".repeat(5);
        let mut edited = text.clone();
        edited.splice(40..60, *b"CHANGED");
        edited.splice(200..200, *b"inserted here");
        edited.drain(250..300);
        let cases: [(&[u8], &[u8]); 8] = [
            (b"", b""),
            (b"a", b""),
            (b"", b"abc"),
            (b"a", b"a"),
            (b"aaaaaaaaaa", b"aaaaaaaaaaaaaaaaaa"),
            (b"abc", b"xyz"),
            (&text, &edited),
            (&edited, &text),
        ];
        for (old, new) in cases {
            assert_eq!(rebuild(old, new, &difference(old, new, 4)), new);
        }
    }

    #[test]
    fn a_small_edit_inserts_little() {
        let old: Vec<u8> = (0..20_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let mut new = old.clone();
        new.splice(9_000..9_000, *b"some new bytes");
        new[15_000] ^= 1;
        let inserted: usize = difference(&old, &new, 4)
            .iter()
            .map(|operation| operation.insert)
            .sum();
        assert!(inserted <= 20, "{inserted}");
    }
}
