//! A desk and a supervisor in a real folder, with made-up applications and power cuts.

use std::collections::BTreeMap;
use std::time::Instant;

use protocol::Checksum;

use super::super::ending::Ending;
use super::super::supervisor::{Action, Confirmation, Input, Rules, Supervisor};
use super::*;
use crate::install::StagedVersion;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// Puts a file with the version's name in it into the folder, for the next start.
fn stage(app: &AppFolder, number: &Version) {
    let text = number.to_string();
    let file = app.staged("new.jar");
    fs::write(&file, &text).unwrap();
    let staged = StagedVersion {
        version: number.clone(),
        checksum: Checksum::from_bytes(delta::checksum::sha256(text.as_bytes())),
        is_mandatory: false,
    };
    app.stage(&file, &staged).unwrap();
}

/// What a user lives through with one application.
struct Life {
    random: fastrand::Rng,
    app: AppFolder,
    works: BTreeMap<Version, bool>,
    /// Starts of each version that ended in no confirmation and no proper end.
    failed_starts: BTreeMap<Version, u32>,
    power_cuts: BTreeMap<Version, u32>,
}

impl Life {
    /// One run of a launcher: a version that worked in the end, or `None` after a power cut.
    fn run(&mut self) -> Option<Version> {
        let rules = Rules::default();
        let desk = Desk::open(self.app.clone(), rules.max_crashes, &mut |_| {});
        let mut supervisor = Supervisor::new(rules);
        let mut current = desk.next_version(None, &mut |_| {}).unwrap();
        loop {
            let (noted, trial) = desk.starts(current, &mut |_| {});
            current = noted;
            let running = current.version.clone();
            assert!(desk.app.is_whole(&running, current.checksum));
            supervisor.handle(Input::Started(trial), Instant::now());
            let inputs = match (self.works[&running], self.random.u8(..4)) {
                (_, 0) => {
                    *self.power_cuts.entry(running).or_default() += 1;
                    return None;
                }
                (false, _) => {
                    *self.failed_starts.entry(running.clone()).or_default() += 1;
                    vec![Input::Exited(Ending::Code(1))]
                }
                (true, 1) => vec![Input::Exited(Ending::Code(0))],
                (true, _) => vec![
                    Input::Confirmed(Confirmation::File),
                    Input::Exited(Ending::Code(0)),
                ],
            };
            let actions = inputs
                .into_iter()
                .flat_map(|input| supervisor.handle(input, Instant::now()));
            for action in actions.collect::<Vec<_>>() {
                match action {
                    Action::Confirm(_) => current = desk.confirm(current, "", &mut |_| {}),
                    Action::Uncount => current = desk.did_not_start(current, &mut |_| {}),
                    Action::GoBack(reason) => {
                        current = desk.go_back(&current, &reason, &mut |_| {}).unwrap();
                    }
                    Action::Start => {
                        current = desk.next_version(Some(current), &mut |_| {}).unwrap();
                    }
                    Action::End(_) => return Some(running),
                    Action::Tell(_) => {}
                    Action::Stop(_) | Action::Kill | Action::GiveUp(_) => {
                        panic!("{action:?} has no place here")
                    }
                }
            }
        }
    }
}

#[test]
fn whatever_is_published_and_whenever_the_power_goes_a_working_version_runs_in_the_end() {
    for seed in 0..15 {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::open(folder.path()).unwrap();
        let first = version("1.0.0");
        stage(&app, &first);
        let installed = app.switch_to_staged().unwrap().unwrap().confirmed();
        app.keep(&installed).unwrap();
        let mut life = Life {
            random: fastrand::Rng::with_seed(seed),
            app,
            works: BTreeMap::from([(first, true)]),
            failed_starts: BTreeMap::new(),
            power_cuts: BTreeMap::new(),
        };
        for minor in 1..=12 {
            let published = version(&format!("1.{minor}.0"));
            life.works.insert(published.clone(), life.random.bool());
            stage(&life.app, &published);
            for _ in 0..life.random.u8(1..5) {
                if let Some(ran) = life.run() {
                    assert!(life.works[&ran], "seed {seed}: {ran} does not work");
                }
            }
        }
        let max = Rules::default().max_crashes;
        for (number, starts) in &life.failed_starts {
            assert!(
                *starts <= max,
                "seed {seed}: {number} crashed {starts} times"
            );
        }
        let held = life.app.record().unwrap().unwrap().held_back;
        for held in held.iter().filter(|held| life.works[&held.version]) {
            let cuts = life.power_cuts[&held.version];
            assert!(
                cuts >= max,
                "seed {seed}: {held:?} was held back for nothing"
            );
        }
    }
}

#[test]
fn a_guest_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    stage(&app, &version("1.0.0"));
    let installed = app.switch_to_staged().unwrap().unwrap();
    stage(&app, &version("2.0.0"));
    let _lock = app.lock().unwrap();
    let mut told = Vec::new();
    let desk = Desk::open(app.clone(), 3, &mut |happening| told.push(happening));
    assert!(
        matches!(told[..], [Happening::NotUpdating(Error::Busy { .. })]),
        "{told:?}"
    );

    let current = desk.next_version(None, &mut |_| {}).unwrap();
    assert_eq!(current, installed);
    let (current, trial) = desk.starts(current, &mut |_| {});
    assert_eq!(trial, None);
    desk.did_not_start(current, &mut |_| {});
    assert_eq!(app.record().unwrap(), Some(installed));
    assert!(app.staged_version().unwrap().is_some());
}

#[test]
fn without_a_whole_file_there_is_the_previous_version_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let app = AppFolder::open(folder.path()).unwrap();
    for number in ["1.0.0", "2.0.0"] {
        stage(&app, &version(number));
        let current = app.switch_to_staged().unwrap().unwrap().confirmed();
        app.keep(&current).unwrap();
    }
    fs::write(app.jar(&version("2.0.0")), "damaged").unwrap();
    let desk = Desk::open(app.clone(), 3, &mut |_| {});
    let back = desk.next_version(None, &mut |_| {}).unwrap();
    assert_eq!(back.version, version("1.0.0"));
    // It is the file's fault, not the version's.
    assert_eq!(back.held_back, []);
    fs::write(app.jar(&version("1.0.0")), "damaged").unwrap();
    assert_eq!(desk.next_version(Some(back), &mut |_| {}), None);
}
