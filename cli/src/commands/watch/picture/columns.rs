//! The columns of the table: as wide as what stands in them, within what the terminal has.

use std::time::Duration;

use protocol::Version;
use ratatui_core::style::{Color, Modifier, Style};

use super::super::fleet::Way;
use super::super::table::{Phase, Row};
use super::{Cut, Look, Pen};
use crate::units::{format_duration, format_speed};

/// How wide each column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    client: usize,
    /// None where there is no room for it.
    machine: usize,
    versions: usize,
    way: usize,
    bar: usize,
}

/// These are the same everywhere: `downloading`, `100 %`, `42.3 MB/s`, `59 min`.
const PHASE: usize = 11;
const PERCENT: usize = 5;
const SPEED: usize = 9;
const LEFT: usize = 6;

/// From this width on the table tells what clients run on.
const MACHINE_FROM: usize = 100;
const MACHINE: usize = 13;

impl Columns {
    pub(super) fn for_rows(rows: &[Row<'_>], columns: usize, look: Look) -> Self {
        let longest = |length: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(length).max();
        let is_wide = columns >= MACHINE_FROM;
        let (client_max, versions_max) = match is_wide {
            true => (28, 26),
            false => (16, 16),
        };
        let client = longest(&|row| row.id.as_str().chars().count()).unwrap_or(0);
        let versions = longest(&|row| versions(row, look).chars().count()).unwrap_or(0);
        let way = longest(&|row| way(row.way).len()).unwrap_or(0);
        let mut this = Self {
            client: client.clamp(8, client_max),
            machine: if is_wide { MACHINE } else { 0 },
            versions: versions.clamp(7, versions_max),
            way: way.clamp(4, 10),
            bar: 0,
        };
        let used = this.used();
        this.bar = columns.saturating_sub(used).min(40);
        this
    }

    /// All but the bar, each with a space in front, and one at the end.
    fn used(&self) -> usize {
        let machine = self.machine + usize::from(self.machine > 0);
        let fixed = PHASE + PERCENT + SPEED + LEFT;
        // Client, versions, way, phase, bar, percent, speed, left.
        self.client + machine + self.versions + self.way + fixed + 8 + 1
    }

    pub(super) fn head(&self, pen: &mut Pen<'_>) {
        let style: Style = Modifier::DIM.into();
        pen.text(" ", style);
        pen.cell("CLIENT", self.client, Cut::End, style);
        if self.machine > 0 {
            pen.text(" ", style);
            pen.cell("PLATFORM", self.machine, Cut::End, style);
        }
        for (word, width) in [
            ("VERSION", self.versions),
            ("WAY", self.way),
            ("PHASE", PHASE),
        ] {
            pen.text(" ", style);
            pen.cell(word, width, Cut::End, style);
        }
        pen.text(" ", style);
        // Where there is no room for a bar, the percentage needs no heading.
        let heading = if self.bar > 2 { "PROGRESS" } else { "" };
        pen.cell(heading, self.bar + 1 + PERCENT, Cut::End, style);
        pen.text(" ", style);
        pen.right("SPEED", SPEED, style);
        pen.text(" ", style);
        pen.right("ETA", LEFT, style);
    }

    pub(super) fn row(&self, pen: &mut Pen<'_>, row: &Row<'_>) {
        let plain = Style::new();
        pen.text(" ", plain);
        // The end of an id tells clients apart better than its beginning.
        pen.cell(row.id.as_str(), self.client, Cut::Beginning, plain);
        if self.machine > 0 {
            let machine = row
                .machine
                .map_or_else(String::new, |(platform, processor)| {
                    format!("{} {}", platform.as_str(), processor.as_str())
                });
            pen.text(" ", plain);
            pen.cell(&machine, self.machine, Cut::End, plain);
        }
        pen.text(" ", plain);
        pen.cell(
            &versions(row, pen.look),
            self.versions,
            Cut::Beginning,
            plain,
        );
        pen.text(" ", plain);
        pen.cell(way(row.way), self.way, Cut::End, plain);
        pen.text(" ", plain);
        self.phase(pen, row.phase);
    }

    fn phase(&self, pen: &mut Pen<'_>, phase: Phase<'_>) {
        let dim: Style = Modifier::DIM.into();
        let (word, percentage, color) = match phase {
            Phase::Downloading { percentage, .. } => ("downloading", Some(percentage), Color::Cyan),
            Phase::Installing { word, percentage } => (word, Some(percentage), Color::Blue),
            Phase::Limited => ("limited", None, Color::Yellow),
            Phase::Away => ("away", None, Color::Yellow),
            Phase::Done => ("done", Some(100), Color::Green),
            Phase::Failed(reason) => {
                let red = pen.look.color(Color::Red);
                pen.cell("failed", PHASE, Cut::End, red);
                pen.text(" ", red);
                let width = pen.left();
                pen.cell(reason, width, Cut::End, red);
                return;
            }
            Phase::Waiting => return pen.cell("waiting", PHASE, Cut::End, dim),
            Phase::Outside => return pen.cell("not meant", PHASE, Cut::End, dim),
        };
        let style = pen.look.color(color);
        pen.cell(word, PHASE, Cut::End, style);
        let Some(percentage) = percentage.map(|percentage| percentage.min(100)) else {
            return;
        };
        pen.text(" ", style);
        pen.bar(self.bar, f64::from(percentage) / 100.0, style);
        pen.text(" ", style);
        pen.right(&format!("{percentage} %"), PERCENT, Style::new());
        if let Phase::Downloading {
            bytes_a_second,
            seconds_left,
            ..
        } = phase
        {
            let words = |number: u64, text: String| if number > 0 { text } else { String::new() };
            pen.text(" ", style);
            let speed = words(bytes_a_second, format_speed(bytes_a_second));
            pen.right(&speed, SPEED, Style::new());
            pen.text(" ", style);
            pen.right(
                &words(seconds_left, short(seconds_left)),
                LEFT,
                Style::new(),
            );
        }
    }
}

/// `2.0.5 → 2.1.0`, or what it runs where it goes nowhere.
fn versions(row: &Row<'_>, look: Look) -> String {
    let from = row.from.map(|version| match *version == Version::ZERO {
        true => "new".to_owned(),
        false => version.to_string(),
    });
    match (from, row.to) {
        (Some(from), Some(to)) => format!("{from} {} {to}", look.glyphs().arrow),
        (None, Some(to)) => to.to_string(),
        (Some(from), None) => from,
        (None, None) => String::new(),
    }
}

fn way(way: Option<&Way>) -> &str {
    match way {
        None => "",
        Some(Way::Full) => "full",
        Some(Way::Compressed) => "compressed",
        Some(Way::Delta(_)) => "delta",
    }
}

/// A time with its largest unit only.
pub(super) fn short(seconds: u64) -> String {
    let text = format_duration(Duration::from_secs(seconds));
    let mut words = text.split(' ');
    match (words.next(), words.next()) {
        (Some(number), Some(unit)) if seconds >= 60 => format!("{number} {unit}"),
        _ => format!("{seconds} s"),
    }
}
