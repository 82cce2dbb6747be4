//! The result of a read: a failed read is neither presence nor absence.

/// The result of a read from the account. A failed read is neither presence nor absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed<T> {
    /// It exists.
    Present(T),
    /// Duo reports that it does not exist.
    Absent,
    /// It was not needed.
    NotRead,
    /// It could not be read, so nothing can be concluded. The reason in one line.
    Unreadable(String),
}
