//! The aggregates that this build knows, by the type that the log has and by the prefix of their ids.

use cqrs_es::Aggregate;
use mobid_domain::client::Client;
use mobid_domain::consent::Consent;
use mobid_domain::device::Device;
use mobid_domain::enrollment::Enrollment;
use mobid_domain::fido::Login;
use mobid_domain::id::{
    ClientId, ConsentId, DeviceId, EndpointId, EnrollmentId, LoginId, PersonId, QrId, ReportId,
};
use mobid_domain::person::Person;
use mobid_domain::qr::Code;
use mobid_domain::recorded::{Recorded, Undecodable};
use mobid_domain::report::Report;
use mobid_domain::webhook::Endpoint;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Client,
    Consent,
    Device,
    Login,
    Enrollment,
    Person,
    Qr,
    Report,
    Webhook,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Client,
        Self::Consent,
        Self::Device,
        Self::Login,
        Self::Enrollment,
        Self::Person,
        Self::Qr,
        Self::Report,
        Self::Webhook,
    ];

    pub fn aggregate_type(self) -> &'static str {
        match self {
            Self::Client => Client::TYPE,
            Self::Consent => Consent::TYPE,
            Self::Device => Device::TYPE,
            Self::Login => Login::TYPE,
            Self::Enrollment => Enrollment::TYPE,
            Self::Person => Person::TYPE,
            Self::Qr => Code::TYPE,
            Self::Report => Report::TYPE,
            Self::Webhook => Endpoint::TYPE,
        }
    }

    pub fn id_prefix(self) -> &'static str {
        match self {
            Self::Client => ClientId::PREFIX,
            Self::Consent => ConsentId::PREFIX,
            Self::Device => DeviceId::PREFIX,
            Self::Login => LoginId::PREFIX,
            Self::Enrollment => EnrollmentId::PREFIX,
            Self::Person => PersonId::PREFIX,
            Self::Qr => QrId::PREFIX,
            Self::Report => ReportId::PREFIX,
            Self::Webhook => EndpointId::PREFIX,
        }
    }

    pub fn of_type(aggregate_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.aggregate_type() == aggregate_type)
    }

    /// By the prefix alone: an id that no server of ours would make may still be in a log that somebody changed.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| id.starts_with(kind.id_prefix()))
    }

    /// Whether today's code reads the event.
    pub fn decodes(self, event: &Recorded) -> Result<(), Undecodable> {
        match self {
            Self::Client => event.decode::<Client>().map(drop),
            Self::Consent => event.decode::<Consent>().map(drop),
            Self::Device => event.decode::<Device>().map(drop),
            Self::Login => event.decode::<Login>().map(drop),
            Self::Enrollment => event.decode::<Enrollment>().map(drop),
            Self::Person => event.decode::<Person>().map(drop),
            Self::Qr => event.decode::<Code>().map(drop),
            Self::Report => event.decode::<Report>().map(drop),
            Self::Webhook => event.decode::<Endpoint>().map(drop),
        }
    }
}
