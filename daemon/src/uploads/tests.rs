//! Uploads from outside: what was kept is there after a restart, and what is no upload goes away.

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn user(name: &str) -> Username {
    name.parse().unwrap()
}

fn new(length_bytes: u64) -> NewUpload {
    NewUpload {
        owner: user("ci"),
        length_bytes,
        metadata: "filename YXBwLmphcg==".into(),
    }
}

fn files(dir: &Path) -> usize {
    fs::read_dir(dir.join("uploads")).unwrap().count()
}

async fn claim(uploads: &Uploads, id: UploadId) -> Claim {
    let found = uploads.claim(id, &user("ci"), Timestamp::now()).await;
    found.expect("the upload is there")
}

#[tokio::test]
async fn an_upload_is_there_after_a_restart_as_far_as_it_came() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    let begun = uploads.begin(new(10), 0, Timestamp::now()).unwrap();
    let first = claim(&uploads, begun.id()).await;
    first.append(&[b"hel", b"lo!"], Timestamp::now()).unwrap();
    drop((first, uploads));

    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    let again = claim(&uploads, begun.id()).await;
    assert_eq!(
        (again.upload().received_bytes(), again.left_bytes()),
        (6, 4)
    );
    assert_eq!(again.upload().metadata(), begun.metadata());
    again.append(&[b"1234"], Timestamp::now()).unwrap();
    assert!(again.is_whole());
    assert_eq!(fs::read(again.path()).unwrap(), b"hello!1234");
    uploads.remove(again);
    assert_eq!(files(dir.path()), 0);
}

#[tokio::test]
async fn a_piece_whose_checksum_was_not_compared_is_gone_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    let begun = uploads.begin(new(10), 0, Timestamp::now()).unwrap();
    let first = claim(&uploads, begun.id()).await;
    first.append(&[b"abc"], Timestamp::now()).unwrap();
    first.begin_checked().unwrap();
    first.append(&[b"def"], Timestamp::now()).unwrap();
    drop((first, uploads));
    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    let again = claim(&uploads, begun.id()).await;
    assert_eq!(again.upload().received_bytes(), 3);
    assert_eq!(fs::read(again.path()).unwrap(), b"abc");
}

#[test]
fn what_is_no_upload_is_removed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    let begun = uploads.begin(new(2), 0, Timestamp::now()).unwrap();
    let folder = dir.path().join("uploads");
    let name = |ending: &str| folder.join(format!("{}.{ending}", UploadId::generate()));
    fs::write(name("part"), "bytes without a record").unwrap();
    fs::write(name("json"), "{}").unwrap();
    fs::write(folder.join(format!("{}.new", begun.id())), "{}").unwrap();
    fs::write(folder.join("core"), "").unwrap();
    drop(uploads);
    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    assert_eq!(uploads.of(&user("ci"), Timestamp::now()).len(), 1);
    assert_eq!(files(dir.path()), 2);
    // Longer than it may be: not what its record says.
    fs::write(&begun.path, "abc").unwrap();
    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    assert!(uploads.of(&user("ci"), Timestamp::now()).is_empty());
    assert_eq!(files(dir.path()), 0);
}

#[tokio::test]
async fn who_comes_later_takes_over_and_nobody_else_finds_it() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    let id = uploads.begin(new(10), 0, Timestamp::now()).unwrap().id();
    let first = claim(&uploads, id).await;
    let later = {
        let uploads = uploads.clone();
        tokio::spawn(async move { claim(&uploads, id).await.left_bytes() })
    };
    first.superseded().await;
    first.append(&[b"abc"], Timestamp::now()).unwrap();
    drop(first);
    assert_eq!(later.await.unwrap(), 7);
    let other = user("other");
    assert!(uploads.claim(id, &other, Timestamp::now()).await.is_none());
    assert!(uploads.of(&other, Timestamp::now()).is_empty());
}

#[test]
fn what_rests_too_long_is_over_and_swept() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    let now = Timestamp::now();
    let begun = uploads.begin(new(10), 0, now).unwrap();
    let later = |ms| Timestamp::from_unix_ms(now.unix_ms() + ms);
    let day_ms = 24 * 3600 * 1000;
    assert_eq!(uploads.expires_at(&begun), later(day_ms));
    assert_eq!(uploads.sweep(later(day_ms - 1)), 0);
    assert!(uploads.of(&user("ci"), later(day_ms)).is_empty());
    assert_eq!(uploads.sweep(later(day_ms)), 1);
    assert_eq!(files(dir.path()), 0);
}

#[test]
fn the_last_place_and_the_last_byte_of_the_disk_are_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(dir.path(), DAY).unwrap();
    let now = Timestamp::now();
    uploads.begin(new(1), 1, now).unwrap();
    let refused = uploads.begin(new(1), 1, now).unwrap_err();
    assert!(matches!(refused, BeginError::TooMany { count: 1, .. }));
    let refused = uploads.begin(new(1 << 52), 0, now).unwrap_err();
    assert!(matches!(refused, BeginError::Disk(BlobError::DiskFull)));
    assert_eq!(files(dir.path()), 2);
}
