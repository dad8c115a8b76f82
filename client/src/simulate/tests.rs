use protocol::ClientMessage;
use protocol::message::NewVersionAvailable;

use super::journey::Journey;
use super::script::{Act, Part, Step, script};
use super::*;

fn plan(scenario: Scenario, clients: u32) -> Plan {
    Plan {
        clients,
        channel: "stable".parse().unwrap(),
        current: Version::new(1, 0, 0),
        platform: "linux".parse().unwrap(),
        architecture: "x64".parse().unwrap(),
        scenario,
        seed: 7,
        rate: NonZeroU32::MIN,
        download: false,
    }
}

fn release() -> NewVersionAvailable {
    let text = format!(
        r#"{{"version":"2.0.0","isMandatory":false,"releaseNotes":"","downloadUrl":"/d","fileSize":1001,"checksum":"{}",
            "minimumClientVersion":"0.0.0","releaseChannel":"stable","timestamp":"2026-01-15T10:30:00Z"}}"#,
        "0".repeat(64)
    );
    serde_json::from_str(&text).unwrap()
}

fn steps(scenario: Scenario, fails: bool, seed: u64) -> Vec<Step> {
    let part = Part {
        scenario,
        download: false,
        fails,
        runs: &Version::new(1, 0, 0),
    };
    let mut random = fastrand::Rng::with_seed(seed);
    script(part, &release(), &mut random).into()
}

fn reports(steps: &[Step]) -> Vec<&ClientMessage> {
    steps
        .iter()
        .filter_map(|step| match &step.act {
            Act::Report(report) => Some(report),
            Act::Download | Act::Disconnect => None,
        })
        .collect()
}

#[test]
fn the_share_that_fails_is_rounded_up_and_chosen_by_the_seed() {
    for (clients, percent, planned) in [
        (200, 10, 20),
        (10, 5, 1),
        (3, 100, 3),
        (50, 0, 0),
        (0, 50, 0),
    ] {
        let plan = plan(Scenario::Fail { percent }, clients);
        assert_eq!(plan.planned_failures(), planned);
        let failing = plan.failing();
        assert_eq!(failing.len(), clients as usize);
        assert_eq!(
            failing.iter().filter(|fails| **fails).count(),
            planned as usize
        );
        assert_eq!(failing, plan.failing());
    }
    let first = plan(Scenario::Fail { percent: 10 }, 200);
    let second = Plan {
        seed: 8,
        ..first.clone()
    };
    assert_ne!(first.failing(), second.failing());
    assert_eq!(plan(Scenario::Happy, 100).planned_failures(), 0);
}

#[test]
fn ids_tell_the_seed_and_the_largest_of_them_is_one() {
    let mut plan = plan(Scenario::Happy, 1);
    assert_eq!(plan.client_id(3).as_str(), "sim-7-3");
    plan.seed = u64::MAX;
    assert!(plan.client_id(u32::MAX).as_str().ends_with("-4294967295"));
}

#[test]
fn every_scenario_ends_with_the_end_of_the_installation() {
    for scenario in [
        Scenario::Happy,
        Scenario::Slow,
        Scenario::Flaky,
        Scenario::Fail { percent: 50 },
    ] {
        for (seed, fails) in (0..20).zip([true, false].into_iter().cycle()) {
            let steps = steps(scenario, fails, seed);
            let Some(Act::Report(ClientMessage::InstallationCompleted(result))) =
                steps.last().map(|step| &step.act)
            else {
                panic!("{scenario} ends with {:?}", steps.last());
            };
            assert_eq!(result.success, !fails);
            assert_eq!(result.previous_version, Some(Version::new(1, 0, 0)));
        }
    }
}

#[test]
fn a_report_of_a_download_is_one_that_the_daemon_takes() {
    let steps = steps(Scenario::Happy, false, 1);
    for report in reports(&steps) {
        let read = protocol::Envelope::parse(&report.to_text()).unwrap();
        assert_eq!(&read.message, report);
    }
    let ClientMessage::DownloadProgress(last) = reports(&steps)[4] else {
        panic!("the fifth report ends the download");
    };
    assert_eq!(
        (last.bytes_downloaded, last.progress_percentage),
        (1001, 100)
    );
}

#[test]
fn a_flaky_client_says_the_same_as_a_happy_one_and_breaks_off_a_few_times() {
    let happy = steps(Scenario::Happy, false, 1);
    let breaks = |seed| {
        let flaky = steps(Scenario::Flaky, false, seed);
        assert_eq!(reports(&flaky), reports(&happy));
        flaky.len() - happy.len()
    };
    let breaks: Vec<usize> = (0..50).map(breaks).collect();
    assert_eq!(breaks.iter().max(), Some(&3));
    assert!(breaks.contains(&0));
}

#[test]
fn a_slow_client_takes_ten_times_as_long_and_a_seed_repeats_its_paces() {
    let total = |scenario, seed| -> Duration {
        steps(scenario, false, seed)
            .iter()
            .map(|step| step.pause)
            .sum()
    };
    let tenfold = total(Scenario::Slow, 3).as_secs_f64() / total(Scenario::Happy, 3).as_secs_f64();
    assert!((tenfold - 10.0).abs() < 1e-6, "{tenfold}");
    assert_eq!(total(Scenario::Happy, 3), total(Scenario::Happy, 3));
    assert_ne!(total(Scenario::Happy, 3), total(Scenario::Happy, 4));
}

#[test]
fn a_download_that_does_not_work_ends_as_a_failed_installation() {
    let runs = Version::new(1, 0, 0);
    let broken = Error::Interrupted {
        url: "http://127.0.0.1:1".into(),
        reason: "a\nb".into(),
    };
    let part = Part {
        scenario: Scenario::Happy,
        download: true,
        fails: false,
        runs: &runs,
    };
    let steps = script(part, &release(), &mut fastrand::Rng::with_seed(1));
    let all = steps.len();
    let mut journey = Journey::new(release(), steps);
    for _ in 1..5 {
        assert!(!journey.is_over_after(&broken, &runs));
        assert_eq!(journey.steps.len(), all, "it is tried again");
    }
    assert!(!journey.is_over_after(&broken, &runs));
    let Some(Act::Report(report)) = journey.next_step().map(|step| step.act) else {
        panic!("the failure is reported");
    };
    assert!(
        protocol::Envelope::parse(&report.to_text()).is_ok(),
        "{report:?}"
    );
    assert!(matches!(report, ClientMessage::InstallationCompleted(result) if !result.success));
    assert_eq!(journey.next_step(), None);
}

#[test]
fn a_report_is_said_until_it_is_heard_and_one_that_is_refused_ends_the_journey() {
    let runs = Version::new(1, 0, 0);
    let steps = steps(Scenario::Happy, false, 1);
    let last = steps.last().cloned().into_iter().collect();
    let mut journey = Journey::new(release(), last);
    let unheard = Error::Interrupted {
        url: "the live session".into(),
        reason: "no acknowledgement came".into(),
    };
    for _ in 0..100 {
        assert!(!journey.is_over_after(&unheard, &runs));
    }
    assert_eq!(journey.steps.len(), 1);
    let refused = Error::SessionEnded {
        code: protocol::Code::InvalidMessage,
        message: "no".into(),
    };
    assert!(journey.is_over_after(&refused, &runs));
}
