//! Sales orders, from a year ago to today: most are invoiced, the young ones are open.

use rusqlite::Connection;
use values::{Date, Stamp};

use super::amounts::{extension, share, tax};
use super::customers::{Customer, Ledger, ShipTo};
use super::items::Item;
use super::words::tax_rate;
use super::{USERS, WAREHOUSES, amount, days_before, office_hours, price, quantity, rate};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;

/// Open orders at scale 1.
const OPEN: u32 = 60;
/// Orders that have left, at scale 1.
const LEFT: u32 = 640;
/// Below lie the demonstration company's own numbers.
const FIRST_NUMBER: u32 = 201;

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In the open order file.
    Open,
    /// Invoiced in full, so many days after the order.
    Invoiced {
        /// Days from order to invoice.
        after_days: i64,
    },
    /// Deleted before it was shipped.
    Deleted,
}

/// One order.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) number: String,
    pub(super) date: Date,
    pub(super) state: State,
    pub(super) order_type: &'static str,
    pub(super) status: &'static str,
    /// Place in the list of customers.
    pub(super) customer: usize,
    /// Place among the customer's ship-to addresses.
    ship_to: Option<usize>,
    pub(super) purchase_order: String,
    pub(super) ship_via: &'static str,
    pub(super) warehouse: usize,
    /// Trade discount in tenths of a percent.
    discount_rate: i64,
    pub(super) freight: i64,
    pub(super) lines: Vec<Line>,
    pub(super) stamp: Stamp,
}

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    /// Place in the list of items.
    pub(super) item: usize,
    pub(super) quantity: i64,
    pub(super) price: i64,
    /// Tenths of a percent.
    pub(super) discount: i64,
    pub(super) comment: &'static str,
}

impl Line {
    /// What the line comes to, in cents.
    pub(super) fn extension(&self) -> i64 {
        extension(self.quantity, self.price, self.discount)
    }
}

/// What an order comes to, in cents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Totals {
    pub(super) taxable: i64,
    pub(super) nontaxable: i64,
    pub(super) discount: i64,
    pub(super) tax: i64,
    /// All of it, with freight.
    pub(super) total: i64,
}

impl Order {
    /// The order's sums under its customer's tax schedule.
    pub(super) fn totals(&self, items: &[Item], customers: &[Customer]) -> Totals {
        let schedule = self.tax_schedule(&customers[self.customer]);
        let (mut taxable, mut nontaxable) = (0, 0);
        for line in &self.lines {
            if schedule != "NONTAX" && items[line.item].tax_class == "TX" {
                taxable += line.extension();
            } else {
                nontaxable += line.extension();
            }
        }
        let discount = share(taxable + nontaxable, self.discount_rate);
        let tax = tax(taxable - share(taxable, self.discount_rate), tax_rate(schedule));
        Totals {
            taxable,
            nontaxable,
            discount,
            tax,
            total: taxable + nontaxable - discount + tax + self.freight,
        }
    }

    fn ship_to<'c>(&self, customer: &'c Customer) -> Option<&'c ShipTo> {
        self.ship_to.and_then(|place| customer.ship_tos.get(place))
    }

    fn tax_schedule(&self, customer: &Customer) -> &'static str {
        if customer.tax_schedule == "NONTAX" {
            return "NONTAX";
        }
        self.ship_to(customer)
            .map_or(customer.tax_schedule, |s| s.tax_schedule)
    }
}

/// Draws all orders in the order of their numbers.
pub(super) fn draw(plan: &Plan, items: &[Item], customers: &[Customer]) -> Vec<Order> {
    let mut random = Random::for_part(plan.seed, "orders");
    let goods: Vec<_> = (0..items.len()).filter(|i| items[*i].is_sold()).collect();
    let find = |code: &str| items.iter().position(|i| i.code == code).unwrap_or(0);
    let extras = Extras {
        comment: find("/C"),
        setup: find("/SETUP"),
    };
    let buyers: Vec<_> = (0..customers.len())
        .filter(|c| customers[*c].is_active())
        .collect();
    let mut dates: Vec<(i64, bool)> = Vec::new();
    dates.extend((0..LEFT * plan.scale).map(|_| (random.between(20, 364), false)));
    dates.extend((0..OPEN * plan.scale).map(|_| (random.between(0, 30), true)));
    // Oldest first, as numbers are given out.
    dates.sort_unstable_by(|a, b| b.cmp(a));
    let mut orders = fixed(plan, &find, &mut random);
    for (number, (days, open)) in (FIRST_NUMBER..).zip(dates) {
        let buyer = if random.chance(2) { 0 } else { random.pick(&buyers) };
        let mut order = Order {
            number: format!("{number:07}"),
            date: days_before(plan.today, days),
            state: State::Open,
            order_type: "S",
            status: "C",
            customer: buyer,
            ship_to: draw_ship_to(&mut random, &customers[buyer]),
            purchase_order: draw_purchase_order(&mut random, number),
            ship_via: customers[buyer].ship_via,
            warehouse: random.place(WAREHOUSES.len()),
            discount_rate: customers[buyer].discount,
            freight: if random.chance(60) {
                random.between(800, 9_500)
            } else {
                0
            },
            lines: draw_lines(&mut random, items, &goods, &extras),
            stamp: Stamp::start_of(plan.today),
        };
        let changed = if open {
            (order.order_type, order.status) = draw_kind(&mut random);
            order.date
        } else if random.chance(4) {
            order.state = State::Deleted;
            days_before(order.date, -random.between(0, 10))
        } else {
            let after_days = random.between(1, 14);
            order.state = State::Invoiced { after_days };
            days_before(order.date, -after_days)
        };
        order.stamp = office_hours(&mut random, changed);
        orders.push(order);
    }
    orders
}

/// The orders of 01-ABF that the demonstration company is known for.
fn fixed(plan: &Plan, find: &dyn Fn(&str) -> usize, random: &mut Random) -> Vec<Order> {
    let (two, four) = (find("1001-HON-H252"), find("1001-HON-H254"));
    let line = |item, quantity, price, discount| Line {
        item,
        quantity,
        price,
        discount,
        comment: "",
    };
    [
        (
            "0000115",
            "",
            12,
            100,
            "UPS BLUE",
            None,
            vec![line(two, 40, 8_400, 0), line(four, 40, 13_100, 0)],
        ),
        (
            "0000171",
            "",
            8,
            0,
            "UPS BLUE",
            None,
            vec![line(two, 1, 8_400, 30)],
        ),
        (
            "0000184",
            "101255",
            5,
            0,
            "UPS BLUE",
            Some(0),
            vec![line(four, 12, 13_100, 0), line(two, 6, 8_200, 0)],
        ),
    ]
    .into_iter()
    .map(
        |(number, purchase_order, days, discount_rate, ship_via, ship_to, lines)| {
            let date = days_before(plan.today, days);
            Order {
                number: number.to_owned(),
                date,
                state: State::Open,
                order_type: "S",
                status: "O",
                customer: 0,
                ship_to,
                purchase_order: purchase_order.to_owned(),
                ship_via,
                warehouse: 0,
                discount_rate,
                freight: 0,
                lines,
                stamp: office_hours(random, date),
            }
        },
    )
    .collect()
}

/// Lines that are no goods.
struct Extras {
    comment: usize,
    setup: usize,
}

fn draw_ship_to(random: &mut Random, customer: &Customer) -> Option<usize> {
    (!customer.ship_tos.is_empty() && random.chance(60)).then(|| random.place(customer.ship_tos.len()))
}

fn draw_purchase_order(random: &mut Random, number: u32) -> String {
    match random.between(1, 10) {
        1..=4 => format!("PO-{}", 10_000 + number * 3),
        5..=7 => format!("{}", random.between(100_000, 999_999)),
        8 => "VERBAL".to_owned(),
        _ => String::new(),
    }
}

/// Type and status of an open order.
fn draw_kind(random: &mut Random) -> (&'static str, &'static str) {
    match random.between(1, 100) {
        1..=60 => ("S", "O"),
        61..=80 => ("S", "N"),
        81..=86 => ("S", "H"),
        87..=94 => ("B", "O"),
        _ => ("Q", "O"),
    }
}

fn draw_lines(random: &mut Random, items: &[Item], goods: &[usize], extras: &Extras) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for _ in 0..random.pick(&[1, 1, 2, 2, 3, 3, 4, 5, 6]) {
        let item = random.pick(goods);
        let dear = items[item].price > 20_000;
        lines.push(Line {
            item,
            quantity: if dear {
                random.between(1, 6)
            } else {
                random.pick(&[1, 2, 4, 6, 10, 12, 24, 48])
            },
            price: items[item].price,
            discount: if random.chance(15) {
                random.pick(&[20, 50, 100])
            } else {
                0
            },
            comment: "",
        });
    }
    if random.chance(6) {
        let item = extras.setup;
        lines.push(Line {
            item,
            quantity: 1,
            price: items[item].price,
            discount: 0,
            comment: "",
        });
    }
    if random.chance(12) {
        let comment = random.pick(&[
            "Call before delivery",
            "Deliver to rear dock",
            "Do not ship partial",
            "Gift wrap",
        ]);
        lines.push(Line {
            item: extras.comment,
            quantity: 0,
            price: 0,
            discount: 0,
            comment,
        });
    }
    lines
}

/// Writes the open orders with their lines and what they promise of stock and credit.
pub(super) fn write(
    connection: &Connection,
    plan: &Plan,
    orders: &[Order],
    items: &mut [Item],
    customers: &[Customer],
    ledger: &mut Ledger,
) -> Result<(), SandboxError> {
    for order in orders {
        for line in &order.lines {
            let item = &mut items[line.item];
            match order.state {
                State::Open if order.order_type != "Q" => item.on_order[order.warehouse] += line.quantity,
                State::Invoiced { .. } => item.last_sold = Some(order.date),
                State::Open | State::Deleted => {}
            }
        }
    }
    for order in orders.iter().filter(|o| o.state == State::Open) {
        let customer = &customers[order.customer];
        let totals = order.totals(items, customers);
        if order.order_type != "Q" {
            ledger.ordered[order.customer] += totals.total;
        }
        header_row(plan, order, customer, &totals).insert(connection)?;
        for (place, line) in order.lines.iter().enumerate() {
            line_row(order, place, line, &items[line.item], customer).insert(connection)?;
        }
    }
    Ok(())
}

/// The columns that order, order history and invoice history share.
pub(super) fn shared(row: Row, order: &Order, customer: &Customer) -> Row {
    // Who pays is named where it is another customer.
    let payer = customer.payer.as_ref();
    let (bill_name, bill_to) = payer.map_or((&customer.name, &customer.address), |p| (&p.name, &p.address));
    let bill = bill_to.lines.clone();
    let ship_to = order.ship_to(customer);
    let place = ship_to.map_or(&customer.address, |s| &s.address);
    let ship = place.lines.clone();
    let [bill1, bill2, bill3] = bill;
    let [ship1, ship2, ship3] = ship;
    row.with("SalesOrderNo", order.number.as_str())
        .with("OrderDate", order.date.to_string())
        .with("ARDivisionNo", customer.division)
        .with("CustomerNo", customer.number.as_str())
        .with("BillToDivisionNo", payer.map_or("", |_| customer.division))
        .with("BillToCustomerNo", payer.map_or("", |p| p.number.as_str()))
        .with("BillToName", bill_name.as_str())
        .with("BillToAddress1", bill1)
        .with("BillToAddress2", bill2)
        .with("BillToAddress3", bill3)
        .with("BillToCity", bill_to.city)
        .with("BillToState", bill_to.state)
        .with("BillToZipCode", bill_to.zip.as_str())
        .with("BillToCountryCode", "USA")
        .with("ShipToCode", ship_to.map_or("", |s| s.code.as_str()))
        .with(
            "ShipToName",
            ship_to.map_or(customer.name.as_str(), |s| s.name.as_str()),
        )
        .with("ShipToAddress1", ship1)
        .with("ShipToAddress2", ship2)
        .with("ShipToAddress3", ship3)
        .with("ShipToCity", place.city)
        .with("ShipToState", place.state)
        .with("ShipToZipCode", place.zip.as_str())
        .with("ShipToCountryCode", "USA")
        .with("ShipVia", order.ship_via)
        .with("CustomerPONo", order.purchase_order.as_str())
        .with("WarehouseCode", WAREHOUSES[order.warehouse])
        .with("TermsCode", customer.terms)
        .with("TaxSchedule", order.tax_schedule(customer))
        .with("EmailAddress", customer.email.as_str())
        .with("SalespersonDivisionNo", customer.division)
        .with("SalespersonNo", customer.salesperson)
        .with("FreightAmt", amount(order.freight))
}

/// The sums that order and order history share.
pub(super) fn sums(row: Row, order: &Order, totals: &Totals) -> Row {
    row.with("TaxableSubjectToDiscount", amount(totals.taxable))
        .with("NonTaxableSubjectToDiscount", amount(totals.nontaxable))
        .with("DiscountRate", rate(order.discount_rate))
        .with("DiscountAmt", amount(totals.discount))
        .with("TaxableAmt", amount(totals.taxable))
        .with("NonTaxableAmt", amount(totals.nontaxable))
        .with("SalesTaxAmt", amount(totals.tax))
}

fn header_row(plan: &Plan, order: &Order, customer: &Customer, totals: &Totals) -> Row {
    let expires = if order.order_type == "Q" { -30 } else { -7 };
    let row = Row::new("SO_SalesOrderHeader")
        .with("OrderType", order.order_type)
        .with("OrderStatus", order.status)
        .with(
            "ShipExpireDate",
            days_before(order.date.max(plan.today), expires).to_string(),
        )
        .with("PrintSalesOrders", "Y")
        .with(
            "PrintPickingSheets",
            if order.order_type == "Q" { "N" } else { "Y" },
        )
        .with("ResidentialAddress", "N")
        .with("UDF_GIFT", if is_gift(order) { "Y" } else { "N" });
    let row = sums(shared(row, order, customer), order, totals);
    row.created(order.stamp, USERS[1])
}

fn line_row(order: &Order, place: usize, line: &Line, item: &Item, customer: &Customer) -> Row {
    let goods = item.item_type == "1";
    // A back order has shipped half of what is stocked.
    let open = if order.order_type == "B" && goods {
        line.quantity - line.quantity / 2
    } else {
        0
    };
    let row = line_shared(Row::new("SO_SalesOrderDetail"), order, line, item, customer)
        .with("SalesOrderNo", order.number.as_str())
        .with("LineKey", format!("{:06}", place + 1))
        .with("LineSeqNo", format!("{:014}", place + 1))
        .with("SOHistoryDetlSeqNo", format!("{:014}", place + 1))
        .with("QuantityOrdered", quantity(line.quantity))
        .with("QuantityBackordered", quantity(open))
        .with("UnitPrice", price(line.price))
        .with("ExtensionAmt", amount(line.extension()))
        .with("LineWeight", amount(item.weight * line.quantity * 100))
        .with("PromiseDate", days_before(order.date, -7).to_string());
    let row = if is_gift(order) && place == 0 {
        row.with("UDF_ENGRAVING", "With thanks, the team")
    } else {
        row
    };
    if goods { row.with("Valuation", "2") } else { row }
}

/// One order in eight is somebody's present.
fn is_gift(order: &Order) -> bool {
    order.number.parse::<u32>().is_ok_and(|n| n.is_multiple_of(8))
}

/// The columns that lines of orders, order history and invoices share.
pub(super) fn line_shared(row: Row, order: &Order, line: &Line, item: &Item, customer: &Customer) -> Row {
    let priced = item.item_type != "4";
    row.with("ItemCode", item.code.as_str())
        .with("ItemType", item.item_type)
        .with("ItemCodeDesc", item.desc.as_str())
        .with("Discount", if priced { "Y" } else { "N" })
        .with(
            "WarehouseCode",
            if item.item_type == "1" {
                WAREHOUSES[order.warehouse]
            } else {
                ""
            },
        )
        .with("PriceLevel", customer.price_level)
        .with("UnitOfMeasure", item.unit)
        .with(
            "PriceOverridden",
            if priced && line.price != item.price {
                "Y"
            } else {
                "N"
            },
        )
        .with("ExplodedKitItem", "N")
        .with("TaxClass", item.tax_class)
        .with("CommentText", line.comment)
        .with("UnitCost", price(item.cost))
        .with("UnitOfMeasureConvFactor", "1.0000")
        .with("LineDiscountPercent", rate(line.discount))
}
