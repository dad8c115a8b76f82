use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{read, write};
use crate::jar_format::payload::Payload;
use crate::jar_format::streams::{Stream, StreamWriter};

/// A class with a method of most that has a stream of its own.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    let mut class = b"\xCA\xFE\xBA\xBE\0\0\0\x34\0\x11".to_vec();
    let text = |class: &mut Vec<u8>, text: &str| {
        class.extend_from_slice(&[1, 0, text.len() as u8]);
        class.extend_from_slice(text.as_bytes());
    };
    text(&mut class, name); // 1
    class.extend_from_slice(&[7, 0, 1]); // 2: this class
    text(&mut class, "java/lang/Object"); // 3
    class.extend_from_slice(&[7, 0, 3]); // 4
    for name in ["run", "()V", "Code"] {
        text(&mut class, name); // 5, 6, 7
    }
    class.extend_from_slice(&[12, 0, 5, 0, 6]); // 8: run()V
    class.extend_from_slice(&[10, 0, 2, 0, 8]); // 9: this.run()V
    class.extend_from_slice(&[8, 0, 1]); // 10: the name as a string
    for name in ["LineNumberTable", "LocalVariableTable", "StackMapTable"] {
        text(&mut class, name); // 11, 12, 13
    }
    class.extend_from_slice(&[5, 1, 2, 3, 4, 5, 6, 7, 8]); // 14, 15: a long
    text(&mut class, "Odd"); // 16

    // Public, this class, its super class; no interfaces, no fields, one method.
    class.extend_from_slice(&[
        0, 0x21, 0, 2, 0, 4, 0, 0, 0, 0, 0, 1, 0, 1, 0, 5, 0, 6, 0, 1,
    ]);
    let code = [
        18, 10, // ldc "name"
        20, 0, 14, // ldc2_w
        184, 0, 9, // invokestatic run
        170, 0, 0, 0, // tableswitch, aligned
        0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 20, 0, 0, 0, 20,  // its rows
        177, // return
    ];
    let mut tables = vec![0, 1, 0, 0, 0, 8, 0, 8, 0, 4]; // one handler
    tables.extend_from_slice(&[0, 3]); // attributes
    tables.extend_from_slice(&[0, 11, 0, 0, 0, 10, 0, 2, 0, 0, 0, 7, 0, 8, 0, 9]);
    tables.extend_from_slice(&[0, 12, 0, 0, 0, 12, 0, 1, 0, 2, 0, 20, 0, 1, 0, 3, 0, 1]);
    tables.extend_from_slice(&[0, 13, 0, 0, 0, 6, 0, 1, 64 + 8, 7, 0, 4]);
    class.extend_from_slice(&[0, 7]);
    class.extend_from_slice(&((8 + code.len() + tables.len()) as u32).to_be_bytes());
    class.extend_from_slice(&[0, 2, 0, 1]);
    class.extend_from_slice(&(code.len() as u32).to_be_bytes());
    class.extend_from_slice(&code);
    class.extend_from_slice(&tables);
    // An attribute of the class that is not known here.
    class.extend_from_slice(&[0, 1, 0, 16, 0, 0, 0, 3, 9, 9, 9]);
    class
}

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
