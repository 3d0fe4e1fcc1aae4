//! The examples of Zato's documents, with the exact rows that they leave.

use diesel_sessions::{Attribute, ErrorKind, Keyring, Session, SessionAttributes, WriteOptions};

use crate::support::{Db, repository_with, seconds, shown, suite};

suite! {
    set_my_attribute,
    set_many_of_three,
    create_then_update,
    create_many_then_update_many,
}

fn with_session<D: Db>(test: impl FnOnce(&mut D::Conn, &SessionAttributes<D::Model>, &diesel_sessions::ManualClock), db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.keyring(Keyring::new("2026-11", [7; 32]).unwrap()));
    let mut conn = db.connect();
    let mut session: Session<D::Model> = sessions.new_session();
    sessions.create(&mut conn, &mut session).unwrap();
    test(&mut conn, &sessions.attributes(&session), &clock);
}

/// Every attribute row: name, value, whether it is sealed, and its expiry in seconds from noon.
fn rows<D: Db>(conn: &mut D::Conn) -> Vec<String> {
    let mut column = |sql: &str| D::texts(conn, &format!("SELECT {sql} FROM session_attributes ORDER BY name"));
    let (names, values) = (column("name"), column("value"));
    let sealed = column("CASE WHEN sealed IS NULL THEN 'clear' ELSE 'sealed' END");
    let expiries = column("expires_at");
    let mut rows = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        let expiry = expiries[at].as_deref().map(|text| text[11..19].to_owned());
        rows.push(format!("{} {} {} {}", shown(name), shown(values[at].clone()), shown(sealed[at].clone()), shown(expiry)));
    }
    rows
}

fn three() -> [Attribute; 3] {
    [
        Attribute::new("my-attr1", "my-value1").unwrap(),
        Attribute::new("my-attr2", "my-value2").unwrap().encrypted(),
        Attribute::new("my-attr3", "my-value3").unwrap().expires_in(seconds(3_600)),
    ]
}

// S66
fn set_my_attribute<D: Db>(db: &D) {
    with_session(
        |conn, attributes, _| {
            attributes.set(conn, "my-attribute", "my-value").unwrap();
            assert_eq!(rows::<D>(conn), [r#"my-attribute "my-value" clear NULL"#]);
        },
        db,
    );
}

// S66, S71, S77, S87
fn set_many_of_three<D: Db>(db: &D) {
    with_session(
        |conn, attributes, clock| {
            attributes.set_many(conn, three(), WriteOptions::new()).unwrap();
            assert_eq!(
                rows::<D>(conn),
                [r#"my-attr1 "my-value1" clear NULL"#, "my-attr2 NULL sealed NULL", r#"my-attr3 "my-value3" clear 13:00:00"#]
            );
            let second: Option<String> = attributes.get(conn, "my-attr2").unwrap();
            assert_eq!(second.as_deref(), Some("my-value2"));
            clock.advance(seconds(3_599));
            assert_eq!(attributes.names(conn).unwrap(), ["my-attr1", "my-attr2", "my-attr3"]);
            clock.advance(seconds(1));
            assert!(attributes.get_value(conn, "my-attr1").is_err(), "the session itself has ended");
        },
        db,
    );
}

// S65, S68, S69
fn create_then_update<D: Db>(db: &D) {
    with_session(
        |conn, attributes, _| {
            attributes.create(conn, "my-attribute-abc", "my-value1").unwrap();
            attributes.update(conn, "my-attribute-abc", "my-value2").unwrap();
            assert_eq!(rows::<D>(conn), [r#"my-attribute-abc "my-value2" clear NULL"#]);
            let error = attributes.update(conn, "my-attribute-xyz", "my-value2").unwrap_err();
            assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::NotFound, Some("my-attribute-xyz")));
            let error = attributes.create(conn, "my-attribute-abc", "my-value3").unwrap_err();
            assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::AlreadyExists, Some("my-attribute-abc")));
            assert_eq!(rows::<D>(conn), [r#"my-attribute-abc "my-value2" clear NULL"#]);
        },
        db,
    );
}

// S74, S80, S88
fn create_many_then_update_many<D: Db>(db: &D) {
    with_session(
        |conn, attributes, _| {
            attributes.create_many(conn, three(), WriteOptions::new()).unwrap();
            let changed = ["my-attr1", "my-attr2", "my-attr3"]
                .map(|name| Attribute::new(name, format!("my-value{}-abc", &name[7..])).unwrap());
            attributes.update_many(conn, changed.clone(), WriteOptions::new()).unwrap();
            let all = [
                r#"my-attr1 "my-value1-abc" clear NULL"#,
                r#"my-attr2 "my-value2-abc" clear NULL"#,
                r#"my-attr3 "my-value3-abc" clear 13:00:00"#,
            ];
            assert_eq!(rows::<D>(conn), all);
            let and_another = changed.into_iter().chain([Attribute::new("my-attr4", 4).unwrap()]);
            let error = attributes.update_many(conn, and_another, WriteOptions::new().never()).unwrap_err();
            assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::NotFound, Some("my-attr4")));
            assert_eq!(rows::<D>(conn), all);
        },
        db,
    );
}
