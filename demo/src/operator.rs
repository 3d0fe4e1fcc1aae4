//! The operator's page: plain Diesel queries over the table of sessions, as over any other.

use askama::Template;
use axum::extract::Query;
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{count, count_star, min, not};
use diesel::prelude::*;
use diesel_sessions::{Error, Timestamp6};

use crate::chart::{self, Look};
use crate::engine::Conn;
use crate::engine::schema::{sessions, users};
use crate::failure::Failure;
use crate::model::AppSession;
use crate::page::{Head, render};
use crate::times::{When, now};
use crate::visitor::{Operator, notice};

/// Hours that the picture shows.
const HOURS: usize = 24;
/// Rows of one statement of a purge.
const BATCH: u32 = 1_000;

#[derive(Template)]
#[template(path = "operator.html")]
struct Page {
    head: Head,
    live: i64,
    anonymous: i64,
    users: Vec<(String, i64)>,
    expired: i64,
    oldest: Option<When>,
}

/// `GET /operator`
pub(crate) async fn show(Operator(member): Operator) -> Result<Html<String>, Failure> {
    let now = now();
    let (users, (live, anonymous), (expired, oldest)) =
        member.session.run(move |conn, _| Ok::<_, Error>((by_user(conn, now)?, live(conn, now)?, backlog(conn, now)?))).await?;
    render(&Page { head: member.head()?, live, anonymous, users, expired, oldest: oldest.map(|at| When::ago(at.to_utc(), now)) })
}

/// `GET /operator/live.svg`
pub(crate) async fn picture(Operator(member): Operator, Query(look): Query<Look>) -> Result<Response, Failure> {
    let now = now();
    let counts = member.session.run(move |conn, _| Ok::<_, Error>(by_hour(conn, now)?)).await?;
    let svg = chart::bars(&counts, now, look).map_err(|_| Failure::Broken("the picture could not be drawn"))?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

/// `POST /operator/purge`
pub(crate) async fn purge(Operator(member): Operator) -> Result<Redirect, Failure> {
    let (mut sessions, mut attributes) = (0, 0);
    loop {
        // A batch each time, so that the connection is others' between two.
        let purged = member.session.run(|conn, s| s.repository().purge_batch(conn, BATCH)).await?;
        (sessions, attributes) = (sessions + purged.sessions, attributes + purged.attributes);
        if purged.sessions.max(purged.attributes) < BATCH as usize {
            break;
        }
    }
    let text = format!("Removed: {sessions} expired sessions, {attributes} expired attributes.");
    let told = member.session.run(move |conn, s| {
        notice(conn, s, &text);
        Ok::<_, Error>(())
    });
    told.await?;
    Ok(Redirect::to("/operator"))
}

/// Live sessions by the hour of the clock in which they were last seen, the oldest hour first; the last one is under way.
pub(crate) fn by_hour(conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<Vec<u32>> {
    let first = Timestamp6::from(now - TimeDelta::hours(24));
    let seen: Vec<Timestamp6> = sessions::table
        .filter(AppSession::live(now))
        .filter(sessions::last_seen_at.ge(first))
        .select(sessions::last_seen_at)
        .load(conn)?;
    let mut counts = vec![0; HOURS];
    for seen in seen {
        let hour = |time: DateTime<Utc>| time.timestamp().div_euclid(3_600);
        let hours = usize::try_from((hour(now) - hour(seen.to_utc())).max(0)).unwrap_or(HOURS);
        if hours < HOURS {
            counts[HOURS - 1 - hours] += 1;
        }
    }
    Ok(counts)
}

/// Live sessions of each user, most first.
fn by_user(conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<Vec<(String, i64)>> {
    users::table
        .inner_join(sessions::table)
        .filter(AppSession::live(now))
        .group_by(users::name)
        .order((count(sessions::id).desc(), users::name))
        .select((users::name, count(sessions::id)))
        .load(conn)
}

/// Live sessions, and those of them that nobody has signed in to.
fn live(conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<(i64, i64)> {
    let live = sessions::table.filter(AppSession::live(now));
    Ok((live.count().get_result(conn)?, live.filter(sessions::user_id.is_null()).count().get_result(conn)?))
}

/// What a purge would remove: how many sessions, and when the first of them expired.
fn backlog(conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<(i64, Option<Timestamp6>)> {
    sessions::table.filter(not(AppSession::live(now))).select((count_star(), min(sessions::expires_at))).first(conn)
}
