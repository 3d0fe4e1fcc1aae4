//! What happens to a session around one request: plain rules, which every framework's layer carries out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, SET_COOKIE, VARY};

use super::cookie::{CookieOptions, max_age};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionModel};
use crate::repository::SessionRepository;
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

/// A repository and a cookie: what a framework's layer is made of.
pub struct SessionEdge<M: SessionModel> {
    sessions: SessionRepository<M>,
    cookie: CookieOptions,
    /// The database was found fit for sessions.
    checked: Arc<AtomicBool>,
}

impl<M: SessionModel> Clone for SessionEdge<M> {
    fn clone(&self) -> Self {
        SessionEdge { sessions: self.sessions.clone(), cookie: self.cookie.clone(), checked: Arc::clone(&self.checked) }
    }
}

/// A session within one request, from the moment that the handler asks for it.
pub struct Visit<M: SessionModel> {
    session: Session<M>,
    /// The request had a cookie of that name.
    presented: bool,
}

impl<M: SessionModel> SessionEdge<M> {
    /// Puts a repository behind a cookie.
    pub fn new(sessions: SessionRepository<M>, cookie: CookieOptions) -> Result<Self> {
        cookie.check()?;
        Ok(SessionEdge { sessions, cookie, checked: Arc::default() })
    }

    /// The repository.
    pub fn sessions(&self) -> &SessionRepository<M> {
        &self.sessions
    }

    /// What the headers of a request present. Costs no statement.
    pub fn presented(&self, headers: &HeaderMap) -> Presented {
        let presented = self.cookie.presented(headers);
        if presented == Presented::Doubled {
            tracing::warn!(target: "diesel_sessions", reason = "two cookies of that name", "refused");
        }
        presented
    }

    /// Opens the session that was presented, or a new one. Called when the handler first asks.
    pub fn open<C>(&self, conn: &mut C, presented: &Presented) -> Result<Visit<M>>
    where
        M: DbSession<C>,
    {
        // The first one to ask looks whether the database is fit for sessions at all.
        if !self.checked.load(Ordering::Relaxed) {
            self.sessions.check(conn)?;
            self.checked.store(true, Ordering::Relaxed);
        }
        let token = match presented {
            Presented::Token(token) => Some(token.as_str()),
            Presented::Nothing | Presented::Doubled => None,
        };
        let session = self.sessions.open(conn, token)?;
        Ok(Visit { session, presented: *presented != Presented::Nothing })
    }

    /// Whether a session has something to write after its handler: a change, or a touch that is due. Nothing is written along
    /// with a server error, which may have left the change half done.
    pub fn is_to_be_saved(&self, visit: &Visit<M>, status: StatusCode) -> bool {
        !status.is_server_error() && (visit.session.was_changed() || self.sessions.is_touch_due(&visit.session))
    }

    /// Saves a session after its handler. What was not changed keeps its answer, whatever became of its touch.
    pub fn save<C>(&self, conn: &mut C, visit: &mut Visit<M>) -> Result<()>
    where
        M: DbSession<C>,
    {
        let changed = visit.session.was_changed();
        match self.sessions.save(conn, &mut visit.session) {
            Err(error) if !changed => {
                tracing::debug!(target: "diesel_sessions", reason = %error, "touch failed");
                Ok(())
            }
            saved => saved.map(drop),
        }
    }

    /// Gives an answer the headers that its session asks for; `saved` says how the save went, if there was one.
    ///
    /// The cookie is set when the token changed, whatever the status, but for a session that the save found gone or rotated:
    /// another request may have set a newer one. It is removed when this request ended its session.
    pub fn answer(&self, visit: &Visit<M>, saved: &Result<()>, headers: &mut HeaderMap) {
        let session = &visit.session;
        Self::vary(headers);
        let lost = matches!(saved.as_ref().map_err(Error::kind), Err(ErrorKind::Gone | ErrorKind::Rotated));
        let cookie = match session.new_token() {
            Some(token) if !lost => {
                let now = self.sessions.now().to_utc();
                let persistent = session.is_persistent();
                self.cookie.set(token.reveal(), session.deadline_at().filter(|_| persistent).map(|end| max_age(end, now)))
            }
            _ if session.is_ended() && visit.presented => self.cookie.removal(),
            _ => return,
        };
        headers.append(SET_COOKIE, cookie);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

impl<M: SessionModel> SessionEdge<M> {
    /// Says to caches that the answer depends on the cookie.
    pub(crate) fn vary(headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Cookie"));
    }
}

impl<M: SessionModel> Visit<M> {
    /// The session.
    pub fn session(&self) -> &Session<M> {
        &self.session
    }

    /// The session, to be changed.
    pub fn session_mut(&mut self) -> &mut Session<M> {
        &mut self.session
    }

    /// The same once more: to go back to when what follows fails.
    #[cfg(feature = "axum")]
    pub(crate) fn copy(&self) -> Self {
        Visit { session: self.session.copy(), presented: self.presented }
    }

    /// Gives up what was changed and not saved: after a server error, or a save that failed.
    pub fn give_up(&mut self) {
        self.session.revert();
    }
}

impl<M: SessionModel> std::fmt::Debug for Visit<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visit").field("session", &self.session).finish_non_exhaustive()
    }
}
