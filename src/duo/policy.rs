//! The sections and fields of Duo's policies (policies.md, section 4): what a field can hold, its default, the edition that
//! has it, when it has an effect, and what a change does to access. The one table that everything else is made from.
//!
//! A section is a tree: a field with [`Shape::Object`] or [`Shape::Branches`] has fields of its own. [`Section::leaves`]
//! lists the other fields by their paths, such as `os_restrictions.ios.block_policy`.

mod countries;
mod field;
mod table;

pub use countries::is_country;
pub use field::{
    Default, Edition, Field, Leaf, Risk, Rule, Section, Shape, UNITS, When, amounts, defaults, drop_branches,
};

/// Every section, by name.
pub fn sections() -> &'static [Section] {
    table::SECTIONS
}

/// A section by its name.
pub fn section(name: &str) -> Option<&'static Section> {
    sections().iter().find(|section| section.name == name)
}
