//! Imports: rows are read page by page, however many there are.

use serde_json::{Value, json};

use super::GROWTH;
use super::former::FormerStore;
use super::support::{Db, suite};
use super::watched::watched;

suite! { an_import_takes_the_same_memory_for_twenty_times_the_rows }

const FEW: usize = 1_000;
const MANY: usize = 20_000;

// P12
fn an_import_takes_the_same_memory_for_twenty_times_the_rows<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    let mut peaks = Vec::new();
    for rows in [FEW, MANY] {
        store.add_many(rows);
        let args = ["--format", "json", "import", "tower-sessions-sqlx", "--from", store.table(), "--write", "--move"];
        let (peak, answer) = watched(&db.url(), &args);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((&answer["imported"], &answer["complete"]), (&json!(rows), &json!(true)));
        eprintln!("{}: {rows} rows; {peak} KiB of import", D::NAME);
        peaks.push(peak);
    }
    assert_eq!((store.rows(), D::number(&mut db.connect(), "SELECT COUNT(*) FROM sessions")), (0, (FEW + MANY) as i64));
    assert!(peaks[1] < peaks[0] + GROWTH, "{} KiB with {FEW}, {} KiB with {MANY}", peaks[0], peaks[1]);
}
