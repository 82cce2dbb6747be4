//! Every format of every command: the JSON documents against their schemas, the formats of others against theirs, names
//! that try to forge, reports in files, and that a format never decides an exit code.

mod exits;
mod findings;
mod hostile;
mod html;
mod names;
pub(crate) mod outside;
mod reports;
mod schemas;
mod shells;
mod showing;
mod streams;
