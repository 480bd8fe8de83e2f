//! What holds for every document.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Case, new_profile, order_with};
use crate::plan::Planned;
use crate::settings::{CouponPolicy, OnDoubt, PricePolicy, ShipToSettings};

fn line() -> impl Strategy<Value = Value> {
    let code = prop::sample::select(vec![
        "DESK", "CHAIR", "LAMP", "NONE", "/C", "/FREIGHT", "/NONE", "*SIGN", "/M",
    ]);
    let quantity = prop::sample::select(vec!["0.5", "1", "4", "1000000", "100000000"]);
    let price = prop::sample::select(vec![None, Some("1"), Some("90000000")]);
    let warehouse = prop::sample::select(vec![None, Some("000"), Some("002"), Some("999")]);
    let text = prop::sample::select(vec![None, Some("plain"), Some("a\nb"), Some("🎁")]);
    (code, quantity, price, warehouse, text, any::<bool>()).prop_map(
        |(code, quantity, price, warehouse, text, alternate)| {
            json!({"item_code": code, "quantity_ordered": quantity, "unit_price": price,
                "warehouse_code": warehouse, "comment_text": text, "item_code_desc": text, "take_alternate": alternate})
        },
    )
}

fn customer() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"ar_division_no": "01", "customer_no": "HARBOR"}),
        json!({"ar_division_no": "01", "customer_no": "NOBODY"}),
        json!({"new": new_profile()}),
        json!({"guest": new_profile()}),
        json!({"new": {"customer_name": "Harbor Supply", "email_address": "ap@harbor.example"}}),
        json!({"new": {"customer_name": "Someone", "email_address": "ap@harbor.example", "udf": {"x": "1"}}}),
    ])
}

fn order() -> impl Strategy<Value = Value> {
    let ship_to = prop::sample::select(vec![
        Value::Null,
        json!({"ship_to_code": "0002"}),
        json!({"ship_to_code": "9"}),
        json!({"ship_to_address1": "1 Elm St"}),
    ]);
    let coupons = prop::sample::select(vec![json!([]), json!([{"code": "A", "amount": "1"}])]);
    (
        customer(),
        ship_to,
        coupons,
        prop::collection::vec(line(), 1..5),
        "[ -~]{0,40}",
    )
        .prop_map(|(customer, ship_to, coupons, lines, comment)| {
            order_with(
                json!({"customer": customer, "ship_to": ship_to, "coupons": coupons, "lines": lines,
                "comment": comment, "udf": {"gift": comment}}),
            )
        })
}

proptest! {
    #[test]
    fn planning_is_deterministic_and_every_problem_says_what_to_do(
        body in order(),
        on_credit in prop::sample::select(vec![OnDoubt::Hold, OnDoubt::EnterOnHold, OnDoubt::Warn]),
        price in prop::sample::select(vec![PricePolicy::Sage, PricePolicy::WebWithinTolerance, PricePolicy::Web]),
        create in any::<bool>(),
        accept in any::<bool>(),
        on_hold in any::<bool>(),
    ) {
        let case = || {
            let mut case = Case::order(body.clone())
                .set(|settings| {
                    settings.orders.on_credit = on_credit;
                    settings.orders.price = price;
                    if create {
                        settings.ship_tos = ShipToSettings::Create;
                        settings.orders.coupon = CouponPolicy::Charge("/COUPON".into());
                    }
                })
                .with(|books| books.customers[0].is_on_credit_hold = on_hold);
            if accept {
                case = case.accept("customer_like").accept("credit_hold").accept("quantity_large");
            }
            case
        };
        // `planned` looks at field, message and remedy of each problem.
        let first = case().planned();
        prop_assert_eq!(&first, &case().planned());
        match first {
            Planned::Ready(plan) => prop_assert!(!plan.writes.is_empty()),
            Planned::Refused(problems) | Planned::Held(problems) => prop_assert!(!problems.is_empty()),
            Planned::Nothing { .. } => prop_assert!(false, "an order is never nothing"),
        }
    }
}
