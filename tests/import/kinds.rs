//! Groups and policies with every name and description that ten years of clicking leave behind.

use duoctl::sandbox::call::Reply;
use serde_json::{Map, json};

use super::random::NAMES;
use super::*;

const DESCRIPTIONS: &[&str] = &[
    "",
    "Short contracts",
    "two\nlines",
    "owned [duoctl acme/groups.x",
    "[duoctl acme/groups.gone -]",
    "[duoctl other/groups.vpn -]",
    "[duoctl acme/applications.vpn -]",
    "key: 0123456789abcdefABCDEF0123456789abcdefAB",
    " ",
    "bell\u{7} and \u{202e}right to left",
];

#[tokio::test(start_paused = true)]
async fn every_name_and_description_is_imported_or_left_out_with_a_reason() {
    let direct = empty();
    let mut groups = 0;
    for (name, text) in NAMES.iter().zip(DESCRIPTIONS.iter().cycle()) {
        let mut account = direct.account();
        let id = account.add_group(name).unwrap();
        let described = Map::from_iter([("desc".to_owned(), json!(text))]);
        let reply = account.as_administrator("POST", &format!("/admin/v1/groups/{id}"), described);
        assert!(matches!(reply, Reply::Ok(_)), "{name:?} {text:?}: {reply:?}");
        account.place_policy(name, Map::new()).unwrap();
        groups += 1;
    }
    for authoritative in [false, true] {
        let kinds = [Kind::Group, Kind::Policy].into();
        let wanted = Wanted { kinds, global_policy: true, authoritative, ..Wanted::default() };
        let (yaml, imported) = import_adopts_and_settles(&direct, BARE, &wanted).await.unwrap();
        // Each group, each policy, and the global policy.
        assert_eq!(imported.entries.len() + imported.left_out.len(), 2 * groups + 1, "{yaml}");
        assert!(imported.entries.len() > groups + groups / 2, "{:#?}", imported.left_out);
        assert!(!yaml.contains("0123456789abcdefABCDEF0123456789abcdefAB"), "no secret");
    }
}
