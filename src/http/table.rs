//! The routes of the API as a table: each row says who may use it, so that there is no route which does not.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use super::guard::{Access, Guarded};
use crate::app::App;

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
}

/// Puts a route into the router that is to serve it.
type Mount = Box<dyn FnOnce(Router<App>) -> Router<App>>;

/// Routes as they are declared, which can be read as well as served.
#[must_use]
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    mounts: Vec<Mount>,
}

impl Table {
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
        let guarded = Guarded { handler, access: Some(access) };
        let mount = move |router: Router<App>| router.route(path, on(filter, guarded));
        self.mounts.push(Box::new(mount));
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
        let mounted = self.mounts.into_iter().fold(Router::new(), |router, mount| mount(router));
        mounted
            .fallback(Guarded { handler: no_such_route, access: None })
            .method_not_allowed_fallback(Guarded { handler: method_not_allowed, access: None })
    }
}
