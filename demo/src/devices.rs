//! "Where you're signed in": one query, and one `DELETE` to end it.

use askama::Template;
use axum::Form;
use axum::response::{Html, IntoResponse, Redirect, Response};
use diesel_sessions::Error;
use serde::Deserialize;

use crate::device::describe;
use crate::engine::Id;
use crate::failure::Failure;
use crate::model::AppSession;
use crate::page::{Head, render};
use crate::sign_in;
use crate::times::{When, now};
use crate::visitor::{Member, notice};

#[derive(Template)]
#[template(path = "devices.html")]
struct Page {
    head: Head,
    devices: Vec<Device>,
}

struct Device {
    /// The row id: no credential, so a form may carry it.
    id: Id,
    name: String,
    address: String,
    last_seen: When,
    signed_in: Option<When>,
    is_remembered: bool,
    is_this: bool,
}

/// `GET /devices`
pub(crate) async fn show(member: Member) -> Result<Html<String>, Failure> {
    let user = member.user.id;
    let (list, this) =
        member.session.run(move |conn, s| Ok::<_, Error>((s.repository().of(&user).list(conn)?, s.row_id()))).await?;
    let device = |session: AppSession| Device {
        id: session.id,
        name: describe(session.user_agent.as_deref()),
        address: session.remote_addr.unwrap_or_else(|| "unknown address".to_owned()),
        last_seen: When::ago(session.core.last_seen_at(), now()),
        signed_in: session.core.authenticated_at().map(When::date),
        is_remembered: session.core.is_persistent(),
        is_this: Some(session.id) == this,
    };
    render(&Page { head: member.head()?, devices: list.into_iter().map(device).collect() })
}

/// A form that names one of them.
#[derive(Deserialize)]
pub(crate) struct Revoke {
    device: Id,
}

/// `POST /devices/revoke`. The row id comes from the client, so the owner is named too: of another user it ends nothing.
pub(crate) async fn revoke(member: Member, Form(form): Form<Revoke>) -> Result<Response, Failure> {
    let user = member.user.id;
    if member.session.with(|s| Ok::<_, Error>(s.row_id() == Some(form.device)))? {
        // This very session: ended through its own handle, so that the cookie goes too.
        return sign_in::sign_out(member.session).await;
    }
    let revoked = member.session.run(move |conn, s| {
        let was_there = s.repository().of(&user).revoke(conn, form.device)?;
        notice(conn, s, if was_there { "That device is signed out." } else { "That device was signed out already." });
        Ok::<_, Error>(())
    });
    revoked.await?;
    Ok(Redirect::to("/devices").into_response())
}

/// `POST /devices/revoke-others`
pub(crate) async fn revoke_others(member: Member) -> Result<Redirect, Failure> {
    let revoked = member.session.run(|conn, s| {
        let text = match s.revoke_others(conn)? {
            0 => "No other device was signed in.".to_owned(),
            1 => "One other device is signed out.".to_owned(),
            count => format!("{count} other devices are signed out."),
        };
        // Nothing after it may fail: the session would be put back as it was, without the new token.
        notice(conn, s, &text);
        Ok::<_, Error>(())
    });
    revoked.await?;
    Ok(Redirect::to("/devices"))
}
