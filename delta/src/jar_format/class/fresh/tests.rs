use fixtures::golden::class_with_method as sample;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{read, write};
use crate::jar_format::payload::Payload;
use crate::jar_format::streams::{Stream, StreamWriter};

fn written(class: &[u8]) -> Option<StreamWriter> {
    let mut streams = StreamWriter::default();
    write(class, &mut streams).map(|()| streams)
}

fn read_back(streams: StreamWriter, max_bytes: usize) -> Option<Vec<u8>> {
    let mut payload = Payload::of(streams.get(Stream::Payload).to_vec());
    read(&mut streams.into_reader(), &mut payload, max_bytes).ok()
}

#[test]
fn a_class_comes_back_from_its_streams() {
    let class = sample("a/B");
    let streams = written(&class).unwrap();
    assert_eq!(streams.get(Stream::FreshCode).len(), 28);
    assert_eq!(streams.get(Stream::FreshLines), [14, 4]);
    assert_eq!(read_back(streams.clone(), class.len()).unwrap(), class);
    assert!(read_back(streams, class.len() - 1).is_none());
}

#[test]
fn a_class_that_ends_early_or_late_is_not_written() {
    let class = sample("a/B");
    for length in 0..class.len() {
        assert!(written(&class[..length]).is_none(), "{length}");
    }
    assert!(written(&[&class[..], b"x"].concat()).is_none());
}

#[test]
fn a_text_with_a_zero_byte_is_not_written() {
    assert!(written(&sample("a\0b")).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_spoilt_class_comes_back_or_is_not_written(
        changes in vec((any::<Index>(), any::<u8>()), 1..5),
    ) {
        let mut class = sample("a/longer/Name");
        for (place, value) in changes {
            let place = place.index(class.len());
            class[place] = value;
        }
        if let Some(streams) = written(&class) {
            prop_assert_eq!(read_back(streams, class.len()).unwrap(), class);
        }
    }

    #[test]
    fn spoilt_streams_give_a_class_within_its_bounds_or_none(
        stream in any::<Index>(),
        place in any::<Index>(),
        value in any::<u8>(),
    ) {
        let class = sample("a/longer/Name");
        let mut streams = written(&class).unwrap();
        let used: Vec<Stream> = Stream::ALL
            .into_iter()
            .filter(|&stream| !streams.get(stream).is_empty())
            .collect();
        let stream = used[stream.index(used.len())];
        let mut bytes = streams.take(stream);
        let place = place.index(bytes.len());
        bytes[place] = value;
        streams.bytes(stream, &bytes);
        if let Some(read) = read_back(streams, 4_096) {
            prop_assert!(read.len() <= 4_096);
        }
    }
}
