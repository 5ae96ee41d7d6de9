//! The master key: wraps data keys, and what else is secret for as long as the installation lives is derived from it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use mobid_domain::id::ClientId;
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::data_key::{DataKey, SealError, decrypt, encrypt};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the master key must be 32 bytes in base64 (44 characters)")]
pub struct MasterKeyError;

/// 32 secret bytes; wiped when dropped, never shown.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    pub fn random() -> Self {
        Self(Zeroizing::new(crate::secret::random()))
    }

    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| MasterKeyError)?);
        Ok(Self(Zeroizing::new(bytes.as_slice().try_into().map_err(|_| MasterKeyError)?)))
    }

    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.0))
    }

    /// A key for one purpose only.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        // 32 bytes are far below HKDF's limit, so it cannot fail.
        let _ = Hkdf::<Sha256>::new(None, &*self.0).expand(purpose.as_bytes(), key.as_mut());
        key
    }

    /// HMAC-SHA256 under a key of this purpose, over length-prefixed parts.
    pub fn hmac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        keyed_hash(&*self.derive(purpose), parts)
    }

    /// Seals what only this installation is to read, for a purpose and in a place.
    pub fn seal(&self, purpose: &str, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; 12] = crate::secret::random();
        let mut sealed = nonce.to_vec();
        sealed.extend(encrypt(&self.derive(purpose), nonce, plain, place)?);
        Ok(sealed)
    }

    /// Opens what was sealed for the same purpose and in the same place.
    pub fn open(&self, purpose: &str, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, ciphertext) = sealed.split_at_checked(12).ok_or(SealError::Malformed)?;
        let nonce = nonce.try_into().map_err(|_| SealError::Malformed)?;
        decrypt(&self.derive(purpose), nonce, ciphertext, place)
    }

    pub(super) fn wrap(&self, key: &DataKey, tenant: ClientId, subject: &str) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; 12] = crate::secret::random();
        let aad = additional_data(key.id(), tenant, subject);
        let mut wrapped = nonce.to_vec();
        wrapped.extend(encrypt(&self.derive("mobid/wrap"), nonce, key.secret(), &aad)?);
        Ok(wrapped)
    }

    pub(super) fn unwrap(
        &self,
        key_id: Uuid,
        wrapped: &[u8],
        tenant: ClientId,
        subject: &str,
    ) -> Result<DataKey, SealError> {
        let (nonce, ciphertext) = wrapped.split_at_checked(12).ok_or(SealError::Malformed)?;
        let nonce = nonce.try_into().map_err(|_| SealError::Malformed)?;
        let aad = additional_data(key_id, tenant, subject);
        let secret = Zeroizing::new(decrypt(&self.derive("mobid/wrap"), nonce, ciphertext, &aad)?);
        let secret = Zeroizing::new(secret.as_slice().try_into().map_err(|_| SealError::Malformed)?);
        Ok(DataKey::new(key_id, secret))
    }
}

fn additional_data(key_id: Uuid, tenant: ClientId, subject: &str) -> Vec<u8> {
    [key_id.as_bytes(), tenant.0.as_bytes(), subject.as_bytes()].concat()
}

/// HMAC-SHA256 over length-prefixed parts: no two lists of parts read the same.
pub fn keyed_hash(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = new_hmac(key);
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// HMAC takes a key of any length.
pub fn new_hmac(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(impossible) => unreachable!("HMAC refused a key: {impossible}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_opens_for_its_subject_only() {
        let (master, key, tenant) = (MasterKey::random(), DataKey::random(), ClientId(Uuid::nil()));
        let wrapped = master.wrap(&key, tenant, "usr_1").unwrap();
        assert_eq!(master.unwrap(key.id(), &wrapped, tenant, "usr_1").unwrap().secret(), key.secret());
        assert!(master.unwrap(key.id(), &wrapped, tenant, "usr_2").is_err());
        assert!(MasterKey::random().unwrap(key.id(), &wrapped, tenant, "usr_1").is_err());
    }

    #[test]
    fn what_is_sealed_for_a_purpose_opens_for_it_in_its_place_only() {
        let master = MasterKey::random();
        let sealed = master.seal("x", b"here", b"plain").unwrap();
        assert_eq!(master.open("x", b"here", &sealed).unwrap(), b"plain");
        assert!(master.open("y", b"here", &sealed).is_err());
        assert!(master.open("x", b"there", &sealed).is_err());
        assert!(MasterKey::random().open("x", b"here", &sealed).is_err());
        assert!(master.open("x", b"here", b"short").is_err());
    }

    #[test]
    fn a_master_key_reads_back() {
        let master = MasterKey::random();
        let again = MasterKey::from_base64(&master.to_base64()).unwrap();
        assert_eq!(master.derive("x"), again.derive("x"));
        assert_ne!(master.derive("x"), master.derive("y"));
        assert_eq!(MasterKey::from_base64("short").unwrap_err(), MasterKeyError);
    }
}
