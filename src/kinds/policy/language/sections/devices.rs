//! The sections about devices, their systems and their software.

use crate::kinds::policy::language::rules::{self, object};
use crate::language::shape::{Choice, Key, MANY, Object, Shape, Whole};
use crate::language::texts;

/// The versions of systems and apps.
const VERSION: Shape = Shape::Text(&texts::FILLED);
/// The days of a menu that only the Admin Panel shows.
const PANEL_DAYS: Shape = Shape::Whole(0, 3650);
const DESKTOP_LIST: Shape = Shape::List(&Shape::Choice(DESKTOPS), 0, MANY);
const AGENTS: Shape = Shape::List(&Shape::Text(&texts::FILLED), 0, MANY);
const NOTE: Shape = Shape::Text(&texts::ANY);

const DESKTOPS: &[Choice] =
    &[Choice::new("linux", "Linux"), Choice::new("macos", "macOS"), Choice::new("windows", "Windows")];

pub(in super::super) static BROWSERS: Key = Key::optional(
    "browsers",
    Shape::Object(&BROWSER_FIELDS),
    "Browsers that users can log in with. Needs Duo Advantage or Premier.",
    "{blocked_browsers_list: [ie], out_of_date_behavior: warn-and-block}",
);

const BROWSER_LIST: Shape = Shape::List(&Shape::Choice(BROWSER_NAMES), 0, MANY);

const BROWSER_NAMES: &[Choice] = &[
    Choice::new("chrome", "Chrome"),
    Choice::new("chrome-mobile", "Chrome on mobile devices"),
    Choice::new("edge", "Edge"),
    Choice::new("firefox", "Firefox"),
    Choice::new("ie", "Internet Explorer"),
    Choice::new("other-browsers", "all other browsers"),
    Choice::new("safari", "Safari"),
    Choice::new("safari-mobile", "Safari on mobile devices"),
];

pub(super) static BROWSER_FIELDS: Object = object!(
    "browsers",
    &[
        Key::optional(
            "allowed_browsers_list",
            BROWSER_LIST,
            "Browsers that can be used.",
            "[chrome, firefox, safari]"
        ),
        Key::optional("blocked_browsers_list", BROWSER_LIST, "Browsers that cannot be used.", "[ie]"),
        Key::optional(
            "out_of_date_behavior",
            Shape::Choice(&[
                Choice::new("no-remediation", "outdated browsers are treated like current ones"),
                Choice::new("warn-only", "users of outdated browsers are warned"),
                Choice::new("warn-and-block", "users are warned, and later cannot log in"),
            ]),
            "What happens to outdated versions of every allowed browser.",
            "warn-and-block",
        ),
        Key::optional(
            "browser_max_ood_days",
            PANEL_DAYS,
            "Days until an outdated browser is blocked. Only the values in the menu of the Admin Panel are valid.",
            "30",
        ),
    ]
);

pub(in super::super) static DUO_DESKTOP: Key = Key::optional(
    "duo_desktop",
    Shape::Object(&DESKTOP),
    "Duo Desktop on computers, and the checks that it makes.",
    "{requires_duo_desktop: [macos, windows], enforce_encryption: [macos, windows]}",
);

pub(super) static DESKTOP: Object = object!("duo_desktop", CHECKS);

pub(in super::super) static HEALTH_CHECKS: Key = Key::optional(
    "health_checks",
    Shape::Object(&HEALTH),
    "The checks of computers, in accounts that have them in a section of their own. Needs Duo Advantage or Premier.",
    "{enforce_encryption: [macos, windows]}",
);

pub(super) static HEALTH: Object = object!("health_checks", CHECKS);

const PINNING: &[Choice] = &[
    Choice::new("never", "it is never enforced"),
    Choice::new("no-enforcement", "it is not enforced"),
    Choice::new("enforce-enabled", "it is enforced"),
];

const CHECKS: &[Key] = &[
    Key::optional(
        "requires_duo_desktop",
        DESKTOP_LIST,
        "Systems whose users need Duo Desktop. A list, not a switch.",
        "[macos, windows]",
    ),
    Key::optional(
        "prompt_to_install",
        DESKTOP_LIST,
        "Systems whose users are asked to install it.",
        "[macos, windows]",
    ),
    Key::optional(
        "enforce_encryption",
        DESKTOP_LIST,
        "Systems whose disk must be encrypted. Needs Duo Advantage or Premier.",
        "[macos, windows]",
    ),
    Key::optional(
        "enforce_firewall",
        DESKTOP_LIST,
        "Systems whose firewall must be on. Needs Duo Advantage or Premier.",
        "[macos, windows]",
    ),
    Key::optional(
        "enforce_system_password",
        DESKTOP_LIST,
        "Systems that must have a password. Needs Duo Advantage or Premier.",
        "[macos, windows]",
    ),
    Key::optional(
        "windows_endpoint_security_list",
        AGENTS,
        "Security agents of which one must run on Windows, as Duo names them. Needs Duo Advantage or Premier.",
        "[cisco-amp]",
    ),
    Key::optional(
        "macos_endpoint_security_list",
        AGENTS,
        "Security agents of which one must run on macOS, as Duo names them. Needs Duo Advantage or Premier.",
        "[cisco-amp]",
    ),
    Key::optional(
        "linux_endpoint_security_list",
        AGENTS,
        "Security agents of which one must run on Linux, as Duo names them. Needs Duo Advantage or Premier.",
        "[cisco-amp]",
    ),
    Key::optional(
        "windows_remediation_note",
        NOTE,
        "What users of Windows read when a check fails. Needs Duo Advantage or Premier.",
        "Call the help desk",
    ),
    Key::optional(
        "macos_remediation_note",
        NOTE,
        "What users of macOS read when a check fails. Needs Duo Advantage or Premier.",
        "Call the help desk",
    ),
    Key::optional(
        "enforce_device_id_pinning",
        Shape::Choice(PINNING),
        "Whether a device must be the one that enrolled.",
        "enforce-enabled",
    ),
    Key::optional(
        "enforce_signed_payload",
        Shape::Choice(PINNING),
        "Whether the report of a device must be signed.",
        "enforce-enabled",
    ),
];

pub(in super::super) static DUO_MOBILE_APP: Key = Key::optional(
    "duo_mobile_app",
    Shape::Object(&MOBILE_APP),
    "The version of Duo Mobile. Needs Duo Advantage or Premier.",
    "{require_updates: true}",
);

pub(super) static MOBILE_APP: Object = object!(
    "duo_mobile_app",
    &[
        Key::optional("require_updates", Shape::Flag, "Require a current version.", "true"),
        Key::optional(
            "block_policy",
            Shape::Choice(&[
                Choice::new("no-remediation", "no version is blocked"),
                Choice::new("less-than-version", "versions below `block_version` are blocked"),
            ]),
            "Which versions are blocked.",
            "less-than-version",
        ),
        Key::optional(
            "block_version",
            VERSION,
            "The oldest version that is not blocked. Only with `block_policy: less-than-version`.",
            "4.60.0",
        ),
    ]
);

pub(in super::super) static FULL_DISK_ENCRYPTION: Key = Key::optional(
    "full_disk_encryption",
    Shape::Either(&[Shape::Flag, Shape::Object(&DISK_ENCRYPTION)]),
    "Require that mobile devices are encrypted. Needs Duo Advantage or Premier.",
    "true",
);

pub(super) static DISK_ENCRYPTION: Object = object!(
    "full_disk_encryption",
    &[Key::optional("require_encryption", Shape::Flag, "Require encrypted devices.", "true")]
);

pub(in super::super) static MOBILE_DEVICE_BIOMETRICS: Key = Key::optional(
    "mobile_device_biometrics",
    Shape::Either(&[Shape::Flag, Shape::Object(&BIOMETRICS)]),
    "Require a fingerprint or face on mobile devices. Needs Duo Advantage or Premier.",
    "true",
);

pub(super) static BIOMETRICS: Object = object!(
    "mobile_device_biometrics",
    &[Key::optional("require_biometrics", Shape::Flag, "Require biometrics.", "true")]
);

pub(in super::super) static OPERATING_SYSTEMS: Key = Key::optional(
    "operating_systems",
    Shape::Object(&SYSTEMS),
    "Operating systems that users can log in with. A system is in one of the three fields at most. Needs Duo Advantage or Premier.",
    "{block_os_list: [windowsphone], os_restrictions: {ios: {block_policy: end-of-life}}}",
);

const SYSTEM_LIST: Shape = Shape::List(&Shape::Choice(SYSTEM_NAMES), 0, MANY);

const SYSTEM_NAMES: &[Choice] = &[
    Choice::new("android", "Android"),
    Choice::new("blackberry", "BlackBerry"),
    Choice::new("chromeos", "ChromeOS"),
    Choice::new("ios", "iOS"),
    Choice::new("linux", "Linux"),
    Choice::new("macos", "macOS"),
    Choice::new("unknownos", "systems that Duo does not recognize"),
    Choice::new("windows", "Windows"),
    Choice::new("windowsphone", "Windows Phone"),
];

pub(super) static SYSTEMS: Object = object!(
    "operating_systems",
    &[
        Key::optional(
            "allow_unrestricted_os_list",
            SYSTEM_LIST,
            "Systems that are allowed whatever their version.",
            "[chromeos, linux]"
        ),
        Key::optional("block_os_list", SYSTEM_LIST, "Systems that cannot be used.", "[windowsphone]"),
        Key::optional(
            "os_restrictions",
            Shape::Object(&Object::new(
                "`os_restrictions`",
                &[
                    Key::optional("android", Shape::Object(&OS_RULES), "Versions of Android.", OS_EXAMPLE),
                    Key::optional("ios", Shape::Object(&OS_RULES), "Versions of iOS.", OS_EXAMPLE),
                    Key::optional("macos", Shape::Object(&OS_RULES), "Versions of macOS.", OS_EXAMPLE),
                    Key::optional("windows", Shape::Object(&OS_RULES), "Versions of Windows.", OS_EXAMPLE),
                ],
            )),
            "Rules about the version, by system.",
            "{ios: {warn_policy: not-up-to-date, block_policy: end-of-life}}",
        ),
    ]
);

const OS_EXAMPLE: &str =
    "{warn_policy: not-up-to-date, block_policy: less-than-version, block_version: \"14.0\"}";

const OUTDATED: &[Choice] = &[
    Choice::new("no-remediation", "no version"),
    Choice::new("end-of-life", "versions without security updates"),
    Choice::new("less-than-version", "versions below a given one"),
    Choice::new("less-than-latest", "versions below the latest one"),
    Choice::new("not-up-to-date", "versions without the latest patches"),
];

const DAYS: Shape = Shape::Numbers(&[0, 14, 30, 60, 90, 180, 365]);

pub(super) static OS_RULES: Object = Object {
    definition: Some("policy_os_rules"),
    whole: Some(Whole { check: |_, _, _| {}, schema: rules::of_system }),
    ..Object::new(
        "the rules of a system",
        &[
            Key::optional(
                "warn_policy",
                Shape::Choice(OUTDATED),
                "Versions whose users are warned.",
                "not-up-to-date",
            ),
            Key::optional(
                "warn_version",
                VERSION,
                "The oldest version without a warning. Only with `warn_policy: less-than-version`.",
                "\"14.0\"",
            ),
            Key::optional("warn_remediation_days", DAYS, "Days until the warning starts.", "14"),
            Key::optional(
                "block_policy",
                Shape::Choice(OUTDATED),
                "Versions that are blocked.",
                "end-of-life",
            ),
            Key::optional(
                "block_version",
                VERSION,
                "The oldest version that is not blocked. Only with `block_policy: less-than-version`.",
                "\"13.0\"",
            ),
            Key::optional("block_remediation_days", DAYS, "Days until outdated versions are blocked.", "30"),
        ],
    )
};

pub(in super::super) static PLUGINS: Key = Key::optional(
    "plugins",
    Shape::Object(&PLUGIN_FIELDS),
    "Plugins of browsers. Needs Duo Advantage or Premier.",
    "{flash: block-all, java: block-all}",
);

pub(super) static PLUGIN_FIELDS: Object = object!(
    "plugins",
    &[
        Key::optional(
            "flash",
            Shape::Choice(&[
                Choice::new("allow-all", "it is allowed"),
                Choice::new("block-all", "browsers that have it cannot log in"),
            ]),
            "Flash.",
            "block-all",
        ),
        Key::optional(
            "java",
            Shape::Choice(&[
                Choice::new("allow-all", "it is allowed"),
                Choice::new("warn-only", "users of outdated versions are warned"),
                Choice::new(
                    "warn-and-block",
                    "users of outdated versions are warned, and later cannot log in"
                ),
                Choice::new("block-all", "browsers that have it cannot log in"),
            ]),
            "Java.",
            "block-all",
        ),
        Key::optional(
            "java_max_ood_days",
            PANEL_DAYS,
            "Days until an outdated version is blocked. Only the values in the menu of the Admin Panel are valid.",
            "30",
        ),
    ]
);

pub(in super::super) static SCREEN_LOCK: Key = Key::optional(
    "screen_lock",
    Shape::Either(&[Shape::Flag, Shape::Object(&LOCK)]),
    "Require a screen lock on mobile devices. Needs Duo Advantage or Premier.",
    "true",
);

pub(super) static LOCK: Object = object!(
    "screen_lock",
    &[Key::optional("require_screen_lock", Shape::Flag, "Require a screen lock.", "true")]
);

pub(in super::super) static TAMPERED_DEVICES: Key = Key::optional(
    "tampered_devices",
    Shape::Either(&[Shape::Flag, Shape::Object(&TAMPERED)]),
    "Block rooted and jailbroken devices. Needs Duo Advantage or Premier.",
    "true",
);

pub(super) static TAMPERED: Object = object!(
    "tampered_devices",
    &[Key::optional("block_tampered_devices", Shape::Flag, "Block them.", "true")]
);
