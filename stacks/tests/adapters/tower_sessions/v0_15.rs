//! The store under tower-sessions 0.15.

use tower_sessions_0_15 as ts;

#[path = "ending.rs"]
mod ending;
#[path = "interleaved.rs"]
mod interleaved;
#[path = "lasting.rs"]
mod lasting;
#[path = "moving.rs"]
mod moving;
#[path = "old.rs"]
mod old;
#[path = "owner.rs"]
mod owner;
#[path = "random.rs"]
mod random;
#[path = "renewed.rs"]
mod renewed;
#[path = "routes.rs"]
mod routes;
#[path = "silent.rs"]
mod silent;
#[path = "stall.rs"]
mod stall;
#[path = "store.rs"]
mod store;
