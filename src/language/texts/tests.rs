//! The rules for texts, and their patterns.

use super::*;

#[test]
fn the_hostname_that_was_meant_is_named() {
    let bare = "write `api-1a2b3c4d.duosecurity.com`";
    for (text, message) in [
        ("https://api-1a2b3c4d.duosecurity.com", "without `https://`"),
        ("api-1a2b3c4d.duosecurity.com/", "without a path"),
        ("api-1a2b3c4d.duosecurity.com:443", "without a port"),
        ("api-1a2b3c4d.duosecurity.com.", "end with a dot"),
        ("API-1A2B3C4D.duosecurity.com", "lower case"),
        (" api-1a2b3c4d.duosecurity.com", "spaces"),
    ] {
        let problem = hostname(text).expect_err(text);
        assert!(problem.message.contains(message), "{text}: {}", problem.message);
        assert_eq!(problem.help.text, bare, "{text}");
    }
    for text in [
        "api-.duosecurity.com",
        "admin-1a2b3c4d.duosecurity.com",
        "api-1.example.com",
        "api-1.duosecurity.com.evil.com",
        "",
        "localhost",
    ] {
        assert!(hostname(text).is_err(), "{text}");
    }
    assert_eq!(hostname("api-1a2b3c4d.duofederal.com"), Ok(()));
}

#[test]
fn networks_are_addresses_ranges_and_blocks() {
    for text in ["192.0.2.8", "192.0.2.0/24", "192.0.2.1-192.0.2.20", "2001:db8::/32", "::1 - ::5"] {
        assert_eq!(network(text), Ok(()), "{text}");
    }
    for text in ["", "office", "192.0.2.300", "192.0.2.0/33", "192.0.2.9-192.0.2.1", "192.0.2.1-::1"] {
        assert!(network(text).is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn the_patterns_take_every_address_and_network(v4: u32, v6: u128, length in 0_u8..=128) {
        let (v4, v6) = (std::net::Ipv4Addr::from(v4), std::net::Ipv6Addr::from(v6));
        let fits = |rule: &TextRule, text: &str| {
            let schema = serde_json::json!({"pattern": rule.pattern});
            assert!(jsonschema::is_valid(&schema, &serde_json::json!(text)), "{text}");
            assert_eq!((rule.check)(text), Ok(()), "{text}");
        };
        for text in [v4.to_string(), v6.to_string()] {
            fits(&IP, &text);
            fits(&NETWORK, &text);
            fits(&NETWORK, &format!("{text} - {text}"));
        }
        fits(&NETWORK, &format!("{v6}/{length}"));
        fits(&NETWORK, &format!("{v4}/{}", length % 33));
    }
}

#[test]
fn patterns_and_checks_agree() {
    let rules = [
        (&FILLED, "FILLED"),
        (&LINE, "LINE"),
        (&WORKSPACE, "WORKSPACE"),
        (&ADDRESS_KEY, "ADDRESS_KEY"),
        (&HOSTNAME, "HOSTNAME"),
        (&INTEGRATION_KEY, "INTEGRATION_KEY"),
        (&ENV_NAME, "ENV_NAME"),
        (&PERCENT, "PERCENT"),
        (&AGE, "AGE"),
        (&TIMEOUT, "TIMEOUT"),
        (&DATE, "DATE"),
        (&FINGERPRINT, "FINGERPRINT"),
        (&HTTPS_URL, "HTTPS_URL"),
        (&STORE_PATH, "STORE_PATH"),
        (&WEB_URL, "WEB_URL"),
        (&WEB_URL_OR_NONE, "WEB_URL_OR_NONE"),
        (&REDIRECT_URI, "REDIRECT_URI"),
        (&PEM, "PEM"),
        (&NOTES, "NOTES"),
        (&NETWORK, "NETWORK"),
        (&IP, "IP"),
    ];
    let samples = [
        "",
        " ",
        "a",
        "A",
        "a b",
        "a\tb",
        "a\n",
        "acme-prod",
        "-x",
        "_x",
        "0",
        "7f3a9c21",
        "12345678",
        "30%",
        "90d",
        "24h",
        "90",
        "101%",
        "100%",
        "2027-06-30",
        "2027-6-30",
        "20270630",
        "2027-13-01",
        "api-1a2b.duosecurity.com",
        "api-1a2b.duosecurity.com\n",
        "DIXXXXXXXXXXXXXXXXXX",
        "$HOME",
        "a234567890b234567890c234567890d234567890",
        "a234567890_234567890c234567890d234567890",
        "DUO_SKEY",
        "https://a.example/x",
        "https://u:p@a.example",
        "https://",
        "http://a",
        "/etc/x",
        "a/../b",
        "..",
        "a/b",
        "a..b",
        "é",
        "http://a.example",
        "http://a b.example",
        "https:/a.example",
        "com.example.app:/cb",
        "https://a.example/x#y",
        "mailto:",
        ":",
        "not a certificate",
        "-----BEGIN CERTIFICATE-----\nAA==",
        &"é".repeat(512),
        &"x".repeat(513),
        "192.0.2.8",
        "192.0.2.300",
        "192.0.2.08",
        "192.0.2",
        "192.0.2.0/24",
        "192.0.2.0/33",
        "192.0.2.1 - 192.0.2.9",
        "192.0.2.1-::1",
        "2001:db8::/32",
        "2001:db8::/129",
        "::1",
        "office",
    ];
    for (rule, name) in rules {
        for text in samples {
            let instance = serde_json::json!(text);
            let schema = serde_json::json!({"pattern": rule.pattern});
            assert_eq!(
                (rule.check)(text).is_ok(),
                jsonschema::is_valid(&schema, &instance),
                "{name}: {text:?}"
            );
        }
    }
}
