//! The model of an application with users: an owner with a foreign key, defaults of its own, a skipped column.

use chrono::{DateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use diesel_sessions::{DbOwnedSession, ManualClock, SessionRepository};

use super::table::{self, Owner};
use crate::support::{Db, noon};

/// A column's type that knows nothing of serde.
#[derive(Debug, Clone, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct Geo(pub(crate) String);

impl<DB: Backend> ToSql<Text, DB> for Geo
where
    String: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: Backend> FromSql<Text, DB> for Geo
where
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        String::from_sql(value).map(Geo)
    }
}

/// The fields of the application's model, whatever its engine.
pub(crate) trait Fields {
    fn user_agent(&self) -> &str;
    fn visits(&self) -> i32;
    fn visits_mut(&mut self) -> &mut i32;
    fn geo(&self) -> Option<&Geo>;
    fn geo_mut(&mut self) -> &mut Option<Geo>;
}

/// The queries that the application writes itself, in Diesel's DSL.
pub(crate) trait App: Db {
    type Session: DbOwnedSession<Self::Conn, Owner = i32> + Fields + PartialEq + std::fmt::Debug;

    /// All rows of a user, by a filter.
    fn of_user(conn: &mut Self::Conn, user: i32) -> Vec<Self::Session>;
    /// The same by the association.
    fn belonging_to(conn: &mut Self::Conn, user: i32) -> Vec<Self::Session>;
    /// Users' names beside their sessions.
    fn joined(conn: &mut Self::Conn) -> Vec<(String, Self::Session)>;
    /// What is live, by the model's own predicate.
    fn live(conn: &mut Self::Conn, now: DateTime<Utc>) -> Vec<Self::Session>;

    /// The tables, two users, and a repository.
    fn set_up(conn: &mut Self::Conn) -> (SessionRepository<Self::Session>, ManualClock) {
        Self::execute(conn, "CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20) NOT NULL)");
        Self::execute(conn, "INSERT INTO users (id, name) VALUES (7, 'Ada'), (8, 'Bob')");
        let columns = "user_id INTEGER, remote_addr TEXT, user_agent TEXT NOT NULL, visits INTEGER NOT NULL, geo TEXT";
        table::create::<Self>(conn, "app_sessions", columns, Owner::Referenced, &[]);
        let clock = ManualClock::new(noon());
        (SessionRepository::builder().clock(clock.clone()).build().unwrap(), clock)
    }
}

macro_rules! app {
    ($feature:literal $engine:ident $db:ident $id:ty, $($backend:tt)*) => {
        #[cfg(feature = $feature)]
        pub(crate) mod $engine {
            use chrono::{DateTime, Utc};
            use diesel::prelude::*;
            use diesel_sessions::{DbSession, SessionCore};

            use super::{App, Fields, Geo};
            use crate::support::{Db, $db};

            pub(crate) mod schema {
                diesel::table! { users (id) { id -> Integer, name -> Text, } }
                crate::mixin::table::session_table! { $engine app_sessions {
                    user_id -> Nullable<Integer>,
                    remote_addr -> Nullable<Text>,
                    user_agent -> Text,
                    visits -> Integer,
                    geo -> Nullable<Text>,
                } }
                diesel::joinable!(app_sessions -> users (user_id));
                diesel::allow_tables_to_appear_in_same_query!(app_sessions, users);
            }
            use schema::users;

            #[derive(Debug, Clone, Queryable, Selectable, Identifiable)]
            #[diesel(table_name = users, check_for_backend($($backend)*))]
            pub(crate) struct User {
                pub(crate) id: i32,
                pub(crate) name: String,
            }

            #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable, Associations, DbSession)]
            #[diesel(table_name = crate::mixin::app::$engine::schema::app_sessions)]
            #[diesel(belongs_to(User), check_for_backend($($backend)*))]
            #[session(attributes = diesel_sessions::plain::$engine::schema::session_attributes)]
            pub(crate) struct AppSession {
                pub(crate) id: $id,
                #[diesel(embed)]
                pub(crate) core: SessionCore<AppSession>,
                #[session(owner)]
                pub(crate) user_id: Option<i32>,
                pub(crate) remote_addr: Option<String>,
                #[session(default = "unknown")]
                pub(crate) user_agent: String,
                #[session(default = 1)]
                pub(crate) visits: i32,
                #[session(skip)]
                pub(crate) geo: Option<Geo>,
            }

            impl Fields for AppSession {
                fn user_agent(&self) -> &str {
                    &self.user_agent
                }
                fn visits(&self) -> i32 {
                    self.visits
                }
                fn visits_mut(&mut self) -> &mut i32 {
                    &mut self.visits
                }
                fn geo(&self) -> Option<&Geo> {
                    self.geo.as_ref()
                }
                fn geo_mut(&mut self) -> &mut Option<Geo> {
                    &mut self.geo
                }
            }

            impl App for $db {
                type Session = AppSession;

                fn of_user(conn: &mut <Self as Db>::Conn, user: i32) -> Vec<AppSession> {
                    use schema::app_sessions::dsl::{app_sessions, id, user_id};
                    app_sessions.filter(user_id.eq(user)).order(id).select(AppSession::as_select()).load(conn).unwrap()
                }
                fn belonging_to(conn: &mut <Self as Db>::Conn, user: i32) -> Vec<AppSession> {
                    let user = users::table.find(user).select(User::as_select()).first(conn).unwrap();
                    let sessions = AppSession::belonging_to(&user).order(schema::app_sessions::id);
                    sessions.select(AppSession::as_select()).load(conn).unwrap()
                }
                fn joined(conn: &mut <Self as Db>::Conn) -> Vec<(String, AppSession)> {
                    let query = schema::app_sessions::table.inner_join(users::table).order(schema::app_sessions::id);
                    let rows: Vec<(User, AppSession)> = query.select((User::as_select(), AppSession::as_select())).load(conn).unwrap();
                    rows.into_iter().map(|(user, session)| (format!("{} {}", user.id, user.name), session)).collect()
                }
                fn live(conn: &mut <Self as Db>::Conn, now: DateTime<Utc>) -> Vec<AppSession> {
                    let rows = schema::app_sessions::table.filter(AppSession::live(now)).order(schema::app_sessions::id);
                    rows.select(AppSession::as_select()).load(conn).unwrap()
                }
            }
        }
    };
}

app!("sqlite" sqlite Sqlite i32, diesel::sqlite::Sqlite);
app!("postgres" postgres Postgres i64, diesel::pg::Pg);
app!("mysql" mysql Mysql i64, diesel::mysql::Mysql);
