//! The cases in which other tools make a customer twice, or give an order to the wrong one.

use serde_json::{Value, json};

use super::books::customer;
use super::{Case, new_customer_order, order_of};
use crate::plan::{CustomerSource, Planned};
use crate::settings::GuestPolicy;

#[derive(Debug, PartialEq)]
enum Verdict {
    Taken(String),
    Held(String),
    Made,
}

/// A customer of Sage's: number and texts.
type There = (&'static str, &'static [(&'static str, &'static str)]);

/// What becomes of Lakeside Hardware, with these customers in Sage.
fn verdict(changes: &Value, there: &[There]) -> Verdict {
    let mut body = new_customer_order();
    for (name, value) in changes.as_object().unwrap() {
        body["customer"]["new"][name.as_str()] = value.clone();
    }
    let mut case = Case::order(body).with(|books| {
        let others = there.iter().map(|(number, texts)| customer(number, texts));
        books.customers.extend(others);
    });
    match case.planned() {
        Planned::Ready(plan) => match &order_of(&plan).customer {
            CustomerSource::Known(reference) => {
                assert!(plan.warnings.iter().any(|w| w.contains(&reference.to_string())));
                Verdict::Taken(reference.customer_no.clone())
            }
            CustomerSource::Write(_) => Verdict::Made,
        },
        Planned::Held(problems) => {
            assert_eq!(problems.len(), 1);
            assert_eq!(
                (problems[0].code.as_str(), problems[0].field.as_str()),
                ("customer_like", "customer.new")
            );
            Verdict::Held(problems[0].value.clone())
        }
        other @ (Planned::Nothing { .. } | Planned::Refused(_)) => panic!("{other:?}"),
    }
}

#[test]
fn the_table_of_cases() {
    let taken = |number: &str| Verdict::Taken(number.into());
    let held = |keys: &str| Verdict::Held(keys.into());
    let none = json!({});
    let cases: Vec<(&str, &Value, Vec<There>, Verdict)> = vec![
        (
            "nobody is like it",
            &none,
            vec![("X", &[("customer_name", "Lakeside Boats")])],
            Verdict::Made,
        ),
        (
            "same tax id, written otherwise",
            &none,
            vec![("A", &[("tax_exempt_no", "391234567")])],
            taken("A"),
        ),
        (
            "same e-mail and name, other case and legal form",
            &none,
            vec![(
                "A",
                &[
                    ("email_address", "Office@Lakeside.example"),
                    ("customer_name", "LAKESIDE HARDWARE LLC"),
                ],
            )],
            taken("A"),
        ),
        (
            "same e-mail among several",
            &none,
            vec![(
                "A",
                &[
                    ("email_address", "ap@x.example; office@lakeside.example"),
                    ("customer_name", "Lakeside Hardware"),
                ],
            )],
            taken("A"),
        ),
        (
            "e-mail alone",
            &none,
            vec![("A", &[("email_address", "office@lakeside.example")])],
            held("01-A"),
        ),
        (
            "name and address, shortened",
            &none,
            vec![(
                "A",
                &[
                    ("customer_name", "Lakeside Hardware"),
                    ("address_line1", "12 N. Main St."),
                    ("zip_code", "53402-1111"),
                ],
            )],
            held("01-A"),
        ),
        (
            "name alone",
            &none,
            vec![("A", &[("customer_name", "Lakeside Hardware")])],
            Verdict::Made,
        ),
        (
            "name, but another town",
            &none,
            vec![(
                "A",
                &[
                    ("customer_name", "Lakeside Hardware"),
                    ("address_line1", "12 N Main St"),
                    ("zip_code", "60601"),
                ],
            )],
            Verdict::Made,
        ),
        (
            "address alone",
            &none,
            vec![(
                "A",
                &[
                    ("customer_name", "Corner Bakery"),
                    ("address_line1", "12 N Main St"),
                    ("zip_code", "53402"),
                ],
            )],
            Verdict::Made,
        ),
        (
            "two with the same tax id",
            &none,
            vec![
                ("A", &[("tax_exempt_no", "391234567")]),
                ("B", &[("tax_exempt_no", "39-1234567")]),
            ],
            held("01-A, 01-B"),
        ),
        (
            "one for sure, one maybe",
            &none,
            vec![
                ("A", &[("email_address", "office@lakeside.example")]),
                ("B", &[("tax_exempt_no", "391234567")]),
            ],
            taken("B"),
        ),
        (
            "tax id of one, e-mail and name of another",
            &none,
            vec![
                ("A", &[("tax_exempt_no", "391234567")]),
                (
                    "B",
                    &[
                        ("email_address", "office@lakeside.example"),
                        ("customer_name", "Lakeside Hardware"),
                    ],
                ),
            ],
            held("01-A, 01-B"),
        ),
    ];
    for (what, changes, there, wanted) in cases {
        assert_eq!(verdict(changes, &there), wanted, "{what}");
    }
}

#[test]
fn no_tax_id_is_nobodys() {
    let changes = json!({"tax_exempt_no": "N/A"});
    let there: &[(&str, &str)] = &[("tax_exempt_no", "N/A")];
    assert_eq!(verdict(&changes, &[("A", there)]), Verdict::Made);
    let changes = json!({"tax_exempt_no": "00-0000000"});
    let there: &[(&str, &str)] = &[("tax_exempt_no", "000000000")];
    assert_eq!(verdict(&changes, &[("A", there)]), Verdict::Made);
}

#[test]
fn of_a_buyer_with_nothing_but_a_name_the_name_is_asked_about() {
    let changes = json!({"address_line1": null, "city": null, "state": null, "zip_code": null, "email_address": null, "tax_exempt_no": null});
    let there: &[(&str, &str)] = &[("customer_name", "Lakeside Hardware Co")];
    assert_eq!(verdict(&changes, &[("A", there)]), Verdict::Held("01-A".into()));
}

#[test]
fn a_person_may_say_that_it_is_another_one() {
    let case = Case::order(new_customer_order()).with(|books| {
        books
            .customers
            .push(customer("A", &[("email_address", "office@lakeside.example")]));
    });
    let plan = case.accept("customer_like").ready();
    assert_eq!(order_of(&plan).customer, CustomerSource::Write(0));
    assert!(plan.warnings.iter().any(|warning| warning.contains("01-A")));
}

#[test]
fn an_inactive_customer_is_not_taken_without_asking() {
    Case::order(new_customer_order())
        .with(|books| {
            let mut old = customer("A", &[("tax_exempt_no", "391234567")]);
            old.is_inactive = true;
            books.customers.push(old);
        })
        .holds("customer_like", "customer.new");
}

#[test]
fn the_guests_shared_customer_is_like_nobody() {
    let policy = GuestPolicy::Shared {
        ar_division_no: "01".into(),
        customer_no: "WEB".into(),
    };
    Case::order(new_customer_order())
        .with(|books| {
            books
                .customers
                .push(customer("WEB", &[("email_address", "office@lakeside.example")]));
        })
        .set(|settings| settings.customers.guest = policy)
        .ready();
}

#[test]
fn held_like_names_keys_and_signs_but_no_personal_data() {
    let held = Case::order(new_customer_order())
        .with(|books| {
            books
                .customers
                .push(customer("A", &[("email_address", "office@lakeside.example")]));
        })
        .held();
    assert!(held[0].message.contains("01-A (same e-mail)"));
    assert!(!format!("{:?}", held[0]).contains("office@"));
}
