//! What happens to a session around one request: plain rules, which every framework's layer carries out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, SET_COOKIE, VARY};

use super::cookie::{CookieOptions, max_age};
use super::plain_http::is_plain_local;
use super::visit::{Presented, Visit};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionModel};
use crate::repository::SessionRepository;

/// A repository and a cookie: what a framework's layer is made of. Its methods are the steps of a request, in their order.
///
/// # Example
///
/// ```
/// # use diesel::prelude::*;
/// use diesel_sessions::web::{CookieOptions, SessionEdge};
/// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
/// use http::{HeaderMap, StatusCode};
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
/// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let edge = SessionEdge::new(sessions, CookieOptions::new())?;
/// let (request, mut answer) = (HeaderMap::new(), HeaderMap::new());
///
/// let presented = edge.presented(&request);
/// let mut visit = edge.open(&mut conn, &presented)?;    // when the handler first asks
/// visit.session_mut().insert("lines", 1)?;              // the handler
/// let saved = match edge.is_to_be_saved(&visit, StatusCode::OK) {
///     true => edge.save(&mut conn, &mut visit, StatusCode::OK),
///     false => Ok(()),
/// };
/// edge.answer(&visit, &saved, &mut answer);
/// assert!(answer["set-cookie"].to_str()?.starts_with("__Host-id="));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SessionEdge<M: SessionModel> {
    sessions: SessionRepository<M>,
    cookie: CookieOptions,
    notes: Arc<Notes>,
}

/// What was found or said once.
#[derive(Default)]
struct Notes {
    /// The database is fit for sessions.
    checked: AtomicBool,
    /// The application was told that a Secure cookie goes out over plain HTTP.
    warned: AtomicBool,
}

impl<M: SessionModel> Clone for SessionEdge<M> {
    fn clone(&self) -> Self {
        SessionEdge { sessions: self.sessions.clone(), cookie: self.cookie.clone(), notes: Arc::clone(&self.notes) }
    }
}

impl<M: SessionModel> std::fmt::Debug for SessionEdge<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionEdge").field("cookie", &self.cookie).finish_non_exhaustive()
    }
}

impl<M: SessionModel> SessionEdge<M> {
    /// Puts a repository behind a cookie.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a cookie that browsers refuse.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::web::{CookieOptions, SessionEdge};
    /// use diesel_sessions::{ErrorKind, SessionRepository, plain::sqlite::PlainSession};
    ///
    /// let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let impossible = CookieOptions::new().name("__Host-id").domain("example.com");
    /// assert_eq!(SessionEdge::new(sessions, impossible).unwrap_err().kind(), ErrorKind::Config);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn new(sessions: SessionRepository<M>, cookie: CookieOptions) -> Result<Self> {
        cookie.check()?;
        Ok(SessionEdge { sessions, cookie, notes: Arc::default() })
    }

    /// The repository.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::web::{CookieOptions, SessionEdge};
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// assert!(edge.sessions().new_session().is_new());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn sessions(&self) -> &SessionRepository<M> {
        &self.sessions
    }

    /// What the headers of a request present. Costs no statement.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::web::{CookieOptions, Presented, SessionEdge};
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// let mut headers = http::HeaderMap::new();
    /// assert_eq!(edge.presented(&headers), Presented::Nothing);
    /// headers.insert("cookie", "theme=dark; __Host-id=abc".parse().unwrap());
    /// assert_eq!(edge.presented(&headers), Presented::Token("abc".to_owned()));
    /// headers.append("cookie", "__Host-id=def".parse().unwrap());
    /// assert_eq!(edge.presented(&headers), Presented::Doubled);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn presented(&self, headers: &HeaderMap) -> Presented {
        let presented = self.cookie.presented(headers);
        if presented == Presented::Doubled {
            tracing::warn!(target: "diesel_sessions", reason = "two cookies of that name", "refused");
        }
        if self.cookie.is_secure() && is_plain_local(headers) && !self.notes.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: "diesel_sessions",
                reason = "some browsers drop a Secure cookie that comes over plain HTTP, also from localhost; \
                          if this is plain HTTP, give the layer `CookieOptions::new().over_plain_http()` in development",
                "cookie"
            );
        }
        presented
    }

    /// Opens the session that was presented, or a new one. Called when the handler first asks. The first call of all looks
    /// whether the database is fit for sessions: see [`SessionRepository::check`].
    ///
    /// # Errors
    ///
    /// As [`SessionRepository::open`], and as [`SessionRepository::check`] until that has passed once.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::web::{CookieOptions, Presented, SessionEdge};
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession, sign_in_as};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let stored = sign_in_as(&sessions, &mut conn, 14)?;
    /// # let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// let token = stored.new_token().expect("created").reveal().to_owned();
    /// let visit = edge.open(&mut conn, &Presented::Token(token))?;
    /// assert_eq!(visit.session().user_id, Some(14));
    /// assert!(edge.open(&mut conn, &Presented::Doubled)?.session().is_new());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open<C>(&self, conn: &mut C, presented: &Presented) -> Result<Visit<M>>
    where
        M: DbSession<C>,
    {
        if !self.notes.checked.load(Ordering::Relaxed) {
            self.sessions.check(conn)?;
            self.notes.checked.store(true, Ordering::Relaxed);
        }
        let token = match presented {
            Presented::Token(token) => Some(token.as_str()),
            Presented::Nothing | Presented::Doubled => None,
        };
        let session = self.sessions.open(conn, token)?;
        Ok(Visit { session, presented: *presented != Presented::Nothing, was_ended: false, ended_meanwhile: false })
    }

    /// Puts a new session in the place of a request's own, whose pending changes are dropped; what became of its row stays. The new
    /// one gets its row with the first change, and the answer its token.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::web::{CookieOptions, Presented, SessionEdge};
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession, sign_in_as};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let stored = sign_in_as(&sessions, &mut conn, 14)?;
    /// # let token = stored.new_token().expect("created").reveal().to_owned();
    /// # let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// let mut visit = edge.open(&mut conn, &Presented::Token(token))?;
    /// edge.sessions().end(&mut conn, visit.session_mut())?;
    /// edge.start_anew(&mut visit);
    /// visit.session_mut().insert("notice", "signed out")?;
    /// assert!(visit.session().is_new() && visit.session().user_id.is_none());
    /// # visit.give_up();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_anew(&self, visit: &mut Visit<M>) {
        visit.give_up();
        visit.was_ended |= visit.session.is_ended();
        visit.ended_meanwhile = false;
        visit.session = self.sessions.new_session();
    }

    /// Whether [`save`](SessionEdge::save) has something to do after the handler, whose answer has this status: a change, a touch
    /// that is due, or a new token to look up. Nothing is written along with a server error, which may have left the change half done.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::web::{CookieOptions, Presented, SessionEdge};
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # use http::StatusCode;
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// let mut visit = edge.open(&mut conn, &Presented::Nothing)?;
    /// assert!(!edge.is_to_be_saved(&visit, StatusCode::OK));
    /// visit.session_mut().insert("lines", 1)?;
    /// assert!(edge.is_to_be_saved(&visit, StatusCode::SEE_OTHER));
    /// assert!(!edge.is_to_be_saved(&visit, StatusCode::BAD_GATEWAY));
    /// # visit.give_up();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_to_be_saved(&self, visit: &Visit<M>, status: StatusCode) -> bool {
        let session = &visit.session;
        let writes = session.was_changed() || self.sessions.is_touch_due(session);
        session.new_token().is_some() || writes && !status.is_server_error()
    }

    /// Saves a session after its handler, but not along with a server error. What was not changed keeps its answer, whatever became of
    /// its touch; if it has a new token, as after a sign-in, it is looked up: should somebody have ended the session since, the
    /// answer does not set its cookie.
    ///
    /// # Errors
    ///
    /// As [`SessionRepository::save`], if there was a change.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::web::{CookieOptions, Presented, SessionEdge};
    /// # use diesel_sessions::{ErrorKind, SessionRepository, migrations, plain::sqlite::PlainSession, sign_in_as};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let stored = sign_in_as(&sessions, &mut conn, 14)?;
    /// # let token = stored.new_token().expect("created").reveal().to_owned();
    /// # let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// # use http::StatusCode;
    /// let mut visit = edge.open(&mut conn, &Presented::Token(token))?;
    /// visit.session_mut().insert("lines", 1)?;
    /// edge.sessions().revoke_everyone(&mut conn)?;
    /// assert_eq!(edge.save(&mut conn, &mut visit, StatusCode::OK).unwrap_err().kind(), ErrorKind::Gone);
    /// visit.give_up();
    /// assert!(edge.save(&mut conn, &mut visit, StatusCode::OK).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save<C>(&self, conn: &mut C, visit: &mut Visit<M>, status: StatusCode) -> Result<()>
    where
        M: DbSession<C>,
    {
        if !status.is_server_error() {
            let is_change = visit.session.was_changed();
            let saved = self.sessions.save(conn, &mut visit.session);
            if is_change {
                return saved.map(drop);
            }
            if let Err(error) = saved {
                tracing::debug!(target: "diesel_sessions", reason = %error, "touch failed");
            }
        }
        if let Some(token) = visit.session.new_token() {
            // Unless the database says no, the verb's own word counts.
            visit.ended_meanwhile = matches!(self.sessions.is_live(conn, token.reveal()), Ok(false));
        }
        Ok(())
    }

    /// Gives an answer the headers that its session asks for; `saved` says how the save went, if there was one.
    ///
    /// The cookie is set when the token changed, whatever the status, but for a session that [`save`](SessionEdge::save) found gone
    /// or rotated: another request may have set a newer one. It is removed when this request ended its session.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::web::{CookieOptions, Presented, SessionEdge};
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession, sign_in_as};
    /// # use http::HeaderMap;
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let stored = sign_in_as(&sessions, &mut conn, 14)?;
    /// # let token = stored.new_token().expect("created").reveal().to_owned();
    /// # let edge = SessionEdge::new(sessions, CookieOptions::new())?;
    /// let mut visit = edge.open(&mut conn, &Presented::Token(token))?;
    /// let mut read = HeaderMap::new();
    /// edge.answer(&visit, &Ok(()), &mut read);
    /// assert!(read["vary"] == "Cookie" && !read.contains_key("set-cookie"));
    ///
    /// edge.sessions().end(&mut conn, visit.session_mut())?;
    /// let mut ended = HeaderMap::new();
    /// edge.answer(&visit, &Ok(()), &mut ended);
    /// assert!(ended["set-cookie"].to_str()?.contains("Max-Age=0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn answer(&self, visit: &Visit<M>, saved: &Result<()>, headers: &mut HeaderMap) {
        let session = &visit.session;
        vary(headers);
        let found_gone = matches!(saved.as_ref().map_err(Error::kind), Err(ErrorKind::Gone | ErrorKind::Rotated));
        let lost = found_gone || visit.ended_meanwhile;
        let cookie = match session.new_token() {
            Some(token) if !lost => {
                let now = self.sessions.now().to_utc();
                let persistent = session.is_persistent();
                self.cookie.set(token.reveal(), session.deadline_at().filter(|_| persistent).map(|end| max_age(end, now)))
            }
            _ if (session.is_ended() || visit.was_ended) && visit.presented => self.cookie.removal(),
            _ => return,
        };
        headers.append(SET_COOKIE, cookie);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Says to caches that the answer depends on the cookie.
fn vary(headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("Cookie"));
}

#[cfg(feature = "sqlite")]
#[cfg(test)]
mod tests;
