//! The vendor's page, sentence by sentence: each step has a test that shows what becomes of it.

use std::fs;

/// The step, what duoctl makes of it, and the test: its file and its name.
const STEPS: &[(&str, &str, &str, &str)] = &[
    ("only for an additional integration", "said", "docs/identity-intelligence.md", "is never touched"),
    ("read-only Admin API", "done", "tests/intelligence/ladder.rs", "the_whole_page_ends_at_the_top_rung"),
    ("read/write Admin API", "done", "tests/browser.rs", "a_person_walks_through_the_vendors_page"),
    (
        "Auth API for Send Push Notification",
        "done",
        "tests/browser.rs",
        "a_person_walks_through_the_vendors_page",
    ),
    (
        "Applications -> Admin API",
        "done",
        "tests/intelligence/handoff.rs",
        "each_change_names_exactly_its_fields",
    ),
    (
        "note the integration key and hostname",
        "handed over",
        "tests/intelligence/handoff.rs",
        "the_sheet_holds_no_secret",
    ),
    (
        "permissions; Grant Write resource",
        "checked",
        "tests/intelligence/handoff.rs",
        "a_key_that_may_do_more_is_drift",
    ),
    (
        "Protect Auth API, copy its keys",
        "handed over",
        "tests/intelligence/handoff.rs",
        "push_off_and_on_again",
    ),
    (
        "a name that end users recognise",
        "checked",
        "tests/intelligence/handoff.rs",
        "a_renamed_push_is_announced",
    ),
    (
        "Integrations -> New Integration -> Duo",
        "rehearsed",
        "tests/intelligence/sandbox.rs",
        "the_form_has_the_rules_of_the_page",
    ),
    ("display name", "handed over", "tests/intelligence/handoff.rs", "each_change_names_exactly_its_fields"),
    ("no prefix like https://", "checked", "tests/samples/invalid/hostname-scheme.yaml", "invalid-hostname"),
    ("Support Push Verification", "handed over", "tests/intelligence/handoff.rs", "push_off_and_on_again"),
    (
        "Endpoints from Advantage on",
        "checked",
        "tests/samples/invalid/endpoints-on-essentials.yaml",
        "plan-too-small",
    ),
    ("Save", "rehearsed", "tests/browser/console.mjs", "await save()"),
    ("Test Connectivity", "rehearsed", "tests/intelligence/sandbox.rs", "wrong_keys_give_duos_own_refusals"),
    (
        "Collect Now",
        "rehearsed",
        "tests/intelligence/sandbox.rs",
        "what_was_collected_is_what_the_public_api_shows",
    ),
    ("the data flows", "checked", "tests/intelligence/ladder.rs", "what_is_missing_is_pending_for_a_day"),
    ("event streaming", "refused", "tests/samples/invalid/event-streaming.yaml", "event-streaming"),
];

#[test]
fn every_step_of_the_page_has_its_test() {
    for (step, kind, file, name) in STEPS {
        let text =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{step} ({kind}): {file}: {error}"));
        assert!(text.contains(name), "{step} ({kind}): {file} has no {name}");
    }
}
