//! Matching numbers: what stands beside the QR code of a login, on the client's own page, and has to be entered where the
//! code leads. Whoever was sent somebody else's code, or had it shown to them elsewhere, does not see the number.
//!
//! Three digits that are typed, and not one of a few to choose from: of three numbers every third guess is right, of a
//! thousand, with the three tries that a code takes, one in 333. The number is made from the code's id under a key of
//! ours, so no row and no event holds it, every instance knows it, and a restart changes nothing.

use mobid_domain::id::QrId;

use crate::vault::MasterKey;

pub const DIGITS: usize = 3;
const NUMBERS: u64 = 1_000;

/// The number of a code, with its leading zeros.
pub fn of(master: &MasterKey, code: QrId) -> String {
    let mac = master.hmac("mobid/matching-number", &[code.0.as_bytes()]);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&mac[..8]);
    // Of 2^64 values the remainder favours none by more than one in 10^16.
    format!("{:03}", u64::from_be_bytes(bytes) % NUMBERS)
}

/// What somebody entered, if it is a number of this kind: whatever stands between its digits does not count.
pub fn typed(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    (digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(n: u128) -> QrId {
        QrId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn a_code_has_one_number_and_only_we_know_it() {
        let (ours, theirs) = (MasterKey::random(), MasterKey::random());
        let all = |master: &MasterKey| (0..500).map(|n| of(master, code(n))).collect::<Vec<_>>();
        assert_eq!(all(&ours), all(&ours));
        let same = all(&ours).iter().zip(&all(&theirs)).filter(|(one, other)| one == other).count();
        assert!(same < 10, "{same} of 500 by another key");
        assert!(
            all(&ours).iter().all(|number| number.len() == DIGITS && typed(number).as_ref() == Some(number))
        );
    }

    #[test]
    fn all_numbers_are_about_as_frequent() {
        let master = MasterKey::random();
        let mut counts = [0_u32; 10];
        for number in (0..5_000).map(|n| of(&master, code(n))) {
            counts[usize::from(number.as_bytes()[0] - b'0')] += 1;
        }
        assert!(counts.iter().all(|count| (350..650).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_number_is_read_as_people_type_it() {
        assert_eq!(typed(" 0 4-2 ").as_deref(), Some("042"));
        for wrong in ["", "42", "0042", "04a", "٠٤٢", "+42"] {
            assert_eq!(typed(wrong), None, "{wrong}");
        }
    }
}
