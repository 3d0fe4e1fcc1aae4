//! What handlers ask for, whatever the framework: [`WebSession`], [`Bound`], [`Owner`]; and the session of one request behind them.

pub(super) mod answer;
mod bound;
mod owner;
pub(super) mod request;
pub(super) mod settings;
mod web_session;
pub(super) mod whose;

pub use bound::Bound;
pub use owner::{Owner, OwnerRejection, WebSessionRejection};
pub use web_session::WebSession;
