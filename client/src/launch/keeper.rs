//! Keeps the application up to date while it runs: the live session, what it hears, and what is staged because of it.
//!
//! It works beside the launcher and never keeps it waiting: news go one way, orders the other.

mod task;

use std::time::Duration;

use protocol::Version;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::Happening;
use super::fetch::Wanted;
use super::talker::{self, WORDS, Word};
use crate::install::StagedVersion;
use crate::{Live, Session, Updater};
use task::Task;

pub(super) use task::progress;

/// What the launcher must know.
#[derive(Debug)]
pub(super) enum News {
    /// Only to be told.
    Tell(Happening),
    /// A version waits for the next start; `is_asked` when the user wants that now.
    Staged {
        staged: StagedVersion,
        is_asked: bool,
    },
    /// The application reported that this version works.
    Confirmed(Version),
}

/// The handle of a keeper. Dropping it ends the keeper.
#[derive(Debug)]
pub(super) struct Keeper {
    news: mpsc::Receiver<News>,
    wanted: mpsc::Sender<Wanted>,
    words: mpsc::Sender<Word>,
    _task: AbortOnDropHandle<()>,
    talker: AbortOnDropHandle<()>,
}

/// News that wait. Progress that finds the queue full is passed over; all else waits for its turn.
const NEWS: usize = 64;

/// How long the last words may take.
const GOODBYE: Duration = Duration::from_secs(1);

impl Keeper {
    /// Starts beside a version that runs; `proven` is what the daemon is told to run here.
    pub(super) fn start(updater: Updater, proven: Version) -> Self {
        let session = Session {
            register: Some(updater.register(proven)),
            channels: vec![updater.channel.clone()],
            watch: None,
        };
        let live = Live::start(updater.daemon.clone(), session);
        let (news_sender, news) = mpsc::channel(NEWS);
        let (wanted, wanted_receiver) = mpsc::channel(4);
        let (words, word_receiver) = mpsc::channel(WORDS);
        let talker = talker::talk(updater.clone(), live.sender(), word_receiver);
        let task = Task::new(updater, live, news_sender, words.clone());
        Self {
            news,
            wanted,
            words,
            _task: AbortOnDropHandle::new(tokio::spawn(task.run(wanted_receiver))),
            talker: AbortOnDropHandle::new(tokio::spawn(talker)),
        }
    }

    /// The next news; `None` when the daemon does not want us any more. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<News> {
        self.news.recv().await
    }

    /// Fetches this next, in place of what was asked for before.
    pub(super) fn want(&self, wanted: Wanted) {
        self.wanted.try_send(wanted).ok();
    }

    /// Tells the daemon something. What matters lies in the folder as well, so that a full queue loses nothing.
    pub(super) fn say(&self, word: Word) {
        self.words.try_send(word).ok();
    }

    /// Ends it, after it said what is still to be said, if that can be done quickly.
    pub(super) async fn finish(self) {
        self.say(Word::Unsent);
        self.say(Word::End);
        tokio::time::timeout(GOODBYE, self.talker).await.ok();
    }
}
