//! `[company.imports.payments]`.

use std::path::Path;

use import::settings::{BatchScheme, DepositScheme, Overpayment, PaymentSettings, Prepaid, ReceiptWriter};
use toml::Value;

use super::typed;
use crate::config::mistake::Mistake;
use crate::config::place::Place;
use crate::config::section::{Section, texts};

pub(super) fn read(section: &Section<'_>, base: &Path) -> Result<PaymentSettings, Mistake> {
    typed::only_known(section, "payments")?;
    let mut payments = PaymentSettings::default();
    if let Some((value, place)) = section.get("writer") {
        payments.writer = writer(value, place, base)?;
    }
    let batches = [
        ("day_and_type", BatchScheme::DayAndType),
        ("day", BatchScheme::Day),
        ("run", BatchScheme::Run),
        ("settlement", BatchScheme::Settlement),
    ];
    typed::choice(section, "batch", &batches, &mut payments.batch)?;
    if let Some(prefix) = typed::BATCH_PREFIX.optional(section, "batch_prefix")? {
        payments.batch_prefix = prefix;
    }
    let deposits = [
        ("day", DepositScheme::Day),
        ("settlement", DepositScheme::Settlement),
        ("payment", DepositScheme::Payment),
    ];
    typed::choice(section, "deposit", &deposits, &mut payments.deposit)?;
    payments.bank_code = typed::BANK.optional(section, "bank_code")?;
    for (payment_type, value, place) in entries(section, "bank_codes", "{ VISA = \"B\" }")? {
        typed::PAYMENT_TYPE.check(payment_type, &place)?;
        let bank = typed::BANK.of_value(value, &place)?;
        payments.bank_codes.insert(payment_type.to_owned(), bank);
    }
    for (sent, value, place) in entries(section, "payment_types", "{ visa = \"VISA\" }")? {
        let payment_type = typed::PAYMENT_TYPE.of_value(value, &place)?;
        payments.payment_types.insert(sent.to_owned(), payment_type);
    }
    payments.card_types = typed::PAYMENT_TYPE.set(section, "card_types")?;
    let overpayments = [
        ("hold", Overpayment::Hold),
        ("prepayment", Overpayment::Prepayment),
    ];
    typed::choice(section, "overpayment", &overpayments, &mut payments.overpayment)?;
    let prepaid = [
        ("none", Prepaid::None),
        ("deposit_and_receipt", Prepaid::DepositAndReceipt),
        ("prepayment", Prepaid::Prepayment),
    ];
    typed::choice(section, "prepaid", &prepaid, &mut payments.prepaid)?;
    typed::flag(section, "history_kept", &mut payments.history_kept)?;
    payments.deposit_account_key = typed::ACCOUNT_KEY.optional(section, "deposit_account_key")?;
    agree(section, &payments)?;
    Ok(payments)
}

/// What one key asks of another one.
fn agree(section: &Section<'_>, payments: &PaymentSettings) -> Result<(), Mistake> {
    let place = section.place.key("prepaid");
    if payments.prepaid == Prepaid::DepositAndReceipt && payments.deposit_account_key.is_none() {
        return Err(Mistake::new(
            &place,
            "the receipt of a deposit needs the customer-deposit account",
            "add deposit_account_key = \"…\" (AccountKey in GL_Account), or write prepaid = \"prepayment\" or \"none\"",
        ));
    }
    let has_bank = payments.bank_code.is_some() || !payments.bank_codes.is_empty();
    if payments.prepaid != Prepaid::None && !has_bank {
        return Err(Mistake::new(
            &place,
            "the money of prepaid orders needs a bank",
            "add bank_code = \"A\" (a code of Bank Code Maintenance), or write prepaid = \"none\"",
        ));
    }
    Ok(())
}

fn writer(value: &Value, place: Place, base: &Path) -> Result<ReceiptWriter, Mistake> {
    if value.as_str() == Some("objects") {
        return Ok(ReceiptWriter::Objects);
    }
    let Some(table) = value.as_table() else {
        return Err(typed::neither(value, &place, "payments", "writer"));
    };
    let section = Section::new(table, place);
    section.only_keys(&["file", "visual_integrator"], "")?;
    match (section.get("file"), section.get("visual_integrator")) {
        (Some((value, place)), None) => Ok(ReceiptWriter::File {
            folder: typed::folder(value, &place, base)?,
        }),
        (None, Some((value, place))) => visual_integrator(value, place, base),
        (Some(_), Some(_)) | (None, None) => Err(Mistake::new(
            &section.place,
            "name one way",
            "write writer = { file = \"receipts\" }, or writer = { visual_integrator = { job = \"VIWI0A\", folder = \"receipts\", command = […] } }",
        )),
    }
}

fn visual_integrator(value: &Value, place: Place, base: &Path) -> Result<ReceiptWriter, Mistake> {
    const COMMAND: &str = "[\"run.cmd\", \"{job}\", \"{file}\"]";
    let example = format!("{{ job = \"VIWI0A\", folder = \"receipts\", command = {COMMAND} }}");
    let section = Section::of(value, place, &example)?;
    section.only_keys(&["job", "folder", "command"], "")?;
    let job = typed::JOB.required(&section, "job")?;
    let Some((folder, place)) = section.get("folder") else {
        return Err(typed::missing(&section, "folder", "\"receipts\""));
    };
    let folder = typed::folder(folder, &place, base)?;
    let Some((command, place)) = section.get("command") else {
        return Err(typed::missing(&section, "command", COMMAND));
    };
    let command = texts(command, &place, &format!("command = {COMMAND}"))?;
    if command.first().is_none_or(|program| program.trim().is_empty()) {
        return Err(Mistake::new(
            &place,
            "it names no program",
            format!("write command = {COMMAND}"),
        ));
    }
    Ok(ReceiptWriter::VisualIntegrator { job, folder, command })
}

type Entry<'a> = (&'a str, &'a Value, Place);

/// Entries of a table of texts.
fn entries<'a>(section: &Section<'a>, key: &str, example: &str) -> Result<Vec<Entry<'a>>, Mistake> {
    let below = typed::below(section, key, &format!("{key} = {example}"))?;
    Ok(below.map_or(Vec::new(), |below| below.entries().collect()))
}
