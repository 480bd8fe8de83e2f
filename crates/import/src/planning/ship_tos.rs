//! Where the goods go: a ship-to record of Sage's, one that is made, or an address on the
//! order.

use model::{Address, CustomerProfile, ShipTo};

use super::customers::Party;
use super::findings::{Findings, problem};
use super::matching::is_same_address;
use super::sheet::Sheet;
use super::{Context, Knowledge, ShipToFacts};
use crate::identity::{customer_of, parts};
use crate::plan::{CustomerSource, ShipToSource, ShipToWrite};
use crate::settings::ShipToSettings;

/// The table of ship-to records.
const TABLE: &str = "SO_ShipToAddress";
/// What the write of one is called.
const NEW: &str = "ship_to_code";

/// Where an order goes.
#[derive(Debug, Default)]
pub(super) struct Destination {
    /// The record, if it is one.
    pub(super) source: Option<ShipToSource>,
    /// The record to be made.
    pub(super) write: Option<ShipToWrite>,
    /// What is known of the record.
    pub(super) facts: Option<ShipToFacts>,
    /// The address, when it stands on the order.
    pub(super) on_order: Option<Address>,
}

/// Decides where an order goes. `place` is the place that a new record's write has in the plan.
pub(super) fn of_order<K: Knowledge>(
    ship_to: Option<&ShipTo>,
    party: Option<&Party>,
    place: u32,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Destination, K::Error> {
    match ship_to {
        None => Ok(Destination::default()),
        Some(ShipTo::Code(code)) => of_code(code, party, knowledge, findings),
        Some(ShipTo::Address(address)) => {
            let Some(party) = party else {
                return Ok(on_order(address));
            };
            if party.guest.is_some() {
                // Whoever shares the guests' customer has no business with its records.
                return Ok(on_order(address));
            }
            of_address(address, party, place, context, knowledge, findings)
        }
    }
}

fn of_code<K: Knowledge>(
    code: &str,
    party: Option<&Party>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Destination, K::Error> {
    let Some(party) = party else {
        return Ok(Destination::default());
    };
    let facts = match &party.facts {
        Some(customer) => knowledge
            .ship_tos(&customer.reference())?
            .into_iter()
            .find(|record| record.ship_to_code == code),
        None => None,
    };
    if facts.is_none() {
        let whose = party.facts.as_ref().map_or_else(
            || String::from("a new customer"),
            |facts| format!("customer {}", facts.reference()),
        );
        findings.refuse(problem(
            "ship_to_unknown",
            "ship_to.ship_to_code",
            code,
            format!("{whose} has no ship-to address {code}"),
            "edit the code by PATCH to one that Sage has, send the address itself, or set it up in Ship-To Address Maintenance and retry",
        ));
    }
    Ok(Destination {
        source: facts.as_ref().map(|_| ShipToSource::Code(code.to_owned())),
        facts,
        ..Destination::default()
    })
}

fn of_address<K: Knowledge>(
    address: &Address,
    party: &Party,
    place: u32,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Destination, K::Error> {
    // Made by an earlier attempt, for this customer and this address: both may have been edited.
    if let Some(made) = context.past.done(NEW)
        && let CustomerSource::Known(customer) = &party.source
        && customer_of(made).as_ref() == Some(customer)
        && let Some(code) = parts(made).pop()
    {
        let record = knowledge
            .ship_tos(customer)?
            .into_iter()
            .find(|record| record.ship_to_code == code && is_same_address(address, record));
        if let Some(record) = record {
            return Ok(Destination {
                source: Some(ShipToSource::Code(code)),
                facts: Some(record),
                ..Destination::default()
            });
        }
        findings.refuse(problem(
            "ship_to_entered",
            "ship_to",
            &code,
            format!("the address was edited after ship-to {code} had been made of the one before"),
            "send ship_to_code, or edit the address back; change the record in Sage",
        ));
    }
    // A write without a known end is planned again as it was, so that it is found.
    let may_be_there = context.past.may_be_there(NEW);
    match context.settings.ship_tos {
        ShipToSettings::OnOrder if !may_be_there => return Ok(on_order(address)),
        ShipToSettings::OnOrder | ShipToSettings::Create => {}
    }
    if let CustomerSource::Known(customer) = &party.source
        && !may_be_there
    {
        let like = knowledge
            .ship_tos(customer)?
            .into_iter()
            .find(|record| is_same_address(address, record));
        if let Some(record) = like {
            return Ok(Destination {
                source: Some(ShipToSource::Code(record.ship_to_code.clone())),
                facts: Some(record),
                ..Destination::default()
            });
        }
    }
    let widths = knowledge.widths(TABLE)?;
    let mut sheet = Sheet::new(TABLE, &widths);
    if address.name.is_none() {
        // A record needs a name; the customer's is the one that it would have on paper.
        sheet.text("ShipToName", party.name(), "ship_to.ship_to_name", findings);
    }
    for (column, field, value) in columns_of("ShipTo", "ship_to", address) {
        sheet.optional(&column, value, &field, findings);
    }
    Ok(Destination {
        source: Some(ShipToSource::Write(place)),
        write: Some(ShipToWrite {
            customer: party.source.clone(),
            settings: sheet.into_settings(),
        }),
        ..Destination::default()
    })
}

fn on_order(address: &Address) -> Destination {
    Destination {
        on_order: Some(address.clone()),
        ..Destination::default()
    }
}

/// Columns of an address (`ShipTo…`, `BillTo…`) in the order in which they are set, with the
/// field (`ship_to.ship_to_…`) and value of each. The ZIP code comes before city and state:
/// looking it up may overwrite them.
pub(super) fn columns_of<'a>(
    column: &str,
    field: &str,
    address: &'a Address,
) -> [(String, String, Option<&'a String>); 8] {
    [
        ("Name", "name", &address.name),
        ("Address1", "address1", &address.address1),
        ("Address2", "address2", &address.address2),
        ("Address3", "address3", &address.address3),
        ("ZipCode", "zip_code", &address.zip_code),
        ("City", "city", &address.city),
        ("State", "state", &address.state),
        ("CountryCode", "country_code", &address.country_code),
    ]
    .map(|(end, name, value)| {
        let field = format!("{field}.{field}_{name}");
        (format!("{column}{end}"), field, value.as_ref())
    })
}

/// The address of a guest who has no customer of their own.
pub(super) fn address_of(profile: &CustomerProfile) -> Address {
    Address {
        name: Some(profile.customer_name.clone()),
        address1: profile.address_line1.clone(),
        address2: profile.address_line2.clone(),
        address3: profile.address_line3.clone(),
        city: profile.city.clone(),
        state: profile.state.clone(),
        zip_code: profile.zip_code.clone(),
        country_code: profile.country_code.clone(),
    }
}
