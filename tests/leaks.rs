//! After a whole life of a consent, with logs at trace: no personal datum and no secret is legible in the database's
//! dump, in its files, or in the logs. The development outbox, which is there to be read, is left out.

mod forms;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use self::forms::Forms;
use crate::me::Guest;
use crate::pages::Visitor;
use crate::support::authenticator::{self, Authenticator};
use crate::support::enrollee::{self, Enrollee};
use crate::support::login;
use crate::support::process::ServerProcess;
use crate::support::receiver::Receiver;
use crate::support::redis::Redis;
use crate::support::{Api, Reply, free_port, outbox};

const RECIPIENT: &str = "+4915112345678";
const RECIPIENT_OF_A_PASSKEY: &str = "+4915198765432";
const METADATA: &str = "leak-me-metadata-4711";
const CALLBACK: &str = "leak-me-callback-4711";
const RETURN: &str = "leak-me-return-4711";
const DESCRIPTION: &str = "leak-me-description-4711";
const NAME: &str = "Leakmé Claimant";
const REFERENCE: &str = "leak-me-customer-4711";
const EMAIL: &str = "leakme@claims.example";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_and_no_secret_is_legible_at_rest_or_in_logs() {
    let receiver = Receiver::start().await;
    let mut redis = Redis::start().await;
    let admin = format!("127.0.0.1:{}", free_port());
    let mut server = ServerProcess::new(&[
        ("REDIS_URL", &redis.url()),
        ("RUST_LOG", "trace"),
        ("MOBID_LOG_FORMAT", "json"),
        ("MOBID_ADMIN_LISTEN", &admin),
    ]);
    server.start().await;
    let mut secrets = live(&server, &receiver).await;
    // What is said of a Redis that is away is not where it is and by which password.
    redis.kill();
    secrets.push(Redis::password().to_owned());
    secrets.extend(manage_a_client(&server.api()).await);
    secrets.extend(log_in_by_passkey(&server.api()).await);
    secrets.extend(enroll_and_decide(&server).await);
    put_where_they_do_not_belong(&server.api(), &secrets).await;
    let of_people =
        [RECIPIENT, RECIPIENT_OF_A_PASSKEY, METADATA, CALLBACK, RETURN, DESCRIPTION, NAME, EMAIL, REFERENCE];
    let of_people = of_people.map(str::to_owned);
    let legible = Forms::of(of_people.into_iter().chain(secrets));

    let dump = dump(&server);
    assert!(dump.contains("consent.approved"), "the dump has the log");
    legible.assert_nowhere("the dump", dump.as_bytes());
    let operator = Api::new(format!("http://{admin}"), String::new());
    for (path, known) in [("/metrics", "mobid_http_request_seconds"), ("/health/detail", "{")] {
        let told = operator.get(path).await.text;
        assert!(told.contains(known), "{told}");
        legible.assert_nowhere(path, told.as_bytes());
    }
    assert!(server.terminate().await);
    let log = fs::read_to_string(server.log_path()).unwrap();
    assert!(log.contains("\"level\":\"DEBUG\""), "the log has more than the usual");
    assert!(log.contains("\"route\":\"/v1/service/consents/{id}\""), "but what was asked for");
    let mut looked_at = 0;
    for path in files(&server.data_dir) {
        looked_at += 1;
        legible.assert_nowhere(&path.display().to_string(), &fs::read(&path).unwrap());
    }
    assert!(looked_at > 100, "the database's own files were looked at: {looked_at}");
}

/// Everything that a consent goes through; answers with the secrets that were seen on the way.
async fn live(server: &ServerProcess, receiver: &Receiver) -> Vec<String> {
    let api = server.api();
    let endpoint = json!({ "url": format!("{}?{CALLBACK}", receiver.url()), "description": DESCRIPTION });
    let endpoint = api.post("/v1/webhooks", &endpoint).await;
    assert_eq!(endpoint.status, 200, "{}", endpoint.body);
    let body = json!({
        "recipient": RECIPIENT,
        "purpose": "data_sharing",
        "scope": ["name", "email"],
        "callbackUrl": format!("{}?{CALLBACK}", receiver.url()),
        "returnUrl": format!("{}/{RETURN}", api.url("")),
        "metadata": { "note": METADATA },
        "notify": true,
    });
    let created = api.post_once("/v1/service/consents/search", "once", &body).await;
    assert_eq!(created.status, 200, "{}", created.body);
    let replayed = api.post_once("/v1/service/consents/search", "once", &body).await;
    assert_eq!(replayed.body, created.body);
    let id = created.id();
    let watch_token = created.data()["watchToken"].as_str().unwrap().to_owned();
    let watched = api.http.get(api.url(&format!("/v1/service/consents/{id}?watchToken={watch_token}")));
    assert_eq!(Reply::of(watched).await.data()["status"], "pending");
    let qr = api.post("/v1/qr/generate", &json!({ "type": "consent", "referenceId": id })).await;
    assert_eq!(qr.status, 200, "{}", qr.body);
    // What is no id, where an id should be.
    assert_eq!(api.get(&format!("/v1/service/consents/{RECIPIENT}")).await.status, 404);
    let path = format!("/v1/service/consents/{id}");
    let changed = api.patch(&path, &json!({ "metadata": { "note": format!("{METADATA}-again") } })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let refused = api.patch(&path, &json!({ "callbackUrl": format!("ftp://{CALLBACK}") })).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let mut ann = Visitor::at(&api);
    let fields =
        [("scope", "name"), ("scope", "email"), ("claim.name", NAME), ("claim.email", EMAIL), ("via", "qr")];
    let asked = ann.ask(&id, "approve", &fields).await;
    assert_eq!(asked.status, 303, "{}", asked.html);
    let wrong = ann.enter(&id, "000000").await;
    assert!(wrong.status == 422 || wrong.status == 303, "{}", wrong.html);
    let code = last_code(server);
    ann.enter(&id, &code).await;
    let approved = api.get(&path).await;
    assert_eq!(approved.data()["claims"]["name"]["value"], NAME, "{}", approved.body);
    let found = api.get(&format!("/v1/service/consents?recipient={}", RECIPIENT.replace('+', "%2B"))).await;
    assert_eq!(found.data()["items"].as_array().unwrap().len(), 1);
    // created, updated and approved to the endpoint, approved to the callbackUrl
    receiver.has_received(4).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let cookie = ann.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    let file = |name: &str| fs::read_to_string(server.data_dir.join(name)).unwrap().trim().to_owned();
    vec![
        api.key.clone(),
        text(&endpoint.data()["secret"]),
        cookie,
        watch_token,
        text(&qr.data()["watchToken"]),
        file("master.key"),
        file("owner.callback-secret"),
        text(&json!(code)) + "\"",
    ]
}

/// Everything that a client gets shown once, each with an answer kept for a retry.
async fn manage_a_client(owner: &Api) -> Vec<String> {
    let body = json!({ "name": "Example", "permissions": ["consents:read"] });
    let made = owner.post_once("/v1/clients", "make", &body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let again = owner.post_once("/v1/clients", "make", &body).await;
    assert_eq!(again.text, made.text);
    let client = Api::new(owner.url(""), made.data()["apiKey"].as_str().unwrap().to_owned());
    let path = format!("/v1/clients/{}", made.id());
    let rotate = format!("{path}/rotate-callback-secret");
    let rotated = client.post_once(&rotate, "rotate", &json!({})).await;
    assert_eq!(client.post_once(&rotate, "rotate", &json!({})).await.text, rotated.text);
    let regenerate = format!("{path}/regenerate-key");
    let grace = json!({ "graceSeconds": 3_600 });
    let second = client.post_once(&regenerate, "regenerate", &grace).await;
    assert_eq!(client.post_once(&regenerate, "regenerate", &grace).await.text, second.text);
    let client = Api::new(owner.url(""), second.data()["apiKey"].as_str().unwrap().to_owned());
    let third = client.post_once(&regenerate, "again", &json!({})).await;
    assert_eq!(client.post_once(&regenerate, "again", &json!({})).await.text, third.text);
    assert_eq!(client.get(&path).await.status, 401);
    assert_eq!(owner.get("/v1/clients").await.status, 200);
    let shown = [(&made, "apiKey"), (&made, "callbackSecret"), (&rotated, "callbackSecret")];
    let shown = shown.into_iter().chain([(&second, "apiKey"), (&third, "apiKey")]);
    shown.map(|(reply, field)| reply.data()[field].as_str().unwrap().to_owned()).collect()
}

/// Everything that a passkey goes through; answers with what of it says whose it is, or could be signed again.
async fn log_in_by_passkey(api: &Api) -> Vec<String> {
    let mut authenticator = Authenticator::at(&api.url(""));
    let body = json!({ "userId": REFERENCE, "userName": REFERENCE, "deviceName": DESCRIPTION });
    let begun = api.post_once("/v1/auth/fido/register/begin", "begin", &body).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let created = authenticator.create(&begun.data()["publicKey"]);
    let answer = json!({ "sessionId": begun.data()["sessionId"], "credential": created });
    let registered = api.post_once("/v1/auth/fido/register/complete", "complete", &answer).await;
    assert_eq!(registered.status, 200, "{}", registered.text);
    let mut shown = vec![begun.data()["publicKey"].clone(), created];
    for spoilt in [false, true] {
        let begun = authenticator::begin(api, Some(REFERENCE)).await;
        let mut credential = authenticator.get(&begun["publicKey"]);
        if spoilt {
            credential["response"]["signature"] = json!("MAA");
        }
        let reply = authenticator::complete(api, &begun, &credential).await;
        assert_eq!(reply.status, if spoilt { 422 } else { 200 }, "{}", reply.text);
        shown.extend([begun["publicKey"].clone(), credential]);
    }
    let block = format!("/v1/devices/{}/block", registered.data()["deviceId"].as_str().unwrap());
    let blocked = api.post_once(&block, "block", &json!({ "reason": DESCRIPTION })).await;
    assert_eq!(blocked.status, 200, "{}", blocked.text);
    assert_eq!(api.get(&format!("/v1/devices?userId={REFERENCE}")).await.status, 200);
    let parts = ["/challenge", "/user/id", "/id", "/response/clientDataJSON", "/response/attestationObject"];
    let parts = [&parts[..], &["/proof/text", "/proof/publicKey"]].concat();
    let parts = parts.iter().flat_map(|part| shown.iter().filter_map(|shown| shown.pointer(part)?.as_str()));
    parts.map(str::to_owned).collect()
}

/// Everything that a person goes through who has a passkey of the hosted pages; answers with what of it nobody may read.
async fn enroll_and_decide(server: &ServerProcess) -> Vec<String> {
    let api = server.api();
    let fields = json!({ "recipient": RECIPIENT_OF_A_PASSKEY, "displayName": NAME, "claims": { "note": METADATA },
        "callbackUrl": format!("https://localhost:1/{CALLBACK}") });
    let id = enrollee::create_with(&api, fields).await;
    let mut ann = Enrollee::new(&api);
    ann.prove_with(&id, || last_code(server)).await;
    let mut shown = vec![];
    let wanted = json!({ "recipient": RECIPIENT_OF_A_PASSKEY, "purpose": "data_sharing", "scope": ["name"] });
    let consent = api.post("/v1/service/consents", &wanted).await.id();
    let approve = [("action", "approve"), ("scope", "name"), ("claim.name", NAME)];
    for (resource, fields) in [(&id, &approve[..0]), (&id, &approve[..0]), (&consent, &approve[..])] {
        let begun = ann.begin(resource, fields).await;
        let credential = ann.answer(&begun);
        let done = ann.finish(resource, &begun, &credential).await;
        assert_eq!(done.status, 303, "{}", done.html);
        let options = if begun["create"].is_object() { &begun["create"] } else { &begun["get"] };
        shown.extend([options.clone(), credential]);
    }
    shown.extend(log_in_by_qr_code(&api, &mut ann).await);
    let (theirs, authenticator) = look_at_what_is_theirs(server, &consent, ann.authenticator).await;
    ann.authenticator = authenticator;
    let evidence = api.get(&format!("/v1/service/consents/{consent}/evidence")).await;
    let proof = &evidence.data()["items"][0]["proof"];
    let mut secrets: Vec<_> =
        ["text", "publicKey"].iter().map(|part| proof[part].as_str().unwrap().to_owned()).collect();
    let parts = ["/challenge", "/user/id", "/id", "/response/clientDataJSON", "/response/attestationObject"];
    let parts = parts.iter().flat_map(|part| shown.iter().filter_map(|shown| shown.pointer(part)?.as_str()));
    secrets.extend(parts.map(str::to_owned));
    secrets.push(ann.browser.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned());
    secrets.extend(theirs);
    secrets
}

/// A login by QR code, once spoilt and once good; what was asked and answered.
async fn log_in_by_qr_code(api: &Api, ann: &mut Enrollee) -> Vec<Value> {
    let login = login::generate(api).await;
    ann.match_number(&login).await;
    let mut shown = vec![];
    for (spoilt, status) in [(true, 422), (false, 303)] {
        let begun = ann.begin(&login.id, &[]).await;
        let mut credential = ann.answer(&begun);
        if spoilt {
            credential["response"]["signature"] = json!("MAA");
        }
        let done = ann.finish(&login.id, &begun, &credential).await;
        assert_eq!(done.status, status, "{}", done.html);
        shown.extend([begun["get"].clone(), credential]);
    }
    assert_eq!(login.seen(api).await["status"], "used");
    let evidence = api.get(&format!("/v1/qr/{}/evidence", login.id)).await;
    shown.push(json!({ "proof": evidence.data()["items"][0]["proof"] }));
    shown
}

/// What somebody does on the pages of their own: signs in, reports abuse, and begins to sign in with a code.
async fn look_at_what_is_theirs(
    server: &ServerProcess,
    consent: &str,
    authenticator: Authenticator,
) -> (Vec<String>, Authenticator) {
    let mut ann = Guest { browser: Visitor::at(&server.api()), authenticator };
    ann.sign_in().await;
    let fields = [("reason", "other"), ("text", DESCRIPTION)];
    let reported = ann.post(&format!("/me/consents/{consent}/report"), &fields).await;
    assert_eq!(reported.status, 303, "{}", reported.html);
    let reports = server.api().get("/v1/reports").await;
    assert_eq!(reports.data()["items"][0]["text"], DESCRIPTION, "{}", reports.text);
    let token = |guest: &Guest| guest.browser.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    let mut by_code = Guest { browser: Visitor::at(&server.api()), authenticator: ann.authenticator };
    assert_eq!(by_code.ask(RECIPIENT).await.status, 303);
    (
        vec![token(&by_code), ann.browser.cookie.unwrap().split_once('=').unwrap().1.to_owned()],
        by_code.authenticator,
    )
}

/// A secret in a path, a query, a field, a value, and instead of a key.
async fn put_where_they_do_not_belong(api: &Api, secrets: &[String]) {
    for secret in secrets.iter().map(|secret| secret.replace(['"', '+', '/', '='], "")) {
        assert_eq!(api.get(&format!("/v1/service/consents/{secret}")).await.status, 404);
        assert_eq!(api.get(&format!("/v1/service/consents?{secret}={secret}")).await.status, 400);
        assert_eq!(api.get(&format!("/v1/service/consents?cursor={secret}")).await.status, 400);
        let body = json!({ "recipient": secret, "purpose": secret, secret.as_str(): secret });
        assert_eq!(api.post("/v1/service/consents", &body).await.status, 400);
        let stranger = Api::new(api.url(""), secret.clone());
        assert!([200, 401].contains(&stranger.get("/v1/health").await.status));
        assert_eq!(api.get(&format!("/r/{secret}")).await.status, 404);
    }
}

fn last_code(server: &ServerProcess) -> String {
    let messages = outbox(&server.data_dir);
    messages.iter().rev().find_map(|message| message["code"].as_str()).unwrap().to_owned()
}

/// All tables, as SQL.
fn dump(server: &ServerProcess) -> String {
    let output = Command::new(postgres_program("pg_dump")).arg(server.database_url()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Beside the server's own Postgres.
fn postgres_program(name: &str) -> PathBuf {
    let given = std::env::var_os("MOBID_POSTGRES_BIN").map(PathBuf::from);
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let packaged = packaged.map(|entry| entry.unwrap().path().join("bin"));
    let mut places = given.into_iter().chain(packaged).map(|directory| directory.join(name));
    places.find(|program| program.exists()).unwrap_or_else(|| PathBuf::from(name))
}

/// Every file below, but for the outbox and the files that hold keys.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "outbox" {
                found.extend(files(&path));
            }
        } else if path.is_file()
            && path.extension().is_none_or(|extension| extension != "key" && extension != "callback-secret")
        {
            found.push(path);
        }
    }
    found
}
