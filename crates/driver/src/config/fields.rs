//! `fields` of a section: steps of fields and of the site's own values, and new values.

use std::collections::BTreeSet;

use catalog::{Class, Field};
use expression::Step;
use sync::{Extra, FieldSteps};
use toml::Value;
use values::Kind;

use super::columns::Columns;
use super::mistake::Mistake;
use super::place::Place;
use super::section::{Section, list, wrong};
use super::site::{add, class};

const EXAMPLE_FIELD: &str = "fields.item_code_desc = [\"trim\"]";
const EXAMPLE_NEW: &str =
    "fields.web_price = { class = \"public\", steps = [{ expression = \"StandardUnitPrice * 2\" }] }";
/// What `fields` is read for.
pub(super) struct Part<'a> {
    pub(super) dataset: &'a str,
    pub(super) child: Option<&'a str>,
    pub(super) columns: Columns<'a>,
    pub(super) key: &'a [&'a str],
}

/// Steps of fields and of the site's own values, and new values.
pub(super) fn fields(
    section: &Section<'_>,
    part: &Part<'_>,
    extras: &mut Vec<Extra>,
    all: &mut Vec<FieldSteps>,
) -> Result<(), Mistake> {
    let Some((value, place)) = section.get("fields") else {
        return Ok(());
    };
    let fields = Section::of(value, place, EXAMPLE_FIELD)?;
    let mut taken = BTreeSet::new();
    for (name, value, place) in fields.entries() {
        let (class, steps_of, steps_place) = match value {
            Value::Table(_) => {
                let own = Section::of(value, place.clone(), EXAMPLE_NEW)?;
                own.only_keys(&["class", "steps"], "")?;
                let Some((value, steps_place)) = own.get("steps") else {
                    return Err(Mistake::new(
                        &place,
                        "there are no steps",
                        format!("write {EXAMPLE_NEW}"),
                    ));
                };
                (class(&own)?, value, steps_place)
            }
            Value::Array(_) => (None, value, place.clone()),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_) => {
                return Err(wrong(value, &place, "a list of steps", EXAMPLE_FIELD));
            }
        };
        let steps = steps(steps_of, &steps_place)?;
        let field = part.columns.fields.iter().filter(|f| !f.is_udf());
        let field = field
            .clone()
            .find(|f| f.name == name)
            .or_else(|| field.clone().find(|f| f.column.eq_ignore_ascii_case(name)));
        let column = if let Some(field) = field {
            of_field(part, field, class, &place)?;
            part.columns
                .steps(&steps, Some(field.kind), field.class, &steps_place)
                .and_then(|kind| check_kind(kind, field, &steps_place))?;
            all.push(FieldSteps {
                column: field.name.clone(),
                child: part.child.map(str::to_owned),
                steps,
            });
            field.name.clone()
        } else if let Some(extra) = extras.iter_mut().find(|e| e.name == name || e.column == name) {
            if class.is_some() {
                return Err(Mistake::new(
                    &place.key("class"),
                    format!("the class of {name} is given under udf"),
                    "write the class there",
                ));
            }
            part.columns.steps(&steps, None, extra.class, &steps_place)?;
            all.push(FieldSteps {
                column: extra.name.clone(),
                child: part.child.map(str::to_owned),
                steps,
            });
            extra.name.clone()
        } else {
            let Some(class) = class else {
                return Err(no_field(part, name, &place));
            };
            let (extra, rest) = new_value(part, name, class, steps, &steps_place)?;
            add(extras, extra, &place)?;
            if !rest.is_empty() {
                all.push(FieldSteps {
                    column: name.to_owned(),
                    child: part.child.map(str::to_owned),
                    steps: rest,
                });
            }
            name.to_owned()
        };
        if !taken.insert(column.clone()) {
            return Err(Mistake::new(
                &place,
                format!("{column} has steps twice, by its name and by its column"),
                "join them into one list",
            ));
        }
    }
    Ok(())
}

fn steps(value: &Value, place: &Place) -> Result<Vec<Step>, Mistake> {
    let elements = list(value, place, EXAMPLE_FIELD)?;
    if elements.is_empty() {
        return Err(Mistake::new(
            place,
            "the list of steps is empty",
            format!("write {EXAMPLE_FIELD}"),
        ));
    }
    elements
        .into_iter()
        .map(|(value, place)| {
            value.clone().try_into::<Step>().map_err(|error| {
                Mistake::new(
                    &place,
                    error.message().to_owned(),
                    "see docs/expressions.md for the steps and how they are written",
                )
            })
        })
        .collect()
}

fn of_field(part: &Part<'_>, field: &Field, class: Option<Class>, place: &Place) -> Result<(), Mistake> {
    if field.join.is_none() && part.key.contains(&field.column.as_str()) {
        return Err(Mistake::new(
            place,
            format!("{} is part of the key, which stays as it is", field.name),
            "make a new value under udf, by another name and with a class",
        ));
    }
    if class.is_some() {
        return Err(Mistake::new(
            &place.key("class"),
            format!(
                "{} is a field of class {} everywhere",
                field.name,
                field.class.as_str()
            ),
            "take the class out, or make a new value under another name",
        ));
    }
    Ok(())
}

fn check_kind(kind: Kind, field: &Field, place: &Place) -> Result<(), Mistake> {
    let fits = match (kind, field.kind) {
        (_, Kind::Text) | (Kind::Decimal { .. }, Kind::Decimal { .. }) | (Kind::Date, Kind::Date) => true,
        (Kind::Text | Kind::Json | Kind::Decimal { .. } | Kind::Date, Kind::Json)
        | (Kind::Text | Kind::Json | Kind::Date, Kind::Decimal { .. })
        | (Kind::Text | Kind::Json | Kind::Decimal { .. }, Kind::Date) => false,
    };
    if fits {
        return Ok(());
    }
    Err(Mistake::new(
        place,
        format!("the steps end in another kind of value than {} holds", field.name),
        "end with a step that makes the field's own kind, or make a new value under udf",
    ))
}

fn no_field(part: &Part<'_>, name: &str, place: &Place) -> Mistake {
    let of = part.child.map_or_else(
        || part.dataset.to_owned(),
        |child| format!("{child} of {}", part.dataset),
    );
    Mistake::new(
        place,
        format!("{name} is no field of {of}"),
        format!("use a name of docs/data.md or of udf; a new value needs a class: {EXAMPLE_NEW}"),
    )
}

/// A value that no column holds. What its first step makes is the value, the others change it.
fn new_value(
    part: &Part<'_>,
    name: &str,
    class: Class,
    mut steps: Vec<Step>,
    place: &Place,
) -> Result<(Extra, Vec<Step>), Mistake> {
    let expression = match steps.first() {
        Some(Step::Expression(text)) => {
            let text = text.clone();
            if part
                .columns
                .expression(&text, &place.index(0))?
                .field_kind()
                .is_none()
            {
                return Err(Mistake::new(
                    &place.index(0),
                    "the expression is true or false, which no field holds",
                    format!("write if({text}, 'Y', 'N')"),
                ));
            }
            text
        }
        Some(Step::Concat(_) | Step::LookUp(_)) => "''".to_owned(),
        Some(
            Step::Trim
            | Step::Upper
            | Step::Lower
            | Step::Title
            | Step::Map { .. }
            | Step::Default(_)
            | Step::Scale(_)
            | Step::Multiply(_)
            | Step::Replace { .. }
            | Step::Cut(_),
        )
        | None => {
            return Err(Mistake::new(
                &place.index(0),
                format!("{name} is a new value, and nothing is there yet that this step could change"),
                "begin with expression, concat or look_up",
            ));
        }
    };
    part.columns.steps(&steps, Some(Kind::Text), class, place)?;
    if matches!(steps.first(), Some(Step::Expression(_))) {
        steps.remove(0);
    }
    let extra = Extra {
        name: name.to_owned(),
        column: String::new(),
        class,
        expression: Some(expression),
    };
    Ok((extra, steps))
}
