//! The cart. It lies in the session's data, so it is there before anybody signs in, and still there afterwards.
//!
//! Each product has a key of its own: of two requests at once that add different products neither loses the other's. Of the same key the
//! last one wins, so the same product added twice at once may count once.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::response::{Html, Redirect};
use diesel::prelude::*;
use diesel_sessions::{Error, Session};
use serde::Deserialize;

use crate::engine::schema::products;
use crate::engine::{Conn, Id};
use crate::failure::Failure;
use crate::model::{AppSession, Product, Web};
use crate::page::{Head, render};
use crate::price::Price;
use crate::visitor::{NOTICE, Visitor};

/// How many of which product.
pub(crate) type Cart = BTreeMap<Id, u32>;

/// What the keys of the cart begin with; the product's number follows.
const PREFIX: &str = "cart-";
/// The most of one product.
const MOST: u32 = 99;

/// One product in the cart.
pub(crate) struct Line {
    pub(crate) product: Product,
    pub(crate) quantity: u32,
    pub(crate) sum: Price,
}

/// What is in the cart of a session.
pub(crate) fn contents(session: &Session<AppSession>) -> Result<Cart, Error> {
    let products = session.keys().filter_map(|key| key.strip_prefix(PREFIX)?.parse().ok());
    products.map(|product| Ok((product, session.get_or(key(product), 0)?))).collect()
}

/// Takes these products out of it.
pub(crate) fn take_out(session: &mut Session<AppSession>, lines: &[Line]) -> Result<(), Error> {
    lines.iter().try_for_each(|line| session.remove(key(line.product.id)).map(drop))
}

fn key(product: Id) -> String {
    format!("{PREFIX}{product}")
}

/// The products in a cart, with their prices of today. What is no longer sold is left out.
pub(crate) fn lines(conn: &mut Conn, cart: &Cart) -> QueryResult<Vec<Line>> {
    let found: Vec<Product> = products::table
        .filter(products::id.eq_any(cart.keys().copied().collect::<Vec<Id>>()))
        .order(products::id)
        .select(Product::as_select())
        .load(conn)?;
    let line = |product: Product| {
        let quantity = cart.get(&product.id).copied().unwrap_or(0);
        Line { sum: product.price().times(quantity), quantity, product }
    };
    Ok(found.into_iter().map(line).collect())
}

/// What everything costs together.
pub(crate) fn total(lines: &[Line]) -> Price {
    lines.iter().map(|line| line.sum).sum()
}

#[derive(Template)]
#[template(path = "cart.html")]
struct Page {
    head: Head,
    lines: Vec<Line>,
    total: Price,
}

/// `GET /cart`
pub(crate) async fn show(visitor: Visitor) -> Result<Html<String>, Failure> {
    let lines = visitor.session.run(|conn, s| Ok::<_, Error>(lines(conn, &contents(s)?)?)).await?;
    render(&Page { head: visitor.head()?, total: total(&lines), lines })
}

/// A form that adds a product.
#[derive(Deserialize)]
pub(crate) struct Add {
    product: Id,
}

/// `POST /cart`
pub(crate) async fn add(session: Web, Form(form): Form<Add>) -> Result<Redirect, Failure> {
    let product = session.run(move |conn, _| {
        Ok::<_, Error>(products::table.find(form.product).select(Product::as_select()).first(conn).optional()?)
    });
    let product = product.await?.ok_or(Failure::NotFound)?;
    session.with_mut(|s| {
        let key = key(product.id);
        let quantity = s.get_or(&key, 0_u32)?;
        s.insert(&key, MOST.min(quantity.saturating_add(1)))?;
        s.insert(NOTICE, format!("{} is in your cart.", product.name))
    })?;
    Ok(Redirect::to("/"))
}

/// A form that changes how many there are to be.
#[derive(Deserialize)]
pub(crate) struct Change {
    product: Id,
    quantity: u32,
}

/// `POST /cart/change`
pub(crate) async fn change(session: Web, Form(form): Form<Change>) -> Result<Redirect, Failure> {
    session.with_mut(|s| {
        let key = key(form.product);
        match form.quantity {
            0 => s.remove(&key).map(drop),
            quantity if s.contains_key(&key) => s.insert(&key, MOST.min(quantity)),
            // A product gets in through `add`, which looks whether it exists.
            _ => Ok(()),
        }
    })?;
    Ok(Redirect::to("/cart"))
}
