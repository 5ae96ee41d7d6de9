//! The events that a subscriber can hear of.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! event_types {
    ($($name:ident = $text:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventType {
            $(#[serde(rename = $text)] $name),*
        }

        impl EventType {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

event_types! {
    ConsentCreated = "consent.created",
    ConsentUpdated = "consent.updated",
    ConsentApproved = "consent.approved",
    ConsentRejected = "consent.rejected",
    ConsentExpired = "consent.expired",
    ConsentRevoked = "consent.revoked",
    AuthSuccess = "auth.success",
    AuthFailed = "auth.failed",
    DeviceRegistered = "device.registered",
    DeviceDeregistered = "device.deregistered",
    DeviceBlocked = "device.blocked",
    EnrollmentCompleted = "enrollment.completed",
    EnrollmentFailed = "enrollment.failed",
    EnrollmentExpired = "enrollment.expired",
    MandateCreated = "mandate.created",
    MandateSigned = "mandate.signed",
    MandateRejected = "mandate.rejected",
    MandateCancelled = "mandate.cancelled",
    MandateExpired = "mandate.expired",
    UserErased = "user.erased",
    WebhookDisabled = "webhook.disabled",
    WebhookTest = "webhook.test",
}

impl EventType {
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event_type| event_type.as_str() == text)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
