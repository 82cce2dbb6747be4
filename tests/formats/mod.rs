//! Every format of every command: the JSON documents against their schemas, third-party formats against theirs, hostile names,
//! reports in files, and that a format never affects an exit code.

mod consumers;
mod exits;
mod findings;
mod graph;
mod hostile;
mod html;
mod names;
pub(crate) mod outside;
mod reports;
mod schemas;
mod shells;
mod showing;
mod streams;
