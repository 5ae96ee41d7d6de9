//! Hashes and signatures as text.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits_of(*byte)).map(char::from).collect()
}

/// The same of a SHA-256 hash, as bytes, for a comparison that needs no text.
pub fn hex_digits(hash: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    for (two, byte) in digits.chunks_exact_mut(2).zip(hash) {
        two.copy_from_slice(&digits_of(*byte));
    }
    digits
}

fn digits_of(byte: u8) -> [u8; 2] {
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_two_digits() {
        assert_eq!(hex(&[]), "");
        assert_eq!(hex(&[0x00, 0x0f, 0xa5, 0xff]), "000fa5ff");
        assert_eq!(hex_digits(&[0xa5; 32]).as_slice(), hex(&[0xa5; 32]).as_bytes());
    }
}
