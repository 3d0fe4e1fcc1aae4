//! What the verbs cost PostgreSQL: round trips, and bytes of the write-ahead log.

use diesel::PgConnection;
use diesel_sessions::{ManualClock, Session, SessionRepository, SignIn};

use crate::engine::{Engine, IDLE, Place, Postgres};
use crate::ground::Ground;
use crate::payload::{CHANGED, SIZES, document};
use crate::results::{Must, Results};
use crate::server::Statistics;
use crate::wire::Wire;

type Model = <Postgres as Engine>::Model;

const SESSIONS: usize = 1_000;

/// From the creation of sessions to their end, so that every page is younger than the last checkpoint: none is logged as a whole.
pub fn run(ground: &Ground, results: &mut Results) {
    let place = Place::fill::<Postgres>(ground, "verbs", 0, "{}");
    let clock = ManualClock::new(place.now);
    let builder = SessionRepository::<Model>::builder().clock(clock.clone());
    let sessions = builder.idle_timeout(IDLE).absolute_timeout(None).build().expect("settings that go together");
    let mut all: Vec<Session<Model>> = (0..SESSIONS).map(|_| sessions.new_session()).collect();
    for session in &mut all {
        session.insert_all(document(SIZES[0])).expect("they fit");
    }
    let mut counter = Counter::of(ground, &place);
    let mut counted = |verb: &str, must: f64, work: &mut dyn FnMut(&mut PgConnection, &mut Session<Model>)| {
        let (trips, bytes) = counter.count(&mut all, work);
        results.fact("", format!("PostgreSQL: {verb}: round trips"), trips, "", Must::Be(must));
        results.fact("", format!("PostgreSQL: {verb}: write-ahead log"), bytes, "bytes", Must::Nothing);
    };
    let throttle = std::time::Duration::from_secs(5 * 60); // a twentieth of the idle time, at most five minutes

    counted("first save, 300 B", 1.0, &mut |conn, session| {
        sessions.save(conn, session).expect("it is new");
    });
    counted("save of a key, 300 B", 1.0, &mut |conn, session| {
        session.insert(CHANGED, 2_000_000).expect("it fits");
        sessions.save(conn, session).expect("nobody else changes it");
    });
    clock.advance(throttle);
    counted("touch", 1.0, &mut |conn, session| assert!(sessions.touch(conn, session).expect("it is live")));
    clock.advance(throttle);
    counted("save of a key and a touch, 300 B", 1.0, &mut |conn, session| {
        session.insert(CHANGED, 3_000_000).expect("it fits");
        sessions.save(conn, session).expect("nobody else changes it");
    });
    counted("rotate", 1.0, &mut |conn, session| sessions.rotate(conn, session).expect("it is live"));
    counted("sign_in", 1.0, &mut |conn, session| sessions.sign_in(conn, session, SignIn::new(14)).expect("it is live"));
    counted("attribute set, a new one", 1.0, &mut |conn, session| {
        sessions.attributes(session).set(conn, "theme", "dark").expect("the session is live");
    });
    counted("attribute set, one that is there", 1.0, &mut |conn, session| {
        sessions.attributes(session).set(conn, "theme", "light").expect("the session is live");
    });
    counted("attribute update", 1.0, &mut |conn, session| {
        sessions.attributes(session).update(conn, "theme", "dark").expect("it is there");
    });
    counted("attribute take", 3.0, &mut |conn, session| {
        let theme: Option<String> = sessions.attributes(session).take(conn, "theme").expect("the session is live");
        assert_eq!(theme.as_deref(), Some("dark"));
    });
    counted("attribute create", 1.0, &mut |conn, session| {
        sessions.attributes(session).create(conn, "theme", "light").expect("there is none");
    });
    counted("attribute delete", 1.0, &mut |conn, session| {
        assert_eq!(sessions.attributes(session).delete(conn, "theme").expect("the session is live"), 1);
    });
    counted("end", 1.0, &mut |conn, session| sessions.end(conn, session).expect("it is there"));
}

/// A connection whose round trips and whose writing are counted.
struct Counter {
    wire: Wire,
    conn: PgConnection,
    server: Statistics,
}

impl Counter {
    fn of(ground: &Ground, place: &Place) -> Self {
        let wire = Wire::to(&ground.postgres_socket());
        let conn = Postgres::connect(&wire.url(&place.name));
        Counter { wire, conn, server: Statistics::of(&place.url) }
    }

    /// Round trips and bytes of the write-ahead log, for each session but the first, on which the statement is prepared.
    fn count(&mut self, all: &mut [Session<Model>], work: &mut dyn FnMut(&mut PgConnection, &mut Session<Model>)) -> (f64, f64) {
        let (first, others) = all.split_first_mut().expect("some");
        work(&mut self.conn, first);
        self.server.reset();
        let before = self.wire.round_trips();
        let count = others.len() as f64;
        for session in others {
            work(&mut self.conn, session);
        }
        ((self.wire.round_trips() - before) as f64 / count, self.server.sent().wal_bytes / count)
    }
}
