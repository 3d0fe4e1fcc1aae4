//! Placing an order: a one-time code as an encrypted attribute that expires, and one transaction for order, code and cart.

use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_sessions::{Bound, Error, ErrorKind, Timestamp6, WriteOptions};
use serde::{Deserialize, Serialize};

use crate::cart::{self, Line};
use crate::engine::schema::{order_lines, orders};
use crate::engine::{Conn, Id};
use crate::failure::Failure;
use crate::model::AppSession;
use crate::page::{Head, render};
use crate::price::Price;
use crate::times::now;
use crate::visitor::{Member, NOTICE};

/// The name of the attribute.
const CODE: &str = "order_code";
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Wrong codes that end the right one.
const TRIES: u32 = 5;

/// What the attribute holds. Nothing prints it.
#[derive(Serialize, Deserialize)]
struct Code {
    digits: String,
    tries_left: u32,
    until: DateTime<Utc>,
}

/// What became of an order.
enum Placed {
    Order(Id),
    Wrong { tries_left: u32 },
    NoCode,
    EmptyCart,
}

#[derive(Template)]
#[template(path = "order.html")]
struct Page {
    head: Head,
    lines: Vec<Line>,
    total: Price,
    code: Option<Code>,
}

/// `POST /order/code`: draws a code. A shop in earnest also limits how many it sends.
pub(crate) async fn ask(member: Member) -> Result<Redirect, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| Failure::Broken("no random numbers"))?;
    let digits = format!("{:06}", u64::from_le_bytes(bytes) % 1_000_000);
    let until = now() + LIFETIME;
    let code = Code { digits, tries_left: TRIES, until };
    member.session.run(move |conn, s| keep(conn, s, &code, LIFETIME)).await?;
    Ok(Redirect::to("/order"))
}

/// `GET /order`: asks for the code, and shows the message that a shop in earnest would have sent.
pub(crate) async fn show(member: Member) -> Result<Response, Failure> {
    let (lines, code) = member
        .session
        .run(|conn, s| {
            let code = s.attributes().get(conn, CODE);
            Ok::<_, Error>((cart::lines(conn, &cart::contents(s)?)?, readable(conn, s, code)?))
        })
        .await?;
    if lines.is_empty() {
        return Ok(Redirect::to("/cart").into_response());
    }
    Ok(render(&Page { head: member.head()?, total: cart::total(&lines), lines, code })?.into_response())
}

/// A form with the code.
#[derive(Deserialize)]
pub(crate) struct Enter {
    code: String,
}

/// `POST /order`
pub(crate) async fn place(member: Member, Form(form): Form<Enter>) -> Result<Redirect, Failure> {
    let user = member.user.id;
    let placed = member.session.run(move |conn, s| {
        // Order, code, cart and notice change together, or none of them. What is left for the layer to save afterwards could be
        // lost to a sign-out, and the page would say so of an order that is placed.
        conn.transaction(|conn| {
            // The first save locks the row, and brings what other requests have put into the cart meanwhile: until the commit it
            // stays as it is read below.
            s.insert(NOTICE, "Your order is under way.")?;
            s.save(conn)?;
            let placed = place_with(conn, s, user, form.code.trim())?;
            let (text, next) = outcome(&placed);
            s.insert(NOTICE, text)?;
            s.save(conn)?;
            Ok::<_, Error>(next)
        })
    });
    Ok(Redirect::to(placed.await?))
}

/// What the next page says, and which that is.
fn outcome(placed: &Placed) -> (String, &'static str) {
    match placed {
        Placed::Order(id) => (format!("Thank you. Order number {id} is placed."), "/account"),
        Placed::Wrong { tries_left: 0 } => {
            ("That was not the code, once too often. Please ask for a new one.".to_owned(), "/order")
        }
        Placed::Wrong { tries_left } => (format!("That is not the code. Tries left: {tries_left}."), "/order"),
        Placed::NoCode => ("There is no code, or it has expired. Please ask for a new one.".to_owned(), "/order"),
        Placed::EmptyCart => ("Your cart is empty.".to_owned(), "/cart"),
    }
}

/// Runs in a transaction.
fn place_with(conn: &mut Conn, s: &mut Bound<'_, AppSession>, user: Id, entered: &str) -> Result<Placed, Error> {
    // `take` deletes it: of several requests that try at once, one gets it. A wrong try puts it back, with one try less.
    let taken = s.attributes().take(conn, CODE);
    let Some(mut code) = readable(conn, s, taken)? else { return Ok(Placed::NoCode) };
    if code.digits != entered {
        code.tries_left = code.tries_left.saturating_sub(1);
        let left = (code.until - now()).to_std().unwrap_or_default();
        if code.tries_left > 0 && left >= Duration::from_secs(1) {
            keep(conn, s, &code, left)?;
        }
        return Ok(Placed::Wrong { tries_left: code.tries_left });
    }
    let lines = cart::lines(conn, &cart::contents(s)?)?;
    if lines.is_empty() {
        return Ok(Placed::EmptyCart);
    }
    let order = insert(conn, user, &lines)?;
    cart::take_out(s, &lines)?;
    Ok(Placed::Order(order))
}

/// A code that does not open is none, and is deleted: without SESSION_KEYS a restart has forgotten the key of those before it.
fn readable(conn: &mut Conn, s: &Bound<'_, AppSession>, code: Result<Option<Code>, Error>) -> Result<Option<Code>, Error> {
    match code {
        Err(error) if error.kind() == ErrorKind::Decrypt => {
            tracing::debug!(%error, "the code is dropped");
            s.attributes().delete(conn, CODE)?;
            Ok(None)
        }
        code => code,
    }
}

fn keep(conn: &mut Conn, s: &Bound<'_, AppSession>, code: &Code, lifetime: Duration) -> Result<(), Error> {
    s.attributes().set_with(conn, CODE, code, WriteOptions::new().expires_in(lifetime).encrypted())
}

fn insert(conn: &mut Conn, user: Id, lines: &[Line]) -> QueryResult<Id> {
    let order = (orders::user_id.eq(user), orders::placed_at.eq(Timestamp6::from(now())), orders::total.eq(cart::total(lines).0));
    diesel::insert_into(orders::table).values(order).execute(conn)?;
    // MySQL has no RETURNING; within the transaction the user's newest order is this one.
    let id = orders::table.filter(orders::user_id.eq(user)).order(orders::id.desc()).select(orders::id).first(conn)?;
    let rows: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                order_lines::order_id.eq(id),
                order_lines::product_id.eq(line.product.id),
                order_lines::quantity.eq(i32::try_from(line.quantity).unwrap_or(i32::MAX)),
                order_lines::price.eq(line.product.price().0),
            )
        })
        .collect();
    for row in rows {
        diesel::insert_into(order_lines::table).values(row).execute(conn)?;
    }
    Ok(id)
}
