//! The embedded migrations change when their folder does.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
