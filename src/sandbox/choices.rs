//! The values of the switches that choose between more than on and off.

use super::setting::choices;

choices! {
    /// The answer to a request for another account's hostname.
    ForeignHost {
        /// As for a wrong signature.
        BadSignature = "40103",
        /// As for an unknown key.
        UnknownKey = "40102",
    }
    /// The answer to a body with a wrong `Content-Type`.
    MediaType {
        /// As without credentials.
        NoCredentials = "40101",
        /// As for a wrong signature.
        BadSignature = "40103",
        /// Accepts it.
        Any = "any",
    }
    /// The answer to a key of another type on `/admin`.
    WrongKind {
        /// As for an unknown key.
        UnknownKey = "40102",
        /// As for a wrong type.
        WrongType = "40301",
    }
    /// The answer of `/auth/v2/check` where no source is certain.
    AuthCheck {
        /// The type is refused.
        WrongType = "40301",
        /// The type is accepted.
        Accepted = "200",
        /// As for an unknown key.
        UnknownKey = "40102",
    }
    /// The answer of the health check where no source is certain.
    HealthCheck {
        /// The client is unknown.
        Refused = "40002",
        /// The client is accepted.
        Accepted = "200",
    }
    /// The HTTP status of a refusal because of the clock.
    ClockRefusal {
        /// As for any other refusal.
        BadRequest = "400",
        /// Success, with `stat: FAIL`.
        Ok = "200",
    }
    /// The answer about an unknown transaction.
    UnknownTransaction {
        /// 40002.
        Invalid = "40002",
        /// The login was denied.
        Denied = "deny",
    }
    /// How a secret key is masked.
    Mask {
        /// 36 stars and its last four characters.
        LastFour = "last-four",
        /// 40 stars.
        Stars = "stars",
        /// Four stars.
        FourStars = "four-stars",
    }
    /// How a group's status is written.
    StatusCase {
        /// `Active`.
        Capitalized = "capitalized",
        /// `active`.
        Lower = "lower-case",
    }
    /// What deleting an absent object answers.
    AbsentObject {
        /// Success.
        Ok = "200",
        /// It does not exist.
        NotFound = "40401",
    }
    /// What a policy's section does that the account's edition lacks.
    BeyondEdition {
        /// 40002.
        Invalid = "40002",
        /// 40301.
        Forbidden = "40301",
        /// Accepts the call without it.
        Dropped = "dropped",
    }
    /// What removing a section of the global policy does.
    GlobalSection {
        /// 40002.
        Invalid = "40002",
        /// Nothing.
        Ignored = "ignored",
    }
    /// What deleting a policy does to the applications that use it.
    PolicyDelete {
        /// Detaches it.
        Detaches = "detaches",
        /// Nothing: the deletion is refused with 40002.
        Invalid = "40002",
        /// They keep its key.
        Dangling = "dangling",
    }
    /// How a policy names the groups that it applies to.
    AppliesToGroups {
        /// Objects with `group_id` and `group_name`.
        Objects = "objects",
        /// Their names.
        Names = "names",
        /// One entry for each group, with `group_name` in it.
        Entries = "entries",
    }
    /// The number of digits of a verified push.
    Digits {
        /// 3 to 6.
        Six = "3-6",
        /// 3 to 8.
        Eight = "3-8",
    }
    /// What may be written to a group from a directory.
    SyncedGroups {
        /// Its description and status.
        NameRefused = "name-refused",
        /// Nothing.
        Refused = "refused",
    }
}
