//! Datasets, their fields and children.

use values::{DatasetName, Hash, Kind};

use crate::file::{self, CatalogError};

/// The column that holds a stamp's date, in every stamped table.
pub const STAMP_DATE: &str = "DateUpdated";
/// The column that holds a stamp's time, in every stamped table.
pub const STAMP_TIME: &str = "TimeUpdated";

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
    /// Sage columns of the key, in key order.
    pub key: Vec<String>,
    /// How its data changes.
    pub temperament: Temperament,
    /// Has the table `DateUpdated` and `TimeUpdated`?
    pub stamped: bool,
    /// Fields in canonical order. Secret columns are not among them.
    pub fields: Vec<Field>,
    /// Columns that never leave the ERP.
    pub withheld: Vec<String>,
    /// Kinds of nested rows, in canonical order.
    pub children: Vec<Child>,
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
    /// Sage columns that hold the parent's key, in the parent's key order.
    pub parent_key: Vec<String>,
    /// Sage columns that tell rows of one parent apart; rows are ordered by them as bytes.
    pub key: Vec<String>,
    /// Fields in canonical order, without the parent's key.
    pub fields: Vec<Field>,
    /// Columns that never leave the ERP.
    pub withheld: Vec<String>,
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
    /// The field that reads this Sage column.
    #[must_use]
    pub fn field_of_column(&self, column: &str) -> Option<(usize, &Field)> {
        self.fields.iter().enumerate().find(|(_, f)| f.column == column)
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
        let mut text = format!("1 {} {}", self.name, self.key.join(","));
        let push = |text: &mut String, fields: &[Field]| {
            for field in fields {
                let kind = match field.kind {
                    Kind::Text => "t".to_owned(),
                    Kind::Decimal { scale } => format!("n{scale}"),
                    Kind::Date => "d".to_owned(),
                };
                text.push_str(&format!(" {}:{}:{kind}", field.name, field.column));
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
