//! Finding out who is known here: every answer to somebody who has proved nothing is the same for known and unknown
//! people, and so is the work that the database does for it.

use serde_json::{Value, json};

use crate::pages::{Page, Visitor, wrong};
use crate::support::authenticator::Authenticator;
use crate::support::enrollee::{Enrollee, create, create_with};
use crate::support::tap::Tap;
use crate::support::{Api, TestApp, fresh_database, reference_body};

/// What a question about a handle says, and what it cost.
type Told = (&'static str, u16, String, Vec<String>);

/// Tables that say something of people, or that are asked on their account.
const TELLING: [&str; 6] =
    ["claims", "vault_", "one_time_codes", "page_", "ceremonies", "from events where aggregate_type"];

struct Prober<'a> {
    app: &'a TestApp,
    tap: &'a Tap,
    /// Of a client that asks about people.
    client: &'a Api,
    mallory: Enrollee,
    told: Vec<Told>,
    /// What differs from one request to the next by chance.
    chance: Vec<String>,
}

impl Prober<'_> {
    async fn note(&mut self, what: &'static str, status: u16, answer: &str) {
        // Housekeeping comes by the clock, whoever asks for what.
        let asked = self.tap.take().into_iter().filter(|sql| !sql.starts_with("with gone as"));
        let mut asked: Vec<_> = asked.filter(|sql| TELLING.iter().any(|table| sql.contains(table))).collect();
        asked.sort();
        let answer = self.chance.iter().fold(answer.to_owned(), |answer, by| answer.replace(by, "…"));
        self.told.push((what, status, answer, asked));
        // A reader that finds its table behind the log reads the log: not for what is asked next.
        self.app.caught_up().await;
        self.tap.take();
    }

    async fn page(&mut self, what: &'static str, page: &Page) {
        for name in ["csrf", "session"] {
            self.chance.extend(page.find_field(name).filter(|value| !value.is_empty()));
        }
        let answer = format!("{} {}", page.location(), page.html);
        self.note(what, page.status, &answer).await;
    }

    /// Everything that somebody can do who proves nothing.
    async fn probe(&mut self, handle: &str) {
        self.tap.take();
        let mut body = reference_body();
        (body["recipient"], body["scope"]) = (json!(handle), json!([]));
        let made = self.client.post("/v1/service/consents", &body).await;
        self.note("a client asks", made.status, "").await;
        self.resource(&made.id(), "approve").await;
        let made = self.client.post("/v1/enrollments", &json!({ "recipient": handle })).await;
        self.note("a client enrolls", made.status, "").await;
        self.resource(&made.id(), "enroll").await;
    }

    async fn resource(&mut self, id: &str, action: &str) {
        self.chance = vec![id.to_owned()];
        let mut stranger = Visitor::at(self.client);
        let page = stranger.open(id).await;
        self.page("looks", &page).await;
        let led = stranger.get(&format!("/qr/{id}")).await;
        self.page("follows a code", &led).await;
        let before = self.app.outbox().len();
        let asked = stranger.ask_from(&page, id, action, &[]).await;
        self.page("asks for a code", &asked).await;
        let sent = self.app.outbox();
        self.note("is sent", u16::try_from(sent.len() - before).unwrap(), "").await;
        let entry = stranger.get(&format!("/r/{id}/code")).await;
        self.page("is asked for it", &entry).await;
        let code = wrong(sent.last().unwrap()["code"].as_str().unwrap());
        let csrf = entry.field("csrf");
        let refused = stranger.post(&format!("/r/{id}/decide"), &[("csrf", &csrf), ("code", &code)]).await;
        self.page("guesses", &refused).await;
        let recovered = stranger.post(&format!("/r/{id}/recover"), &[("csrf", &csrf)]).await;
        self.page("begins anew", &recovered).await;
        self.show_a_passkey(id).await;
    }

    /// Mallory has a passkey, which is good, and not whom this is for.
    async fn show_a_passkey(&mut self, id: &str) {
        let page = self.mallory.browser.open(id).await;
        let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
        self.app.caught_up().await;
        self.tap.take();
        let fields = [("csrf", csrf.as_str()), ("sequence", &sequence), ("action", "reject")];
        let begun = self.mallory.browser.post(&format!("/r/{id}/passkey/begin"), &fields).await;
        let Ok(options) = serde_json::from_str::<Value>(&begun.html) else {
            self.chance.push(csrf);
            return self.page("is refused a passkey", &begun).await;
        };
        self.chance.extend([csrf, options["session"].as_str().unwrap().to_owned()]);
        self.chance.push(options["get"]["challenge"].as_str().unwrap().to_owned());
        self.page("is asked for a passkey", &begun).await;
        let credential = self.mallory.answer(&options);
        let page = self.mallory.finish(id, &options, &credential).await;
        self.page("shows another's passkey", &page).await;
    }
}

async fn prepare(app: &TestApp, handle: &str, how: &str) {
    let enrollment = json!({ "recipient": handle });
    let mut somebody = Enrollee::new(&app.api);
    match how {
        "unknown" => {}
        "proved once" => {
            somebody.prove(app, &create_with(&app.api, enrollment).await).await;
        }
        "with a passkey" => {
            somebody.enroll(app, &create_with(&app.api, enrollment).await).await;
        }
        _ => {
            somebody.enroll(app, &create_with(&app.api, enrollment.clone()).await).await;
            let id = create_with(&app.api, enrollment).await;
            let mut anew = Enrollee::new(&app.api);
            anew.prove(app, &id).await;
            let csrf = anew.browser.csrf(&id).await;
            anew.browser.post(&format!("/r/{id}/recover"), &[("csrf", &csrf)]).await;
            anew.passkey(&id).await;
            anew.passkey(&id).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_proves_nothing_learns_nothing_of_whom_by_no_answer_and_by_no_work_done_for_it() {
    let database = fresh_database().await;
    let tap = Tap::start(&database).await;
    let clock = mobid::clock::Clock::manual(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000));
    let app = TestApp::start_on(tap.database_url.clone(), clock, |_| {}).await;
    let client = app.other_client().await;
    let mut mallory = Enrollee::new(&app.api);
    mallory.authenticator = Authenticator::at(&app.url(""));
    mallory.enroll(&app, &create(&app.api).await).await;
    let mut prober = Prober { app: &app, tap: &tap, client: &client, mallory, told: vec![], chance: vec![] };
    // The first one warms up what every later one finds.
    let people = ["unknown", "unknown", "proved once", "with a passkey", "begun anew"];
    let mut all = vec![];
    for (number, how) in people.into_iter().enumerate() {
        let handle = format!("a{number}@example.com");
        prepare(&app, &handle, how).await;
        app.caught_up().await;
        prober.probe(&handle).await;
        all.push(std::mem::take(&mut prober.told));
    }
    assert!(all[1].len() > 15);
    let asked: Vec<_> = all[1].iter().flat_map(|(_, _, _, asked)| asked).collect();
    assert!(asked.len() > 20, "the statements were heard: {asked:#?}");
    for (how, told) in people.iter().zip(&all).skip(2) {
        for (one, unknown) in told.iter().zip(&all[1]) {
            let what = format!("{} of somebody {how}", one.0);
            assert_eq!((one.0, one.1, &one.3), (unknown.0, unknown.1, &unknown.3), "{what}");
            let other = one.2.lines().zip(unknown.2.lines()).find(|(one, other)| one != other);
            assert_eq!(other, None, "{what}");
        }
        assert_eq!(told.len(), all[1].len());
    }
}

/// Two companies that put their lists side by side.
#[tokio::test(flavor = "multi_thread")]
async fn no_time_that_companies_see_of_a_device_tells_that_two_of_them_have_the_same() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    app.advance(chrono::TimeDelta::hours(3));
    let theirs = create(&other).await;
    ann.prove(&app, &theirs).await;
    assert_eq!(ann.passkey(&theirs).await.heading(), "Your passkey is set up");
    let device = async |api: &Api| api.get("/v1/devices").await.data()["items"][0].clone();
    let (ours, theirs) = (device(&app.api).await, device(&other).await);
    for field in ["id", "userId", "registeredAt", "lastUsedAt"] {
        assert!(ours[field].is_string() && theirs[field].is_string(), "{ours} {theirs}");
        assert_ne!(ours[field], theirs[field], "{field}");
    }
    assert_eq!(theirs["registeredAt"], json!(app.clock().now()), "it is this company's since now");
}
