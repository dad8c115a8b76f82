//! Which clients the table shows, in which order, from where on, and what keys do about that. Pure.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use protocol::{Architecture, ClientId, Platform, Timestamp, Version};

use super::fleet::{Client, Fleet, Stage, Standing, Way};

/// What the user chose to see.
#[derive(Debug, Default)]
pub(super) struct Table {
    filter: Filter,
    sort: Sort,
    /// The first row that is shown.
    top: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Filter {
    /// Those that did not end yet.
    #[default]
    Open,
    Failed,
    All,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// Who has been on the way longest comes first: it may be stuck. Nobody jumps about.
    #[default]
    Longest,
    Progress,
    Slowest,
    Client,
}

/// What a key asks of the watch itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Quit,
    /// Ctrl-C, which is a key while the terminal is ours.
    Interrupt,
}

/// A client in the table.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) id: &'a ClientId,
    pub(super) machine: Option<&'a (Platform, Architecture)>,
    pub(super) from: Option<&'a Version>,
    pub(super) to: Option<&'a Version>,
    pub(super) way: Option<&'a Way>,
    pub(super) phase: Phase<'a>,
    since: Option<Timestamp>,
}

/// What a client is doing, in the order in which a sort by progress has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase<'a> {
    Done,
    Installing {
        word: &'a str,
        percentage: u8,
    },
    Downloading {
        percentage: u8,
        bytes_a_second: u64,
        seconds_left: u64,
    },
    Limited,
    /// It was on its way when its session ended.
    Away,
    Waiting,
    Failed(&'a str),
    /// The release is not meant for it.
    Outside,
}

/// The rows that are shown.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// How many come before and after.
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Table {
    pub(super) fn filter(&self) -> Filter {
        self.filter
    }

    pub(super) fn sort(&self) -> Sort {
        self.sort
    }

    /// What a key changes; pages have this many rows.
    pub(super) fn press(&mut self, key: KeyEvent, page: usize) -> Option<Request> {
        let page = page.max(1);
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Some(Request::Interrupt);
            }
            KeyCode::Char('q') | KeyCode::Esc => return Some(Request::Quit),
            KeyCode::Char('f') => self.toggle(Filter::Failed),
            KeyCode::Char('a') => self.toggle(Filter::All),
            KeyCode::Char('s') => {
                self.sort = self.sort.next();
                self.top = 0;
            }
            KeyCode::Up | KeyCode::Char('k') => self.top = self.top.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.top = self.top.saturating_add(1),
            KeyCode::PageUp => self.top = self.top.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => self.top = self.top.saturating_add(page),
            KeyCode::Home => self.top = 0,
            KeyCode::End => self.top = usize::MAX,
            _ => {}
        }
        None
    }

    fn toggle(&mut self, filter: Filter) {
        self.filter = match self.filter == filter {
            true => Filter::Open,
            false => filter,
        };
        self.top = 0;
    }

    /// How many rows there are to show.
    pub(super) fn count(&self, fleet: &Fleet) -> usize {
        let rows = fleet.clients().filter(|(_, client)| self.shows(client));
        rows.count()
    }

    /// The rows that fit. Below the end there is nothing to scroll to.
    pub(super) fn page<'a>(&mut self, fleet: &'a Fleet, height: usize) -> Page<'a> {
        let goal = fleet.goal().map(|goal| &goal.version);
        let mut rows: Vec<Row<'_>> = fleet
            .clients()
            .filter(|(_, client)| self.shows(client))
            .map(|(id, client)| Row::new(id, client, goal))
            .collect();
        self.sort.apply(&mut rows);
        self.top = self.top.min(rows.len().saturating_sub(height));
        let end = rows.len().min(self.top + height);
        let after = rows.len() - end;
        Page {
            rows: rows.drain(self.top..end).collect(),
            before: self.top,
            after,
        }
    }

    fn shows(&self, client: &Client) -> bool {
        match self.filter {
            // Also who is on the way to another version, or tries again. Who never registered will not tell an end.
            Filter::Open => match client.standing {
                Standing::Waiting | Standing::Downloading | Standing::Installing => true,
                Standing::Outside | Standing::Done | Standing::Failed => {
                    client.journey.is_some() && client.runs.is_some()
                }
            },
            Filter::Failed => client.standing == Standing::Failed,
            Filter::All => true,
        }
    }
}

impl Sort {
    fn next(self) -> Self {
        match self {
            Self::Longest => Self::Progress,
            Self::Progress => Self::Slowest,
            Self::Slowest => Self::Client,
            Self::Client => Self::Longest,
        }
    }

    /// Rows come in the order of their ids, and equal ones stay in it.
    fn apply(self, rows: &mut [Row<'_>]) {
        match self {
            Self::Longest => rows.sort_by_key(|row| (row.since.is_none(), row.since)),
            Self::Progress => rows.sort_by_key(|row| row.phase.progress()),
            Self::Slowest => rows.sort_by_key(|row| match row.phase {
                Phase::Downloading { bytes_a_second, .. } => bytes_a_second,
                _ => u64::MAX,
            }),
            Self::Client => {}
        }
    }
}

impl<'a> Row<'a> {
    fn new(id: &'a ClientId, client: &'a Client, goal: Option<&'a Version>) -> Self {
        let journey = client.journey.as_ref();
        let is_failed = client.standing == Standing::Failed;
        let to = match (journey, client.standing) {
            (Some(journey), _) => Some(&journey.version),
            (None, Standing::Outside | Standing::Done) => None,
            (None, _) => goal,
        };
        Self {
            id,
            machine: client.machine.as_ref(),
            from: client.runs.as_ref(),
            to,
            way: journey.and_then(|journey| journey.way.as_ref()),
            phase: match journey {
                Some(_) if client.is_away => Phase::Away,
                Some(journey) => Phase::of(&journey.stage),
                None if is_failed => Phase::Failed(client.reason()),
                None => match client.standing {
                    Standing::Outside => Phase::Outside,
                    Standing::Done => Phase::Done,
                    Standing::Failed
                    | Standing::Installing
                    | Standing::Downloading
                    | Standing::Waiting => Phase::Waiting,
                },
            },
            since: journey.map(|journey| journey.since),
        }
    }
}

impl<'a> Phase<'a> {
    fn of(stage: &'a Stage) -> Self {
        match stage {
            Stage::Downloading {
                percentage,
                bytes_a_second,
                seconds_left,
            } => Self::Downloading {
                percentage: *percentage,
                bytes_a_second: *bytes_a_second,
                seconds_left: *seconds_left,
            },
            Stage::Installing { phase, percentage } => Self::Installing {
                word: phase,
                percentage: *percentage,
            },
            Stage::Limited => Self::Limited,
        }
    }

    /// The further, the smaller.
    fn progress(self) -> (u8, u8) {
        match self {
            Self::Done => (0, 0),
            Self::Installing { percentage, .. } => (1, 100 - percentage.min(100)),
            Self::Downloading { percentage, .. } => (2, 100 - percentage.min(100)),
            Self::Limited => (3, 0),
            Self::Away => (4, 0),
            Self::Waiting => (5, 0),
            Self::Failed(_) => (6, 0),
            Self::Outside => (7, 0),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
