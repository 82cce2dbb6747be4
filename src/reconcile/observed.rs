//! What was looked for, and whether it was seen: a failed read is neither presence nor absence.

/// Something that was looked for in the account. A failed read is neither presence nor absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed<T> {
    /// It is there.
    Present(T),
    /// Duo says that it is not there.
    Absent,
    /// Nobody needed to ask.
    NotRead,
    /// It could not be read: nothing may be concluded. The reason in one line.
    Unreadable(String),
}
