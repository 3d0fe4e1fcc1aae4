//! Sessions in Rocket 0.5, over the part of the library that knows no framework: a request guard opens the session of a request, a
//! fairing saves it and sets the cookie.

use std::sync::Arc;

use diesel::r2d2::ConnectionManager;
use diesel::sqlite::SqliteConnection;
use diesel_sessions::plain::sqlite::PlainSession;
use diesel_sessions::web::{Presented, SessionEdge, Visit};
use diesel_sessions::{ConnectionSource, Error, ErrorKind, SessionRepository};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::{Header, Status};
use rocket::request::{FromRequest, Outcome, Request};
use rocket::response::Response;
use rocket::tokio::sync::Mutex;

pub(crate) type Pool = diesel::r2d2::Pool<ConnectionManager<SqliteConnection>>;
type Stored = diesel_sessions::Session<PlainSession>;

/// What is attached to Rocket: saves what a handler has changed, and sets the cookie.
#[derive(Clone)]
pub(crate) struct Sessions {
    pub(crate) edge: SessionEdge<PlainSession>,
    pub(crate) pool: Pool,
}

/// The session of a request, a guard.
#[derive(Clone)]
pub(crate) struct Session {
    slot: Slot,
    sessions: Sessions,
}

/// Empty until a guard asks, and after the answer. Whoever works with a connection keeps it locked, on a thread that may block; who
/// waits for that awaits it.
type Slot = Arc<Mutex<Option<Visit<PlainSession>>>>;

impl Session {
    /// Looks at the session, or changes it: 503 while a `run` has it.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Stored) -> Result<T, Error>) -> Result<T, Status> {
        let mut slot = self.slot.try_lock().map_err(|_| Status::ServiceUnavailable)?;
        let visit = slot.as_mut().ok_or(Status::InternalServerError)?;
        work(visit.session_mut()).map_err(|error| status_of(&error))
    }

    /// Runs a verb with a connection, on a thread that may block. If it fails, changes that were not saved are given up; if it
    /// panics, the session is. A transaction that was rolled back leaves the session stale: make no more of it in this request.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, Status>
    where
        F: FnOnce(&SessionRepository<PlainSession>, &mut SqliteConnection, &mut Stored) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let edge = self.sessions.edge.clone();
        let mut slot = Arc::clone(&self.slot).lock_owned().await;
        let done = self.sessions.pool.run(move |conn| {
            let Some(mut visit) = slot.take() else { return Ok(Err(Status::InternalServerError)) };
            let done = work(edge.sessions(), conn, visit.session_mut());
            if done.is_err() {
                visit.give_up();
            }
            *slot = Some(visit);
            done.map(Ok)
        });
        done.await.map_err(|error: Error| status_of(&error))?
    }
}

/// 503 while the database cannot serve, 409 when another request was faster, 403 when the proof of identity is too old, else 500.
fn status_of(error: &Error) -> Status {
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::PoolTimeout | ErrorKind::Busy | ErrorKind::Deadlock | ErrorKind::Serialization => {
            Status::ServiceUnavailable
        }
        ErrorKind::Gone | ErrorKind::Rotated | ErrorKind::Conflict => Status::Conflict,
        ErrorKind::NotFresh => Status::Forbidden,
        _ => Status::InternalServerError,
    }
}

impl Sessions {
    /// Opens what the request presents. One dead connection is made up for by another.
    async fn open(&self, presented: &Presented) -> Result<Visit<PlainSession>, Error> {
        let open = || {
            let (edge, presented) = (self.edge.clone(), presented.clone());
            self.pool.run(move |conn| Ok::<_, Error>(edge.open(conn, &presented)))
        };
        match open().await? {
            Err(error) if error.kind() == ErrorKind::Unavailable => open().await?,
            opened => opened,
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Session {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        let Some(sessions) = request.rocket().state::<Sessions>() else {
            return Outcome::Forward(Status::InternalServerError);
        };
        let slot = Arc::clone(request.local_cache(Slot::default));
        let mut opened = slot.lock().await;
        if opened.is_none() {
            let mut headers = HeaderMap::new();
            for header in request.headers().iter() {
                let name = HeaderName::from_bytes(header.name().as_str().as_bytes());
                if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(header.value())) {
                    headers.append(name, value);
                }
            }
            match sessions.open(&sessions.edge.presented(&headers)).await {
                Ok(visit) => *opened = Some(visit),
                Err(error) => return Outcome::Error((status_of(&error), error)),
            }
        }
        drop(opened);
        Outcome::Success(Session { slot, sessions: sessions.clone() })
    }
}

#[rocket::async_trait]
impl Fairing for Sessions {
    fn info(&self) -> Info {
        Info { name: "sessions", kind: Kind::Ignite | Kind::Response }
    }

    async fn on_ignite(&self, rocket: rocket::Rocket<rocket::Build>) -> rocket::fairing::Result {
        Ok(rocket.manage(self.clone()))
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let status = StatusCode::from_u16(response.status().code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let shared = request.local_cache(Slot::default);
        let mut slot = Arc::clone(shared).lock_owned().await; // once a `run` that the handler has given up is done
        let Some(visit) = slot.as_ref() else { return };
        let mut saved = Ok(());
        if self.edge.is_to_be_saved(visit, status) {
            let is_change = visit.session().was_changed() && !status.is_server_error();
            let edge = self.edge.clone();
            saved = self.pool.run(move |conn| slot.as_mut().map_or(Ok(()), |visit| edge.save(conn, visit, status))).await;
            if !is_change {
                saved = Ok(()); // a touch that found no connection takes nothing from the answer
            }
            slot = Arc::clone(shared).lock_owned().await;
        }
        let Some(mut visit) = slot.take() else { return };
        visit.give_up();
        if let Err(error) = &saved {
            *response = Response::build().status(status_of(error)).finalize();
        }
        let mut headers = HeaderMap::new();
        self.edge.answer(&visit, &saved, &mut headers);
        for (name, value) in &headers {
            let held = Header::new(name.to_string(), value.to_str().unwrap_or_default().to_owned());
            if name == header::CACHE_CONTROL {
                response.set_header(held);
            } else {
                response.adjoin_header(held);
            }
        }
    }
}
