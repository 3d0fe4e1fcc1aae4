//! A session within one request, and what the request brought along for it.

use crate::model::SessionModel;
use crate::session::Session;

/// What a request brings along.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presented {
    /// No cookie of that name.
    Nothing,
    /// One, whatever is in it.
    Token(String),
    /// More than one of that name: somebody else may have set one, so none is adopted.
    Doubled,
}

/// Says what was presented, and not which token.
impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Presented::Nothing => "Nothing",
            Presented::Token(_) => "Token(..)",
            Presented::Doubled => "Doubled",
        })
    }
}

/// A session within one request, from the moment that the handler asks for it.
pub struct Visit<M: SessionModel> {
    pub(super) session: Session<M>,
    /// The request had a cookie of that name.
    pub(super) presented: bool,
    /// The session that came before this one was ended.
    pub(super) was_ended: bool,
    /// Whether the token that this request was about to tell opens nothing any more.
    pub(super) ended_meanwhile: bool,
}

impl<M: SessionModel> Visit<M> {
    /// The session.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::web::{CookieOptions, Presented, SessionEdge};
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// let visit = edge.open(&mut conn, &Presented::Nothing)?;
    /// assert!(visit.session().is_new());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn session(&self) -> &Session<M> {
        &self.session
    }

    /// The session, to be changed.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::web::{CookieOptions, Presented, SessionEdge};
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// let mut visit = edge.open(&mut conn, &Presented::Nothing)?;
    /// visit.session_mut().insert("lines", 1)?;
    /// assert!(visit.session().was_changed());
    /// # visit.give_up();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn session_mut(&mut self) -> &mut Session<M> {
        &mut self.session
    }

    /// The same once more: to go back to when what follows fails.
    #[cfg(any(feature = "axum", feature = "actix-web"))]
    pub(crate) fn copy(&self) -> Self {
        Visit {
            session: self.session.copy(),
            presented: self.presented,
            was_ended: self.was_ended,
            ended_meanwhile: self.ended_meanwhile,
        }
    }

    /// Gives up what was changed and not saved: after a server error, or a save that failed.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::web::{CookieOptions, Presented, SessionEdge};
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// let mut visit = edge.open(&mut conn, &Presented::Nothing)?;
    /// visit.session_mut().insert("lines", 1)?;
    /// visit.give_up();
    /// assert!(!visit.session().was_changed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn give_up(&mut self) {
        self.session.revert();
    }
}

impl<M: SessionModel> std::fmt::Debug for Visit<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visit").field("session", &self.session).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_presented_is_not_said() {
        assert_eq!(format!("{:?}", Presented::Token("secret".to_owned())), "Token(..)");
    }
}
