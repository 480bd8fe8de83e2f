//! Datasets, their fields and children.

use std::borrow::Cow;

use values::{DatasetName, Hash, Kind};

use crate::file::{self, CatalogError};
use crate::relation::{Derived, Join, LeavesWhen, Successor};

/// The column that holds a stamp's date, in every stamped table.
pub const STAMP_DATE: &str = "DateUpdated";
/// The column that holds a stamp's time, in every stamped table.
pub const STAMP_TIME: &str = "TimeUpdated";
/// The last field of every dataset and child: the site's own values.
pub const UDF_FIELD: &str = "udf";
/// What the names of a site's own datasets begin with.
pub const USER_DEFINED_PREFIX: &str = "udt_";
/// The field of a site's own dataset that holds the encoded key.
pub const USER_RECORD_KEY: &str = "record_key";

/// The longest name of a site's own dataset, in characters.
const USER_DEFINED_MAX: usize = 60;

/// All datasets, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    datasets: Vec<Dataset>,
}

impl Catalog {
    /// The datasets of a standard Sage 100 install, from the files in this crate.
    ///
    /// # Errors
    /// [`CatalogError`] names file and field; a test makes sure that there is none.
    pub fn standard() -> Result<Self, CatalogError> {
        file::standard().map(|datasets| Self { datasets })
    }

    /// A catalog of these datasets.
    #[must_use]
    pub const fn new(datasets: Vec<Dataset>) -> Self {
        Self { datasets }
    }

    /// All datasets, by name.
    #[must_use]
    pub fn datasets(&self) -> &[Dataset] {
        &self.datasets
    }

    /// The dataset with this API noun.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|d| d.name.as_str() == name)
    }

    /// The dataset with this API noun, a site's own (`udt_…`) included: those have one
    /// shape everywhere, see [`Dataset::user_defined`].
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<Cow<'_, Dataset>> {
        if let Some(dataset) = self.get(name) {
            return Some(Cow::Borrowed(dataset));
        }
        let rest = name.strip_prefix(USER_DEFINED_PREFIX)?;
        let fits = !rest.is_empty() && name.len() <= USER_DEFINED_MAX && file::is_noun(name);
        fits.then(|| Cow::Owned(Dataset::user_defined(name)))
    }
}

/// One kind of document: a Sage table, and the tables whose rows belong to its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The plural API noun.
    pub name: DatasetName,
    /// Sage table.
    pub table: String,
    /// One or two sentences for users.
    pub doc: String,
    /// Why the layout is a guess, where it is one.
    pub guess: Option<String>,
    /// Are the site's columns beyond the fields taken without being asked for? Only of a
    /// guessed layout, and not where secrets are likely: those are offered.
    pub discover: bool,
    /// Sage columns of the key, in key order.
    pub key: Vec<String>,
    /// How its data changes.
    pub temperament: Temperament,
    /// Has the table `DateUpdated` and `TimeUpdated`?
    pub stamped: bool,
    /// Fields in canonical order: own columns, then joined ones, and [`UDF_FIELD`] at the
    /// end. Secret columns are not among them.
    pub fields: Vec<Field>,
    /// Columns that never leave the ERP.
    pub withheld: Vec<String>,
    /// Kinds of nested rows, in canonical order.
    pub children: Vec<Child>,
    /// Other tables that fields come from.
    pub joins: Vec<Join>,
    /// The column that must equal the company's code: the table holds all companies.
    pub own_company: Option<String>,
    /// Where a document may be found once it has left; the first one with a row decides.
    pub successors: Vec<Successor>,
    /// The state in which a document may leave without further explanation.
    pub leaves_when: Option<LeavesWhen>,
    /// History: the date column that a site's window of years looks at.
    pub dated: Option<String>,
    /// Fields that the hub computes when a record is read.
    pub derived: Vec<Derived>,
    /// Is it a site's own (`udt_…`)?
    pub user_defined: bool,
}

/// Rows of another table that are part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// The name of the nested list in the API (`lines`).
    pub name: String,
    /// Sage table.
    pub table: String,
    /// One sentence for users.
    pub doc: String,
    /// Sage columns that hold the parent's key, in the parent's key order; empty when all
    /// rows belong to the one record of the company.
    pub parent_key: Vec<String>,
    /// Sage columns that tell rows of one parent apart; rows are ordered by them as bytes.
    pub key: Vec<String>,
    /// Fields in canonical order, without the parent's key, and [`UDF_FIELD`] at the end.
    pub fields: Vec<Field>,
    /// Columns that never leave the ERP.
    pub withheld: Vec<String>,
    /// Is it written apart from the parent? Then the parent is not read again to make sure
    /// that both belong together.
    pub side: bool,
    /// May the table be missing? There are no rows then.
    pub optional: bool,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in the API; frozen.
    pub name: String,
    /// Sage column.
    pub column: String,
    /// What it holds.
    pub kind: Kind,
    /// Declared width in characters or digits, as far as known; sites differ.
    pub width: Option<u16>,
    /// Who may see it.
    pub class: Class,
    /// Has an index in the hub and a filter in the API.
    pub indexed: bool,
    /// What it means, where the name does not say it.
    pub doc: Option<String>,
    /// The place among the dataset's joins of the table it comes from; none is the own table.
    pub join: Option<usize>,
}

impl Field {
    /// Does it hold the site's own values? It has no column of its own then.
    #[must_use]
    pub fn is_udf(&self) -> bool {
        self.kind == Kind::Json
    }

    /// The field that every dataset and child ends with.
    pub(crate) fn udf() -> Self {
        Self {
            name: UDF_FIELD.to_owned(),
            column: String::new(),
            kind: Kind::Json,
            width: None,
            class: Class::Public,
            indexed: false,
            doc: Some("The site's own columns and computed values; each has a class of its own.".to_owned()),
            join: None,
        }
    }
}

/// Who may see a field. A token names the classes that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Everybody with a token.
    Public,
    /// Telephone, e-mail and the like of persons.
    Personal,
    /// What the company pays.
    Cost,
    /// What customers owe and may owe.
    Credit,
}

impl Class {
    /// All classes that leave the ERP.
    pub const ALL: [Self; 4] = [Self::Public, Self::Personal, Self::Cost, Self::Credit];

    /// The name used in tokens and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Personal => "personal",
            Self::Cost => "cost",
            Self::Credit => "credit",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == name)
    }
}

/// How a dataset changes, and so how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temperament {
    /// Small, and changes without reliable stamps: compared whole each pass.
    Hot,
    /// Changes go by stamp, with sweeps for what moved none.
    Master,
    /// Grows at its end and hardly changes.
    History,
}

impl Dataset {
    /// The shape of a site's own dataset: an encoded key and the site's values.
    #[must_use]
    pub fn user_defined(name: &str) -> Self {
        let key = Field {
            name: USER_RECORD_KEY.to_owned(),
            column: USER_RECORD_KEY.to_owned(),
            kind: Kind::Text,
            width: None,
            class: Class::Public,
            indexed: false,
            doc: Some("The key of the record.".to_owned()),
            join: None,
        };
        Self {
            name: DatasetName::new(name.to_owned()),
            table: String::new(),
            doc: "A table of the site's own.".to_owned(),
            guess: None,
            discover: false,
            key: vec![USER_RECORD_KEY.to_owned()],
            temperament: Temperament::Master,
            stamped: false,
            fields: vec![key, Field::udf()],
            withheld: Vec::new(),
            children: Vec::new(),
            joins: Vec::new(),
            own_company: None,
            successors: Vec::new(),
            leaves_when: None,
            dated: None,
            derived: Vec::new(),
            user_defined: true,
        }
    }

    /// The field that reads this column of the dataset's own table.
    #[must_use]
    pub fn field_of_column(&self, column: &str) -> Option<(usize, &Field)> {
        self.fields
            .iter()
            .enumerate()
            .find(|(_, f)| f.column == column && f.join.is_none() && !f.is_udf())
    }

    /// Places of the key's columns among the fields, in key order.
    #[must_use]
    pub fn key_places(&self) -> Vec<usize> {
        self.key
            .iter()
            .filter_map(|k| self.field_of_column(k).map(|(place, _)| place))
            .collect()
    }

    /// What both sides must agree on before rows travel: names, kinds, order and children.
    /// Documentation, classes and indexes may differ.
    #[must_use]
    pub fn fingerprint(&self) -> Hash {
        let mut text = format!("2 {} {}", self.name, self.key.join(","));
        let push = |text: &mut String, fields: &[Field]| {
            for field in fields {
                let kind = match field.kind {
                    Kind::Text => "t".to_owned(),
                    Kind::Decimal { scale } => format!("n{scale}"),
                    Kind::Date => "d".to_owned(),
                    Kind::Json => "j".to_owned(),
                };
                let join = field.join.and_then(|place| self.joins.get(place));
                let table = join.map_or(String::new(), |j| format!("{}.", j.table));
                text.push_str(&format!(" {}:{table}{}:{kind}", field.name, field.column));
            }
        };
        push(&mut text, &self.fields);
        for child in &self.children {
            text.push_str(&format!(
                " | {} {} {}",
                child.name,
                child.parent_key.join(","),
                child.key.join(",")
            ));
            push(&mut text, &child.fields);
        }
        Hash::of_bytes(text.as_bytes())
    }
}

impl Child {
    /// Places of the child's own key columns among its fields.
    #[must_use]
    pub fn key_places(&self) -> Vec<usize> {
        self.key
            .iter()
            .filter_map(|k| self.fields.iter().position(|f| f.column == *k))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sites_own_datasets_are_resolved_by_their_prefix() {
        let catalog = Catalog::standard().unwrap();
        assert!(matches!(catalog.resolve("items"), Some(Cow::Borrowed(d)) if d.name.as_str() == "items"));
        let wishes = catalog.resolve("udt_ar_wishes2").unwrap();
        assert!(wishes.user_defined);
        assert_eq!(wishes.key, [USER_RECORD_KEY]);
        assert_eq!(wishes.key_places(), [0]);
        let names: Vec<_> = wishes.fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, [USER_RECORD_KEY, UDF_FIELD]);
        let long = format!("udt_{}", "a".repeat(60));
        for name in [
            "wishes",
            "udt_",
            "udt_Wishes",
            "udt_a-b",
            "udt_a;b",
            long.as_str(),
        ] {
            assert!(catalog.resolve(name).is_none(), "{name}");
        }
    }
}
