//! Whether tables hold what the log says, without asking for one row after the other.
//!
//! Every row has a digest under a key that nobody knows and that is new each time. What the log says is summed up as the
//! pass over it goes, the tables are summed up beside it, and the same sums are the same rows. There are many sums, each
//! over the rows of some ids: where two differ, those ids alone are looked at closely. Which row came when does not
//! matter to a sum, and a row that was expected too early can be added on the other side, so nothing of one is held.

use std::hash::{BuildHasher, RandomState};

use polyval::Polyval;
use polyval::universal_hash::UniversalHash;
use sha2::{Digest, Sha256};

/// Each of 16 bytes. Enough that a few differing rows beside a live server make few ids suspect.
const SUMS: usize = 1 << 16;

/// What a digest is of, beside the row's columns.
#[derive(Debug, Clone, Copy)]
pub enum Table {
    Consents,
    Deadlines,
}

#[derive(Clone)]
pub struct Sums {
    /// Makes a row short: two rows come out alike by chance alone, as long as nobody knows the key.
    short: Polyval,
    /// Makes what came out look random, so that sums of it say nothing else than that the same was added. With the key
    /// taken in already, which is as long as a block.
    keyed: Sha256,
    places: RandomState,
    totals: Vec<u128>,
}

impl Sums {
    /// All zero, under a new key; those of a clone can be compared with it.
    pub fn new() -> Self {
        let key: [[u8; 32]; 2] = [rand::random(), rand::random()];
        let short: [u8; 16] = rand::random();
        Self {
            short: Polyval::new(&short.into()),
            keyed: Sha256::new_with_prefix(key.as_flattened()),
            places: RandomState::new(),
            totals: vec![0; SUMS],
        }
    }

    /// Adds a row, its columns as COPY writes them, the id first.
    pub fn add(&mut self, table: Table, columns: &[u8]) {
        let digest = self.digest(table, columns);
        let sum = self.sum_of(columns);
        *sum = sum.wrapping_add(digest);
    }

    /// The rows of both.
    pub fn with(mut self, other: &Self) -> Self {
        for (sum, other) in self.totals.iter_mut().zip(&other.totals) {
            *sum = sum.wrapping_add(*other);
        }
        self
    }

    /// The ids whose rows are not the same in both.
    pub fn differing(&self, other: &Self) -> Suspects {
        let differ: Vec<_> = self.totals.iter().zip(&other.totals).map(|(one, other)| one != other).collect();
        Suspects { any: differ.contains(&true), differ, places: self.places.clone() }
    }

    fn digest(&self, table: Table, columns: &[u8]) -> u128 {
        // Hashing all of a row takes several times as long.
        let mut short = self.short.clone();
        short.update_padded(columns);
        let mut digest = self.keyed.clone();
        digest.update([table as u8]);
        // What it was padded with is not of the row.
        digest.update(columns.len().to_be_bytes());
        digest.update(short.finalize());
        let digest: [u8; 32] = digest.finalize().into();
        digest.first_chunk().map_or(0, |half| u128::from_be_bytes(*half))
    }

    fn sum_of(&mut self, columns: &[u8]) -> &mut u128 {
        let place = place(&self.places, id(columns));
        &mut self.totals[place]
    }
}

/// Ids that have to be looked at closely.
pub struct Suspects {
    any: bool,
    differ: Vec<bool>,
    places: RandomState,
}

impl Suspects {
    pub fn any(&self) -> bool {
        self.any
    }

    pub fn includes(&self, id: &str) -> bool {
        self.differ[place(&self.places, id.as_bytes())]
    }
}

fn place(places: &RandomState, id: &[u8]) -> usize {
    usize::try_from(places.hash_one(id) % SUMS as u64).unwrap_or_default()
}

/// The first column.
fn id(columns: &[u8]) -> &[u8] {
    let Some((length, rest)) = columns.split_first_chunk() else { return columns };
    usize::try_from(i32::from_be_bytes(*length)).ok().and_then(|length| rest.get(..length)).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, rest: &str) -> Vec<u8> {
        let mut row = i32::try_from(id.len()).unwrap().to_be_bytes().to_vec();
        row.extend(id.as_bytes());
        row.extend(rest.as_bytes());
        row
    }

    #[test]
    fn the_same_rows_in_another_order_are_no_reason_for_suspicion() {
        let mut log = Sums::new();
        let mut table = log.clone();
        for id in ["cs_1", "cs_2", "cs_3"] {
            log.add(Table::Consents, &row(id, "old"));
        }
        let mut no_longer = table.clone();
        no_longer.add(Table::Consents, &row("cs_1", "old"));
        log.add(Table::Consents, &row("cs_1", "new"));
        for (id, rest) in [("cs_3", "old"), ("cs_1", "new"), ("cs_2", "old")] {
            table.add(Table::Consents, &row(id, rest));
        }
        assert!(!log.differing(&table.clone().with(&no_longer)).any());
        assert!(log.differing(&table).includes("cs_1"));
    }

    #[test]
    fn a_row_that_is_missing_too_many_doubled_changed_or_of_another_table_is_suspect() {
        let mut log = Sums::new();
        let empty = log.clone();
        log.add(Table::Consents, &row("cs_1", "x"));
        let tables: [&[(Table, &str)]; 5] = [
            &[],
            &[(Table::Consents, "x"), (Table::Consents, "y")],
            &[(Table::Consents, "x"), (Table::Consents, "x")],
            &[(Table::Consents, "y")],
            &[(Table::Deadlines, "x")],
        ];
        for rows in tables {
            let mut table = empty.clone();
            for (of, rest) in rows {
                table.add(*of, &row("cs_1", rest));
            }
            let suspects = log.differing(&table);
            assert!(suspects.any() && suspects.includes("cs_1"), "{rows:?}");
            assert!((0..100).any(|other| !suspects.includes(&format!("cs_{other}"))), "{rows:?}");
        }
    }
}
