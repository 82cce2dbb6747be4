//! Sources of values, and targets of secrets.

use super::shape::{Choice, Key, MANY, Object, Shape};
use super::texts;

/// Where a value comes from.
pub static SOURCE: Object = Object::new(
    "a source of a value",
    &[
        Key::optional("env", Shape::Text(&texts::ENV_NAME), "Name of an environment variable.", "DUO_SKEY"),
        Key::optional(
            "file",
            Shape::Text(&texts::FILLED),
            "Path of a file, relative to the workspace's folder. One trailing line break is not part of the value.",
            "secrets/duo-skey",
        ),
        Key::optional(
            "command",
            Shape::List(&Shape::Text(&texts::FILLED), 1, MANY),
            "Program and arguments, run without a shell. The output is the value.",
            "[pass, show, duo/skey]",
        ),
        Key::optional(
            "timeout",
            Shape::Text(&texts::TIMEOUT),
            "Timeout of the command. The default is 60s. Only together with `command`.",
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
            "Path in the store. Relative, without `..`.",
            "vpn",
        ),
        Key::optional(
            "format",
            Shape::Choice(&[
                Choice::new("json", "one JSON object"),
                Choice::new("dotenv", "lines of NAME=value"),
            ]),
            "Format, if the store supports several.",
            "json",
        ),
    ],
);
