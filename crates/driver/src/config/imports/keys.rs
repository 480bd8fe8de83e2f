//! Every key of `[company.imports]`: what may stand there, its default and the reason for it.
//! The reference in `docs/configuration.md`, the JSON schema and `config show` come from here.

/// One key.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the reference and the JSON schema are made of it by a test"
    )
)]
pub(crate) struct Key {
    /// Section below `imports`; empty for `imports` itself.
    pub(crate) section: &'static str,
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// As it would be written in the file; empty: nothing.
    pub(crate) default: &'static str,
    /// What it does.
    pub(crate) doc: &'static str,
    /// Why the default is as it is.
    pub(crate) reason: &'static str,
}

/// What may stand there.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the reference and the JSON schema are made of it by a test"
    )
)]
pub(crate) enum Shape {
    Date,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A decimal in quotes with at most so many places.
    Amount(u8),
    Flag,
    /// Seconds, from 1 to so many.
    Seconds(u64),
    /// A text of at most so many characters.
    Text(u16),
    /// A list of texts of at most so many characters.
    Texts(u16),
    /// Texts by name.
    Map,
    /// Texts by name, by a name.
    Maps,
    /// One of these words, or a table: how it is written, and its JSON schema.
    Or(&'static [&'static str], &'static str, &'static str),
}

/// Sections below `imports` in the order in which they are documented.
pub(crate) const SECTIONS: [&str; 6] = ["", "orders", "customers", "ship_tos", "payments", "capabilities"];

/// The keys of a section.
pub(crate) fn of(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section)
}

const DOUBT: Shape = Shape::Words(&["hold", "enter_on_hold", "warn"]);
const POLICY: &[&str] = &["propose", "sage", "web"];

const CHARGE: &str = r#"{"type":"object","required":["charge"],"additionalProperties":false,"properties":{"charge":{"type":"string","pattern":"^/"}}}"#;
const COUNTER: &str = r#"{"type":"object","required":["prefix","digits"],"additionalProperties":false,"properties":{"prefix":{"type":"string","pattern":"^[A-Z0-9]{1,10}$"},"digits":{"type":"integer","minimum":1,"maximum":12}}}"#;
const SHARED: &str = r#"{"type":"object","required":["ar_division_no","customer_no"],"additionalProperties":false,"properties":{"ar_division_no":{"type":"string"},"customer_no":{"type":"string"}}}"#;
const WRITER: &str = r#"{"type":"object","minProperties":1,"maxProperties":1,"additionalProperties":false,"properties":{"file":{"type":"string"},"visual_integrator":{"type":"object","required":["job","folder","command"],"additionalProperties":false,"properties":{"job":{"type":"string"},"folder":{"type":"string"},"command":{"type":"array","minItems":1,"items":{"type":"string"}}}}}}"#;

const fn key(
    section: &'static str,
    name: &'static str,
    shape: Shape,
    default: &'static str,
    doc: &'static str,
    reason: &'static str,
) -> Key {
    Key {
        section,
        name,
        shape,
        default,
        doc,
        reason,
    }
}

const KEYS: &[Key] = &[
    key(
        "",
        "closed_through",
        Shape::Date,
        "",
        "last day of the closed periods; documents dated up to it go by `orders.on_closed_period`",
        "Sage has no table that says for sure which periods are closed",
    ),
    key(
        "orders",
        "price",
        Shape::Words(&["sage", "web_within_tolerance", "web"]),
        "\"sage\"",
        "whose price a line gets: Sage's, with a warning when the web's differs; the web's within `price_tolerance`, else the order is held; the web's always",
        "Sage knows contracts, breaks and sales; its price is the one that is invoiced",
    ),
    key(
        "orders",
        "price_tolerance",
        Shape::Amount(6),
        "\"0.01\"",
        "difference per unit that counts as rounding",
        "one cent is what two systems differ by when they round",
    ),
    key(
        "orders",
        "tax_tolerance",
        Shape::Amount(2),
        "\"0.05\"",
        "difference per order that counts as rounding: tax to the web's estimate, total to what was captured",
        "tax that is rounded line by line differs by a few cents from tax of the whole order",
    ),
    key(
        "orders",
        "on_tax_difference",
        DOUBT,
        "\"warn\"",
        "what is done beyond it: hold the document, enter the order with Sage's hold status, or enter it with a warning",
        "the web's tax is an estimate, and Sage's is the one that is owed",
    ),
    key(
        "orders",
        "on_credit",
        DOUBT,
        "\"hold\"",
        "customer on credit hold, or over the limit with open and queued orders",
        "goods that left cannot be held any more",
    ),
    key(
        "orders",
        "on_closed_period",
        DOUBT,
        "\"hold\"",
        "the order's date lies in a closed period",
        "a closed period is reopened by a person, or the date is wrong",
    ),
    key(
        "orders",
        "on_duplicate_po",
        DOUBT,
        "\"warn\"",
        "the buyer's number is on another open order of the customer",
        "many buyers use one number for several orders; a document that is sent twice is found by its idempotency key",
    ),
    key(
        "orders",
        "take_discounts",
        Shape::Flag,
        "true",
        "take the discounts that documents bring; `false` refuses such documents",
        "the buyer saw the discounted price and paid it",
    ),
    key(
        "orders",
        "coupon",
        Shape::Or(&["discount", "refuse"], "{ charge = \"/COUPON\" }", CHARGE),
        "\"discount\"",
        "a coupon becomes part of the order's trade discount, or a line with this charge code at minus its amount, or the document is refused",
        "needs no charge code to be set up, and commissions follow",
    ),
    key(
        "orders",
        "defaults",
        Shape::Map,
        "{}",
        "header fields that an order gets when it brings none, as `{ ship_via = \"UPS BLUE\" }`; user-defined ones under `udf.`",
        "Sage's own defaults of customer and ship-to apply first of all",
    ),
    key(
        "orders",
        "required",
        Shape::Texts(64),
        "[]",
        "fields that every order must bring, as `[\"customer_po_no\"]`; all that are missing are named at once",
        "Sage itself wants only customer and lines",
    ),
    key(
        "orders",
        "tax_call_limit_s",
        Shape::Seconds(600),
        "90",
        "seconds that a call may take which asks an outside tax service",
        "such a service answers within a minute or not at all",
    ),
    key(
        "orders",
        "tax_service_schedules",
        Shape::Texts(9),
        "[\"AVATAX\"]",
        "tax schedules that ask an outside service",
        "the name that Sage's own connector sets up",
    ),
    key(
        "customers",
        "create",
        Shape::Flag,
        "true",
        "create customers that Sage does not have; `false` refuses such documents",
        "a match is looked for first, and a likely one is held, not guessed",
    ),
    key(
        "customers",
        "ar_division_no",
        Shape::Text(2),
        "\"00\"",
        "division of new customers that bring none",
        "the division that Sage uses when divisions are switched off",
    ),
    key(
        "customers",
        "numbering",
        Shape::Or(&["sage", "platform"], "{ prefix = \"W\", digits = 6 }", COUNTER),
        "\"sage\"",
        "number of a new customer: Sage's next, the one that the document brings, or a prefix with a counter",
        "Sage's next number is free for sure and is what people expect",
    ),
    key(
        "customers",
        "guest",
        Shape::Or(
            &["each", "refuse"],
            "{ ar_division_no = \"00\", customer_no = \"GUEST\" }",
            SHARED,
        ),
        "\"each\"",
        "a guest becomes a customer of their own, matched like any other, or all stand on one shared customer, or they are refused",
        "keeps the tax exemptions, histories and credit of strangers apart",
    ),
    key(
        "customers",
        "defaults",
        Shape::Map,
        "{}",
        "fields that every new customer gets, as `{ terms_code = \"30\", tax_schedule = \"DEFAULT\" }`",
        "Sage's own defaults of the division apply",
    ),
    key(
        "customers",
        "class",
        Shape::Maps,
        "{}",
        "the same by class of customer (`customer_class` of the document), as `class.wholesale = { terms_code = \"30\" }`; they win over `defaults`",
        "classes are the platform's, and each site's own",
    ),
    key(
        "customers",
        "update",
        Shape::Words(POLICY),
        "\"propose\"",
        "a change to a customer that Sage has: held with old and new value for a person to decide, not taken, or entered",
        "people keep customers in Sage; nothing of theirs is overwritten unasked",
    ),
    key(
        "customers",
        "updates",
        Shape::Map,
        "{}",
        "the same by field, as `{ email_address = \"web\" }`",
        "one rule for all fields until the site makes exceptions",
    ),
    key(
        "ship_tos",
        "new",
        Shape::Words(&["on_order", "create"]),
        "\"on_order\"",
        "an address that the customer does not have stands on the order only, or becomes a ship-to record on first use",
        "addresses of one delivery do not fill the customer's list",
    ),
    key(
        "payments",
        "writer",
        Shape::Or(
            &["objects"],
            "{ file = \"receipts\" }` or `{ visual_integrator = { job = \"VIWI0A\", folder = \"receipts\", command = [\"run.cmd\", \"{job}\", \"{file}\"] } }",
            WRITER,
        ),
        "\"objects\"",
        "who enters cash receipts: Sage's business objects (where `receipts` is proved), a Visual Integrator job run by this command, or a person with a file from this folder",
        "only there Sage's own rules are asked before anything is written",
    ),
    key(
        "payments",
        "batch",
        Shape::Words(&["day_and_type", "day", "run", "settlement"]),
        "\"day_and_type\"",
        "receipts that share a batch: of one local day and payment type, of one local day, of one session, of one settlement",
        "banks settle by day and by kind of card",
    ),
    key(
        "payments",
        "batch_prefix",
        Shape::Text(10),
        "\"WEB\"",
        "in front of the batch's comment",
        "tells the driver's batches from those of people",
    ),
    key(
        "payments",
        "deposit",
        Shape::Words(&["day", "settlement", "payment"]),
        "\"day\"",
        "receipts that share a deposit: of one local day in the batch, of one settlement, none",
        "works without settlement ids; a bank statement shows days",
    ),
    key(
        "payments",
        "bank_code",
        Shape::Text(1),
        "",
        "bank code of deposits",
        "money needs a bank that the site names; without one, payments are refused",
    ),
    key(
        "payments",
        "bank_codes",
        Shape::Map,
        "{}",
        "bank code by Sage's payment type where it differs, as `{ VISA = \"B\" }`",
        "most sites have one bank for the web",
    ),
    key(
        "payments",
        "payment_types",
        Shape::Map,
        "{}",
        "Sage's payment type by the platform's, as `{ visa = \"VISA\" }`; what is not named is taken as it is",
        "platforms name cards in their own way",
    ),
    key(
        "payments",
        "card_types",
        Shape::Texts(5),
        "[]",
        "Sage's payment types whose deposits are credit card deposits",
        "a deposit of Sage is cash unless the site says otherwise",
    ),
    key(
        "payments",
        "overpayment",
        Shape::Words(&["hold", "prepayment"]),
        "\"hold\"",
        "what is paid beyond the invoices: the payment is held, or the rest becomes a prepayment of the customer",
        "too much money is more often a mistake than a wish",
    ),
    key(
        "payments",
        "prepaid",
        Shape::Words(&["none", "deposit_and_receipt", "prepayment"]),
        "\"none\"",
        "money that was taken with an order: payment type and reference on the order only, a deposit on the order with a receipt to the customer-deposit account, or a prepayment of the customer",
        "booking it is an accountant's choice; nothing is booked twice until it is made",
    ),
    key(
        "payments",
        "deposit_account_key",
        Shape::Text(9),
        "",
        "`AccountKey` of the customer-deposit account, for `prepaid = \"deposit_and_receipt\"`",
        "accounts are each site's own",
    ),
    key(
        "payments",
        "history_kept",
        Shape::Flag,
        "false",
        "Sage keeps posted cash receipts (Accounts Receivable options) and the driver may read them: only then does a receipt whose entry was cut short, and that is found nowhere, count as not entered and is entered again; otherwise it is held for a person (`history_not_kept`)",
        "a receipt that was posted meanwhile, and left no trace, would be entered twice",
    ),
    key(
        "capabilities",
        "receipts",
        Shape::Flag,
        "false",
        "cash receipts can be entered through the business objects",
        UNPROVED,
    ),
    key(
        "capabilities",
        "prompting_kits",
        Shape::Flag,
        "false",
        "a kit that asks on the screen is answered without one",
        UNPROVED,
    ),
    key(
        "capabilities",
        "tax_before_write",
        Shape::Flag,
        "false",
        "the tax is known before the order's final write",
        UNPROVED,
    ),
    key(
        "capabilities",
        "kits_explode",
        Shape::Flag,
        "false",
        "kits are exploded by the objects as the item says",
        UNPROVED,
    ),
];

const UNPROVED: &str = "off until `erp-driver prove` has shown it in a copied company";
