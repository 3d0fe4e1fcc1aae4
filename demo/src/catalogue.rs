//! What the shop sells.

use askama::Template;
use axum::response::Html;
use diesel::prelude::*;
use diesel_sessions::Error;

use crate::engine::Conn;
use crate::engine::schema::products;
use crate::failure::Failure;
use crate::model::Product;
use crate::page::{Head, render};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "catalogue.html")]
struct Page {
    head: Head,
    products: Vec<Product>,
}

/// `GET /`
pub(crate) async fn show(visitor: Visitor) -> Result<Html<String>, Failure> {
    let products = visitor.session.run(|conn, _| Ok::<_, Error>(all(conn)?)).await?;
    render(&Page { head: visitor.head()?, products })
}

/// All products.
pub(crate) fn all(conn: &mut Conn) -> QueryResult<Vec<Product>> {
    products::table.order(products::id).select(Product::as_select()).load(conn)
}
