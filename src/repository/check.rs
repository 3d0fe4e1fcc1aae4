//! Looking at the database before sessions are trusted to it.

use super::SessionRepository;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionModel};
use crate::token::TokenDigest;

const DEED: &str = "could not rely on the database";

impl<M: SessionModel> SessionRepository<M> {
    /// Looks at the engine's settings and the tables: call it once when the application starts.
    ///
    /// Refused are a table that is missing or lacks a column, MySQL without strict mode (it would cut values off silently), and
    /// PostgreSQL with read-only transactions. What does not make sessions unsafe at once is said through `tracing`: what costs
    /// speed or patience, commits that may be lost in a crash, and on SQLite foreign keys that are off.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the setting and what to do; [`ErrorKind::Unavailable`] when the database cannot be asked.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{ErrorKind, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// assert_eq!(sessions.check(&mut conn).unwrap_err().kind(), ErrorKind::Config, "no tables yet");
    /// migrations::run(&mut conn)?;
    /// sessions.check(&mut conn)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check<C>(&self, conn: &mut C) -> Result<()>
    where
        M: DbSession<C>,
    {
        let findings = self.send(conn, DEED, M::findings)?;
        for advice in &findings.advised {
            tracing::warn!(target: "diesel_sessions", reason = %advice, "check");
        }
        if !findings.refused.is_empty() {
            return Err(Error::new(ErrorKind::Config, DEED).with_detail(findings.refused.join("; ")));
        }
        let now = self.now();
        let sessions = self.send(conn, DEED, |conn| M::find(conn, TokenDigest::NONE, now)).map(|_| ());
        readable(sessions, "the table or one of its columns is missing: run the migrations")?;
        let attributes = self.send(conn, DEED, M::look_at_attributes);
        readable(attributes, "the table of attributes or one of its columns is missing: run the migrations")
    }
}

/// Makes of an answer that a table could not be read as it should.
fn readable(answer: Result<()>, otherwise: &str) -> Result<()> {
    match answer {
        Err(error) if error.kind() == ErrorKind::Database => {
            Err(Error::new(ErrorKind::Config, DEED).with_detail(otherwise).with_source(error))
        }
        answer => answer,
    }
}
