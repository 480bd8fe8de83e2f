//! Customers: one that Sage has, one that is like it, or a new one; and changes to one.

use std::collections::BTreeMap;

use model::{Customer, CustomerProfile, CustomerRef, CustomerRequest, Numbers};
use sage::Scalar;
use values::{Decimal, ImportId};

use super::columns::{self, customer_column};
use super::findings::{Findings, problem};
use super::matching::{Signs, Sought};
use super::sheet::Sheet;
use super::{CodeList, Context, CustomerFacts, Knowledge, codes};
use crate::identity::{customer_identity, customer_of, numbers_of};
use crate::plan::{CustomerChange, CustomerSource, CustomerWrite, NumberSource, Write};
use crate::settings::{GuestPolicy, Numbering, UpdatePolicy};

/// The table whose widths count.
const TABLE: &str = "AR_Customer";
/// What the write of a new customer is called.
const NEW: &str = "customer_no";
/// What a change is called.
const CHANGE: &str = "customer_change";
/// The division where divisions are off; no list needs to have it.
const NO_DIVISIONS: &str = "00";
/// Candidates that are named.
const MAX_NAMED: usize = 5;

/// The customer of an order.
#[derive(Debug)]
pub(super) struct Party {
    /// For the writes that need it; a new customer's write is the plan's first.
    pub(super) source: CustomerSource,
    /// None when the customer is new.
    pub(super) facts: Option<CustomerFacts>,
    /// The customer to be made.
    pub(super) write: Option<CustomerWrite>,
    /// A guest without a customer of their own: name and address belong on the order.
    pub(super) guest: Option<CustomerProfile>,
}

impl Party {
    fn known(facts: CustomerFacts) -> Self {
        Self {
            source: CustomerSource::Known(facts.reference()),
            facts: Some(facts),
            write: None,
            guest: None,
        }
    }

    /// The customer's name, known or to be.
    pub(super) fn name(&self) -> &str {
        if let Some(facts) = &self.facts {
            return facts.text("customer_name");
        }
        self.to_be("CustomerName$")
    }

    /// The tax schedule, known or to be.
    pub(super) fn tax_schedule(&self) -> &str {
        match &self.facts {
            Some(facts) => &facts.tax_schedule,
            None => self.to_be("TaxSchedule$"),
        }
    }

    /// Is the field (`city`) there, or will it be?
    pub(super) fn has_text(&self, name: &str) -> bool {
        let text = match (&self.facts, customer_column(name)) {
            (Some(facts), _) => facts.text(name),
            (None, Some(column)) => self.to_be(&format!("{column}$")),
            (None, None) => "",
        };
        !text.trim().is_empty()
    }

    fn to_be(&self, column: &str) -> &str {
        let settings = self.write.as_ref().map_or(&[][..], |write| &write.settings);
        let found = settings.iter().find(|setting| setting.column == column);
        match found.map(|setting| &setting.value) {
            Some(Scalar::Text(text)) => text,
            Some(Scalar::Number(_)) | None => "",
        }
    }
}

enum Placed {
    There(CustomerFacts),
    New(CustomerWrite),
}

/// The customer of an order; none when a problem was added.
pub(super) fn of_order<K: Knowledge>(
    customer: &Customer,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<Party>, K::Error> {
    let (profile, prefix) = match customer {
        Customer::Known(reference) => {
            let facts = known(reference, "customer.customer_no", knowledge, findings)?;
            return Ok(facts.map(Party::known));
        }
        Customer::New(profile) => (profile, "customer.new."),
        Customer::Guest(profile) => (profile, "customer.guest."),
    };
    if matches!(customer, Customer::Guest(_)) {
        match &context.settings.customers.guest {
            GuestPolicy::Each => {}
            GuestPolicy::Refuse => {
                findings.refuse(problem(
                    "guest_refused",
                    "customer.guest",
                    &profile.customer_name,
                    "this site takes no orders of guests",
                    "edit the order by PATCH and send customer.new or a customer that Sage has, or allow guests in the configuration",
                ));
                return Ok(None);
            }
            GuestPolicy::Shared {
                ar_division_no,
                customer_no,
            } => {
                let reference = CustomerRef {
                    ar_division_no: ar_division_no.clone(),
                    customer_no: customer_no.clone(),
                };
                let facts = known(&reference, "customer.guest", knowledge, findings)?;
                return Ok(facts.map(|facts| Party {
                    guest: Some(profile.as_ref().clone()),
                    ..Party::known(facts)
                }));
            }
        }
    }
    Ok(
        place(profile, prefix, context, knowledge, findings)?.map(|placed| match placed {
            Placed::There(facts) => Party::known(facts),
            Placed::New(write) => Party {
                source: CustomerSource::Write(0),
                facts: None,
                write: Some(write),
                guest: None,
            },
        }),
    )
}

/// The customer of a document that must be one that Sage has. A problem is added when it is
/// unknown or inactive.
pub(super) fn known<K: Knowledge>(
    reference: &CustomerRef,
    field: &str,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<CustomerFacts>, K::Error> {
    let facts = knowledge.customer(reference)?;
    match &facts {
        None => findings.refuse(problem(
            "customer_unknown",
            field,
            &reference.to_string(),
            format!("Sage has no customer {reference}"),
            "edit division and number by PATCH to what Sage has, or create the customer in Sage and retry",
        )),
        Some(facts) if facts.is_inactive => findings.refuse(problem(
            "customer_inactive",
            field,
            &reference.to_string(),
            format!("customer {reference} is inactive in Sage"),
            "make the customer active in Customer Maintenance and retry, or edit the document by PATCH for another one",
        )),
        Some(_) => {}
    }
    Ok(facts)
}

/// What a customer request comes to, and the numbers of the customer that is there.
pub(super) fn plan_request<K: Knowledge>(
    request: &CustomerRequest,
    document: &ImportId,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<(Vec<Write>, Numbers), K::Error> {
    match request {
        CustomerRequest::Create(profile) => {
            if let Some(identity) = context.past.done(NEW) {
                return Ok((Vec::new(), numbers_of(NEW, identity)));
            }
            Ok(match place(profile, "new.", context, knowledge, findings)? {
                Some(Placed::There(facts)) => {
                    let identity = customer_identity(&facts.reference());
                    (Vec::new(), numbers_of(NEW, &identity))
                }
                Some(Placed::New(write)) => (vec![Write::Customer(write)], Numbers::new()),
                None => (Vec::new(), Numbers::new()),
            })
        }
        CustomerRequest::Update { customer, changes } => {
            let numbers = numbers_of(NEW, &customer_identity(customer));
            if context.past.done(CHANGE).is_some() {
                return Ok((Vec::new(), numbers));
            }
            let writes = change(customer, changes, document, context, knowledge, findings)?;
            Ok((writes, numbers))
        }
    }
}

/// A new customer, or the one that is like it.
fn place<K: Knowledge>(
    profile: &CustomerProfile,
    prefix: &str,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<Placed>, K::Error> {
    if let Some(made) = context.past.done(NEW).and_then(customer_of) {
        let facts = known(&made, prefix.trim_end_matches('.'), knowledge, findings)?;
        return Ok(facts.map(Placed::There));
    }
    // A write without a known end is planned again as it was, so that it is found.
    if !context.past.may_be_there(NEW) {
        let found = candidates(profile, context, knowledge)?;
        let strong: Vec<_> = found.iter().filter(|(_, signs)| signs.is_strong()).collect();
        if let [(facts, signs)] = strong.as_slice()
            && !facts.is_inactive
        {
            findings.warn(
                "customer_matched",
                format!(
                    "{} is customer {} of Sage ({})",
                    prefix.trim_end_matches('.'),
                    facts.reference(),
                    signs.words()
                ),
            );
            return Ok(Some(Placed::There(facts.clone())));
        }
        if !found.is_empty() {
            findings.hold(like(&found, prefix));
            if !findings.accepts("customer_like") {
                return Ok(None);
            }
        }
    }
    Ok(new_customer(profile, prefix, context, knowledge, findings)?.map(Placed::New))
}

fn like(found: &[(CustomerFacts, Signs)], prefix: &str) -> model::Problem {
    let mut named: Vec<String> = found
        .iter()
        .take(MAX_NAMED)
        .map(|(facts, signs)| {
            let state = if facts.is_inactive { ", inactive" } else { "" };
            format!("{} ({}{state})", facts.reference(), signs.words())
        })
        .collect();
    if found.len() > MAX_NAMED {
        named.push(format!("{} more", found.len() - MAX_NAMED));
    }
    let keys: Vec<String> = found
        .iter()
        .take(MAX_NAMED)
        .map(|(facts, _)| facts.reference().to_string())
        .collect();
    problem(
        "customer_like",
        prefix.trim_end_matches('.'),
        &keys.join(", "),
        format!("Sage may have this customer already: {}", named.join(", ")),
        "if it is one of them, edit the document by PATCH and send that customer's division and number; if it is none, accept customer_like and a new customer is created",
    )
}

/// Customers that have something in common with the new one, as Sage has them now.
fn candidates<K: Knowledge>(
    profile: &CustomerProfile,
    context: &Context<'_>,
    knowledge: &mut K,
) -> Result<Vec<(CustomerFacts, Signs)>, K::Error> {
    let sought = Sought::of(profile);
    let shared = match &context.settings.customers.guest {
        GuestPolicy::Shared {
            ar_division_no,
            customer_no,
        } => Some((ar_division_no.as_str(), customer_no.as_str())),
        GuestPolicy::Each | GuestPolicy::Refuse => None,
    };
    let near: Vec<CustomerRef> = knowledge
        .customers()?
        .iter()
        .filter(|facts| Some((facts.ar_division_no.as_str(), facts.customer_no.as_str())) != shared)
        .filter(|facts| sought.signs(facts).is_any())
        .map(CustomerFacts::reference)
        .collect();
    let mut found = Vec::new();
    for reference in near {
        if let Some(facts) = knowledge.customer(&reference)? {
            let signs = sought.signs(&facts);
            if signs.is_any() {
                found.push((facts, signs));
            }
        }
    }
    found.sort_by_key(|(facts, signs)| (!signs.is_strong(), facts.reference()));
    Ok(found)
}

fn new_customer<K: Knowledge>(
    profile: &CustomerProfile,
    prefix: &str,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<CustomerWrite>, K::Error> {
    let settings = &context.settings.customers;
    if !settings.create {
        findings.refuse(problem(
            "customer_creation_off",
            prefix.trim_end_matches('.'),
            &profile.customer_name,
            "Sage has no such customer, and this site creates none",
            "create the customer in Sage and send its division and number by PATCH, or allow creation in the configuration and retry",
        ));
        return Ok(None);
    }
    let ar_division_no = profile
        .ar_division_no
        .as_ref()
        .unwrap_or(&settings.ar_division_no)
        .clone();
    let division_field = format!("{prefix}ar_division_no");
    if ar_division_no != NO_DIVISIONS {
        let list = CodeList::Division;
        codes::check(list, &ar_division_no, &division_field, knowledge, findings)?;
    }
    let widths = knowledge.widths(TABLE)?;
    let mut sheet = Sheet::new(TABLE, &widths);
    let number = number_source(profile, prefix, context, findings);
    if let Some(NumberSource::Given { customer_no, field }) = &number {
        super::sheet::check_text(TABLE, "CustomerNo", customer_no, field, &widths, findings);
        let reference = CustomerRef {
            ar_division_no: ar_division_no.clone(),
            customer_no: customer_no.clone(),
        };
        if !context.past.may_be_there(NEW) && knowledge.customer(&reference)?.is_some() {
            findings.refuse(problem(
                "customer_no_taken",
                field,
                customer_no,
                format!("Sage has a customer {reference}, who is not known to be this one"),
                "if it is the same, edit the document by PATCH and send that division and number; else send another number",
            ));
        }
    }
    for (name, value) in texts_of(profile) {
        if let Some((value, column)) = value.zip(customer_column(name)) {
            sheet.text(column, value, &format!("{prefix}{name}"), findings);
        }
    }
    if profile.contact_name.is_some() {
        findings.warn(
            "contact_left_out",
            format!("{prefix}contact_name is not entered: Sage keeps contacts apart from customers"),
        );
    }
    sheet.udf(&profile.udf, &format!("{prefix}udf."), findings);
    class_defaults(profile, prefix, context, &mut sheet, knowledge, findings)?;
    for (name, value) in &settings.defaults {
        sheet.default(&columns::CUSTOMER, name, value, knowledge, findings)?;
    }
    if !sheet.has("TaxSchedule") {
        findings.warn(
            "tax_not_set",
            "the new customer gets no tax schedule from the configuration, only what Sage gives by itself",
        );
    }
    Ok(number.map(|number| CustomerWrite {
        ar_division_no,
        number,
        settings: sheet.into_settings(),
    }))
}

fn class_defaults<K: Knowledge>(
    profile: &CustomerProfile,
    prefix: &str,
    context: &Context<'_>,
    sheet: &mut Sheet<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<(), K::Error> {
    let classes = &context.settings.customers.class_defaults;
    let Some(class) = &profile.customer_class else {
        return Ok(());
    };
    if let Some(defaults) = classes.get(class) {
        for (name, value) in defaults {
            sheet.default(&columns::CUSTOMER, name, value, knowledge, findings)?;
        }
    } else if classes.is_empty() {
        findings.warn(
            "class_without_defaults",
            format!("customer class {class} has no defaults in the configuration"),
        );
    } else {
        findings.refuse(problem(
            "class_unknown",
            &format!("{prefix}customer_class"),
            class,
            format!("the configuration has no class of customers {class}"),
            "edit the class by PATCH, or add its defaults to the configuration and retry",
        ));
    }
    Ok(())
}

fn number_source(
    profile: &CustomerProfile,
    prefix: &str,
    context: &Context<'_>,
    findings: &mut Findings,
) -> Option<NumberSource> {
    let field = format!("{prefix}customer_no");
    if let Some(number) = &profile.customer_no
        && context.settings.customers.numbering != Numbering::Platform
    {
        findings.warn(
            "number_left_out",
            format!("the platform's number {number} is not used: the site numbers customers by itself"),
        );
    }
    Some(match &context.settings.customers.numbering {
        Numbering::SageNext => NumberSource::SageNext,
        Numbering::Counter { prefix, digits } => NumberSource::Counter {
            prefix: prefix.clone(),
            digits: *digits,
        },
        Numbering::Platform => match &profile.customer_no {
            Some(number) => NumberSource::Given {
                customer_no: number.to_uppercase(),
                field,
            },
            None => {
                findings.refuse(problem(
                    "required",
                    &field,
                    "",
                    "customers of this site are numbered by the platform, and no number was sent",
                    "add customer_no by PATCH, or choose another numbering in the configuration",
                ));
                return None;
            }
        },
    })
}

fn texts_of(profile: &CustomerProfile) -> [(&'static str, Option<&String>); 12] {
    [
        ("customer_name", Some(&profile.customer_name)),
        ("address_line1", profile.address_line1.as_ref()),
        ("address_line2", profile.address_line2.as_ref()),
        ("address_line3", profile.address_line3.as_ref()),
        ("zip_code", profile.zip_code.as_ref()),
        ("city", profile.city.as_ref()),
        ("state", profile.state.as_ref()),
        ("country_code", profile.country_code.as_ref()),
        ("telephone_no", profile.telephone_no.as_ref()),
        ("telephone_ext", profile.telephone_ext.as_ref()),
        ("email_address", profile.email_address.as_ref()),
        ("tax_exempt_no", profile.tax_exempt_no.as_ref()),
    ]
}

fn change<K: Knowledge>(
    customer: &CustomerRef,
    changes: &BTreeMap<String, String>,
    document: &ImportId,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Vec<Write>, K::Error> {
    let Some(facts) = knowledge.customer(customer)? else {
        known(customer, "customer.customer_no", knowledge, findings)?;
        return Ok(Vec::new());
    };
    if facts.is_inactive {
        findings.warn(
            "customer_inactive",
            format!("customer {customer} is inactive in Sage"),
        );
    }
    let may_be_there = context.past.may_be_there(CHANGE);
    let widths = knowledge.widths(TABLE)?;
    let mut sheet = Sheet::new(TABLE, &widths);
    for (name, value) in in_order(changes) {
        let field = format!("changes.{name}");
        let old = value_of(&facts, name);
        // What may have been entered already is looked for whole.
        if old == value && !may_be_there {
            continue;
        }
        let policies = &context.settings.customers;
        match policies.updates.get(name).unwrap_or(&policies.update) {
            UpdatePolicy::WebWins => {}
            UpdatePolicy::SageWins => {
                if old != value {
                    findings.warn(
                        "sage_wins",
                        format!("{name} stays {old:?}, the web sent {value:?}"),
                    );
                }
                continue;
            }
            UpdatePolicy::Propose => {
                if old != value {
                    findings.hold(problem(
                        "change_proposed",
                        &field,
                        value,
                        format!("{name} of customer {customer}: {old:?} → {value:?}"),
                        "accept change_proposed to enter the new values, or discard the document",
                    ));
                }
                // Checked all the same, so that all problems come at once.
            }
        }
        if let Some(udf) = name.strip_prefix("udf.") {
            sheet.user_field(udf, value, &field, findings);
        } else if let Some(column) = customer_column(name) {
            sheet.text(column, value, &field, findings);
        }
    }
    let settings = sheet.into_settings();
    if settings.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Write::CustomerChange(CustomerChange {
        customer: customer.clone(),
        document: Some(document.clone()),
        settings,
    })])
}

/// Changes in the order in which columns are set; user-defined fields last.
fn in_order(changes: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    let place = |name: &str| columns::CUSTOMER.iter().position(|c| c.name == name);
    let mut ordered: Vec<(&str, &str)> = changes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    ordered.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    ordered.into_iter()
}

/// The value that Sage has, by API name (`city`, `udf.portal`).
fn value_of<'f>(facts: &'f CustomerFacts, name: &str) -> &'f str {
    let Some(udf) = name.strip_prefix("udf.") else {
        return facts.text(name);
    };
    let is_it = |key: &str| {
        let key = key.to_ascii_lowercase();
        let bare = key.strip_prefix("udf.").or_else(|| key.strip_prefix("udf_"));
        bare == Some(udf.to_ascii_lowercase().as_str())
    };
    facts
        .texts
        .iter()
        .find(|(key, _)| is_it(key))
        .map_or("", |(_, value)| value.as_str())
}

/// What a customer owes and has on order, as far as Sage and the driver know.
pub(super) fn exposure<K: Knowledge>(
    facts: &CustomerFacts,
    knowledge: &mut K,
) -> Result<Option<Decimal>, K::Error> {
    let queued = knowledge.queued_amount(&facts.reference())?;
    Ok(facts
        .balance
        .checked_add(facts.open_order_amt)
        .and_then(|sum| sum.checked_add(queued))
        .ok())
}
