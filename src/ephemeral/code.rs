//! One-time codes: six digits that prove, once and for five minutes, that who asked in a browser reads the
//! recipient's messages.
//!
//! Promises: a code is only good in the browser session that asked for it, for the resource, sequence, action and
//! grant that it was asked for; a try is counted before it is compared, so parallel guesses cannot exceed five; what
//! is stored tells the code to nobody without the server's key. Asking again replaces the former code.
//! Leaves to others: who is sent the code (pages), how often (`cap`).

use chrono::{DateTime, TimeDelta, Utc};
use mobid_domain::sealed::Sealed;
use sqlx::PgPool;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::vault::MasterKey;

/// How long a code is good.
pub const MINUTES: i64 = 5;
/// How often one may be entered.
pub const TRIES: i32 = 5;
const DIGITS: u32 = 1_000_000;
/// How long an ended code is kept, so that the page can say why it is no good any more.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// What a code is entered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Approve,
    Reject,
    Withdraw,
    /// To see the claims; decides nothing.
    View,
    /// To prove the handle of an enrollment; the rest takes a passkey.
    Enroll,
}

impl Action {
    const ALL: [Self; 5] = [Self::Approve, Self::Reject, Self::Withdraw, Self::View, Self::Enroll];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Withdraw => "withdraw",
            Self::View => "view",
            Self::Enroll => "enroll",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// Six digits in the clear; wiped when dropped, never shown.
pub struct OneTimeCode(Zeroizing<String>);

impl OneTimeCode {
    fn random() -> Self {
        Self(Zeroizing::new(format!("{:06}", crate::secret::random_below(DIGITS))))
    }

    /// What somebody typed, in groups or not.
    pub fn typed(text: &str) -> Option<Self> {
        let digits = Zeroizing::new(text.chars().filter(|c| !matches!(c, ' ' | '-')).collect::<String>());
        let well_formed = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit());
        well_formed.then_some(Self(digits))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What a code is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub session: [u8; 32],
    pub resource: String,
    pub sequence: i64,
    pub action: Action,
    pub grant: Option<Sealed>,
}

/// A code that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    id: Uuid,
    hash: Vec<u8>,
    pub bound: Bound,
    pub tries: i32,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub used: bool,
}

/// Whether a code can still be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Good { tries_left: i32 },
    Expired,
    Exhausted,
    Used,
}

impl Issued {
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        match () {
            () if self.used => Standing::Used,
            () if now >= self.expires_at => Standing::Expired,
            () if self.tries >= TRIES => Standing::Exhausted,
            () => Standing::Good { tries_left: TRIES - self.tries },
        }
    }

    /// Whether this is the code that was sent, for exactly this.
    pub fn is(&self, master: &MasterKey, code: &OneTimeCode) -> bool {
        crate::secret::equal(&self.hash, &hash(master, self.id, &self.bound, code))
    }
}

fn hash(master: &MasterKey, id: Uuid, bound: &Bound, code: &OneTimeCode) -> [u8; 32] {
    let grant = bound.grant.as_ref().map_or("", |sealed| sealed.0.as_str());
    master.hmac(
        "mobid/one-time-code",
        &[
            id.as_bytes(),
            &bound.session,
            bound.resource.as_bytes(),
            &bound.sequence.to_be_bytes(),
            bound.action.as_str().as_bytes(),
            grant.as_bytes(),
            code.reveal().as_bytes(),
        ],
    )
}

/// Makes a code; the former one of the same session and resource is void from here on.
pub async fn issue(
    pool: &PgPool,
    master: &MasterKey,
    bound: &Bound,
    now: DateTime<Utc>,
) -> Result<OneTimeCode, sqlx::Error> {
    let (id, code) = (crate::ids::new_id(), OneTimeCode::random());
    sqlx::query!(
        "insert into one_time_codes
             (session_hash, resource_id, code_id, code_hash, sequence, action, grant_sealed, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (session_hash, resource_id) do update
         set code_id = excluded.code_id, code_hash = excluded.code_hash, sequence = excluded.sequence,
             action = excluded.action, grant_sealed = excluded.grant_sealed, tries = 0,
             created_at = excluded.created_at, expires_at = excluded.expires_at, used_at = null",
        &bound.session[..],
        bound.resource,
        id,
        &hash(master, id, bound, &code)[..],
        bound.sequence,
        bound.action.as_str(),
        bound.grant.as_ref().map(|sealed| sealed.0.as_str()),
        now,
        now + TimeDelta::minutes(MINUTES)
    )
    .execute(pool)
    .await?;
    Ok(code)
}

struct Row {
    code_id: Uuid,
    code_hash: Vec<u8>,
    sequence: i64,
    action: String,
    grant_sealed: Option<String>,
    tries: i32,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
}

impl Row {
    fn issued(self, session: [u8; 32], resource: &str) -> Option<Issued> {
        Some(Issued {
            id: self.code_id,
            hash: self.code_hash,
            bound: Bound {
                session,
                resource: resource.to_owned(),
                sequence: self.sequence,
                action: Action::parse(&self.action)?,
                grant: self.grant_sealed.map(Sealed),
            },
            tries: self.tries,
            created_at: self.created_at,
            expires_at: self.expires_at,
            used: self.used_at.is_some(),
        })
    }
}

/// The code of a session for a resource, good or ended.
pub async fn find(pool: &PgPool, session: [u8; 32], resource: &str) -> Result<Option<Issued>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select code_id, code_hash, sequence, action, grant_sealed, tries, created_at, expires_at, used_at
         from one_time_codes where session_hash = $1 and resource_id = $2",
        &session[..],
        resource
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.and_then(|row| row.issued(session, resource)))
}

/// Counts a try of a good code before anybody compares it; `None` if there is no good one.
pub async fn count_try(
    pool: &PgPool,
    session: [u8; 32],
    resource: &str,
    now: DateTime<Utc>,
) -> Result<Option<Issued>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "update one_time_codes set tries = tries + 1
         where session_hash = $1 and resource_id = $2 and used_at is null and tries < $3 and expires_at > $4
         returning code_id, code_hash, sequence, action, grant_sealed, tries, created_at, expires_at, used_at",
        &session[..],
        resource,
        TRIES,
        now
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.and_then(|row| row.issued(session, resource)))
}

/// Uses up a code; `false` if somebody else did, or asked for another one, since it was read.
pub async fn redeem(pool: &PgPool, code: &Issued, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let used = sqlx::query!(
        "update one_time_codes set used_at = $4, grant_sealed = null
         where session_hash = $1 and resource_id = $2 and code_id = $3 and used_at is null",
        &code.bound.session[..],
        code.bound.resource,
        code.id,
        now
    )
    .execute(pool)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Removes up to `limit` codes that ended a while ago; answers how many.
pub async fn prune(pool: &PgPool, now: DateTime<Utc>, limit: i64) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query!(
        "with gone as materialized (
             select session_hash, resource_id from one_time_codes where expires_at <= $1
             order by expires_at limit $2 for update skip locked
         )
         delete from one_time_codes t using gone where t.session_hash = gone.session_hash and t.resource_id = gone.resource_id",
        now - KEPT,
        limit
    )
    .execute(pool)
    .await?;
    Ok(pruned.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound() -> Bound {
        Bound {
            session: [1; 32],
            resource: "cs_1".to_owned(),
            sequence: 1,
            action: Action::Approve,
            grant: Some(Sealed("x".to_owned())),
        }
    }

    fn issued(master: &MasterKey, code: &OneTimeCode, bound: Bound) -> Issued {
        let (id, at) = (Uuid::nil(), DateTime::UNIX_EPOCH);
        let hash = hash(master, id, &self::bound(), code).to_vec();
        let expires_at = at + TimeDelta::minutes(MINUTES);
        Issued { id, hash, bound, tries: 0, created_at: at, expires_at, used: false }
    }

    #[test]
    fn a_code_is_good_for_exactly_what_it_was_asked_for() {
        let (master, code) = (MasterKey::random(), OneTimeCode::random());
        assert!(issued(&master, &code, bound()).is(&master, &code));
        for other in [
            Bound { session: [2; 32], ..bound() },
            Bound { resource: "cs_2".to_owned(), ..bound() },
            Bound { sequence: 2, ..bound() },
            Bound { action: Action::Reject, ..bound() },
            Bound { grant: None, ..bound() },
        ] {
            assert!(!issued(&master, &code, other).is(&master, &code));
        }
        assert!(!issued(&master, &code, bound()).is(&MasterKey::random(), &code));
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        assert_eq!(OneTimeCode::typed(" 123-456 ").unwrap().reveal(), "123456");
        for wrong in ["", "12345", "1234567", "12345a", "١٢٣٤٥٦"] {
            assert!(OneTimeCode::typed(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_code_ends_by_use_by_time_and_by_tries() {
        let (master, code) = (MasterKey::random(), OneTimeCode::random());
        let good = issued(&master, &code, bound());
        let now = good.created_at;
        assert_eq!(good.standing(now), Standing::Good { tries_left: 5 });
        assert_eq!(good.standing(good.expires_at), Standing::Expired);
        assert_eq!(Issued { tries: 5, ..good.clone() }.standing(now), Standing::Exhausted);
        assert_eq!(Issued { used: true, ..good }.standing(now), Standing::Used);
    }
}
