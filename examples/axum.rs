//! A counter in axum.
fn main() {}
