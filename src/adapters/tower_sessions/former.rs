//! The store that an application comes from, whatever the version of its trait.

use async_trait::async_trait;

use super::verbs::Plain;
use crate::error::Result;

/// A session store of tower-sessions-core, for [`DieselStore::migrating_from`](super::DieselStore::migrating_from). Implemented
/// for all of them; the parameter tells the versions apart and is inferred.
///
/// # Example
///
/// ```
/// use diesel_sessions::adapters::tower_sessions::OldStore;
///
/// fn is_one<Version>(_: &impl OldStore<Version>) -> bool {
///     true
/// }
/// # #[cfg(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use async_trait::async_trait;
/// # use tower_sessions_0_14::{SessionStore, session::{Id, Record}, session_store::Result as Stored};
/// # #[derive(Debug)]
/// # struct Elsewhere;
/// # #[async_trait]
/// # impl SessionStore for Elsewhere {
/// #     async fn save(&self, _: &Record) -> Stored<()> { Ok(()) }
/// #     async fn load(&self, _: &Id) -> Stored<Option<Record>> { Ok(None) }
/// #     async fn delete(&self, _: &Id) -> Stored<()> { Ok(()) }
/// # }
/// assert!(is_one(&Elsewhere), "it implements the trait of tower-sessions 0.14");
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14")))]
/// # fn main() {}
/// ```
pub trait OldStore<Version>: Send + Sync + 'static {
    /// The store behind an interface that both versions share.
    #[doc(hidden)]
    fn into_former(self) -> Box<dyn Former>;
}

/// What moving a session asks of a store.
#[doc(hidden)]
#[async_trait]
pub trait Former: Send + Sync + 'static {
    /// The live session of an id.
    async fn load(&self, id: i128) -> Result<Option<Plain>>;
    /// Deletes a session, if it is there.
    async fn delete(&self, id: i128) -> Result<()>;
}
