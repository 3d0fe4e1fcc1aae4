//! What a child process does until it is killed: every verb in turn, always in the same way.

mod attributes;

use diesel::connection::{Connection, SimpleConnection};
use diesel_sessions::{Clock, Error, KnownTokens, ManualClock, Session, SessionRepository, SignIn};

use crate::durable::Durable;
use crate::support::{Plain, noon, seconds};

/// A run of the script. The same steps give the same rows, down to tokens and times.
pub(crate) struct Script<D: Durable> {
    sessions: SessionRepository<D::Model>,
    /// The same with a newer key.
    resealing: SessionRepository<D::Model>,
    clock: ManualClock,
    /// The session that most steps are about.
    main: Session<D::Model>,
    /// Another one, of the same owner's in some steps.
    other: Session<D::Model>,
    steps: usize,
}

/// How many steps there are before they begin anew.
pub(crate) const CYCLE: usize = BEFORE_ATTRIBUTES + attributes::STEPS + 1;

/// The steps that are several statements, within a cycle: between those a kill would hurt most.
pub(crate) fn several() -> Vec<usize> {
    let of_attributes = attributes::SEVERAL.iter().map(|step| BEFORE_ATTRIBUTES + step);
    [11, 13, 17, 18, 25, 29, CYCLE - 1].into_iter().chain(of_attributes).collect()
}

/// The steps about sessions; what follows are those about attributes, and the one that ends all.
const BEFORE_ATTRIBUTES: usize = 30;

/// A session that is signed in, stays live for the whole run, and is forgotten.
fn signed_in<D: Durable>(
    sessions: &SessionRepository<D::Model>,
    conn: &mut D::Conn,
    owner: i64,
) -> Result<Session<D::Model>, Failure> {
    let mut session = sessions.new_session();
    sessions.sign_in(conn, &mut session, SignIn::new(owner))?;
    Ok(session)
}

impl<D: Durable> Script<D> {
    /// Before its first step; the tables are empty.
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new(noon());
        let builder = SessionRepository::builder().clock(clock.clone()).token_source(KnownTokens::counting());
        let sessions = builder.touch_every(seconds(1)).keyring(attributes::older()).build().unwrap();
        let resealing = SessionRepository::builder().clock(clock.clone()).keyring(attributes::newer()).build().unwrap();
        let (main, other) = (sessions.new_session(), sessions.new_session());
        Script { sessions, resealing, clock, main, other, steps: 0 }
    }

    /// A repository whose clock stands where the script's stands now.
    pub(crate) fn sessions_now(&self) -> SessionRepository<D::Model> {
        SessionRepository::builder().clock(ManualClock::new(self.clock.now())).keyring(attributes::newer()).build().unwrap()
    }

    /// Takes the next step.
    pub(crate) fn step(&mut self, conn: &mut D::Conn) -> Result<(), Failure> {
        let number = self.steps;
        self.steps += 1;
        self.clock.advance(seconds(2));
        let (sessions, main, other) = (&self.sessions, &mut self.main, &mut self.other);
        match number % CYCLE {
            0 => {
                *main = sessions.new_session();
                main.insert("cart", ["spam"])?;
                sessions.save(conn, main)?;
            }
            1 => {
                main.insert("cart", ["spam", "eggs"])?;
                sessions.save(conn, main)?;
            }
            2 => {
                main.insert("pending", number)?;
                sessions.sign_in(conn, main, SignIn::new(7))?;
            }
            3 => *other = signed_in::<D>(sessions, conn, 7)?,
            4 => drop(signed_in::<D>(sessions, conn, 7)?),
            5 => {
                *main.remote_addr_mut() = Some(format!("192.0.2.{number}"));
                sessions.save(conn, main)?;
            }
            6 => sessions.rotate(conn, main)?,
            7 => assert!(sessions.touch(conn, main)?),
            8 => drop(sessions.extend(conn, main)?),
            9 => {
                main.set_idle_timeout(Some(seconds(7_200)));
                sessions.save(conn, main)?;
            }
            10 => {
                *other.user_id_mut() = None;
                sessions.save(conn, other)?;
            }
            11 => order::<D>(sessions, conn, main, number)?,
            12 => sessions.create(conn, empty(other, sessions))?,
            13 => assert_eq!(sessions.revoke_others(conn, main)?, 1),
            14 => *other = signed_in::<D>(sessions, conn, 7)?,
            15 => drop(signed_in::<D>(sessions, conn, 7)?),
            16 => {
                let row = other.row_id().expect("it was signed in");
                assert!(sessions.of(&7).revoke(conn, row)?);
            }
            17 => {
                main.insert("of seven", true)?;
                *main.user_id_mut() = Some(8);
                sessions.save(conn, main)?;
            }
            18 => sessions.sign_in(conn, main, SignIn::new(7))?,
            19 => {
                let row = main.row_id().expect("it was signed in");
                assert_eq!(sessions.of(&7).revoke_except(conn, row)?, 1);
            }
            20 => sessions.authenticate(conn, main)?,
            21 => sessions.sign_in(conn, main, SignIn::new(7).remember(seconds(86_400)))?,
            22 => {
                *other = signed_in::<D>(sessions, conn, 9)?;
            }
            23 => {
                other.set_deadline(Some(noon()));
                sessions.save(conn, other)?;
            }
            24 => assert_eq!(sessions.purge_batch(conn, 10)?.sessions, 1),
            25 => {
                conn.transaction(|conn| {
                    *other = signed_in::<D>(sessions, conn, 9)?;
                    other.insert("order", number)?;
                    sessions.save(conn, other)?;
                    sessions.rotate(conn, main)?;
                    sessions.revoke_others(conn, other).map_err(Failure::from)
                })?;
            }
            26 => sessions.end(conn, other)?,
            27 => drop(signed_in::<D>(sessions, conn, 7)?),
            28 => assert_eq!(sessions.of(&7).revoke_all(conn)?, 2),
            29 => {
                conn.transaction(|conn| {
                    *main = signed_in::<D>(sessions, conn, 7)?;
                    *other = signed_in::<D>(sessions, conn, 8)?;
                    order::<D>(sessions, conn, main, number)?;
                    order::<D>(sessions, conn, other, number + 1_000)
                })?;
            }
            step if step < BEFORE_ATTRIBUTES + attributes::STEPS => {
                attributes::step::<D>(step - BEFORE_ATTRIBUTES, sessions, &self.resealing, conn, [main, other])?;
            }
            _ => {
                conn.transaction(|conn| {
                    conn.batch_execute("DELETE FROM orders")?;
                    Ok::<_, Failure>(sessions.revoke_everyone(conn)?)
                })?;
            }
        }
        Ok(())
    }
}

fn empty<'a, D: diesel_sessions::SessionModel>(
    session: &'a mut Session<D>,
    sessions: &SessionRepository<D>,
) -> &'a mut Session<D> {
    *session = sessions.new_session();
    session
}

/// A row of the application's own and a key of the session, in one transaction.
fn order<D: Durable>(
    sessions: &SessionRepository<D::Model>,
    conn: &mut D::Conn,
    session: &mut Session<D::Model>,
    number: usize,
) -> Result<(), Failure> {
    conn.transaction(|conn| {
        let row = session.row_id().expect("it is stored");
        session.insert("order", number)?;
        sessions.save(conn, session)?;
        Ok(conn.batch_execute(&format!("INSERT INTO orders (id, session_id) VALUES ({number}, {row})"))?)
    })
}

/// What made a step fail.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library.
    Session(Error),
    /// A statement of the application's own, or its commit.
    Database(diesel::result::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Session(error)
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Failure::Database(error)
    }
}
