//! Where log lines go and how they look. Standard output is for the one line that says where the daemon listens.

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Sends log lines to standard error. The second call in a process changes nothing.
pub fn init(log: &Log) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(&log.level))
        .with_writer(std::io::stderr);
    let set = match log.format {
        // Colours would only be in the way of who reads the file.
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .try_init(),
    };
    if set.is_ok() {
        log_panics();
    }
}

/// What is logged at a level or by a filter. The store's index tells its every step, so that nothing else could be
/// found among them; a filter that names `sled` gets them all the same.
fn filter(level: &str) -> EnvFilter {
    EnvFilter::try_new(format!("sled=warn,{level}")).unwrap_or_else(|_| EnvFilter::new("info"))
}

/// A panic is a log line like any other, with its place and without the lines of a backtrace.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let words = panic.payload().downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.payload().downcast_ref::<&str>().copied());
        let words = words.unwrap_or("without words");
        tracing::error!(place, words, "a bug: the code gave up");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_quiet_unless_it_is_asked() {
        let directives = |level: &str| {
            let filter = filter(level).to_string();
            let mut directives: Vec<String> = filter.split(',').map(str::to_owned).collect();
            directives.sort();
            directives
        };
        assert_eq!(directives("trace"), ["sled=warn", "trace"]);
        assert_eq!(directives("info,sled=debug"), ["info", "sled=debug"]);
    }
}
