//! Virtual authenticators, and what they hold.

use serde_json::{Value, json};

use super::Browser;

/// One that was added to a browser.
pub struct VirtualAuthenticator(Value);

impl Browser {
    /// An authenticator of the device itself, whose user is there and is verified.
    pub async fn add_authenticator(&self) -> VirtualAuthenticator {
        self.devtools("WebAuthn.enable", json!({})).await;
        let options = json!({"protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true});
        let added = self.devtools("WebAuthn.addVirtualAuthenticator", json!({"options": options})).await;
        VirtualAuthenticator(added["authenticatorId"].clone())
    }

    /// What an authenticator has, its private keys and counters included.
    pub async fn credentials(&self, of: &VirtualAuthenticator) -> Vec<Value> {
        let told = self.devtools("WebAuthn.getCredentials", json!({"authenticatorId": of.0})).await;
        told["credentials"].as_array().unwrap().clone()
    }

    /// Makes an authenticator have this and nothing else, as who copied it would.
    pub async fn plant(&self, into: &VirtualAuthenticator, credential: &Value) {
        self.devtools("WebAuthn.clearCredentials", json!({"authenticatorId": into.0})).await;
        let params = json!({"authenticatorId": into.0, "credential": credential});
        self.devtools("WebAuthn.addCredential", params).await;
    }
}
