//! The routes of the API as a table: each row says who may use it, so that there is no route which does not.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::guard::{Access, allow, with_key};
use crate::app::App;

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
}

/// Routes as they are declared, and the router that serves them.
#[must_use]
pub struct Table {
    app: App,
    router: Router<App>,
    rows: Vec<Row>,
}

impl Table {
    pub fn new(app: &App) -> Self {
        Self { app: app.clone(), router: Router::new(), rows: vec![] }
    }

    pub fn get<T: 'static>(self, path: &'static str, access: Access, handler: impl Handler<T, App>) -> Self {
        self.add((Method::GET, MethodFilter::GET), path, access, handler)
    }

    pub fn post<T: 'static>(self, path: &'static str, access: Access, handler: impl Handler<T, App>) -> Self {
        self.add((Method::POST, MethodFilter::POST), path, access, handler)
    }

    /// `PUT` and `PATCH`, which do the same.
    pub fn change<T: 'static>(
        self,
        path: &'static str,
        access: Access,
        handler: impl Handler<T, App>,
    ) -> Self {
        self.add((Method::PUT, MethodFilter::PUT), path, access, handler.clone()).add(
            (Method::PATCH, MethodFilter::PATCH),
            path,
            access,
            handler,
        )
    }

    pub fn delete<T: 'static>(
        self,
        path: &'static str,
        access: Access,
        handler: impl Handler<T, App>,
    ) -> Self {
        self.add((Method::DELETE, MethodFilter::DELETE), path, access, handler)
    }

    fn add<T: 'static>(
        mut self,
        (method, filter): (Method, MethodFilter),
        path: &'static str,
        access: Access,
        handler: impl Handler<T, App>,
    ) -> Self {
        let route: MethodRouter<App> = on(filter, handler);
        self.router = self.router.route(path, allow(&self.app, access, route));
        self.rows.push(Row { method, path, access });
        self
    }

    /// The rows, in the order of their declaration.
    pub fn rows(self) -> Vec<Row> {
        self.rows
    }

    /// What serves them. Any other path and method is answered by these two, to whoever has a key.
    pub fn router<T: 'static, U: 'static>(
        self,
        no_such_route: impl Handler<T, App>,
        method_not_allowed: impl Handler<U, App>,
    ) -> Router<App> {
        self.router
            .fallback(with_key(&self.app, no_such_route))
            .method_not_allowed_fallback(with_key(&self.app, method_not_allowed))
    }
}
