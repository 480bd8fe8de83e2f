//! A field's place in a JSON body.

use serde_json::{Map, Value};

/// The group whose names are told apart by their letters, not by their case.
const UDF: &str = "udf";

/// The names that lead to a field, from the body or from a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    names: Vec<String>,
    /// Are the names spelled as the body has them?
    is_exact: bool,
}

/// Something on the way to the field is there and is no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoObject {
    /// The way to it.
    pub(super) path: String,
}

impl Path {
    pub(super) fn new(path: &str) -> Self {
        Self {
            names: path.split('.').map(str::to_owned).collect(),
            is_exact: false,
        }
    }

    /// A path as [`Path::spelled`] gave it: of two names that differ in case it means one.
    pub(super) fn exact(spelled: &str) -> Self {
        Self {
            is_exact: true,
            ..Self::new(spelled)
        }
    }

    pub(super) fn get<'a>(&self, within: &'a Value) -> Option<&'a Value> {
        let mut value = within;
        let mut above = "";
        for name in &self.names {
            let object = value.as_object()?;
            value = object.get(self.own(object, name, above))?;
            above = name;
        }
        Some(value)
    }

    /// The names as the body spells them, joined.
    pub(super) fn spelled(&self, within: &Value) -> String {
        let mut value = Some(within);
        let mut above = "";
        let mut path = String::new();
        for name in &self.names {
            let object = value.and_then(Value::as_object);
            let own = object.map_or(name.as_str(), |object| self.own(object, name, above));
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(own);
            value = object.and_then(|object| object.get(own));
            above = name;
        }
        path
    }

    /// What stands in the way of a value there.
    pub(super) fn blocked(&self, within: &Value) -> Option<NoObject> {
        let mut value = within;
        let mut above = "";
        for (depth, name) in self.names.iter().enumerate() {
            let Some(object) = value.as_object() else {
                let path = self.names.get(..depth).unwrap_or_default().join(".");
                return Some(NoObject { path });
            };
            value = object
                .get(self.own(object, name, above))
                .filter(|v| !v.is_null())?;
            above = name;
        }
        None
    }

    /// Puts a value there, or takes it out, and gives what was there before. Objects that are
    /// missing on the way are made for a value.
    pub(super) fn set(&self, within: &mut Value, new: Option<Value>) -> Result<Option<Value>, NoObject> {
        let Some((last, way)) = self.names.split_last() else {
            return Ok(None);
        };
        let mut object = match within {
            Value::Object(object) => object,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(NoObject { path: String::new() });
            }
        };
        let mut above = "";
        for (depth, name) in way.iter().enumerate() {
            let own = self.own(object, name, above).to_owned();
            if new.is_none() && !object.contains_key(&own) {
                return Ok(None);
            }
            let next = object.entry(own).or_insert(Value::Null);
            if next.is_null() && new.is_some() {
                *next = Value::Object(Map::new());
            }
            object = match next {
                Value::Object(object) => object,
                Value::Null if new.is_none() => return Ok(None),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                    let path = self.names.get(..=depth).unwrap_or_default().join(".");
                    return Err(NoObject { path });
                }
            };
            above = name;
        }
        let own = self.own(object, last, above).to_owned();
        Ok(match new {
            Some(value) => object.insert(own, value),
            None => object.remove(&own),
        })
    }

    /// The name as the body spells it.
    fn own<'a>(&self, object: &'a Map<String, Value>, name: &'a str, above: &str) -> &'a str {
        if self.is_exact || above != UDF || object.contains_key(name) {
            return name;
        }
        let own = object
            .keys()
            .find(|key| bare(key).eq_ignore_ascii_case(bare(name)));
        own.map_or(name, String::as_str)
    }
}

/// The name without the prefix that Sage's columns have.
fn bare(name: &str) -> &str {
    let prefix = name.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("udf_"));
    prefix.and_then(|_| name.get(4..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_found_and_set() {
        let mut body = json!({"udf": {"GIFT": "Y"}, "ship_to": "2", "hold": null});
        let gift = Path::new("udf.gift");
        assert_eq!(gift.get(&body), Some(&json!("Y")));
        assert_eq!(gift.spelled(&body), "udf.GIFT");
        assert_eq!(gift.set(&mut body, Some(json!("N"))), Ok(Some(json!("Y"))));
        assert_eq!(body["udf"], json!({"GIFT": "N"}));
        assert_eq!(Path::exact("udf.gift").get(&body), None);
        let prefixed = json!({"udf": {"UDF_GIFT": "Y"}});
        assert_eq!(gift.get(&prefixed), Some(&json!("Y")));
        assert_eq!(gift.spelled(&prefixed), "udf.UDF_GIFT");
        let state = Path::new("ship_to.ship_to_state");
        assert_eq!(state.get(&body), None);
        assert_eq!(state.blocked(&body).unwrap().path, "ship_to");
        assert_eq!(gift.blocked(&body), None);
        assert_eq!(Path::new("hold.reason").blocked(&body), None);
        let refused = state.set(&mut body, Some(json!("WA"))).unwrap_err();
        assert_eq!(refused.path, "ship_to");
        let reason = Path::new("hold.reason");
        assert_eq!(reason.set(&mut body, None), Ok(None));
        assert_eq!(reason.set(&mut body, Some(json!("ask"))), Ok(None));
        assert_eq!(body["hold"], json!({"reason": "ask"}));
        assert_eq!(reason.set(&mut body, None), Ok(Some(json!("ask"))));
        assert_eq!(Path::new("a.b").set(&mut json!({}), Some(json!(1))), Ok(None));
    }
}
