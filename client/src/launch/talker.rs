//! Says things to the daemon in their order, away from everything that must not wait.
//!
//! Progress is said once, if there is a session. The end of an installation lies in the folder until it was heard.

use protocol::message::Register;
use protocol::{ClientMessage, Version};
use tokio::sync::mpsc;
use tracing::debug;

use crate::live::LiveSender;
use crate::{Error, Updater};

/// What is to be said.
#[derive(Debug)]
pub(super) enum Word {
    /// Who this client is from now on.
    Runs(Version),
    /// Something that nobody misses.
    Progress(ClientMessage),
    /// What lies in the folder.
    Unsent,
    /// Nothing more.
    End,
}

/// Words that wait. A talker that is this far behind has no session, and loses nothing that is not kept elsewhere.
pub(super) const WORDS: usize = 64;

/// Talks until nobody has anything to say any more.
pub(super) async fn talk(updater: Updater, sender: LiveSender, mut words: mpsc::Receiver<Word>) {
    while let Some(word) = words.recv().await {
        match word {
            Word::Runs(version) => {
                let register: Register = updater.register(version);
                // Where there is no session it is remembered for the next one.
                heard(sender.say(ClientMessage::Register(register)).await);
            }
            Word::Progress(message) => heard(sender.say(message).await),
            Word::Unsent => send(&updater, &sender).await,
            Word::End => return,
        }
    }
}

fn heard<T>(said: Result<T, Error>) {
    if let Err(error) = said {
        debug!(%error, "something was said and not heard");
    }
}

/// Sends what lies in the folder, oldest first, by the session or else by HTTP.
async fn send(updater: &Updater, sender: &LiveSender) {
    while let Some((file, report)) = updater.app.next_report() {
        let said = match sender.say(report.clone()).await {
            Ok(_) => Ok(()),
            Err(_) => updater.daemon.report(&updater.client_id, &report).await,
        };
        match said {
            Err(error) if error.is_temporary() => {
                debug!(%error, "a report stays for later");
                return;
            }
            // Refused for good: later it would be no better.
            Err(error) => debug!(%error, "a report was refused"),
            Ok(()) => {}
        }
        if let Err(error) = updater.app.forget_report(&file) {
            debug!(%error, "a report will be sent twice");
            return;
        }
    }
}
