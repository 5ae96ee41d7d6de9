//! A secret in the forms in which it could lie about: as it is, and in hex and base64, its bytes as well as its text.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use mobid_domain::leaf::hex;

/// What shorter texts look like is found anywhere by chance.
const SHORTEST: usize = 8;

pub struct Forms {
    /// What it is a form of, and the form.
    forms: Vec<(String, Vec<u8>)>,
    /// Which two bytes a form begins with: for one look at each byte of what is searched.
    beginnings: Vec<bool>,
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

impl Forms {
    pub fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let mut forms = vec![];
        for text in texts {
            for form in of(&text) {
                forms.push((text.clone(), form));
            }
        }
        let mut beginnings = vec![false; 1 << 16];
        for (_, form) in &forms {
            beginnings[beginning(form)] = true;
        }
        Self { forms, beginnings }
    }

    pub fn assert_nowhere(&self, what: &str, bytes: &[u8]) {
        for at in 0..bytes.len().saturating_sub(1) {
            if !self.beginnings[beginning(&bytes[at..])] {
                continue;
            }
            let found = self.forms.iter().find(|(_, form)| bytes[at..].starts_with(form));
            let around = String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]);
            assert!(found.is_none(), "{what} holds {found:?} after {around}");
        }
    }
}

fn of(text: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![text.as_bytes().to_vec(), text.replace('é', "\\u00e9").into_bytes()];
    forms.extend(encoded(text.as_bytes()));
    // A key of random bytes that is written in base64.
    if let Ok(raw) = STANDARD.decode(text.trim_start_matches("whsec_"))
        && raw.len() == 32
    {
        forms.extend(encoded(&raw));
        forms.push(raw);
    }
    forms.retain(|form| form.len() >= SHORTEST || form == text.as_bytes());
    forms.sort();
    forms.dedup();
    forms
}

fn encoded(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![hex(bytes).into_bytes(), hex(bytes).to_uppercase().into_bytes()];
    // Wherever it begins within what is encoded: without the digits that depend on its neighbours.
    for before in 0..3 {
        let padded = [vec![0; before], bytes.to_vec()].concat();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            forms.push(text.as_bytes()[(before * 8).div_ceil(6)..padded.len() * 8 / 6].to_vec());
        }
    }
    forms
}

#[test]
fn every_form_is_found() {
    let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let forms = Forms::of([secret.to_owned()]);
    let raw: Vec<u8> = (0..32).collect();
    for (n, form) in [
        secret.as_bytes().to_vec(),
        raw.clone(),
        hex(&raw).into_bytes(),
        hex(secret.as_bytes()).to_uppercase().into_bytes(),
        STANDARD.encode(format!("x{secret}")).into_bytes(),
        URL_SAFE_NO_PAD.encode(format!("xy{secret}z")).into_bytes(),
        STANDARD.encode([b"abc", raw.as_slice(), b"d"].concat()).into_bytes(),
    ]
    .into_iter()
    .enumerate()
    {
        let around = [b"some ".as_slice(), &form, b" where"].concat();
        assert!(std::panic::catch_unwind(|| forms.assert_nowhere("it", &around)).is_err(), "{n}");
    }
    forms.assert_nowhere("nothing", b"some where AAECAwQFBgcICQoLDA0ODxAREhMUFRYX");
}
