//! A purge goes by the index on the expiry: it never sorts all that has expired to find the rows of one batch, and none walks past
//! what the batches before it have removed.

#[cfg(feature = "postgres")]
use diesel_sessions::Clock;

#[cfg(feature = "postgres")]
use crate::shapes::{one, played};
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

/// Entries that scans of an index have given so far: those of deleted rows count, as long as somebody may see the rows.
#[cfg(feature = "postgres")]
fn entries_read(conn: &mut <Postgres as Db>::Conn, index: &str) -> u64 {
    Postgres::execute(conn, "SELECT pg_stat_force_next_flush()");
    let read = Postgres::texts(conn, &format!("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = '{index}'"));
    read[0].as_ref().and_then(|read| read.parse().ok()).unwrap()
}

// PERFORMANCE P9
#[cfg(feature = "postgres")]
#[test]
fn a_batch_goes_on_where_the_one_before_it_ended() {
    run(|db: &Postgres| {
        const ROWS: u64 = 2_000;
        let (sessions, clock) = repository::<Postgres>();
        let mut conn = db.connect();
        let now = clock.now();
        Postgres::execute(
            &mut conn,
            &format!(
                "SET enable_seqscan = off; SET enable_bitmapscan = off;
                 INSERT INTO sessions (_uuid, created_at, last_seen_at, expires_at)
                 SELECT gen_random_uuid(), '{now}', '{now}', timestamptz '{now}' - make_interval(secs => n)
                 FROM generate_series(1, {ROWS}) AS n;
                 INSERT INTO sessions (_uuid, created_at, last_seen_at, expires_at)
                 VALUES (gen_random_uuid(), '{now}', '{now}', timestamptz '{now}' + interval '1 day');
                 INSERT INTO session_attributes (session_id, name, value, created_at, updated_at, expires_at)
                 SELECT (SELECT max(id) FROM sessions), n::text, '1', '{now}', '{now}', timestamptz '{now}' - make_interval(secs => n)
                 FROM generate_series(1, {ROWS}) AS n"
            ),
        );
        let indices = ["sessions_expires_at_idx", "session_attributes_expires_at_idx"];
        let before = indices.map(|index| entries_read(&mut conn, index));
        // Whoever looks at the table meanwhile keeps its deleted rows, and their entries.
        let mut reader = db.connect();
        Postgres::execute(&mut reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM sessions");
        let purged = sessions.purge_expired(&mut conn, 100).unwrap();
        assert_eq!([purged.sessions as u64, purged.attributes as u64], [ROWS; 2]);
        for (index, before) in indices.iter().zip(before) {
            let read = entries_read(&mut conn, index) - before;
            assert!((ROWS..ROWS * 2).contains(&read), "{read} entries of {index} for {ROWS} rows");
        }
    });
}
