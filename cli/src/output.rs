//! The only printer. Results go to standard output, talk and bars to standard error; it decides nothing else.
//!
//! Whatever a daemon sent is made harmless here, so that no release note can move a cursor or hide a line.

mod hidden;
mod style;
mod text;

use std::io::{self, Write};

use clap::builder::StyledStr;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use schemars::JsonSchema;
use serde::Serialize;

use crate::commands::INTERRUPTED;
use crate::failure::{Failure, plain};

pub(crate) use hidden::Hidden;
pub(crate) use style::{Color, Style, Terminals};
pub(crate) use text::{harmless, harmless_word, table};

const RED: &str = "31";
const YELLOW: &str = "33";
const CYAN: &str = "36";

/// Where everything that this process says goes.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    style: Style,
    bars: MultiProgress,
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'a str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorDocument<'a>>,
}

/// What went wrong.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorDocument<'a> {
    /// A code of the daemon or of relctl.
    code: &'a str,
    /// What the process ends with.
    exit_code: u8,
    /// What and why, in one line.
    message: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    /// More about why.
    reasons: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    /// What to do.
    help: &'a [String],
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Finds the request in the daemon's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// Seconds to wait before the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool, style: Style) -> Self {
        let target = match style.bars && !quiet {
            true => ProgressDrawTarget::stderr_with_hz(12),
            false => ProgressDrawTarget::hidden(),
        };
        Self {
            json,
            quiet,
            style,
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether progress is unwanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// How everything looks.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Whether bars are seen.
    pub(crate) fn has_bars(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// The result of a command: one JSON document, or text that ends with a line feed of its own making.
    pub(crate) fn result<T: Serialize>(
        &self,
        schema: &str,
        data: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if !self.json {
            return self.line(&text());
        }
        self.json_line(&Document {
            schema: &format!("relctl/{schema}/v1"),
            ok: true,
            data: Some(data),
            error: None,
        })
    }

    /// A line of a result.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        let text = text.trim_end_matches('\n');
        if text.is_empty() {
            return Ok(());
        }
        self.write_stdout(&self.style.spelled(format!("{}\n", harmless(text))))
    }

    /// A text of our own making, to the byte: a completion script, a manual page.
    pub(crate) fn verbatim(&self, text: &str) -> Result<(), Failure> {
        self.write_stdout(text)
    }

    /// A line of newline-delimited JSON.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text =
            serde_json::to_string(value).map_err(|error| Failure::error(error.to_string()))?;
        self.write_stdout(&format!("{text}\n"))
    }

    fn write_stdout(&self, text: &str) -> Result<(), Failure> {
        let written = self.bars.suspend(|| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            stdout.flush()
        });
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::closed_pipe(),
            _ => Failure::error(format!("cannot write the output: {}", plain(&error))),
        })
    }

    /// Talk: what is going on. It never matters whether anybody reads it.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            self.write_stderr(&self.style.spelled(format!("{}\n", harmless(text))));
        }
    }

    /// Talk of a command whose standard output is not its own: a line for people, or one of JSON.
    pub(crate) fn remark(&self, event: &impl Serialize, text: &str) {
        match (self.json, serde_json::to_string(event)) {
            (true, Ok(json)) => self.write_stderr(&format!("{json}\n")),
            (false, _) | (true, Err(_)) => self.say(text),
        }
    }

    /// Something odd that does not stop the command.
    pub(crate) fn warn(&self, text: &str) {
        if !self.quiet {
            let text = self.style.spelled(harmless(text));
            let warning = self.painted(YELLOW, "warning:");
            self.write_stderr(&format!("{warning} {text}\n"));
        }
    }

    /// A word on standard error, in a colour where there are colours. It never carries a meaning alone.
    fn painted(&self, color: &str, word: &str) -> String {
        match self.style.color_stderr {
            true => format!("\u{1b}[1;{color}m{word}\u{1b}[0m"),
            false => word.to_owned(),
        }
    }

    /// A line for the system that runs the command, such as an annotation: no talk, so `--quiet` does not hide it.
    pub(crate) fn annotate(&self, text: &str) {
        self.write_stderr(&format!("{}\n", harmless_word(text)));
    }

    fn write_stderr(&self, text: &str) {
        self.bars
            .suspend(|| io::stderr().write_all(text.as_bytes()).ok());
    }

    /// The last words of a command that failed.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.wipe_bars();
        let text = self.style.spelled(describe(failure));
        let text = match text.strip_prefix("error:") {
            Some(rest) => format!("{}{rest}", self.painted(RED, "error:")),
            None => text,
        };
        self.write_stderr(
            &text.replace("  help: ", &format!("  {} ", self.painted(CYAN, "help:"))),
        );
        if self.json {
            let answer = failure.answer.as_deref().cloned().unwrap_or_default();
            let document: Document<'_, ()> = Document {
                schema: "relctl/error/v1",
                ok: false,
                data: None,
                error: Some(ErrorDocument {
                    code: failure.code,
                    exit_code: failure.exit.code(),
                    message: &failure.message,
                    reasons: &failure.reasons,
                    help: &failure.help,
                    status: answer.status,
                    request_id: answer.request_id.as_deref(),
                    retry_after: answer.retry_after.map(|wait| wait.as_secs()),
                }),
            };
            self.json_line(&document).ok();
        }
    }

    /// Arguments that could not be understood, as clap explains them.
    pub(crate) fn refused_arguments(&self, text: &StyledStr) {
        let text = match self.style.color_stderr {
            true => text.ansi().to_string(),
            false => text.to_string(),
        };
        self.write_stderr(&self.style.spelled(text));
    }

    /// A question, on the line on which it is answered.
    pub(crate) fn ask(&self, question: &str) {
        self.write_stderr(&format!("{question} "));
    }

    /// A bar for bytes; invisible where bars are.
    pub(crate) fn byte_bar(&self, label: &str, total_bytes: u64) -> ProgressBar {
        let template = "  {prefix:<11}{bar:32} {percent:>3} %  {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}";
        self.bar(label, total_bytes, template)
    }

    /// A bar for work that has steps and no bytes; the clock shows that it goes on.
    pub(crate) fn step_bar(&self, label: &str, total: u64) -> ProgressBar {
        self.bar(
            label,
            total,
            "  {prefix:<11}{bar:32} {pos}/{len}  {elapsed}",
        )
    }

    /// A bar for a client: a share and words.
    pub(crate) fn client_bar(&self, label: &str) -> ProgressBar {
        self.bar(
            label,
            100,
            "  {prefix:<20} {bar:20} {percent:>3} %  {wide_msg}",
        )
    }

    fn bar(&self, label: &str, length: u64, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars(self.style.bar_characters());
        let bar = ProgressBar::new(length)
            .with_style(style)
            .with_prefix(harmless_word(label));
        self.bars.add(bar)
    }

    /// Takes a bar away.
    pub(crate) fn remove_bar(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.bars.remove(bar);
    }

    /// Wipes what is left of the bars, before the last words.
    pub(crate) fn wipe_bars(&self) {
        self.bars.clear().ok();
    }
}

/// A panic is a mistake of ours. It says so in our words; `RUST_BACKTRACE` adds where it was, as elsewhere.
pub(crate) fn explain_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = "error: this is a mistake in relctl, not yours\n\n  \
                    help: report it with the lines below and what you did\n\n";
        io::stderr().write_all(text.as_bytes()).ok();
        before(panic);
    }));
}

/// The text of a failure.
pub(crate) fn describe(failure: &Failure) -> String {
    // Whoever stops a command knows why.
    if failure.code == INTERRUPTED {
        return format!("{}\n", failure.message);
    }
    let mut text = format!("error: {}\n", failure.message);
    let paragraph = |lines: &[String], mark: &str, text: &mut String| {
        if !lines.is_empty() {
            text.push('\n');
        }
        for line in lines {
            text.push_str(&format!("  {mark}{line}\n"));
        }
    };
    paragraph(&failure.reasons, "", &mut text);
    paragraph(&failure.help, "help: ", &mut text);
    if failure.help.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!("  code: {}", failure.code));
    if let Some(answer) = &failure.answer {
        if let Some(status) = answer.status {
            text.push_str(&format!("   status: {status}"));
        }
        if let Some(request_id) = &answer.request_id {
            text.push_str(&format!("   request: {request_id}"));
        }
    }
    text.push_str(&format!("   exit: {}\n", failure.exit.code()));
    harmless(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::failure::Answer;

    #[test]
    fn a_failure_says_what_why_and_what_to_do() {
        let mut failure = Failure::new(
            Exit::Conflict,
            "CONFLICT",
            "cannot publish 2.1.0: this version already exists with other content",
        )
        .reason("The daemon has   sha256 9f31c0aa…")
        .help("publish under a new version:  --version 2.1.1");
        failure.answer = Some(Box::new(Answer {
            status: Some(409),
            request_id: Some("01JD3K".into()),
            retry_after: None,
        }));
        insta::assert_snapshot!(describe(&failure), @r"
        error: cannot publish 2.1.0: this version already exists with other content

          The daemon has   sha256 9f31c0aa…

          help: publish under a new version:  --version 2.1.1
          code: CONFLICT   status: 409   request: 01JD3K   exit: 6
        ");
    }
}
