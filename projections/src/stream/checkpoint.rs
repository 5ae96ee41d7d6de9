//! How far a follower has come. The locked row and the compare-and-set are what fences a second holder.
//!
//! Each move is a row of its own in `checkpoint_moves`; a follower's row in `followers` is there to be locked, and the
//! view `checkpoints` says where everybody is. 0027 says why, and has the statements.

use sqlx::{Executor, PgConnection, PgExecutor, Row};

/// The position of a follower's checkpoint, as anybody may read it; `None` before its first start.
pub async fn read(db: impl PgExecutor<'_>, name: &str, version: i32) -> Result<Option<i64>, sqlx::Error> {
    let position = sqlx::query_scalar!(
        r#"select position as "position!" from checkpoints where name = $1 and version = $2"#,
        name,
        version
    );
    position.fetch_optional(db).await
}

/// The same, locked until the transaction ends.
pub async fn lock(conn: &mut PgConnection, name: &str, version: i32) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("select lock_checkpoint($1, $2)", name, version).fetch_one(conn).await
}

/// Locks what older versions have, and answers where the newest of them is.
pub async fn lock_older(
    conn: &mut PgConnection,
    name: &str,
    version: i32,
) -> Result<Option<i64>, sqlx::Error> {
    let versions = sqlx::query_scalar!(
        "select version from followers where name = $1 and version < $2 order by version desc for update",
        name,
        version
    )
    .fetch_all(&mut *conn)
    .await?;
    match versions.first() {
        Some(newest) => read(conn, name, *newest).await,
        None => Ok(None),
    }
}

/// Makes the row of a new follower; false if somebody else just did.
pub async fn start(
    conn: &mut PgConnection,
    name: &str,
    version: i32,
    position: i64,
) -> Result<bool, sqlx::Error> {
    let made = sqlx::query!(
        "with made as (
             insert into followers (name, version) values ($1, $2) on conflict do nothing returning name, version
         )
         insert into checkpoint_moves (name, version, position) select name, version, $3 from made",
        name,
        version,
        position
    )
    .execute(conn)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// A follower's step: its checkpoint goes from one position to another.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    pub name: &'static str,
    pub version: i32,
    pub from: i64,
    pub to: i64,
}

/// What became of a checkpoint that was to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    Yes,
    /// It was not where it was thought to be.
    Elsewhere,
    /// A newer version follows the log.
    Outdated,
}

impl Moved {
    /// As `move_checkpoint` answers.
    pub fn of(answer: &str) -> Self {
        match answer {
            "moved" => Self::Yes,
            "outdated" => Self::Outdated,
            _ => Self::Elsewhere,
        }
    }
}

/// How a step begins: in a transaction that `beginning` opens, the checkpoint moves, first of all, since that locks the
/// row: whoever else holds the lease waits there. All in one round trip, of which a follower makes many.
pub async fn begin_and_move(
    conn: &mut PgConnection,
    beginning: &'static str,
    Move { name, version, from, to }: Move,
) -> Result<Moved, sqlx::Error> {
    let step = format!("{beginning}; select move_checkpoint('{name}', {version}, {from}, {to})");
    let became: String = conn.fetch_one(sqlx::raw_sql(&step)).await?.try_get(0)?;
    Ok(Moved::of(&became))
}

/// Moves it from one position to another; false if it was not where it was thought to be.
pub async fn compare_and_set(
    conn: &mut PgConnection,
    name: &str,
    version: i32,
    from: i64,
    to: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select set_checkpoint($1, $2, $3, $4) as "moved!""#, name, version, from, to)
        .fetch_one(conn)
        .await
}

/// The newest version of a follower that ever started here: an older one stands by.
pub async fn newest_version(db: impl PgExecutor<'_>, name: &str) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar!("select max(version) from followers where name = $1", name).fetch_one(db).await
}
