//! Commands on whole companies: `create`, `load`, `setting`.

use std::collections::BTreeMap;

use sandbox::load::LoadedFile;
use sandbox::row::table_counts;
use sandbox::{Company, Plan, Profile, SandboxError, system_clock};
use serde_json::json;

use crate::cli::{CreateArgs, LoadArgs, ProfileName, SettingAction, SettingArgs};
use crate::{CommandError, output};

pub(crate) fn create(args: &CreateArgs) -> Result<(), CommandError> {
    let plan = Plan {
        profile: match args.profile {
            ProfileName::Demo => Profile::Demo,
            ProfileName::Empty => Profile::Empty,
            ProfileName::Stock => Profile::Stock { rows: args.rows },
        },
        seed: args.seed,
        scale: args.scale,
        today: args.date,
        code: args.company.clone(),
        zone: args.zone.clone(),
    };
    sandbox::create(&args.file, &plan)?;
    let company = Company::open(&args.file, system_clock())?;
    let rows: BTreeMap<_, _> = table_counts(company.connection())?
        .into_iter()
        .filter(|(_, rows)| *rows > 0)
        .collect();
    if args.json {
        output::json(&json!({ "file": args.file, "company": args.company, "rows": rows }))?;
        return Ok(());
    }
    let count = |table| rows.get(table).copied().unwrap_or(0);
    output::line(&format!(
        "Made company {} in {}",
        args.company,
        args.file.display()
    ))?;
    match args.profile {
        ProfileName::Demo => output::line(&format!(
            "{} items, {} customers, {} prices, {} stock records, {} open orders, {} orders in history",
            count("CI_Item"),
            count("AR_Customer"),
            count("IM_PriceCode"),
            count("IM_ItemWarehouse"),
            count("SO_SalesOrderHeader"),
            count("SO_SalesOrderHistoryHeader"),
        ))?,
        ProfileName::Empty => {
            output::line(&format!(
                "Fill it: sage-sandbox load {} FOLDER",
                args.file.display()
            ))?;
        }
        ProfileName::Stock => output::line(&format!("{} stock records", count("IM_ItemWarehouse")))?,
    }
    Ok(())
}

pub(crate) fn load(args: &LoadArgs) -> Result<(), CommandError> {
    let mut company = Company::open(&args.file, system_clock())?;
    let loaded = sandbox::load(&mut company, &args.folder, &mut |file| {
        output::progress(&describe(file))
    })?;
    if args.json {
        output::json(&loaded)?;
    } else {
        let rows: u64 = loaded.iter().map(|f| f.rows).sum();
        output::line(&format!("Loaded {rows} rows into {} tables", loaded.len()))?;
    }
    Ok(())
}

fn describe(file: &LoadedFile) -> String {
    let mut text = format!("{}: {} rows", file.table, file.rows);
    if file.new_table {
        text.push_str(", a new table");
    }
    if !file.added_columns.is_empty() {
        text.push_str(&format!(", new columns {}", file.added_columns.join(" ")));
    }
    text
}

pub(crate) fn setting(args: &SettingArgs) -> Result<(), CommandError> {
    let company = Company::open(&args.file, system_clock())?;
    let settings = company.settings();
    match &args.action {
        SettingAction::Get { name } => {
            let value = settings.get(name)?.ok_or_else(|| unset(name))?;
            if args.json {
                output::json(&json!({ name: value }))?
            } else {
                output::line(&value)?
            }
        }
        SettingAction::Set { name, value } => settings.set(name, value)?,
        SettingAction::Unset { name } => {
            if !settings.remove(name)? {
                return Err(unset(name).into());
            }
        }
        SettingAction::List => {
            let all: BTreeMap<_, _> = settings.with_prefix("")?.into_iter().collect();
            if args.json {
                output::json(&all)?;
            } else {
                for (name, value) in all {
                    output::line(&format!("{name} = {value}"))?;
                }
            }
        }
    }
    Ok(())
}

fn unset(name: &str) -> SandboxError {
    SandboxError::BadSetting {
        name: name.to_owned(),
        value: String::new(),
        expected: "a value",
    }
}
