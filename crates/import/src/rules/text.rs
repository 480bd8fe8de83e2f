//! Mappings and rules as a person writes them in the configuration file.

use std::collections::BTreeMap;
use std::fmt;

use expression::Step;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The kinds of document that rules are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// The body of `POST /v1/sales_orders`.
    SalesOrder,
    /// The body of `POST /v1/payments`.
    Payment,
    /// The body of `POST /v1/customers`.
    Customer,
}

impl DocumentKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::SalesOrder, Self::Payment, Self::Customer];

    /// The name in the configuration and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SalesOrder => "sales_order",
            Self::Payment => "payment",
            Self::Customer => "customer",
        }
    }

    /// The list that rules and mappings may go through, where it has one.
    #[must_use]
    pub const fn list(self) -> Option<Each> {
        match self {
            Self::SalesOrder => Some(Each::Lines),
            Self::Payment => Some(Each::Invoices),
            Self::Customer => None,
        }
    }

    /// From the name; `None` for a kind of document that no rule can be written for.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What a user-defined field is read as; without it, text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UdfKind {
    /// Text.
    #[default]
    Text,
    /// An exact decimal, six decimals at most.
    Decimal,
    /// A date, `2026-05-01`.
    Date,
}

/// What a rule is asked for once each, instead of once for the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// Every line of an order.
    Lines,
    /// Every invoice of a payment.
    Invoices,
}

impl Each {
    /// The name in the configuration, which is that of the list in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Invoices => "invoices",
        }
    }
}

/// One `[[company.imports.map]]`: steps for one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingText {
    /// Which documents.
    pub document: DocumentKind,
    /// The field that gets the value: `ship_via`, `ship_to.ship_to_state`, `udf.gift`, or one of
    /// every line, `lines.item_code`.
    pub field: String,
    /// The field that the steps begin with, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What a user-defined field of this mapping is read as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<UdfKind>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// One `[[company.imports.rule]]`: a condition and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    /// What people call it; shown wherever it acts.
    pub name: String,
    /// Which documents.
    pub document: DocumentKind,
    /// The condition, an expression.
    pub when: String,
    /// Asked once for each line of an order, or each invoice of a payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// Fields that get a value.
    #[serde(default, skip_serializing_if = "Assignments::is_empty")]
    pub set: Assignments,
    /// The document is held, with this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// The document is refused, with this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuse: Option<String>,
    /// The document goes in, with this warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<String>,
    /// What a person should do about a hold or a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// A value that a rule sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// This text; the empty text takes the field out.
    Text(String),
    /// This whole number.
    Whole(i64),
    /// True or false, for fields that are flags.
    Truth(bool),
    /// What this expression gives: `{ expression = "…" }`.
    Expression(String),
}

/// The values that a rule sets, by field.
///
/// Written as `{ ship_via = "LTL", udf.gift = "Y" }`; TOML makes a table of a name with a point,
/// here it is one name again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignments(BTreeMap<String, Assigned>);

impl Assignments {
    /// Is nothing set?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every field and its value, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Assigned)> {
        self.0.iter().map(|(field, value)| (field.as_str(), value))
    }
}

impl FromIterator<(String, Assigned)> for Assignments {
    fn from_iter<I: IntoIterator<Item = (String, Assigned)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Serialize for Assignments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl Serialize for Assigned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(number) => serializer.serialize_i64(*number),
            Self::Truth(truth) => serializer.serialize_bool(*truth),
            Self::Expression(text) => serializer.collect_map([("expression", text)]),
        }
    }
}

impl<'de> Deserialize<'de> for Assignments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Branch::Table(table) = Branch::deserialize(deserializer)? else {
            return Err(D::Error::custom(
                "set has to be a table, as in { ship_via = \"LTL\" }",
            ));
        };
        let mut values = BTreeMap::new();
        flatten("", table, &mut values).map_err(D::Error::custom)?;
        Ok(Self(values))
    }
}

enum Branch {
    Value(Assigned),
    Table(Vec<(String, Branch)>),
}

/// How deep names with points may go: no field stands deeper.
const MAX_DEPTH: usize = 4;

fn flatten(
    above: &str,
    table: Vec<(String, Branch)>,
    values: &mut BTreeMap<String, Assigned>,
) -> Result<(), String> {
    for (key, branch) in table {
        let path = if above.is_empty() {
            key
        } else {
            format!("{above}.{key}")
        };
        if path.matches('.').count() > MAX_DEPTH {
            return Err(format!("no field is called {path}"));
        }
        let value = match branch {
            Branch::Value(value) => value,
            Branch::Table(mut inner) => match (inner.pop(), inner.is_empty()) {
                // A user-defined field may be called so.
                (Some((key, Branch::Value(Assigned::Text(text)))), true)
                    if key == "expression" && path.rsplit('.').next() != Some("udf") =>
                {
                    Assigned::Expression(text)
                }
                (Some(last), _) => {
                    inner.push(last);
                    flatten(&path, inner, values)?;
                    continue;
                }
                (None, _) => return Err(format!("{path} has no value")),
            },
        };
        if values.insert(path.clone(), value).is_some() {
            return Err(format!("{path} is set twice"));
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Branch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BranchVisitor)
    }
}

struct BranchVisitor;

impl<'de> Visitor<'de> for BranchVisitor {
    type Value = Branch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a text, a whole number, true or false, or { expression = \"…\" }; a decimal stands in quotes",
        )
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Branch, E> {
        Ok(Branch::Value(Assigned::Text(text.to_owned())))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Branch, E> {
        Ok(Branch::Value(Assigned::Whole(number)))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Branch, E> {
        let number = i64::try_from(number).map_err(|_| E::custom("the number is too large"))?;
        self.visit_i64(number)
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<Branch, E> {
        Ok(Branch::Value(Assigned::Truth(truth)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Branch, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = map.next_entry()? {
            table.push(entry);
        }
        Ok(Branch::Table(table))
    }
}
