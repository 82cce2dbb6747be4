//! Which policies apply to which applications, and what applies to an application in the end (policies.md, section 3).
