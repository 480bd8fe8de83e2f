use sandbox::SandboxReader;

use super::*;
use crate::config::Config;

const START: &str = "[hub]\nurl = 'https://hub.example.com'\n[erp]\ntime_zone = 'America/New_York'\n\
                     [[company]]\ncode = 'ABC'\nedition = 'standard'\nreader.sandbox = 'abc.db'\n";
/// [`START`] ends before this line.
const NEXT_LINE: usize = 9;

/// The demo company, and what of this section is not as it should be.
fn check_demo(section: &str, statements: &str) -> (ImportsReport, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let company = folder.path().join("abc.db");
    sandbox::create(&company, &sandbox::Plan::new(sandbox::Profile::Demo)).unwrap();
    rusqlite::Connection::open(&company)
        .unwrap()
        .execute_batch(statements)
        .unwrap();
    std::fs::create_dir(folder.path().join("receipts")).unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, format!("{START}{section}\n")).unwrap();
    let config = Config::read(&path).unwrap();
    let mut reader = SandboxReader::open(&company).unwrap();
    let report = check(&mut reader, &config.companies[0], &path).unwrap();
    (report, folder)
}

fn messages(report: &ImportsReport) -> Vec<String> {
    let said = report.missing.iter();
    said.map(|said| format!("{} [{}] {}", said.message, said.code, said.remedy))
        .collect()
}

#[test]
fn what_is_there_is_found() {
    let (report, _folder) = check_demo(
        "[company.imports.orders]\n\
         coupon = { charge = '/FREIGHT' }\n\
         defaults = { warehouse_code = '000', ship_via = 'UPS BLUE', terms_code = '01' }\n\
         [company.imports.customers]\n\
         ar_division_no = '01'\n\
         guest = { ar_division_no = '01', customer_no = 'ABF' }\n\
         defaults = { tax_schedule = 'DEFAULT', salesperson_division_no = '01', salesperson_no = '0100' }\n\
         [company.imports.payments]\n\
         writer = { file = 'receipts' }\n\
         bank_code = 'A'\n\
         payment_types = { visa = 'VISA' }\n",
        "",
    );
    assert_eq!(messages(&report), Vec::<String>::new());
    assert_eq!(report.not_checked, Vec::<String>::new());
    assert_eq!(report.found, 11);
}

#[test]
fn each_missing_name_has_its_line_and_remedy() {
    let lines = [
        ("[company.imports.orders]", "", ""),
        (
            "coupon = { charge = '/NONE' }",
            "orders.coupon.charge: Sage has no charge /NONE [code_unknown]",
            "Miscellaneous Item",
        ),
        (
            "defaults.ship_via = 'PIGEON'",
            "orders.defaults.ship_via: Sage has no shipping code PIGEON [code_unknown]",
            "UPS BLUE",
        ),
        (
            "defaults.udf.origin = 'WEB'",
            "orders.defaults.udf.origin: SO_SalesOrderHeader has no column UDF_ORIGIN [column_unknown]",
            "Custom Office",
        ),
        (
            "tax_service_schedules = ['DEFAULT', 'MOON']",
            "orders.tax_service_schedules[1]: Sage has no tax schedule MOON [code_unknown]",
            "DEFAULT",
        ),
        ("[company.imports.customers]", "", ""),
        (
            "ar_division_no = '77'",
            "customers.ar_division_no: Sage has no division 77 [code_unknown]",
            "01",
        ),
        (
            "guest = { ar_division_no = '01', customer_no = 'NOBODY' }",
            "customers.guest.customer_no: Sage has no customer 01-NOBODY [code_unknown]",
            "Customer Maintenance",
        ),
        (
            "class.wholesale = { terms_code = '99' }",
            "customers.class.wholesale.terms_code: Sage has no terms code 99 [code_unknown]",
            "use one of 00, 01",
        ),
        (
            "updates = { udf.shade = 'web' }",
            "customers.updates.udf.shade: AR_Customer has no column UDF_SHADE [column_unknown]",
            "Custom Office",
        ),
        (
            "defaults = { salesperson_division_no = '01', salesperson_no = '9' }",
            "customers.defaults.salesperson_no: Sage has no salesperson 01:9 [code_unknown]",
            "Salesperson Maintenance",
        ),
        ("[company.imports.payments]", "", ""),
        (
            "writer = { file = 'nowhere' }",
            "payments.writer.file: there is no folder",
            "make the folder",
        ),
        (
            "bank_code = 'Z'",
            "payments.bank_code: Sage has no bank code Z [code_unknown]",
            "use one of",
        ),
        (
            "bank_codes = { VISA = 'Y' }",
            "payments.bank_codes.VISA: Sage has no bank code Y [code_unknown]",
            "use one of",
        ),
        (
            "card_types = ['PLAST']",
            "payments.card_types[0]: Sage has no payment type PLAST [code_unknown]",
            "VISA",
        ),
        ("payment_types = { card = 'VISA' }", "", ""),
        ("[[company.imports.map]]", "", ""),
        ("document = 'sales_order'", "", ""),
        ("field = 'ship_via'", "", ""),
        (
            "steps = ['trim', { map = { ground = 'UPS BLUE', air = 'ZEPPELIN' } }, { default = 'UPS BLUE' }]",
            "map[0].steps[1].map.air: Sage has no shipping code ZEPPELIN [code_unknown]",
            "UPS BLUE",
        ),
        ("[[company.imports.map]]", "", ""),
        ("document = 'sales_order'", "", ""),
        (
            "field = 'lines.udf.shade'",
            "map[1].field: SO_SalesOrderDetail has no column UDF_SHADE [column_unknown]",
            "Custom Office",
        ),
        ("from = 'lines.item_code'", "", ""),
        (
            "steps = [{ look_up = { table = 'CI_Item', on = { value = 'ItemCode' }, column = 'Colour' } }]",
            "map[1].steps[0].look_up: CI_Item has no column Colour [column_unknown]",
            "ItemCode",
        ),
        ("[[company.imports.rule]]", "", ""),
        ("name = 'r'", "", ""),
        ("document = 'sales_order'", "", ""),
        ("when = 'true'", "", ""),
        (
            "set.ship_via = 'PIGEON'",
            "rule[0].set.ship_via: Sage has no shipping code PIGEON [code_unknown]",
            "UPS BLUE",
        ),
        (
            "set.terms_code = '98'",
            "rule[0].set.terms_code: Sage has no terms code 98 [code_unknown]",
            "00",
        ),
        // What the web calls it is mapped afterwards; what is worked out is not known yet.
        ("set.payment.payment_type = 'card'", "", ""),
        (
            "set.warehouse_code = { expression = \"left(comment, 3)\" }",
            "",
            "",
        ),
        ("set.fob = ''", "", ""),
    ];
    let section: Vec<&str> = lines.iter().map(|(line, _, _)| *line).collect();
    let (report, _folder) = check_demo(&section.join("\n"), "");
    let found = messages(&report);
    let mut wanted = 0;
    for (number, (_, message, remedy)) in lines.iter().enumerate() {
        if message.is_empty() {
            continue;
        }
        wanted += 1;
        let line = format!("config.toml:{}: company[0].imports.", NEXT_LINE + number);
        let place = message.split(' ').next().unwrap();
        let said = found
            .iter()
            .find(|said| said.contains(&format!("imports.{place} ")));
        let said = said.unwrap_or_else(|| panic!("{message} is not in {found:#?}"));
        assert!(said.contains(&line), "{line}\n{said}");
        assert!(said.contains(message), "{message}\n{said}");
        assert!(said.contains(remedy), "{remedy}\n{said}");
    }
    assert_eq!(found.len(), wanted, "{found:#?}");
}

#[test]
fn codes_of_lists_that_are_not_kept_are_told_as_not_checked() {
    let (report, _folder) = check_demo(
        "imports.payments = { bank_code = 'Z', deposit_account_key = '00000000B' }\n",
        "DELETE FROM GL_Bank; DROP TABLE IF EXISTS GL_Account;",
    );
    assert_eq!(messages(&report), Vec::<String>::new());
    assert_eq!(
        report.not_checked,
        [
            "company[0].imports.payments.bank_code \"Z\": GL_Bank is empty",
            "company[0].imports.payments.deposit_account_key \"00000000B\": GL_Account cannot be read",
        ]
    );
}

#[test]
fn a_file_is_no_folder_and_the_check_leaves_nothing_behind() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let Found::No { code, problem, .. } = folder(&file.path().display().to_string()) else {
        panic!("a file is no folder");
    };
    assert_eq!(code, "folder_unusable");
    assert!(problem.contains("there is no folder"), "{problem}");
    let own = tempfile::tempdir().unwrap();
    assert!(matches!(folder(&own.path().display().to_string()), Found::Yes));
    // Nothing is left behind.
    assert_eq!(std::fs::read_dir(own.path()).unwrap().count(), 0);
}

#[test]
fn what_new_customers_would_lack_is_remarked_on() {
    let remarks = |section: &str| {
        let (report, _folder) = check_demo(&format!("writer.sandbox = 'abc.db'\n{section}"), "");
        assert_eq!(messages(&report), Vec::<String>::new());
        let said = report.remarks.iter();
        said.map(|said| format!("{} [{}] {}", said.message, said.code, said.remedy))
            .collect::<Vec<_>>()
    };
    let found = remarks("");
    let [division, terms, tax] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(
        division.contains("division 00, and Sage has no division 00"),
        "{division}"
    );
    assert!(
        division.contains("[code_unknown] use one of 01, 02"),
        "{division}"
    );
    assert!(
        terms.contains("[terms_not_set]") && terms.contains("terms_code"),
        "{terms}"
    );
    assert!(
        tax.contains("[tax_not_set]") && tax.contains("tax_schedule"),
        "{tax}"
    );
    let own = "imports.customers = { ar_division_no = '01', defaults = { terms_code = '01', tax_schedule = 'WI' } }";
    assert_eq!(remarks(own), Vec::<String>::new());
    assert_eq!(remarks("imports.customers.create = false"), Vec::<String>::new());
}
