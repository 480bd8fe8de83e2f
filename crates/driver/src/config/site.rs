//! What a site changes about its datasets: `[[dataset]]` and `[[company.dataset]]`.

use catalog::{Catalog, Class, Dataset, USER_DEFINED_PREFIX};
use sync::{Adaptation, Extra, Keep, UserTable};
use toml::{Table, Value};
use values::Date;

use super::SyncSettings;
use super::columns::{Columns, Tables, is_name, is_user_table};
use super::fields::{Part, fields};
use super::mistake::{KEEPS_NOTHING, Mistake};
use super::pace::{Pace, PaceChange};
use super::place::Place;
use super::section::{Section, texts};

/// Keys of a section beside the names of the dataset's children.
pub(super) const KEYS: &[&str] = &[
    "name",
    "sync",
    "table",
    "key",
    "udf",
    "only",
    "except",
    "when",
    "history_years",
    "fields",
    "interval_s",
    "sweep_interval_s",
    "sweep_rows_per_s",
    "sweep_hours",
];
const CHILD_KEYS: &[&str] = &["udf", "fields"];
const EXAMPLE_UDF: &str = "udf = [\"UDF_NAME\", { column = \"UDF_COST\", class = \"cost\" }]";
const EXAMPLE_FILTER: &str = "only = { ProductLine = [\"WF&A\"] }";
/// A week at least, so that a mistyped number is found.
const MOST_SECONDS: u64 = 366 * 86_400;

/// A dataset as a company syncs it.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteDataset {
    /// The dataset.
    pub dataset: Dataset,
    /// What the site changes about it.
    pub adaptation: Adaptation,
    /// When and how fast it is read.
    pub pace: Pace,
}

/// One section, checked against the catalog.
#[derive(Clone, Debug)]
pub struct DatasetSite {
    pub(super) name: String,
    pub(super) synced: bool,
    dataset: Dataset,
    adaptation: Adaptation,
    history_years: Option<i16>,
    pace: PaceChange,
    /// Where it stands, for messages about the live ERP.
    pub(super) place: Place,
}

impl DatasetSite {
    pub(super) fn dataset(&self, settings: &SyncSettings, today: Date) -> SiteDataset {
        let mut adaptation = self.adaptation.clone();
        // The first of January: the border, and with it the adaptation, moves once a year.
        adaptation.not_before = self
            .history_years
            .and_then(|years| Date::new(today.year().checked_sub(years)?, 1, 1).ok());
        SiteDataset {
            dataset: self.dataset.clone(),
            adaptation,
            pace: Pace::of(settings, self.dataset.temperament, self.pace),
        }
    }
}

/// A dataset about which the site says nothing.
pub(super) fn plain(dataset: &Dataset, settings: &SyncSettings) -> SiteDataset {
    SiteDataset {
        dataset: dataset.clone(),
        adaptation: Adaptation::default(),
        pace: Pace::of(settings, dataset.temperament, PaceChange::default()),
    }
}

/// Reads the sections of one list.
pub(super) fn read_all(
    sections: &[Table],
    place: &Place,
    catalog: &Catalog,
    tables: &Tables,
) -> Result<Vec<DatasetSite>, Mistake> {
    let mut sites: Vec<DatasetSite> = Vec::new();
    for (index, table) in sections.iter().enumerate() {
        let section = Section::new(table, place.index(index));
        let site = read(&section, catalog, tables)?;
        if sites.iter().any(|s| s.name == site.name) {
            return Err(Mistake::new(
                &section.place.key("name"),
                format!("{} has two sections", site.name),
                "join the two sections into one",
            ));
        }
        sites.push(site);
    }
    Ok(sites)
}

fn read(section: &Section<'_>, catalog: &Catalog, tables: &Tables) -> Result<DatasetSite, Mistake> {
    let Some((name, name_place)) = section.text("name", "name = \"items\"")? else {
        return Err(Mistake::new(
            &section.place,
            "there is no name",
            "write name = \"items\", or another dataset of docs/data.md",
        ));
    };
    let Some(dataset) = catalog.resolve(name) else {
        let own = section.get("table").is_some();
        let remedy = if own || name.starts_with(USER_DEFINED_PREFIX) {
            "begin the name of a dataset of your own with udt_, and go on with a-z, 0-9 and _"
        } else {
            "see docs/data.md for the names; a dataset of your own begins with udt_"
        };
        return Err(Mistake::new(
            &name_place,
            format!("{name:?} is no dataset"),
            remedy,
        ));
    };
    let children: Vec<&str> = dataset.children.iter().map(|c| c.name.as_str()).collect();
    let known: Vec<&str> = KEYS.iter().copied().chain(children).collect();
    section.only_keys(&known, "")?;
    let columns = Columns {
        fields: &dataset.fields,
        tables,
    };
    let mut adaptation = Adaptation {
        udf: udf(section, columns)?,
        keep: filters(section, columns)?,
        ..Adaptation::default()
    };
    let key: Vec<&str> = dataset.key.iter().map(String::as_str).collect();
    let part = Part {
        dataset: name,
        child: None,
        columns,
        key: &key,
    };
    fields(section, &part, &mut adaptation.udf, &mut adaptation.steps)?;
    for child in &dataset.children {
        let Some((value, place)) = section.get(&child.name) else {
            continue;
        };
        let own = Section::of(value, place, &format!("{}.{EXAMPLE_UDF}", child.name))?;
        own.only_keys(CHILD_KEYS, "")?;
        let columns = Columns {
            fields: &child.fields,
            tables,
        };
        let mut extras = udf(&own, columns)?;
        let key = child.parent_key.iter().chain(&child.key);
        let key: Vec<&str> = key.map(String::as_str).collect();
        let part = Part {
            dataset: name,
            child: Some(&child.name),
            columns,
            key: &key,
        };
        fields(&own, &part, &mut extras, &mut adaptation.steps)?;
        if !extras.is_empty() {
            adaptation.child_udf.push((child.name.clone(), extras));
        }
    }
    user_table(section, &dataset, columns, &mut adaptation)?;
    Ok(DatasetSite {
        name: name.to_owned(),
        synced: section.flag("sync")?.unwrap_or(true),
        history_years: history(section, &dataset)?,
        pace: pace(section)?,
        adaptation,
        place: section.place.clone(),
        dataset: dataset.into_owned(),
    })
}

/// A dataset's table and key are the catalog's, those of a site's own dataset are the site's.
fn user_table(
    section: &Section<'_>,
    dataset: &Dataset,
    columns: Columns<'_>,
    adaptation: &mut Adaptation,
) -> Result<(), Mistake> {
    if !dataset.user_defined {
        let given = section.get("table").or_else(|| section.get("key"));
        return given.map_or(Ok(()), |(_, place)| {
            Err(Mistake::new(
                &place,
                format!(
                    "{} is a dataset of the catalog, which knows its table and key",
                    dataset.name
                ),
                "take the line out, or begin the name with udt_ for a table of your own",
            ))
        });
    }
    let Some((table, place)) = section.text("table", "table = \"CI_UDT_NAME\"")? else {
        return Err(Mistake::new(
            &section.place,
            format!("{} has no table", dataset.name),
            "write table = \"CI_UDT_NAME\", the name of the user-defined table",
        ));
    };
    if !is_name(table) || !is_user_table(table) {
        return Err(Mistake::new(
            &place,
            format!("{table:?} is no user-defined table"),
            "name a table with _UDT_ in its name; Sage's own tables are the datasets of docs/data.md",
        ));
    }
    let example = "key = [\"UDF_CODE\"]";
    let key = match section.get("key") {
        Some((value, place)) => {
            let key = texts(value, &place, example)?;
            for (index, column) in key.iter().enumerate() {
                columns.check(column, &place.index(index))?;
            }
            key
        }
        None => Vec::new(),
    };
    if key.is_empty() {
        return Err(Mistake::new(
            &section
                .get("key")
                .map_or(section.place.clone(), |(_, place)| place),
            format!("{} has no key", dataset.name),
            format!(
                "write {example}: the columns that tell its rows apart; ODBC does not say which they are"
            ),
        ));
    }
    let mut extras = std::mem::take(&mut adaptation.udf);
    for column in key.iter().rev() {
        if !extras.iter().any(|e| e.column.eq_ignore_ascii_case(column)) {
            extras.insert(
                0,
                Extra {
                    name: column.clone(),
                    column: column.clone(),
                    class: Class::Public,
                    expression: None,
                },
            );
        }
    }
    adaptation.table = Some(UserTable {
        table: table.to_owned(),
        key,
        columns: extras,
    });
    Ok(())
}

fn history(section: &Section<'_>, dataset: &Dataset) -> Result<Option<i16>, Mistake> {
    let Some(years) = section.number("history_years", 99)? else {
        return Ok(None);
    };
    if dataset.dated.is_none() {
        return Err(Mistake::new(
            &section.place.key("history_years"),
            format!("{} is no history, its records do not age", dataset.name),
            "take the line out; use only, except or when to leave records out",
        ));
    }
    Ok(i16::try_from(years).ok())
}

fn pace(section: &Section<'_>) -> Result<PaceChange, Mistake> {
    let hours = section.text("sweep_hours", "sweep_hours = \"19:00-06:00\"")?;
    Ok(PaceChange {
        interval_s: section.number("interval_s", MOST_SECONDS)?,
        sweep_interval_s: section.number("sweep_interval_s", MOST_SECONDS)?,
        sweep_rows_per_s: section.number("sweep_rows_per_s", u64::from(u32::MAX))?,
        sweep_hours: hours
            .map(|(text, place)| {
                text.parse().map_err(|error| {
                    Mistake::new(
                        &place,
                        format!("{text:?} is {error}"),
                        "write sweep_hours = \"19:00-06:00\", in the Sage server's time",
                    )
                })
            })
            .transpose()?,
    })
}

/// The site's own columns.
fn udf(section: &Section<'_>, columns: Columns<'_>) -> Result<Vec<Extra>, Mistake> {
    let mut extras: Vec<Extra> = Vec::new();
    for (value, place) in section.list("udf", EXAMPLE_UDF)? {
        let extra = match value.as_str() {
            Some(column) => Extra {
                name: column.to_owned(),
                column: column.to_owned(),
                class: Class::Public,
                expression: None,
            },
            None => described(value, &place)?,
        };
        columns.check(&extra.column, &place)?;
        if let Some(field) = columns.field(&extra.column) {
            return Err(Mistake::new(
                &place,
                format!(
                    "{} is no column of the site's own: it is the field {}",
                    extra.column, field.name
                ),
                "take it out: the field is synced anyway",
            ));
        }
        add(&mut extras, extra, &place)?;
    }
    Ok(extras)
}

fn described(value: &Value, place: &Place) -> Result<Extra, Mistake> {
    let own = Section::of(value, place.clone(), EXAMPLE_UDF)?;
    own.only_keys(&["column", "class", "name"], "")?;
    let Some((column, _)) = own.text("column", "column = \"UDF_NAME\"")? else {
        return Err(Mistake::new(
            place,
            "there is no column",
            format!("write {EXAMPLE_UDF}"),
        ));
    };
    let name = own.text("name", "name = \"cost_note\"")?;
    Ok(Extra {
        name: name.map_or(column, |(name, _)| name).to_owned(),
        column: column.to_owned(),
        class: class(&own)?.unwrap_or(Class::Public),
        expression: None,
    })
}

pub(super) fn class(section: &Section<'_>) -> Result<Option<Class>, Mistake> {
    let Some((name, place)) = section.text("class", "class = \"public\"")? else {
        return Ok(None);
    };
    match Class::from_name(name) {
        Some(class) => Ok(Some(class)),
        None => Err(Mistake::new(
            &place,
            format!("{name:?} is no class of a field that leaves the ERP"),
            format!("use one of {}", Class::ALL.map(Class::as_str).join(", ")),
        )),
    }
}

pub(super) fn add(extras: &mut Vec<Extra>, extra: Extra, place: &Place) -> Result<(), Mistake> {
    if !is_name(&extra.name) {
        return Err(Mistake::new(
            place,
            format!("{:?} cannot be a name under udf", extra.name),
            "use up to 64 letters, digits and _, beginning with a letter",
        ));
    }
    if extras.iter().any(|e| e.name == extra.name) {
        return Err(Mistake::new(
            place,
            format!("{} stands twice under udf", extra.name),
            "take one out, or give it another name",
        ));
    }
    extras.push(extra);
    Ok(())
}

/// `only`, `except` and `when`: all must hold.
fn filters(section: &Section<'_>, columns: Columns<'_>) -> Result<Vec<Keep>, Mistake> {
    let mut keep = Vec::new();
    let mut wanted = Vec::new();
    for (column, values, place) in value_filters(section, "only", columns)? {
        if values.is_empty() {
            return Err(Mistake {
                code: KEEPS_NOTHING,
                ..Mistake::new(
                    &place,
                    "an empty list keeps no row at all",
                    "name the values that rows are kept for, or take the line out",
                )
            });
        }
        wanted.push((column.clone(), values.clone()));
        keep.push(Keep::OneOf { column, values });
    }
    for (column, values, place) in value_filters(section, "except", columns)? {
        let same = wanted.iter().find(|(c, _)| c.eq_ignore_ascii_case(&column));
        if same.is_some_and(|(_, wanted)| wanted.iter().all(|value| values.contains(value))) {
            return Err(Mistake {
                code: KEEPS_NOTHING,
                ..Mistake::new(
                    &place,
                    "it leaves out every value that only keeps: no row is left",
                    "take values out of except, or add some to only",
                )
            });
        }
        keep.push(Keep::NotOneOf { column, values });
    }
    if let Some((text, place)) = section.text("when", "when = \"UDF_WEB = 'Y'\"")? {
        columns.condition(text, &place)?;
        keep.push(Keep::Expression(text.to_owned()));
    }
    Ok(keep)
}

fn value_filters(
    section: &Section<'_>,
    key: &str,
    columns: Columns<'_>,
) -> Result<Vec<(String, Vec<String>, Place)>, Mistake> {
    let Some((value, place)) = section.get(key) else {
        return Ok(Vec::new());
    };
    Section::of(value, place, EXAMPLE_FILTER)?
        .entries()
        .map(|(column, value, place)| {
            columns.check(column, &place)?;
            Ok((column.to_owned(), texts(value, &place, EXAMPLE_FILTER)?, place))
        })
        .collect()
}
