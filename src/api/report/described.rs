//! The routes of reports, as the document describes them.

use axum::http::Method;

use crate::openapi::operation::{Operation, Shown};
use crate::presentation::report::ReportBody;

pub fn operations() -> Vec<Operation> {
    let page = ("Reports", Shown::page_of::<ReportBody>());
    vec![
        Operation::new((Method::GET, "/reports"), ("Reports", "listReports"), "List reports of abuse", page)
            .about("What persons reported on the hosted pages, newest first, of all clients. Who reported is not said. The client that a report is about never sees it.")
            .paged(),
    ]
}
