//! The last two steps of an enrollment: a passkey becomes the client's device, and shows that it works.

use mobid_domain::actor::Actor;
use mobid_domain::enrollment::{Enrolled, Enrollment, EnrollmentCommand, EnrollmentError, Session};
use mobid_domain::fido::Reason;
use mobid_domain::handle::Handle;
use mobid_domain::id::{EnrollmentId, PersonId};
use mobid_domain::person::Passkey;

use super::device::{self, Member};
use super::passkey::{self, Kept, NotTaken, Shower};
use super::{Occasion, Trouble};
use crate::app::App;
use crate::event_store::{ExecuteError, Executed, Terms};
use crate::vault::{SealError, Subject};
use crate::webauthn::{Assertion, Authentication};

/// An enrollment that somebody is at.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    pub id: EnrollmentId,
    pub session: &'a Session,
    pub handle: &'a Handle,
    pub occasion: &'a Occasion,
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    #[error("{0}")]
    Bad(Reason),
    #[error("{0}")]
    Refused(#[from] ExecuteError<EnrollmentError>),
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<NotTaken> for NotDone {
    fn from(error: NotTaken) -> Self {
        match error {
            NotTaken::Bad(reason) => Self::Bad(reason),
            NotTaken::PasskeyNeeded => Self::Bad(Reason::UnknownCredential),
            NotTaken::Trouble(trouble) => Self::Trouble(trouble),
        }
    }
}

/// Makes a passkey of whoever proved the handle the client's device.
pub async fn register(
    app: &App,
    step: Step<'_>,
    passkey: (PersonId, &Passkey, &Kept),
) -> Result<Session, NotDone> {
    let client = step.session.request.client_id;
    // Who began anew is somebody else to the client, whatever this process remembers.
    let (user, key) = app.vault.person_now(client, step.handle).await.map_err(Trouble::from)?;
    let member = Member { client, user, key: &key };
    let device_id = device::find_or_register(app, member, passkey, step.occasion).await?;
    let command = EnrollmentCommand::RegisterDevice { device_id, user_id: user };
    let done = execute(app, step, Actor::Recipient(user), command).await?;
    Ok(done.state.session().cloned().ok_or(ExecuteError::Contended)?)
}

/// Completes the enrollment if its own device answered for what was asked; else counts a try that failed.
pub async fn verify(
    app: &App,
    step: Step<'_>,
    authentication: &Authentication,
    answer: &Assertion,
) -> Result<Executed<Enrollment>, NotDone> {
    let shower = match passkey::finish_showing(app, authentication, answer, step.occasion).await {
        Ok(shower) => shower,
        Err(NotTaken::Bad(reason)) => return failed(app, step, reason).await,
        Err(error) => return Err(error.into()),
    };
    complete(app, step, &shower).await
}

/// The same with what was shown already.
pub async fn complete(app: &App, step: Step<'_>, shower: &Shower) -> Result<Executed<Enrollment>, NotDone> {
    let client = step.session.request.client_id;
    let found = device::find(app, client, shower.passkey.id).await?;
    let enrolled = step.session.enrolled.filter(|enrolled| found == Some(enrolled.device_id));
    let Some(Enrolled { device_id, user_id, .. }) = enrolled else {
        return failed(app, step, Reason::UnknownCredential).await;
    };
    let key = app.vault.key(client, Subject::Person(user_id)).await.map_err(Trouble::from)?;
    let key = key.ok_or(SealError::KeyGone).map_err(Trouble::from)?;
    let member = Member { client, user: user_id, key: &key };
    match device::answered(app, member, device_id, &shower.shown, (step.occasion, &step.id.to_string())).await
    {
        Ok(()) => {}
        Err(NotTaken::Bad(reason)) => return failed(app, step, reason).await,
        Err(error) => return Err(error.into()),
    }
    let command = EnrollmentCommand::Verify { device_id, user_verified: shower.shown.user_verified };
    Ok(execute(app, step, Actor::Recipient(user_id), command).await?)
}

async fn failed(app: &App, step: Step<'_>, reason: Reason) -> Result<Executed<Enrollment>, NotDone> {
    let command = EnrollmentCommand::FailTry { reason: reason.to_string() };
    execute(app, step, Actor::System("hosted_passkey"), command).await?;
    Err(NotDone::Bad(reason))
}

async fn execute(
    app: &App,
    step: Step<'_>,
    actor: Actor,
    command: EnrollmentCommand,
) -> Result<Executed<Enrollment>, ExecuteError<EnrollmentError>> {
    let context = step.occasion.by(step.session.request.client_id, actor);
    app.store.execute::<Enrollment>(&step.id.to_string(), command, &context, Terms::default()).await
}
