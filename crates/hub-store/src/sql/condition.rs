//! Conditions that grow with what is asked for.

use values::{CompanyId, TenantId};

use crate::engine::Param;

/// What follows `WHERE`, and the values of its places.
pub(super) struct Condition<'a> {
    pub(super) text: String,
    pub(super) values: Vec<Param<'a>>,
}

impl<'a> Condition<'a> {
    /// Of the tenant.
    pub(super) fn of(tenant: &'a TenantId) -> Self {
        Self {
            text: "tenant = ?1".to_owned(),
            values: vec![Param::Text(tenant.as_str())],
        }
    }

    /// `compare` is a column and an operator; nothing is asked where there is no value.
    pub(super) fn and(&mut self, compare: &str, value: Option<Param<'a>>) {
        if let Some(value) = value {
            let place = self.place(value);
            self.text.push_str(&format!(" AND {compare} {place}"));
        }
    }

    /// Of these companies: none means all, and of no company there is nothing.
    pub(super) fn of_companies(&mut self, companies: Option<impl IntoIterator<Item = &'a CompanyId>>) {
        let Some(companies) = companies else { return };
        let places: Vec<_> = companies
            .into_iter()
            .map(|company| self.place(Param::Text(company.as_str())))
            .collect();
        let places = if places.is_empty() {
            "NULL".to_owned()
        } else {
            places.join(", ")
        };
        self.text.push_str(&format!(" AND company IN ({places})"));
    }

    /// A further value; gives back how a statement names it.
    pub(super) fn place(&mut self, value: Param<'a>) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }
}
