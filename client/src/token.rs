//! The bearer token, in a type that never prints itself.

use std::fmt;

use protocol::limits::TOKEN_BYTES;

/// A bearer token. It prints as stars, so that it reaches no log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

/// A text that cannot be a token, and why. The text itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token {0}")]
pub struct InvalidToken(&'static str);

impl Token {
    /// Takes a token as it stands in a file or a variable: white space around it is not part of it.
    ///
    /// # Errors
    /// The text is empty, longer than 8 KiB, or holds what no token holds.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidToken("is empty"));
        }
        if text.len() > TOKEN_BYTES {
            return Err(InvalidToken("is longer than 8 KiB"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken(
                "holds characters that no token has, such as a line feed in its middle",
            ));
        }
        Ok(Self(text.into()))
    }

    /// The token itself, for a header that does not print either.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_with_the_line_feed_that_its_file_ends_with() {
        assert_eq!(Token::parse("abc.def\n").unwrap().secret(), "abc.def");
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_without_repeating_it() {
        for text in ["", " \n", "a b", "a\nb", "é", &"x".repeat(8 * 1024 + 1)] {
            let message = Token::parse(text).unwrap_err().to_string();
            assert!(message.starts_with("the token "), "{message}");
        }
    }

    #[test]
    fn a_token_does_not_print_itself() {
        assert_eq!(
            format!("{:?}", Token::parse("secret").unwrap()),
            "Token(****)"
        );
    }
}
