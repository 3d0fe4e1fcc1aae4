//! Drawing tokens for one verb: one, kept over its retries; another only when one is taken.

use super::MAX_DRAWS;
use crate::error::{Error, ErrorKind, Result};
use crate::token::{SessionToken, TokenDigest, TokenSource};

/// The tokens of one call of a verb.
pub(super) struct Draws<'a> {
    source: &'a dyn TokenSource,
    kept: Option<SessionToken>,
    left: usize,
}

impl<'a> Draws<'a> {
    /// No token is drawn yet.
    pub(super) fn new(source: &'a dyn TokenSource) -> Self {
        Draws { source, kept: None, left: MAX_DRAWS }
    }

    /// The call's token. One that has the digest of the session's own counts as taken.
    pub(super) fn token(&mut self, own: TokenDigest) -> Result<SessionToken> {
        loop {
            let token = match self.kept.take() {
                Some(token) => token,
                None => self.draw()?,
            };
            if token.digest() != own {
                self.kept = Some(token.clone());
                return Ok(token);
            }
        }
    }

    /// The token is taken: the next one is drawn anew.
    pub(super) fn taken(&mut self) {
        tracing::warn!(target: "diesel_sessions", reason = "the token is taken", "refused");
        self.kept = None;
    }

    fn draw(&mut self) -> Result<SessionToken> {
        if self.left == 0 {
            return Err(Error::new(ErrorKind::Config, "could not draw a token")
                .with_detail("the token source gives tokens that are taken; it must never repeat itself"));
        }
        self.left -= 1;
        self.source.token()
    }
}
