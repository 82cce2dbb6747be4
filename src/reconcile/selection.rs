//! `--only`, `--exclude` and addresses on the command line: in full, shortened, or as globs.

use crate::kinds::address::Address;
use crate::language::address::without_section;
pub use crate::language::address::{Pattern, glob_matcher};
use crate::language::similar::did_you_mean;
use crate::text::shown;

/// What is wrong with a pattern, given the known addresses: it matches none, or may mean two.
fn check_one(pattern: &Pattern, known: &[&Address]) -> Result<(), String> {
    let text = pattern.to_string();
    let addresses = || known.iter().map(|address| address.as_str());
    if let Some((one, other)) = pattern.ambiguous(addresses()) {
        return Err(format!("{} can be {one} or {other}; write the full address", shown(&text)));
    }
    if addresses().any(|address| pattern.matches(address)) {
        return Ok(());
    }
    if text.contains(',') && !pattern.is_glob() {
        return Err(format!("{} matches no address; repeat the option for each address", shown(&text)));
    }
    let known: Vec<&str> = addresses().collect();
    Err(format!("{} matches no address; {}", shown(&text), meant(&text, &known)))
}

/// A suggestion for a text that matches no known address: a similar one, in full or shortened.
pub fn meant(text: &str, known: &[&str]) -> String {
    let short = known.iter().filter_map(|address| without_section(address));
    did_you_mean(text, known.iter().copied().chain(short))
        .or_else(|| Some(format!("known addresses include `{}`", known.first()?)))
        .unwrap_or_else(|| "there are no addresses".to_owned())
}

/// Checks that every pattern matches a known address. Every command that takes patterns uses this check.
///
/// # Errors
///
/// Which pattern matches nothing, and what was probably meant.
pub fn check<'p>(patterns: impl IntoIterator<Item = &'p Pattern>, known: &[&Address]) -> Result<(), String> {
    patterns.into_iter().try_for_each(|pattern| check_one(pattern, known))
}

/// The addresses that a run covers; exclusion wins.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    only: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Selection {
    /// Compiles the patterns. The error names the first invalid one.
    pub fn new(only: &[String], exclude: &[String]) -> Result<Self, String> {
        let compile =
            |texts: &[String]| texts.iter().map(|text| Pattern::parse(text)).collect::<Result<Vec<_>, _>>();
        Ok(Self { only: compile(only)?, exclude: compile(exclude)? })
    }

    /// Every pattern.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.only.iter().chain(&self.exclude)
    }

    /// Whether the run covers an address.
    pub fn covers(&self, address: &Address) -> bool {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(address.as_str()));
        (self.only.is_empty() || matches(&self.only)) && !matches(&self.exclude)
    }

    /// Whether the run covers everything.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.exclude.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_an_address_or_stops_the_run() {
        let part = Address::intelligence("emea").part("admin_api");
        let all = [Address::application("vpn"), part];
        let known: Vec<&Address> = all.iter().collect();
        let checked = |text: &str| Pattern::parse(text).and_then(|pattern| check([&pattern], &known));
        for text in [
            "vpn",
            "vp*",
            "{vpn,wiki}",
            "applications.vpn",
            "*",
            "*.vpn",
            "identity_intelligence.emea",
            "emea",
            "emea.*",
            "emea.admin_api",
        ] {
            assert_eq!(checked(text), Ok(()), "{text}");
        }
        for (text, message) in [
            ("vpm", "`vpm` matches no address; did you mean `vpn`?"),
            ("applications.vnp", "`applications.vnp` matches no address; did you mean `applications.vpn`?"),
            (
                "applications.quite-other-*",
                "`applications.quite-other-*` matches no address; known addresses include `applications.vpn`",
            ),
            ("", "an empty pattern matches no address"),
        ] {
            assert_eq!(checked(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_short_address_that_two_sections_have_is_refused() {
        let all = [Address::application("emea"), Address::intelligence("emea").part("admin_api")];
        let known: Vec<&Address> = all.iter().collect();
        let checked = |text: &str| Pattern::parse(text).and_then(|pattern| check([&pattern], &known));
        let ambiguous =
            "`emea` can be applications.emea or identity_intelligence.emea.admin_api; write the full address";
        assert_eq!(checked("emea"), Err(ambiguous.to_owned()));
        for text in ["applications.emea", "identity_intelligence.emea", "emea.admin_api", "em*"] {
            assert_eq!(checked(text), Ok(()), "{text}");
        }
    }

    /// A pattern without its section means the same addresses as with it, and no others.
    #[test]
    fn a_short_pattern_means_what_it_means_in_full() {
        for key in ["vpn", "v-p_n", "0"] {
            for glob in [key, "*", "?*", "v*", "[v0]*", "{vpn,0}"] {
                let (short, full) = (Pattern::parse(glob), Pattern::parse(&format!("applications.{glob}")));
                let address = Address::application(key);
                assert_eq!(
                    short.unwrap().matches(address.as_str()),
                    full.unwrap().matches(address.as_str()),
                    "{glob} {key}"
                );
            }
        }
        assert!(!Pattern::parse("applications").unwrap().matches("applications.vpn"));
        assert!(!Pattern::parse("policies.vpn").unwrap().matches("applications.vpn"));
    }

    #[test]
    fn exclusion_wins() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let selection = Selection::new(&texts(&["applications.*"]), &texts(&["*.vpn"])).unwrap();
        assert!(selection.covers(&Address::application("wiki")));
        assert!(!selection.covers(&Address::application("vpn")));
        assert!(!selection.covers(&Address::intelligence("emea")));
        assert!(Selection::default().covers(&Address::application("vpn")));
        assert!(Selection::new(&texts(&["["]), &[]).is_err());
    }

    #[test]
    fn an_entry_stands_for_its_parts() {
        let emea = Selection::new(&["identity_intelligence.emea".to_owned()], &[]).unwrap();
        let entry = Address::intelligence("emea");
        for address in [&entry, &entry.part("admin_api"), &entry.part("auth_api")] {
            assert!(emea.covers(address), "{address}");
        }
        for other in [Address::intelligence("emea2").part("admin_api"), Address::application("emea")] {
            assert!(!emea.covers(&other), "{other}");
        }
    }
}
