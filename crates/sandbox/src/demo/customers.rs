//! Customers in two divisions, their contacts, ship-to addresses and balances.

use rusqlite::Connection;
use values::{Date, Stamp};

use super::day::OpenInvoice;
use super::words::{
    COMPANY_HEADS, COMPANY_TAILS, FIRST_NAMES, LAST_NAMES, SHIP_VIAS, STREETS, TOWNS_EAST, TOWNS_WEST, Town,
};
use super::{USERS, amount, days_before, moment, rate};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;

/// Customers by division at scale 1.
const CUSTOMERS: [(&str, u32); 2] = [("01", 190), ("02", 80)];

/// See [`name_payers`].
const BRANCH_EVERY: usize = 20;

/// Salespeople: division, number, name.
pub(super) const SALESPEOPLE: [(&str, &str, &str); 6] = [
    ("01", "0100", "Jim Kentley"),
    ("01", "0200", "Harold Shelley"),
    ("01", "0300", "Dorothy Mason"),
    ("02", "0100", "Rita Valdez"),
    ("02", "0400", "Owen Clark"),
    ("02", "0500", "House Account"),
];

/// A postal address.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) lines: [String; 3],
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) zip: String,
}

/// One more place that a customer has goods sent to.
#[derive(Clone, Debug)]
pub(super) struct ShipTo {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) tax_schedule: &'static str,
}

/// One customer.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) division: &'static str,
    pub(super) number: String,
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) telephone: String,
    pub(super) email: String,
    pub(super) tax_schedule: &'static str,
    pub(super) terms: &'static str,
    pub(super) salesperson: &'static str,
    pub(super) price_level: &'static str,
    pub(super) ship_via: &'static str,
    pub(super) ship_tos: Vec<ShipTo>,
    primary_ship_to: String,
    contacts: Vec<(String, String)>,
    /// Tenths of a percent.
    pub(super) discount: i64,
    credit_limit: i64,
    established: Date,
    hold: bool,
    inactive: bool,
    created: Stamp,
    stamp: Stamp,
    /// Who pays, where it is another customer.
    pub(super) payer: Option<Payer>,
}

/// The customer of the same division who pays for another one.
#[derive(Clone, Debug)]
pub(super) struct Payer {
    /// Place in the list of customers.
    pub(super) place: usize,
    pub(super) number: String,
    pub(super) name: String,
    pub(super) address: Address,
}

impl Customer {
    /// Does the customer buy?
    pub(super) const fn is_active(&self) -> bool {
        !self.inactive
    }

    /// Division and number of who bought, as receivables name them: blank where the same
    /// customer pays.
    pub(super) fn sold_to(&self) -> (&str, &str) {
        match self.payer {
            Some(_) => (self.division, &self.number),
            None => ("", ""),
        }
    }

    /// Under whose number invoices are open and payments come.
    pub(super) fn paying_number(&self) -> &str {
        self.payer.as_ref().map_or(&self.number, |p| &p.number)
    }
}

/// What the customers owe and have ordered, in cents, by their place in the list.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Open orders.
    pub(super) ordered: Vec<i64>,
    /// Open invoices by age: current, over 30, 60, 90 and 120 days.
    pub(super) owed: Vec<[i64; 5]>,
    /// Date of the last invoice.
    pub(super) last_invoice: Vec<Option<Date>>,
    /// Open invoices, oldest first.
    pub(super) open: Vec<OpenInvoice>,
}

impl Ledger {
    /// Nobody owes anything.
    pub(super) fn new(customers: usize) -> Self {
        Self {
            ordered: vec![0; customers],
            owed: vec![[0; 5]; customers],
            last_invoice: vec![None; customers],
            open: Vec::new(),
        }
    }
}

/// Draws all customers; the first is 01-ABF.
pub(super) fn draw(plan: &Plan) -> Vec<Customer> {
    let mut random = Random::for_part(plan.seed, "customers");
    let mut customers = vec![american_business_futures(plan, &mut random)];
    for (division, count) in CUSTOMERS {
        for number in 0..count * plan.scale {
            customers.push(draw_customer(plan, &mut random, division, number));
        }
    }
    name_payers(&mut customers);
    customers
}

/// Branches whose head office pays: one customer in [`BRANCH_EVERY`].
fn name_payers(customers: &mut [Customer]) {
    for place in (BRANCH_EVERY..customers.len()).step_by(BRANCH_EVERY) {
        let head = &customers[place - 1];
        let pays = head.is_active() && head.division == customers[place].division;
        customers[place].payer = pays.then(|| Payer {
            place: place - 1,
            number: head.number.clone(),
            name: head.name.clone(),
            address: head.address.clone(),
        });
    }
}

fn american_business_futures(plan: &Plan, random: &mut Random) -> Customer {
    let place = |lines: [&str; 3], city, zip: &str| Address {
        lines: lines.map(str::to_owned),
        city,
        state: "WI",
        zip: zip.to_owned(),
    };
    Customer {
        division: "01",
        number: "ABF".to_owned(),
        name: "American Business Futures".to_owned(),
        address: place(
            ["2131 N. 14th Street", "Suite 100", "Accounting Department"],
            "Milwaukee",
            "53205-1204",
        ),
        telephone: "(414) 555-4787".to_owned(),
        email: "artie@sage.sample.com".to_owned(),
        tax_schedule: "WI",
        terms: "01",
        salesperson: "0100",
        price_level: "",
        ship_via: "UPS BLUE",
        ship_tos: vec![ShipTo {
            code: "2".to_owned(),
            name: "Racine Warehouse".to_owned(),
            address: place(["5411 Kendrick Dr", "Suite 2087", ""], "Racine", "53402"),
            tax_schedule: "WI",
        }],
        primary_ship_to: String::new(),
        contacts: vec![
            ("ARTIE JOHN".to_owned(), "Artie Johnson".to_owned()),
            ("JOHN QUINN".to_owned(), "John Quinn".to_owned()),
        ],
        discount: 0,
        credit_limit: 12_000_000,
        established: Date::constant(2019, 1, 1),
        hold: false,
        inactive: false,
        created: moment(random, plan, 340, 364),
        stamp: moment(random, plan, 1, 60),
        payer: None,
    }
}

fn draw_customer(plan: &Plan, random: &mut Random, division: &'static str, number: u32) -> Customer {
    let head = random.pick(COMPANY_HEADS);
    let name = format!("{head} {}", random.pick(COMPANY_TAILS));
    let letters: String = head.chars().filter(char::is_ascii_alphabetic).take(4).collect();
    let towns = if division == "01" { TOWNS_EAST } else { TOWNS_WEST };
    let town = random.pick(towns);
    let exempt = random.chance(6);
    let sellers: Vec<_> = SALESPEOPLE
        .iter()
        .filter(|s| s.0 == division)
        .map(|s| s.1)
        .collect();
    let count = match random.between(1, 100) {
        1..=55 => 0,
        56..=80 => 1,
        81..=93 => 2,
        _ => 4,
    };
    let ship_tos: Vec<_> = (1..=count)
        .map(|n| draw_ship_to(random, &name, n, towns))
        .collect();
    let primary = random.chance(50);
    let contacts = (0..random.between(1, 2))
        .map(|n| draw_contact(random, n))
        .collect();
    let created = moment(random, plan, 200, 364);
    Customer {
        division,
        number: format!("{}{number:03}", letters.to_ascii_uppercase()),
        email: format!("orders@{}.example.com", letters.to_ascii_lowercase()),
        address: draw_address(random, town),
        telephone: format!("({}) 555-{:04}", town.3, random.between(100, 9999)),
        tax_schedule: if exempt { "NONTAX" } else { town.4 },
        terms: random.pick(&["01", "01", "01", "02", "03", "00"]),
        salesperson: random.pick(&sellers),
        price_level: random.pick(&["", "", "", "A", "A", "B", "C"]),
        ship_via: random.pick(SHIP_VIAS),
        primary_ship_to: ship_tos
            .first()
            .filter(|_| primary)
            .map(|s| s.code.clone())
            .unwrap_or_default(),
        ship_tos,
        contacts,
        discount: if random.chance(8) { 50 } else { 0 },
        credit_limit: random.between(2, 100) * 100_000,
        established: days_before(plan.today, random.between(400, 5000)),
        hold: random.chance(3),
        inactive: random.chance(3),
        created,
        stamp: if random.chance(50) {
            created
        } else {
            moment(random, plan, 0, 199)
        },
        name,
        payer: None,
    }
}

fn draw_address(random: &mut Random, (city, state, zip, _, _): Town) -> Address {
    let suite = if random.chance(35) {
        format!("Suite {}", random.between(100, 980))
    } else {
        String::new()
    };
    Address {
        lines: [
            format!("{} {}", random.between(10, 9900), random.pick(STREETS)),
            suite,
            String::new(),
        ],
        city,
        state,
        zip: zip.to_owned(),
    }
}

fn draw_ship_to(random: &mut Random, customer: &str, number: i64, towns: &[Town]) -> ShipTo {
    let town = random.pick(towns);
    let kind = random.pick(&["Warehouse", "Branch", "Plant", "Annex"]);
    let name = format!("{} {kind}", town.0);
    ShipTo {
        code: number.to_string(),
        name: if number == 1 { customer.to_owned() } else { name },
        address: draw_address(random, town),
        tax_schedule: town.4,
    }
}

fn draw_contact(random: &mut Random, number: i64) -> (String, String) {
    let name = format!("{} {}", random.pick(FIRST_NAMES), random.pick(LAST_NAMES));
    // Ten characters, the last of which keeps two contacts apart.
    let letters: String = name
        .to_uppercase()
        .chars()
        .filter(|c| *c != '\'')
        .take(9)
        .collect();
    (format!("{}{}", letters.trim_end(), number + 1), name)
}

/// Writes customers with contacts and ship-to addresses.
pub(super) fn write(
    connection: &Connection,
    plan: &Plan,
    customers: &[Customer],
    ledger: &Ledger,
) -> Result<(), SandboxError> {
    for (place, customer) in customers.iter().enumerate() {
        customer_row(plan, customer, place, ledger).insert(connection)?;
        for (code, name) in &customer.contacts {
            contact_row(customer, code, name).insert(connection)?;
        }
        for ship_to in &customer.ship_tos {
            ship_to_row(customer, ship_to).insert(connection)?;
        }
    }
    Ok(())
}

fn customer_row(plan: &Plan, customer: &Customer, place: usize, ledger: &Ledger) -> Row {
    let [line1, line2, line3] = customer.address.lines.clone();
    let sort: String = customer.name.to_uppercase().chars().take(10).collect();
    let owed = ledger.owed[place];
    let mut row = Row::new("AR_Customer")
        .with("ARDivisionNo", customer.division)
        .with("CustomerNo", customer.number.as_str())
        .with("CustomerName", customer.name.as_str())
        .with("AddressLine1", line1)
        .with("AddressLine2", line2)
        .with("AddressLine3", line3)
        .with("City", customer.address.city)
        .with("State", customer.address.state)
        .with("ZipCode", customer.address.zip.as_str())
        .with("CountryCode", "USA")
        .with("TelephoneNo", customer.telephone.as_str())
        .with("EmailAddress", customer.email.as_str())
        .with(
            "ContactCode",
            customer.contacts.first().map_or("", |c| c.0.as_str()),
        )
        .with("ShipMethod", customer.ship_via)
        .with("TaxSchedule", customer.tax_schedule)
        .with("TermsCode", customer.terms)
        .with("SalespersonDivisionNo", customer.division)
        .with("SalespersonNo", customer.salesperson)
        .with("SortField", sort.trim_end())
        .with("TemporaryCustomer", "N")
        .with("OpenItemCustomer", "Y")
        .with("ResidentialAddress", "N")
        .with("PriceLevel", customer.price_level)
        .with("PrimaryShipToCode", customer.primary_ship_to.as_str())
        .with("DateEstablished", customer.established.to_string())
        .with("DateLastAging", days_before(plan.today, 1).to_string())
        .with("CreditHold", if customer.hold { "Y" } else { "N" })
        .with("CustomerStatus", if customer.inactive { "I" } else { "A" })
        .with("CustomerDiscountRate", rate(customer.discount))
        .with("UDF_PORTAL", if place.is_multiple_of(3) { "Y" } else { "N" })
        .with("CreditLimit", amount(customer.credit_limit))
        .with("OpenOrderAmt", amount(ledger.ordered[place]))
        .with("CurrentBalance", amount(owed[0]))
        .with("AgingCategory1", amount(owed[1]))
        .with("AgingCategory2", amount(owed[2]))
        .with("AgingCategory3", amount(owed[3]))
        .with("AgingCategory4", amount(owed[4]))
        .created(customer.created, USERS[0])
        .updated(customer.stamp, USERS[1]);
    if let Some(date) = ledger.last_invoice[place] {
        row.set("DateLastActivity", date.to_string());
    }
    row
}

fn contact_row(customer: &Customer, code: &str, name: &str) -> Row {
    Row::new("AR_CustomerContact")
        .with("ARDivisionNo", customer.division)
        .with("CustomerNo", customer.number.as_str())
        .with("ContactCode", code)
        .with("ContactName", name)
        .with("TelephoneNo1", customer.telephone.as_str())
        .with("EmailAddress", customer.email.as_str())
        .created(customer.created, USERS[0])
}

fn ship_to_row(customer: &Customer, ship_to: &ShipTo) -> Row {
    let [line1, line2, line3] = ship_to.address.lines.clone();
    Row::new("SO_ShipToAddress")
        .with("ARDivisionNo", customer.division)
        .with("CustomerNo", customer.number.as_str())
        .with("ShipToCode", ship_to.code.as_str())
        .with("ShipToName", ship_to.name.as_str())
        .with("ShipToAddress1", line1)
        .with("ShipToAddress2", line2)
        .with("ShipToAddress3", line3)
        .with("ShipToCity", ship_to.address.city)
        .with("ShipToState", ship_to.address.state)
        .with("ShipToZipCode", ship_to.address.zip.as_str())
        .with("ShipToCountryCode", "USA")
        .with("TelephoneNo", customer.telephone.as_str())
        .with("SalespersonDivisionNo", customer.division)
        .with("SalespersonNo", customer.salesperson)
        .with(
            "WarehouseCode",
            if customer.division == "01" { "001" } else { "002" },
        )
        .with("TaxSchedule", ship_to.tax_schedule)
        .with("ResidentialAddress", "N")
        .with("ShipVia", customer.ship_via)
        .created(customer.created, USERS[0])
}
