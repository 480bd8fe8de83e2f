//! The steps of one field, checked against the columns at hand, and their application to a row.

use std::collections::{BTreeMap, BTreeSet};

use values::{Date, Kind, MAX_SCALE, parse_date};

use crate::compile::{Expression, among};
use crate::error::{EvaluateError, StepError};
use crate::evaluate::{first_characters, lower, produced, read_number, replaced, upper};
use crate::node::Ty;
use crate::number::Number;
use crate::step::{LookUp, Part, Step};
use crate::value::Value;

/// The most steps that a field may have.
pub const MAX_STEPS: usize = 32;

/// The name under which a step sees what the steps before it made.
const VALUE: &str = "value";

/// Answers a look-up: (table, [(key column, the key's value as text)], column) → that column's
/// value in the row of that key, or `None` where there is no such row.
pub type LookUpRow<'a> = dyn Fn(&str, &[(String, String)], &str) -> Option<Value> + 'a;

/// The compiled steps of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    input: Ty,
    prepared: Vec<Prepared>,
    columns: Vec<String>,
    look_ups: Vec<LookUp>,
    kind: Kind,
}

impl Steps {
    /// Checks `steps` for a field of kind `input`. `columns` is as for
    /// [`Expression::compile`].
    ///
    /// # Errors
    /// [`StepError`] with the step that does not fit, and what to write instead.
    pub fn compile(
        steps: &[Step],
        input: Kind,
        columns: &dyn Fn(&str) -> Option<Kind>,
    ) -> Result<Self, StepError> {
        Self::compile_with(steps, input, &|name| Some((name.to_owned(), columns(name)?)))
    }

    /// Checks `steps` over these columns, found whatever their case; [`Steps::columns`], look-ups
    /// and the row then have the spelling given here.
    ///
    /// # Errors
    /// [`StepError`] with the step that does not fit, and what to write instead.
    pub fn compile_among(steps: &[Step], input: Kind, columns: &[(String, Kind)]) -> Result<Self, StepError> {
        Self::compile_with(steps, input, &|name| among(columns, name))
    }

    fn compile_with(
        steps: &[Step],
        input: Kind,
        columns: &dyn Fn(&str) -> Option<(String, Kind)>,
    ) -> Result<Self, StepError> {
        let Some(ty) = Ty::of_field(input) else {
            return Err(StepError::new(
                0,
                "the field is no single value",
                "write steps for the site's own columns one by one",
            ));
        };
        if steps.len() > MAX_STEPS {
            let message = format!("more than {MAX_STEPS} steps");
            return Err(StepError::new(MAX_STEPS, message, "join steps in one expression"));
        }
        let mut preparation = Preparation {
            step: 0,
            ty,
            kind: input,
            columns,
            needed: BTreeSet::new(),
            look_ups: Vec::new(),
        };
        let mut prepared = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            preparation.step = at;
            prepared.push(preparation.prepare(step)?);
        }
        Ok(Self {
            input: ty,
            prepared,
            columns: preparation.needed.into_iter().collect(),
            look_ups: preparation.look_ups,
            kind: preparation.kind,
        })
    }

    /// The columns that a row is asked for, sorted, each once; those of look-ups too.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The look-ups, in the order of the steps: which tables are needed, by which keys.
    #[must_use]
    pub fn look_ups(&self) -> &[LookUp] {
        &self.look_ups
    }

    /// The kind of what comes out, with the decimals that it will have.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Takes a field's value through the steps. `row` gives a column's value by a name of
    /// [`Steps::columns`]. What `look_up` does not find is a blank text. A text comes out without
    /// blanks at its end.
    ///
    /// # Errors
    /// [`EvaluateError`] says what of this row cannot be calculated.
    pub fn apply(
        &self,
        value: Value,
        row: &dyn Fn(&str) -> Value,
        look_up: &LookUpRow<'_>,
    ) -> Result<Value, EvaluateError> {
        let mut value = typed(value, self.input, VALUE)?;
        for step in &self.prepared {
            value = step.apply(value, row, look_up)?;
        }
        if let Value::Text(text) = &mut value {
            text.truncate(text.trim_end().len());
        }
        Ok(value)
    }
}

/// A step that fits what comes before it.
#[derive(Clone, Debug, PartialEq)]
enum Prepared {
    Trim,
    Upper,
    Lower,
    Title,
    Map {
        values: BTreeMap<String, String>,
        default: Option<String>,
    },
    DefaultText(String),
    DefaultDate(Date),
    /// Of a number, or of a text that is read as one.
    Scale(u8),
    Multiply(Number),
    Concat(Vec<Piece>),
    Replace {
        from: String,
        to: String,
    },
    Cut(usize),
    LookUp {
        table: String,
        keys: Vec<(String, Piece)>,
        column: String,
    },
    Expression(Expression),
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Value,
    Column(String, Ty),
    Text(String),
}

struct Preparation<'a> {
    step: usize,
    ty: Ty,
    kind: Kind,
    columns: &'a dyn Fn(&str) -> Option<(String, Kind)>,
    needed: BTreeSet<String>,
    look_ups: Vec<LookUp>,
}

impl Preparation<'_> {
    fn error(&self, message: impl Into<String>, remedy: impl Into<String>) -> StepError {
        StepError::new(self.step, message, remedy)
    }

    fn gives(&mut self, kind: Kind) {
        if let Some(ty) = Ty::of_field(kind) {
            (self.ty, self.kind) = (ty, kind);
        }
    }

    fn prepare(&mut self, step: &Step) -> Result<Prepared, StepError> {
        match step {
            Step::Trim => self.of_text("trim", Prepared::Trim),
            Step::Upper => self.of_text("upper", Prepared::Upper),
            Step::Lower => self.of_text("lower", Prepared::Lower),
            Step::Title => self.of_text("title", Prepared::Title),
            Step::Map { values, .. } if values.is_empty() => {
                Err(self.error("map has no values", "write map = { A = \"Active\" }"))
            }
            Step::Map { values, default } => {
                let (values, default) = (values.clone(), default.clone());
                self.of_text("map", Prepared::Map { values, default })
            }
            Step::Default(text) => self.default(text),
            Step::Scale(scale) => self.scale(*scale),
            Step::Multiply(factor) => self.multiply(factor),
            Step::Concat(parts) => self.concat(parts),
            Step::Replace { from, .. } if from.is_empty() => {
                Err(self.error("replace looks for nothing", "write the text to replace in from"))
            }
            Step::Replace { from, to } => {
                let (from, to) = (from.clone(), to.clone());
                self.of_text("replace", Prepared::Replace { from, to })
            }
            Step::Cut(0) => Err(self.error("cut leaves nothing", "write how many characters stay")),
            Step::Cut(characters) => self.of_text("cut", Prepared::Cut(*characters)),
            Step::LookUp(look_up) => self.look_up(look_up),
            Step::Expression(text) => self.expression(text),
        }
    }

    fn of_text(&self, name: &str, prepared: Prepared) -> Result<Prepared, StepError> {
        if self.ty == Ty::Text {
            return Ok(prepared);
        }
        Err(self.error(
            format!("{name} takes text, the value is {} here", self.ty.plain()),
            "write { expression = \"text(value)\" } before it",
        ))
    }

    fn default(&self, text: &str) -> Result<Prepared, StepError> {
        match self.ty {
            Ty::Date => match parse_date(text) {
                Ok(Some(date)) => Ok(Prepared::DefaultDate(date)),
                Ok(None) | Err(_) => Err(self.error(
                    format!("the default {text:?} is not a date"),
                    "write it as \"2026-05-01\"",
                )),
            },
            Ty::Text => Ok(Prepared::DefaultText(text.to_owned())),
            Ty::Decimal(_) | Ty::Bool => Err(self.error(
                "a number is never blank, zero is a value",
                format!("if zero means blank here: {{ expression = \"if(value = 0, {text}, value)\" }}"),
            )),
        }
    }

    fn scale(&mut self, scale: u8) -> Result<Prepared, StepError> {
        if scale > MAX_SCALE {
            let message = format!("a scale of {scale} decimals");
            return Err(self.error(message, format!("write 0 to {MAX_SCALE}")));
        }
        if self.ty == Ty::Date {
            return Err(self.error(
                "scale takes a number or a text, the value is a date here",
                NO_NUMBER,
            ));
        }
        self.gives(Kind::Decimal { scale });
        Ok(Prepared::Scale(scale))
    }

    fn multiply(&mut self, factor: &str) -> Result<Prepared, StepError> {
        let Ty::Decimal(scale) = self.ty else {
            let message = format!("multiply takes a number, the value is {} here", self.ty.plain());
            let remedy = if self.ty == Ty::Text {
                "write { scale = 2 } before it"
            } else {
                NO_NUMBER
            };
            return Err(self.error(message, remedy));
        };
        let number = read_number(factor).ok().filter(|_| !factor.trim().is_empty());
        let number = number.filter(|number| number.narrow().is_ok());
        let Some(number) = number else {
            let message = format!("the factor {factor:?} is not a number");
            return Err(self.error(message, "write it in quotes with a point, as in \"1.10\""));
        };
        self.gives(Kind::Decimal {
            scale: scale.saturating_add(number.scale()).min(MAX_SCALE),
        });
        Ok(Prepared::Multiply(number))
    }

    fn concat(&mut self, parts: &[Part]) -> Result<Prepared, StepError> {
        if parts.is_empty() {
            return Err(self.error(
                "concat has no parts",
                "write concat = [\"City\", { text = \", \" }, \"State\"]",
            ));
        }
        let mut pieces = Vec::new();
        for part in parts {
            pieces.push(match part {
                Part::Column(name) => self.piece(name)?,
                Part::Text(literal) => Piece::Text(literal.text.clone()),
            });
        }
        self.gives(Kind::Text);
        Ok(Prepared::Concat(pieces))
    }

    fn piece(&mut self, name: &str) -> Result<Piece, StepError> {
        if name.eq_ignore_ascii_case(VALUE) {
            return Ok(Piece::Value);
        }
        let Some((spelled, kind)) = (self.columns)(name) else {
            return Err(self.error(
                format!("column {name} is not known here"),
                "write a column of the table as the ERP names it; a fixed text is { text = \"…\" }",
            ));
        };
        let Some(ty) = Ty::of_field(kind) else {
            return Err(self.error(
                format!("column {name} is no single value"),
                "name the site's own columns one by one",
            ));
        };
        self.needed.insert(spelled.clone());
        Ok(Piece::Column(spelled, ty))
    }

    fn look_up(&mut self, look_up: &LookUp) -> Result<Prepared, StepError> {
        for (what, name) in [("table", &look_up.table), ("column", &look_up.column)] {
            if name.is_empty() {
                let message = format!("look_up has no {what}");
                return Err(self.error(message, LOOK_UP));
            }
        }
        if look_up.on.is_empty() {
            return Err(self.error("look_up has no key", LOOK_UP));
        }
        let mut spelled = LookUp {
            on: BTreeMap::new(),
            ..look_up.clone()
        };
        let mut keys = Vec::new();
        for (own, theirs) in &look_up.on {
            let piece = self.piece(own)?;
            let own = match &piece {
                Piece::Column(name, _) => name,
                Piece::Value | Piece::Text(_) => VALUE,
            };
            spelled.on.insert(own.to_owned(), theirs.clone());
            keys.push((theirs.clone(), piece));
        }
        self.look_ups.push(spelled);
        self.gives(Kind::Text);
        Ok(Prepared::LookUp {
            table: look_up.table.clone(),
            keys,
            column: look_up.column.clone(),
        })
    }

    fn expression(&mut self, text: &str) -> Result<Prepared, StepError> {
        let kind = self.kind;
        let expression = Expression::compile_with(text, &|name| {
            if name.eq_ignore_ascii_case(VALUE) {
                Some((VALUE.to_owned(), kind))
            } else {
                (self.columns)(name)
            }
        });
        let expression = expression.map_err(|error| StepError {
            step: self.step,
            message: error.to_string(),
            remedy: error.remedy.clone(),
            expression: Some(Box::new(error)),
        })?;
        let Some(kind) = expression.field_kind() else {
            return Err(self.error(
                "the expression is true or false, which no field holds",
                format!("write if({text}, 'Y', 'N')"),
            ));
        };
        let names = expression.columns().iter().filter(|name| *name != VALUE);
        self.needed.extend(names.cloned());
        self.gives(kind);
        Ok(Prepared::Expression(expression))
    }
}

const NO_NUMBER: &str = "take a number from the date first, as in { expression = \"year(value)\" }";
const LOOK_UP: &str = "write look_up = { table = \"IM_ProductLine\", on = { ProductLine = \"ProductLine\" }, column = \"ProductLineDesc\" }";

impl Prepared {
    fn apply(
        &self,
        value: Value,
        row: &dyn Fn(&str) -> Value,
        look_up: &LookUpRow<'_>,
    ) -> Result<Value, EvaluateError> {
        match (self, value) {
            (Self::Concat(pieces), value) => {
                let mut text = String::new();
                for piece in pieces {
                    text.push_str(&piece.text(&value, row)?);
                    produced(text.len())?;
                }
                Ok(Value::Text(text))
            }
            (Self::LookUp { table, keys, column }, value) => {
                let keys = keys.iter().map(|(theirs, piece)| {
                    let key = piece.text(&value, row)?;
                    Ok((theirs.clone(), key))
                });
                let keys = keys.collect::<Result<Vec<_>, EvaluateError>>()?;
                let found = look_up(table, &keys, column);
                Ok(Value::Text(
                    found.map_or(String::new(), |found| found.to_string()),
                ))
            }
            (Self::Expression(expression), value) => expression.evaluate(&|name| {
                if name == VALUE { value.clone() } else { row(name) }
            }),
            (Self::Scale(scale), Value::Text(text)) => number(read_number(&text)?.rescale(*scale)?),
            (Self::Scale(scale), Value::Decimal(decimal)) => {
                number(Number::from_decimal(decimal).rescale(*scale)?)
            }
            (Self::Multiply(factor), Value::Decimal(decimal)) => {
                number(Number::from_decimal(decimal).multiply(*factor)?)
            }
            (Self::DefaultDate(date), Value::Date(None)) => Ok(Value::Date(Some(*date))),
            (step, Value::Text(text)) => step.rewrite(text).map(Value::Text),
            // What is left is a date that is there; all else was refused before.
            (_, value @ (Value::Decimal(_) | Value::Date(_) | Value::Bool(_))) => Ok(value),
        }
    }

    fn rewrite(&self, text: String) -> Result<String, EvaluateError> {
        Ok(match self {
            Self::Trim => text.trim().to_owned(),
            Self::Upper => upper(&text)?,
            Self::Lower => lower(&text)?,
            Self::Title => title(&text)?,
            Self::Map { values, default } => match (values.get(&text), default) {
                (Some(known), _) => known.clone(),
                (None, Some(default)) => default.clone(),
                (None, None) => text,
            },
            Self::DefaultText(default) if text.trim().is_empty() => default.clone(),
            Self::Replace { from, to } => replaced(&text, from, to)?,
            Self::Cut(characters) => first_characters(&text, *characters).to_owned(),
            Self::DefaultText(_)
            | Self::DefaultDate(_)
            | Self::Scale(_)
            | Self::Multiply(_)
            | Self::Concat(_)
            | Self::LookUp { .. }
            | Self::Expression(_) => text,
        })
    }
}

impl Piece {
    fn text(&self, value: &Value, row: &dyn Fn(&str) -> Value) -> Result<String, EvaluateError> {
        Ok(match self {
            Self::Value => value.to_string(),
            Self::Column(name, ty) => typed(row(name), *ty, name)?.to_string(),
            Self::Text(text) => text.clone(),
        })
    }
}

fn number(number: Number) -> Result<Value, EvaluateError> {
    number.narrow().map(Value::Decimal)
}

/// The value as the column was said to be, at its scale.
fn typed(value: Value, ty: Ty, column: &str) -> Result<Value, EvaluateError> {
    if value.kind() != ty.plain() {
        let column = column.to_owned();
        return Err(EvaluateError::OtherType { column });
    }
    match value {
        Value::Decimal(decimal) => number(Number::from_decimal(decimal).rescale(ty.scale())?),
        Value::Text(_) | Value::Date(_) | Value::Bool(_) => Ok(value),
    }
}

/// A word begins after anything that is neither letter, digit nor apostrophe.
fn title(text: &str) -> Result<String, EvaluateError> {
    produced(text.len())?;
    let mut titled = String::with_capacity(text.len());
    let mut inside = false;
    for character in text.chars() {
        if inside {
            titled.extend(character.to_lowercase());
        } else {
            titled.extend(character.to_uppercase());
        }
        inside = character.is_alphanumeric() || matches!(character, '\'' | '’');
    }
    produced(titled.len())?;
    Ok(titled)
}
