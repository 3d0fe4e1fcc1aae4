//! Any sequence of calls on the mapping interface gives what a plain map gives.

use super::*;

#[cfg(feature = "sqlite")]
#[test]
fn a_session_behaves_like_a_map() {
    crate::support::run::<crate::support::Sqlite>(a_session_behaves_like_a_map_on);
}

// SECURITY 29
#[cfg(feature = "sqlite")]
#[test]
fn a_value_is_refused_exactly_when_the_text_would_be_too_long() {
    let sessions = SessionRepository::<diesel_sessions::plain::sqlite::PlainSession>::builder().build().unwrap();
    let filling = prop_oneof![Just("x"), Just("ä"), Just("\""), Just("\u{1}"), Just("🦜")];
    let value = (filling, 0..12_000_usize).prop_map(|(filling, times)| filling.repeat(times));
    let call =
        (proptest::sample::select(vec!["a", "b", "ä", "\"", "user agent"]), prop::option::weighted(0.8, value), any::<bool>());
    check(100, &proptest::collection::vec(call, 1..20), |calls| {
        let mut session = sessions.new_session();
        let mut model = BTreeMap::<&str, String>::new();
        for (key, value, in_place) in calls {
            let mut next = model.clone();
            let Some(value) = value else {
                prop_assert_eq!(session.remove(key).unwrap().is_some(), model.remove(key).is_some());
                continue;
            };
            next.insert(key, value.clone());
            let fits = serde_json::to_string(&next).unwrap().len() <= 64 * 1024;
            match session.value_mut(key).filter(|_| in_place && fits) {
                Some(there) => *there = value.into(),
                None => {
                    let kind = session.insert(key, value).err().map(|error| error.kind());
                    prop_assert_eq!(kind, (!fits).then_some(ErrorKind::Limit));
                }
            }
            model = if fits { next } else { model };
            let text = session.to_model().core_field().data_text().to_owned();
            prop_assert!(text == serde_json::to_string(&model).unwrap(), "the data is not the model's");
        }
        session.revert();
        Ok(())
    });
}

#[derive(Debug, Clone)]
enum Call {
    Insert(&'static str, Value),
    InsertAll(Vec<(&'static str, Value)>, bool),
    Remove(&'static str),
    TryRemove(&'static str),
    Pop(&'static str),
    GetOrInsert(&'static str, Value),
    ValueMut(&'static str, Value),
    Clear,
    Revert,
    Save,
    Load,
}

fn call() -> impl Strategy<Value = Call> {
    let key = || entry().prop_map(|(key, _)| key);
    prop_oneof![
        5 => entry().prop_map(|(key, value)| Call::Insert(key, value)),
        1 => (proptest::collection::vec(entry(), 0..4), any::<bool>()).prop_map(|(entries, fails)| Call::InsertAll(entries, fails)),
        2 => key().prop_map(Call::Remove),
        1 => key().prop_map(Call::TryRemove),
        1 => key().prop_map(Call::Pop),
        2 => entry().prop_map(|(key, value)| Call::GetOrInsert(key, value)),
        2 => entry().prop_map(|(key, value)| Call::ValueMut(key, value)),
        1 => Just(Call::Clear),
        1 => Just(Call::Revert),
        2 => Just(Call::Save),
        1 => Just(Call::Load),
    ]
}

// S21 S22 S23 S24 S31 S35 S37 S39 S40 S41
fn a_session_behaves_like_a_map_on<D: Db>(db: &D) {
    let (sessions, _) = repository_with::<D>(|builder| builder);
    let conn = std::cell::RefCell::new(db.connect());
    check(300, &proptest::collection::vec(call(), 1..25), |calls| {
        let conn = &mut *conn.borrow_mut();
        let mut session = sessions.new_session();
        let (mut now, mut stored, mut token) = (Content::default(), Content::default(), None::<String>);
        for call in calls {
            apply(&call, &mut session, &mut now, &stored)?;
            match call {
                Call::Save => {
                    let expected = match (changed(&now, &stored), &token) {
                        (false, _) => Saved::Unchanged,
                        (true, None) => Saved::Created,
                        (true, Some(_)) => Saved::Updated,
                    };
                    prop_assert_eq!(sessions.save(conn, &mut session).unwrap(), expected);
                    if expected == Saved::Created {
                        token = Some(token_of(&session));
                    }
                    // What was equal is not written, and stays in hand as it was set.
                    stored = now.clone();
                }
                Call::Load => {
                    if let Some(token) = &token {
                        session.revert();
                        session = loaded(&sessions, conn, token);
                        now = stored.clone();
                    }
                }
                _ => {}
            }
            now.is_in(&session)?;
            prop_assert_eq!(session.was_changed(), changed(&now, &stored));
        }
        session.revert();
        stored.is_in(&session)?;
        if let Some(token) = token {
            stored.is_in(&loaded(&sessions, conn, &token))?;
        }
        Ok(())
    });
}

fn changed(now: &Content, stored: &Content) -> bool {
    let (now, stored) = (now.pairs(), stored.pairs());
    now.len() != stored.len() || now.iter().zip(&stored).any(|(a, b)| a.0 != b.0 || !same(a.1, b.1))
}

/// Makes one call on both, and compares what they answer.
fn apply<M: SessionModel>(call: &Call, session: &mut Session<M>, model: &mut Content, stored: &Content) -> TestCaseResult {
    let is_column = |key: &str| COLUMNS.contains(&key);
    let equal = |a: &Option<Value>, b: &Option<Value>| match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    match call {
        Call::Insert(key, value) => {
            session.insert(key, value).unwrap();
            model.set(key, Some(value.clone()));
        }
        Call::InsertAll(entries, fails) => {
            let bad = fails.then(|| ("_data", Value::Null));
            let result = session.insert_all(entries.iter().cloned().chain(bad));
            prop_assert_eq!(result.is_err(), *fails);
            if !fails {
                for (key, value) in entries {
                    model.set(key, Some(value.clone()));
                }
            }
        }
        Call::Remove(key) => {
            let (ours, theirs) = (session.remove(key).unwrap(), model.set(key, None));
            prop_assert!(equal(&ours, &theirs), "{:?} {:?}", ours, theirs);
        }
        Call::TryRemove(key) => match (session.try_remove(key), model.set(key, None)) {
            (Ok(ours), Some(theirs)) => prop_assert!(same(&ours, &theirs)),
            (Ok(ours), None) => prop_assert!(is_column(key) && ours.is_null()),
            (Err(error), theirs) => {
                prop_assert_eq!(error.kind(), ErrorKind::NotFound);
                prop_assert!(theirs.is_none() && !is_column(key));
            }
        },
        Call::Pop(key) => {
            let (ours, theirs) = (session.pop::<Value>(key).unwrap(), model.set(key, None).filter(|value| !value.is_null()));
            prop_assert!(equal(&ours, &theirs), "{:?} {:?}", ours, theirs);
        }
        Call::GetOrInsert(key, value) => {
            let theirs = match model.get(key).filter(|value| !value.is_null()) {
                Some(there) => there.clone(),
                None => {
                    model.set(key, Some(value.clone()));
                    value.clone()
                }
            };
            let ours = session.get_or_insert_with(key, || value.clone()).unwrap();
            prop_assert!(same(&ours, &theirs), "{} {}", ours, theirs);
        }
        Call::ValueMut(key, value) => {
            let there = session.value_mut(key);
            prop_assert_eq!(there.is_some(), !is_column(key) && model.get(key).is_some());
            if let Some(there) = there {
                *there = value.clone();
                model.set(key, Some(value.clone()));
            }
        }
        Call::Clear => {
            session.clear();
            *model = Content::default();
        }
        Call::Revert => {
            session.revert();
            *model = stored.clone();
        }
        Call::Save | Call::Load => {}
    }
    Ok(())
}
