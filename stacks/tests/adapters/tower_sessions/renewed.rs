//! What goes along to a new id: what this request has changed, and what others have saved.

use serde_json::json;

use super::interleaved::{loaded, opened};
use super::stall::{content, store, stored};
use crate::place::{Place, Pooled, block_on};
use crate::support::suite;

suite! {
    what_others_save_before_a_new_id_goes_along,
    what_was_taken_back_before_a_new_id_stays_so,
}

// S47
fn what_others_save_before_a_new_id_goes_along<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        for signs_in in [false, true] {
            let id = stored(&store, [("a", json!(1)), ("gone", json!(1))]).await;
            let (one, other) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await);
            one.insert("a", "one's").await.unwrap();
            other.insert("a", "the other's").await.unwrap();
            other.insert("remote_addr", "192.0.2.1").await.unwrap();
            other.insert("cart", json!(["spam"])).await.unwrap();
            other.remove::<u32>("gone").await.unwrap();
            other.save().await.unwrap();
            one.cycle_id().await.unwrap();
            if signs_in {
                one.insert("user_id", 7).await.unwrap();
            }
            one.save().await.unwrap();
            let mut now = content(&loaded::<D>(&store, one.id().unwrap()).await);
            assert_eq!(now.as_object_mut().unwrap().remove("user_id"), signs_in.then(|| json!(7)));
            assert_eq!(now, json!({"a": "one's", "remote_addr": "192.0.2.1", "cart": ["spam"]}));
        }
    });
    assert_eq!(place.rows(), 2);
}

// S39 S47
fn what_was_taken_back_before_a_new_id_stays_so<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1))]).await;
        let session = opened::<D>(&store, id).await;
        session.insert("a", 2).await.unwrap();
        session.insert("b", 2).await.unwrap();
        session.save().await.unwrap();
        session.insert("a", 1).await.unwrap();
        session.remove::<u32>("b").await.unwrap();
        session.cycle_id().await.unwrap();
        session.save().await.unwrap();
        assert_eq!(content(&loaded::<D>(&store, session.id().unwrap()).await), json!({"a": 1}));
    });
}
