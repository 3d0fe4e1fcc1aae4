//! actix-session over our store: what is asked of any store of its, and what is asked of ours.

mod columns;
mod ending;
mod owners;
mod parallel;
mod site;
mod times;
mod workflow;
