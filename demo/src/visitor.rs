//! Who is asking: extractors that bring the session and its user.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use diesel::prelude::*;
use diesel_sessions::{Bound, Error, Owner};

use crate::cart;
use crate::engine::schema::users;
use crate::engine::{Conn, Id};
use crate::failure::Failure;
use crate::model::{AppSession, User, Web};
use crate::page::Head;

/// The key of what the next page is to say.
pub(crate) const NOTICE: &str = "notice";

/// Anybody, signed in or not.
pub(crate) struct Visitor {
    pub(crate) session: Web,
    pub(crate) user: Option<User>,
}

/// Somebody who is signed in. Others are sent to the sign-in page.
pub(crate) struct Member {
    pub(crate) session: Web,
    pub(crate) user: User,
}

/// Somebody who runs the shop. Others are told that it is not for them.
pub(crate) struct Operator(pub(crate) Member);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let session = Web::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let owner = session.with(|s| Ok::<_, Error>(s.user_id)).map_err(IntoResponse::into_response)?;
        let user = match owner {
            Some(id) => user(&session, id).await.map_err(IntoResponse::into_response)?,
            None => None,
        };
        Ok(Visitor { session, user })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let owner = <Owner<AppSession> as FromRequestParts<S>>::from_request_parts(parts, state).await;
        owner.map_err(IntoResponse::into_response)?;
        let Visitor { session, user } = Visitor::from_request_parts(parts, state).await?;
        // Deleting a user ends the sessions, so this is a user who goes this very moment.
        let user = user.ok_or_else(|| Redirect::to("/sign-in").into_response())?;
        Ok(Member { session, user })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let member = Member::from_request_parts(parts, state).await?;
        if member.user.is_operator { Ok(Operator(member)) } else { Err(Failure::Forbidden.into_response()) }
    }
}

impl Visitor {
    /// The head of the visitor's pages. A notice is shown once: it leaves the session here.
    pub(crate) fn head(&self) -> Result<Head, Error> {
        head(&self.session, self.user.as_ref())
    }
}

impl Member {
    /// The head of the member's pages.
    pub(crate) fn head(&self) -> Result<Head, Error> {
        head(&self.session, Some(&self.user))
    }
}

/// Leaves a notice for the next page, and saves it at once. What it tells of is done: if the session was rotated or ended at this
/// moment, the notice alone is lost, and the answer does not say that nothing was saved.
pub(crate) fn notice(conn: &mut Conn, s: &mut Bound<'_, AppSession>, text: &str) {
    if let Err(error) = s.insert(NOTICE, text).and_then(|()| s.save(conn)) {
        tracing::debug!(%error, "no notice");
        s.revert();
    }
}

fn head(session: &Web, user: Option<&User>) -> Result<Head, Error> {
    session.with_mut(|s| {
        Ok(Head {
            user: user.map(|user| user.name.clone()),
            is_operator: user.is_some_and(|user| user.is_operator),
            in_cart: cart::contents(s)?.values().sum(),
            notice: s.pop(NOTICE)?,
        })
    })
}

async fn user(session: &Web, id: Id) -> Result<Option<User>, Error> {
    session.run(move |conn, _| Ok(users::table.find(id).select(User::as_select()).first(conn).optional()?)).await
}
