//! Sessions at the web edge: what a request presents, and what its answer says. No framework, no runtime, no server.

#[cfg(feature = "axum")]
pub mod axum;
mod cookie;
mod edge;
mod plain_http;
mod visit;

pub use cookie::CookieOptions;
pub use edge::SessionEdge;
#[cfg(feature = "axum")]
pub(crate) use edge::vary;
pub use visit::{Presented, Visit};
