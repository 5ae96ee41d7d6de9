//! Identifiers: a prefix that names the kind and a `UUIDv7` in lower-case Crockford base32 (26 characters).
//!
//! An id is not a secret. Parsing is strict: one text per id, so that an id compares as text everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}… id")]
pub struct InvalidId(pub &'static str);

fn encode(uuid: Uuid, text: &mut [u8; ulid::ULID_LEN]) -> &str {
    let text = ulid::Ulid(uuid.as_u128()).array_to_str(text);
    text.make_ascii_lowercase();
    text
}

fn decode(text: &str) -> Option<Uuid> {
    let bits = ulid::Ulid::from_string(text).ok()?.0;
    let id = Uuid::from_u128(bits);
    (encode(id, &mut [0; ulid::ULID_LEN]) == text).then_some(id)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(encode(self.0, &mut [0; ulid::ULID_LEN]))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix).and_then(decode).map(Self).ok_or(InvalidId($prefix))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    )*};
}

ids! {
    /// A consent session.
    ConsentId = "cs_";
    /// A client: a tenant, the company that calls the API.
    ClientId = "cl_";
    /// A passkey, and what is known of the authenticator that holds it.
    DeviceId = "dev_";
    /// One attempt to log in.
    LoginId = "lgn_";
    /// A `WebAuthn` ceremony under way: the `sessionId` of what begins one.
    CeremonyId = "ses_";
    /// A person as one client sees them: pairwise, random, never the same for two clients.
    UserId = "usr_";
    /// An enrollment: a client asks a person to register a passkey on the hosted page.
    EnrollmentId = "enr_";
    /// A person of the hosted pages. No client ever sees it: it would tell them whom they share.
    PersonId = "per_";
    /// A handle that a person proved to have, from the proof until it is released.
    HoldingId = "hdl_";
    /// A passkey of the hosted pages.
    PasskeyId = "psk_";
    /// A report of abuse.
    ReportId = "rpt_";
    /// A QR code.
    QrId = "qr_";
    /// A webhook endpoint.
    EndpointId = "we_";
    /// One delivery of one event to one endpoint.
    DeliveryId = "dlv_";
    /// An event, as subscribers see it (`webhook-id`).
    EventId = "evt_";
    /// A request, or the run of a worker that caused a command.
    RequestId = "req_";
    /// A command: the same on every attempt to append its events.
    CommandId = "cmd_";
    /// An API key's public name: what a log line or an event may say of it.
    KeyId = "key_";
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "cs_01kb0m2x9qe3r8s6t4v2w0y5zh";

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id: ConsentId = SAMPLE.parse().unwrap();
        assert_eq!(id.to_string(), SAMPLE);
        assert_eq!(serde_json::from_str::<ConsentId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }

    #[test]
    fn an_id_has_one_text_only() {
        let body = &SAMPLE[3..];
        for text in [
            format!("cs_{}", body.to_uppercase()),
            format!("cl_{body}"),
            body.to_owned(),
            format!("cs_{body}0"),
            format!("cs_8{}", &body[1..]),
            format!("cs_{}l", &body[..25]),
            "cs_".to_owned(),
        ] {
            assert_eq!(text.parse::<ConsentId>(), Err(InvalidId("cs_")), "{text}");
        }
    }
}
