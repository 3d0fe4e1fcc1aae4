//! What the chores share with the test-suite: private throw-away database servers.

pub mod servers;
