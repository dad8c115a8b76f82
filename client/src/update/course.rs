//! The course of one update: its state, and who hears of each change.

use tracing::error;

use crate::state::{State, Transition};

/// Who hears of the states of an update.
pub type Tell<'a> = &'a mut (dyn FnMut(&State) + Send);

/// One update on its way.
pub(super) struct Course<'a> {
    state: State,
    tell: Tell<'a>,
}

impl<'a> Course<'a> {
    pub(super) fn new(state: State, tell: Tell<'a>) -> Self {
        Self { state, tell }
    }

    /// Goes on, and tells. A step that does not fit would be a fault of ours: it is refused, and no update is given up
    /// for the sake of its story.
    pub(super) fn step(&mut self, transition: Transition) {
        match self.state.after(transition) {
            Ok(state) => {
                self.state = state;
                (self.tell)(&self.state);
            }
            Err(illegal) => error!(%illegal, "the state of the update stays"),
        }
    }
}
