//! `verify --format junit`: checked by an XML parser, and by the rules of the schema that Jenkins publishes.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::workspace::{CONNECTION, Workspace};

/// The rules of junit-10.xsd that `duoctl` uses: elements, their order, attributes, counts. Prints the document as JSON.
const READER: &str = r#"
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
allowed = {
    "testsuites": {"name", "time", "tests", "failures", "errors", "disabled"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package", "file"},
    "testcase": {"name", "classname", "time", "status", "assertions"},
    "properties": set(), "property": {"name", "value"}, "failure": {"type", "message"}, "error": {"type", "message"}, "skipped": {"message"},
    "system-out": set(),
}
required = {"testsuite": {"name", "tests"}, "testcase": {"name", "classname"}}
inside = {"testsuites": {"testsuite"}, "testsuite": {"testcase", "properties"}, "properties": {"property"}, "testcase": {"failure", "error", "skipped", "system-out"}}
def check(element):
    assert set(element.attrib) <= allowed[element.tag], element.attrib
    assert required.get(element.tag, set()) <= set(element.attrib), element.tag
    for child in element:
        assert child.tag in inside.get(element.tag, set()), child.tag
        check(child)
assert root.tag == "testsuites"
check(root)
for suite in root:
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(attribute)) == len(suite.findall("testcase/" + tag)), suite.get("name")
    assert int(suite.get("tests")) == len(suite.findall("testcase"))
for attribute in ("tests", "failures", "errors"):
    assert int(root.get(attribute)) == sum(int(suite.get(attribute)) for suite in root)
print(json.dumps({suite.get("name"): {case.get("name"): [case[0].tag, case[0].get("message") or case[0].text]
    for case in suite.findall("testcase")} for suite in root}))
"#;

fn read(xml: &[u8]) -> Value {
    let mut python = Command::new("python3");
    let mut child = python.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(xml).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(xml));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_check_is_a_test_case_with_the_right_outcome() {
    let name = "Duo <EMEA> & \u{2028}\u{e9}\"";
    let workspace = Workspace::applied(&CONNECTION.replace("Duo EMEA", &format!("'{name}'")));
    let output = workspace.run(&["verify", "--format", "junit"]);
    assert_eq!(output.status.code(), Some(0));
    let suites = read(&output.stdout);
    assert_eq!(suites["identity_intelligence.emea.admin_api"]["permission read_log"][0], "system-out");
    assert_eq!(
        suites["identity_intelligence.emea.admin_api"]["permission write_resource"][0], "skipped",
        "not testable is no success"
    );
    let connection = &suites["identity_intelligence.emea"];
    assert_eq!(connection["ping"][0], "system-out");
    assert_eq!(connection["console form"][0], "skipped");
    assert!(
        connection["console form"][1].as_str().unwrap().starts_with("pending: not attested yet; `duoctl")
    );
    assert!(connection["integration status"][1].as_str().unwrap().contains("Duo <EMEA> &"));

    workspace.insist("emea");
    workspace.age();
    let output = workspace.run(&["verify", "--format", "junit"]);
    assert_eq!(output.status.code(), Some(3));
    let suites = read(&output.stdout);
    let connection = &suites["identity_intelligence.emea"];
    assert_eq!(connection["console form"][0], "skipped", "what a person says is no passed test");
    assert!(connection["console form"][1].as_str().unwrap().starts_with("attested: a person confirmed"));
    assert_eq!(connection["data from Duo"][0], "failure");
    assert!(
        connection["data from Duo"][1].as_str().unwrap().contains("check the integration and System Logs")
    );
    assert_eq!(
        connection["the console's switches"],
        json!(["skipped", connection["the console's switches"][1]])
    );
}
