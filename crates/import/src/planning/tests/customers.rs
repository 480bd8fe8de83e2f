//! Customers: new ones, guests, approved accounts and changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::books::customer;
use super::{Case, has, new_customer_order, new_profile, order_of, order_with, words};
use crate::plan::{CustomerSource, CustomerWrite, NumberSource, Plan, Planned, Write};
use crate::settings::{GuestPolicy, Numbering, UpdatePolicy};

fn customer_of(plan: &Plan) -> &CustomerWrite {
    match &plan.writes[0] {
        Write::Customer(customer) => customer,
        other @ (Write::CustomerChange(_) | Write::ShipTo(_) | Write::SalesOrder(_) | Write::Receipt(_)) => {
            panic!("no customer first: {other:?}")
        }
    }
}

#[test]
fn a_new_customer_is_made_before_the_order() {
    let plan = Case::order(new_customer_order()).ready();
    let customer = customer_of(&plan);
    assert_eq!(customer.ar_division_no, "00");
    assert_eq!(customer.number, NumberSource::SageNext);
    let words = words(&customer.settings);
    let place = |start: &str| words.iter().position(|word| word.starts_with(start)).unwrap();
    assert!(place("ZipCode$") < place("City$") && place("City$") < place("State$"));
    assert_eq!(order_of(&plan).customer, CustomerSource::Write(0));
}

#[test]
fn numbering_is_the_sites() {
    let numbered = |numbering: Numbering, number: Option<&str>| {
        let mut body = new_customer_order();
        body["customer"]["new"]["customer_no"] = number.map_or(Value::Null, Value::from);
        Case::order(body).set(|settings| settings.customers.numbering = numbering)
    };
    let counter = Numbering::Counter {
        prefix: "W".into(),
        digits: 6,
    };
    let plan = numbered(counter, None).ready();
    assert!(matches!(
        customer_of(&plan).number,
        NumberSource::Counter { digits: 6, .. }
    ));
    let plan = numbered(Numbering::Platform, Some("w77")).ready();
    assert!(
        matches!(&customer_of(&plan).number, NumberSource::Given { customer_no, .. } if customer_no == "W77")
    );
    numbered(Numbering::Platform, None).refuses("required", "customer.new.customer_no");
    numbered(Numbering::Platform, Some("w77"))
        .with(|books| {
            let mut other = customer("W77", &[("customer_name", "Somebody Else")]);
            other.ar_division_no = "00".into();
            books.customers.push(other);
        })
        .refuses("customer_no_taken", "customer.new.customer_no");
    numbered(Numbering::Platform, Some("w7777777777777777777777"))
        .refuses("too_long", "customer.new.customer_no");
}

#[test]
fn defaults_of_the_class_win_over_those_of_all() {
    let class = |class: &str| {
        let mut body = new_customer_order();
        body["customer"]["new"]["customer_class"] = json!(class);
        Case::order(body).set(|settings| {
            let customers = &mut settings.customers;
            customers.defaults = BTreeMap::from([
                ("terms_code".into(), "01".into()),
                ("price_level".into(), "A".into()),
                ("credit_limit".into(), "500".into()),
                ("city".into(), "Nowhere".into()),
            ]);
            customers.class_defaults = BTreeMap::from([(
                "wholesale".to_owned(),
                BTreeMap::from([("price_level".to_owned(), "W".to_owned())]),
            )]);
        })
    };
    let plan = class("wholesale").ready();
    has(
        &customer_of(&plan).settings,
        &[
            "TermsCode$=01",
            "PriceLevel$=W",
            "CreditLimit=500.00",
            "City$=Racine",
        ],
    );
    class("retail").refuses("class_unknown", "customer.new.customer_class");
    class("wholesale")
        .set(|settings| {
            settings.customers.defaults.insert("colour".into(), "red".into());
        })
        .refuses("default_unknown", "defaults.colour");
    class("wholesale")
        .set(|settings| {
            settings
                .customers
                .defaults
                .insert("credit_limit".into(), "much".into());
        })
        .refuses("default_wrong", "defaults.credit_limit");
    class("wholesale")
        .set(|settings| {
            settings
                .customers
                .defaults
                .insert("terms_code".into(), "99".into());
        })
        .refuses("terms_unknown", "defaults.terms_code");
}

#[test]
fn wrong_profiles_are_refused() {
    for (name, value, code) in [
        ("ar_division_no", json!("77"), "division_unknown"),
        ("customer_name", json!("x".repeat(51)), "too_long"),
        ("city", json!("Łódź"), "not_representable"),
        ("udf", json!({"nothing": "1"}), "udf_unknown"),
    ] {
        let mut body = new_customer_order();
        body["customer"]["new"][name] = value;
        let found = Case::order(body).refused();
        assert_eq!(found[0].0, code, "{found:?}");
    }
    Case::order(new_customer_order())
        .set(|settings| settings.customers.create = false)
        .refuses("customer_creation_off", "customer.new");
}

#[test]
fn guests_go_by_the_sites_policy() {
    let guest = || Case::order(order_with(json!({"customer": {"guest": new_profile()}})));
    assert_eq!(guest().ready().writes.len(), 2);
    guest()
        .set(|settings| settings.customers.guest = GuestPolicy::Refuse)
        .refuses("guest_refused", "customer.guest");
    let shared = |number: &str| {
        let guest_policy = GuestPolicy::Shared {
            ar_division_no: "01".into(),
            customer_no: number.into(),
        };
        guest().set(|settings| settings.customers.guest = guest_policy)
    };
    let plan = shared("HARBOR").ready();
    assert_eq!(plan.writes.len(), 1);
    has(
        &order_of(&plan).header,
        &[
            "BillToName$=Lakeside Hardware, Inc.",
            "ShipToCode$=",
            "ShipToName$=Lakeside Hardware, Inc.",
            "ShipToAddress1$=12 North Main Street",
            "EmailAddress$=office@lakeside.example",
        ],
    );
    let mut long = shared("HARBOR");
    long.document.body["customer"]["guest"]["customer_name"] = json!("Lakeside 🎁");
    assert!(long.refused().iter().all(|(_, field)| field == "customer.guest"));
    shared("NOBODY").refuses("customer_unknown", "customer.guest");
}

#[test]
fn an_approved_account_is_made_or_found() {
    let account = || Case::customer(json!({"company": "ABC", "new": new_profile()}));
    let plan = account().ready();
    assert_eq!(plan.writes.len(), 1);
    let mut there = account().with(|books| {
        books
            .customers
            .push(customer("LAKE", &[("tax_exempt_no", "391234567")]));
    });
    let Planned::Nothing { numbers, warnings } = there.planned() else {
        panic!("made twice")
    };
    assert_eq!(numbers["customer_no"], "LAKE");
    assert_eq!(warnings.len(), 1);
    let mut done = account().done("customer_no", "00:W000001");
    let Planned::Nothing { numbers, .. } = done.planned() else {
        panic!("made twice")
    };
    assert_eq!(numbers["customer_no"], "W000001");
}

#[test]
fn what_was_done_for_the_customer_before_is_kept() {
    let made = |books: &mut super::Books| {
        let mut made = customer("W000001", &[("email_address", "office@lakeside.example")]);
        made.ar_division_no = "00".into();
        books.customers.push(made);
    };
    let plan = Case::order(new_customer_order())
        .with(made)
        .done("customer_no", "00:W000001")
        .ready();
    assert_eq!(plan.writes.len(), 1);
    assert!(
        matches!(&order_of(&plan).customer, CustomerSource::Known(known) if known.customer_no == "W000001")
    );
    // Begun, and its end not known: planned as before, though Sage may show it already.
    let plan = Case::order(new_customer_order())
        .with(made)
        .reserved("customer_no", "00:W000001")
        .ready();
    assert_eq!(plan.writes.len(), 2);
}

fn update(changes: Value) -> Case {
    Case::customer(
        json!({"company": "ABC", "customer": {"ar_division_no": "01", "customer_no": "HARBOR"}, "changes": changes}),
    )
}

#[test]
fn changes_are_proposed_unless_the_site_says_otherwise() {
    let changes = json!({"city": "Racine", "state": "WI", "zip_code": "53402"});
    let held = update(changes.clone()).held();
    let fields: Vec<_> = held.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields, ["changes.zip_code", "changes.city"]);
    assert!(held[1].message.contains("Kenosha") && held[1].message.contains("Racine"));
    let plan = update(changes.clone()).accept("change_proposed").ready();
    let Write::CustomerChange(change) = &plan.writes[0] else {
        panic!("no change")
    };
    assert_eq!(words(&change.settings), ["ZipCode$=53402", "City$=Racine"]);
    let plan = update(changes.clone())
        .set(|settings| {
            settings.customers.update = UpdatePolicy::WebWins;
            settings
                .customers
                .updates
                .insert("city".into(), UpdatePolicy::SageWins);
        })
        .ready();
    let Write::CustomerChange(change) = &plan.writes[0] else {
        panic!("no change")
    };
    assert_eq!(words(&change.settings), ["ZipCode$=53402"]);
    assert!(plan.warnings[0].starts_with("sage_wins: city"));
    let plan = update(json!({"udf": {"portal": "Y"}, "address_line1": ""}))
        .set(|settings| settings.customers.update = UpdatePolicy::WebWins)
        .ready();
    let Write::CustomerChange(change) = &plan.writes[0] else {
        panic!("no change")
    };
    assert_eq!(words(&change.settings), ["AddressLine1$=", "UDF_PORTAL$=Y"]);
}

#[test]
fn what_is_so_already_is_not_written() {
    for changes in [json!({"city": "Kenosha"}), json!({"udf": {"portal": "N"}})] {
        assert!(matches!(update(changes).planned(), Planned::Nothing { .. }));
    }
    let mut sage_wins =
        update(json!({"city": "Racine"})).set(|settings| settings.customers.update = UpdatePolicy::SageWins);
    let Planned::Nothing { warnings, .. } = sage_wins.planned() else {
        panic!("written")
    };
    assert_eq!(warnings.len(), 1);
    let mut done = update(json!({"city": "Racine"})).done("customer_change", "01:HARBOR:abc");
    assert!(matches!(done.planned(), Planned::Nothing { .. }));
    // A change that may have been entered is looked for, not taken for nothing.
    let plan = update(json!({"city": "Kenosha"}))
        .reserved("customer_change", "01:HARBOR:abc")
        .ready();
    assert_eq!(plan.writes.len(), 1);
}

#[test]
fn wrong_changes_are_refused_with_all_the_rest() {
    let found = update(json!({"city": "x".repeat(31), "udf": {"nothing": "1"}, "state": "IL"})).refused();
    let codes: Vec<_> = found.iter().map(|(code, _)| code.as_str()).collect();
    for code in ["too_long", "udf_unknown", "change_proposed"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    Case::customer(
        json!({"customer": {"ar_division_no": "01", "customer_no": "NOBODY"}, "changes": {"city": "Racine"}}),
    )
    .refuses("customer_unknown", "customer.customer_no");
}
