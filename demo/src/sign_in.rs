//! Signing in and out.

use std::net::SocketAddr;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use diesel::prelude::*;
use diesel_sessions::{Error, SignIn};
use serde::Deserialize;

use crate::engine::Id;
use crate::engine::schema::users;
use crate::failure::Failure;
use crate::model::Web;
use crate::page::{Head, render};
use crate::sign_up::is_printable;
use crate::visitor::Visitor;
use crate::{cart, device, password};

/// How long "remember me" remembers.
const REMEMBER: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    head: Head,
    name: String,
    was_wrong: bool,
    accounts: &'static [(&'static str, &'static str, bool)],
}

/// `GET /sign-in`
pub(crate) async fn show(visitor: Visitor) -> Result<Response, Failure> {
    if visitor.user.is_some() {
        return Ok(Redirect::to("/account").into_response());
    }
    Ok(page(visitor.head()?, String::new(), false)?.into_response())
}

/// The form.
#[derive(Deserialize)]
pub(crate) struct Enter {
    name: String,
    password: String,
    /// The box is ticked; what it says does not matter.
    remember: Option<String>,
}

/// `POST /sign-in`. A wrong password and an unknown name get the same answer, in the same time.
pub(crate) async fn sign_in(
    visitor: Visitor,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<Enter>,
) -> Result<Response, Failure> {
    let name = form.name.trim().to_owned();
    // A name that nobody can have is not looked for: PostgreSQL refuses a NUL.
    let wanted = is_printable(&name).then(|| name.clone());
    let found = visitor.session.run(move |conn, _| {
        let Some(wanted) = wanted else { return Ok(None) };
        let user = users::table.filter(users::name.eq(wanted)).select((users::id, users::password_hash));
        Ok::<_, Error>(user.first::<(Id, String)>(conn).optional()?)
    });
    let (id, hash) = found.await?.unzip();
    let is_right = password::is_right(form.password, hash).await?;
    match id {
        Some(id) if is_right => {
            let next = enter(&visitor.session, id, form.remember.is_some(), address, &headers).await?;
            Ok(next.into_response())
        }
        _ => Ok((StatusCode::UNPROCESSABLE_ENTITY, page(visitor.head()?, name, true)?).into_response()),
    }
}

/// Signs a user in whose identity is proven: a new token, and what the session is to be recognised by later.
pub(crate) async fn enter(
    session: &Web,
    user: Id,
    remember: bool,
    address: SocketAddr,
    headers: &HeaderMap,
) -> Result<Redirect, Failure> {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(device::cut);
    let sign_in = if remember { SignIn::new(user).remember(REMEMBER) } else { SignIn::new(user) };
    let entered = session.run(move |conn, s| {
        s.remote_addr = Some(address.ip().to_string());
        s.user_agent = user_agent;
        s.sign_in(conn, sign_in)?;
        // It is done: from here on nothing may fail, or the session would be put back as it was, and the new token never sent. The
        // cart is looked at now, since signing in over another user's session has left theirs behind.
        Ok::<_, Error>(cart::contents(s).is_ok_and(|cart| !cart.is_empty()))
    });
    Ok(Redirect::to(if entered.await? { "/cart" } else { "/account" }))
}

/// `POST /sign-out`. Chromium keeps pages for its back button even if they say `no-store`; it drops them when told so here.
pub(crate) async fn sign_out(session: Web) -> Result<Response, Failure> {
    session.end().await?;
    Ok(([("clear-site-data", "\"cache\"")], Redirect::to("/")).into_response())
}

fn page(head: Head, name: String, was_wrong: bool) -> Result<Html<String>, Failure> {
    render(&Page { head, name, was_wrong, accounts: &password::ACCOUNTS })
}
