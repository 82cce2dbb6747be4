use super::*;

#[test]
fn every_switch_can_be_turned_by_its_name() {
    for switch in Switches::all() {
        let others: Vec<_> = switch.others().collect();
        for other in if others.is_empty() { vec!["some-name"] } else { others } {
            let mut switches = Switches::default();
            switches.set(&format!("{}={other}", switch.name)).unwrap();
            assert_ne!(switches, Switches::default(), "{}", switch.name);
            switches.set(&format!("{}={}", switch.name, switch.default)).unwrap();
            assert_eq!(switches, Switches::default(), "{}", switch.name);
        }
    }
}

#[test]
fn a_bad_switch_says_what_is_known() {
    let error = |text: &str| Switches::default().set(text).unwrap_err();
    let unknown = error("strict=on");
    assert!(
        unknown.starts_with("unknown switch `strict`; known switches: strict-permissions, "),
        "{unknown}"
    );
    assert_eq!(error("trim-text=maybe"), "switch `trim-text` accepts `on` or `off`, not `maybe`");
    assert_eq!(error("wrong-kind"), "switch `wrong-kind` accepts `40102` or `40301`, not `on`");
    assert_eq!(error("refuse-type="), "switch `refuse-type` needs a name: refuse-type=NAME");
}

#[test]
fn a_switch_of_names_is_given_once_for_each() {
    let mut switches = Switches::default();
    switches.set("refuse-type=rdp").unwrap();
    switches.set("refuse-type=unix").unwrap();
    assert!(switches.refuse_type.contains("rdp") && switches.refuse_type.contains("unix"));
    assert!(!switches.refuse_type.contains("radius"));
}
