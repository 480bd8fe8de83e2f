//! Typed ids: a tenant is never taken for a company.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

text_id!(
    /// A customer of the platform; everything in the hub belongs to exactly one.
    TenantId
);
text_id!(
    /// An enrolled driver.
    AgentId
);
text_id!(
    /// A company as the API calls it: unique in its tenant, by default Sage's code.
    CompanyId
);
text_id!(
    /// A dataset's plural API noun (`items`).
    DatasetName
);
text_id!(
    /// A document on its way into the ERP, derived from tenant, kind and idempotency key.
    ImportId
);
text_id!(
    /// One store's random identity: a restored or replaced store is told from the old one.
    StoreId
);
number_id!(
    /// An epoch of a stream; grows whenever both sides had to agree anew.
    Epoch
);
number_id!(
    /// A batch's number in its epoch, from 1; 0 before the first.
    Sequence
);
number_id!(
    /// The epoch of the one writer that a company has.
    LeaseEpoch
);
