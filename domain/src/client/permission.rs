//! What an API key may do.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($name:ident = $text:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Permission {
            $(#[serde(rename = $text)] $name),*
        }

        impl Permission {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

permissions! {
    ConsentsRead = "consents:read",
    ConsentsWrite = "consents:write",
    MandatesRead = "mandates:read",
    MandatesWrite = "mandates:write",
    EnrollmentsRead = "enrollments:read",
    EnrollmentsWrite = "enrollments:write",
    DevicesRead = "devices:read",
    DevicesWrite = "devices:write",
    FidoWrite = "fido:write",
    QrWrite = "qr:write",
    WebhooksRead = "webhooks:read",
    WebhooksWrite = "webhooks:write",
    ClientsRead = "clients:read",
    ClientsWrite = "clients:write",
    UsersErase = "users:erase",
    AuditRead = "audit:read",
    AuditReadAll = "audit:read_all",
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
