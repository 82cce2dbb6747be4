//! `--only` and `--exclude`: globs on addresses; exclusion wins.

use globset::GlobMatcher;

use crate::kinds::address::Address;
pub use crate::language::address::glob_matcher;

/// Which addresses a run covers.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    only: Vec<GlobMatcher>,
    exclude: Vec<GlobMatcher>,
}

impl Selection {
    /// Compiles the globs. The error names the first that is none.
    pub fn new(only: &[String], exclude: &[String]) -> Result<Self, String> {
        let compile =
            |globs: &[String]| globs.iter().map(|glob| glob_matcher(glob)).collect::<Result<Vec<_>, _>>();
        Ok(Self { only: compile(only)?, exclude: compile(exclude)? })
    }

    /// Whether the run covers an address.
    pub fn covers(&self, address: &Address) -> bool {
        let matches = |globs: &[GlobMatcher]| globs.iter().any(|glob| glob.is_match(address.as_str()));
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
