//! A data key: AES-256-GCM under a key of (tenant, person), bound to the place of the value.

use aes_gcm::aead::{Aead, KeyInit, Nonce, Payload};
use aes_gcm::{Aes256Gcm, Key};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mobid_domain::id::ClientId;
use mobid_domain::sealed::{Sealed, SealedIn};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::DataKeyId;

const VERSION: u8 = 1;
const NONCE: usize = 12;
const HEADER: usize = 1 + 16 + NONCE;

/// Where a value belongs: the additional data of its seal.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub tenant: ClientId,
    pub aggregate_id: &'a str,
    pub event_type: &'a str,
    pub field: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the sealed text is malformed")]
    Malformed,
    #[error("the sealed text is of another key")]
    OtherKey,
    #[error("the sealed text does not belong here or was changed")]
    NotAuthentic,
    #[error("the key is gone")]
    KeyGone,
}

/// A key in memory; wiped when dropped, never shown.
#[derive(Clone)]
pub struct DataKey {
    id: DataKeyId,
    secret: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

impl Place<'_> {
    fn additional_data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        for part in [&self.tenant.to_string(), self.aggregate_id, self.event_type, self.field] {
            data.extend((part.len() as u64).to_be_bytes());
            data.extend(part.as_bytes());
        }
        data
    }

    /// The same place but for the field.
    pub fn field<'b>(&self, field: &'b str) -> Place<'b>
    where
        Self: 'b,
    {
        Place { tenant: self.tenant, aggregate_id: self.aggregate_id, event_type: self.event_type, field }
    }
}

impl DataKey {
    pub fn random() -> Self {
        Self { id: crate::ids::new_id(), secret: Zeroizing::new(crate::secret::random()) }
    }

    pub(super) fn new(id: Uuid, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { id, secret }
    }

    pub fn id(&self) -> DataKeyId {
        self.id
    }

    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        let nonce: [u8; NONCE] = crate::secret::random();
        let ciphertext = encrypt(&self.secret, nonce, plain, &place.additional_data())?;
        let mut bytes = Vec::with_capacity(HEADER + ciphertext.len());
        bytes.push(VERSION);
        bytes.extend(self.id.as_bytes());
        bytes.extend(nonce);
        bytes.extend(ciphertext);
        Ok(Sealed(URL_SAFE_NO_PAD.encode(bytes)))
    }

    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let bytes = URL_SAFE_NO_PAD.decode(&sealed.0).map_err(|_| SealError::Malformed)?;
        let (header, ciphertext) = bytes.split_at_checked(HEADER).ok_or(SealError::Malformed)?;
        if header[0] != VERSION {
            return Err(SealError::Malformed);
        }
        if header[1..17] != *self.id.as_bytes() {
            return Err(SealError::OtherKey);
        }
        let nonce = header[17..].try_into().map_err(|_| SealError::Malformed)?;
        decrypt(&self.secret, nonce, ciphertext, &place.additional_data())
    }

    /// Opens a value that remembers the event it came with.
    pub fn open_in(
        &self,
        tenant: ClientId,
        aggregate_id: &str,
        field: &str,
        value: &SealedIn,
    ) -> Result<Vec<u8>, SealError> {
        self.open(&Place { tenant, aggregate_id, event_type: &value.event_type, field }, &value.sealed)
    }

    /// The same, as text.
    pub fn open_text_in(
        &self,
        tenant: ClientId,
        aggregate_id: &str,
        field: &str,
        value: &SealedIn,
    ) -> Result<String, SealError> {
        String::from_utf8(self.open_in(tenant, aggregate_id, field, value)?).map_err(|_| SealError::Malformed)
    }
}

pub(super) fn encrypt(
    key: &[u8; 32],
    nonce: [u8; NONCE],
    plain: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, SealError> {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
        .encrypt(&Nonce::<Aes256Gcm>::from(nonce), Payload { msg: plain, aad })
        .map_err(|_| SealError::Malformed)
}

pub(super) fn decrypt(
    key: &[u8; 32],
    nonce: [u8; NONCE],
    ciphertext: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, SealError> {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
        .decrypt(&Nonce::<Aes256Gcm>::from(nonce), Payload { msg: ciphertext, aad })
        .map_err(|_| SealError::NotAuthentic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(field: &'static str) -> Place<'static> {
        Place { tenant: ClientId(Uuid::nil()), aggregate_id: "cs_1", event_type: "consent.created", field }
    }

    #[test]
    fn a_sealed_value_opens_where_it_was_sealed() {
        let key = DataKey::random();
        let sealed = key.seal(&place("recipient"), b"+1234567890").unwrap();
        assert_eq!(key.open(&place("recipient"), &sealed).unwrap(), b"+1234567890");
        assert!(!sealed.0.contains("1234567890"));
    }

    #[test]
    fn a_sealed_value_opens_nowhere_else() {
        let key = DataKey::random();
        let sealed = key.seal(&place("recipient"), b"+1234567890").unwrap();
        assert_eq!(key.open(&place("metadata"), &sealed), Err(SealError::NotAuthentic));
        let other = Place { aggregate_id: "cs_2", ..place("recipient") };
        assert_eq!(key.open(&other, &sealed), Err(SealError::NotAuthentic));
        let other = Place { event_type: "consent.updated", ..place("recipient") };
        assert_eq!(key.open(&other, &sealed), Err(SealError::NotAuthentic));
        let other = Place { tenant: ClientId(Uuid::max()), ..place("recipient") };
        assert_eq!(key.open(&other, &sealed), Err(SealError::NotAuthentic));
        assert_eq!(DataKey::random().open(&place("recipient"), &sealed), Err(SealError::OtherKey));
    }

    #[test]
    fn a_changed_value_does_not_open() {
        let key = DataKey::random();
        let sealed = key.seal(&place("recipient"), b"+1234567890").unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed.0).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let changed = Sealed(URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(key.open(&place("recipient"), &changed), Err(SealError::NotAuthentic));
        assert_eq!(key.open(&place("recipient"), &Sealed("AA".to_owned())), Err(SealError::Malformed));
    }
}
