//! Customers and their ship-tos.

use import::plan::Program;
use model::CustomerRef;

use super::Verdict;
use super::bench::{Bench, Seen, Trouble, drop_object, key, new_key, next_number, object, set, text, write};
use super::orders::COMMENT;

const CUSTOMER: Program = Program {
    module: "A/R",
    task: "AR_Customer_ui",
    object: "AR_Customer_bus",
};
const SHIP_TO: Program = Program {
    module: "S/O",
    task: "SO_ShipToAddress_ui",
    object: "SO_ShipToAddress_bus",
};
const SHIP_TO_CODE: &str = "PRF1";
/// No town: what Sage puts in its place comes from the ZIP code.
const TOWN: &str = "PROOFTOWN";

pub(super) fn customer(bench: &mut Bench) -> Result<Seen, Trouble> {
    let sample = bench.samples.customers(&mut bench.tables)?.first().cloned();
    let sample = sample.ok_or_else(|| Trouble::Nothing("no customer to take terms from".to_owned()))?;
    let division = sample.text("ARDivisionNo").to_owned();
    let own_number = format!("P{}", bench.setup.tag.to_uppercase());
    let bridge = bench.at(CUSTOMER)?;
    let record = object(bridge, CUSTOMER.object)?;
    let (number, numbering) = match next_number(bridge, record, "CustomerNo") {
        Ok(number) => (number, None),
        Err(Trouble::Refused { words, .. }) => (own_number, Some(words)),
        Err(trouble) => return Err(trouble),
    };
    let parts = [("ARDivisionNo", division.as_str()), ("CustomerNo", &number)];
    new_key(bridge, record, &parts)?;
    let name = format!("{COMMENT} {number}");
    let values = [
        ("CustomerName", name.as_str()),
        ("AddressLine1", "1 Proof Street"),
        ("TermsCode", sample.text("TermsCode")),
        ("Comment", COMMENT),
    ];
    set(bridge, record, &values)?;
    write(bridge, record, "the customer's nWrite")?;
    let again = object(bridge, CUSTOMER.object)?;
    let loaded = key(bridge, again, &parts)?;
    drop_object(bridge, again)?;
    bench.made(format!("customer {division}-{number}"));
    bench.samples.customer = Some(CustomerRef {
        ar_division_no: division.clone(),
        customer_no: number.clone(),
    });
    let rows = bench.tables.texts("AR_Customer", &["CustomerName"], &parts, 1)?;
    let stored = rows.first().map_or("", |row| row.text("CustomerName"));
    if !stored.eq_ignore_ascii_case(&name) || loaded.code != 1 {
        return Ok(Seen::new(
            Verdict::Differs,
            format!(
                "customer {division}-{number} is called {stored:?} in AR_Customer, and nSetKey answers {} afterwards",
                loaded.code
            ),
        ));
    }
    Ok(match numbering {
        None => Seen::new(
            Verdict::Shown,
            format!("customer {division}-{number}: nSetKey answers 2 before and 1 after its write"),
        ),
        Some(words) => Seen::new(
            Verdict::Differs,
            format!(
                "customer {division}-{number} under a number of the driver's own: Sage gives none out: {words}"
            ),
        ),
    })
}

pub(super) fn zip(bench: &mut Bench) -> Result<Seen, Trouble> {
    let made = made(bench)?;
    let customers = bench.samples.customers(&mut bench.tables)?;
    let sample = customers
        .iter()
        .find(|row| !row.text("ZipCode").is_empty() && !row.text("City").is_empty())
        .cloned();
    let sample = sample.ok_or_else(|| Trouble::Nothing("no customer with a ZIP code".to_owned()))?;
    let bridge = bench.at(CUSTOMER)?;
    let record = object(bridge, CUSTOMER.object)?;
    key(bridge, record, &key_of(&made))?;
    let values = [("City", TOWN), ("ZipCode", sample.text("ZipCode"))];
    set(bridge, record, &values)?;
    let town = text(bridge, record, "City")?;
    drop_object(bridge, record)?;
    Ok(if town == TOWN {
        Seen::new(Verdict::NotShown, "the city stays as it was set")
    } else {
        Seen::new(
            Verdict::Shown,
            format!("the ZIP code puts {town:?} in the city's place: it is set first"),
        )
    })
}

pub(super) fn ship_to(bench: &mut Bench) -> Result<Seen, Trouble> {
    let made = made(bench)?;
    let bridge = bench.at(SHIP_TO)?;
    let record = object(bridge, SHIP_TO.object)?;
    let mut parts = key_of(&made).to_vec();
    parts.push(("ShipToCode", SHIP_TO_CODE));
    new_key(bridge, record, &parts)?;
    let values = [("ShipToName", COMMENT), ("ShipToAddress1", "2 Proof Street")];
    set(bridge, record, &values)?;
    write(bridge, record, "the ship-to's nWrite")?;
    bench.made(format!("ship-to {SHIP_TO_CODE} of customer {made}"));
    let rows = bench
        .tables
        .texts("SO_ShipToAddress", &["ShipToName"], &parts, 1)?;
    let stored = rows.first().map_or("", |row| row.text("ShipToName"));
    Ok(if stored.eq_ignore_ascii_case(COMMENT) {
        Seen::new(
            Verdict::Shown,
            format!("ship-to {SHIP_TO_CODE} of {made} stands in SO_ShipToAddress"),
        )
    } else {
        Seen::new(
            Verdict::Differs,
            format!("ship-to {SHIP_TO_CODE} of {made} is called {stored:?}"),
        )
    })
}

fn made(bench: &Bench) -> Result<CustomerRef, Trouble> {
    let made = bench.samples.customer.clone();
    made.ok_or_else(|| Trouble::Nothing("no customer was written".to_owned()))
}

fn key_of(customer: &CustomerRef) -> [(&'static str, &str); 2] {
    [
        ("ARDivisionNo", customer.ar_division_no.as_str()),
        ("CustomerNo", customer.customer_no.as_str()),
    ]
}
