//! Small tables that other records name: options of the modules, ways to ship, reasons,
//! banks, promotions, customers' own price levels and tax exemptions, and a table of the
//! site's own.

use rusqlite::Connection;
use values::{Decimal, Stamp};

use super::customers::Customer;
use super::words::GOODS;
use super::{USERS, days_before, office_hours, rate};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;

/// Customers with price levels of their own, at scale 1.
const LEVELS: usize = 8;
/// Customers with an exemption, at scale 1, as far as there are such customers.
const EXEMPTIONS: usize = 5;

pub(super) fn write(
    connection: &Connection,
    plan: &Plan,
    customers: &[Customer],
) -> Result<(), SandboxError> {
    let mut random = Random::for_part(plan.seed, "options");
    let stamp = office_hours(&mut random, days_before(plan.today, 358));
    let scale = usize::try_from(plan.scale).unwrap_or(1);
    let rows = [
        modules(stamp),
        ship_vias(stamp),
        reasons(stamp),
        banks(stamp),
        promotions(plan, stamp),
        price_levels(plan, stamp, customers, LEVELS * scale, &mut random),
        exemptions(stamp, customers, EXEMPTIONS * scale),
        varietals(plan),
    ];
    rows.iter().flatten().try_for_each(|row| row.insert(connection))
}

fn modules(stamp: Stamp) -> Vec<Row> {
    vec![
        Row::new("IM_Options")
            .with("ModuleCode", "I/M")
            .with("IncludeOnPurchaseOrder", "N")
            .with("IncludeOnWorkOrder", "N")
            .with("IncludeOnSalesOrder", "Y")
            .with("IncludeOnBackOrder", "Y")
            .with("IncludeRequiredForWO", "N")
            .created(stamp, USERS[0]),
        Row::new("AR_Options")
            .with("ModuleCode", "A/R")
            .with("UseDivisions", "Y")
            .with("AgeInvoicesBy", "D")
            .with("AgingDays1", "30")
            .with("AgingDays2", "60")
            .with("AgingDays3", "90")
            .with("AgingDays4", "120")
            .with("CashReceiptsBatchEntry", "Y")
            .with("RequireDepositAmt", "Y")
            .created(stamp, USERS[0]),
    ]
}

fn ship_vias(stamp: Stamp) -> Vec<Row> {
    // The six that customers have, and two that are chosen on an order.
    [
        ("UPS BLUE", "UPS Second Day Air"),
        ("UPS GROUND", "UPS Ground"),
        ("FEDEX 2 DAY", "FedEx Two Day"),
        ("OUR TRUCK", "Our Own Truck"),
        ("WILL CALL", "Customer Picks Up"),
        ("COMMON CARRIER", "Common Carrier"),
        ("UPS RED", "UPS Next Day Air"),
        ("USPS PRIORITY", "Priority Mail"),
    ]
    .into_iter()
    .map(|(code, name)| {
        let free = matches!(code, "OUR TRUCK" | "WILL CALL");
        Row::new("SO_ShippingRateHeader")
            .with("ShippingCode", code)
            .with("ShippingCodeDesc", name)
            .with("FreightCalculationMethod", if free { "N" } else { "W" })
            .created(stamp, USERS[0])
    })
    .collect()
}

fn reasons(stamp: Stamp) -> Vec<Row> {
    [
        ("CREDT", "Credit Not Approved"),
        ("CUST", "Customer Changed Mind"),
        ("DISC", "Item Discontinued"),
        ("DUPL", "Entered Twice"),
        ("LATE", "Too Late For The Customer"),
        ("NOSTK", "Out Of Stock Too Long"),
        ("PRICE", "Price Too High"),
        ("WRONG", "Entered Wrong"),
    ]
    .into_iter()
    .map(|(code, name)| {
        Row::new("SO_CancelReasonCode")
            .with("CancelReasonCode", code)
            .with("CancelReasonCodeDesc", name)
            .created(stamp, USERS[0])
    })
    .collect()
}

fn banks(stamp: Stamp) -> Vec<Row> {
    [
        ("A", "First Bank of Milwaukee", "4000112233", "075000019"),
        ("B", "Pacific Commerce Bank", "7700445566", "122000247"),
    ]
    .into_iter()
    .map(|(code, name, account, routing)| {
        Row::new("GL_Bank")
            .with("BankCode", code)
            .with("BankName", name)
            .with("CashAcctKey", "00000000B")
            .with("BankAccountNo", account)
            .with("BankRoutingNo", routing)
            .created(stamp, USERS[0])
    })
    .collect()
}

/// The items name `SPRING`, whose prices stand on the items themselves.
fn promotions(plan: &Plan, stamp: Stamp) -> Vec<Row> {
    [
        ("SPRING", "Spring Sale", 20, -20, "P", 0),
        ("CLEARANCE", "Clearance", 60, -30, "D", 250),
        ("BTS", "Back To School", 300, 255, "D", 100),
        ("SUMMER", "Summer Sale", -10, -70, "D", 75),
        ("WINTER", "Winter Sale", 170, 120, "D", 125),
        ("NEWYEAR", "New Year Stock-Up", 150, 135, "D", 50),
        ("PALLET", "Paper By The Pallet", 60, -60, "D", 80),
        ("TONER", "Toner Weeks", 14, -14, "D", 60),
    ]
    .into_iter()
    .map(|(code, name, start, end, method, percent)| {
        Row::new("IM_Promotion")
            .with("PromotionCode", code)
            .with("PromotionDesc", name)
            .with("SaleStartingDate", days_before(plan.today, start).to_string())
            .with("SaleEndingDate", days_before(plan.today, end).to_string())
            .with("SaleMethod", method)
            .with("SalesPromotionDiscountPercent", rate(percent))
            .created(stamp, USERS[0])
    })
    .collect()
}

fn price_levels(
    plan: &Plan,
    stamp: Stamp,
    customers: &[Customer],
    count: usize,
    random: &mut Random,
) -> Vec<Row> {
    customers
        .iter()
        .filter(|c| c.price_level.is_empty() && c.is_active())
        .take(count)
        .enumerate()
        .map(|(place, customer)| {
            let goods = &GOODS[place % GOODS.len()];
            let ends = place % 3 == 0;
            Row::new("AR_PriceLevelByCustomer")
                .with("ARDivisionNo", customer.division)
                .with("CustomerNo", customer.number.as_str())
                .with("ProductLine", goods.code)
                .with("PriceCode", if place % 2 == 0 { goods.price_code } else { "" })
                .with("EffectiveDate", days_before(plan.today, 150).to_string())
                .with(
                    "EndDate",
                    if ends {
                        days_before(plan.today, -200).to_string()
                    } else {
                        String::new()
                    },
                )
                .with("PriceLevel", random.pick(&["A", "B", "C"]))
                .created(stamp, USERS[0])
        })
        .collect()
}

fn exemptions(stamp: Stamp, customers: &[Customer], count: usize) -> Vec<Row> {
    customers
        .iter()
        .filter(|c| c.tax_schedule == "NONTAX")
        .take(count)
        .enumerate()
        .map(|(place, customer)| {
            Row::new("AR_CustomerTaxExemption")
                .with("ARDivisionNo", customer.division)
                .with("CustomerNo", customer.number.as_str())
                .with("TaxSchedule", "NONTAX")
                .with("TaxCode", "NONTAX")
                .with("TaxExemptNo", format!("ES-{:06}", 20_417 + 31 * place))
                .created(stamp, USERS[0])
        })
        .collect()
}

fn varietals(plan: &Plan) -> Vec<Row> {
    [
        ("CABSAUV", "Cabernet Sauvignon", 10_000),
        ("CHARD", "Chardonnay", 9_500),
        ("MERLOT", "Merlot", 9_000),
        ("PINOTNOIR", "Pinot Noir", 12_500),
        ("RIESLING", "Riesling", 8_750),
        ("SAUVBLANC", "Sauvignon Blanc", 9_250),
        ("SYRAH", "Syrah", 9_800),
        ("ZINFANDEL", "Zinfandel", 8_500),
    ]
    .into_iter()
    .zip(0..)
    .map(|((code, name, tenthousandths), place)| {
        Row::new("CI_UDT_VARIETALS")
            .with("UDF_CODE", code)
            .with("UDF_DESC", name)
            .with("UDF_RATE", Decimal::new(tenthousandths, 4).to_string())
            .with("UDF_SINCE", days_before(plan.today, 340 - 20 * place).to_string())
    })
    .collect()
}
