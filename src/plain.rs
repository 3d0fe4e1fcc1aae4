//! A ready-made model for each engine, on the tables as the migrations make them.
//!
//! For applications that need no columns of their own, and for tests. The owner is an `i64` in `user_id`.
//!
//! # Example
//!
//! ```
//! use diesel::prelude::*;
//! use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
//!
//! let mut conn = SqliteConnection::establish(":memory:")?;
//! migrations::run(&mut conn)?;
//! let sessions = SessionRepository::<PlainSession>::builder().build()?;
//! let mut session = sessions.new_session();
//! session.insert("parrot", "ceased to be")?;
//! sessions.save(&mut conn, &mut session)?;
//! let token = session.new_token().map(|token| token.reveal().to_owned());
//! let found = sessions.load(&mut conn, token.as_deref())?.expect("it was saved");
//! assert_eq!(found.get::<String>("parrot")?.as_deref(), Some("ceased to be"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;
