//! How the updates of a fleet go, as people name it.

use std::fmt;
use std::str::FromStr;

/// How updates go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Every client installs what it is offered, in about two seconds.
    Happy,
    /// The same, ten times as slowly.
    Slow,
    /// Connections break on the way, and come back after a wait.
    Flaky,
    /// This share of the clients cannot install it.
    Fail {
        /// 0 to 100.
        percent: u8,
    },
}

/// A text that names no scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected happy, slow, flaky, or fail:P% with a whole number from 0 to 100, such as fail:5%"
)]
pub struct UnknownScenario;

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "happy" => return Ok(Self::Happy),
            "slow" => return Ok(Self::Slow),
            "flaky" => return Ok(Self::Flaky),
            _ => {}
        }
        let share = text.strip_prefix("fail:").ok_or(UnknownScenario)?;
        let number = share.strip_suffix('%').unwrap_or(share);
        match number.parse() {
            Ok(percent) if percent <= 100 && !number.starts_with('+') => Ok(Self::Fail { percent }),
            _ => Err(UnknownScenario),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Happy => f.write_str("happy"),
            Self::Slow => f.write_str("slow"),
            Self::Flaky => f.write_str("flaky"),
            Self::Fail { percent } => write!(f, "fail:{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_read_as_they_are_written() {
        for text in ["happy", "slow", "flaky", "fail:0%", "fail:5%", "fail:100%"] {
            assert_eq!(text.parse::<Scenario>().unwrap().to_string(), text);
        }
        assert_eq!("fail:5".parse(), Ok(Scenario::Fail { percent: 5 }));
        for text in [
            "",
            "Happy",
            "fail",
            "fail:",
            "fail:101%",
            "fail:-1%",
            "fail:+5%",
            "fail:x",
        ] {
            assert_eq!(text.parse::<Scenario>(), Err(UnknownScenario), "{text}");
        }
    }
}
