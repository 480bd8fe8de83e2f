//! Items: goods of several lines, kits, charges and comments, and their stock.

use rusqlite::Connection;
use values::{Date, Stamp};

use super::descriptions::{description_key, with_own_columns};
use super::words::{BRANDS, GOODS, Goods};
use super::{USERS, WAREHOUSES, amount, days_before, moment, price, quantity};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;

/// Goods of each line at scale 1.
const GOODS_PER_LINE: u32 = 75;
/// Kits at scale 1.
const KITS: u32 = 9;

/// One item.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) code: String,
    pub(super) desc: String,
    /// `ItemType`: 1 regular, 3 charge, 4 comment, 5 miscellaneous.
    pub(super) item_type: &'static str,
    /// `ProductType`: F finished, D discontinued, K kit; blank for charges.
    pub(super) product_type: &'static str,
    pub(super) product_line: &'static str,
    pub(super) price_code: &'static str,
    pub(super) tax_class: &'static str,
    pub(super) unit: &'static str,
    /// Cents for a unit.
    pub(super) price: i64,
    /// Cents for a unit.
    pub(super) cost: i64,
    pub(super) weight: i64,
    /// Stock by warehouse.
    pub(super) on_hand: [i64; 3],
    /// On open orders by warehouse, filled while orders are written.
    pub(super) on_order: [i64; 3],
    /// To come from vendors by warehouse, filled while purchase orders are written.
    pub(super) on_purchase: [i64; 3],
    /// When it was last sold, filled while orders are written.
    pub(super) last_sold: Option<Date>,
    inactive: bool,
    explode: &'static str,
    components: Vec<(String, String, i64)>,
    promotion: Option<i64>,
    stamp: Stamp,
    pub(super) created: Stamp,
}

impl Item {
    /// May it stand on an order as goods, in one line?
    pub(super) fn is_sold(&self) -> bool {
        self.item_type == "1"
            && matches!(self.product_type, "F" | "K")
            && self.explode == "N"
            && !self.inactive
    }

    /// Is it still bought from vendors?
    pub(super) fn is_bought(&self) -> bool {
        self.is_stocked() && self.product_type == "F"
    }

    fn is_stocked(&self) -> bool {
        self.item_type == "1" && self.product_type != "K"
    }
}

/// Draws all items, goods first.
pub(super) fn draw(plan: &Plan) -> Vec<Item> {
    let mut random = Random::for_part(plan.seed, "items");
    let mut items = fixed(&mut random, plan);
    for goods in GOODS {
        for number in 0..GOODS_PER_LINE * plan.scale {
            items.push(draw_goods(&mut random, plan, goods, number));
        }
    }
    let goods = items.len();
    for number in 0..KITS * plan.scale {
        let kit = draw_kit(&mut random, plan, number, &items[..goods]);
        items.push(kit);
    }
    items.extend(charges(&mut random, plan));
    items
}

/// The items by which the demonstration company is known.
fn fixed(random: &mut Random, plan: &Plan) -> Vec<Item> {
    [
        (
            "1001-HON-H252",
            "HON 2 DRAWER LETTER FLE W/O LK",
            8_400,
            4_750,
            35,
        ),
        (
            "1001-HON-H254",
            "HON 4 DRAWER LETTER FLE W/O LK",
            13_100,
            7_420,
            62,
        ),
    ]
    .into_iter()
    .map(|(code, desc, price, cost, weight)| Item {
        product_line: "FURN",
        price_code: "FURN",
        price,
        cost,
        weight,
        on_hand: [220, 85, 64],
        ..blank(random, plan, code.to_owned(), desc.to_owned())
    })
    .collect()
}

fn draw_goods(random: &mut Random, plan: &Plan, goods: &'static Goods, number: u32) -> Item {
    let (brand_code, brand) = random.pick(BRANDS);
    let series = random.pick(b"ABCDGKLMPRST");
    let code = format!(
        "{}-{brand_code}-{}{:03}",
        goods.prefix,
        char::from(series),
        100 + number
    );
    let mut desc = format!(
        "{brand} {} {}",
        random.pick(goods.nouns),
        random.pick(goods.variants)
    );
    // ItemCodeDesc is 30 wide.
    desc.truncate(30);
    desc.truncate(desc.trim_end().len());
    let mut price = random.between(goods.prices.0, goods.prices.1);
    if price > 2_000 {
        // Dearer goods have round prices.
        price -= price % 50;
    }
    let discontinued = random.chance(4);
    let hands = [
        random.between(0, 400),
        random.between(0, 120),
        random.between(0, 90),
    ];
    Item {
        product_type: if discontinued { "D" } else { "F" },
        product_line: goods.code,
        price_code: goods.price_code,
        tax_class: goods.tax_class,
        unit: random.pick(goods.units),
        price,
        cost: price * random.between(48, 74) / 100,
        weight: random.between(goods.weights.0, goods.weights.1),
        on_hand: if random.chance(12) { [0; 3] } else { hands },
        inactive: discontinued && random.chance(50),
        promotion: random.chance(3).then(|| price * 85 / 100),
        ..blank(random, plan, code, desc)
    }
}

fn draw_kit(random: &mut Random, plan: &Plan, number: u32, goods: &[Item]) -> Item {
    const ROOMS: [&str; 5] = [
        "DESK STARTER",
        "HOME OFFICE",
        "RECEPTION",
        "MAILROOM",
        "CONFERENCE ROOM",
    ];
    let mut components: Vec<(String, String, i64)> = Vec::new();
    let (mut price, mut cost) = (0, 0);
    let desc = format!("{} KIT {}", random.pick(&ROOMS), number + 1);
    while components.len() < 3 {
        let item = &goods[random.place(goods.len())];
        if item.product_type == "F" && !item.inactive && components.iter().all(|c| c.0 != item.code) {
            let count = random.between(1, 4);
            price += item.price * count * 9 / 10;
            cost += item.cost * count;
            components.push((item.code.clone(), item.desc.clone(), count));
        }
    }
    Item {
        product_type: "K",
        product_line: "KITS",
        price,
        cost,
        explode: ["A", "N", "P"][usize::try_from(number % 3).unwrap_or(0)],
        components,
        ..blank(random, plan, format!("KIT-{:03}", 100 + number), desc)
    }
}

fn charges(random: &mut Random, plan: &Plan) -> Vec<Item> {
    [
        ("/FREIGHT", "FREIGHT CHARGE", "3", 0, "NT"),
        ("/HANDLING", "HANDLING CHARGE", "3", 750, "NT"),
        ("/RESTOCK", "RESTOCKING CHARGE", "3", 1_500, "NT"),
        ("/WRITE OFF", "WRITE OFF", "3", 0, "NT"),
        ("/SETUP", "ON-SITE SETUP", "5", 9_500, "TX"),
        ("/ASSEMBLY", "FURNITURE ASSEMBLY PER HOUR", "5", 6_500, "TX"),
        ("/C", "COMMENT", "4", 0, ""),
        ("/THANKS", "THANK YOU FOR YOUR ORDER", "4", 0, ""),
    ]
    .into_iter()
    .map(|(code, desc, item_type, price, tax_class)| Item {
        item_type,
        product_type: "",
        tax_class,
        unit: if item_type == "5" { "EACH" } else { "" },
        price,
        ..blank(random, plan, code.to_owned(), desc.to_owned())
    })
    .collect()
}

fn blank(random: &mut Random, plan: &Plan, code: String, desc: String) -> Item {
    let created = moment(random, plan, 300, 364);
    Item {
        code,
        desc,
        item_type: "1",
        product_type: "F",
        product_line: "",
        price_code: "STD",
        tax_class: "TX",
        unit: "EACH",
        price: 0,
        cost: 0,
        weight: 0,
        on_hand: [0; 3],
        on_order: [0; 3],
        on_purchase: [0; 3],
        last_sold: None,
        inactive: false,
        explode: "N",
        components: Vec::new(),
        promotion: None,
        stamp: if random.chance(60) {
            created
        } else {
            moment(random, plan, 0, 299)
        },
        created,
    }
}

/// Writes items, kit parts and stock.
pub(super) fn write(connection: &Connection, plan: &Plan, items: &[Item]) -> Result<(), SandboxError> {
    let mut random = Random::for_part(plan.seed, "stock");
    let mut web = Random::for_part(plan.seed, "web");
    for (place, item) in items.iter().enumerate() {
        let row =
            item_row(plan, item, &mut random).with("ExtendedDescriptionKey", description_key(place, item));
        with_own_columns(row, plan, item, &mut web).insert(connection)?;
        for (number, component) in item.components.iter().enumerate() {
            kit_row(item, number, component).insert(connection)?;
        }
        if item.is_stocked() {
            for place in 0..WAREHOUSES.len() {
                stock_row(plan, item, place, &mut random).insert(connection)?;
            }
        }
    }
    Ok(())
}

fn item_row(plan: &Plan, item: &Item, random: &mut Random) -> Row {
    let goods = item.item_type == "1";
    let mut row = Row::new("CI_Item")
        .with("ItemCode", item.code.as_str())
        .with("ItemType", item.item_type)
        .with("ItemCodeDesc", item.desc.as_str())
        .with("UseInAR", "Y")
        .with("UseInSO", "Y")
        .with("UseInPO", if goods { "Y" } else { "N" })
        .with("ProductType", item.product_type)
        .with("ProductLine", item.product_line)
        .with("TaxClass", item.tax_class)
        .with("SalesUnitOfMeasure", item.unit)
        .with("PurchaseUnitOfMeasure", item.unit)
        .with("StandardUnitOfMeasure", item.unit)
        .with(
            "SalesAcctKey",
            if item.code == "/FREIGHT" {
                "00000001F"
            } else {
                "00000001A"
            },
        )
        .with("StandardUnitPrice", price(item.price))
        .with("StandardUnitCost", price(item.cost))
        .with("SalesUMConvFctr", "1.0000")
        .with("PurchaseUMConvFctr", "1.0000")
        .with("InactiveItem", if item.inactive { "Y" } else { "N" })
        .with("ExplodeKitItems", item.explode)
        .created(item.created, USERS[0])
        .updated(item.stamp, random.pick(&USERS));
    if goods {
        row = row
            .with("PriceCode", item.price_code)
            .with("Valuation", "2")
            .with("DefaultWarehouseCode", WAREHOUSES[0])
            .with("CostOfGoodsSoldAcctKey", "00000001C")
            .with("InventoryAcctKey", "00000000K")
            .with("ShipWeight", item.weight.to_string())
            .with("ProcurementType", "B")
            .with("AllowBackOrders", "Y")
            .with("AllowReturns", "Y")
            .with("AllowTradeDiscount", "Y")
            .with("CalculateCommission", "Y")
            .with("Category1", item.product_line)
            .with("SuggestedRetailPrice", price(item.price * 115 / 100))
            .with("LastTotalUnitCost", price(item.cost))
            .with("AverageUnitCost", price(item.cost))
            .with("TotalQuantityOnHand", quantity(item.on_hand.iter().sum()))
            .with(
                "TotalInventoryValue",
                amount(item.on_hand.iter().sum::<i64>() * item.cost),
            )
            .with(
                "LastReceiptDate",
                days_before(plan.today, random.between(3, 120)).to_string(),
            );
    }
    if let Some(date) = item.last_sold {
        row.set("LastSoldDate", date.to_string());
    }
    if let Some(cents) = item.promotion {
        row = row
            .with("SaleMethod", "P")
            .with("SalesPromotionCode", "SPRING")
            .with("SaleStartingDate", days_before(plan.today, 20).to_string())
            .with("SaleEndingDate", days_before(plan.today, -20).to_string())
            .with("SalesPromotionPrice", price(cents));
    } else {
        row.set("SaleMethod", "N");
    }
    row
}

fn kit_row(kit: &Item, number: usize, (code, desc, count): &(String, String, i64)) -> Row {
    Row::new("IM_SalesKitDetail")
        .with("SalesKitNo", kit.code.as_str())
        .with("LineKey", format!("{:06}", number + 1))
        .with("ComponentItemCode", code.as_str())
        .with("ItemType", "1")
        .with("ComponentDesc", desc.as_str())
        .with("UnitOfMeasure", "EACH")
        .with("QuantityPerAssembly", quantity(*count))
}

fn stock_row(plan: &Plan, item: &Item, place: usize, random: &mut Random) -> Row {
    let on_hand = item.on_hand[place];
    Row::new("IM_ItemWarehouse")
        .with("ItemCode", item.code.as_str())
        .with("WarehouseCode", WAREHOUSES[place])
        .with(
            "BinLocation",
            format!(
                "{}-{:02}",
                random.pick(&["A", "B", "C", "D"]),
                random.between(1, 40)
            ),
        )
        .with("ReorderMethod", "R")
        .with("QuantityOnHand", quantity(on_hand))
        .with("QuantityOnPurchaseOrder", quantity(item.on_purchase[place]))
        .with("QuantityOnSalesOrder", quantity(item.on_order[place]))
        .with("AverageCost", price(item.cost))
        .with("ReorderPointQty", quantity(random.between(0, 5) * 10))
        .with("TotalWarehouseValue", amount(on_hand * item.cost))
        .created(item.created, USERS[0])
        .updated(moment(random, plan, 0, 120), USERS[1])
}
