//! What a changed section does to access (policies.md, section 6).
