//! What the other store has written: a record in MessagePack, under an id that is the cookie's value.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_sessions::SessionToken;
use serde_json::Value;
use tower_sessions_core::session::{Id, Record};

use super::unfit::Unfit;

/// A row of the other store's table. It has no `Debug`: the id is a token.
pub(super) struct FormerRow {
    /// The cookie's value.
    pub(super) id: String,
    /// MessagePack; none where it is larger than [`MAX_BYTES`].
    pub(super) data: Option<Vec<u8>>,
    /// When the session ends, as the table says; none where that cannot be read.
    pub(super) expiry: Option<DateTime<Utc>>,
}

/// A session of the other store.
pub(super) struct Former {
    pub(super) content: HashMap<String, Value>,
    /// The earlier of what the record and the table's column say.
    pub(super) ends_by: DateTime<Utc>,
}

/// Most bytes of a record that are read: what fits into 64 KiB of JSON is smaller.
pub(super) const MAX_BYTES: i32 = 256 * 1024;

impl FormerRow {
    /// The token of the session; none for an id that this store never gives.
    pub(super) fn token(&self) -> Option<SessionToken> {
        SessionToken::from_bytes(&self.parsed_id()?.0.to_le_bytes()).ok()
    }

    /// The session that was stored.
    pub(super) fn session(&self) -> Result<Former, Unfit> {
        let id = self.parsed_id().ok_or(Unfit::Id)?;
        let data = self.data.as_deref().ok_or(Unfit::TooLarge)?;
        // The error might name a value.
        let record: Record = rmp_serde::from_slice(data).map_err(|_| Unfit::Undecodable)?;
        if record.id != id {
            return Err(Unfit::Another);
        }
        let expiry = self.expiry.ok_or(Unfit::Expiry)?;
        let said = DateTime::from_timestamp(record.expiry_date.unix_timestamp(), record.expiry_date.nanosecond());
        Ok(Former { content: record.data, ends_by: said.map_or(expiry, |said| said.min(expiry)) })
    }

    fn parsed_id(&self) -> Option<Id> {
        self.id.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use tower_sessions_core::session::Id;

    fn row(id: i128, record: i128) -> FormerRow {
        let expiry: DateTime<Utc> = "2026-12-21T12:00:00Z".parse().unwrap();
        let end = time::OffsetDateTime::from_unix_timestamp(expiry.timestamp()).unwrap();
        let record = Record { id: Id(record), data: [("a".to_owned(), 1.into())].into(), expiry_date: end };
        FormerRow { id: Id(id).to_string(), data: Some(rmp_serde::to_vec(&record).unwrap()), expiry: Some(expiry) }
    }

    #[test]
    fn the_cookie_is_the_token() {
        for id in [0, 1, -1, i128::MAX, i128::MIN] {
            let row = row(id, id);
            assert_eq!(row.token().unwrap().reveal(), row.id);
            assert_eq!(row.session().unwrap().content["a"], 1);
        }
        for id in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA==", &"A".repeat(43), "ÄAAAAAAAAAAAAAAAAAAAA"] {
            assert!(FormerRow { id: id.to_owned(), ..row(1, 1) }.token().is_none(), "{id}");
        }
    }

    #[test]
    fn the_earlier_end_counts() {
        let late = row(1, 1);
        let early = late.expiry.unwrap() - TimeDelta::days(30);
        let early = FormerRow { expiry: Some(early), ..late };
        assert_eq!(early.session().unwrap().ends_by, early.expiry.unwrap());
        let record = row(1, 1).expiry.unwrap();
        let late = FormerRow { expiry: Some(record + TimeDelta::days(1)), ..row(1, 1) };
        assert_eq!(late.session().unwrap().ends_by, record);
    }

    // SECURITY 4, 22
    #[test]
    fn what_is_no_record_of_that_store_does_not_fit() {
        assert!(matches!(row(1, 2).session(), Err(Unfit::Another)));
        assert!(matches!(FormerRow { data: None, ..row(1, 1) }.session(), Err(Unfit::TooLarge)));
        assert!(matches!(FormerRow { expiry: None, ..row(1, 1) }.session(), Err(Unfit::Expiry)));
        for data in [vec![], vec![0xc1], b"secret".to_vec()] {
            let Err(unfit) = (FormerRow { data: Some(data), ..row(1, 1) }).session() else { panic!("it decodes") };
            assert!(!unfit.to_string().contains("secret"));
        }
    }
}
