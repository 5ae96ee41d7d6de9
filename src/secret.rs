//! Where randomness comes from, and how secrets are compared.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt;
use subtle::ConstantTimeEq;

/// Random bytes of the system's generator's quality (`ChaCha12`, seeded and reseeded by the system).
pub fn random<const N: usize>() -> [u8; N] {
    rand::rng().random()
}

/// A number below `bound`, each as likely as any other.
pub fn random_below(bound: u32) -> u32 {
    rand::rng().random_range(0..bound)
}

/// Compares in a time that does not tell where they differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// A signing secret as Standard Webhooks writes it: `whsec_` and 32 random bytes in base64.
pub fn webhook_secret() -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(format!("whsec_{}", STANDARD.encode(random::<32>())))
}
