//! Two handles with any changes, saved one after the other, give what a merge of plain maps gives.

use super::*;

suite! {
    the_last_save_wins_key_by_key,
    a_conflict_is_a_key_that_both_have_changed,
}

/// Changes of one handle: a value set, or a key removed.
type Changes = Vec<(&'static str, Option<Value>)>;

fn changes() -> impl Strategy<Value = Changes> {
    let change = (entry(), prop::bool::weighted(0.75)).prop_map(|((key, value), set)| (key, set.then_some(value)));
    proptest::collection::vec(change, 0..5)
}

fn apply<M: SessionModel>(session: &mut Session<M>, changes: &Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => session.insert(key, value).unwrap(),
            None => drop(session.remove(key).unwrap()),
        }
    }
}

fn after(base: &Content, changes: &Changes) -> Content {
    let mut content = base.clone();
    for (key, value) in changes {
        content.set(key, value.clone());
    }
    content
}

fn equal(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// The keys that differ between two contents.
fn differing(a: &Content, b: &Content) -> Vec<String> {
    let keys = a.pairs().into_iter().chain(b.pairs()).map(|(key, _)| key.to_owned());
    let mut keys: Vec<String> = keys.filter(|key| !equal(a.get(key), b.get(key))).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// What the second save must leave: the first one's content, and over it what the second handle changed.
fn merged(base: &Content, first: &Content, second: &Content) -> Content {
    let mut content = first.clone();
    for key in differing(base, second) {
        content.set(&key, second.get(&key).cloned());
    }
    content
}

/// A stored session of some content, and its token.
fn begin<D: Db>(sessions: &SessionRepository<D::Model>, conn: &mut D::Conn, base: &Changes) -> (Content, String) {
    let mut session = sessions.new_session();
    apply(&mut session, base);
    sessions.create(conn, &mut session).unwrap();
    (after(&Content::default(), base), token_of(&session))
}

// S47 S48
fn the_last_save_wins_key_by_key<D: Db>(db: &D) {
    let (sessions, _) = repository_with::<D>(|builder| builder);
    let conn = std::cell::RefCell::new(db.connect());
    check(80, &(changes(), changes(), changes(), any::<bool>()), |(base, ours, theirs, swapped)| {
        let conn = &mut *conn.borrow_mut();
        let (content, token) = begin::<D>(&sessions, conn, &base);
        let mut first = loaded(&sessions, conn, &token);
        let mut second = loaded(&sessions, conn, &token);
        let (a, b) = if swapped { (&theirs, &ours) } else { (&ours, &theirs) };
        apply(&mut second, b);
        apply(&mut first, a);
        sessions.save(conn, &mut first).unwrap();
        let saved = sessions.save(conn, &mut second).unwrap();
        prop_assert_eq!(
            saved == Saved::Unchanged,
            differing(&content, &after(&content, b)).is_empty() || {
                // Both set the same: after the merge nothing is left to write.
                let merged = merged(&content, &after(&content, a), &after(&content, b));
                differing(&merged, &after(&content, a)).is_empty()
            }
        );
        let expected = merged(&content, &after(&content, a), &after(&content, b));
        expected.is_in(&loaded(&sessions, conn, &token))?;
        if saved == Saved::Updated {
            expected.is_in(&second)?;
        }
        prop_assert!(!second.was_changed());
        Ok(())
    });
}

// S48
fn a_conflict_is_a_key_that_both_have_changed<D: Db>(db: &D) {
    let (sessions, _) = repository_with::<D>(|builder| builder.on_conflict(OnConflict::Refuse));
    let conn = std::cell::RefCell::new(db.connect());
    check(80, &(changes(), changes(), changes()), |(base, ours, theirs)| {
        let conn = &mut *conn.borrow_mut();
        let (content, token) = begin::<D>(&sessions, conn, &base);
        let mut first = loaded(&sessions, conn, &token);
        let mut second = loaded(&sessions, conn, &token);
        apply(&mut first, &ours);
        apply(&mut second, &theirs);
        sessions.save(conn, &mut first).unwrap();
        let (a, b) = (after(&content, &ours), after(&content, &theirs));
        let changed = differing(&content, &a);
        let clash = differing(&content, &b).iter().any(|key| changed.contains(key));
        match sessions.save(conn, &mut second) {
            Ok(_) => {
                prop_assert!(!clash, "both changed a key: {:?} and {:?} over {:?}", ours, theirs, content);
                merged(&content, &a, &b).is_in(&loaded(&sessions, conn, &token))?;
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::Conflict);
                prop_assert!(clash, "no key clashes: {:?} and {:?} over {:?}", ours, theirs, content);
                a.is_in(&loaded(&sessions, conn, &token))?;
                b.is_in(&second)?;
                second.revert();
                content.is_in(&second)?;
            }
        }
        Ok(())
    });
}
