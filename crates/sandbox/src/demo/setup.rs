//! What a company is set up with before it trades: divisions, terms, salespeople,
//! warehouses, product lines, taxes, payment types, accounts and users.

use rusqlite::Connection;
use values::{Decimal, Stamp};

use super::words::{GOODS, TAX_SCHEDULES};
use super::{USERS, days_before, office_hours};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;

pub(super) fn write(connection: &Connection, plan: &Plan) -> Result<(), SandboxError> {
    let mut random = Random::for_part(plan.seed, "setup");
    let stamp = office_hours(&mut random, days_before(plan.today, 360));
    let rows = [
        divisions(stamp),
        terms(stamp),
        salespeople(stamp),
        warehouses(stamp),
        product_lines(stamp),
        taxes(stamp),
        payment_types(stamp),
        accounts(stamp),
        users(),
    ];
    connection.execute(
        "UPDATE SY_Company SET AddressLine1 = '10 McKee Place', City = 'Cheshire', State = 'CT', ZipCode = '06410',
         CountryCode = 'USA', TelephoneNo = '(203) 755-1212'",
        [],
    )?;
    rows.iter().flatten().try_for_each(|row| row.insert(connection))
}

fn divisions(stamp: Stamp) -> Vec<Row> {
    [("01", "East Warehouse"), ("02", "West Warehouse")]
        .into_iter()
        .map(|(code, name)| {
            Row::new("AR_Division")
                .with("ARDivisionNo", code)
                .with("ARDivisionDesc", name)
                .created(stamp, USERS[0])
        })
        .collect()
}

fn terms(stamp: Stamp) -> Vec<Row> {
    [
        ("00", "No Terms", 0, 0, "0.000"),
        ("01", "Net 30 Days", 30, 0, "0.000"),
        ("02", "2% 10, Net 30 Days", 30, 10, "2.000"),
        ("03", "Net 10 Days", 10, 0, "0.000"),
    ]
    .into_iter()
    .map(|(code, name, due, discount_due, discount)| {
        Row::new("AR_TermsCode")
            .with("TermsCode", code)
            .with("TermsCodeDesc", name)
            .with("DaysBeforeDue", due.to_string())
            .with("DaysBeforeDiscountDue", discount_due.to_string())
            .with("DiscountRate", discount)
            .created(stamp, USERS[0])
    })
    .collect()
}

fn salespeople(stamp: Stamp) -> Vec<Row> {
    super::customers::SALESPEOPLE
        .into_iter()
        .map(|(division, number, name)| {
            Row::new("AR_Salesperson")
                .with("SalespersonDivisionNo", division)
                .with("SalespersonNo", number)
                .with("SalespersonName", name)
                .with("CommissionRate", "5.000")
                .created(stamp, USERS[0])
        })
        .collect()
}

fn warehouses(stamp: Stamp) -> Vec<Row> {
    [
        (
            "000",
            "CENTRAL WAREHOUSE",
            "10 McKee Place",
            "Cheshire",
            "CT",
            "06410",
        ),
        (
            "001",
            "EAST WAREHOUSE",
            "2135 N. 14th Street",
            "Milwaukee",
            "WI",
            "53205",
        ),
        (
            "002",
            "WEST WAREHOUSE",
            "1 Technology Drive",
            "Irvine",
            "CA",
            "92618",
        ),
    ]
    .into_iter()
    .map(|(code, name, street, city, state, zip)| {
        Row::new("IM_Warehouse")
            .with("WarehouseCode", code)
            .with("WarehouseDesc", name)
            .with("WarehouseName", name)
            .with("WarehouseAddress1", street)
            .with("WarehouseCity", city)
            .with("WarehouseState", state)
            .with("WarehouseZipCode", zip)
            .with("WarehouseCountryCode", "USA")
            .with("WarehouseStatus", "A")
            .created(stamp, USERS[0])
    })
    .collect()
}

fn product_lines(stamp: Stamp) -> Vec<Row> {
    let goods = GOODS
        .iter()
        .map(|g| (g.code, g.name, g.price_code, g.tax_class, "F", "N"));
    goods
        .chain([("KITS", "Kits", "STD", "TX", "K", "A")])
        .map(|(code, name, price_code, tax_class, product_type, explode)| {
            Row::new("IM_ProductLine")
                .with("ProductLine", code)
                .with("ProductLineDesc", name)
                .with("ProductType", product_type)
                .with("Valuation", "2")
                .with("PriceCode", price_code)
                .with("ExplodeKitItems", explode)
                .with("TaxClass", tax_class)
                .with("StandardUnitOfMeasure", "EACH")
                .with("PurchaseUnitOfMeasure", "EACH")
                .with("SalesUnitOfMeasure", "EACH")
                .created(stamp, USERS[0])
        })
        .collect()
}

/// One tax code for each schedule. Rates are percents.
fn taxes(stamp: Stamp) -> Vec<Row> {
    let mut rows = Vec::new();
    for (code, name, hundredths) in TAX_SCHEDULES {
        rows.push(
            Row::new("SY_SalesTaxSchedule")
                .with("TaxSchedule", *code)
                .with("TaxScheduleDesc", *name)
                .created(stamp, USERS[0]),
        );
        rows.push(
            Row::new("SY_SalesTaxScheduleDetail")
                .with("TaxSchedule", *code)
                .with("SequenceNo", "000001")
                .with("TaxCode", *code),
        );
        rows.push(
            Row::new("SY_SalesTaxCode")
                .with("TaxCode", *code)
                .with("TaxCodeDesc", *name)
                .with("TaxOnFreight", "N")
                .created(stamp, USERS[0]),
        );
        for (class, class_name, hundredths) in [("TX", "Taxable", *hundredths), ("NT", "Nontaxable", 0)] {
            rows.push(
                Row::new("SY_SalesTaxCodeDetail")
                    .with("TaxCode", *code)
                    .with("TaxClass", class)
                    .with("TaxClassDesc", class_name)
                    .with("TaxRate", Decimal::new(hundredths * 10_000, 6).to_string()),
            );
        }
    }
    rows
}

fn payment_types(stamp: Stamp) -> Vec<Row> {
    [
        ("CASH", "Cash", "O", "D"),
        ("CHECK", "Check", "C", "D"),
        ("VISA", "Visa", "R", "P"),
        ("WEB", "Web Payment", "O", "D"),
        ("COD", "Collect On Delivery", "D", "P"),
    ]
    .into_iter()
    .map(|(code, name, method, transaction)| {
        Row::new("AR_PaymentType")
            .with("PaymentType", code)
            .with("PaymentDesc", name)
            .with("PaymentMethod", method)
            .with("DefaultTransaction", transaction)
            .with("AssetAcctKey", "00000000B")
            .created(stamp, USERS[0])
    })
    .collect()
}

fn accounts(stamp: Stamp) -> Vec<Row> {
    [
        ("00000000B", "101-01-00", "Cash in Bank", "1"),
        ("00000000F", "105-01-00", "Accounts Receivable", "2"),
        ("00000000K", "107-01-00", "Inventory", "3"),
        ("00000001A", "400-01-00", "Sales", "4"),
        ("00000001C", "450-01-00", "Cost of Goods Sold", "5"),
        ("00000001F", "490-01-00", "Freight Income", "4"),
    ]
    .into_iter()
    .map(|(key, account, name, kind)| {
        Row::new("GL_Account")
            .with("AccountKey", key)
            .with("AccountDesc", name)
            .with("Account", account)
            .with("FormattedAccount", account)
            .with("RawAccount", account.replace('-', ""))
            .with("MainAccountCode", account.split('-').next().unwrap_or_default())
            .with("Status", "A")
            .with("AccountType", kind)
            .created(stamp, USERS[0])
    })
    .collect()
}

fn users() -> Vec<Row> {
    [
        ("ADM", "Administrator", "Anna", "Adams"),
        ("CLK", "clerk", "Brian", "Baker"),
        ("ERP", "erpdriver", "ERP", "Driver"),
    ]
    .into_iter()
    .zip(USERS)
    .map(|((code, logon, first, last), key)| {
        Row::new("SY_User")
            .with("UserKey", key)
            .with("UserCode", code)
            .with("UserLogon", logon)
            .with("FirstName", first)
            .with("LastName", last)
            .with("Active", "Y")
    })
    .collect()
}
