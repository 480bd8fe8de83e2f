//! Who a document is about: customers and addresses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Problem;
use crate::fields::{Fields, UdfValue, missing};

/// A customer that Sage has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CustomerRef {
    /// Two characters.
    pub ar_division_no: String,
    /// Unique inside the division.
    pub customer_no: String,
}

impl std::fmt::Display for CustomerRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ar_division_no, self.customer_no)
    }
}

/// Who ordered or paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Customer {
    /// A customer that Sage has.
    Known(CustomerRef),
    /// One that is matched with Sage's, and created when there is none like it.
    New(Box<CustomerProfile>),
    /// A buyer without an account, treated as the site says.
    Guest(Box<CustomerProfile>),
}

/// What is known of a customer outside Sage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerProfile {
    /// Name; required.
    pub customer_name: String,
    /// First line of the address.
    pub address_line1: Option<String>,
    /// Second line.
    pub address_line2: Option<String>,
    /// Third line.
    pub address_line3: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State, two letters in the United States.
    pub state: Option<String>,
    /// ZIP or postal code.
    pub zip_code: Option<String>,
    /// Three letters.
    pub country_code: Option<String>,
    /// Telephone.
    pub telephone_no: Option<String>,
    /// Its extension.
    pub telephone_ext: Option<String>,
    /// E-mail.
    pub email_address: Option<String>,
    /// Name of the person.
    pub contact_name: Option<String>,
    /// Number of the tax exemption certificate, or tax id: the surest sign in matching.
    pub tax_exempt_no: Option<String>,
    /// The platform's own number, used where the site numbers customers so.
    pub customer_no: Option<String>,
    /// Division, when it is not the site's usual one.
    pub ar_division_no: Option<String>,
    /// A class of the site's choice (`wholesale`, `retail`) that selects its defaults.
    pub customer_class: Option<String>,
    /// User-defined fields, by API name without `udf_`.
    #[serde(default)]
    pub udf: BTreeMap<String, UdfValue>,
}

/// A postal address of an order: bill-to or ship-to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Name on the parcel or the invoice.
    pub name: Option<String>,
    /// First line.
    pub address1: Option<String>,
    /// Second line.
    pub address2: Option<String>,
    /// Third line.
    pub address3: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State, two letters in the United States.
    pub state: Option<String>,
    /// ZIP or postal code.
    pub zip_code: Option<String>,
    /// Three letters.
    pub country_code: Option<String>,
}

/// Where the goods go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipTo {
    /// A ship-to address that Sage has.
    Code(String),
    /// An address: for this order only, or kept as a ship-to record, as the site says.
    Address(Address),
}

pub(crate) fn parse_customer(object: &Map<String, Value>, problems: &mut Vec<Problem>) -> Option<Customer> {
    for (name, is_guest) in [("new", false), ("guest", true)] {
        let Some(value) = object.get(name) else { continue };
        let others: Vec<_> = object.keys().filter(|k| *k != name).collect();
        if !others.is_empty() {
            problems.push(Problem::new(
                "contradiction",
                "customer",
                format!("customer.{name} was sent together with other fields"),
                format!("send either {name} or ar_division_no and customer_no"),
            ));
            return None;
        }
        let Some(profile) = value.as_object() else {
            problems.push(Problem::new(
                "wrong_type",
                format!("customer.{name}"),
                "it is not an object",
                "send a JSON object",
            ));
            return None;
        };
        let profile = Box::new(parse_profile(profile, &format!("customer.{name}."), problems)?);
        return Some(if is_guest {
            Customer::Guest(profile)
        } else {
            Customer::New(profile)
        });
    }
    parse_customer_ref(object, "customer.", problems).map(Customer::Known)
}

pub(crate) fn parse_customer_ref(
    object: &Map<String, Value>,
    prefix: &str,
    problems: &mut Vec<Problem>,
) -> Option<CustomerRef> {
    let mut fields = Fields::new(object, prefix, "a customer", problems);
    let division = fields.required_text("ar_division_no");
    let number = fields.required_text("customer_no");
    fields.refuse_unknown();
    Some(CustomerRef {
        ar_division_no: division?,
        customer_no: number?,
    })
}

pub(crate) fn parse_profile(
    object: &Map<String, Value>,
    prefix: &str,
    problems: &mut Vec<Problem>,
) -> Option<CustomerProfile> {
    let before = problems.len();
    let mut fields = Fields::new(object, prefix, "a new customer", problems);
    let profile = CustomerProfile {
        customer_name: fields.required_text("customer_name").unwrap_or_default(),
        address_line1: fields.text("address_line1"),
        address_line2: fields.text("address_line2"),
        address_line3: fields.text("address_line3"),
        city: fields.text("city"),
        state: fields.text("state"),
        zip_code: fields.text("zip_code"),
        country_code: fields.text("country_code"),
        telephone_no: fields.text("telephone_no"),
        telephone_ext: fields.text("telephone_ext"),
        email_address: fields.text("email_address"),
        contact_name: fields.text("contact_name"),
        tax_exempt_no: fields.text("tax_exempt_no"),
        customer_no: fields.text("customer_no"),
        ar_division_no: fields.text("ar_division_no"),
        customer_class: fields.text("customer_class"),
        udf: fields.udf(),
    };
    if let Some(email) = &profile.email_address
        && !is_mail_address(email)
    {
        fields.out_of_range(
            "email_address",
            &format!("{email:?} is no e-mail address"),
            "send an address like name@example.com, or leave it out",
        );
    }
    fields.refuse_unknown();
    (problems.len() == before).then_some(profile)
}

/// Enough of a check to find a telephone number in the wrong field.
fn is_mail_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}

pub(crate) fn parse_ship_to(object: &Map<String, Value>, problems: &mut Vec<Problem>) -> Option<ShipTo> {
    let mut fields = Fields::new(object, "ship_to.", "a ship-to", problems);
    let code = fields.text("ship_to_code");
    let address = address(
        &mut fields,
        [
            "ship_to_name",
            "ship_to_address1",
            "ship_to_address2",
            "ship_to_address3",
            "ship_to_city",
            "ship_to_state",
            "ship_to_zip_code",
            "ship_to_country_code",
        ],
    );
    fields.refuse_unknown();
    match (code, address == Address::default()) {
        (Some(code), true) => Some(ShipTo::Code(code)),
        (None, false) => Some(ShipTo::Address(address)),
        (None, true) => None,
        (Some(_), false) => {
            problems.push(Problem::new(
                "contradiction",
                "ship_to",
                "both a ship_to_code and an address were sent",
                "send one of them: the code for an address that Sage has, or the address itself",
            ));
            None
        }
    }
}

pub(crate) fn parse_bill_to(object: &Map<String, Value>, problems: &mut Vec<Problem>) -> Option<Address> {
    let mut fields = Fields::new(object, "bill_to.", "a bill-to", problems);
    let address = address(
        &mut fields,
        [
            "bill_to_name",
            "bill_to_address1",
            "bill_to_address2",
            "bill_to_address3",
            "bill_to_city",
            "bill_to_state",
            "bill_to_zip_code",
            "bill_to_country_code",
        ],
    );
    fields.refuse_unknown();
    (address != Address::default()).then_some(address)
}

fn address(fields: &mut Fields<'_, '_>, names: [&'static str; 8]) -> Address {
    let [name, first, second, third, city, state, zip_code, country_code] = names.map(|n| fields.text(n));
    Address {
        name,
        address1: first,
        address2: second,
        address3: third,
        city,
        state,
        zip_code,
        country_code,
    }
}

/// The customer of a request, required.
pub(crate) fn required_customer(
    customer: Option<&Map<String, Value>>,
    problems: &mut Vec<Problem>,
) -> Option<Customer> {
    match customer {
        Some(customer) => parse_customer(customer, problems),
        None => {
            missing(problems, "customer");
            None
        }
    }
}
