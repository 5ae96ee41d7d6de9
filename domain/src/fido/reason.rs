//! Why a ceremony with a passkey failed.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $message:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $text)] $name),*
        }

        impl Reason {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The same, for people.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message),* }
            }
        }
    };
}

reasons! {
    /// Also of what cannot be read as signed data at all.
    SignatureInvalid = "signature_invalid": "The signature does not hold for this credential.",
    /// Also of data that were signed in a ceremony of another type.
    ChallengeMismatch = "challenge_mismatch": "The challenge is not the one of this session.",
    /// Also of a page in a frame of another origin.
    OriginMismatch = "origin_mismatch": "The page was on an origin that is not the client's.",
    RpIdMismatch = "rp_id_mismatch": "The credential is bound to another RP id.",
    /// Neither by biometric nor by PIN.
    UserNotVerified = "user_not_verified": "The authenticator did not verify the user.",
    /// Also of one that is somebody else's, and of one that was deregistered.
    UnknownCredential = "unknown_credential": "The credential is not registered for this login.",
    DeviceBlocked = "device_blocked": "The device is blocked.",
    /// The authenticator may have been copied.
    CounterRegressed = "counter_regressed": "The signature counter went back; the device is blocked now.",
    /// Also of a session that was used already, that is somebody else's, and that never was.
    SessionExpired = "session_expired": "The session has ended or was used already.",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
