//! The settings of SQLite connections, and many threads on one file.

use std::time::Duration;

use diesel::SqliteConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel_sessions::{Saved, SqliteCustomizer, Synchronous};

use crate::life::steps::{created, loaded};
use crate::support::{Db, Sqlite, repository, token_of};

fn pool(db: &Sqlite, size: u32, customizer: SqliteCustomizer) -> Pool<ConnectionManager<SqliteConnection>> {
    Pool::builder().max_size(size).connection_customizer(Box::new(customizer)).build(ConnectionManager::new(db.url())).unwrap()
}

// SECURITY 33
#[test]
fn the_customizer_sets_what_sessions_need() {
    const FULL: &str = "2";
    const NORMAL: &str = "1";
    let chosen = SqliteCustomizer::new().synchronous(Synchronous::Normal).busy_timeout(Duration::from_millis(1_234));
    for (customizer, synchronous, patience) in [(SqliteCustomizer::new(), FULL, "5000"), (chosen, NORMAL, "1234")] {
        let db = Sqlite::fresh().unwrap();
        let pool = pool(&db, 1, customizer);
        let conn = &mut pool.get().unwrap();
        for (pragma, value) in [
            ("SELECT journal_mode FROM pragma_journal_mode", "wal"),
            ("SELECT synchronous FROM pragma_synchronous", synchronous),
            ("SELECT foreign_keys FROM pragma_foreign_keys", "1"),
            ("SELECT timeout FROM pragma_busy_timeout", patience),
        ] {
            assert_eq!(Sqlite::text(conn, pragma).as_deref(), Some(value), "{pragma}");
        }
        let (sessions, _) = repository::<Sqlite>();
        sessions.check(conn).unwrap();
    }
}

// S47
#[test]
fn threads_on_one_file_wait_for_each_other() {
    const THREADS: u32 = 8;
    const SAVES: u32 = 25;
    let db = Sqlite::fresh().unwrap();
    let pool = pool(&db, THREADS, SqliteCustomizer::new().busy_timeout(Duration::from_secs(60)));
    let (sessions, _) = repository::<Sqlite>();
    let shared = token_of(&created::<Sqlite>(&sessions, &mut pool.get().unwrap()));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (pool, sessions, shared) = (&pool, &sessions, &shared);
            scope.spawn(move || {
                let conn = &mut pool.get().unwrap();
                let mut own = sessions.new_session();
                for number in 0..SAVES {
                    own.insert("number", number).unwrap();
                    let saved = sessions.save(conn, &mut own).unwrap();
                    assert_eq!(saved, if number == 0 { Saved::Created } else { Saved::Updated });
                }
                let mut shared = loaded::<Sqlite>(sessions, conn, shared);
                shared.insert(thread.to_string(), thread).unwrap();
                assert_eq!(sessions.save(conn, &mut shared).unwrap(), Saved::Updated);
            });
        }
    });
    let conn = &mut pool.get().unwrap();
    assert_eq!(loaded::<Sqlite>(&sessions, conn, &shared).len(), usize::try_from(THREADS).unwrap());
    let complete = format!("SELECT count(*) FROM sessions WHERE _data = '{{\"number\":{}}}'", SAVES - 1);
    assert_eq!(Sqlite::number(conn, &complete), i64::from(THREADS));
}
