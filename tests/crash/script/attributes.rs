//! The steps about attributes: every verb of theirs, most of them in several statements.

use diesel::connection::Connection;
use diesel_sessions::{Attribute, Expiry, Keyring, Session, SessionRepository, WriteOptions};

use super::Failure;
use crate::durable::Durable;
use crate::support::seconds;

/// How many steps there are.
pub(super) const STEPS: usize = 15;

/// The steps that are several statements on some engine.
pub(super) const SEVERAL: &[usize] = &[1, 2, 4, 5, 7, 8, 10, 11, 12, 13, 14];

/// The key that the script writes with.
pub(super) fn older() -> Keyring {
    Keyring::new("older", [1; 32]).unwrap()
}

/// The same, behind a newer one.
pub(super) fn newer() -> Keyring {
    Keyring::new("newer", [2; 32]).unwrap().and("older", [1; 32]).unwrap()
}

/// More than go into one statement without arrays.
const MANY: usize = 150;

fn many(count: usize, value: usize) -> impl Iterator<Item = Attribute> {
    names(count).map(move |name| Attribute::new(name, value).unwrap())
}

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("many_{number:03}"))
}

/// Takes one of the steps; the two sessions are live.
pub(super) fn step<D: Durable>(
    step: usize,
    sessions: &SessionRepository<D::Model>,
    resealing: &SessionRepository<D::Model>,
    conn: &mut D::Conn,
    [main, other]: [&Session<D::Model>; 2],
) -> Result<(), Failure> {
    let (attributes, of_other) = (sessions.attributes(main), sessions.attributes(other));
    let options = WriteOptions::new();
    match step {
        0 => attributes.set(conn, "theme", "dark")?,
        1 => attributes.set_many(conn, many(MANY, step), options.expires_in(seconds(3_600)))?,
        2 => {
            let secrets = ["one", "two", "three"].map(|name| Attribute::new(name, name).unwrap());
            attributes.create_many(conn, secrets, options.encrypted())?;
        }
        3 => attributes.update(conn, "theme", "light")?,
        4 => attributes.update_many(conn, many(MANY - 20, step), options)?,
        5 => {
            let mixed = many(MANY, step).enumerate().map(|(number, one)| if number % 2 == 0 { one.never() } else { one });
            attributes.set_many(conn, mixed, options)?;
        }
        6 => attributes.set_expiry(conn, "theme", Expiry::In(seconds(60)))?,
        7 => assert_eq!(attributes.take(conn, "theme")?, Some("light".to_owned())),
        8 => assert_eq!(attributes.delete_many(conn, names(MANY - 20))?, MANY - 20),
        9 => attributes.create_with(conn, "theme", "dim", options.encrypted())?,
        // One, for each stands for itself.
        10 => assert_eq!(resealing.reseal(conn, 1)?.resealed, 1),
        11 => attributes.set_expiry_many(conn, names(MANY).skip(MANY - 20), Expiry::In(seconds(1)))?,
        12 => assert_eq!(sessions.purge_batch(conn, 100)?.attributes, 20),
        13 => {
            conn.transaction(|conn| {
                attributes.set(conn, "order", step)?;
                of_other.set_many(conn, many(MANY, step), options)?;
                attributes.delete(conn, "one")?;
                of_other.update(conn, "many_000", "changed").map_err(Failure::from)
            })?;
        }
        _ => {
            conn.transaction(|conn| {
                of_other.take_value(conn, "many_000")?;
                let all = of_other.names(conn)?;
                of_other.delete_many(conn, all)?;
                attributes.update_with(conn, "two", 2, options.in_clear()).map_err(Failure::from)
            })?;
        }
    }
    Ok(())
}
