//! The vendor's page, sentence by sentence: each has a test, or a passage, that shows how it is covered.

use std::fs;

/// How a sentence is covered.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// duoctl does it.
    Done,
    /// duoctl checks or proves it.
    Checked,
    /// A person does it, with what duoctl prints.
    HandedOver,
    /// duoctl refuses the opposite, with the reason.
    Refused,
    /// There is nothing to do; the documentation mentions it.
    Said,
}
use Fate::{Checked, Done, HandedOver, Refused, Said};

const DOC: &str = "docs/how-to/identity-intelligence.md";
const HANDOFF: &str = "tests/intelligence/handoff.rs";
const CONNECTION: &str = "tests/intelligence/connection.rs";
const MISTAKES: &str = "tests/intelligence/mistakes.rs";
const REMOVAL: &str = "tests/intelligence/removal.rs";
const CONSOLE: &str = "tests/intelligence/sandbox.rs";
const PERSON: &str = "tests/browser/console.mjs";
const INVALID: &str = "tests/samples/invalid/";

/// The sentence in short, how it is covered, and the evidence: a test with its file, or words in another file.
const SENTENCES: &[(&str, Fate, &str, &str)] = &[
    // Overview
    ("set up an integration", Done, "tests/browser/mod.rs", "a_person_walks_through_the_vendors_page"),
    ("only for an additional integration", Said, DOC, "one *additional* Duo integration"),
    // Understanding Identity Intelligence admin API permissions
    (
        "read-only Admin API",
        Done,
        CONNECTION,
        "the_whole_page_ends_at_the_last_check_and_a_rotated_key_falls_back",
    ),
    (
        "read/write adds Grant write resource",
        Done,
        REMOVAL,
        "a_downgrade_needs_no_consent_and_an_upgrade_does",
    ),
    ("Auth API needs a separate key", Done, HANDOFF, "push_off_and_on_again_asks_for_its_own_fields"),
    ("remediation by administrators and help desk only", Said, DOC, "administrators and the help desk"),
    ("all of the APIs are recommended", Said, DOC, "The vendor recommends all three"),
    // Duo Admin API Configuration
    ("you need admin access in Duo", Said, DOC, "role Owner"),
    ("Applications, Admin API", Done, HANDOFF, "each_change_names_exactly_its_fields"),
    (
        "note the integration key and API hostname",
        HandedOver,
        HANDOFF,
        "the_sheet_holds_no_secret_and_reveal_needs_a_terminal",
    ),
    (
        "the permissions for read-only",
        Checked,
        HANDOFF,
        "what_is_beyond_the_yaml_is_drift_that_escalates_in_every_format",
    ),
    ("permissions that are never needed", Refused, INVALID, "extra-permissions.yaml"),
    ("Save Changes", Done, REMOVAL, "a_downgrade_needs_no_consent_and_an_upgrade_does"),
    // Duo Auth API Configuration
    ("an Auth API key is required for pushes", Refused, INVALID, "push-true.yaml"),
    ("Protect Auth API", Done, HANDOFF, "a_new_push_application_and_a_new_place_change_exactly_their_fields"),
    ("copy the keys", HandedOver, HANDOFF, "each_secret_stands_where_it_was_delivered_in_every_format"),
    (
        "a name that end users recognise",
        Checked,
        HANDOFF,
        "a_renamed_push_is_announced_and_a_key_that_may_do_more_is_drift",
    ),
    // Identity Intelligence Configuration
    ("Integrations, New Integration, Duo", HandedOver, PERSON, "+ Add Integration"),
    ("give it a display name", HandedOver, HANDOFF, "each_change_names_exactly_its_fields"),
    ("display names are unique", Refused, INVALID, "display-name-twice.yaml"),
    (
        "enter hostname, integration key, secret key",
        HandedOver,
        CONSOLE,
        "the_form_has_the_rules_of_the_page",
    ),
    (
        "the keys that were entered are right",
        Checked,
        MISTAKES,
        "wrong_keys_in_the_console_fail_with_what_is_wrong_with_them",
    ),
    ("no prefix like https://", Refused, INVALID, "hostname-scheme.yaml"),
    (
        "slide the button for push verification",
        HandedOver,
        HANDOFF,
        "push_off_and_on_again_asks_for_its_own_fields",
    ),
    ("enter the Auth API keys", HandedOver, PERSON, "Auth API secret key"),
    ("Endpoints only from Advantage on, as declared", Refused, INVALID, "endpoints-on-essentials.yaml"),
    (
        "Endpoints only from Advantage on, as the account tells",
        Refused,
        MISTAKES,
        "the_accounts_own_plan_decides_about_endpoints",
    ),
    ("Save", HandedOver, PERSON, "await save()"),
    // Test Connectivity and Start Collection
    ("Test Connectivity", HandedOver, CONSOLE, "wrong_keys_give_duos_own_refusals"),
    ("Collect Now", HandedOver, CONSOLE, "what_was_collected_is_what_the_public_api_shows"),
    ("the data flows", Checked, CONNECTION, "what_is_missing_is_pending_for_a_day_and_failed_afterwards"),
    // Event Streaming
    ("only for the integration from the Admin Panel", Refused, INVALID, "event-streaming.yaml"),
    ("in step 2 of the wizard, then or later", Said, DOC, "step 2 of the provisioning wizard"),
    ("not for additional integrations", Said, DOC, "`event_streaming: true` in an entry is an error"),
];

#[test]
fn every_sentence_of_the_page_has_its_test() {
    for (sentence, fate, file, shown_by) in SENTENCES {
        if *file == INVALID {
            let sample = fs::read_to_string(format!("{INVALID}{shown_by}"));
            let sample = sample.unwrap_or_else(|error| panic!("{sentence} ({fate:?}): {shown_by}: {error}"));
            assert!(sample.starts_with("# expect: "), "{sentence}: {shown_by} expects nothing");
            continue;
        }
        let text = fs::read_to_string(file);
        let text = text.unwrap_or_else(|error| panic!("{sentence} ({fate:?}): {file}: {error}"));
        let wanted = if file.ends_with(".rs") { format!("fn {shown_by}(") } else { (*shown_by).to_owned() };
        assert!(text.contains(&wanted), "{sentence} ({fate:?}): {file} has no {shown_by}");
    }
}

#[test]
fn the_documentation_walks_in_the_pages_order() {
    let text = fs::read_to_string(DOC).unwrap();
    let sections = [
        "## Three kinds of API access",
        "## Duo Admin API configuration",
        "## Duo Auth API configuration",
        "## The console",
        "## Test Connectivity and Collect Now",
        "## Event streaming",
    ];
    let places: Vec<usize> = sections
        .iter()
        .map(|section| text.find(section).unwrap_or_else(|| panic!("{DOC} has no {section}")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
}
