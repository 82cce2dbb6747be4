//! Places that a value is read from, and that a secret is delivered to.

use super::shape::{Choice, Key, MANY, Object, Shape};
use super::texts;

/// Where a value comes from.
pub static SOURCE: Object = Object::new(
    "a place of a value",
    &[
        Key::optional("env", Shape::Text(&texts::ENV_NAME), "Name of an environment variable.", "DUO_SKEY"),
        Key::optional(
            "file",
            Shape::Text(&texts::FILLED),
            "Path of a file, relative to the workspace's folder. One line break at its end is not part of the value.",
            "secrets/duo-skey",
        ),
        Key::optional(
            "command",
            Shape::List(&Shape::Text(&texts::FILLED), 1, MANY),
            "A program and its arguments, run without a shell. Its output is the value.",
            "[pass, show, duo/skey]",
        ),
        Key::optional(
            "timeout",
            Shape::Text(&texts::TIMEOUT),
            "How long the command may take; 60s without it. Only next to `command`.",
            "2m",
        ),
    ],
);

/// Where a secret key is delivered.
pub static SECRET_TARGET: Object = Object::new(
    "a delivery",
    &[
        Key::required(
            "store",
            Shape::Text(&texts::FILLED),
            "Name of a store under `secret_stores`.",
            "vault",
        ),
        Key::required(
            "path",
            Shape::Text(&texts::STORE_PATH),
            "Place in the store. Relative to it, without `..`.",
            "vpn",
        ),
        Key::optional(
            "format",
            Shape::Choice(&[
                Choice::new("json", "one JSON object"),
                Choice::new("dotenv", "lines of NAME=value"),
            ]),
            "Format, where the store has several.",
            "json",
        ),
    ],
);
