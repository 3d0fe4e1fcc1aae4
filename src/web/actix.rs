//! The middleware for actix-web 4, and what handlers ask for: [`SessionMiddleware`], [`WebSession`], [`Bound`], [`Owner`],
//! [`MaybeOwner`].
//!
//! Everything behaves as under axum. Database work runs on tokio's blocking threads, so that no worker of actix-web waits for it.

mod answer;
mod extract;
mod headers;
mod middleware;
mod service;

pub use super::{Bound, Owner, OwnerRejection, WebSession, WebSessionRejection};
pub use extract::MaybeOwner;
pub use middleware::SessionMiddleware;
pub use service::SessionService;
