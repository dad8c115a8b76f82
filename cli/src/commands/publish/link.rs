//! The daemon as a publish talks to it: each call is tried again when it fails for a reason that passes.

use client::{Daemon, Error, Retry};

use crate::output::Output;
use crate::units::{count, format_duration};

/// A daemon, and the patience with it. All calls of a publish can be made twice without harm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'a> {
    pub(super) daemon: &'a Daemon,
    pub(super) output: &'a Output,
    pub(super) retries: u32,
}

impl<'a> Link<'a> {
    /// A call, as often as it takes.
    pub(super) async fn call<T, F: Future<Output = Result<T, Error>>>(
        &self,
        call: impl FnMut() -> F,
    ) -> Result<T, Error> {
        self.retry().call(call).await
    }

    /// The patience for one thing, with a word to the user about each wait.
    pub(super) fn retry(&self) -> Retry<'a> {
        let (output, retries) = (self.output, self.retries);
        let mut failures = 0_u64;
        Retry::new(retries, move |error, wait| {
            failures += 1;
            let (failures, wait) = (count(failures, "failure"), format_duration(wait));
            output.say(&format!("  {error}; trying again in {wait} ({failures})"));
        })
    }
}
