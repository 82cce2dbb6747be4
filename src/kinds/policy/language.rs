//! How the YAML writes the sections of a policy, and how Duo does.
