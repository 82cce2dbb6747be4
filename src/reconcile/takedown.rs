//! Entries removed from the YAML: what a person removes in a console without an API before the entry's applications are
//! deleted. The other order would leave the console with keys that stopped working.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Spanned;
use crate::duo::object::Object;
use crate::language::attestation::Attestation;

use super::handoff::{ConsoleField, FINGERPRINT_LENGTH, Handoff, Purpose, short};
use crate::kinds::address::Address;

/// What the console holds for one part of an entry.
#[derive(Clone, Copy, Debug)]
pub struct TakedownKey {
    /// The part, e.g. `admin_api`.
    pub part: &'static str,
    /// Its code in an attestation: the letter that the key has in the form.
    pub code: char,
    /// The label of its integration key in the console.
    pub label: &'static str,
}

/// How an integration is removed in the console.
#[derive(Clone, Debug, Default)]
pub struct TakedownSpec {
    /// Where to go.
    pub place: &'static str,
    /// What to do there, in order.
    pub then: &'static [&'static str],
    /// The tab that shows what to look for.
    pub tab: &'static str,
    /// What people call the console, in lower case.
    pub known_as: &'static [&'static str],
    /// The label of the integration's name in the console.
    pub name_label: &'static str,
    /// The prefix of an application's name that precedes the integration's name.
    pub name_prefix: &'static str,
    /// The keys to look for, in the order of the form.
    pub keys: &'static [TakedownKey],
    /// What the YAML attests, by entry.
    pub attested: BTreeMap<Address, Spanned<String>>,
}

impl TakedownSpec {
    /// What to remove in the console, by entry. `orphans` are sorted by address. Entries that are still `declared` are
    /// excluded: their form shows what to remove.
    pub fn handoffs<'a>(
        &self,
        orphans: impl Iterator<Item = (&'a Address, &'a Object)>,
        declared: &BTreeSet<&Address>,
    ) -> Vec<Handoff> {
        let mut entries: BTreeMap<Address, Vec<(Address, &Object)>> = BTreeMap::new();
        for (address, live) in orphans {
            let Some((entry, part)) = address.composite() else { continue };
            if self.keys.iter().any(|key| key.part == part) && !declared.contains(&entry) {
                entries.entry(entry).or_default().push((address.clone(), live));
            }
        }
        entries.into_iter().map(|(entry, lives)| self.handoff(entry, &lives)).collect()
    }

    fn handoff(&self, entry: Address, lives: &[(Address, &Object)]) -> Handoff {
        let mut fields: Vec<ConsoleField> =
            self.keys.iter().filter_map(|key| self.key(key, &entry, lives)).collect();
        let parts = fields.iter().flat_map(|field| [field.label, field.value.as_deref().unwrap_or_default()]);
        let fingerprint = short(["removed", entry.as_str()].into_iter().chain(parts), FINGERPRINT_LENGTH);
        let attested = self.attested.get(&entry);
        let attestation = attested.and_then(|text| Attestation::parse(&text.value));
        // If one of two applications is already gone, the attestation of the other still counts.
        let done = attestation.is_some_and(|attestation| {
            let held = |field: &ConsoleField| attestation.fields.get(&field.code) == field.hash().as_ref();
            attestation.fingerprint == fingerprint || (!fields.is_empty() && fields.iter().all(held))
        });
        fields.iter_mut().for_each(|field| field.outstanding = !done);
        if let Some(name) = self.name(lives) {
            fields.insert(0, ConsoleField { outstanding: !done, ..name });
        }
        Handoff {
            address: entry,
            purpose: Purpose::Remove,
            place: self.place,
            fields,
            then: self.then.to_vec(),
            fingerprint: Some(fingerprint),
            attested: attested.map(|attested| attested.value.clone()),
            attested_span: attested.map(|attested| attested.span),
            lapsed: None,
        }
    }

    /// The integration key of a part; several if the account contains copies of it.
    fn key(&self, key: &TakedownKey, entry: &Address, lives: &[(Address, &Object)]) -> Option<ConsoleField> {
        let address = entry.part(key.part);
        let ikeys = lives.iter().filter(|(of, _)| *of == address).map(|(_, live)| live.id.to_string());
        let ikeys: Vec<String> = ikeys.collect();
        (!ikeys.is_empty()).then(|| ConsoleField {
            code: key.code,
            application: Some(address),
            ..self.field(key.label, ikeys.join(", "))
        })
    }

    /// The name of the integration, if the name of an application shows it.
    fn name(&self, lives: &[(Address, &Object)]) -> Option<ConsoleField> {
        let name = lives.iter().find_map(|(_, live)| live.name().strip_prefix(self.name_prefix))?;
        Some(self.field(self.name_label, name.to_owned()))
    }

    fn field(&self, label: &'static str, value: String) -> ConsoleField {
        ConsoleField {
            code: 'n',
            tab: self.tab,
            label,
            value: Some(value),
            withheld: None,
            secret: false,
            delivered_to: None,
            application: None,
            outstanding: true,
            still_works: false,
        }
    }
}
