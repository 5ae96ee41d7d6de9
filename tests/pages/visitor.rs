//! A browser without JavaScript, its cookie handled by hand: the cookie is `Secure`, the test's server is not.

use reqwest::header::{COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder};

use crate::support::{Api, TestApp};

#[derive(Clone)]
pub struct Visitor {
    http: reqwest::Client,
    base: String,
    pub cookie: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> String {
        self.find_field(name).unwrap_or_else(|| panic!("no field {name} in {}", self.html))
    }

    /// The same where it may be missing.
    pub fn find_field(&self, name: &str) -> Option<String> {
        let tag = self.html.split('<').find(|tag| tag.contains(&format!("name=\"{name}\"")))?;
        Some(tag.split("value=\"").nth(1).unwrap_or_default().split('"').next().unwrap().to_owned())
    }

    /// The text of the first `h1`.
    pub fn heading(&self) -> &str {
        self.html.split("<h1>").nth(1).unwrap_or_default().split("</h1>").next().unwrap()
    }

    pub fn says(&self, text: &str) -> bool {
        self.html.contains(text)
    }

    pub fn location(&self) -> &str {
        self.headers.get(LOCATION).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl Visitor {
    pub fn new(app: &TestApp) -> Self {
        Self::at(&app.api)
    }

    /// On the pages of the server that an API client talks to.
    pub fn at(api: &Api) -> Self {
        Self { http: api.http.clone(), base: api.url(""), cookie: None }
    }

    /// The same browser where it keeps its cookie to itself.
    pub fn without_cookie(&self) -> Self {
        Self { cookie: None, ..self.clone() }
    }

    /// A request with the cookie, to be refined.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    /// Sends, and keeps the cookie that comes back.
    pub async fn send(&mut self, request: RequestBuilder) -> Page {
        self.try_send(request).await.unwrap()
    }

    /// The same where an answer may fail to come.
    pub async fn try_send(&mut self, request: RequestBuilder) -> reqwest::Result<Page> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if let Some(set) = headers.get(SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (pair, attributes) = set.split_once("; ").unwrap();
            assert!(pair.starts_with("__Host-"), "{set}");
            assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Strict");
            self.cookie = Some(pair.to_owned());
        }
        Ok(Page { status, headers, html: response.text().await? })
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// A form as a browser sends it from our own page.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::POST, path)
            .header(ORIGIN, &self.base)
            .header("Sec-Fetch-Site", "same-origin")
            .form(fields)
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.form(path, fields);
        self.send(request).await
    }

    /// The page of a consent.
    pub async fn open(&mut self, id: &str) -> Page {
        self.get(&format!("/r/{id}")).await
    }

    /// Opens the page and presses a button there.
    pub async fn ask(&mut self, id: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.open(id).await;
        self.ask_from(&page, id, action, fields).await
    }

    /// Presses a button on a page that was opened before.
    pub async fn ask_from(&mut self, page: &Page, id: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
        let mut all = vec![("csrf", csrf.as_str()), ("sequence", &sequence), ("action", action)];
        all.extend(fields);
        self.post(&format!("/r/{id}/code"), &all).await
    }

    /// Enters a code where one is asked for.
    pub async fn enter(&mut self, id: &str, code: &str) -> Page {
        let page = self.get(&format!("/r/{id}/code")).await;
        let csrf = if page.status == 303 { self.csrf(id).await } else { page.field("csrf") };
        self.post(&format!("/r/{id}/decide"), &[("csrf", &csrf), ("code", code)]).await
    }

    /// This session's token for the forms of a consent that can still be answered.
    pub async fn csrf(&mut self, id: &str) -> String {
        self.open(id).await.field("csrf")
    }

    /// All the way: opens, presses, reads the code, enters it, sees what came of it.
    pub async fn decide(&mut self, app: &TestApp, id: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let asked = self.ask(id, action, fields).await;
        assert_eq!(
            (asked.status, asked.location()),
            (303, format!("/r/{id}/code").as_str()),
            "{}",
            asked.html
        );
        let decided = self.enter(id, &super::last_code(app)).await;
        assert_eq!(
            (decided.status, decided.location()),
            (303, format!("/r/{id}").as_str()),
            "{}",
            decided.html
        );
        self.open(id).await
    }
}
