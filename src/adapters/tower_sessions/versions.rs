//! The traits of tower-sessions-core, for each version that is switched on: their types in and out, and nothing else.

use chrono::{DateTime, Utc};
use time::OffsetDateTime;

use crate::clock::Timestamp6;
use crate::error::{Error, ErrorKind};

/// Implements the traits of one version over the verbs that both share.
macro_rules! implement {
    ($feature:literal $module:ident $core:ident) => {
        #[cfg(feature = $feature)]
        mod $module {
            use async_trait::async_trait;
            use $core::session::{Id, Record};
            use $core::session_store::{Error as StoreError, ExpiredDeletion, Result as StoreResult, SessionStore};

            use super::{Sort, ended_at, offset, old_store_failed, sort_of};
            use crate::adapters::tower_sessions::DieselStore;
            use crate::adapters::tower_sessions::former::{Former, OldStore};
            use crate::adapters::tower_sessions::verbs::Plain;
            use crate::error::{Error, Result};
            use crate::model::DbSession;
            use crate::source::ConnectionSource;

            #[async_trait]
            impl<M, P> SessionStore for DieselStore<M, P>
            where
                P: ConnectionSource,
                M: DbSession<P::Connection>,
            {
                async fn create(&self, record: &mut Record) -> StoreResult<()> {
                    let place = std::ptr::from_ref(&*record).addr();
                    *record = record_of(self.create_plain(plain_of(record), place).await.map_err(translated)?);
                    Ok(())
                }

                async fn save(&self, record: &Record) -> StoreResult<()> {
                    let place = std::ptr::from_ref(record).addr();
                    self.save_plain(plain_of(record), place).await.map_err(translated)
                }

                async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
                    Ok(self.load_plain(id.0).await.map_err(translated)?.map(record_of))
                }

                async fn delete(&self, id: &Id) -> StoreResult<()> {
                    self.delete_plain(id.0).await.map_err(translated)
                }
            }

            #[async_trait]
            impl<M, P> ExpiredDeletion for DieselStore<M, P>
            where
                P: ConnectionSource,
                M: DbSession<P::Connection>,
            {
                async fn delete_expired(&self) -> StoreResult<()> {
                    self.purge().await.map_err(translated)
                }
            }

            /// A store of this version that sessions are moved from.
            struct Old<S>(S);

            #[doc(hidden)]
            pub enum Version {}

            impl<S: SessionStore> OldStore<Version> for S {
                fn into_former(self) -> Box<dyn Former> {
                    Box::new(Old(self))
                }
            }

            #[async_trait]
            impl<S: SessionStore> Former for Old<S> {
                async fn load(&self, id: i128) -> Result<Option<Plain>> {
                    let record = self.0.load(&Id(id)).await.map_err(|error| failed("could not load the session", &error))?;
                    Ok(record.as_ref().map(plain_of))
                }

                async fn delete(&self, id: i128) -> Result<()> {
                    self.0.delete(&Id(id)).await.map_err(|error| failed("could not delete the session", &error))
                }
            }

            fn plain_of(record: &Record) -> Plain {
                Plain { id: record.id.0, content: record.data.clone(), ends_at: ended_at(record.expiry_date) }
            }

            fn record_of(plain: Plain) -> Record {
                Record { id: Id(plain.id), data: plain.content, expiry_date: offset(plain.ends_at) }
            }

            /// The message alone: sources hold what a database says.
            fn translated(error: Error) -> StoreError {
                let message = error.to_string();
                match sort_of(error.kind()) {
                    Sort::Encode => StoreError::Encode(message),
                    Sort::Decode => StoreError::Decode(message),
                    Sort::Backend => StoreError::Backend(message),
                }
            }

            fn failed(deed: &'static str, error: &StoreError) -> Error {
                let sort = match error {
                    StoreError::Encode(_) => Sort::Encode,
                    StoreError::Decode(_) => Sort::Decode,
                    StoreError::Backend(_) => Sort::Backend,
                };
                old_store_failed(deed, sort)
            }
        }
    };
}

implement! { "tower-sessions-0-14" v0_14 tower_sessions_core_0_14 }
implement! { "tower-sessions-0-15" v0_15 tower_sessions_core_0_15 }

/// The variants of those crates' errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Encode,
    Decode,
    Backend,
}

fn sort_of(kind: ErrorKind) -> Sort {
    match kind {
        ErrorKind::Limit
        | ErrorKind::ReservedKey
        | ErrorKind::WrongType
        | ErrorKind::NotSerializable
        | ErrorKind::InvalidArgument => Sort::Encode,
        ErrorKind::Undecodable => Sort::Decode,
        _ => Sort::Backend,
    }
}

/// Its own text is not passed on: nobody here knows what it holds.
fn old_store_failed(deed: &'static str, sort: Sort) -> Error {
    let (kind, what) = match sort {
        Sort::Encode => (ErrorKind::Unavailable, "the old store could not encode"),
        Sort::Decode => (ErrorKind::Undecodable, "the old store could not decode its record"),
        Sort::Backend => (ErrorKind::Unavailable, "the old store's backend failed"),
    };
    Error::new(kind, deed).with_detail(what)
}

fn ended_at(time: OffsetDateTime) -> DateTime<Utc> {
    let end = if time.unix_timestamp() < 0 { DateTime::UNIX_EPOCH } else { Timestamp6::NEVER.to_utc() };
    DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond()).unwrap_or(end)
}

fn offset(time: DateTime<Utc>) -> OffsetDateTime {
    let seconds = OffsetDateTime::from_unix_timestamp(time.timestamp()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    seconds + std::time::Duration::from_nanos(time.timestamp_subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_same_in_both_crates() {
        for time in [DateTime::UNIX_EPOCH, Timestamp6::NEVER.to_utc(), "2026-11-21T12:00:00.123456Z".parse().unwrap()] {
            assert_eq!(ended_at(offset(time)), time);
        }
        assert_eq!(offset(DateTime::UNIX_EPOCH), OffsetDateTime::UNIX_EPOCH);
    }

    #[test]
    fn what_a_caller_may_mend_in_the_record_is_an_error_of_encoding() {
        assert_eq!(sort_of(ErrorKind::ReservedKey), Sort::Encode);
        assert_eq!(sort_of(ErrorKind::Undecodable), Sort::Decode);
        assert_eq!(sort_of(ErrorKind::Gone), Sort::Backend);
    }
}
