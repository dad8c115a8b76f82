use flate2::{Compress, Compression, FlushCompress};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::deflate::inflate;
use super::{put_together, take_apart};

/// Packs piece by piece, with what a writer may do between pieces.
fn deflate(pieces: &[Vec<u8>], level: u32, flush: FlushCompress) -> Vec<u8> {
    let mut state = Compress::new(Compression::new(level), false);
    let mut packed = Vec::new();
    for piece in pieces {
        packed.reserve(piece.len() * 2 + 1000);
        state.compress_vec(piece, &mut packed, flush).unwrap();
    }
    packed.reserve(1000);
    state
        .compress_vec(&[], &mut packed, FlushCompress::Finish)
        .unwrap();
    packed
}

fn comes_back(plain: &[u8], packed: &[u8]) {
    assert_eq!(inflate(packed, plain.len()).unwrap(), plain);
    let structure = take_apart(packed, usize::MAX).unwrap();
    assert!(put_together(plain, &structure).unwrap() == packed);
}

#[test]
fn every_kind_of_block_comes_back() {
    let text: Vec<u8> = (0..40_000_u32)
        .flat_map(|n| format!("{} ", n * n % 9_973).into_bytes())
        .collect();
    let noise: Vec<u8> = (0..70_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect();
    let zeros = vec![0; 100_000];
    for plain in [&b""[..], b"a", b"some text", &text, &noise, &zeros] {
        for level in 0..10 {
            for flush in [
                FlushCompress::None,
                FlushCompress::Sync,
                FlushCompress::Full,
                FlushCompress::Partial,
            ] {
                let (first, second) = plain.split_at(plain.len() / 3);
                let pieces = [first.to_vec(), second.to_vec()];
                comes_back(plain, &deflate(&pieces, level, flush));
            }
        }
    }
}

#[test]
fn a_structure_has_no_more_bytes_than_is_allowed() {
    let packed = deflate(&[vec![7; 50_000]], 6, FlushCompress::None);
    let structure = take_apart(&packed, usize::MAX).unwrap();
    assert!(take_apart(&packed, structure.len()).is_some());
    assert!(take_apart(&packed, structure.len() - 1).is_none());
}

#[test]
fn bytes_after_the_stream_and_padding_that_is_not_zero_are_not_taken_apart() {
    let mut packed = deflate(&[b"abc".to_vec()], 6, FlushCompress::None);
    *packed.last_mut().unwrap() |= 0x80;
    assert!(take_apart(&packed, usize::MAX).is_none());
    let mut packed = deflate(&[b"abc".to_vec()], 6, FlushCompress::None);
    packed.push(0);
    assert!(take_apart(&packed, usize::MAX).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_content_comes_back(
        pieces in vec(vec(0_u8..6, 0..3_000), 1..4),
        level in 0_u32..10,
    ) {
        comes_back(&pieces.concat(), &deflate(&pieces, level, FlushCompress::Sync));
    }

    #[test]
    fn any_bytes_are_taken_apart_and_put_together_or_refused(
        packed in vec(any::<u8>(), 0..200),
        plain in vec(any::<u8>(), 0..200),
        structure in vec(any::<u8>(), 0..200),
    ) {
        if let Some(structure) = take_apart(&packed, 4_000) {
            prop_assert!(structure.len() <= 4_000);
        }
        if let Ok(packed) = put_together(&plain, &structure) {
            prop_assert!(packed.len() <= 2 * plain.len() + 2 * structure.len() + 16);
        }
    }

    #[test]
    fn a_damaged_structure_is_refused_or_packs_in_another_way(
        place in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let plain = b"abcabcabcabd ".repeat(20);
        let packed = deflate(std::slice::from_ref(&plain), 6, FlushCompress::None);
        let mut structure = take_apart(&packed, 4_000).unwrap();
        let place = place.index(structure.len());
        structure[place] = value;
        if let Ok(other) = put_together(&plain, &structure) {
            prop_assert!(other.len() <= 2 * plain.len() + 2 * structure.len() + 16);
        }
    }
}
