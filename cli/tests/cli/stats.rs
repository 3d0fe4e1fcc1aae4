//! `stats`: counts.

use serde_json::json;

use super::rows;
use super::support::{Db, suite};
use super::tool::{json, print};

suite! { live_and_expired_sessions_are_counted, nothing_is_counted_where_nothing_is }

fn live_and_expired_sessions_are_counted<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    rows::session::<D>(&mut conn, 5, Some(8), rows::FUTURE);
    D::execute(&mut conn, "UPDATE sessions SET persistent = TRUE WHERE id IN (1, 4, 5)");
    let stats = json(&db.url(), &["stats"]);
    let counted = json!({
        "live": 4, "signed_in": 3, "anonymous": 1, "persistent": 2, "expired": 1, "oldest_expired_at": "2001-02-03T04:05:06Z",
        "attributes": 4,
        "ages": [
            { "age": "up to 1 hour", "created": 0, "last_seen": 0 }, { "age": "up to 1 day", "created": 0, "last_seen": 0 },
            { "age": "up to 7 days", "created": 0, "last_seen": 0 }, { "age": "up to 30 days", "created": 0, "last_seen": 0 },
            { "age": "up to 90 days", "created": 0, "last_seen": 0 }, { "age": "older", "created": 4, "last_seen": 4 },
        ],
        "owners": [{ "owner": 7, "sessions": 2 }, { "owner": 8, "sessions": 1 }],
    });
    assert_eq!(stats, counted);
    assert_eq!(json(&db.url(), &["stats", "--top", "1"])["owners"], json!([{ "owner": 7, "sessions": 2 }]));
    let table = print(&db.url(), &["stats"]);
    assert!(table.contains("live               4\n") && table.contains("OWNER  LIVE\n"), "{table}");
}

fn nothing_is_counted_where_nothing_is<D: Db>(db: &D) {
    let stats = json(&db.url(), &["stats"]);
    assert_eq!((&stats["live"], &stats["oldest_expired_at"], &stats["owners"]), (&json!(0), &json!(null), &json!([])));
}
