-- A client's few consents of one status are found without reading all of its others.

create index consents_of_status on consents (tenant, status, created_at desc, id desc);
