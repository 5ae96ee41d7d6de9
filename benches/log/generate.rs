//! Big logs: consents as the domain decides them, sealed as the API seals them, straight into the table by COPY.
//!
//! Of ten consents all are asked for, four are changed, three approved and one of those revoked: 18 events. A client
//! asks a thousand people, again and again.

use anyhow::{Context as _, Result};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use cqrs_es::DomainEvent as _;
use mobid::event_store::CommandContext;
use mobid::ids::new_id;
use mobid::vault::{DataKey, MasterKey, Place, Vault};
use mobid_domain::actor::Actor;
use mobid_domain::client::Permission;
use mobid_domain::consent::{
    Assurance, AssuranceMethod, Consent, ConsentCommand, ConsentEvent, Create, RequireAssurance, Update,
};
use mobid_domain::event::{Decider as _, canonical_text};
use mobid_domain::id::{ClientId, CommandId, ConsentId, KeyId, RequestId, UserId};
use mobid_domain::sealed::Sealed;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt as _;

use crate::copy_in::Rows;
use crate::process::MASTER_KEY;

const PEOPLE: usize = 1_000;
/// Consents whose events lie mixed in the log.
const TOGETHER: u64 = 1_000;
/// Ids that are handed out, at the most.
const REMEMBERED: u64 = 100_000;

/// What the log has now.
pub struct Generated {
    pub events: i64,
    /// Some of the consents, spread over all.
    pub ids: Vec<String>,
}

/// How far consents get.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lives {
    /// As above.
    Mixed,
    /// Just asked for: an event each.
    Pending,
}

struct Generator {
    tenant: ClientId,
    key_id: KeyId,
    people: Vec<(UserId, DataKey)>,
    position: i64,
    at: DateTime<Utc>,
}

/// Appends consents of this client until there are so many.
pub async fn fill(pool: &PgPool, tenant: ClientId, consents: u64, lives: Lives) -> Result<Generated> {
    let vault = Vault::new(pool.clone(), MasterKey::from_base64(MASTER_KEY)?);
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(vault.person(tenant, &format!("+4930{number:07}").parse()?).await?);
    }
    let head: Option<(i64, DateTime<Utc>)> =
        sqlx::query_as("select position, recorded_at from events order by position desc limit 1")
            .fetch_optional(pool)
            .await?;
    let (position, at) = head.unwrap_or((0, Utc::now().trunc_subsecs(6)));
    let mut generator = Generator { tenant, key_id: KeyId(new_id()), people, position, at };
    let every = consents.div_ceil(REMEMBERED);
    let mut ids = Vec::new();
    let mut copy = pool.copy_in_raw("copy events from stdin (format binary)").await?;
    let mut rows = Rows::begin();
    let mut made = 0;
    while made < consents {
        let together = TOGETHER.min(consents - made);
        let mut states = Vec::new();
        for number in made..made + together {
            let id = ConsentId(new_id()).to_string();
            if number % every == 0 {
                ids.push(id.clone());
            }
            states.push((id, Consent::default(), 0));
        }
        for step in 0..if lives == Lives::Mixed { 4 } else { 1 } {
            for (index, (id, state, sequence)) in states.iter_mut().enumerate() {
                if [true, index % 10 < 4, index % 10 < 3, index % 10 == 0][step] {
                    *sequence += 1;
                    generator.append(&mut rows, id, state, *sequence, index, step)?;
                }
            }
        }
        made += together;
        copy.send(rows.take()).await?;
    }
    copy.send(rows.end()).await?;
    copy.finish().await?;
    // As autovacuum would have done by the time that a log is so long.
    sqlx::query("vacuum (analyze) events").execute(pool).await?;
    Ok(Generated { events: generator.position, ids })
}

impl Generator {
    fn append(
        &mut self,
        rows: &mut Rows,
        id: &str,
        state: &mut Consent,
        sequence: i64,
        index: usize,
        step: usize,
    ) -> Result<()> {
        self.at += TimeDelta::microseconds(1);
        let (user, key) = self.people[index % PEOPLE].clone();
        let (actor, command) = self.command(id, user, &key, step)?;
        let context = CommandContext {
            at: self.at,
            tenant: self.tenant,
            actor,
            command_id: CommandId(new_id()),
            request_id: RequestId(new_id()).to_string(),
            causation: None,
            key_id: (actor == Actor::Client(self.tenant)).then_some(self.key_id),
            permissions: if step == 2 { vec![] } else { Permission::ALL.to_vec() },
            trace_id: None,
        };
        let events = state.decide(&context.stamp(command))?;
        let event = events.into_iter().next().context("each step makes one event")?;
        self.position += 1;
        rows.row(11);
        rows.bigint(self.position);
        rows.bytes(new_id().as_bytes());
        rows.bytes(self.tenant.to_string().as_bytes());
        rows.bytes(b"consent");
        rows.bytes(id.as_bytes());
        rows.bigint(sequence);
        rows.bytes(event.event_type().as_bytes());
        rows.bytes(event.event_version().as_bytes());
        rows.bytes(canonical_text(&event)?.as_bytes());
        rows.bytes(context.metadata_text()?.as_bytes());
        rows.timestamp(self.at);
        state.evolve(event);
        Ok(())
    }

    fn command(&self, id: &str, user: UserId, key: &DataKey, step: usize) -> Result<(Actor, ConsentCommand)> {
        let event_type =
            [ConsentEvent::CREATED, ConsentEvent::UPDATED, ConsentEvent::APPROVED, ConsentEvent::REVOKED]
                [step];
        let place = Place { tenant: self.tenant, aggregate_id: id, event_type, field: "" };
        let seal =
            |field, text: &str| -> Result<Sealed> { Ok(key.seal(&place.field(field), text.as_bytes())?) };
        let client = Actor::Client(self.tenant);
        Ok(match step {
            0 => (client, ConsentCommand::Create(Box::new(self.create(user, &seal)?))),
            1 => {
                let metadata = Some(Some(seal("metadata", r#"{"order":"A-2026-0815","desk":"7"}"#)?));
                let expires_at = Some(self.at + TimeDelta::days(40));
                (
                    client,
                    ConsentCommand::Update(Box::new(Update { metadata, expires_at, ..Update::default() })),
                )
            }
            2 => (
                Actor::Recipient(user),
                ConsentCommand::Approve {
                    granted_scope: vec!["name".parse()?, "phone".parse()?],
                    claims: Some(seal(
                        "claims",
                        r#"{"name":{"source":"self_asserted","value":"Ann Example"}}"#,
                    )?),
                    assurance: Assurance {
                        method: AssuranceMethod::OneTimeCode,
                        user_verified: false,
                        bound_at: self.at,
                    },
                },
            ),
            _ => (client, ConsentCommand::Revoke),
        })
    }

    fn create(&self, user: UserId, seal: &impl Fn(&'static str, &str) -> Result<Sealed>) -> Result<Create> {
        Ok(Create {
            client_id: self.tenant,
            user_id: user,
            recipient: seal("recipient", "+1234567890")?,
            purpose: "identity_verification".parse()?,
            scope: vec!["name".parse()?, "email".parse()?, "phone".parse()?],
            callback_url: Some(seal("callbackUrl", "https://yourapp.com/callback")?),
            return_url: None,
            metadata: None,
            require_assurance: RequireAssurance::Any,
            notify: false,
            locale: None,
            // Nothing falls due while it is measured.
            expires_at: self.at + TimeDelta::days(30),
            at: self.at,
        })
    }
}
