//! Somebody proved a handle and began anew: whoever held it before is told so, where they may still read it.

use mobid_domain::handle::Handle;

use crate::app::App;
use crate::notifier::Message;
use crate::words::Words;

/// It is done, whether or not it can be told.
pub async fn tell(app: &App, words: &Words, handle: &Handle, resource_id: String) {
    let words = words.passkeys();
    let message = Message {
        to: "",
        channel: "",
        subject: words.begun_anew_subject.to_owned(),
        text: words.begun_anew_text.to_owned(),
        link: None,
        code: None,
        resource_id,
    };
    if let Err(error) = app.notifier.send(handle, message).await {
        tracing::error!(error = %error, "a former holder could not be told");
    }
}
