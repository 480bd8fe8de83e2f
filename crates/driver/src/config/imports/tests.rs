//! Every mistake under `[company.imports]` is named with its place and what to write instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use import::settings::{
    BatchScheme, Capabilities, CouponPolicy, CustomerSettings, DepositScheme, GuestPolicy, Numbering,
    OnDoubt, OrderSettings, Overpayment, PaymentSettings, Prepaid, PricePolicy, ReceiptWriter, Settings,
    ShipToSettings, UpdatePolicy,
};
use values::Decimal;

use super::keys::Shape;
use super::*;
use crate::config::{Config, ConfigError};

const START: &str = "[hub]\nurl = 'https://hub.example.com'\n[erp]\ntime_zone = 'America/New_York'\n\
                     [[company]]\ncode = 'ABC'\nedition = 'standard'\nreader.sandbox = 'abc.db'\n";
/// [`START`] ends before this line.
const NEXT_LINE: usize = 9;

fn parse(section: &str) -> Result<Config, ConfigError> {
    Config::parse(
        Path::new("/etc/erp-driver/config.toml"),
        &format!("{START}{section}\n"),
    )
}

fn settings(section: &str) -> Settings {
    let config = parse(section).unwrap_or_else(|error| panic!("{error}\n{section}"));
    (*config.companies[0].imports.settings).clone()
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

const ALL: &str = r#"
[company.imports]
closed_through = 2026-04-30
[company.imports.orders]
price = "web_within_tolerance"
price_tolerance = "0.005"
tax_tolerance = "0.1"
on_tax_difference = "enter_on_hold"
on_credit = "warn"
on_closed_period = "warn"
on_duplicate_po = "hold"
take_discounts = false
coupon = { charge = "/COUPON" }
defaults = { ship_via = "UPS BLUE", udf.channel = "WEB", udf_note = "n" }
required = ["customer_po_no", "payment", "payment.reference", "udf.origin"]
tax_call_limit_s = 45
tax_service_schedules = []
[company.imports.customers]
create = false
ar_division_no = "01"
numbering = { prefix = "W", digits = 6 }
guest = { ar_division_no = "00", customer_no = "GUEST" }
defaults = { credit_limit = "500", salesperson_division_no = "01", salesperson_no = "0100" }
class.wholesale = { terms_code = "30" }
update = "sage"
updates = { email_address = "web", udf.portal = "propose" }
[company.imports.ship_tos]
new = "create"
[company.imports.payments]
writer = { visual_integrator = { job = "VIWI0A", folder = "vi", command = ["run.cmd", "{job}", "{file}"] } }
batch = "settlement"
batch_prefix = "SHOP"
deposit = "payment"
bank_code = "A"
bank_codes = { VISA = "B" }
payment_types = { visa = "VISA" }
card_types = ["VISA"]
overpayment = "prepayment"
prepaid = "deposit_and_receipt"
deposit_account_key = "00000000B"
history_kept = true
[company.imports.capabilities]
receipts = true
prompting_kits = true
tax_before_write = true
kits_explode = true
[[company.imports.map]]
document = "sales_order"
field = "ship_via"
steps = ["upper"]
"#;

#[test]
fn every_setting_can_be_set() {
    let wanted = Settings {
        orders: OrderSettings {
            price: PricePolicy::WebWithinTolerance,
            price_tolerance: Decimal::new(5_000, 6),
            tax_tolerance: Decimal::new(10, 2),
            on_tax_difference: OnDoubt::EnterOnHold,
            on_credit: OnDoubt::Warn,
            on_closed_period: OnDoubt::Warn,
            on_duplicate_po: OnDoubt::Hold,
            take_discounts: false,
            coupon: CouponPolicy::Charge("/COUPON".into()),
            defaults: map(&[
                ("ship_via", "UPS BLUE"),
                ("udf.channel", "WEB"),
                ("udf.note", "n"),
            ]),
            required: ["customer_po_no", "payment", "payment.reference", "udf.origin"]
                .map(String::from)
                .into(),
            tax_call_limit_s: 45,
            tax_service_schedules: BTreeSet::new(),
        },
        customers: CustomerSettings {
            create: false,
            ar_division_no: "01".into(),
            numbering: Numbering::Counter {
                prefix: "W".into(),
                digits: 6,
            },
            guest: GuestPolicy::Shared {
                ar_division_no: "00".into(),
                customer_no: "GUEST".into(),
            },
            defaults: map(&[
                ("credit_limit", "500"),
                ("salesperson_division_no", "01"),
                ("salesperson_no", "0100"),
            ]),
            class_defaults: BTreeMap::from([("wholesale".into(), map(&[("terms_code", "30")]))]),
            updates: BTreeMap::from([
                ("email_address".into(), UpdatePolicy::WebWins),
                ("udf.portal".into(), UpdatePolicy::Propose),
            ]),
            update: UpdatePolicy::SageWins,
        },
        ship_tos: ShipToSettings::Create,
        payments: PaymentSettings {
            writer: ReceiptWriter::VisualIntegrator {
                job: "VIWI0A".into(),
                folder: "/etc/erp-driver/vi".into(),
                command: ["run.cmd", "{job}", "{file}"].map(String::from).into(),
            },
            batch: BatchScheme::Settlement,
            batch_prefix: "SHOP".into(),
            deposit: DepositScheme::Payment,
            bank_code: Some("A".into()),
            bank_codes: map(&[("VISA", "B")]),
            payment_types: map(&[("visa", "VISA")]),
            card_types: BTreeSet::from(["VISA".into()]),
            overpayment: Overpayment::Prepayment,
            prepaid: Prepaid::DepositAndReceipt,
            history_kept: true,
            deposit_account_key: Some("00000000B".into()),
        },
        capabilities: Capabilities {
            receipts: true,
            prompting_kits: true,
            tax_before_write: true,
            kits_explode: true,
        },
        closed_through: Date::new(2026, 4, 30).ok(),
    };
    assert_eq!(settings(ALL), wanted);
    let imports = &parse(ALL).unwrap().companies[0].imports;
    assert_eq!(
        imports.rules.count(import::rules::DocumentKind::SalesOrder),
        (1, 0)
    );
    for value in imports.effective() {
        assert_eq!(value.source, shown::Origin::File, "{}", value.key);
    }
}

/// The defaults that the reference states are the ones that hold.
#[test]
fn the_stated_defaults_are_the_real_ones() {
    assert_eq!(settings(""), Settings::default());
    let mut text = String::new();
    for section in keys::SECTIONS {
        let name = if section.is_empty() {
            String::new()
        } else {
            format!(".{section}")
        };
        text.push_str(&format!("[company.imports{name}]\n"));
        for key in keys::of(section).filter(|key| !key.default.is_empty()) {
            text.push_str(&format!("{} = {}\n", key.name, key.default));
        }
    }
    assert_eq!(settings(&text), Settings::default(), "{text}");
    for section in keys::SECTIONS {
        for key in keys::of(section) {
            assert!(!key.doc.is_empty() && !key.reason.is_empty(), "{}", key.name);
        }
    }
}

#[test]
fn every_stated_word_is_known_and_no_other() {
    for section in keys::SECTIONS {
        for key in keys::of(section) {
            let (Shape::Words(words) | Shape::Or(words, ..)) = key.shape else {
                continue;
            };
            let more = if key.name == "prepaid" {
                "bank_code = 'A'\ndeposit_account_key = '1'\n"
            } else {
                ""
            };
            let text = |word: &str| format!("[company.imports.{section}]\n{more}{} = '{word}'", key.name);
            let mut seen = BTreeSet::new();
            for word in words {
                assert!(
                    seen.insert(format!("{:?}", settings(&text(word)))),
                    "{} {word}",
                    key.name
                );
            }
            let error = parse(&text("neither")).unwrap_err();
            assert!(error.place.ends_with(key.name), "{error}");
            assert!(error.problem.contains("\"neither\" is not known here"), "{error}");
            for word in words {
                assert!(error.remedy.contains(&format!("{word:?}")), "{}", error.remedy);
            }
        }
    }
}

#[test]
fn every_type_is_checked() {
    for section in keys::SECTIONS {
        for key in keys::of(section) {
            let name = if section.is_empty() {
                String::new()
            } else {
                format!(".{section}")
            };
            for wrong in ["7.5", "[7]"] {
                let error = parse(&format!("[company.imports{name}]\n\n{} = {wrong}", key.name)).unwrap_err();
                let place = format!("company[0].imports{name}.{}", key.name);
                assert!(error.place.starts_with(&place), "{error}");
                assert_eq!(error.line, Some(NEXT_LINE + 2), "{error}");
                assert!(error.problem.contains("has to be"), "{error}");
                assert!(error.remedy.starts_with("write "), "{error}");
            }
        }
    }
}

/// Section, what stands on its last line, place below imports, and parts of problem and remedy.
const MISTAKES: &[(&str, &str, &str, &str, &str)] = &[
    ("", "ordres = {}", "ordres", "not known", "orders, customers"),
    (
        "",
        "orders = 5",
        "orders",
        "has to be a table",
        "[company.imports.orders]",
    ),
    (
        "",
        "closed_through = '30.4.2026'",
        "closed_through",
        "no date",
        "2026-04-30",
    ),
    (
        "orders",
        "prise = 'sage'",
        "orders.prise",
        "not known",
        "price_tolerance",
    ),
    (
        "orders",
        "price_tolerance = '-0.01'",
        "orders.price_tolerance",
        "less than nothing",
        "zero or more",
    ),
    (
        "orders",
        "price_tolerance = 'a cent'",
        "orders.price_tolerance",
        "no such amount",
        "at most 6",
    ),
    (
        "orders",
        "tax_tolerance = '0.001'",
        "orders.tax_tolerance",
        "no such amount",
        "at most 2",
    ),
    (
        "orders",
        "coupon = { charge = 'COUPON' }",
        "orders.coupon.charge",
        "no charge code",
        "/COUPON",
    ),
    (
        "orders",
        "coupon = { charge = '/C' }",
        "orders.coupon.charge",
        "no charge code",
        "/COUPON",
    ),
    (
        "orders",
        "coupon = {}",
        "orders.coupon.charge",
        "missing",
        "charge = ",
    ),
    (
        "orders",
        "coupon = { code = '/X' }",
        "orders.coupon.code",
        "not known",
        "charge",
    ),
    (
        "orders",
        "defaults = { ship_vai = 'UPS' }",
        "orders.defaults.ship_vai",
        "ship_vai",
        "ship_via",
    ),
    (
        "orders",
        "defaults = { sales_tax_amt = '1' }",
        "orders.defaults.sales_tax_amt",
        "no field",
        "udf.NAME",
    ),
    (
        "orders",
        "defaults = { fob = '' }",
        "orders.defaults.fob",
        "empty",
        "take the line out",
    ),
    (
        "orders",
        "defaults = { fob = 7 }",
        "orders.defaults.fob",
        "has to be a text",
        "in quotes",
    ),
    (
        "orders",
        "defaults = { udf.\"a b\" = 'x' }",
        "orders.defaults.udf.a b",
        "user-defined",
        "without UDF_",
    ),
    (
        "orders",
        "defaults = { salesperson_no = '0100' }",
        "orders.defaults.salesperson_division_no",
        "one of them is missing",
        "add salesperson_division_no",
    ),
    (
        "orders",
        "required = ['customer_po']",
        "orders.required[0]",
        "no field",
        "customer_po_no",
    ),
    (
        "orders",
        "required = ['fob', 'lines.unit_price']",
        "orders.required[1]",
        "no field",
        "header",
    ),
    (
        "orders",
        "required = ['customer.credit_hold']",
        "orders.required[0]",
        "no field",
        "header",
    ),
    (
        "orders",
        "required = ['fob', 'fob']",
        "orders.required[1]",
        "twice",
        "take one",
    ),
    (
        "orders",
        "tax_call_limit_s = 0",
        "orders.tax_call_limit_s",
        "not possible",
        "1 to 600",
    ),
    (
        "orders",
        "tax_call_limit_s = 601",
        "orders.tax_call_limit_s",
        "not possible",
        "1 to 600",
    ),
    (
        "orders",
        "tax_service_schedules = ['FAR TOO LONG']",
        "orders.tax_service_schedules[0]",
        "12 characters long",
        "1 to 9",
    ),
    (
        "customers",
        "ar_division_no = '1'",
        "customers.ar_division_no",
        "too short",
        "write 2",
    ),
    (
        "customers",
        "numbering = { prefix = 'w', digits = 6 }",
        "customers.numbering.prefix",
        "'w'",
        "upper-case",
    ),
    (
        "customers",
        "numbering = { prefix = 'WEBCUSTOMER', digits = 6 }",
        "customers.numbering.prefix",
        "11 characters long",
        "1 to 10",
    ),
    (
        "customers",
        "numbering = { prefix = 'W', digits = 0 }",
        "customers.numbering.digits",
        "0 digits",
        "1 to 12",
    ),
    (
        "customers",
        "numbering = { prefix = 'W', digits = 13 }",
        "customers.numbering.digits",
        "13",
        "1 to 12",
    ),
    (
        "customers",
        "numbering = { prefix = 'W' }",
        "customers.numbering.digits",
        "missing",
        "digits = 6",
    ),
    (
        "customers",
        "numbering = { digits = 6 }",
        "customers.numbering.prefix",
        "missing",
        "prefix",
    ),
    (
        "customers",
        "numbering = { prefix = 'WEBCUSTOME', digits = 12 }",
        "customers.numbering.digits",
        "22 characters",
        "shorten",
    ),
    (
        "customers",
        "guest = { customer_no = 'G' }",
        "customers.guest.ar_division_no",
        "missing",
        "00",
    ),
    (
        "customers",
        "guest = { ar_division_no = '00' }",
        "customers.guest.customer_no",
        "missing",
        "GUEST",
    ),
    (
        "customers",
        "defaults = { terms = '30' }",
        "customers.defaults.terms",
        "no field",
        "terms_code",
    ),
    (
        "customers",
        "defaults = { credit_limit = 'much' }",
        "customers.defaults.credit_limit",
        "no number",
        "quotes",
    ),
    (
        "customers",
        "class = { vip = 'x' }",
        "customers.class.vip",
        "has to be a table",
        "class.vip",
    ),
    (
        "customers",
        "class.vip = { terms = '30' }",
        "customers.class.vip.terms",
        "no field",
        "terms_code",
    ),
    (
        "customers",
        "updates = { credit_limit = 'web' }",
        "customers.updates.credit_limit",
        "not changed",
        "email_address",
    ),
    (
        "customers",
        "updates = { email_address = 'wep' }",
        "customers.updates.email_address",
        "wep",
        "\"web\"",
    ),
    (
        "payments",
        "bank_code = 'AB'",
        "payments.bank_code",
        "2 characters long",
        "write 1",
    ),
    (
        "payments",
        "bank_code = 'a'",
        "payments.bank_code",
        "'a'",
        "upper-case",
    ),
    (
        "payments",
        "bank_codes = { VISA = 'BB' }",
        "payments.bank_codes.VISA",
        "2 characters",
        "write 1",
    ),
    (
        "payments",
        "bank_codes = { MASTERCARD = 'B' }",
        "payments.bank_codes.MASTERCARD",
        "10 characters",
        "1 to 5",
    ),
    (
        "payments",
        "payment_types = { visa = 'VISACARD' }",
        "payments.payment_types.visa",
        "8 characters",
        "1 to 5",
    ),
    (
        "payments",
        "card_types = ['VISA', 'VISA']",
        "payments.card_types[1]",
        "twice",
        "take one",
    ),
    (
        "payments",
        "batch_prefix = 'WEB ORDERS 1'",
        "payments.batch_prefix",
        "12 characters",
        "0 to 10",
    ),
    (
        "payments",
        "writer = {}",
        "payments.writer",
        "name one way",
        "file = ",
    ),
    (
        "payments",
        "writer = { file = '' }",
        "payments.writer.file",
        "empty",
        "folder",
    ),
    (
        "payments",
        "writer = { file = 5 }",
        "payments.writer.file",
        "has to be a folder",
        "receipts",
    ),
    (
        "payments",
        "writer = { visual_integrator = { job = 'VIWI0A', command = ['x'] } }",
        "payments.writer.visual_integrator.folder",
        "missing",
        "folder = ",
    ),
    (
        "payments",
        "writer = { visual_integrator = { folder = 'x', command = ['x'] } }",
        "payments.writer.visual_integrator.job",
        "missing",
        "VIWI0A",
    ),
    (
        "payments",
        "writer = { visual_integrator = { job = 'VIWI0A', folder = 'x', command = [] } }",
        "payments.writer.visual_integrator.command",
        "no program",
        "{file}",
    ),
    (
        "payments",
        "bank_code = 'A'\nprepaid = 'deposit_and_receipt'",
        "payments.prepaid",
        "customer-deposit account",
        "deposit_account_key",
    ),
    (
        "payments",
        "prepaid = 'prepayment'",
        "payments.prepaid",
        "needs a bank",
        "bank_code",
    ),
    (
        "capabilities",
        "receipt = true",
        "capabilities.receipt",
        "not known",
        "receipts",
    ),
];

#[test]
fn every_mistake_has_its_place_and_remedy() {
    for (section, lines, place, problem, remedy) in MISTAKES {
        let name = if section.is_empty() {
            String::new()
        } else {
            format!(".{section}")
        };
        let error = parse(&format!("[company.imports{name}]\n{lines}")).unwrap_err();
        assert_eq!(
            error.place,
            format!("company[0].imports.{place}"),
            "{lines}: {error}"
        );
        assert_eq!(
            error.line,
            Some(NEXT_LINE + lines.lines().count()),
            "{lines}: {error}"
        );
        assert!(error.problem.contains(problem), "{lines}: {error}");
        assert!(error.remedy.contains(remedy), "{lines}: {}", error.remedy);
        assert_eq!(error.code, "config_invalid");
    }
}

#[test]
fn the_driver_s_own_mark_is_not_a_default() {
    let column = import::MARKER_COLUMN.to_ascii_lowercase();
    let error = parse(&format!(
        "[company.imports.orders]\ndefaults = {{ {column} = 'x' }}"
    ))
    .unwrap_err();
    assert!(error.problem.contains(import::MARKER_COLUMN), "{error}");
}

#[test]
fn a_profile_shows_capabilities_and_the_file_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let profile = profile_path(folder.path(), &values::CompanyId::new("ABC"));
    std::fs::write(
        &path,
        format!("{START}imports.capabilities = {{ receipts = false }}\n"),
    )
    .unwrap();
    let read = || Config::read(&path).map(|config| config.companies[0].imports.clone());
    assert_eq!(read().unwrap().settings.capabilities, Capabilities::default());

    let shown = r#"{"sage": "7.10", "proved_at": "2026-11-20T10:00:00Z", "capabilities": {"receipts": true, "kits_explode": true, "later": true}, "findings": [{"code": "x"}]}"#;
    std::fs::write(&profile, shown).unwrap();
    let imports = read().unwrap();
    let wanted = Capabilities {
        kits_explode: true,
        ..Capabilities::default()
    };
    assert_eq!(imports.settings.capabilities, wanted);
    let sources: Vec<_> = imports
        .effective()
        .into_iter()
        .filter_map(|value| Some((value.key.strip_prefix("capabilities.")?.to_owned(), value.source)))
        .collect();
    assert_eq!(
        sources,
        [
            ("receipts".to_owned(), shown::Origin::File),
            ("prompting_kits".to_owned(), shown::Origin::Default),
            ("tax_before_write".to_owned(), shown::Origin::Default),
            ("kits_explode".to_owned(), shown::Origin::Profile),
        ]
    );

    std::fs::write(
        &profile,
        "{\"sage\": \"7.10\", \"proved_at\": \"\",\n\"capabilities\": {\"receipts\": \"yes\"}}",
    )
    .unwrap();
    let error = read().unwrap_err();
    assert_eq!((error.code, error.line), ("profile_invalid", Some(2)), "{error}");
    assert_eq!(&*error.path, profile.as_path());
    assert!(error.remedy.contains("prove"));
}
