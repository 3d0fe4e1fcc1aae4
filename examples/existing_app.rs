//! A shop that has users and orders gets sessions, linked to its users: `cargo run --example existing_app`.
//!
//! SQLite in a temporary file; with DATABASE_URL, in the file that it names. For the other engines, which need DATABASE_URL:
//!
//! ```text
//! cargo run --example existing_app --no-default-features --features postgres,r2d2
//! cargo run --example existing_app --no-default-features --features mysql,r2d2
//! ```
//!
//! It makes the tables `shop_users`, `shop_orders` and `shop_sessions`, and drops them at its end. Where one of them exists
//! already it stops, and touches none that it has not made; drop what a failed run has left.
#![allow(clippy::print_stdout, reason = "it tells what it does")]

use std::env;
use std::error::Error;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sql_types::{Nullable, Text};
use diesel_sessions::{Clock, DbSession, Session, SessionCore, SessionRepository, SignIn, SystemClock, Timeouts};

use self::engine::schema::{shop_orders, shop_sessions, shop_users};
use self::engine::{Conn, Id};

#[cfg(all(feature = "mysql", not(any(feature = "sqlite", feature = "postgres"))))]
#[path = "existing_app/mysql.rs"]
mod engine;
#[cfg(all(feature = "postgres", not(feature = "sqlite")))]
#[path = "existing_app/postgres.rs"]
mod engine;
#[cfg(feature = "sqlite")]
#[path = "existing_app/sqlite.rs"]
mod engine;

/// A user of the shop: a model that was there before.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = shop_users)]
struct User {
    id: Id,
    name: String,
}

/// The shop's session. A real application has one engine, and names it in the line above instead of choosing.
#[derive(Debug, Clone, Queryable, Selectable, Identifiable, Associations, DbSession)]
#[diesel(table_name = shop_sessions, belongs_to(User))]
#[cfg_attr(feature = "sqlite", diesel(check_for_backend(diesel::sqlite::Sqlite)))]
#[cfg_attr(all(feature = "postgres", not(feature = "sqlite")), diesel(check_for_backend(diesel::pg::Pg)))]
#[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), diesel(check_for_backend(diesel::mysql::Mysql)))]
struct AppSession {
    id: Id,
    #[diesel(embed)]
    core: SessionCore<AppSession>,
    #[session(owner)]
    user_id: Option<Id>,
    #[session(default = "unknown device")]
    device: String,
}

type Sessions = SessionRepository<AppSession>;

/// A row of [`engine::THEMES`].
#[derive(Debug, PartialEq, QueryableByName)]
struct Theme {
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    theme: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let pool = pool(&dir)?;
    let conn = &mut pool.get()?;
    conn.batch_execute(engine::UP)?;
    println!("The shop's tables are made.");

    let sessions = Sessions::builder().timeouts(Timeouts::AAL2).build()?;
    sessions.check(conn)?;
    let (anna, berta) = (sign_up(conn, "Anna")?, sign_up(conn, "Berta")?);
    let laptop = sign_in(conn, &sessions, &anna, "laptop", "light")?;
    sign_in(conn, &sessions, &anna, "phone", "dark")?;
    sign_in(conn, &sessions, &berta, "tablet", "dark")?;
    println!("Anna signs in twice, Berta once.");

    sessions_of_a_user(conn, &anna)?;
    an_order_and_a_session_together(conn, &sessions, &anna, &laptop)?;
    joins(conn, &sessions, &laptop)?;
    plain_sql(conn)?;
    a_user_is_deleted(conn, &sessions, &anna, &laptop)?;

    conn.batch_execute("DROP TABLE shop_orders; DROP TABLE shop_sessions; DROP TABLE shop_users")?;
    println!("The shop's tables are dropped.");
    Ok(())
}

/// The application's pool, with the settings that sessions need on its connections.
fn pool(dir: &tempfile::TempDir) -> Result<Pool<ConnectionManager<Conn>>, Box<dyn Error>> {
    let url = match env::var("DATABASE_URL") {
        Ok(url) => url,
        Err(_) if cfg!(feature = "sqlite") => dir.path().join("shop.sqlite3").display().to_string(),
        Err(_) => return Err("DATABASE_URL is not set: it names a database to make the shop's tables in".into()),
    };
    let manager = ConnectionManager::<Conn>::new(url);
    Ok(Pool::builder().max_size(2).connection_customizer(engine::customizer()).build(manager)?)
}

fn sign_up(conn: &mut Conn, name: &str) -> QueryResult<User> {
    diesel::insert_into(shop_users::table).values(shop_users::name.eq(name)).execute(conn)?;
    shop_users::table.filter(shop_users::name.eq(name)).select(User::as_select()).first(conn)
}

/// Signs a user in, and gives the value of the cookie.
fn sign_in(conn: &mut Conn, sessions: &Sessions, user: &User, device: &str, theme: &str) -> Result<String, Box<dyn Error>> {
    let mut session = sessions.new_session();
    session.device = device.to_owned(); // a typed column
    session.insert("theme", theme)?; // a key in the data
    sessions.sign_in(conn, &mut session, SignIn::new(user.id))?;
    Ok(session.new_token().ok_or("signing in gives a token")?.reveal().to_owned())
}

fn load(conn: &mut Conn, sessions: &Sessions, cookie: &str) -> Result<Session<AppSession>, Box<dyn Error>> {
    Ok(sessions.load(conn, cookie)?.ok_or("the session is live")?)
}

/// A session belongs to its user, as any other model of Diesel's does.
fn sessions_of_a_user(conn: &mut Conn, user: &User) -> Result<(), Box<dyn Error>> {
    let mine: Vec<AppSession> = AppSession::belonging_to(user)
        .filter(AppSession::live(SystemClock.now()))
        .order(shop_sessions::id)
        .select(AppSession::as_select())
        .load(conn)?;
    let devices: Vec<_> = mine.iter().map(|session| session.device.as_str()).collect();
    assert_eq!(devices, ["laptop", "phone"]);
    println!("belonging_to finds the devices of {}: {}.", user.name, devices.join(", "));
    Ok(())
}

/// What the shop writes and what the session remembers of it commit together, or not at all.
fn an_order_and_a_session_together(
    conn: &mut Conn,
    sessions: &Sessions,
    user: &User,
    cookie: &str,
) -> Result<(), Box<dyn Error>> {
    let order = |conn: &mut Conn, item: &str, is_paid: bool| {
        let mut session = load(conn, sessions, cookie)?;
        conn.transaction(|conn| {
            let order = (shop_orders::user_id.eq(user.id), shop_orders::item.eq(item));
            diesel::insert_into(shop_orders::table).values(order).execute(conn)?;
            session.insert("last_order", item)?;
            sessions.save(conn, &mut session)?;
            if is_paid { Ok(()) } else { Err(Box::<dyn Error>::from("the card is refused")) }
        })
    };
    order(conn, "cheese", true)?;
    let refused = order(conn, "parrot", false).err().ok_or("the second order fails")?;

    // The handle of the refused order is stale now; the next request loads the session again.
    let last_order: Option<String> = load(conn, sessions, cookie)?.get("last_order")?;
    let items: Vec<String> = shop_orders::table.select(shop_orders::item).load(conn)?;
    assert_eq!(last_order.as_deref(), Some("cheese"));
    assert_eq!(items, ["cheese"]);
    println!("The first order is in both tables; of the second ({refused}) neither has anything.");
    Ok(())
}

/// Joins between the shop's tables and its sessions.
fn joins(conn: &mut Conn, sessions: &Sessions, cookie: &str) -> Result<(), Box<dyn Error>> {
    let session = load(conn, sessions, cookie)?;
    let items: Vec<String> = shop_orders::table
        .inner_join(shop_sessions::table.on(shop_sessions::user_id.eq(shop_orders::user_id.nullable())))
        .filter(shop_sessions::id.eq(session.id))
        .select(shop_orders::item)
        .load(conn)?;
    assert_eq!(items, ["cheese"]);
    println!("A join finds what the user of session {} has ordered: {}.", session.id, items.join(", "));

    let online: Vec<String> = shop_users::table
        .inner_join(shop_sessions::table)
        .filter(AppSession::live(SystemClock.now()))
        .select(shop_users::name)
        .distinct()
        .order(shop_users::name)
        .load(conn)?;
    assert_eq!(online, ["Anna", "Berta"]);
    println!("Another finds who has a live session: {}.", online.join(", "));
    Ok(())
}

/// The data is JSON that anyone can query.
fn plain_sql(conn: &mut Conn) -> Result<(), Box<dyn Error>> {
    let themes: Vec<Theme> = diesel::sql_query(engine::THEMES).load(conn)?;
    let expected = [("Anna", "dark"), ("Anna", "light"), ("Berta", "dark")];
    assert_eq!(themes, expected.map(|(name, theme)| Theme { user_name: name.to_owned(), theme: Some(theme.to_owned()) }));
    println!("Plain SQL finds who uses which theme:");
    for Theme { user_name, theme } in themes {
        println!("  {user_name} · {}", theme.unwrap_or_default());
    }
    Ok(())
}

/// The foreign key says ON DELETE CASCADE: a user who is deleted is signed out everywhere.
fn a_user_is_deleted(conn: &mut Conn, sessions: &Sessions, user: &User, cookie: &str) -> Result<(), Box<dyn Error>> {
    diesel::delete(user).execute(conn)?;
    assert_eq!(sessions.of(&user.id).count(conn)?, 0);
    assert!(sessions.load(conn, cookie)?.is_none());
    let devices: Vec<String> = shop_sessions::table.select(shop_sessions::device).load(conn)?;
    assert_eq!(devices, ["tablet"]);
    println!("{} is deleted, and so are her sessions; what is left: {}.", user.name, devices.join(", "));
    Ok(())
}
