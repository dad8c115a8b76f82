//! What GitHub Actions makes of a publish: annotations at the run, outputs for later steps, a table in the summary.
//!
//! The runner says by its variables what it wants. Nothing here fails a publish: what cannot be written is warned of.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use protocol::api::ReleaseState;

use super::summary::Summary;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::format_size;

/// The runner, as far as there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Github {
    is_runner: bool,
    outputs: Option<PathBuf>,
    step_summary: Option<PathBuf>,
}

impl Github {
    /// Looks for it in the environment.
    pub(super) fn find() -> Self {
        let path = |name| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        Self {
            is_runner: std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
            outputs: path("GITHUB_OUTPUT"),
            step_summary: path("GITHUB_STEP_SUMMARY"),
        }
    }

    /// Marks the run with what went wrong.
    pub(super) fn failed(&self, failure: &Failure, output: &Output) {
        if self.is_runner {
            output.annotate(&annotation(failure));
        }
    }

    /// Hands on what became of it.
    pub(super) fn done(&self, summary: &Summary, output: &Output) {
        for (path, text) in [
            (&self.outputs, outputs(summary)),
            (&self.step_summary, table(summary)),
        ] {
            let Some(path) = path else { continue };
            let opened = OpenOptions::new().append(true).create(true).open(path);
            let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
            if let Err(error) = written {
                let failure = Failure::file("write", path, &error);
                output.warn(&failure.message);
            }
        }
    }
}

/// One line of the runner's own language. Line ends and per cent signs have codes in it.
fn annotation(failure: &Failure) -> String {
    let mut text = failure.message.clone();
    let more = failure.reasons.iter().chain(&failure.help);
    for line in more {
        text.push('\n');
        text.push_str(line);
    }
    let text = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    format!("::error title=relctl publish ({})::{text}", failure.code)
}

fn outputs(summary: &Summary) -> String {
    let Summary {
        version,
        channel,
        state,
        sha256,
        url,
        already_published,
        uploaded_bytes,
        ..
    } = summary;
    format!(
        "version={version}\nchannel={channel}\nstate={}\nsha256={sha256}\nurl={url}\n\
         already-published={already_published}\nuploaded-bytes={uploaded_bytes}\n",
        state.as_str()
    )
}

fn table(summary: &Summary) -> String {
    let done = match (summary.dry_run, summary.already_published, summary.state) {
        (true, _, _) => "dry run of",
        (false, true, _) => "already published:",
        (false, false, ReleaseState::Active) => "published",
        (false, false, ReleaseState::Draft | ReleaseState::Inactive | ReleaseState::Recalled) => {
            "uploaded, unannounced:"
        }
    };
    let deltas = summary.deltas.iter().filter(|delta| delta.is_there());
    let deltas: Vec<String> = deltas
        .filter(|delta| !delta.is_compressed())
        .map(|delta| delta.describe())
        .collect();
    let deltas = match deltas.is_empty() {
        true => "none".to_owned(),
        false => deltas.join("<br>"),
    };
    format!(
        "### relctl: {done} {} on {}\n\n| | |\n| --- | --- |\n| Rollout | {} % |\n| Size | {} |\n\
         | Uploaded | {} |\n| Deltas | {deltas} |\n| SHA-256 | `{}` |\n\n",
        summary.version,
        summary.channel,
        summary.rollout_percentage,
        format_size(summary.size_bytes),
        format_size(summary.uploaded_bytes),
        summary.sha256
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::publish::summary::tests::summary;
    use crate::exit::Exit;
    use crate::output::Style;

    #[test]
    fn an_annotation_is_one_line_whatever_the_failure_says() {
        let failure = Failure::new(Exit::Conflict, "CONFLICT", "100 % other\r\ncontent")
            .reason("::set-output name=x::y")
            .help("publish 2.1.1");
        assert_eq!(
            annotation(&failure),
            "::error title=relctl publish (CONFLICT)::100 %25 other%0D%0Acontent%0A::set-output name=x::y%0Apublish 2.1.1"
        );
    }

    #[test]
    fn later_steps_and_readers_get_what_they_need() {
        let summary = summary();
        insta::assert_snapshot!(outputs(&summary), @r"
        version=2.1.0
        channel=stable
        state=ACTIVE
        sha256=0000000000000000000000000000000000000000000000000000000000000000
        url=http://127.0.0.1:8081/api/v1/updates/download/2.1.0
        already-published=false
        uploaded-bytes=14400000
        ");
        insta::assert_snapshot!(table(&summary), @r"
        ### relctl: published 2.1.0 on stable

        | | |
        | --- | --- |
        | Rollout | 10 % |
        | Size | 14.4 MB |
        | Uploaded | 14.4 MB |
        | Deltas | none |
        | SHA-256 | `0000000000000000000000000000000000000000000000000000000000000000` |
        ");
    }

    #[test]
    fn both_files_are_added_to_and_one_that_cannot_be_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outputs");
        std::fs::write(&file, "before=1\n").unwrap();
        let github = Github {
            is_runner: true,
            outputs: Some(file.clone()),
            step_summary: Some(folder.path().join("no/such/folder")),
        };
        github.done(&summary(), &Output::new(false, true, Style::PLAIN));
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.starts_with("before=1\nversion=2.1.0\n"), "{text}");
    }
}
