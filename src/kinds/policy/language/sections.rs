//! The sections about users, logins and networks. Those about devices are in [`devices`].

mod devices;

pub(super) use devices::*;

use crate::language::age;
use crate::language::shape::{Choice, Key, MANY, Object, Problem, Shape, TextRule, Whole, renamed};
use crate::language::texts;

use super::convert;
use super::countries::COUNTRY;
use super::names::{DUO_NAME, MAX_TIME, OFF};
use super::rules::{self, object};

/// The key of every section.
pub(super) static ALL: &[Key] = &[
    ANONYMOUS_NETWORKS,
    AUTHENTICATION_METHODS,
    AUTHENTICATION_POLICY,
    AUTHORIZED_NETWORKS,
    BROWSERS,
    DUO_DESKTOP,
    DUO_MOBILE_APP,
    FULL_DISK_ENCRYPTION,
    HEALTH_CHECKS,
    MOBILE_DEVICE_BIOMETRICS,
    NEW_USER,
    OPERATING_SYSTEMS,
    PLUGINS,
    REMEMBERED_DEVICES,
    RISK_BASED_FACTOR_SELECTION,
    SCREEN_LOCK,
    TAMPERED_DEVICES,
    TRUSTED_ENDPOINTS,
    USER_LOCATION,
];

/// Every mapping that has a definition of its own in the schema.
pub static DEFINITIONS: &[&Object] = &[
    &ANONYMOUS,
    &METHODS,
    &POLICY,
    &NETWORKS,
    &devices::BROWSER_FIELDS,
    &devices::DESKTOP,
    &devices::MOBILE_APP,
    &devices::DISK_ENCRYPTION,
    &devices::HEALTH,
    &devices::BIOMETRICS,
    &NEW,
    &devices::SYSTEMS,
    &devices::OS_RULES,
    &devices::PLUGIN_FIELDS,
    &REMEMBERED,
    &FACTORS,
    &devices::LOCK,
    &devices::TAMPERED,
    &ENDPOINTS,
    &LOCATION,
];

const ADDRESSES: Shape = Shape::List(&Shape::Text(&texts::NETWORK), 0, MANY);
const COUNTRIES: Shape = Shape::List(&Shape::Text(&COUNTRY), 0, MANY);
const METHOD_LIST: Shape = Shape::List(&Shape::Choice(METHOD_NAMES), 0, MANY);
const DURATION: Shape = Shape::Text(&DURATION_RULE);
const SWITCHED_OFF: &[Choice] = &[Choice::new(OFF, "devices are not remembered")];

static DURATION_RULE: TextRule = TextRule {
    pattern: "^([1-9][0-9]{0,3}h|[1-9][0-9]{0,2}d)$",
    check: |text| duration(text, "e.g. `12h` or `30d`"),
    numeric: false,
};

/// A length of time, or the word for none.
static DURATION_OR_OFF: TextRule = TextRule {
    pattern: "^([1-9][0-9]{0,3}h|[1-9][0-9]{0,2}d|off)$",
    check: |text| if text == OFF { Ok(()) } else { duration(text, "e.g. `12h`, `30d` or `off`") },
    numeric: false,
};

fn duration(text: &str, example: &'static str) -> Result<(), Problem> {
    match (convert::duration(text), age::parse(text)) {
        (Some(_), _) => Ok(()),
        (None, Ok(_)) => Err(Problem::invalid("must be from 1h to 8760h, or from 1d to 365d", example)),
        (None, Err(_)) => Err(Problem::invalid("must be a number of hours or days", example)),
    }
}

const METHOD_NAMES: &[Choice] = &[
    Choice::new("bypass", "bypass codes"),
    Choice::new("bypass-pwl", "bypass codes, passwordless"),
    Choice::new("desktop", "Duo Desktop"),
    Choice::new("duo-passcode", "passcodes of Duo Mobile"),
    Choice::new("duo-push", "Duo Push"),
    Choice::new("duo-push-pwl", "Duo Push, passwordless"),
    Choice::new("hardware-token", "hardware tokens"),
    Choice::new("phonecall", "phone calls"),
    Choice::new("smart-card", "smart cards"),
    Choice::new("sms", "passcodes by SMS"),
    Choice::new("webauthn-platform", "platform authenticators such as Touch ID"),
    Choice::new("webauthn-platform-pwl", "platform authenticators, passwordless"),
    Choice::new("webauthn-require-user-verification", "security keys with a PIN or biometrics"),
    Choice::new("webauthn-roaming", "security keys"),
    Choice::new("webauthn-roaming-pwl", "security keys, passwordless"),
];

pub(super) static ANONYMOUS_NETWORKS: Key = Key::optional(
    "anonymous_networks",
    Shape::Either(&[Shape::Choice(ON_ANONYMOUS), Shape::Object(&ANONYMOUS)]),
    "Logins from proxies, Tor and VPNs that hide their users. Needs Duo Advantage or Premier.",
    "deny",
);

const ON_ANONYMOUS: &[Choice] = &[
    Choice::new("no-action", "they are treated like any other network"),
    Choice::new(
        "require-mfa",
        "users need a second factor, even where a network or a remembered device would not need one",
    ),
    Choice::new("deny", "logins are denied"),
];

static ANONYMOUS: Object = object!(
    "anonymous_networks",
    &[Key::optional(
        "anonymous_access_behavior",
        Shape::Choice(ON_ANONYMOUS),
        "What happens to logins from anonymous networks.",
        "deny",
    )]
);

pub(super) static AUTHENTICATION_METHODS: Key = Key::optional(
    "authentication_methods",
    Shape::Object(&METHODS),
    "Authentication methods that users can use. A method that is not blocked is allowed.",
    "{blocked: [sms, phonecall, bypass], require_verified_push: true}",
);

static METHODS: Object = object!(
    "authentication_methods",
    &[
        Key::optional(
            "blocked",
            METHOD_LIST,
            "Methods that users cannot use. Every other method is allowed, including those that Duo adds later. If it is left out, Duo blocks `desktop`, `duo-passcode` and `phonecall`.",
            "[sms, phonecall, bypass]",
        ),
        Key::optional(
            "allowed",
            METHOD_LIST,
            "Methods that Duo shows as allowed. It only informs: a method is allowed unless `blocked` has it.",
            "[duo-push, webauthn-roaming]",
        ),
        Key::optional(
            "require_verified_push",
            Shape::Flag,
            "Let users enter a code from the login page to approve a push.",
            "true",
        ),
        Key::optional("verified_push_digits", Shape::Whole(3, 6), "Number of digits of that code.", "6",),
        Key::optional(
            "auto_retry_sms",
            Shape::Flag,
            "Send new passcodes by SMS when the previous ones are used up.",
            "false",
        ),
    ]
);

pub(super) static AUTHENTICATION_POLICY: Key = Key::optional(
    "authentication_policy",
    Shape::Either(&[Shape::Choice(ON_LOGIN), Shape::Object(&POLICY)]),
    "Whether users need a second factor at all. `deny` locks everyone out of the applications that the policy reaches.",
    "enforce",
);

const ON_LOGIN: &[Choice] = &[
    Choice::new("bypass", "users log in without a second factor"),
    Choice::new("enforce", "users need a second factor, unless another section says otherwise"),
    Choice::new("deny", "all logins are denied"),
];

static POLICY: Object = object!(
    "authentication_policy",
    &[Key::optional(
        "user_auth_behavior",
        Shape::Choice(ON_LOGIN),
        "What happens to every login.",
        "enforce"
    )]
);

pub(super) static AUTHORIZED_NETWORKS: Key = Key::optional(
    "authorized_networks",
    Shape::Object(&NETWORKS),
    "Networks from which users log in without a second factor, with one, or not at all.",
    "{mfa_required: {ip_list: [192.0.2.0/24]}, deny_other_access: true}",
);

static NETWORKS: Object = object!(
    "authorized_networks",
    &[
        Key::optional(
            "no_2fa_required",
            Shape::Object(&Object::new(
                "`no_2fa_required`",
                &[
                    Key::optional(
                        "ip_list",
                        ADDRESSES,
                        "Addresses, ranges and CIDR blocks.",
                        "[192.0.2.0/24]"
                    ),
                    Key::optional(
                        "require_enrollment",
                        Shape::Flag,
                        "Let users enroll even though they need no second factor here. It can be `false` only while `ip_list` has an entry.",
                        "false",
                    ),
                ],
            )),
            "Networks from which users log in without a second factor.",
            "{ip_list: [192.0.2.0/24], require_enrollment: true}",
        ),
        Key::optional(
            "mfa_required",
            Shape::Object(&IP_LIST),
            "Networks from which users log in with a second factor. They limit access only together with `deny_other_access`.",
            "{ip_list: [198.51.100.0/24]}",
        ),
        Key::optional(
            "deny_other_access",
            Shape::Flag,
            "Deny logins from all networks that are not listed. It can be `true` only while one of the other lists has an entry.",
            "true",
        ),
        Key::optional(
            "blocked",
            Shape::Object(&IP_LIST),
            "Networks from which users cannot log in.",
            "{ip_list: [203.0.113.0/24]}",
        ),
    ]
);

static IP_LIST: Object = Object::new(
    "a list of networks",
    &[Key::optional("ip_list", ADDRESSES, "Addresses, ranges and CIDR blocks.", "[192.0.2.0/24]")],
);

pub(super) static NEW_USER: Key = Key::optional(
    "new_user",
    Shape::Either(&[Shape::Choice(ON_NEW_USER), Shape::Object(&NEW)]),
    "Logins of users whom Duo does not know.",
    "deny",
);

const ON_NEW_USER: &[Choice] = &[
    Choice::new("no-mfa", "they log in without a second factor; known users without a device still enroll"),
    Choice::new("enroll", "they enroll in Duo"),
    Choice::new("deny", "they cannot log in"),
];

static NEW: Object = object!(
    "new_user",
    &[Key::optional(
        "new_user_behavior",
        Shape::Choice(ON_NEW_USER),
        "What happens to unknown users.",
        "deny"
    )]
);

pub(super) static REMEMBERED_DEVICES: Key = Key::optional(
    "remembered_devices",
    Shape::Object(&REMEMBERED),
    "How long users need no second factor again on the same device.",
    "{browser: {user_based: 12h}, windows_logon: off}",
);

static REMEMBERED: Object = object!(
    "remembered_devices",
    &[
        Key::optional(
            "browser",
            Shape::Either(&[Shape::Choice(SWITCHED_OFF), Shape::Flag, Shape::Object(&BROWSER)]),
            "Applications in a browser. `off` means that browsers are not remembered.",
            "{user_based: 12h}",
        ),
        Key::optional(
            "windows_logon",
            Shape::Either(&[Shape::Text(&DURATION_OR_OFF), Shape::Flag, Shape::Object(&WINDOWS)]),
            "Logins to Windows. A duration, or `off`.",
            "30d",
        ),
    ]
);

const ENABLED: Key =
    Key::optional("enabled", Shape::Flag, "Remember devices. Implied by the settings next to it.", "true");

/// Duo keeps the number and the unit apart.
fn in_two_parts() -> Vec<(String, Problem)> {
    ["max_time_units", "max_time_value"].map(|name| renamed(name, DUO_NAME, MAX_TIME)).to_vec()
}

const METHODS_OF_REMEMBERING: &[Choice] = &[
    Choice::new("user-based", "users choose to be remembered, for a fixed time"),
    Choice::new(
        "risk-based",
        "Duo remembers devices until a login looks risky. Needs Duo Advantage or Premier",
    ),
];

static BROWSER: Object = Object::new(
    "`browser`",
    &[
        ENABLED,
        Key::optional(
            "remember_method",
            Shape::Choice(METHODS_OF_REMEMBERING),
            "Which of the two methods decides. Implied by `user_based` or `risk_based`.",
            "user-based",
        ),
        Key::optional(
            "user_based",
            Shape::Either(&[DURATION, Shape::Object(&USER_BASED)]),
            "The time for `user-based`. From 1h to 8760h, or from 1d to 365d.",
            "12h",
        ),
        Key::optional(
            "risk_based",
            Shape::Either(&[DURATION, Shape::Object(&RISK_BASED)]),
            "The time for `risk-based`. Needs Duo Advantage or Premier.",
            "30d",
        ),
    ],
);

const TIME: Key = Key::optional(
    MAX_TIME,
    DURATION,
    "How long a device is remembered. From 1h to 8760h, or from 1d to 365d.",
    "30d",
);

static USER_BASED: Object = Object {
    foreign: in_two_parts,
    ..Object::new(
        "`user_based`",
        &[
            TIME,
            Key::optional(
                "confirm_per_app",
                Shape::Flag,
                "Let users confirm once for each application.",
                "true",
            ),
        ],
    )
};

static RISK_BASED: Object = Object { foreign: in_two_parts, ..Object::new("`risk_based`", &[TIME]) };

static WINDOWS: Object = Object { foreign: in_two_parts, ..Object::new("`windows_logon`", &[ENABLED, TIME]) };

pub(super) static RISK_BASED_FACTOR_SELECTION: Key = Key::optional(
    "risk_based_factor_selection",
    Shape::Object(&FACTORS),
    "Stronger methods for logins that look risky. Needs Duo Advantage or Premier.",
    "{limit_to_risk_based_auth_methods: true, risk_based_verified_push_digits: 6}",
);

static FACTORS: Object = object!(
    "risk_based_factor_selection",
    &[
        Key::optional(
            "limit_to_risk_based_auth_methods",
            Shape::Flag,
            "Allow only the stronger methods while a login looks risky.",
            "true",
        ),
        Key::optional(
            "risk_based_verified_push_digits",
            Shape::Whole(3, 6),
            "Number of digits of a verified push while a login looks risky.",
            "6",
        ),
    ]
);

pub(super) static TRUSTED_ENDPOINTS: Key = Key::optional(
    "trusted_endpoints",
    Shape::Either(&[Shape::Choice(TRUST), Shape::Object(&ENDPOINTS)]),
    "Whether devices must be managed. It has no effect until the account has a management integration, which only the Admin Panel can create.",
    "require-trusted",
);

const TRUST: &[Choice] = &[
    Choice::new("not-configured", "the account has no management integration"),
    Choice::new("no-action", "devices are not checked"),
    Choice::new("allow-all", "devices are checked, and all of them can log in"),
    Choice::new("require-trusted", "only managed devices can log in"),
];

static ENDPOINTS: Object = object!(
    "trusted_endpoints",
    &[
        Key::optional(
            "trusted_endpoint_checking",
            Shape::Choice(TRUST),
            "The check of computers.",
            "require-trusted"
        ),
        Key::optional(
            "trusted_endpoint_checking_mobile",
            Shape::Choice(TRUST),
            "The check of mobile devices. If it is left out, it is the same as that of computers.",
            "allow-all",
        ),
        Key::optional(
            "cisco_secure_endpoint_can_block",
            Shape::Flag,
            "Block devices that Cisco Secure Endpoint reports as compromised.",
            "true",
        ),
    ]
);

pub(super) static USER_LOCATION: Key = Key::optional(
    "user_location",
    Shape::Object(&LOCATION),
    "Logins by country. A country is in one list at most. Needs Duo Advantage or Premier.",
    "{default: deny-access, require_mfa: [DE, FR]}",
);

const ON_LOCATION: &[Choice] = &[
    Choice::new("allow-access-no-2fa", "users log in without a second factor"),
    Choice::new("ignore-location", "the other sections decide"),
    Choice::new("require-mfa", "users need a second factor"),
    Choice::new("deny-access", "logins are denied"),
];

static LOCATION: Object = object!(
    "user_location",
    &[
        Key::optional(
            "default",
            Shape::Choice(ON_LOCATION),
            "What happens in all other countries.",
            "deny-access"
        ),
        Key::optional(
            "allow_access_no_2fa",
            COUNTRIES,
            "Countries from which users log in without a second factor.",
            "[DE]",
        ),
        Key::optional("ignore_location", COUNTRIES, "Countries where the other sections decide.", "[AT, CH]"),
        Key::optional(
            "require_mfa",
            COUNTRIES,
            "Countries from which users need a second factor.",
            "[DE, FR]"
        ),
        Key::optional("deny_access", COUNTRIES, "Countries from which logins are denied.", "[KP]"),
        Key::optional(
            "access_device_only",
            Shape::Flag,
            "Check the location of the device that logs in only, not that of the second factor.",
            "true",
        ),
    ]
);
