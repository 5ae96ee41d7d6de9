//! The core alone: what webauthn-rs keeps to itself, and what is relied on of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mobid::webauthn::{
    Assertion, Attestation, Authentication, Challenge, Credential, NewUser, Registered, RelyingParty,
};
use mobid_domain::fido::Reason;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::WebauthnBuilder;
use webauthn_rs::prelude::{
    AttestationFormat, COSEKey, DiscoverableAuthentication, ParsedAttestation, PublicKeyCredential,
};

use crate::support::authenticator::Authenticator;

const ORIGIN: &str = "http://localhost:1";
const OWN: Challenge = [42; 32];
const OWN_TEXT: &str = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio";

fn party() -> RelyingParty {
    RelyingParty::new("localhost", "A shop", [ORIGIN]).unwrap()
}

const USER: NewUser<'static> =
    NewUser { handle: Uuid::from_u128(7), name: "ann@example.com", display_name: "Ann" };

fn registered(authenticator: &mut Authenticator) -> Registered {
    let (options, state) = party().begin_registration(USER, vec![], None).unwrap();
    let answer = Attestation::read(&authenticator.create(&options)).unwrap();
    party().finish_registration(state, &answer).unwrap()
}

fn shown(authentication: &Authentication, answer: &Value, credential: &Credential) -> Result<u32, Reason> {
    let answer = Assertion::read(answer).unwrap();
    let shown = party().finish_authentication(authentication, &answer, credential, false)?;
    assert!(shown.user_verified);
    Ok(shown.sign_count)
}

/// The state of webauthn-rs is private: where its challenge is, is known of this version alone.
#[test]
fn a_challenge_of_ones_own_is_the_one_that_registers() {
    let (options, state) = party().begin_registration(USER, vec![], Some(OWN)).unwrap();
    assert_eq!(options["challenge"], OWN_TEXT);
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(text.matches(OWN_TEXT).count(), 1, "{text}");
    let mut authenticator = Authenticator::at(ORIGIN);
    let answer = Attestation::read(&authenticator.create(&options)).unwrap();
    assert!(party().finish_registration(state.clone(), &answer).is_ok());
    let other = json!({ "challenge": "AAAA", "user": options["user"] });
    let answer = Attestation::read(&authenticator.create(&other)).unwrap();
    assert_eq!(party().finish_registration(state, &answer).unwrap_err(), Reason::ChallengeMismatch);
}

#[test]
fn a_challenge_of_ones_own_is_the_one_that_is_signed() {
    let mut authenticator = Authenticator::at(ORIGIN);
    let credential = registered(&mut authenticator).credential;
    let (options, state) = party().begin_authentication(&[], Some(OWN));
    assert_eq!(options["challenge"], OWN_TEXT);
    let answer = authenticator.get(&options);
    assert_eq!(shown(&state, &answer, &credential), Ok(1));
    let (_, other) = party().begin_authentication(&[], Some([43; 32]));
    assert_eq!(shown(&other, &answer, &credential), Err(Reason::ChallengeMismatch));
    let (_, random) = party().begin_authentication(&[], None);
    assert_eq!(shown(&random, &answer, &credential), Err(Reason::ChallengeMismatch));
}

#[test]
fn a_challenge_is_never_the_same_again() {
    let challenge = || party().begin_authentication(&[], None).0["challenge"].clone();
    assert_ne!(challenge(), challenge());
    let challenge = || party().begin_registration(USER, vec![], None).unwrap().0["challenge"].clone();
    assert_ne!(challenge(), challenge());
}

/// As it was written, so that any library can read it, whatever becomes of this one.
#[test]
fn what_is_kept_of_a_credential_is_its_id_and_its_cose_key() {
    let mut authenticator = Authenticator::at(ORIGIN);
    let registered = registered(&mut authenticator);
    assert_eq!(registered.credential.id, authenticator.credential_id);
    assert_eq!(registered.credential.public_key, authenticator.cose_key());
    assert_eq!(registered.aaguid, Uuid::from_bytes([7; 16]));
    assert_eq!(registered.transports, ["internal", "hybrid"]);
    let json = registered.credential.to_json().unwrap();
    assert_eq!(Credential::from_json(&json).unwrap(), registered.credential);
    let fields: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(fields.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "publicKey"]);
}

#[test]
fn an_answer_that_is_none_of_a_browser_is_not_read() {
    let mut authenticator = Authenticator::at(ORIGIN);
    let (options, _) = party().begin_authentication(&[], None);
    let good = authenticator.get(&options);
    assert!(Assertion::read(&good).is_ok());
    for (field, value) in [
        ("id", json!("AQID")),
        ("rawId", json!("AQID")),
        ("rawId", json!("!")),
        ("type", json!("password")),
        ("response", json!({})),
        ("response", json!(null)),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        assert!(Assertion::read(&bad).is_err(), "{bad}");
    }
    assert!(Attestation::read(&good).is_err());
}

/// What webauthn-rs says of an answer.
fn oracle(challenge: &Value, answer: &Value, credential: &Credential) -> Option<u32> {
    let state = json!({ "ast": { "credentials": [], "policy": "required", "challenge": challenge, "appid": null,
        "allow_backup_eligible_upgrade": true } });
    let state: DiscoverableAuthentication = serde_json::from_value(state).unwrap();
    let key: serde_cbor_2::Value = serde_cbor_2::from_slice(&credential.public_key).unwrap();
    let known = webauthn_rs::prelude::Credential {
        cred_id: credential.id.clone(),
        cred: COSEKey::try_from(&key).unwrap(),
        counter: 0,
        transports: None,
        user_verified: true,
        backup_eligible: false,
        backup_state: false,
        registration_policy: serde_json::from_value(json!("required")).unwrap(),
        extensions: serde_json::from_value(json!({})).unwrap(),
        attestation: ParsedAttestation::default(),
        attestation_format: AttestationFormat::None,
    };
    let webauthn = WebauthnBuilder::new("localhost", &ORIGIN.parse().unwrap()).unwrap().build().unwrap();
    let answer: PublicKeyCredential = serde_json::from_value(answer.clone()).unwrap();
    webauthn.finish_discoverable_authentication_v2(&answer, state, known).ok().map(|shown| shown.counter())
}

/// Answers, and each of them with one bit changed somewhere: what webauthn-rs takes is taken, and nothing else.
#[test]
fn an_answer_holds_exactly_where_webauthn_rs_says_so() {
    let (mut held, mut fell) = (0, 0);
    for flags in 0..=u8::MAX {
        let mut authenticator = Authenticator::at(ORIGIN);
        let credential = registered(&mut authenticator).credential;
        let (options, state) = party().begin_authentication(&[], None);
        // Neither attested data nor extensions follow.
        authenticator.flags = flags & 0x3f;
        let good = authenticator.get(&options);
        let mut answers = vec![good.clone()];
        for part in ["clientDataJSON", "authenticatorData", "signature"] {
            let mut bytes = URL_SAFE_NO_PAD.decode(good["response"][part].as_str().unwrap()).unwrap();
            let bit = usize::from(flags) * 7919 % (bytes.len() * 8);
            // A flag that says that more follows makes webauthn-rs look for it.
            if part == "authenticatorData" && bit / 8 == 32 && bit % 8 >= 6 {
                continue;
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut bad = good.clone();
            bad["response"][part] = json!(URL_SAFE_NO_PAD.encode(bytes));
            answers.push(bad);
        }
        for answer in answers {
            let ours = shown(&state, &answer, &credential).ok();
            let backed_up_later = authenticator.flags & 0x18 == 0x18;
            // Which webauthn-rs lets no credential become that could not be before.
            if !backed_up_later {
                assert_eq!(ours, oracle(&options["challenge"], &answer, &credential), "{flags:#x} {answer}");
            }
            if ours.is_some() { held += 1 } else { fell += 1 }
        }
    }
    assert!(held >= 32 && fell >= 700, "{held} {fell}");
}

#[test]
fn a_key_that_is_none_verifies_nothing() {
    let mut authenticator = Authenticator::at(ORIGIN);
    let mut credential = registered(&mut authenticator).credential;
    let (options, state) = party().begin_authentication(&[], None);
    credential.public_key.truncate(20);
    assert_eq!(shown(&state, &authenticator.get(&options), &credential), Err(Reason::SignatureInvalid));
}
