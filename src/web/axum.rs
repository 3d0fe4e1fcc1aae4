//! The layer for axum, and what handlers ask for: [`SessionLayer`], [`WebSession`], [`Bound`], [`Owner`].

mod answer;
mod extract;
mod layer;

pub use super::handler::{Bound, Owner, OwnerRejection, WebSession, WebSessionRejection};
pub use layer::{SessionLayer, SessionService};
