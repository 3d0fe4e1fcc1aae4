//! The account: what was ordered, and what this session remembers.

use askama::Template;
use axum::response::Html;
use diesel::prelude::*;
use diesel_sessions::Error;

use crate::engine::Id;
use crate::failure::Failure;
use crate::model::{Order, Product};
use crate::page::{Head, render};
use crate::pictures;
use crate::price::Price;
use crate::times::When;
use crate::visitor::Member;

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    head: Head,
    name: String,
    signed_in: Option<When>,
    ends: Option<When>,
    orders: Vec<Line>,
    seen: Vec<Product>,
    devices: usize,
}

struct Line {
    id: Id,
    placed: When,
    total: Price,
}

/// `GET /account`
pub(crate) async fn show(member: Member) -> Result<Html<String>, Failure> {
    let user = member.user.clone();
    let (orders, seen, devices) = member
        .session
        .run(move |conn, s| {
            let orders: Vec<Order> = Order::belonging_to(&user)
                .order(crate::engine::schema::orders::id.desc())
                .select(Order::as_select())
                .load(conn)?;
            let devices = s.repository().of(&user.id).count(conn)?;
            Ok::<_, Error>((orders, pictures::most_seen(conn, s)?, devices))
        })
        .await?;
    let line = |order: Order| Line { id: order.id, placed: When::date(order.placed_at.to_utc()), total: order.total() };
    let (signed_in, ends) =
        member.session.with(|s| Ok::<_, Error>((s.authenticated_at().map(When::date), s.deadline_at().map(When::date))))?;
    render(&Page {
        head: member.head()?,
        name: member.user.name.clone(),
        signed_in,
        ends,
        orders: orders.into_iter().map(line).collect(),
        seen,
        devices,
    })
}
