//! What a folder looks like after what was done to it.

use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn place(app: &AppFolder, number: &str) -> Current {
    let staged = app.staged("app.jar");
    fs::write(&staged, number).unwrap();
    let checksum = Checksum::from_bytes(delta::checksum::sha256(number.as_bytes()));
    app.place(&staged, &version(number), checksum).unwrap()
}

#[test]
fn an_empty_folder_has_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(&folder.path().join("deep/app")).unwrap();
    assert_eq!(app.current().unwrap(), None);
}

#[test]
fn the_version_before_stays_and_older_ones_go() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    place(&app, "1.0.0");
    place(&app, "2.0.0");
    let current = place(&app, "3.0.0");
    assert_eq!(current.previous, Some(version("2.0.0")));
    assert_eq!(app.current().unwrap(), Some(current));
    assert_eq!(fs::read(app.jar(&version("3.0.0"))).unwrap(), b"3.0.0");
    assert!(app.jar(&version("2.0.0")).exists());
    assert!(!app.jar(&version("1.0.0")).exists());
}

#[test]
fn half_done_downloads_outlive_a_restart_and_end_with_an_update() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    for name in [".2.0.0.rebuilt.jar.x.part", "2.0.0.jar.part"] {
        fs::write(app.staged(name), "half").unwrap();
    }
    let _lock = app.lock().unwrap();
    assert!(!app.staged(".2.0.0.rebuilt.jar.x.part").exists());
    assert!(app.staged("2.0.0.jar.part").exists());
    place(&app, "2.1.0");
    assert!(!app.staged("2.0.0.jar.part").exists());
    assert!(matches!(app.lock(), Err(Error::Busy { .. })));
}

#[test]
fn going_back_needs_no_copy_of_what_is_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    let first = place(&app, "1.0.0");
    place(&app, "2.0.0");
    let back = app
        .place(
            &app.jar(&version("1.0.0")),
            &version("1.0.0"),
            first.checksum,
        )
        .unwrap();
    assert_eq!(back.previous, Some(version("2.0.0")));
    assert_eq!(app.current().unwrap(), Some(back));
}

#[test]
fn a_version_whose_file_is_gone_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    place(&app, "1.0.0");
    fs::remove_file(app.jar(&version("1.0.0"))).unwrap();
    assert_eq!(app.current().unwrap(), None);
}

#[test]
fn a_scribbled_note_says_how_to_mend_it() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    fs::write(folder.path().join("current.json"), "scribble").unwrap();
    let message = app.current().unwrap_err().to_string();
    assert!(message.contains("remove the file"), "{message}");
}

#[test]
fn an_installation_stays_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    let id = app.client_id().unwrap();
    assert!(id.as_str().starts_with("desktop-"));
    assert_eq!(app.client_id().unwrap(), id);
}

#[test]
fn one_updater_works_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    let lock = app.lock().unwrap();
    assert!(matches!(app.lock(), Err(Error::Busy { .. })));
    drop(lock);
    assert!(app.lock().is_ok());
}

fn stage(app: &AppFolder, number: &str) -> StagedVersion {
    let file = app.staged("new.jar");
    fs::write(&file, number).unwrap();
    let staged = StagedVersion {
        version: version(number),
        checksum: Checksum::from_bytes(delta::checksum::sha256(number.as_bytes())),
        is_mandatory: false,
    };
    app.stage(&file, &staged).unwrap();
    staged
}

#[test]
fn a_staged_version_waits_and_then_runs_on_probation() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    let first = place(&app, "1.0.0");
    let staged = stage(&app, "2.0.0");
    assert_eq!(app.current().unwrap(), Some(first));
    assert_eq!(app.staged_version().unwrap(), Some(staged));

    let current = app.switch_to_staged().unwrap().unwrap();
    assert_eq!(current.version, version("2.0.0"));
    assert_eq!(current.probation, Some(Probation { starts: 0 }));
    assert_eq!(app.current().unwrap(), Some(current));
    assert_eq!(app.staged_version().unwrap(), None);
    assert_eq!(app.switch_to_staged().unwrap(), None);
}

#[test]
fn what_an_earlier_installation_confirmed_says_nothing_about_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    place(&app, "1.0.0");
    let again = app.confirm_file(&version("2.0.0"));
    fs::write(&again, "").unwrap();
    stage(&app, "2.0.0");
    app.switch_to_staged().unwrap().unwrap();
    assert!(!again.exists());
}

#[test]
fn what_is_staged_and_then_damaged_never_runs() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    let first = place(&app, "1.0.0");
    stage(&app, "2.0.0");
    fs::write(app.jar(&version("2.0.0")), "damaged").unwrap();
    assert_eq!(app.switch_to_staged().unwrap(), None);
    fs::write(folder.path().join("staged.json"), "scribble").unwrap();
    assert_eq!(app.switch_to_staged().unwrap(), None);
    assert_eq!(app.current().unwrap(), Some(first));
}

#[test]
fn starts_are_counted_and_a_confirmation_ends_that() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    place(&app, "1.0.0");
    stage(&app, "2.0.0");
    let mut current = app.switch_to_staged().unwrap().unwrap();
    for starts in 1..=3 {
        current = current.started();
        app.keep(&current).unwrap();
        let read = app.current().unwrap().unwrap();
        assert_eq!(read.probation, Some(Probation { starts }));
    }
    current = current.not_started();
    assert_eq!(current.probation, Some(Probation { starts: 2 }));
    fs::write(app.confirm_file(&current.version), "").unwrap();
    let current = current.confirmed();
    app.keep(&current).unwrap();
    assert_eq!(app.current().unwrap(), Some(current.clone()));
    assert!(!app.confirm_file(&current.version).exists());
    // What is not on probation is not counted.
    assert_eq!(current.clone().started(), current);
}

#[test]
fn going_back_needs_a_whole_previous_version() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    let first = place(&app, "1.0.0");
    let now = protocol::Timestamp::now();
    let error = app.roll_back(first, "crashed", now).unwrap_err();
    assert!(matches!(error, Error::NoWayBack(_)), "{error}");
    let second = place(&app, "2.0.0");
    let jar = app.jar(&version("1.0.0"));
    fs::write(&jar, "damaged").unwrap();
    let error = app.roll_back(second.clone(), "crashed", now).unwrap_err();
    assert!(matches!(error, Error::NoWayBack(_)), "{error}");
    fs::write(&jar, "1.0.0").unwrap();
    let back = app.roll_back(second, "crashed", now).unwrap();
    assert_eq!(back.version, version("1.0.0"));
    assert_eq!(app.current().unwrap(), Some(back));
    assert!(!app.jar(&version("2.0.0")).exists());
}

#[test]
fn a_request_is_taken_once_and_a_scribbled_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    assert_eq!(app.take_request().unwrap(), None);
    let request = Request::Install {
        version: Some(version("2.0.0")),
    };
    app.ask(&request).unwrap();
    assert!(app.is_asked());
    assert_eq!(app.take_request().unwrap(), Some(request));
    assert_eq!(app.take_request().unwrap(), None);
    fs::write(app.staged("request.json"), "scribble").unwrap();
    assert_eq!(app.take_request().unwrap(), None);
    assert!(!app.is_asked());
}

#[test]
fn others_see_who_works_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    assert_eq!(app.holder(), None);
    let lock = app.lock_as(Holder::Launcher).unwrap();
    assert_eq!(app.holder(), Some(Holder::Launcher));
    drop(lock);
    assert_eq!(app.holder(), None);
    let _lock = app.lock().unwrap();
    assert_eq!(app.holder(), Some(Holder::Updater));
}
