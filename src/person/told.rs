//! A person is told what became of their passkeys: who did not do it themselves should know.
//!
//! At most once each, after whoever did it was answered, and by no means secret: whoever reads their messages learns that
//! something was done, and not with which passkey or where. It is done, whether or not it could be told.

use mobid_domain::id::PersonId;
use mobid_domain::person::Record;

use super::{Occasion, holder};
use crate::app::App;
use crate::notifier::Message;
use crate::words::Words;

/// Where a message would name a resource.
const ABOUT: &str = "me";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Added,
    Removed,
    /// There may be a copy of it.
    Copied,
}

/// Tells whoever holds a person's handle, in the language that the occasion had.
pub(super) fn tell(app: &App, person: PersonId, record: &Record, news: News, occasion: &Occasion) {
    let (to, record, lang) = (app.clone(), record.clone(), occasion.lang);
    app.errands.run(async move {
        let handle = match holder::held_by(&to, person, &record).await {
            Ok(Some(handle)) => handle,
            // Nobody is there to be told.
            Ok(None) => return,
            Err(error) => {
                tracing::error!(error = %error, %person, "a person could not be told of a passkey");
                return;
            }
        };
        if let Err(error) = to.notifier.send(&handle, message(news, Words::of(Some(lang)))).await {
            tracing::error!(error = %error, %person, "a person could not be told of a passkey");
        }
    });
}

fn message(news: News, words: &'static Words) -> Message<'static> {
    let words = words.passkeys();
    let (subject, text) = match news {
        News::Added => (words.added_subject, words.added_text),
        News::Removed => (words.removed_subject, words.removed_text),
        News::Copied => (words.removed_subject, words.copied_text),
    };
    Message {
        to: "",
        channel: "",
        subject: subject.to_owned(),
        text: text.to_owned(),
        link: None,
        code: None,
        resource_id: ABOUT.to_owned(),
    }
}
