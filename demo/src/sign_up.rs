//! A new account.

use std::net::SocketAddr;

use askama::Template;
use axum::Form;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_sessions::Error;
use serde::Deserialize;

use crate::engine::schema::users;
use crate::engine::{Conn, Id};
use crate::failure::Failure;
use crate::page::{Head, render};
use crate::visitor::Visitor;
use crate::{password, sign_in};

/// Bounds in characters.
const LONGEST_NAME: usize = 40;
const SHORTEST_PASSWORD: usize = 12;
const LONGEST_PASSWORD: usize = 256;

#[derive(Template)]
#[template(path = "sign_up.html")]
struct Page {
    head: Head,
    name: String,
    objection: Option<&'static str>,
}

/// `GET /sign-up`
pub(crate) async fn show(visitor: Visitor) -> Result<Response, Failure> {
    if visitor.user.is_some() {
        return Ok(Redirect::to("/account").into_response());
    }
    Ok(page(visitor.head()?, String::new(), None)?.into_response())
}

/// The form.
#[derive(Deserialize)]
pub(crate) struct Enter {
    name: String,
    password: String,
}

/// `POST /sign-up`
pub(crate) async fn sign_up(
    visitor: Visitor,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<Enter>,
) -> Result<Response, Failure> {
    let name = form.name.trim().to_owned();
    let objection = match (name.chars().count(), form.password.chars().count()) {
        (0, _) => Some("Please choose a name."),
        _ if !is_printable(&name) => Some("Please choose a name of letters that can be seen."),
        (length, _) if length > LONGEST_NAME => Some("That name is too long: 40 characters at most."),
        (_, length) if length < SHORTEST_PASSWORD => Some("That password is too short: 12 characters at least."),
        (_, length) if length > LONGEST_PASSWORD => Some("That password is too long: 256 characters at most."),
        _ => None,
    };
    let refuse =
        |objection| Ok((StatusCode::UNPROCESSABLE_ENTITY, page(visitor.head()?, name.clone(), Some(objection))?).into_response());
    if let Some(objection) = objection {
        return refuse(objection);
    }
    let hash = password::hash(form.password).await?;
    let wanted = name.clone();
    match visitor.session.run(move |conn, _| Ok::<_, Error>(insert(conn, &wanted, &hash)?)).await? {
        Some(user) => Ok(sign_in::enter(&visitor.session, user, false, address, &headers).await?.into_response()),
        None => refuse("That name is taken. Please choose another."),
    }
}

/// Whether a name is free of control characters.
pub(crate) fn is_printable(name: &str) -> bool {
    !name.chars().any(char::is_control)
}

/// The new user; `None` if the name is taken.
fn insert(conn: &mut Conn, name: &str, hash: &str) -> QueryResult<Option<Id>> {
    match diesel::insert_into(users::table).values((users::name.eq(name), users::password_hash.eq(hash))).execute(conn) {
        Ok(_) => users::table.filter(users::name.eq(name)).select(users::id).first(conn).map(Some),
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn page(head: Head, name: String, objection: Option<&'static str>) -> Result<Html<String>, Failure> {
    render(&Page { head, name, objection })
}
