//! The policies and applications of an account, as far as they decide what applies to a login.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::bindings::{Bound, Names, bounds};
use crate::duo::object::{Id, Object, Policy};

/// The sections of a policy by name.
pub(super) type Sections<'a> = BTreeMap<Cow<'a, str>, Cow<'a, Value>>;

/// An application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Application {
    name: String,
    /// Its own policy.
    pub(super) policy: Option<Id>,
    /// The policies of groups.
    pub(super) bindings: Vec<Binding>,
    /// The policies that apply to it in a way that duoctl does not know.
    pub(super) unknown: BTreeSet<Id>,
}

/// A policy that applies to the members of some groups in one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) policy: Id,
    pub(super) groups: BTreeSet<Id>,
    /// Its place among those of the application; the first one decides.
    position: Option<i64>,
}

/// How a policy reaches an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// It is the global policy, which decides every section that no other policy of the application has.
    Global,
    /// It is the application's policy.
    Application,
    /// It applies to the members of these groups.
    Groups(BTreeSet<Id>),
    /// In a way that duoctl does not know.
    Unknown,
}

/// An application that a policy reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach<'w> {
    /// The application.
    pub application: &'w Id,
    /// Its name.
    pub name: &'w str,
    /// How it is reached.
    pub how: How,
}

/// A section with the policy that it is from.
pub type Section<'w> = (&'w Value, &'w Id);

/// Why it cannot be told which policy decides a section.
const NO_ORDER: &str = "cannot be judged: the order of the group policies is not known";
const NOT_READ: &str = "cannot be judged: a policy that applies could not be read";

/// What applies where in an account. A copy of it is cheap, and can be changed into what a plan makes of it.
#[derive(Clone, Debug, Default)]
pub struct World<'a> {
    pub(super) policies: BTreeMap<Id, Arc<Sections<'a>>>,
    pub(super) applications: BTreeMap<Id, Arc<Application>>,
    pub(super) global: Option<Id>,
    /// The policies that may apply to any application, in a way that duoctl does not know.
    pub(super) anywhere: BTreeSet<Id>,
}

impl<'a> World<'a> {
    /// Reads an account. The groups are needed because Duo may show them by their names. Applications that only hold keys
    /// for an API are left out: no one logs in to them.
    pub fn new(
        policies: impl IntoIterator<Item = &'a Object>,
        applications: impl IntoIterator<Item = &'a Object>,
        groups: impl IntoIterator<Item = &'a Object>,
    ) -> Self {
        let mut names = Names::new();
        for group in groups {
            names.entry(group.name()).and_modify(|id| *id = None).or_insert(Some(&group.id));
        }
        let mut world = Self::default();
        let mut keys = BTreeSet::new();
        for application in applications {
            if matches!(application.variant(), "adminapi" | "accountsapi") {
                keys.insert(&application.id);
                continue;
            }
            let policy = Some(application.text("policy_key")).filter(|key| !key.is_empty()).map(Id::new);
            let read = Application { name: application.name().to_owned(), policy, ..Application::default() };
            world.applications.insert(application.id.clone(), Arc::new(read));
        }
        for object in policies {
            let Some(policy) = Policy::of(object) else { continue };
            let sections = policy.sections().map(|(name, section)| (Cow::from(name), Cow::Borrowed(section)));
            world.policies.insert(object.id.clone(), Arc::new(sections.collect()));
            if policy.is_global() {
                world.global = Some(object.id.clone());
                continue;
            }
            for bound in bounds(object, &names) {
                world.add(&object.id, bound, &keys);
            }
        }
        world
    }

    fn add(&mut self, policy: &Id, bound: Bound, keys: &BTreeSet<&Id>) {
        match bound {
            Bound::Application { application: id, .. }
            | Bound::Groups { application: id, .. }
            | Bound::Unknown(Some(id))
                if keys.contains(&id) => {}
            Bound::Application { application, name } => {
                // What the application itself shows counts (policies.md, trap 17).
                self.named(&application, name).policy.get_or_insert_with(|| policy.clone());
            }
            Bound::Groups { application, name, groups, position } => {
                let binding = Binding { policy: policy.clone(), groups, position };
                self.named(&application, name).bindings.push(binding);
            }
            Bound::Unknown(Some(application)) => {
                self.application(&application).unknown.insert(policy.clone());
            }
            Bound::Unknown(None) => {
                self.anywhere.insert(policy.clone());
            }
        }
    }

    /// An application; one that was not listed gets the name.
    fn named(&mut self, id: &Id, name: String) -> &mut Application {
        let application = self.application(id);
        if application.name.is_empty() {
            application.name = name;
        }
        application
    }

    fn application(&mut self, id: &Id) -> &mut Application {
        Arc::make_mut(self.applications.entry(id.clone()).or_default())
    }

    /// Gives a policy a section, or takes it away. A policy that does not exist is created with it.
    pub fn set_section(&mut self, policy: &Id, section: &str, value: Option<Value>) {
        let sections = Arc::make_mut(self.policies.entry(policy.clone()).or_default());
        match value {
            Some(value) => drop(sections.insert(section.to_owned().into(), Cow::Owned(value))),
            None => drop(sections.remove(section)),
        }
    }

    /// Makes a policy that of an application; `None` leaves the application with the global policy.
    pub fn attach(&mut self, application: &Id, policy: Option<&Id>) {
        self.application(application).policy = policy.cloned();
    }

    /// Applies a policy to the members of groups in an application. Where Duo puts it among the other group policies of the
    /// application is not known.
    pub fn bind(&mut self, application: &Id, policy: &Id, groups: BTreeSet<Id>) {
        let binding = Binding { policy: policy.clone(), groups, position: None };
        self.application(application).bindings.push(binding);
    }

    /// Ends that a policy applies to the members of some groups in an application.
    pub fn unbind(&mut self, application: &Id, policy: &Id, groups: &BTreeSet<Id>) {
        let bindings = &mut self.application(application).bindings;
        for binding in bindings.iter_mut().filter(|binding| binding.policy == *policy) {
            binding.groups.retain(|group| !groups.contains(group));
        }
        bindings.retain(|binding| !binding.groups.is_empty());
    }

    /// Deletes a policy. Its applications then have the next one (policies.md, section 3.12).
    pub fn delete(&mut self, policy: &Id) {
        self.policies.remove(policy);
        self.anywhere.remove(policy);
        let applications = self.applications.values_mut();
        for application in applications.filter(|application| application.is_reached_by(policy)) {
            let application = Arc::make_mut(application);
            application.policy.take_if(|own| own == policy);
            application.bindings.retain(|binding| binding.policy != *policy);
            application.unknown.remove(policy);
        }
    }

    /// The applications that a policy reaches, by id. Those that the global policy reaches are all: which of its sections
    /// decide there depends on the other policies.
    pub fn reached(&self, policy: &Id) -> Vec<Reach<'_>> {
        let mut reached = Vec::new();
        for (id, application) in &self.applications {
            let groups: BTreeSet<Id> = application
                .bindings
                .iter()
                .filter(|binding| binding.policy == *policy)
                .flat_map(|binding| binding.groups.iter().cloned())
                .collect();
            let ways = [
                (self.global.as_ref() == Some(policy), How::Global),
                (application.policy.as_ref() == Some(policy), How::Application),
                (!groups.is_empty(), How::Groups(groups)),
                (application.unknown.contains(policy) || self.anywhere.contains(policy), How::Unknown),
            ];
            let ways = ways.into_iter().filter(|(reaches, _)| *reaches);
            reached.extend(ways.map(|(_, how)| Reach { application: id, name: &application.name, how }));
        }
        reached
    }

    /// The section that applies to the users of an application who are in these of its groups, with the policy that it is
    /// from. `Ok(None)` if no policy has it; the error says why it cannot be told.
    pub fn effective(
        &self,
        application: &Id,
        groups: &BTreeSet<Id>,
        section: &str,
    ) -> Result<Option<Section<'_>>, &'static str> {
        let none = Application::default();
        let application = self.applications.get(application).map_or(&none, Arc::as_ref);
        if let Some(found) = self.first(&application.bindings_of(groups), section)? {
            return Ok(Some(found));
        }
        for policy in application.policy.iter().chain(&self.global) {
            let (id, sections) = self.policies.get_key_value(policy).ok_or(NOT_READ)?;
            if let Some(section) = sections.get(section) {
                return Ok(Some((section, id)));
            }
        }
        Ok(None)
    }

    /// The section of the first group policy that has it.
    fn first(&self, bindings: &[&Binding], section: &str) -> Result<Option<Section<'_>>, &'static str> {
        let mut found: Vec<(Option<i64>, Section<'_>)> = Vec::new();
        for binding in bindings {
            let (id, sections) = self.policies.get_key_value(&binding.policy).ok_or(NOT_READ)?;
            found.extend(sections.get(section).map(|section| (binding.position, (section.as_ref(), id))));
        }
        found.sort_by_key(|(position, _)| *position);
        let Some((position, first)) = found.first().copied() else { return Ok(None) };
        let is_equal = |other: &(Option<i64>, Section<'_>)| other.1.0 == first.0;
        // The places may be unknown, or be the same for two policies. A policy without one is sorted first.
        let is_first = position.is_some() && found.iter().filter(|other| other.0 == position).all(is_equal);
        if is_first || found.iter().all(is_equal) { Ok(Some(first)) } else { Err(NO_ORDER) }
    }
}

impl Application {
    fn is_reached_by(&self, policy: &Id) -> bool {
        self.policies().any(|own| own == policy) || self.unknown.contains(policy)
    }

    /// Its policies, without the global one.
    pub(super) fn policies(&self) -> impl Iterator<Item = &Id> {
        self.policy.iter().chain(self.bindings.iter().map(|binding| &binding.policy))
    }

    /// Whether the same policies apply to it in the same order.
    pub(super) fn has_same_policies(&self, other: &Self) -> bool {
        self.policy == other.policy && self.bindings == other.bindings
    }

    /// The group policies that apply to users who are in these groups.
    pub(super) fn bindings_of(&self, groups: &BTreeSet<Id>) -> Vec<&Binding> {
        self.bindings.iter().filter(|binding| !binding.groups.is_disjoint(groups)).collect()
    }
}
