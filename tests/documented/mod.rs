//! What the pages of the root and of docs/ show is true:
//!
//! * each page with `console` blocks is followed from top to bottom as a reader does it, in one shell, in a folder of its
//!   own with copies of examples/ and schemas/, and without a network. What is shown under a command is what it prints:
//!   a line of `...` stands for any lines, and `[..]` for any text. `<!-- exit 2 -->` before a block is the exit code of
//!   its last command; every other command ends with 0. A block after `<!-- file PATH -->` is written to that file, and at
//!   `<!-- by hand WORKSPACE -->` the handoff of that workspace is carried out in the sandbox's console;
//! * the duoctl commands of a `sh` block are read by the real parser of arguments, and not run;
//! * a `yaml` block with `version:` is loaded and has no error;
//! * a link to a file of the repository leads there, and so does its anchor; every picture is linked;
//! * the tests that a page names exist.

mod commands;
mod comparing;
#[cfg(unix)]
mod console;
mod examples;
mod library;
mod links;
mod pages;
#[cfg(unix)]
mod running;
