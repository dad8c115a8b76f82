use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;

use protocol::Timestamp;

use super::*;
use crate::app::App;
use crate::config::Config;
use crate::http::download::{Download, Packing};
use crate::limit::LimitKey;
use crate::store::BlobRef;

/// A handover with one part of a file, what hyper is told in its place, and the daemon behind the transfer.
struct Arranged {
    handover: Handover,
    placeholder: Bytes,
    app: Arc<App>,
    _folder: tempfile::TempDir,
}

/// With the digits from 3 to 8 of a file of ten.
fn arranged() -> Arranged {
    let folder = tempfile::tempdir().unwrap();
    let app = Arc::new(App::open(Config::with_defaults(folder.path().to_owned())).unwrap());
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789").unwrap();
    let username = "ada".parse().unwrap();
    let key = LimitKey::new(&username, None, IpAddr::V4(Ipv4Addr::LOCALHOST));
    let slot = app.limits.start_download(&key, std::time::Instant::now());
    let download = Download {
        blob: BlobRef {
            checksum: protocol::Checksum::from_bytes([0; 32]),
            size_bytes: 10,
        },
        media_type: "application/java-archive",
        file_name: "app.jar".into(),
        modified: Timestamp::now(),
        version: "2.1.0".parse().unwrap(),
        packing: Packing::Plain,
        is_clients: true,
    };
    let transfer = Transfer::begin(&app, Arc::new(slot.unwrap()), None, &download, &(3..8));
    let handover = Handover::default();
    let placeholder = handover.put(FilePart {
        file: Arc::new(file),
        offset: 3,
        length: 5,
        transfer: Arc::new(transfer),
    });
    Arranged {
        handover,
        placeholder,
        app,
        _folder: folder,
    }
}

fn slices<'b>(texts: &[&'b [u8]]) -> Vec<IoSlice<'b>> {
    texts.iter().map(|text| IoSlice::new(text)).collect()
}

#[test]
fn a_part_goes_in_place_of_its_placeholder_behind_what_comes_before_it() {
    let Arranged {
        handover,
        placeholder,
        app,
        _folder,
    } = arranged();
    let slices = slices(&[b"head", &placeholder, b"next"]);
    let first = handover.next(&slices).unwrap();
    assert!(matches!(first, Next::Bytes([head]) if **head == *b"head"));
    let second = handover.next(&slices[1..]).unwrap();
    assert!(matches!(second, Next::File(5)));

    let (ours, mut theirs) = UnixStream::pair().unwrap();
    assert_eq!(handover.send(&ours, 2).unwrap(), 2);
    assert_eq!(app.limits.running_downloads(), 1);
    // hyper shows the rest of what was sent in part.
    let rest = [IoSlice::new(&placeholder[2..])];
    assert!(matches!(handover.next(&rest).unwrap(), Next::File(3)));
    assert_eq!(handover.send(&ours, 3).unwrap(), 3);
    assert_eq!(app.limits.running_downloads(), 0, "the last byte ends it");
    let counts = &app.counters.snapshot().versions[&"2.1.0".parse().unwrap()];
    assert_eq!(counts.bytes_sent, 5, "counted once");
    let third = handover.next(&slices[2..]).unwrap();
    assert!(matches!(third, Next::Bytes([next]) if **next == *b"next"));

    drop(ours);
    let mut received = String::new();
    io::Read::read_to_string(&mut theirs, &mut received).unwrap();
    assert_eq!(received, "34567");
}

#[test]
fn a_copy_of_a_placeholder_is_not_sent() {
    let Arranged {
        handover,
        placeholder,
        app: _app,
        _folder,
    } = arranged();
    let copy = placeholder.to_vec();
    assert!(handover.next(&slices(&[b"head", &copy])).is_err());
    // Nor is a placeholder for which nothing was handed over.
    let other = Handover::default();
    assert!(other.next(&slices(&[&placeholder])).is_err());
    assert!(other.next(&slices(&[b"head", &placeholder])).is_err());
    let (ours, _theirs) = UnixStream::pair().unwrap();
    assert!(other.send(&ours, 1).is_err());
}

#[test]
fn a_file_that_became_shorter_breaks_the_connection() {
    let Arranged {
        handover,
        placeholder: _,
        app: _app,
        _folder,
    } = arranged();
    handover.parts()[0].file.set_len(3).unwrap();
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let error = handover.send(&ours, 5).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
