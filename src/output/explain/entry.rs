//! One explanation.

/// The explanation of one name. Texts are Markdown with nothing but code spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is, in a few words.
    pub title: &'static str,
    /// When it appears, and why duoctl cares.
    pub meaning: &'static str,
    /// What to do.
    pub fix: &'static str,
}
