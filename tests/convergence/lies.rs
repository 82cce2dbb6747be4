//! False answers and concurrent runs: over the simulator, with something between it and the client.

use std::path::Path;
use std::sync::{Arc, Mutex};

use duoctl::apply::deliver::Courier;
use duoctl::apply::execute::{Hands, execute};
use duoctl::apply::outcome::{Status, StepOutcome};
use duoctl::apply::rotate::{Rotated, in_place};
use duoctl::apply::seal::Sealer;
use duoctl::config::load::load_text;
use duoctl::duo::api::ReadApi as _;
use duoctl::duo::call::{ApiCall, Success, Transport};
use duoctl::duo::client::{Reader, Writer};
use duoctl::duo::error::DuoError;
use duoctl::duo::object::{Ikey, Kind};
use duoctl::observe::{look_up, observe};
use duoctl::reconcile::delivery::Delivery;
use duoctl::reconcile::plan::{Plan, plan};
use duoctl::sandbox::account::{API_HOSTNAME, Account};
use duoctl::sandbox::direct::Direct;
use duoctl::secret::Secret;
use duoctl::secrets::Stores;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{Desired, Silent, options, parse, without_waiting};
use crate::seals::{SECRET, keyring, sealed};

const LIST: &str = "/admin/v3/integrations";

/// How an answer is changed on its way.
type Lie = Arc<dyn Fn(&ApiCall, Success) -> Success + Send + Sync>;

/// A connection that changes answers and records requests.
#[derive(Clone)]
struct Between {
    direct: Direct,
    lie: Lie,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Between {
    fn new(direct: &Direct, lie: impl Fn(&ApiCall, Success) -> Success + Send + Sync + 'static) -> Self {
        Self { direct: direct.clone(), lie: Arc::new(lie), sent: Arc::default() }
    }

    /// The write requests that were sent.
    fn changes(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|call| !call.starts_with("GET")).cloned().collect()
    }
}

impl Transport for Between {
    async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
        self.sent.lock().unwrap().push(format!("{} {}", call.method.as_str(), call.path));
        Ok((self.lie)(call, self.direct.send(call).await?))
    }

    fn signed_by(&self, ikey: &Ikey, secret: &Secret) -> Self {
        Self { direct: self.direct.signed_by(ikey, secret), ..self.clone() }
    }

    fn host(&self) -> &str {
        self.direct.host()
    }
}

async fn planned_by<T: Transport + Clone>(transport: &T, operator: &Ikey, desired: &Desired) -> Plan {
    let reading = observe(&Reader::new(transport.clone()), desired, keyring(), operator, API_HOSTNAME).await;
    plan(desired, &reading.observation, &options())
}

async fn carried_out<T: Transport + Clone>(plan: &Plan, transport: &T, stores: &Stores) -> Vec<StepOutcome> {
    let (writer, courier) = (Writer::new(transport.clone()), Courier::new(transport.clone(), stores));
    execute(
        plan,
        Hands { writer: &writer, courier: &courier, deputy: None, sealer: Sealer::new(keyring()) },
        1,
        &CancellationToken::new(),
        &Silent,
    )
    .await
}

fn desired(access: &str) -> Desired {
    let vpn = json!({"type": "radius", "name": "VPN", "user_access": access});
    document(&json!({"applications": {"vpn": vpn}}))
}

fn document(more: &Value) -> Desired {
    let tenant = json!({"api_hostname": API_HOSTNAME});
    let mut document = json!({"version": 1, "workspace": "acme", "tenant": tenant});
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    parse(document.to_string())
}

fn ikey_of(direct: &Direct, name: &str) -> String {
    let all = direct.account().applications();
    let found = all.iter().find(|live| live["name"] == name).unwrap();
    found["integration_key"].as_str().unwrap().to_owned()
}

fn place(direct: &Direct, body: &Value) -> String {
    direct.account().place_application(body).unwrap();
    let ikey = ikey_of(direct, body["name"].as_str().unwrap());
    if let Some(notes) = body["notes"].as_str() {
        let notes = json!({"notes": sealed(SECRET, Some(&ikey), notes)});
        direct.account().modify_application(&ikey, notes.as_object().unwrap().clone()).ok().unwrap();
    }
    ikey
}

/// False answers to a creation, or in the list after it.
#[test]
fn nothing_is_sent_to_what_an_answer_to_a_creation_claims_to_be_new() {
    type Change = fn(&mut Map<String, Value>);
    let lists: [(&str, Change); 8] = [
        ("another name", |live| drop(live.insert("name".into(), json!("Payroll")))),
        ("no name", |live| drop(live.insert("name".into(), json!("")))),
        ("another type", |live| drop(live.insert("type".into(), json!("unix")))),
        ("open", |live| drop(live.insert("user_access".into(), json!("ALL_USERS")))),
        ("access not shown", |live| drop(live.remove("user_access"))),
        ("no notes", |live| drop(live.insert("notes".into(), json!("")))),
        ("notes of another address", |live| {
            live.insert(
                "notes".into(),
                json!("[duoctl acme/applications.other - creating:2026-11-24T12:00:00Z]"),
            );
        }),
        ("notes of another workspace", |live| {
            live.insert(
                "notes".into(),
                json!("[duoctl other/applications.vpn - creating:2026-11-24T12:00:00Z]"),
            );
        }),
    ];
    for access in ["no_users", "all_users"] {
        let start = || {
            let direct = Direct::operator(Account::in_memory().unwrap());
            place(&direct, &json!({"type": "radius", "name": "Theirs", "user_access": "ALL_USERS"}));
            let notes = "[duoctl acme/applications.ours - protected]";
            let ours = json!({"type": "radius", "name": "Ours", "user_access": "ALL_USERS", "notes": notes});
            place(&direct, &ours);
            direct
        };
        // The answer names another application.
        for whose in ["Theirs", "Ours", "Configuration pipeline", "nobody's"] {
            let direct = start();
            let key =
                if whose == "nobody's" { "DI0000000000000000NO".to_owned() } else { ikey_of(&direct, whose) };
            let between = Between::new(&direct, move |call, mut answer| {
                if call.method.as_str() == "POST" && call.path == LIST {
                    answer.response["integration_key"] = json!(key);
                }
                answer
            });
            refused(&direct, &between, access, whose);
        }
        // The answer names the right application, with a wrong value.
        for (what, value) in [("type", "unix"), ("name", "Payroll"), ("name", "VPN of somebody else")] {
            let direct = start();
            let between = Between::new(&direct, move |call, mut answer| {
                if call.method.as_str() == "POST" && call.path == LIST {
                    answer.response[what] = json!(value);
                }
                answer
            });
            refused(&direct, &between, access, value);
        }
        // The list shows the new application differently from what was sent.
        for (what, change) in lists {
            let direct = start();
            let between = Between::new(&direct, move |call, mut answer| {
                if call.path == LIST && call.method.as_str() == "GET" {
                    let rows = answer.response.as_array_mut().unwrap();
                    let made = rows.iter_mut().find(|live| live["name"] == "VPN");
                    if let Some(live) = made {
                        change(live.as_object_mut().unwrap());
                    }
                }
                answer
            });
            refused(&direct, &between, access, what);
        }
    }
}

fn refused(direct: &Direct, between: &Between, access: &str, what: &str) {
    let before = direct.account().applications();
    without_waiting(async {
        let plan = planned_by(between, direct.ikey(), &desired(access)).await;
        let outcomes = carried_out(&plan, between, &Stores::default()).await;
        let [StepOutcome { status: Status::Unconfirmed(_), .. }] = outcomes.as_slice() else {
            panic!("{what}: {outcomes:?}")
        };
    });
    assert_eq!(between.changes(), [format!("POST {LIST}")], "{what}");
    let after = direct.account().applications();
    let (made, rest): (Vec<Value>, Vec<Value>) = after.into_iter().partition(|live| live["name"] == "VPN");
    assert_eq!(rest, before, "{what}");
    assert!(made.iter().all(|live| live["user_access"] == "NO_USERS"), "{what}: {made:?}");
}

#[test]
fn a_list_that_cannot_be_whole_plans_nothing() {
    type Lie = fn(&mut Success, &str);
    let lies: [(&str, Lie); 4] = [
        ("without the operator", |answer, operator| {
            answer.response.as_array_mut().unwrap().retain(|live| live["integration_key"] != operator);
            answer.metadata = json!({"total_objects": answer.response.as_array().unwrap().len()});
        }),
        ("empty, and it says so", |answer, _| {
            (answer.response, answer.metadata) = (json!([]), json!({"total_objects": 0}));
        }),
        ("empty, without a word", |answer, _| {
            (answer.response, answer.metadata) = (json!([]), Value::Null);
        }),
        ("shorter than it says", |answer, _| {
            answer.response.as_array_mut().unwrap().pop();
        }),
    ];
    for (what, lie) in lies {
        let direct = Direct::operator(Account::in_memory().unwrap());
        let operator = direct.ikey().to_string();
        let between = Between::new(&direct, move |call, mut answer| {
            if call.path == LIST {
                lie(&mut answer, &operator);
            }
            answer
        });
        let plan = without_waiting(planned_by(&between, direct.ikey(), &desired("no_users")));
        assert!(plan.steps().is_empty(), "{what}");
        assert!(!plan.problems().is_empty(), "{what}");
    }
}

/// Without a count, two walks must see the same.
#[test]
fn a_list_without_a_count_is_believed_only_where_it_is_the_same_twice() {
    for (hidden_in, whole) in [(None, true), (Some(1), true), (Some(2), true)] {
        let direct = Direct::operator(Account::in_memory().unwrap());
        let walks = Mutex::new(0);
        let between = Between::new(&direct, move |call, mut answer| {
            if call.path == LIST {
                answer.metadata = Value::Null;
                let mut walks = walks.lock().unwrap();
                *walks += 1;
                if hidden_in == Some(*walks) {
                    answer.response.as_array_mut().unwrap().pop();
                }
            }
            answer
        });
        let plan = without_waiting(planned_by(&between, direct.ikey(), &desired("no_users")));
        // Two of three consecutive walks are equal.
        assert_eq!(plan.problems().is_empty(), whole && hidden_in != Some(2), "{hidden_in:?}");
        assert_eq!(plan.live().len(), if plan.problems().is_empty() { 12 } else { 0 }, "{hidden_in:?}");
    }
}

/// One deletion on a page that was already read, and one creation before the next page: the count is right, but one
/// application is missed.
#[test]
fn what_slipped_out_of_a_list_is_not_created_again() {
    let direct = Direct::operator(Account::in_memory().unwrap());
    let vpn = json!({"type": "radius", "name": "VPN", "user_access": "ALL_USERS",
        "notes": "[duoctl acme/applications.vpn -]"});
    place(&direct, &vpn);
    let once = Mutex::new(true);
    let between = Between::new(&direct, move |call, mut answer| {
        if call.path == LIST && std::mem::take(&mut *once.lock().unwrap()) {
            let rows = answer.response.as_array_mut().unwrap();
            rows.retain(|live| live["name"] != "VPN");
            answer.metadata = json!({"total_objects": rows.len()});
        }
        answer
    });
    without_waiting(async {
        let plan = planned_by(&between, direct.ikey(), &desired("all_users")).await;
        assert_eq!(plan.summary().add, 1);
        let outcomes = carried_out(&plan, &between, &Stores::default()).await;
        assert!(matches!(outcomes[0].status, Status::Moved { .. }), "{outcomes:?}");
    });
    assert!(between.changes().is_empty());
}

/// A store in a folder, readable or write-only.
fn stores(folder: &Path, readable: bool) -> Value {
    let kept = folder.join("kept");
    if readable {
        return json!({"local": {"type": "file", "path": kept}});
    }
    let write = format!("mkdir -p '{0}' && cat > '{0}/vpn'", kept.display());
    json!({"local": {"type": "exec", "write": ["sh", "-c", write]}})
}

/// A runtime for the commands of stores, with a real clock.
fn at_once<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A complete second run before each request of the first: whatever both ask for, there is never a second open application,
/// the store never has the key of a deleted one, and the next run finds nothing wrong. The second run may also replace the key
/// in place: then the store has the new one.
#[test]
fn two_runs_at_once_leave_one_application_and_its_key() {
    for (readable, renews) in
        [(Some(true), false), (Some(false), false), (None, false), (Some(true), true), (Some(false), true)]
    {
        for at in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let vpn = json!({"type": "radius", "name": "VPN", "user_access": "all_users",
                "secret": {"store": "local", "path": "vpn"}});
            let mut declared = json!({"applications": {"vpn": vpn}});
            match readable {
                Some(readable) => declared["secret_stores"] = stores(folder.path(), readable),
                None => drop(declared["applications"]["vpn"].as_object_mut().unwrap().remove("secret")),
            }
            let wanted = document(&declared);
            let text = json!({"version": 1, "workspace": "acme", "tenant": {"api_hostname": API_HOSTNAME}});
            let mut text = text.as_object().unwrap().clone();
            text.extend(declared.as_object().unwrap().clone());
            let loaded = load_text("duo.yaml".into(), Value::Object(text).to_string());
            let stores = Stores::open(loaded.valid().unwrap());
            let direct = Direct::operator(Account::in_memory().unwrap());
            let interrupted = at_once(async {
                let (second, desired) = (direct.clone(), wanted.clone());
                let theirs = Stores::open(loaded.valid().unwrap());
                let by = move || {
                    at_once(async {
                        run(&second, second.ikey(), &desired, &theirs).await;
                        if renews {
                            renewed(&second, &desired, &theirs).await;
                        }
                    });
                };
                let first =
                    Interrupted { direct: direct.clone(), at, count: Arc::default(), by: Arc::new(by) };
                let outcomes = run(&first, direct.ikey(), &wanted, &stores).await;
                // A key that the other run renewed after it was read is found when it is tried.
                let is_well = |it: &StepOutcome| match it.status {
                    Status::Applied | Status::Moved { .. } | Status::NotAttempted(_) => true,
                    Status::NotDelivered(_) => renews,
                    _ => false,
                };
                assert!(outcomes.iter().all(is_well), "{readable:?} {renews} {at}: {outcomes:?}");
                first.count.lock().unwrap().1
            });
            let named = |direct: &Direct| -> Vec<Value> {
                let all = direct.account().applications();
                all.into_iter().filter(|live| live["name"] == "VPN").collect()
            };
            let open = named(&direct).iter().filter(|live| live["user_access"] == "ALL_USERS").count();
            assert!(open <= 1 && named(&direct).len() <= 1, "{readable:?} {at}: {:?}", named(&direct));
            let kept = held(folder.path()).map(|held| held["integration_key"].clone());
            let live: Vec<Value> =
                named(&direct).iter().map(|live| live["integration_key"].clone()).collect();
            assert!(
                kept.as_ref().is_none_or(|kept| live.contains(kept)),
                "{readable:?} {at}: {kept:?} {live:?}"
            );
            at_once(run(&direct, direct.ikey(), &wanted, &stores));
            let live = named(&direct);
            assert_eq!(live.len(), 1, "{readable:?} {at}");
            assert_eq!(live[0]["user_access"], "ALL_USERS", "{readable:?} {at}");
            if readable.is_some() {
                let held = held(folder.path()).unwrap();
                assert_eq!(held["integration_key"], live[0]["integration_key"], "{readable:?} {renews} {at}");
                // Duo shows the last characters of a key.
                let end = |keys: &Value| {
                    keys["secret_key"].as_str().unwrap().chars().rev().take(4).collect::<String>()
                };
                assert_eq!(end(&held), end(&live[0]), "{readable:?} {renews} {at}");
            }
            if !interrupted {
                assert!(at > 3);
                break;
            }
        }
    }
}

fn held(folder: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(folder.join("kept/vpn")).ok()?;
    let written: Value = serde_json::from_str(&text).unwrap();
    // A command gets the keys inside its request.
    Some(written.get("secret").unwrap_or(&written).clone())
}

/// Replaces the application's key in place, like `keys rotate --strategy in-place`.
async fn renewed(direct: &Direct, desired: &Desired, stores: &Stores) {
    let (writer, courier) = (Writer::new(direct.clone()), Courier::new(direct.clone(), stores));
    let lives = Reader::new(direct.clone()).list(Kind::Application).await.unwrap();
    let live = lives.iter().find(|live| live.name() == "VPN").unwrap();
    let wanted = &desired.objects[0];
    let delivery = Delivery::new(wanted.secret.as_ref().unwrap(), "the keys are new");
    let sealer = Sealer::new(keyring());
    let rotated = in_place(&writer, sealer, &courier, &wanted.address, live, &delivery).await;
    assert!(matches!(rotated, Rotated::Delivered(_)), "{rotated:?}");
}

async fn run<T: Transport + Clone>(
    transport: &T,
    operator: &Ikey,
    desired: &Desired,
    stores: &Stores,
) -> Vec<StepOutcome> {
    let mut reading =
        observe(&Reader::new(transport.clone()), desired, keyring(), operator, API_HOSTNAME).await;
    reading.observation.held = look_up(stores, &desired.objects, 1).await;
    let plan = plan(desired, &reading.observation, &options());
    assert!(
        plan.problems().iter().all(|problem| problem.severity != duoctl::diagnostic::Severity::Error),
        "{:?}",
        plan.problems()
    );
    carried_out(&plan, transport, stores).await
}

/// A connection that lets another run go first before one of its requests.
#[derive(Clone)]
struct Interrupted {
    direct: Direct,
    at: usize,
    /// How many requests were sent, and whether the other run is done.
    count: Arc<Mutex<(usize, bool)>>,
    by: Arc<dyn Fn() + Send + Sync>,
}

impl Transport for Interrupted {
    async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
        let goes_first = {
            let mut count = self.count.lock().unwrap();
            count.0 += 1;
            let now = count.0 == self.at + 1;
            count.1 |= now;
            now
        };
        if goes_first {
            // On its own thread, which this one waits for.
            std::thread::scope(|scope| scope.spawn(|| (self.by)()).join().unwrap());
        }
        self.direct.send(call).await
    }

    fn signed_by(&self, ikey: &Ikey, secret: &Secret) -> Self {
        Self { direct: self.direct.signed_by(ikey, secret), ..self.clone() }
    }

    fn host(&self) -> &str {
        self.direct.host()
    }
}
