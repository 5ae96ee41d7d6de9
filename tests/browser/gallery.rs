//! Every page in every state that it can be in, in every language: for axe-core, on the narrowest of screens, with large
//! letters, in light and in dark.
//!
//! What is to be seen is read off the sources: each template, each refusal and each note of the words. One that nobody
//! visits fails the last test here: a visit of it belongs into one of the modules below, which each visit what they list.

mod by_code;
mod by_passkey;
mod enrollments;
mod logins;
mod own;
mod refusals;

use std::collections::BTreeSet;
use std::path::Path;

use mobid::words::Words;
use mobid::words::passkeys::PasskeyWords;

use super::driver::Browser;

/// A template, and the state of it that is visited; a note goes by its name in the words.
type State = (&'static str, &'static str);

/// Somebody who goes from page to page, and looks closely at each.
struct Gallery {
    browser: Browser,
    words: &'static Words,
    name: &'static str,
    seen: Vec<State>,
}

impl Gallery {
    async fn open(name: &'static str, language: &str) -> Self {
        let browser = Browser::start_phone_in(language).await;
        Self { browser, words: Words::of(Some(language)), name, seen: vec![] }
    }

    fn passkeys(&self) -> &'static PasskeyWords {
        self.words.passkeys()
    }

    /// A page in this state is shown, under this heading, and anybody can use it.
    async fn sees(&mut self, state: State, heading: &str) {
        let browser = &self.browser;
        assert_eq!(browser.text("h1").await, heading, "{state:?}");
        assert_eq!(browser.all(&format!("html[lang={}]", self.words.lang)).await.len(), 1, "{state:?}");
        super::is_sound(browser).await;
        assert_eq!(browser.overflows().await, Vec::<String>::new(), "{state:?}");
        self.seen.push(state);
        let (number, (template, what)) = (self.seen.len(), state);
        let what = what.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let template = template.replace('/', "-");
        let name = format!("gallery-{}-{}-{number:02}-{template}-{what}", self.name, self.words.lang);
        browser.picture(&name).await;
    }

    /// Enters a code, wherever the focus went while the page was looked at.
    async fn enter(&self, code: &str) {
        self.browser.enter_in("#code", code).await;
    }

    /// It has seen what it was to see, and the browser has nothing to complain of.
    async fn closes(self, states: &[State]) {
        super::has_nothing_to_complain_of(&self.browser).await;
        let seen: BTreeSet<_> = self.seen.iter().collect();
        assert_eq!(seen, states.iter().collect(), "what is listed is what was seen");
        self.browser.quit().await;
    }
}

fn source(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Templates of whole pages: their paths without the ending.
fn templates() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages/templates");
    let (mut folders, mut found) = (vec![root.clone()], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains("{% extends") {
                let name = path.strip_prefix(&root).unwrap().with_extension("");
                found.insert(name.to_str().unwrap().to_owned());
            }
        }
    }
    assert!(found.len() > 5, "{found:?}");
    found
}

/// What `PageError` says, by its names in the words.
fn refusals() -> BTreeSet<String> {
    let code = source("src/pages/error.rs");
    let arms = code.split("fn note(").nth(1).unwrap().split("\n    }\n").next().unwrap();
    let arms: BTreeSet<_> =
        arms.split("=> words.").skip(1).map(|arm| arm.split(",\n").next().unwrap().to_owned()).collect();
    assert!(arms.len() > 10, "{arms:?}");
    arms
}

/// Every note there is, by its name.
fn notes() -> BTreeSet<String> {
    let of = |path: &str, prefix: &str| {
        let fields = source(path);
        let fields =
            fields.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.strip_suffix(": Note,"));
        fields.map(|name| format!("{prefix}{name}")).collect::<BTreeSet<_>>()
    };
    let notes = &of("src/words.rs", "") | &of("src/words/passkeys.rs", "passkeys().");
    let notes = &notes | &of("src/words/me.rs", "me().");
    assert!(notes.len() > 20, "{notes:?}");
    notes
}

#[test]
fn nothing_that_a_page_can_show_is_left_out_of_the_gallery() {
    let all = [
        by_code::STATES,
        by_passkey::STATES,
        enrollments::STATES,
        logins::STATES,
        own::STATES,
        refusals::STATES,
    ]
    .concat();
    let visited: BTreeSet<String> = all.iter().map(|(template, _)| (*template).to_owned()).collect();
    let shown: BTreeSet<String> = all.iter().map(|(_, state)| (*state).to_owned()).collect();
    assert_eq!(&templates() - &visited, BTreeSet::new(), "templates that nobody visits");
    assert_eq!(&refusals() - &shown, BTreeSet::new(), "refusals that nobody provokes");
    assert_eq!(&notes() - &shown, BTreeSet::new(), "notes that nobody reads");
}
