//! A purge goes by the index on the expiry: it never sorts all that has expired to find the rows of one batch, and none walks past
//! what the batches before it have removed.

#[cfg(feature = "postgres")]
use diesel_sessions::Clock;

#[cfg(feature = "postgres")]
use crate::shapes::{one, played};
#[cfg(feature = "postgres")]
use crate::support::left_behind::LeftBehind;
#[cfg(feature = "postgres")]
use crate::support::{Db, Postgres, repository, run};

// DESIGN rule 7 PERFORMANCE P9
#[cfg(feature = "postgres")]
#[test]
fn a_purge_takes_its_batch_in_the_order_of_an_index() {
    run(|db: &Postgres| {
        let mut conn = db.connect();
        let played = played(db);
        Postgres::execute(&mut conn, "SET enable_seqscan = off; SET enable_bitmapscan = off"); // the tables are nearly empty
        let body = "BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || statement; END";
        let function = "CREATE FUNCTION plan(statement TEXT) RETURNS SETOF TEXT LANGUAGE plpgsql AS";
        Postgres::execute(&mut conn, &format!("{function} $body${body}$body$"));
        let mut looked_at = 0;
        for scene in ["purge_batch", "attribute_purge_batch"] {
            for sql in one(&played, scene) {
                let limit = sql.rsplit_once("LIMIT $").map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect());
                let limit: String = limit.unwrap_or_else(|| panic!("no limit in {sql}"));
                let mut explained = sql.replace(&format!("LIMIT ${limit}"), "LIMIT 10");
                for parameter in ["$1", "$2", "$3"] {
                    explained = explained.replace(parameter, "TIMESTAMPTZ '2026-11-21'");
                }
                let plan = Postgres::texts(&mut conn, &format!("SELECT plan($sql${explained}$sql$)"));
                let plan: Vec<String> = plan.into_iter().flatten().collect();
                assert!(plan.iter().any(|line| line.contains("expires_at_idx")), "{plan:#?}");
                assert!(!plan.iter().any(|line| line.contains("Sort")), "{plan:#?}");
                looked_at += 1;
            }
        }
        assert_eq!(looked_at, 4);
    });
}

// PERFORMANCE P9
#[cfg(feature = "postgres")]
#[test]
fn a_batch_goes_on_where_the_one_before_it_ended() {
    run(|db: &Postgres| {
        let (sessions, clock) = repository::<Postgres>();
        let left_behind = LeftBehind::new(db, 2_000, clock.now());
        let mut conn = db.connect();
        let purged = sessions.purge_expired(&mut conn, 100).unwrap();
        assert_eq!([purged.sessions, purged.attributes], [2_000; 2]);
        left_behind.check_passed_once(&mut conn);
    });
}
