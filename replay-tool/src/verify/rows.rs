//! Read models against the log.

use std::collections::HashMap;

use cqrs_es::Aggregate;
use mobid_domain::recorded::Recorded;
use mobid_projections::stream::fold::{Folded, fold};
use mobid_projections::stream::reader;
use serde_json::Value;
use sqlx::PgConnection;

use super::Look;
use super::aggregates::{Whole, going_on};
use super::finding::Finding;

/// A row's columns, but for its id, always in the same order; times as microseconds, which is what the database keeps
/// of them.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    pub plain: Vec<(&'static str, Value)>,
    /// JSON text.
    pub state: String,
}

impl Columns {
    /// The names of those that are not the same.
    fn differing(&self, expected: Option<&Self>) -> Vec<&'static str> {
        let plain = self.plain.iter().enumerate().filter(|(place, column)| {
            expected.is_none_or(|expected| expected.plain.get(*place) != Some(column))
        });
        let mut names: Vec<_> = plain.map(|(_, (name, _))| *name).collect();
        if expected.is_none_or(|expected| !same_json(&self.state, &expected.state)) {
            names.push("state");
        }
        names
    }
}

/// Whether two texts say the same, which they do at once if a projection of this version wrote the one.
fn same_json(text: &str, expected: &str) -> bool {
    let value = |text| serde_json::from_str::<Value>(text).ok();
    text == expected || value(text).is_some_and(|read| Some(read) == value(expected))
}

/// A row as it was read in one moment.
#[derive(Debug)]
pub struct Row {
    pub id: String,
    pub position: i64,
    pub columns: Columns,
}

/// A row in a page over the whole table.
pub struct Listed {
    pub id: String,
    pub position: i64,
    /// Whether the log has an event of it, as of the same moment.
    pub has_events: bool,
}

/// A table with a row for each aggregate of a type.
pub trait ReadModel: Aggregate + PartialEq {
    const PROJECTION: &'static str;

    /// What the row of a state is to be; none before its creation.
    fn columns(folded: &Folded<Self>) -> serde_json::Result<Option<Columns>>;

    async fn rows(conn: &mut PgConnection, ids: &[String]) -> anyhow::Result<Vec<Row>>;

    async fn page(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<Listed>, sqlx::Error>;
}

/// The projection's name.
pub fn name<M: ReadModel>() -> &'static str {
    M::PROJECTION
}

/// Compares the rows of some aggregates; `checkpoint` was read before their events were. Whether there is a row of each.
pub async fn compare<M: ReadModel>(
    look: &mut Look,
    checkpoint: i64,
    batch: &[Whole<M>],
) -> anyhow::Result<bool> {
    let ids: Vec<_> = batch.iter().map(|whole| whole.id.clone()).collect();
    let rows = M::rows(&mut look.conn, &ids).await?;
    let rows: HashMap<_, _> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut others = Vec::new();
    for whole in batch {
        let row = rows.get(whole.id.as_str());
        let same = match row {
            Some(row) => M::columns(&whole.folded)?
                .is_some_and(|expected| row.columns.differing(Some(&expected)).is_empty()),
            None => false,
        };
        if !same {
            others.push(whole);
        }
    }
    // What goes on is looked at again, with all that its row may know.
    let going_on = going_on(look, &others).await?;
    let mut all_there = true;
    for whole in others.into_iter().filter(|whole| !going_on.contains(&whole.id)) {
        let (projection, id) = (M::PROJECTION, whole.id.as_str());
        match rows.get(id) {
            None => {
                all_there = false;
                if whole.first_position <= checkpoint {
                    let first_position = whole.first_position;
                    look.report.add(&Finding::RowMissing { projection, id, first_position, checkpoint })?;
                }
            }
            Some(row) => at_its_own_position::<M>(look, checkpoint, row).await?,
        }
    }
    Ok(all_there)
}

/// A row that is not as of the head: older because its projection is still coming, newer because it went on, or wrong.
async fn at_its_own_position<M: ReadModel>(
    look: &mut Look,
    checkpoint: i64,
    row: &Row,
) -> anyhow::Result<()> {
    let (projection, id, row_position) = (M::PROJECTION, row.id.as_str(), row.position);
    // Read after the row was: whatever it knows is in here.
    let events = reader::of_aggregate(&mut look.conn, M::TYPE, id, 0).await?;
    let missed = |event: &&Recorded| event.position > row_position && event.position <= checkpoint;
    if let Some(missed) = events.iter().find(missed) {
        let missed_position = missed.position;
        look.report.add(&Finding::RowStale { projection, id, row_position, missed_position, checkpoint })?;
    }
    let known: Vec<_> = events.into_iter().take_while(|event| event.position <= row_position).collect();
    let expected = match fold::<M>(&known)? {
        Some(folded) => M::columns(&folded)?,
        None => None,
    };
    let columns = row.columns.differing(expected.as_ref());
    if !columns.is_empty() {
        look.report.add(&Finding::RowDiffers { projection, id, row_position, columns })?;
    }
    Ok(())
}

/// Looks for rows of what never was.
pub async fn without_events<M: ReadModel>(look: &mut Look) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let page = M::page(&mut look.conn, &after, look.batch).await?;
        for row in page.iter().filter(|row| !row.has_events) {
            let (id, row_position) = (row.id.as_str(), row.position);
            look.report.add(&Finding::RowWithoutEvents { projection: M::PROJECTION, id, row_position })?;
        }
        match page.into_iter().last() {
            Some(last) => after = last.id,
            None => return Ok(()),
        }
    }
}

/// How many rows of consents there are.
pub async fn count(look: &mut Look) -> anyhow::Result<u64> {
    let rows =
        sqlx::query_scalar!(r#"select count(*) as "rows!" from consents"#).fetch_one(&mut look.conn).await?;
    Ok(u64::try_from(rows)?)
}
