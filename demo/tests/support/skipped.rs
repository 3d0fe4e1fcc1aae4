//! A test that cannot run here.

/// Says that a test is skipped, which is a failure where everything is required.
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os("TEST_REQUIRE_ALL").is_none(), "{why}, and TEST_REQUIRE_ALL is set");
    eprintln!("skipped: {why}");
}
