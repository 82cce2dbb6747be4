//! The values of a switch: on or off, one of several named values, or a set of names.

/// The state of one switch, read from and written as text.
pub(super) trait Setting {
    /// The accepted values; empty if any name is accepted.
    fn values() -> &'static [&'static str];

    /// Sets the value. `false` if the text is not one of its values.
    fn take(&mut self, text: &str) -> bool;

    /// The current value, in the form that [`Setting::take`] reads.
    fn name(&self) -> String;
}

impl Setting for bool {
    fn values() -> &'static [&'static str] {
        &["on", "off"]
    }

    fn take(&mut self, text: &str) -> bool {
        *self = match text {
            "on" | "true" | "1" => true,
            "off" | "false" | "0" => false,
            _ => return false,
        };
        true
    }

    fn name(&self) -> String {
        if *self { "on" } else { "off" }.to_owned()
    }
}

/// A set of names: each use of the switch adds one; `none` empties the set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// Whether a name is in the set.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }
}

impl Setting for Names {
    fn values() -> &'static [&'static str] {
        &[]
    }

    fn take(&mut self, text: &str) -> bool {
        match text {
            "" => return false,
            "none" => self.0.clear(),
            name => self.0.push(name.to_owned()),
        }
        true
    }

    fn name(&self) -> String {
        if self.0.is_empty() { "none".to_owned() } else { self.0.join(",") }
    }
}

/// Declares a switch with named values: `Type { Variant = "name", ... }`.
macro_rules! choices {
    ($($(#[doc = $text:literal])+ $kind:ident { $($(#[doc = $about:literal])+ $variant:ident = $name:literal,)+ })+) => {$(
        $(#[doc = $text])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind {
            $($(#[doc = $about])+ $variant,)+
        }

        impl $crate::sandbox::setting::Setting for $kind {
            fn values() -> &'static [&'static str] {
                &[$($name),+]
            }

            fn take(&mut self, text: &str) -> bool {
                *self = match text {
                    $($name => Self::$variant,)+
                    _ => return false,
                };
                true
            }

            fn name(&self) -> String {
                match self { $(Self::$variant => $name,)+ }.to_owned()
            }
        }
    )+};
}

pub(super) use choices;
